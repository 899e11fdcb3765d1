//! What others say of the same texts: people, and the heavy model.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use weir_gate::Judges;
use weir_stats::{
    Bootstrap, Confusion, Interval, Ranking, binomial_interval, calibration_error,
    predictive_value, reliability,
};
use weir_types::{Category, CategoryScore};
use weir_wire::Moderation;

use super::row::Row;
use crate::labels::{Labels, Name, Truth};

const CONFIDENCE: f64 = 0.95;
/// Of the calibration error.
const BINS: u32 = 15;
const RESAMPLES: usize = 1000;
const SEED: u64 = 1;
/// Labelled positives and negatives below which a calibration error says nothing.
const FEWEST: u64 = 8;

/// What rows are joined with.
#[derive(Debug, Default)]
pub(crate) struct Joined {
    labels: Option<Labels>,
    /// By the id of the fast verdict.
    moderation: HashMap<String, Moderation>,
    /// Under whose policies the heavy model's scores are looked at.
    judges: Option<Judges>,
}

/// A row that people labelled.
#[derive(Debug, Clone)]
pub(crate) struct Labelled {
    truth: Truth,
    acted: [bool; Category::COUNT],
    scores: [Option<f32>; Category::COUNT],
}

/// What people's labels say of the replayed judgement in one category.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) category: &'static str,
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
    pub(crate) true_positives: u64,
    pub(crate) false_positives: u64,
    pub(crate) recall: Option<f64>,
    pub(crate) recall_interval: Option<[f64; 2]>,
    pub(crate) false_positive_rate: Option<f64>,
    pub(crate) false_positive_rate_interval: Option<[f64; 2]>,
    /// At the stated prevalence, from recall and false positive rate; its interval from the ends of theirs.
    pub(crate) precision: Option<f64>,
    pub(crate) precision_interval: Option<[f64; 2]>,
    pub(crate) ece: Option<f64>,
    pub(crate) ece_interval: Option<[f64; 2]>,
}

impl Joined {
    pub(crate) fn with_labels(&mut self, path: &Path) -> Result<()> {
        self.labels = Some(Labels::read(path)?);
        Ok(())
    }

    pub(crate) fn with_moderation(
        &mut self,
        records: impl IntoIterator<Item = Moderation>,
        judges: Judges,
    ) {
        let by_id = records.into_iter().map(|it| (it.verdict_id.clone(), it));
        self.moderation.extend(by_id);
        self.judges = Some(judges);
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

/// By category in which people found something or the replay acted.
pub(crate) fn figures(rows: &[Labelled], prevalence: f64) -> Result<Vec<Figures>> {
    let mut all = Vec::new();
    for category in Category::ALL {
        let mut confusion = Confusion::default();
        let mut scored = Vec::new();
        for row in rows {
            let Some(positive) = row.truth[category.index()] else {
                continue;
            };
            let count = match (positive, row.acted[category.index()]) {
                (true, true) => &mut confusion.true_positives,
                (true, false) => &mut confusion.false_negatives,
                (false, true) => &mut confusion.false_positives,
                (false, false) => &mut confusion.true_negatives,
            };
            *count += 1;
            let score = row.scores[category.index()];
            scored.extend(score.map(|score| (f64::from(score), positive)));
        }
        if confusion.positives() + confusion.false_positives == 0 {
            continue;
        }
        all.push(Figures::of(
            category,
            &confusion,
            &Ranking::new(scored)?,
            prevalence,
        ));
    }
    Ok(all)
}

impl Figures {
    fn of(category: Category, confusion: &Confusion, scores: &Ranking, prevalence: f64) -> Self {
        let interval = |part, whole| binomial_interval(part, whole, CONFIDENCE);
        let recall = interval(confusion.true_positives, confusion.positives());
        let alarms = interval(confusion.false_positives, confusion.negatives());
        let precision = |recall: f64, alarms: f64| predictive_value(recall, alarms, prevalence);
        let enough = scores.positives().min(scores.negatives()) >= FEWEST;
        let error = |scores: &Ranking| [calibration_error(&reliability(scores, BINS))];
        let bootstrap = Bootstrap {
            seed: SEED,
            resamples: RESAMPLES,
            confidence: CONFIDENCE,
        };
        let [ece] = error(scores);
        let [ece_interval] = bootstrap.intervals(scores, error);
        Self {
            category: category.as_str(),
            positives: confusion.positives(),
            negatives: confusion.negatives(),
            true_positives: confusion.true_positives,
            false_positives: confusion.false_positives,
            recall: confusion.recall(),
            recall_interval: ends(recall),
            false_positive_rate: confusion.false_positive_rate(),
            false_positive_rate_interval: ends(alarms),
            precision: confusion.precision_at(prevalence),
            precision_interval: recall.zip(alarms).and_then(|(recall, alarms)| {
                let low = precision(recall.low, alarms.high)?;
                let high = precision(recall.high, alarms.low)?;
                Some([low, high])
            }),
            ece: ece.filter(|_| enough),
            ece_interval: ends(ece_interval).filter(|_| enough),
        }
    }
}

fn ends(interval: Option<Interval>) -> Option<[f64; 2]> {
    interval.map(|it| [it.low, it.high])
}

#[cfg(test)]
mod tests {
    use weir_types::Action;

    use super::*;
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
