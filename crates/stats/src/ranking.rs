//! Scores with labels, ordered.

use crate::Confusion;

/// Labelled scores from the highest to the lowest. Equal scores stand together as one [`Tie`]: no figure
/// depends on the order in which ties came in.
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    pub(crate) ties: Vec<Tie>,
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
}

/// The examples of one score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tie {
    /// The score.
    pub score: f64,
    /// Positives that have it.
    pub positives: u64,
    /// Negatives that have it.
    pub negatives: u64,
}

/// A score is infinite or not a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("score {position} (from 0) is not a finite number")]
pub struct NotFinite {
    /// Which, from 0.
    pub position: usize,
}

impl Ranking {
    /// Orders scores; `true` is a positive. A higher score means more likely positive.
    ///
    /// # Errors
    /// A score is infinite or not a number.
    pub fn new(scores: impl IntoIterator<Item = (f64, bool)>) -> Result<Self, NotFinite> {
        let mut scores: Vec<(f64, bool)> = scores.into_iter().collect();
        if let Some(position) = scores.iter().position(|(score, _)| !score.is_finite()) {
            return Err(NotFinite { position });
        }
        scores.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
        let mut ties: Vec<Tie> = Vec::new();
        for (score, positive) in scores {
            let (up, down) = (u64::from(positive), u64::from(!positive));
            match ties.last_mut() {
                Some(tie) if tie.score == score => {
                    tie.positives += up;
                    tie.negatives += down;
                }
                _ => ties.push(Tie {
                    score,
                    positives: up,
                    negatives: down,
                }),
            }
        }
        Ok(Self {
            positives: ties.iter().map(|tie| tie.positives).sum(),
            negatives: ties.iter().map(|tie| tie.negatives).sum(),
            ties,
        })
    }

    /// Number of positives.
    #[must_use]
    pub const fn positives(&self) -> u64 {
        self.positives
    }

    /// Number of negatives.
    #[must_use]
    pub const fn negatives(&self) -> u64 {
        self.negatives
    }

    /// What calling every score at or above `threshold` positive gets right and wrong.
    #[must_use]
    pub fn confusion(&self, threshold: f64) -> Confusion {
        let (mut hits, mut false_alarms) = (0, 0);
        for tie in self.ties.iter().take_while(|tie| tie.score >= threshold) {
            hits += tie.positives;
            false_alarms += tie.negatives;
        }
        Confusion {
            true_positives: hits,
            false_positives: false_alarms,
            false_negatives: self.positives - hits,
            true_negatives: self.negatives - false_alarms,
        }
    }
}

/// Rows for the property tests of this crate.
#[cfg(test)]
pub(crate) mod tests_support {
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// Scores of which many are equal.
    pub(crate) fn few_scores() -> impl Strategy<Value = f64> {
        (0..8_u8).prop_map(|score| f64::from(score) / 7.0)
    }

    /// Rows, perhaps none, perhaps of one class only.
    pub(crate) fn labelled(
        scores: impl Strategy<Value = f64>,
    ) -> impl Strategy<Value = Vec<(f64, bool)>> {
        vec((scores, any::<bool>()), 0..40)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_scores_stand_together() {
        let ranking = Ranking::new([
            (0.2, false),
            (0.9, true),
            (0.2, true),
            (0.0, false),
            (-0.0, false),
        ])
        .unwrap();
        let counts: Vec<_> = ranking
            .ties
            .iter()
            .map(|tie| (tie.score, tie.positives, tie.negatives))
            .collect();
        assert_eq!(counts, [(0.9, 1, 0), (0.2, 1, 1), (0.0, 0, 2)]);
        assert_eq!((ranking.positives(), ranking.negatives()), (2, 3));
    }

    #[test]
    fn what_has_no_place_in_an_order_is_refused() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let ranking = Ranking::new([(0.5, true), (bad, false)]);
            assert_eq!(ranking, Err(NotFinite { position: 1 }));
        }
    }

    #[test]
    fn a_threshold_takes_in_what_equals_it() {
        let ranking = Ranking::new([(0.9, true), (0.5, false), (0.5, true), (0.1, true)]).unwrap();
        let confusion = ranking.confusion(0.5);
        assert_eq!(
            confusion,
            Confusion {
                true_positives: 2,
                false_positives: 1,
                false_negatives: 1,
                true_negatives: 0
            }
        );
        assert_eq!(ranking.confusion(2.0).true_positives, 0);
    }
}
