//! A row in columns: one a field, `before_*` and `after_*` beside each other. Sets are joined by commas; a category's score
//! has a column of its own.

use weir_types::Category;

use super::row::{Outcome, Row};

/// The values of a column, in order; `None` is null.
pub(crate) enum Column {
    Text(Vec<Option<String>>),
    Whole(Vec<Option<i64>>),
    Real(Vec<Option<f64>>),
    Flag(Vec<Option<bool>>),
}

/// One value of a row.
pub(crate) enum Value {
    Text(Option<String>),
    Whole(Option<i64>),
    Real(Option<f64>),
    Flag(Option<bool>),
}

impl Column {
    /// A value of another kind is null; columns and values come from lists that a test holds together.
    pub(crate) fn push(&mut self, value: Value) {
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
pub(crate) fn columns(with_text: bool) -> Vec<(String, Column)> {
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
pub(crate) fn values(row: &Row, with_text: bool) -> Vec<Value> {
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

#[cfg(test)]
mod tests {
    use weir_types::Action;

    use super::*;
    use crate::replay::testing::row;

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
