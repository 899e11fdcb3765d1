//! Rates from counts.

use crate::share;

/// What a yes-or-no decision got right and wrong.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Confusion {
    /// Positives called positive.
    pub true_positives: u64,
    /// Negatives called positive.
    pub false_positives: u64,
    /// Positives called negative.
    pub false_negatives: u64,
    /// Negatives called negative.
    pub true_negatives: u64,
}

impl Confusion {
    /// Number of positives.
    #[must_use]
    pub const fn positives(&self) -> u64 {
        self.true_positives + self.false_negatives
    }

    /// Number of negatives.
    #[must_use]
    pub const fn negatives(&self) -> u64 {
        self.false_positives + self.true_negatives
    }

    /// TP / (TP + FP), `0..=1`, at the share of positives that this set happens to have. `None` where nothing was
    /// called positive.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// TP / (TP + FN), `0..=1`: sensitivity, true positive rate. `None` without positives.
    #[must_use]
    pub fn recall(&self) -> Option<f64> {
        share(self.true_positives, self.positives())
    }

    /// FP / (FP + TN), `0..=1`: 1 less the specificity. `None` without negatives.
    #[must_use]
    pub fn false_positive_rate(&self) -> Option<f64> {
        share(self.false_positives, self.negatives())
    }

    /// The [`predictive_value`] of these rates. `None` without positives or negatives, or where nothing would
    /// be called positive.
    #[must_use]
    pub fn precision_at(&self, prevalence: f64) -> Option<f64> {
        predictive_value(self.recall()?, self.false_positive_rate()?, prevalence)
    }
}

/// The precision that `recall` and `false_positive_rate`, `0..=1`, give where the share `prevalence`, `0..=1`, of the
/// traffic is positive: `TPR p / (TPR p + FPR (1 - p))`, Bayes' rule as for predictive values (Altman and Bland,
/// "Diagnostic tests 2: predictive values", BMJ 309, 1994). `None` where nothing would be called positive.
#[must_use]
pub fn predictive_value(recall: f64, false_positive_rate: f64, prevalence: f64) -> Option<f64> {
    let right = recall * prevalence;
    let called = right + false_positive_rate * (1.0 - prevalence);
    (called > 0.0).then(|| right / called)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOME: Confusion = Confusion {
        true_positives: 90,
        false_positives: 50,
        false_negatives: 10,
        true_negatives: 950,
    };

    #[test]
    fn known_values() {
        assert_eq!(SOME.precision(), Some(90.0 / 140.0));
        assert_eq!(SOME.recall(), Some(0.9));
        assert_eq!(SOME.false_positive_rate(), Some(0.05));
        // Sensitivity 0.9, specificity 0.95, prevalence 1 %: 0.009 / (0.009 + 0.0495) = 15.4 %.
        assert!((SOME.precision_at(0.01).unwrap() - 0.153_846).abs() < 1e-6);
    }

    #[test]
    fn what_is_not_defined_is_none() {
        let nothing = Confusion::default();
        assert_eq!(nothing.precision(), None);
        assert_eq!(nothing.recall(), None);
        assert_eq!(nothing.false_positive_rate(), None);
        assert_eq!(nothing.precision_at(0.01), None);
        let silent = Confusion {
            false_negatives: 3,
            true_negatives: 3,
            ..nothing
        };
        assert_eq!(silent.recall(), Some(0.0));
        assert_eq!(silent.precision_at(0.01), None);
    }

    proptest! {
        #[test]
        fn at_its_own_prevalence_precision_is_its_own(
            tp in 1..999_u64, fp in 1..999_u64, fn_ in 1..999_u64, tn in 1..999_u64
        ) {
            let confusion = Confusion {
                true_positives: tp, false_positives: fp, false_negatives: fn_, true_negatives: tn,
            };
            let prevalence = confusion.positives() as f64
                / (confusion.positives() + confusion.negatives()) as f64;
            let there = confusion.precision_at(prevalence).unwrap();
            prop_assert!((there - confusion.precision().unwrap()).abs() < 1e-12);
        }
    }
}
