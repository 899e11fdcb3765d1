//! Calibration that a policy has in place of the model's own.

use std::collections::BTreeMap;
use std::path::Path;

use serde_saphyr::Spanned;
use weir_types::{Category, ModelRef, ModelScores, logistic};

use crate::document::{CalibrationDocument, CurveDocument};
use crate::error::{Problem, Problems};
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

/// `p = 1 / (1 + exp(-(slope * raw + intercept + shift)))`, with a shift for some languages (Platt scaling).
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Above 0.
    pub slope: f64,
    /// For languages without a shift.
    pub intercept: f64,
    /// By language tag, small letters.
    shifts: BTreeMap<String, f64>,
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
    /// With shifts by language tag; a slope above 0 and finite numbers are the caller's to see to.
    #[must_use]
    pub fn new(
        slope: f64,
        intercept: f64,
        shifts: impl IntoIterator<Item = (String, f64)>,
    ) -> Self {
        let small = |(tag, shift): (String, f64)| (tag.to_ascii_lowercase(), shift);
        Self {
            slope,
            intercept,
            shifts: shifts.into_iter().map(small).collect(),
        }
    }

    /// Language tags in small letters, and their shifts.
    pub fn shifts(&self) -> impl Iterator<Item = (&str, f64)> {
        self.shifts
            .iter()
            .map(|(tag, shift)| (tag.as_str(), *shift))
    }

    /// The shift of a text in `language` (BCP 47): that of the longest tag named that it begins with, `de` for `de-AT`;
    /// 0 if there is none.
    #[must_use]
    pub fn shift(&self, language: &str) -> f64 {
        let begins_with = |named: &&str| {
            let start = language.get(..named.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(named))
                && matches!(
                    language.as_bytes().get(named.len()),
                    None | Some(b'-' | b'_')
                )
        };
        let named = self.shifts.keys().map(String::as_str).filter(begins_with);
        let longest = named.max_by_key(|named| named.len());
        longest.map_or(0.0, |named| self.shifts[named])
    }

    /// The probability, `0.0..=1.0`, of a raw score of a text in `language`.
    #[must_use]
    pub fn probability(&self, raw: f32, language: &str) -> f32 {
        logistic(self.slope * f64::from(raw) + self.intercept + self.shift(language))
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
    let mut finite = |value: &Spanned<f64>, what: &str| {
        if !value.value.is_finite() {
            let message = format!("{what} {} is no finite number", value.value);
            problems.push(Problem::at(file, value, message));
        }
        value.value
    };
    let slope = finite(&document.slope, "slope");
    let intercept = finite(&document.intercept, "intercept");
    let mut shifts = BTreeMap::new();
    for (tag, shift) in &document.locales {
        shifts.insert(tag.value.to_ascii_lowercase(), finite(shift, "shift"));
    }
    if slope <= 0.0 {
        // Thresholds would be passed by what is least suspicious.
        let message = format!("slope {slope} is not above 0");
        problems.push(Problem::at(file, &document.slope, message));
    }
    for (tag, _) in &document.locales {
        if !is_language_tag(&tag.value) {
            let message = format!("\"{}\" is no language tag, as de or hi-Latn", tag.value);
            problems.push(Problem::at(file, tag, message));
        }
    }
    Curve {
        slope,
        intercept,
        shifts,
    }
}

