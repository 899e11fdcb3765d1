//! Platt scaling: logits to probabilities.
//!
//! Source: J. Platt, Probabilistic outputs for support vector machines (1999), fitted as in
//! H.-T. Lin, C.-J. Lin, R. Weng, A note on Platt's probabilistic outputs (2007): smoothed targets
//! and Newton's method with backtracking. Training fits through this same code.

use serde::{Deserialize, Serialize};

use crate::InferError;

/// `p = 1 / (1 + exp(-(a * logit + b)))`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platt {
    /// Slope; above 0 for a model that is better than chance.
    pub a: f64,
    /// Offset.
    pub b: f64,
}

impl Platt {
    /// Leaves a logit's own probability as it is.
    pub const IDENTITY: Self = Self { a: 1.0, b: 0.0 };

    /// The calibrated logit.
    #[must_use]
    pub fn logit(self, raw: f32) -> f64 {
        self.a * f64::from(raw) + self.b
    }

    /// The calibrated probability, `0.0..=1.0`.
    #[must_use]
    pub fn apply(self, raw: f32) -> f32 {
        sigmoid(self.logit(raw))
    }

    /// Fits to logits and whether each was a positive.
    ///
    /// # Errors
    /// [`InferError::Unfittable`] when a class is missing or a logit is not finite.
    pub fn fit(rows: &[(f32, bool)]) -> Result<Self, InferError> {
        if let Some((logit, _)) = rows.iter().find(|(logit, _)| !logit.is_finite()) {
            return Err(InferError::Unfittable(format!("a logit is {logit}")));
        }
        let total = count(rows.len());
        let positives = count(rows.iter().filter(|(_, positive)| *positive).count());
        let negatives = total - positives;
        if positives == 0.0 || negatives == 0.0 {
            return Err(InferError::Unfittable(format!(
                "{positives} positives and {negatives} negatives"
            )));
        }
        let high = (positives + 1.0) / (positives + 2.0);
        let low = 1.0 / (negatives + 2.0);
        let rows: Vec<(f64, f64)> = rows
            .iter()
            .map(|(logit, positive)| (f64::from(*logit), if *positive { high } else { low }))
            .collect();
        let start = Self {
            a: 0.0,
            b: ((positives + 1.0) / (negatives + 1.0)).ln(),
        };
        Ok(newton(start, &rows))
    }
}

/// Newton's method on the cross-entropy, which is convex in (a, b).
fn newton(mut at: Platt, rows: &[(f64, f64)]) -> Platt {
    /// Keeps the Hessian invertible when all logits are alike.
    const RIDGE: f64 = 1e-12;
    let mut value = loss(at, rows);
    for _ in 0..100 {
        let (mut g_a, mut g_b) = (0.0, 0.0);
        let (mut h_aa, mut h_ab, mut h_bb) = (RIDGE, 0.0, RIDGE);
        for (logit, target) in rows {
            let p = 1.0 / (1.0 + (-(at.a * logit + at.b)).exp());
            let (slope, curve) = (p - target, p * (1.0 - p));
            g_a += logit * slope;
            g_b += slope;
            h_aa += logit * logit * curve;
            h_ab += logit * curve;
            h_bb += curve;
        }
        if g_a.abs() < 1e-9 && g_b.abs() < 1e-9 {
            break;
        }
        let determinant = h_aa * h_bb - h_ab * h_ab;
        let step_a = -(h_bb * g_a - h_ab * g_b) / determinant;
        let step_b = -(h_aa * g_b - h_ab * g_a) / determinant;
        let descent = g_a * step_a + g_b * step_b;
        let mut size = 1.0;
        loop {
            let next = Platt {
                a: at.a + size * step_a,
                b: at.b + size * step_b,
            };
            let next_value = loss(next, rows);
            if next_value < value + 1e-4 * size * descent {
                (at, value) = (next, next_value);
                break;
            }
            size /= 2.0;
            if size < 1e-10 {
                return at;
            }
        }
    }
    at
}

/// Cross-entropy, written so that neither tail overflows.
fn loss(at: Platt, rows: &[(f64, f64)]) -> f64 {
    rows.iter()
        .map(|(logit, target)| {
            let z = at.a * logit + at.b;
            let softplus = z.max(0.0) + (-z.abs()).exp().ln_1p();
            softplus - target * z
        })
        .sum()
}

/// `1 / (1 + exp(-z))` as `f32`.
pub(crate) fn sigmoid(z: f64) -> f32 {
    // Within 0..=1, so that the cast only rounds.
    #[allow(clippy::cast_possible_truncation)]
    let p = (1.0 / (1.0 + (-z).exp())) as f32;
    p
}

/// Row counts stay far below 2^52.
#[allow(clippy::cast_precision_loss)]
fn count(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recovers_known_parameters() {
        let truth = Platt { a: 1.7, b: -0.8 };
        // Expected counts in place of draws: 1,000 rows a logit, split as the truth says.
        let mut rows = Vec::new();
        for tenth in -40_i16..=40 {
            let logit = f32::from(tenth) / 10.0;
            let positives = (truth.apply(logit) * 1000.0).round();
            rows.extend((0_u16..1000).map(|i| (logit, f32::from(i) < positives)));
        }
        let fit = Platt::fit(&rows).unwrap();
        assert!(
            (fit.a - truth.a).abs() < 0.01 && (fit.b - truth.b).abs() < 0.01,
            "{fit:?}"
        );
    }

    #[test]
    fn separable_rows_stay_finite() {
        let rows: Vec<_> = (0_u8..50).map(|i| (f32::from(i), i >= 25)).collect();
        let fit = Platt::fit(&rows).unwrap();
        assert!(fit.a.is_finite() && fit.b.is_finite() && fit.a > 0.0);
    }

    #[test]
    fn one_class_or_a_nan_is_refused() {
        assert!(Platt::fit(&[]).is_err());
        assert!(Platt::fit(&[(1.0, true)]).is_err());
        assert!(Platt::fit(&[(1.0, true), (f32::NAN, false)]).is_err());
    }

    proptest! {
        #[test]
        fn probabilities_are_bounded_and_monotone(
            a in 0.0_f64..20.0, b in -50.0_f64..50.0, x in -1e6_f32..1e6, y in -1e6_f32..1e6,
        ) {
            let platt = Platt { a, b };
            let (low, high) = (platt.apply(x.min(y)), platt.apply(x.max(y)));
            prop_assert!((0.0..=1.0).contains(&low) && (0.0..=1.0).contains(&high));
            prop_assert!(low <= high);
        }

        #[test]
        fn fits_are_finite(rows in proptest::collection::vec((-30.0_f32..30.0, any::<bool>()), 2..60)) {
            if let Ok(fit) = Platt::fit(&rows) {
                prop_assert!(fit.a.is_finite() && fit.b.is_finite());
            }
        }
    }
}
