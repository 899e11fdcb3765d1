//! Platt scaling: logits to probabilities.
//!
//! Source: J. Platt, Probabilistic outputs for support vector machines (1999). `weir_stats` fits; training
//! calls it through here.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use weir_stats::Example;
use weir_types::{Category, ModelRef, logistic};

use crate::InferError;
use crate::files;
use crate::manifest::Manifest;

/// What the calibration of a fast model is as shipped.
#[derive(Debug, Clone, PartialEq)]
pub struct Shipped {
    /// The model.
    pub model: ModelRef,
    /// Of every category.
    pub curves: BTreeMap<Category, Platt>,
}

impl Shipped {
    /// Reads it from the model's folder, and nothing else of the model: no runtime is needed.
    ///
    /// # Errors
    /// The manifest cannot be read, or is malformed.
    pub fn read(folder: &Path) -> Result<Self, InferError> {
        let path = folder.join("model.json");
        let manifest = Manifest::parse(&files::read(&path)?)
            .map_err(|reason| InferError::ManifestMalformed { path, reason })?;
        Ok(Self {
            model: manifest.reference(),
            curves: manifest.calibration,
        })
    }
}

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
        logistic(self.logit(raw))
    }

    /// Fits to logits and whether each was a positive.
    ///
    /// # Errors
    /// [`InferError::Unfittable`] when a class is missing, a logit is not finite or the search does not end.
    pub fn fit(rows: &[(f32, bool)]) -> Result<Self, InferError> {
        let examples: Vec<Example> = rows
            .iter()
            .map(|(logit, positive)| Example {
                score: f64::from(*logit),
                positive: *positive,
                weight: 1.0,
            })
            .collect();
        let fit = weir_stats::Platt::fit(&examples)
            .map_err(|error| InferError::Unfittable(error.to_string()))?;
        Ok(Self { a: fit.a, b: fit.b })
    }
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
