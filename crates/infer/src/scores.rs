//! Logits to scores, the same for every model.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_types::{Category, ModelScores};

use crate::calibrate::Platt;
use crate::require::require;

/// Outputs of a model: the categories in order, then any harm.
pub(crate) const OUTPUTS: usize = Category::COUNT + 1;

/// `sigmoid(a z + b)` of `z = head_share * (the any-harm output) + (1 - head_share) * (the highest
/// calibrated logit among the harm categories)`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnyHarm {
    /// Share of the model's own any-harm output, `0.0..=1.0`.
    head_share: f32,
    a: f64,
    b: f64,
}

/// How a text's logits become probabilities.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibration {
    categories: [Platt; Category::COUNT],
    any_harm: AnyHarm,
    /// The parameters of the last step.
    last: Platt,
}

impl Calibration {
    /// Takes and checks what a manifest has.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn new(
        by_category: &BTreeMap<Category, Platt>,
        any_harm: AnyHarm,
    ) -> Result<Self, String> {
        let mut categories = [Platt::IDENTITY; Category::COUNT];
        for category in Category::ALL {
            let platt = by_category
                .get(&category)
                .ok_or_else(|| format!("calibration.{category} is missing"))?;
            check(*platt).map_err(|what| format!("calibration.{category}.{what}"))?;
            categories[category.index()] = *platt;
        }
        let AnyHarm { head_share, a, b } = any_harm;
        require((0.0..=1.0).contains(&head_share), || {
            format!("any_harm.head_share is {head_share}, not within 0 to 1")
        })?;
        let last = Platt { a, b };
        check(last).map_err(|what| format!("any_harm.{what}"))?;
        Ok(Self {
            categories,
            any_harm,
            last,
        })
    }

    /// Scores of a text by its logits, which are finite.
    pub(crate) fn scores(&self, logits: [f32; OUTPUTS], truncated: bool) -> ModelScores {
        let [raw @ .., any] = logits;
        let mut calibrated = [0.0; Category::COUNT];
        let mut strongest = f64::NEG_INFINITY;
        for category in Category::ALL {
            let index = category.index();
            calibrated[index] = self.categories[index].apply(raw[index]);
            if category != Category::Pii {
                strongest = strongest.max(self.categories[index].logit(raw[index]));
            }
        }
        let share = f64::from(self.any_harm.head_share);
        let combined = share * f64::from(any) + (1.0 - share) * strongest;
        // Logits are small; the cast only rounds.
        #[allow(clippy::cast_possible_truncation)]
        let any_harm = self.last.apply(combined as f32);
        ModelScores {
            raw,
            calibrated,
            any_harm,
            truncated,
        }
    }
}

fn check(platt: Platt) -> Result<(), String> {
    require(platt.a.is_finite() && platt.a > 0.0, || {
        format!("a is {}, not above 0", platt.a)
    })?;
    require(platt.b.is_finite(), || {
        format!("b is {}, not finite", platt.b)
    })
}

/// Before any window has been looked at.
pub(crate) const NONE_YET: [f32; OUTPUTS] = [f32::NEG_INFINITY; OUTPUTS];

/// A text's logits are the highest of its windows'.
///
/// # Errors
/// A logit is NaN or infinite: another window's would hide it.
pub(crate) fn keep_highest(
    highest: &mut [f32; OUTPUTS],
    window: &[f32; OUTPUTS],
) -> Result<(), String> {
    if !window.iter().all(|logit| logit.is_finite()) {
        return Err("a logit is not finite".to_owned());
    }
    for (highest, logit) in highest.iter_mut().zip(window) {
        *highest = highest.max(*logit);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_window_hides_a_logit_that_is_not_finite() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut highest = NONE_YET;
            keep_highest(&mut highest, &[1.0; OUTPUTS]).unwrap();
            let mut window = [2.0; OUTPUTS];
            window[3] = bad;
            assert!(keep_highest(&mut highest, &window).is_err());
        }
    }

    #[test]
    fn any_harm_leaves_personal_data_out() {
        let identity = Category::ALL.map(|category| (category, Platt::IDENTITY));
        let any_harm = AnyHarm {
            head_share: 0.5,
            a: 2.0,
            b: 1.0,
        };
        let calibration = Calibration::new(&identity.into_iter().collect(), any_harm).unwrap();
        let mut logits = [-1.0; OUTPUTS];
        logits[Category::Pii.index()] = 9.0;
        logits[Category::Hate.index()] = 3.0;
        let scores = calibration.scores(logits, true);
        // 2 (0.5 * -1 + 0.5 * 3) + 1 = 3.
        assert!((scores.any_harm - 0.952_574_1).abs() < 1e-6);
        assert!((scores.calibrated[Category::Hate.index()] - 0.952_574_1).abs() < 1e-6);
        assert!(scores.truncated);
    }
}
