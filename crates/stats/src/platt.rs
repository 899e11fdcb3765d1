//! Platt scaling: from raw scores to probabilities.

use crate::logistic::{Problem, sigmoid};

/// A scored example to fit on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Example {
    /// Raw score, any finite number; higher means more likely positive.
    pub score: f64,
    /// Whether it is a positive.
    pub positive: bool,
    /// How much it counts, `0..`; 1 for a row like any other.
    pub weight: f64,
}

/// `p = 1 / (1 + exp(-(a * score + b)))`. In Platt's own notation A = -a and B = -b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Platt {
    /// Slope; above 0 where higher scores are more often positive.
    pub a: f64,
    /// Offset.
    pub b: f64,
}

/// Why there is no fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PlattError {
    /// A score is not finite, or a weight is not finite or below 0.
    #[error("example {0} (from 0) has a score or weight that cannot be used")]
    BadExample(usize),
    /// Positives or negatives are missing, or weigh nothing.
    #[error("calibration needs positives and negatives that weigh something")]
    OneClass,
    /// The search did not end.
    #[error("the fit did not converge")]
    NotConverged,
}

impl Platt {
    /// Fits by maximum likelihood: J. Platt, "Probabilistic outputs for support vector machines", 1999, with his
    /// smoothed targets `(N+ + 1) / (N+ + 2)` and `1 / (N- + 2)` in place of 1 and 0, so that a few examples
    /// that are all right do not make it certain; by the Newton method with backtracking of Lin, Lin and Weng,
    /// "A note on Platt's probabilistic outputs for support vector machines", Machine Learning 68 (2007),
    /// whose loss does not overflow. With weights, N+ and N- are sums of weights and each
    /// example's loss counts by its own.
    ///
    /// # Errors
    /// An example cannot be used, one class is missing, or the search did not converge.
    pub fn fit(examples: &[Example]) -> Result<Self, PlattError> {
        Problem::new(examples)?.solve()
    }

    /// The probability, `0..=1`, that goes with a raw score.
    #[must_use]
    pub fn probability(&self, score: f64) -> f64 {
        sigmoid(self.a * score + self.b)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SplitMix64;

    fn example(score: f64, positive: bool, weight: f64) -> Example {
        Example {
            score,
            positive,
            weight,
        }
    }

    #[test]
    fn known_values() {
        // One of each: targets 2/3 and 1/3, so that the curve goes through both: a = ln 2, b = 0.
        let fit = Platt::fit(&[example(1.0, true, 1.0), example(-1.0, false, 1.0)]).unwrap();
        assert!((fit.a - 2.0_f64.ln()).abs() < 1e-7, "{fit:?}");
        assert!(fit.b.abs() < 1e-7, "{fit:?}");

        // Two scores and two parameters: at each score the probability is the mean of its targets.
        let rows = [
            (0.0, true, 1),
            (0.0, false, 3),
            (1.0, true, 5),
            (1.0, false, 2),
        ];
        let examples: Vec<_> = rows
            .iter()
            .flat_map(|(score, positive, times)| vec![example(*score, *positive, 1.0); *times])
            .collect();
        let fit = Platt::fit(&examples).unwrap();
        let (up, down) = (7.0 / 8.0, 1.0 / 7.0);
        assert!((fit.probability(0.0) - (up + 3.0 * down) / 4.0).abs() < 1e-7);
        assert!((fit.probability(1.0) - (5.0 * up + 2.0 * down) / 7.0).abs() < 1e-7);
    }

    #[test]
    fn finds_the_curve_that_drew_the_labels() {
        let truth = Platt { a: 1.7, b: -2.0 };
        let mut random = SplitMix64::new(11);
        let examples: Vec<_> = (0..40_000)
            .map(|_| {
                let score = random.below(8000) as f64 / 1000.0 - 4.0;
                let drawn = random.below(1_000_000) as f64 / 1e6;
                example(score, drawn < truth.probability(score), 1.0)
            })
            .collect();
        let fit = Platt::fit(&examples).unwrap();
        assert!(
            (fit.a - truth.a).abs() < 0.06 && (fit.b - truth.b).abs() < 0.08,
            "{fit:?}"
        );
    }

    #[test]
    fn separated_and_huge_scores_converge() {
        let separated: Vec<_> = (1..=50)
            .flat_map(|i| {
                [
                    example(f64::from(i), true, 1.0),
                    example(-f64::from(i), false, 1.0),
                ]
            })
            .collect();
        let fit = Platt::fit(&separated).unwrap();
        assert!(fit.a > 0.0 && fit.a.is_finite(), "{fit:?}");
        let huge: Vec<_> = separated
            .iter()
            .map(|one| example(one.score * 1e6, one.positive, one.weight))
            .collect();
        let scaled = Platt::fit(&huge).unwrap();
        assert!(
            (scaled.a * 1e6 - fit.a).abs() < 1e-3 * fit.a,
            "{scaled:?} {fit:?}"
        );
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        let good = [example(1.0, true, 1.0), example(0.0, false, 1.0)];
        for bad in [
            example(f64::NAN, true, 1.0),
            example(0.0, true, -1.0),
            example(0.0, true, f64::INFINITY),
        ] {
            let examples = [good[0], good[1], bad];
            assert_eq!(Platt::fit(&examples), Err(PlattError::BadExample(2)));
        }
        assert_eq!(Platt::fit(&[]), Err(PlattError::OneClass));
        assert_eq!(Platt::fit(&good[..1]), Err(PlattError::OneClass));
        let weightless = [good[0], example(0.0, false, 0.0)];
        assert_eq!(Platt::fit(&weightless), Err(PlattError::OneClass));
    }

    proptest! {
        #[test]
        fn a_weight_counts_as_so_many_rows(
            rows in proptest::collection::vec((-3.0..3.0_f64, any::<bool>(), 1..4_usize), 2..30)
        ) {
            let weighed: Vec<_> = rows.iter().map(|(score, up, times)| example(*score, *up, *times as f64)).collect();
            let repeated: Vec<_> = rows
                .iter()
                .flat_map(|(score, up, times)| vec![example(*score, *up, 1.0); *times])
                .collect();
            match (Platt::fit(&weighed), Platt::fit(&repeated)) {
                (Ok(one), Ok(other)) => {
                    prop_assert!((one.a - other.a).abs() < 1e-4, "{:?} {:?}", one, other);
                    prop_assert!((one.b - other.b).abs() < 1e-4, "{:?} {:?}", one, other);
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }

        #[test]
        fn no_curve_nearby_is_better(
            rows in proptest::collection::vec((-3.0..3.0_f64, any::<bool>()), 2..30),
            da in -0.2..0.2_f64, db in -0.2..0.2_f64,
        ) {
            let examples: Vec<_> = rows.iter().map(|(score, up)| example(*score, *up, 1.0)).collect();
            if let Ok(fit) = Platt::fit(&examples) {
                let positives = rows.iter().filter(|row| row.1).count() as f64;
                let negatives = rows.len() as f64 - positives;
                let targets = [1.0 / (negatives + 2.0), (positives + 1.0) / (positives + 2.0)];
                // The likelihood as it is written in the paper.
                let likelihood = |at: Platt| rows.iter().map(|(score, up)| {
                    let (t, p) = (targets[usize::from(*up)], at.probability(*score));
                    t * p.ln() + (1.0 - t) * (1.0 - p).ln()
                }).sum::<f64>();
                let near = Platt { a: fit.a + da, b: fit.b + db };
                prop_assert!(likelihood(fit) >= likelihood(near) - 1e-9);
            }
        }
    }
}
