//! Rows as a Parquet file, for notebooks and warehouses: one column a field, `before_*` and `after_*` beside each other.
//! Sets are joined by commas; a category's score has a column of its own.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};
use weir_types::Category;

use super::row::{Outcome, Row};

/// Rows of a group: what is held in memory.
const GROUP: usize = 65_536;

/// The values of a column, in order; `None` is null.
enum Column {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
}

/// A file that is being written.
pub(crate) struct ParquetFile<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    with_text: bool,
    columns: Vec<(String, Column)>,
    rows: usize,
}

impl<W: Write + Send> ParquetFile<W> {
    pub(crate) fn new(to: W, with_text: bool) -> Result<Self> {
        let columns = columns(with_text);
        let fields: Result<Vec<TypePtr>> = columns.iter().map(field).collect();
        let schema = Type::group_type_builder("row")
            .with_fields(fields?)
            .build()?;
        let properties = WriterProperties::builder()
            .set_created_by(concat!("weir ", env!("CARGO_PKG_VERSION")).to_owned())
            .build();
        Ok(Self {
            writer: SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties))?,
            with_text,
            columns,
            rows: 0,
        })
    }

    pub(crate) fn add(&mut self, row: &Row) -> Result<()> {
        let values = values(row, self.with_text);
        for ((_, column), value) in self.columns.iter_mut().zip(values) {
            column.push(value);
        }
        self.rows += 1;
        if self.rows == GROUP {
            self.flush()?;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        self.writer.close()?;
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        let mut columns = self.columns.iter_mut();
        while let Some(mut writer) = group.next_column()? {
            let Some((_, column)) = columns.next() else {
                break;
            };
            match column {
                Column::Text(values) => {
                    let (levels, values) = split(values);
                    let values: Vec<ByteArray> = values
                        .into_iter()
                        .map(|it| it.into_bytes().into())
                        .collect();
                    let typed = writer.typed::<ByteArrayType>();
                    typed.write_batch(&values, Some(&levels), None)?;
                }
                Column::Whole(values) => {
                    let (levels, values) = split(values);
                    let typed = writer.typed::<Int64Type>();
                    typed.write_batch(&values, Some(&levels), None)?;
                }
                Column::Real(values) => {
                    let (levels, values) = split(values);
                    let typed = writer.typed::<DoubleType>();
                    typed.write_batch(&values, Some(&levels), None)?;
                }
                Column::Flag(values) => {
                    let (levels, values) = split(values);
                    let typed = writer.typed::<BoolType>();
                    typed.write_batch(&values, Some(&levels), None)?;
                }
            }
            writer.close()?;
        }
        group.close()?;
        self.rows = 0;
        Ok(())
    }
}

/// One value of a row.
enum Value {
    Text(Option<String>),
    Whole(Option<i64>),
    Real(Option<f64>),
    Flag(Option<bool>),
}

impl Column {
    /// A value of another kind is null; columns and values come from lists that a test holds together.
    fn push(&mut self, value: Value) {
        match (self, value) {
            (Self::Text(column), Value::Text(value)) => column.push(value),
            (Self::Whole(column), Value::Whole(value)) => column.push(value),
            (Self::Real(column), Value::Real(value)) => column.push(value),
            (Self::Flag(column), Value::Flag(value)) => column.push(value),
            (Self::Text(column), _) => column.push(None),
            (Self::Whole(column), _) => column.push(None),
            (Self::Real(column), _) => column.push(None),
            (Self::Flag(column), _) => column.push(None),
        }
    }
}

/// The columns, empty.
fn columns(with_text: bool) -> Vec<(String, Column)> {
    let text = || Column::Text(Vec::new());
    let mut columns: Vec<(String, Column)> = [
        ("ref", text()),
        ("kind", text()),
        ("timestamp_ms", Column::Whole(Vec::new())),
        ("request_id", text()),
        ("verdict_id", text()),
        ("stream_id", text()),
        ("tenant", text()),
        ("language", text()),
        ("complete", Column::Flag(Vec::new())),
        ("change", text()),
    ]
    .map(|(name, column)| (name.to_owned(), column))
    .into();
    for side in ["before", "after"] {
        let of = |name: &str| format!("{side}_{name}");
        for name in ["action", "would_action", "categories", "rules", "unjudged"] {
            columns.push((of(name), text()));
        }
        columns.push((of("risk"), Column::Real(Vec::new())));
        columns.push((of("released_to"), Column::Whole(Vec::new())));
        columns.push((of("truncate_at"), Column::Whole(Vec::new())));
        for category in Category::ALL {
            let name = of(&format!("score_{category}"));
            columns.push((name, Column::Real(Vec::new())));
        }
    }
    if with_text {
        columns.push(("text".to_owned(), text()));
    }
    columns
}

