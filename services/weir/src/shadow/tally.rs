//! What moderation records say of both models, summed up. Pure.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use weir_stats::WeightedShare;
use weir_telemetry::language_label;
use weir_types::{Action, Agreement, Category, Outcome, SelectionReason};
use weir_wire::Moderation;

/// Records, and for how many texts they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub(crate) struct Cell {
    pub(crate) records: u64,
    /// Sum of 1 / inclusion probability.
    pub(crate) weight: f64,
}

impl Cell {
    fn add(&mut self, weight: f64) {
        self.records += 1;
        self.weight += weight;
    }
}

/// Both models in one category.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Compared {
    pub(crate) cells: [Cell; Agreement::ALL.len()],
    pub(crate) agreeing: WeightedShare,
}

impl Compared {
    fn add(&mut self, agreement: Agreement, weight: f64) {
        // A weight that the record gives is one, and the share takes it.
        if self.agreeing.add(agreement.agrees(), weight).is_ok() {
            self.cells[agreement as usize].add(weight);
        }
    }
}

/// What became of the records, each of them once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Records {
    pub(crate) read: u64,
    /// No moderation record.
    pub(crate) undecodable: u64,
    pub(crate) other_tenants: u64,
    /// No id of 32 hex digits, or an inclusion probability that is not above 0 and at most 1.
    pub(crate) refused: u64,
    /// The same moderation id had been read.
    pub(crate) repeated: u64,
    pub(crate) counted: u64,
    /// Of the counted: what only the fast model judged...
    pub(crate) not_judged_by_heavy: u64,
    /// ... only the heavy one (the fast verdict rests on rules alone)...
    pub(crate) not_judged_by_fast: u64,
    /// ... neither ...
    pub(crate) judged_by_neither: u64,
    /// ... and both.
    pub(crate) judged_by_both: u64,
    /// Of those judged by both: windows of streams.
    pub(crate) of_streams: u64,
    /// Of those judged by both: longer than the heavy model reads.
    pub(crate) judged_in_part: u64,
}

/// All that a report is made of.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tenant: Option<String>,
    seen: HashSet<u128>,
    pub(crate) records: Records,
    /// By category and language; `None`: all of them.
    pub(crate) compared: BTreeMap<(Category, Option<&'static str>), Compared>,
    /// Of records that both judged, those in which a category cannot be compared: a score is missing or no number, or the
    /// policy never acts on it.
    pub(crate) not_compared: BTreeMap<Category, u64>,
    /// Of records that both judged: fast action, heavy action.
    pub(crate) actions: [[Cell; Action::ALL.len()]; Action::ALL.len()],
    /// Of all that are counted.
    pub(crate) outcomes: [[Cell; Outcome::ALL.len()]; SelectionReason::ALL.len()],
    /// Heavy models by name: counted records.
    pub(crate) models: BTreeMap<String, u64>,
}

impl Tally {
    /// Of one tenant's records, or of all.
    pub(crate) fn new(tenant: Option<String>) -> Self {
        Self {
            tenant,
            ..Self::default()
        }
    }

    /// A record that could not be decoded.
    pub(crate) const fn undecodable(&mut self) {
        self.records.read += 1;
        self.records.undecodable += 1;
    }

    pub(crate) fn take(&mut self, record: &Moderation) {
        let records = &mut self.records;
        records.read += 1;
        if self
            .tenant
            .as_ref()
            .is_some_and(|tenant| *tenant != record.tenant)
        {
            records.other_tenants += 1;
            return;
        }
        let (Some(id), Some(weight)) = (id(&record.moderation_id), record.weight()) else {
            records.refused += 1;
            return;
        };
        if !self.seen.insert(id) {
            records.repeated += 1;
            return;
        }
        records.counted += 1;
        let [reason, outcome] = [record.selection_reason as usize, record.outcome as usize];
        self.outcomes[reason][outcome].add(weight);
        *self.models.entry(record.model.name.clone()).or_default() += 1;
        match (
            record.fast_scores.is_empty(),
            record.heavy_scores.is_empty(),
        ) {
            (true, true) => records.judged_by_neither += 1,
            (true, false) => records.not_judged_by_fast += 1,
            (false, true) => records.not_judged_by_heavy += 1,
            (false, false) => self.compare(record, weight),
        }
    }