/// BCP 47, roughly: letters and digits, parted by hyphens.
fn is_language_tag(tag: &str) -> bool {
    tag.split('-').all(|part| {
        (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{PolicyError, PolicySet, SourceFile};

    const MODEL: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const OTHER: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn set(files: &[&str]) -> Result<PolicySet, PolicyError> {
        let sources: Vec<_> = files
            .iter()
            .map(|text| SourceFile {
                path: "p.yaml".into(),
                text: (*text).to_owned(),
            })
            .collect();
        PolicySet::parse(Path::new("policies"), &sources, &[])
    }

    fn policy(categories: &str) -> String {
        format!(
            "id: p\nversion: \"1\"\ntenants: [\"*\"]\ncalibration:\n  model: {MODEL}\n  categories:\n{categories}"
        )
    }

    fn scores(raw: f32) -> ModelScores {
        ModelScores {
            raw: [raw; Category::COUNT],
            calibrated: [0.25; Category::COUNT],
            any_harm: 0.75,
            truncated: true,
        }
    }

    fn model(hash: &str) -> ModelRef {
        ModelRef {
            name: "m".to_owned(),
            hash: hash.to_owned(),
        }
    }

    const HATE: &str =
        "    hate: { slope: 2.0, intercept: -1.0, locales: { de: 0.5, hi: 1.0, HI-latn: -3 } }\n";

    #[test]
    fn scores_of_its_model_are_calibrated_by_language() {
        let set = set(&[&policy(HATE)]).unwrap();
        let policy = set.for_tenant("");
        for (language, logit) in [
            ("en", 0.0),
            ("und", 0.0),
            ("", 0.0),
            ("de", 0.5),
            ("DE-at", 0.5),
            ("de_CH", 0.5),
            ("den", 0.0),
            ("d\u{e9}", 0.0),
            ("hi-Deva", 1.0),
            ("hi-Latn-IN", -3.0),
        ] {
            let found = policy.calibrated(&scores(0.5), &model(MODEL), language);
            let mut expected = scores(0.5);
            expected.calibrated[Category::Hate.index()] = logistic(logit);
            assert_eq!(found, expected, "{language}");
        }
        let other = policy.calibrated(&scores(0.5), &model(OTHER), "de");
        assert_eq!(other, scores(0.5));
    }

    #[test]
    fn children_inherit_what_is_of_the_same_model() {
        let child = |model: &str| {
            format!(
                "id: c\nversion: \"1\"\nextends: p\ntenants: [acme]\ncalibration:\n  model: {model}\n  categories:\n    \
                 violence: {{ slope: 1.0, intercept: 0.0 }}\n"
            )
        };
        let of = |child: &str| {
            let set = set(&[&policy(HATE), child]).unwrap();
            let calibration = set.for_tenant("acme").calibration.clone().unwrap();
            let has = |category| calibration.curve(category).is_some();
            (has(Category::Hate), has(Category::Violence))
        };
        assert_eq!(of(&child(MODEL)), (true, true));
        assert_eq!(of(&child(OTHER)), (false, true));
        assert_eq!(
            of("id: c\nversion: \"1\"\nextends: p\ntenants: [acme]\n"),
            (true, false)
        );
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (categories, line, why) in [
            (
                "    hate: { slope: 0, intercept: 1 }\n",
                7,
                "slope 0 is not above 0",
            ),
            (
                "    hate: { slope: .inf, intercept: 1 }\n",
                7,
                "slope inf is no finite number",
            ),
            (
                "    hate: { slope: 1, intercept: .nan }\n",
                7,
                "intercept NaN",
            ),
            (
                "    hate: { slope: 1, intercept: 1, locales: { de: -.inf } }\n",
                7,
                "shift -inf",
            ),
            (
                "    hate: { slope: 1, intercept: 1, locales: { \"d e\": 1 } }\n",
                7,
                "\"d e\" is no language tag",
            ),
            ("    hatred: { slope: 1, intercept: 1 }\n", 7, "hatred"),
            ("    hate: { slope: 1 }\n", 7, "intercept"),
            ("    hate: { slope: 1, intercept: 0, b: 1 }\n", 7, "b"),
        ] {
            let problems = set(&[&policy(categories)]).unwrap_err().problems;
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert_eq!(problems[0].line, line, "{problems:?}");
            assert!(problems[0].message.contains(why), "{problems:?}");
        }
        let unknown = policy(HATE).replace(MODEL, "fast-words-2");
        let problems = set(&[&unknown]).unwrap_err().problems;
        assert!(
            problems[0].message.contains("64 hex digits"),
            "{problems:?}"
        );
    }
}
