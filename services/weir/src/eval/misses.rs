//! The ids of rows that were judged worst.

use serde::Serialize;
use weir_types::Action;

use super::outcome::Outcome;
use super::subject::Subject;

/// Rows of one subject, worst first. Ids only: whoever has the data can look.
#[derive(Debug, Serialize)]
pub(crate) struct Misses {
    pub(crate) category: &'static str,
    /// Positives that nothing was done about, the lowest scores first.
    pub(crate) missed: Vec<String>,
    /// Negatives that something was done about, the strictest action and the highest score first.
    pub(crate) false_alarms: Vec<String>,
}

impl Misses {
    pub(crate) fn is_empty(&self) -> bool {
        self.missed.is_empty() && self.false_alarms.is_empty()
    }
}

/// `most` of each kind at most.
pub(crate) fn worst(rows: &[Outcome], subject: Subject, most: usize) -> Misses {
    let wrong = |positive: bool| {
        let mut rows: Vec<&Outcome> = rows
            .iter()
            .filter(|row| {
                let acted = row.action(subject) > Action::Allow;
                row.labels.truth(subject) == Some(positive) && acted != positive
            })
            .collect();
        let score = |row: &Outcome| row.score(subject).unwrap_or(0.0);
        rows.sort_by(|a, b| score(a).total_cmp(&score(b)));
        rows
    };
    let ids = |rows: &[&Outcome]| rows.iter().take(most).map(|row| row.id.clone()).collect();
    let mut false_alarms = wrong(false);
    false_alarms.reverse();
    false_alarms.sort_by_key(|row| std::cmp::Reverse(row.action(subject)));
    Misses {
        category: subject.as_str(),
        missed: ids(&wrong(true)),
        false_alarms: ids(&false_alarms),
    }
}
