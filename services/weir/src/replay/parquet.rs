//! Rows as a Parquet file, for notebooks and warehouses.

use std::io::Write;
use std::sync::Arc;

use anyhow::Result;
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use super::columns::{Column, columns, values};
use super::row::Row;

/// Rows of a group: what is held in memory.
const GROUP: usize = 65_536;

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
}
