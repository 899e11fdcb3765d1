//! The area under the precision-recall curve.

use crate::Ranking;

impl Ranking {
    /// Average precision, `0..=1`: the sum over thresholds of (`R_n - R_(n-1)) P_n`, precision times what recall
    /// rises by, from the highest score down. Equal scores are one threshold. Without
    /// interpolation: joining points of that curve by straight lines is too optimistic (Davis and
    /// Goadrich, "The relationship between precision-recall and ROC curves", ICML 2006; the definition is that of
    /// Zhu, "Recall, precision and average precision", 2004). A score that says nothing has the share of
    /// positives for its average precision, not one half. `None` without positives.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        if self.positives == 0 {
            return None;
        }
        let (mut hits, mut called, mut sum) = (0, 0, 0.0);
        for tie in &self.ties {
            hits += tie.positives;
            called += tie.positives + tie.negatives;
            if called > 0 {
                sum += tie.positives as f64 * hits as f64 / called as f64;
            }
        }
        Some(sum / self.positives as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::tests_support::{few_scores, labelled};

    #[test]
    fn known_values() {
        // Precision 1 at the first positive, 2/3 at the second: (1 + 2/3) / 2.
        let ranking =
            Ranking::new([(0.8, true), (0.4, false), (0.35, true), (0.1, false)]).unwrap();
        assert!((ranking.average_precision().unwrap() - 5.0 / 6.0).abs() < 1e-12);
        let perfect = Ranking::new([(0.8, true), (0.4, false)]).unwrap();
        assert_eq!(perfect.average_precision(), Some(1.0));
    }

    #[test]
    fn equal_scores_come_to_the_share_of_positives() {
        let ranking =
            Ranking::new([(0.5, true), (0.5, false), (0.5, false), (0.5, false)]).unwrap();
        assert_eq!(ranking.average_precision(), Some(0.25));
    }

    #[test]
    fn needs_positives() {
        let ranking = Ranking::new([(0.5, false)]).unwrap();
        assert_eq!(ranking.average_precision(), None);
    }

    proptest! {
        #[test]
        fn is_a_mean_of_precisions_at_positives(rows in labelled(few_scores())) {
            // By the definition, row by row: the precision of "at or above this positive's score".
            let positives: Vec<f64> = rows.iter().filter(|row| row.1).map(|row| row.0).collect();
            let precisions = positives.iter().map(|at| {
                let called = rows.iter().filter(|row| row.0 >= *at);
                called.clone().filter(|row| row.1).count() as f64 / called.count() as f64
            });
            let mean = precisions.sum::<f64>() / positives.len() as f64;
            let ranking = Ranking::new(rows.clone()).unwrap();
            prop_assert_eq!(ranking.average_precision().is_some(), !positives.is_empty());
            if let Some(average) = ranking.average_precision() {
                prop_assert!((average - mean).abs() < 1e-12);
            }
        }
    }
}
