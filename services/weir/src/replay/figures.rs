//! What people's labels say of the replayed judgement. Pure.

use anyhow::Result;
use serde::Serialize;
use weir_stats::{
    Bootstrap, Confusion, Interval, Ranking, binomial_interval, calibration_error,
    predictive_value, reliability,
};
use weir_types::Category;

use super::joined::Labelled;

const CONFIDENCE: f64 = 0.95;
/// Of the calibration error.
const BINS: u32 = 15;
const RESAMPLES: usize = 1000;
const SEED: u64 = 1;
/// Labelled positives and negatives below which a calibration error says nothing.
const FEWEST: u64 = 8;

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