/// A row's values, in the order of [`columns`].
fn values(row: &Row, with_text: bool) -> Vec<Value> {
    let text = |value: &str| Value::Text(Some(value.to_owned()));
    let mut values = vec![
        text(&row.place),
        text(row.kind.as_str()),
        Value::Whole(Some(row.timestamp_ms)),
        text(&row.request_id),
        Value::Text(row.verdict_id.clone()),
        Value::Text(row.stream_id.clone()),
        text(&row.tenant),
        text(&row.language),
        Value::Flag(Some(row.complete)),
        text(row.change.as_str()),
    ];
    for outcome in [row.before.as_ref(), Some(&row.after)] {
        let of = |value: fn(&Outcome) -> String| Value::Text(outcome.map(value));
        let joined = |names: Vec<&str>| names.join(",");
        let categories = |it: &Outcome| it.categories.iter().map(|one| one.as_str()).collect();
        values.push(of(|it| it.action.as_str().to_owned()));
        values.push(of(|it| it.would_action.as_str().to_owned()));
        values.push(Value::Text(outcome.map(|it| joined(categories(it)))));
        let sets = outcome.map(|it| [&it.rules, &it.unjudged]);
        for at in 0..2 {
            let names = sets.map(|sets| sets[at].iter().map(String::as_str).collect());
            values.push(Value::Text(names.map(joined)));
        }
        values.push(Value::Real(outcome.and_then(|it| it.risk).map(f64::from)));
        values.push(Value::Whole(outcome.map(|it| it.released_to)));
        values.push(Value::Whole(outcome.and_then(|it| it.truncate_at)));
        for category in Category::ALL {
            let score = outcome.and_then(|it| it.scores.get(&category));
            values.push(Value::Real(score.map(|score| f64::from(*score))));
        }
    }
    if with_text {
        values.push(Value::Text(row.text.clone()));
    }
    values
}

fn field((name, column): &(String, Column)) -> Result<TypePtr> {
    let (physical, logical) = match column {
        Column::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Column::Whole(_) => (Physical::INT64, None),
        Column::Real(_) => (Physical::DOUBLE, None),
        Column::Flag(_) => (Physical::BOOLEAN, None),
    };
    let field = Type::primitive_type_builder(name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .build()?;
    Ok(Arc::new(field))
}

/// Definition levels (1: there is a value), and the values.
fn split<T>(values: &mut Vec<Option<T>>) -> (Vec<i16>, Vec<T>) {
    let levels = values
        .iter()
        .map(|value| i16::from(value.is_some()))
        .collect();
    (levels, values.drain(..).flatten().collect())
}

#[cfg(test)]
mod tests {
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use parquet::record::RowAccessor as _;
    use weir_types::Action;

    use super::*;
    use crate::replay::testing::row;

    #[test]
    fn what_is_written_is_read() {
        let rows = [
            row(1, Some((Action::Allow, "a/1")), (Action::Block, "b/2")),
            row(2, None, (Action::Warn, "b/2")),
        ];
        let file = tempfile::tempfile().unwrap();
        let mut parquet = ParquetFile::new(file.try_clone().unwrap(), false).unwrap();
        for row in &rows {
            parquet.add(row).unwrap();
        }
        parquet.finish().unwrap();
        let reader = SerializedFileReader::new(file).unwrap();
        let read: Vec<_> = reader
            .get_row_iter(None)
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(read.len(), 2);
        let place = |name: &str| {
            let mut columns = columns(false).into_iter();
            columns.position(|(column, _)| column == name).unwrap()
        };
        assert_eq!(read[0].get_string(place("ref")).unwrap(), "t-0-1");
        assert_eq!(
            read[0].get_string(place("change")).unwrap(),
            "newly_blocked"
        );
        assert_eq!(read[0].get_string(place("before_rules")).unwrap(), "a/1");
        assert_eq!(read[1].get_string(place("after_action")).unwrap(), "warn");
        assert!(read[1].get_string(place("before_action")).is_err(), "null");
        let score = read[1].get_double(place("after_score_hate")).unwrap();
        assert!((score - 0.25).abs() < 1e-9);
    }

    #[test]
    fn values_are_what_their_columns_hold() {
        for with_text in [false, true] {
            let columns = columns(with_text);
            let row = row(1, Some((Action::Allow, "a/1")), (Action::Block, "b/2"));
            let values = values(&row, with_text);
            assert_eq!(columns.len(), values.len());
            for ((name, column), value) in columns.iter().zip(&values) {
                let fits = matches!(
                    (column, value),
                    (Column::Text(_), Value::Text(_))
                        | (Column::Whole(_), Value::Whole(_))
                        | (Column::Real(_), Value::Real(_))
                        | (Column::Flag(_), Value::Flag(_))
                );
                assert!(fits, "{name}");
            }
        }
    }
}
