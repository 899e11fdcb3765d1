//! The receiver operating characteristic. Source of the definitions: T. Fawcett, "An introduction to ROC
//! analysis", Pattern Recognition Letters 27 (2006).

use crate::{Ranking, share};

/// A point of the ROC curve: what the threshold `score >= threshold` comes to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// The threshold; infinite at the first point, which calls nothing positive.
    pub threshold: f64,
    /// False positives over negatives, `0..=1`.
    pub false_positive_rate: f64,
    /// True positives over positives, `0..=1`.
    pub recall: f64,
}

impl Ranking {
    /// The area under the ROC curve, `0..=1`: the probability that a positive scores above a negative, ties
    /// counting one half (mid-ranks). This is U / (P N) of the Mann-Whitney statistic (Hanley and McNeil,
    /// Radiology 143, 1982). `None` unless there are positives and negatives.
    #[must_use]
    pub fn auroc(&self) -> Option<f64> {
        if self.positives == 0 || self.negatives == 0 {
            return None;
        }
        let (mut above, mut pairs) = (0_u64, 0.0);
        for tie in &self.ties {
            pairs += tie.negatives as f64 * (above as f64 + tie.positives as f64 / 2.0);
            above += tie.positives;
        }
        Some(pairs / (self.positives as f64 * self.negatives as f64))
    }

    /// The curve from (0, 0) to (1, 1), one point for each different score; empty unless there are positives
    /// and negatives.
    #[must_use]
    pub fn roc(&self) -> Vec<RocPoint> {
        let mut points = Vec::new();
        self.walk(|point| points.push(point));
        points
    }

    /// The highest recall, `0..=1`, that any threshold gives at a false positive rate of at most
    /// `false_positive_rate`. 0 where none does: the curve begins at (0, 0). There is no interpolation
    /// between points: a threshold that splits ties does not exist. `None` unless there are positives and negatives.
    #[must_use]
    pub fn recall_at(&self, false_positive_rate: f64) -> Option<f64> {
        let mut best = None;
        self.walk(|point| {
            if point.false_positive_rate <= false_positive_rate {
                best = Some(point.recall);
            }
        });
        best
    }

    fn walk(&self, mut visit: impl FnMut(RocPoint)) {
        let (mut hits, mut false_alarms, mut threshold) = (0, 0, f64::INFINITY);
        let mut ties = self.ties.iter();
        loop {
            let (Some(recall), Some(false_positive_rate)) = (
                share(hits, self.positives),
                share(false_alarms, self.negatives),
            ) else {
                return;
            };
            visit(RocPoint {
                threshold,
                false_positive_rate,
                recall,
            });
            let Some(tie) = ties.next() else { return };
            hits += tie.positives;
            false_alarms += tie.negatives;
            threshold = tie.score;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::tests_support::{few_scores, labelled};

    #[test]
    fn known_values() {
        // Fawcett 2006, figure 3: 20 examples, area 0.68.
        let scores = [
            (0.9, true),
            (0.8, true),
            (0.7, false),
            (0.6, true),
            (0.55, true),
            (0.54, true),
            (0.53, false),
            (0.52, false),
            (0.51, true),
            (0.505, false),
            (0.4, true),
            (0.39, false),
            (0.38, true),
            (0.37, false),
            (0.36, false),
            (0.35, false),
            (0.34, true),
            (0.33, false),
            (0.30, true),
            (0.1, false),
        ];
        let ranking = Ranking::new(scores).unwrap();
        assert!((ranking.auroc().unwrap() - 0.68).abs() < 1e-12);
        assert_eq!(ranking.recall_at(0.0), Some(0.2));
        assert_eq!(ranking.recall_at(0.1), Some(0.5));
        assert_eq!(ranking.roc().len(), 21);
    }

    #[test]
    fn ties_count_half_and_are_not_split() {
        let all_equal = Ranking::new([(0.5, true), (0.5, false), (0.5, false)]).unwrap();
        assert_eq!(all_equal.auroc(), Some(0.5));
        assert_eq!(all_equal.recall_at(0.4), Some(0.0));
        assert_eq!(all_equal.recall_at(1.0), Some(1.0));
    }

    #[test]
    fn a_rate_that_is_met_exactly_is_met() {
        // 7 of 1,400 negatives above is 0.5 %, whatever 0.005 * 1400 comes to in binary.
        let negatives = (0..1400).map(|i| (f64::from(i) / 2000.0, false));
        let positive = (1392.5 / 2000.0, true);
        let ranking = Ranking::new(negatives.chain([positive])).unwrap();
        assert_eq!(ranking.recall_at(0.005), Some(1.0));
        assert_eq!(ranking.recall_at(0.00499), Some(0.0));
    }

    #[test]
    fn one_class_alone_has_no_curve() {
        for positive in [true, false] {
            let ranking = Ranking::new([(0.5, positive)]).unwrap();
            assert_eq!(ranking.auroc(), None);
            assert_eq!(ranking.recall_at(0.005), None);
            assert!(ranking.roc().is_empty());
        }
    }

    proptest! {
        #[test]
        fn is_the_share_of_pairs_in_order(rows in labelled(few_scores())) {
            let (mut pairs, mut won) = (0.0, 0.0);
            for (up, _) in rows.iter().filter(|row| row.1) {
                for (down, _) in rows.iter().filter(|row| !row.1) {
                    pairs += 1.0;
                    won += if up > down { 1.0 } else if up < down { 0.0 } else { 0.5 };
                }
            }
            let auroc = Ranking::new(rows).unwrap().auroc();
            prop_assert_eq!(auroc.is_some(), pairs > 0.0);
            if let Some(auroc) = auroc {
                prop_assert!((auroc - won / pairs).abs() < 1e-12);
            }
        }

        #[test]
        fn is_the_area_under_the_curve(rows in labelled(few_scores())) {
            let ranking = Ranking::new(rows).unwrap();
            let area: f64 = ranking.roc().windows(2).map(|pair| {
                let width = pair[1].false_positive_rate - pair[0].false_positive_rate;
                width * (pair[0].recall + pair[1].recall) / 2.0
            }).sum();
            if let Some(auroc) = ranking.auroc() {
                prop_assert!((auroc - area).abs() < 1e-12);
            }
        }

        #[test]
        fn turning_the_scores_round_mirrors_it(rows in labelled(few_scores())) {
            let turned = rows.iter().map(|(score, positive)| (-score, *positive)).collect::<Vec<_>>();
            let (there, back) = (Ranking::new(rows).unwrap(), Ranking::new(turned).unwrap());
            if let (Some(there), Some(back)) = (there.auroc(), back.auroc()) {
                prop_assert!((there + back - 1.0).abs() < 1e-12);
            }
        }

        #[test]
        fn more_false_alarms_never_cost_recall(
            rows in labelled(few_scores()), a in 0.0..=1.0_f64, b in 0.0..=1.0_f64
        ) {
            let ranking = Ranking::new(rows).unwrap();
            prop_assert!(ranking.recall_at(a.min(b)) <= ranking.recall_at(a.max(b)));
        }
    }
}
