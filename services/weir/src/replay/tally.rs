//! Rows summed up: who would be treated otherwise. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_telemetry::language_label;
use weir_types::{Action, Category};
use weir_wire::Moderation;

use super::joined::{Joined, Labelled};
use super::row::{Change, Kind, Outcome, Row};

/// References listed for each change.
const EXAMPLES: usize = 10;

/// Rows of one tenant, language, category or rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Group {
    pub(crate) rows: u64,
    pub(crate) changes: BTreeMap<Change, u64>,
}

/// What all rows come to.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Tally {
    pub(crate) prompts: u64,
    pub(crate) streams: u64,
    /// Rows with something to compare with.
    pub(crate) compared: u64,
    pub(crate) changes: BTreeMap<Change, u64>,
    /// Where: topic-partition-offset.
    pub(crate) examples: BTreeMap<Change, Vec<String>>,
    /// Rows by action before and after.
    pub(crate) actions: BTreeMap<Action, BTreeMap<Action, u64>>,
    /// By action after, of all rows.
    pub(crate) after: BTreeMap<Action, u64>,
    pub(crate) by_tenant: BTreeMap<String, Group>,
    /// By the text's language, as metrics group them.
    pub(crate) by_language: BTreeMap<String, Group>,
    /// By categories that the stricter of both acts on.
    pub(crate) by_category: BTreeMap<String, Group>,
    /// By `detector/rule` of the same.
    pub(crate) by_rule: BTreeMap<String, Group>,
    /// What something did not judge, after.
    pub(crate) unjudged: BTreeMap<String, u64>,
    #[serde(skip)]
    pub(crate) labelled: Vec<Labelled>,
    #[serde(skip)]
    pub(crate) moderated: Vec<Moderation>,
}

impl Group {
    fn add(&mut self, change: Change) {
        self.rows += 1;
        if is_change(change) {
            *self.changes.entry(change).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.rows += other.rows;
        add_all(&mut self.changes, other.changes);
    }

    /// Rows that change.
    pub(crate) fn changed(&self) -> u64 {
        self.changes.values().sum()
    }
}

impl Tally {
    pub(crate) fn take(&mut self, row: &Row, joined: &Joined) {
        match row.kind {
            Kind::Prompt => self.prompts += 1,
            Kind::Stream => self.streams += 1,
        }
        let change = row.change;
        *self.after.entry(row.after.action).or_default() += 1;
        if let Some(before) = &row.before {
            self.compared += 1;
            let after = self.actions.entry(before.action).or_default();
            *after.entry(row.after.action).or_default() += 1;
        }
        if is_change(change) {
            *self.changes.entry(change).or_default() += 1;
            let examples = self.examples.entry(change).or_default();
            if examples.len() < EXAMPLES {
                examples.push(row.place.clone());
            }
        }
        add(&mut self.by_tenant, &row.tenant, change);
        add(&mut self.by_language, language_label(&row.language), change);
        let stricter = row.stricter();
        for category in &stricter.categories {
            add(&mut self.by_category, category.as_str(), change);
        }
        for rule in &stricter.rules {
            add(&mut self.by_rule, rule, change);
        }
        for unjudged in &row.after.unjudged {
            *self.unjudged.entry(unjudged.clone()).or_default() += 1;
        }
        self.labelled.extend(joined.labelled(row));
        self.moderated.extend(joined.moderated(row));
    }

    /// Adds what comes after; the same as if its rows had been taken one by one.
    pub(crate) fn merge(&mut self, other: Self) {
        self.prompts += other.prompts;
        self.streams += other.streams;
        self.compared += other.compared;
        add_all(&mut self.changes, other.changes);
        for (change, places) in other.examples {
            let examples = self.examples.entry(change).or_default();
            examples.extend(places);
            examples.truncate(EXAMPLES);
        }
        for (before, after) in other.actions {
            add_all(self.actions.entry(before).or_default(), after);
        }
        add_all(&mut self.after, other.after);
        for (mine, its) in [
            (&mut self.by_tenant, other.by_tenant),
            (&mut self.by_language, other.by_language),
            (&mut self.by_category, other.by_category),
            (&mut self.by_rule, other.by_rule),
        ] {
            for (name, its) in its {
                mine.entry(name).or_default().merge(its);
            }
        }
        add_all(&mut self.unjudged, other.unjudged);
        self.labelled.extend(other.labelled);
        self.moderated.extend(other.moderated);
    }
}

impl Row {
    /// The outcome that a change is put down to: the stricter one, the later of equal ones.
    fn stricter(&self) -> &Outcome {
        match &self.before {
            Some(before) if before.action > self.after.action => before,
            _ => &self.after,
        }
    }

    /// Whether the policy acts on a category, after.
    pub(crate) fn acts_on(&self, category: Category) -> bool {
        self.after.categories.contains(&category)
    }
}

const fn is_change(change: Change) -> bool {
    !matches!(change, Change::Same | Change::NotCompared)
}

/// A name is owned only where it is new: the same ones come again and again.
fn add(groups: &mut BTreeMap<String, Group>, name: &str, change: Change) {
    match groups.get_mut(name) {
        Some(group) => group.add(change),
        None => groups.entry(name.to_owned()).or_default().add(change),
    }
}

fn add_all<K: Ord>(counts: &mut BTreeMap<K, u64>, more: BTreeMap<K, u64>) {
    for (key, count) in more {
        *counts.entry(key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::replay::testing::row;

    #[test]
    fn a_change_is_put_down_to_the_stricter_side() {
        let mut tally = Tally::default();
        let joined = Joined::default();
        tally.take(
            &row(1, Some((Action::Allow, "a/1")), (Action::Block, "b/2")),
            &joined,
        );
        tally.take(
            &row(2, Some((Action::Block, "a/1")), (Action::Allow, "b/2")),
            &joined,
        );
        tally.take(
            &row(3, Some((Action::Warn, "a/1")), (Action::Warn, "b/2")),
            &joined,
        );
        tally.take(&row(4, None, (Action::Block, "b/2")), &joined);
        assert_eq!(
            tally.changes,
            BTreeMap::from([(Change::NewlyBlocked, 1), (Change::Released, 1)])
        );
        assert_eq!(tally.examples[&Change::Released], ["t-0-2"]);
        assert_eq!(
            tally.by_rule["a/1"].changes,
            BTreeMap::from([(Change::Released, 1)])
        );
        assert_eq!(tally.by_rule["b/2"].rows, 3);
        assert_eq!(tally.by_rule["b/2"].changed(), 1);
        assert_eq!(
            (tally.compared, tally.actions[&Action::Warn][&Action::Warn]),
            (3, 1)
        );
    }

    proptest! {
        #[test]
        fn parts_come_to_the_whole(kinds in prop::collection::vec((0..4_u8, 0..4_u8), 0..60), cut in 0..60_usize) {
            let action = |number: u8| Action::ALL[usize::from(number)];
            let rows: Vec<_> = (0..).zip(&kinds).map(|(offset, (before, after))| {
                row(offset, Some((action(*before), "a/1")), (action(*after), "b/2"))
            }).collect();
            let joined = Joined::default();
            let sum = |rows: &[Row]| {
                let mut tally = Tally::default();
                rows.iter().for_each(|row| tally.take(row, &joined));
                tally
            };
            let (first, second) = rows.split_at(cut.min(rows.len()));
            let mut merged = sum(first);
            merged.merge(sum(second));
            let text = |tally: &Tally| serde_json::to_string(tally).unwrap();
            prop_assert_eq!(text(&merged), text(&sum(&rows)));
        }
    }
}
