//! Calibration that a policy has in place of the model's own.

use std::collections::BTreeMap;
use std::path::Path;

use serde_saphyr::Spanned;
use weir_types::{Category, ModelRef, ModelScores, logistic};

use crate::document::{CalibrationDocument, CurveDocument};
use crate::error::{Problem, Problems};
use crate::locale::LocaleDocument;
use crate::policy::Policy;

/// Hex digits of a SHA-256.
const HASH_DIGITS: usize = 64;

/// How one model's raw scores become probabilities.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// SHA-256 of the weights of the model that it was fitted for, 64 hex digits. Another model's scores are left alone.
    pub model: String,
    curves: [Option<Curve>; Category::COUNT],
}

/// `p = 1 / (1 + exp(-(slope * raw + intercept + shift)))`, with a shift, and perhaps a slope, of their own for some
/// languages (Platt scaling).
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Above 0. For languages without one of their own.
    pub slope: f64,
    /// For languages without a shift.
    pub intercept: f64,
    /// By language tag, small letters.
    locales: BTreeMap<String, Local>,
}

/// What is a language's own.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Local {
    /// In place of the curve's, above 0; `None`: the curve's.
    pub slope: Option<f64>,
    /// Added to the intercept.
    pub shift: f64,
}

impl Calibration {
    /// Of a model, by the hash of its weights.
    #[must_use]
    pub fn new(model: String, curves: impl IntoIterator<Item = (Category, Curve)>) -> Self {
        let mut calibration = Self {
            model,
            curves: [const { None }; Category::COUNT],
        };
        for (category, curve) in curves {
            calibration.curves[category.index()] = Some(curve);
        }
        calibration
    }

    /// The category's; `None`: the model's own holds.
    #[must_use]
    pub fn curve(&self, category: Category) -> Option<&Curve> {
        self.curves[category.index()].as_ref()
    }
}

impl Curve {
    /// With what is their own by language tag; slopes above 0 and finite numbers are the caller's to see to.
    #[must_use]
    pub fn new(
        slope: f64,
        intercept: f64,
        locales: impl IntoIterator<Item = (String, Local)>,
    ) -> Self {
        let small = |(tag, local): (String, Local)| (tag.to_ascii_lowercase(), local);
        Self {
            slope,
            intercept,
            locales: locales.into_iter().map(small).collect(),
        }
    }

    /// Language tags in small letters, and what is their own.
    pub fn locales(&self) -> impl Iterator<Item = (&str, Local)> {
        let locales = self.locales.iter();
        locales.map(|(tag, local)| (tag.as_str(), *local))
    }

    /// Slope and offset for a text in `language` (BCP 47): those of the longest tag named that it begins with, `de` for
    /// `de-AT`; the curve's if there is none.
    #[must_use]
    pub fn line(&self, language: &str) -> (f64, f64) {
        let own = self.own(language);
        (own.slope.unwrap_or(self.slope), self.intercept + own.shift)
    }

    /// The probability, `0.0..=1.0`, of a raw score of a text in `language`.
    #[must_use]
    pub fn probability(&self, raw: f32, language: &str) -> f32 {
        let own = self.own(language);
        let slope = own.slope.unwrap_or(self.slope);
        logistic(slope * f64::from(raw) + self.intercept + own.shift)
    }

    fn own(&self, language: &str) -> Local {
        let begins_with = |named: &str| {
            let start = language.get(..named.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(named))
                && matches!(
                    language.as_bytes().get(named.len()),
                    None | Some(b'-' | b'_')
                )
        };
        let named = self.locales().filter(|(named, _)| begins_with(named));
        let longest = named.max_by_key(|(named, _)| named.len());
        longest.map_or_else(Local::default, |(_, own)| own)
    }
}

impl Policy {
    /// What `model` said of a text in `language`, calibrated as the policy wants it. Raw scores stay, and so does the
    /// probability of any harm, which is the model's own.
    #[must_use]
    pub fn calibrated(
        &self,
        scores: &ModelScores,
        model: &ModelRef,
        language: &str,
    ) -> ModelScores {
        let mut scores = *scores;
        if let Some(calibration) = &self.calibration
            && calibration.model == model.hash
        {
            for category in Category::ALL {
                if let Some(curve) = calibration.curve(category) {
                    let at = category.index();
                    scores.calibrated[at] = curve.probability(scores.raw[at], language);
                }
            }
        }
        scores
    }
}

/// Takes in what a policy says. What its parent says of other categories stays, if it is of the same model.
pub(crate) fn apply(
    calibration: &mut Option<Calibration>,
    file: &Path,
    document: &CalibrationDocument,
    problems: &mut Problems,
) {
    let model = &document.model;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if model.value.len() != HASH_DIGITS || !model.value.bytes().all(is_hex) {
        let message =
            "model is not the SHA-256 of a model's weights, 64 hex digits in small letters";
        problems.push(Problem::at(file, model, message.to_owned()));
    }
    let inherited = calibration.take().filter(|it| it.model == model.value);
    let mut own = inherited.unwrap_or_else(|| Calibration::new(model.value.clone(), []));
    for (name, document) in &document.categories {
        match name.value.parse::<Category>() {
            Ok(category) => own.curves[category.index()] = Some(compile(file, document, problems)),
            Err(error) => problems.push(Problem::at(file, name, error.to_string())),
        }
    }
    *calibration = Some(own);
}

fn compile(file: &Path, document: &CurveDocument, problems: &mut Problems) -> Curve {
    let slope = slope(file, &document.slope, problems);
    let intercept = &document.intercept;
    let intercept = finite(file, intercept, intercept.value, "intercept", problems);
    let mut locales = BTreeMap::new();
    for (tag, own) in &document.locales {
        if !is_language_tag(&tag.value) {
            let message = format!("\"{}\" is no language tag, as de or hi-Latn", tag.value);
            problems.push(Problem::at(file, tag, message));
        }
        let local = match &own.value {
            LocaleDocument::Shift(shift) => Local {
                slope: None,
                shift: finite(file, own, *shift, "shift", problems),
            },
            LocaleDocument::Curve(curve) => Local {
                slope: Some(self::slope(file, &curve.slope, problems)),
                shift: finite(file, &curve.shift, curve.shift.value, "shift", problems),
            },
        };
        locales.insert(tag.value.to_ascii_lowercase(), local);
    }
    Curve {
        slope,
        intercept,
        locales,
    }
}

fn finite<T>(
    file: &Path,
    place: &Spanned<T>,
    value: f64,
    what: &str,
    problems: &mut Problems,
) -> f64 {
    if !value.is_finite() {
        let message = format!("{what} {value} is no finite number");
        problems.push(Problem::at(file, place, message));
    }
    value
}

/// Above 0, or thresholds would be passed by what is least suspicious.
fn slope(file: &Path, value: &Spanned<f64>, problems: &mut Problems) -> f64 {
    let slope = finite(file, value, value.value, "slope", problems);
    if slope.is_finite() && slope <= 0.0 {
        let message = format!("slope {slope} is not above 0");
        problems.push(Problem::at(file, value, message));
    }
    slope
}

/// BCP 47, roughly: letters and digits, parted by hyphens.
fn is_language_tag(tag: &str) -> bool {
    tag.split('-').all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests;
