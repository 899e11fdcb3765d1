//! What others say of the same texts: people, and the heavy model.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use weir_gate::Judges;
use weir_types::{Category, CategoryScore};
use weir_wire::Moderation;

use super::row::Row;
use crate::labels::{Labels, Name, Truth};

/// What rows are joined with.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    labels: Option<Labels>,
    /// On prompts, by the id of the fast verdict.
    moderation: HashMap<String, Moderation>,
    /// What there is of it.
    pub(crate) looks: Looks,
    /// Under whose policies the fast model's scores are looked at.
    judges: Option<Judges>,
}

/// What became of records on the topic of moderation, each of them once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Looks {
    pub(crate) read: u64,
    /// No moderation record, or of a schema that is not known.
    pub(crate) undecodable: u64,
    /// Of windows of streams: a replay's may fall elsewhere.
    pub(crate) of_streams: u64,
    /// A later one is on the same verdict, and counts.
    pub(crate) repeated: u64,
    /// Of prompts that were not replayed.
    pub(crate) not_replayed: u64,
    /// Beside a prompt that was.
    pub(crate) joined: u64,
}

impl Looks {
    /// When so many are beside a prompt that was replayed.
    pub(crate) const fn with_joined(self, joined: u64) -> Self {
        let left_out = self.undecodable + self.of_streams + self.repeated;
        Self {
            not_replayed: self.read.saturating_sub(left_out + joined),
            joined,
            ..self
        }
    }
}

/// A row that people labelled.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    pub(crate) truth: Truth,
    pub(crate) acted: [bool; Category::COUNT],
    pub(crate) scores: [Option<f32>; Category::COUNT],
}

impl Joined {
    pub(crate) fn with_labels(&mut self, path: &Path) -> Result<()> {
        self.labels = Some(Labels::read(path)?);
        Ok(())
    }

    /// The policies that the replay judges by, for what [`Joined::take`] is given.
    pub(crate) fn with_judges(&mut self, judges: Judges) {
        self.judges = Some(judges);
    }

    /// Takes a record of the topic of moderation; `None`: one that cannot be read.
    pub(crate) fn take(&mut self, record: Option<Moderation>) {
        self.looks.read += 1;
        match record {
            None => self.looks.undecodable += 1,
            Some(record) if record.stream_id.is_some() => self.looks.of_streams += 1,
            Some(record) => {
                let earlier = self.moderation.insert(record.verdict_id.clone(), record);
                self.looks.repeated += u64::from(earlier.is_some());
            }
        }
    }

    pub(crate) fn labelled(&self, row: &Row) -> Option<Labelled> {
        let labels = self.labels.as_ref()?;
        let place = Name::Place(row.place.clone());
        let label = match (&row.stream_id, &row.verdict_id) {
            (Some(stream), _) => labels.find(&[place, Name::Stream(stream.clone())]),
            (None, Some(verdict)) => labels.find(&[
                place,
                Name::Verdict(verdict.clone()),
                Name::Request(row.request_id.clone()),
            ]),
            (None, None) => labels.find(&[place, Name::Request(row.request_id.clone())]),
        };
        Some(Labelled {
            truth: label?.truth,
            acted: Category::ALL.map(|category| row.acts_on(category)),
            scores: Category::ALL.map(|category| row.after.scores.get(&category).copied()),
        })
    }

    /// The moderation record of the same prompt, the fast model's part in it as replayed. What was drawn, and how likely,
    /// is the gate's that ran.
    pub(crate) fn moderated(&self, row: &Row) -> Option<Moderation> {
        let found = self.moderation.get(row.verdict_id.as_ref()?)?;
        let policy = self.judges.as_ref()?.policies().for_tenant(&row.tenant);
        let score = |(category, calibrated): (&Category, &f32)| {
            let threshold = policy.tiers(*category).lowest();
            CategoryScore {
                category: *category,
                raw: 0.0,
                calibrated: *calibrated,
                threshold,
                margin: calibrated - threshold,
            }
        };
        Some(Moderation {
            fast_action: row.after.action,
            fast_scores: row.after.scores.iter().map(score).collect(),
            ..found.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use weir_types::Action;

    use super::*;
    use crate::replay::figures::figures;
    use crate::replay::testing::row;

    fn file(content: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        file
    }

    #[test]
    fn what_people_did_not_say_counts_neither_way() {
        let labels = file("{\"request_id\":\"r-1\",\"labels\":{\"violence\":1}}\n");
        let mut joined = Joined::default();
        joined.with_labels(labels.path()).unwrap();
        let row = row(1, None, (Action::Warn, "a/1"));
        let figures = figures(&[joined.labelled(&row).unwrap()], 0.01).unwrap();
        let [violence] = figures.as_slice() else {
            panic!("{figures:?}")
        };
        assert_eq!((violence.category, violence.positives), ("violence", 1));
    }

    #[test]
    fn every_look_is_accounted_for() {
        let example = include_str!("../../../../schemas/examples/moderation.json");
        let of_stream: Moderation = serde_json::from_str(example).unwrap();
        let on = |verdict: &str| Moderation {
            stream_id: None,
            verdict_id: verdict.to_owned(),
            ..of_stream.clone()
        };
        let mut joined = Joined::default();
        for record in [Some(on("a")), Some(on("a")), Some(on("b")), None] {
            joined.take(record);
        }
        joined.take(Some(of_stream.clone()));
        let looks = Looks {
            read: 5,
            undecodable: 1,
            of_streams: 1,
            repeated: 1,
            not_replayed: 1,
            joined: 1,
        };
        assert_eq!(joined.looks.with_joined(1), looks);
    }

    #[test]
    fn labels_are_joined_by_reference_or_request() {
        let labels = file(
            "{\"ref\":\"t-0-1\",\"categories\":[\"hate\"]}\n\n{\"request_id\":\"r-2\",\"categories\":[]}\n",
        );
        let mut joined = Joined::default();
        joined.with_labels(labels.path()).unwrap();
        let rows = [1, 2, 3].map(|offset| row(offset, None, (Action::Warn, "a/1")));
        let labelled: Vec<_> = rows.iter().filter_map(|row| joined.labelled(row)).collect();
        assert_eq!(labelled.len(), 2);
        let figures = figures(&labelled, 0.01).unwrap();
        let [hate] = figures.as_slice() else {
            panic!("{figures:?}")
        };
        assert_eq!((hate.true_positives, hate.false_positives), (1, 1));
        assert_eq!((hate.recall, hate.precision), (Some(1.0), Some(0.01)));
        let [low, high] = hate.precision_interval.unwrap();
        assert!(low > 0.0 && low < 0.01 && high > 0.01);
        assert_eq!(hate.ece, None, "of too few rows");
    }
}