    fn compare(&mut self, record: &Moderation, weight: f64) {
        let records = &mut self.records;
        records.judged_by_both += 1;
        records.of_streams += u64::from(record.stream_id.is_some());
        records.judged_in_part += u64::from(!record.unjudged.is_empty());
        self.actions[record.fast_action as usize][record.heavy_action as usize].add(weight);
        let language = language_label(&record.language);
        for category in Category::ALL {
            let Some(agreement) = record.agreement(category) else {
                *self.not_compared.entry(category).or_default() += 1;
                continue;
            };
            for language in [None, Some(language)] {
                self.compared
                    .entry((category, language))
                    .or_default()
                    .add(agreement, weight);
            }
        }
    }
}

fn id(text: &str) -> Option<u128> {
    u128::from_str_radix(text, 16)
        .ok()
        .filter(|_| text.len() == 32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::testing::{moderation, unjudged};

    fn of(records: &[Moderation]) -> Tally {
        let mut tally = Tally::default();
        for record in records {
            tally.take(record);
        }
        tally
    }

    #[test]
    fn each_record_weighs_what_its_probability_says() {
        let tally = of(&[
            moderation(1, 1.0, "de", 0.9, 0.9),
            moderation(2, 0.01, "de-AT", 0.1, 0.9),
            moderation(3, 0.01, "de", 0.1, 0.1),
            moderation(4, 0.5, "made up by a client", 0.9, 0.1),
        ]);
        let cell = |records, weight| Cell { records, weight };
        let compared = |language| tally.compared[&(Category::Hate, language)].cells;
        let none = Cell::default();
        assert_eq!(
            compared(None),
            [cell(1, 1.0), cell(1, 2.0), cell(1, 100.0), cell(1, 100.0)]
        );
        assert_eq!(
            compared(Some("de")),
            [cell(1, 1.0), none, cell(1, 100.0), cell(1, 100.0)]
        );
        assert_eq!(compared(Some("other")), [none, cell(1, 2.0), none, none]);
        assert_eq!(tally.compared.len(), 3);
        // The other categories have no scores.
        assert_eq!(tally.not_compared.len(), Category::COUNT - 1);
        assert_eq!(tally.not_compared[&Category::Violence], 4);
        assert_eq!(tally.records.judged_by_both, 4);
        let [allow, block] = [Action::Allow as usize, Action::Block as usize];
        assert_eq!(tally.actions[allow][block], cell(1, 100.0));
        assert_eq!(tally.actions[block][allow], cell(1, 2.0));
        let outcomes = tally.outcomes[SelectionReason::Sample as usize];
        assert_eq!(outcomes[Outcome::Confirmed as usize], cell(2, 101.0));
        assert_eq!(outcomes[Outcome::Tightened as usize], cell(1, 100.0));
        assert_eq!(outcomes[Outcome::Overturned as usize], cell(1, 2.0));
    }

    #[test]
    fn what_is_not_compared_is_counted() {
        let good = moderation(1, 0.5, "en", 0.1, 0.1);
        let mut rules = moderation(2, 1.0, "en", 0.1, 0.1);
        rules.fast_scores.clear();
        let mut neither = unjudged(4, 1.0);
        neither.fast_scores.clear();
        let mut improbable = moderation(5, 0.5, "en", 0.1, 0.1);
        improbable.inclusion_probability = 1.5;
        let mut nameless = moderation(6, 0.5, "en", 0.1, 0.1);
        nameless.moderation_id = "6".to_owned();
        let mut in_part = moderation(7, 0.5, "en", 0.1, 0.1);
        in_part.unjudged = unjudged(8, 1.0).unjudged;
        in_part.stream_id = Some("r/0/0/content".to_owned());
        let mut tally = of(&[
            good.clone(),
            good,
            rules,
            unjudged(3, 0.25),
            neither,
            improbable,
            nameless,
            in_part,
        ]);
        tally.undecodable();
        assert_eq!(
            tally.records,
            Records {
                read: 9,
                undecodable: 1,
                other_tenants: 0,
                refused: 2,
                repeated: 1,
                counted: 5,
                not_judged_by_heavy: 1,
                not_judged_by_fast: 1,
                judged_by_neither: 1,
                judged_by_both: 2,
                of_streams: 1,
                judged_in_part: 1,
            }
        );
        let unjudged = tally.outcomes[SelectionReason::Sample as usize][Outcome::Unjudged as usize];
        assert_eq!((unjudged.records, unjudged.weight), (2, 5.0));
    }

    #[test]
    fn of_one_tenant_only() {
        let mut other = moderation(2, 1.0, "en", 0.9, 0.9);
        other.tenant = "other".to_owned();
        let mut tally = Tally::new(Some("acme".to_owned()));
        tally.take(&moderation(1, 1.0, "en", 0.9, 0.9));
        tally.take(&other);
        assert_eq!((tally.records.counted, tally.records.other_tenants), (1, 1));
    }
}
