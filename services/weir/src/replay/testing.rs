//! Rows for tests.

use std::collections::{BTreeMap, BTreeSet};

use weir_types::{Action, Category};

use super::row::{Change, Kind, Outcome, Row};

/// A prompt's row at `t-0-offset`; actions come with a rule each.
pub(crate) fn row(offset: i64, before: Option<(Action, &str)>, after: (Action, &str)) -> Row {
    let outcome = |(action, rule): (Action, &str)| Outcome {
        action,
        would_action: action,
        categories: BTreeSet::from([Category::Hate]),
        rules: BTreeSet::from([rule.to_owned()]),
        scores: BTreeMap::from([(Category::Hate, 0.25)]),
        risk: Some(0.5),
        unjudged: BTreeSet::new(),
        released_to: 7,
        truncate_at: None,
    };
    Row {
        place: format!("t-0-{offset}"),
        kind: Kind::Prompt,
        timestamp_ms: 1000 + offset,
        request_id: format!("r-{offset}"),
        verdict_id: Some(format!("{offset:032x}")),
        stream_id: None,
        tenant: "acme".to_owned(),
        language: "de".to_owned(),
        complete: true,
        change: Change::between(before.map(|(action, _)| action), after.0),
        before: before.map(outcome),
        after: outcome(after),
        text: None,
    }
}
