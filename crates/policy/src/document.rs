//! The shape of a policy file, before it is resolved against its parent and the rules.

use serde::Deserialize;
use serde_saphyr::Spanned;
use weir_types::{Action, Disposition, FailMode, Mask, OnExpiry};

use crate::locale::LocaleDocument;
use crate::yaml::Entries;

/// One policy file. Every key but `id` and `version` may be left out and is then inherited.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PolicyDocument {
    pub(crate) id: Spanned<String>,
    pub(crate) version: Spanned<String>,
    /// The policy whose settings hold where this one is silent.
    pub(crate) extends: Option<Spanned<String>>,
    /// Tenants that it applies to; `"*"` is everybody who has no policy of their own.
    #[serde(default)]
    pub(crate) tenants: Vec<Spanned<String>>,
    pub(crate) enforce: Option<bool>,
    pub(crate) budget_ms: Option<Spanned<u64>>,
    pub(crate) max_text_bytes: Option<Spanned<u64>>,
    pub(crate) fail: Option<FailDocument>,
    pub(crate) stream: Option<StreamDocument>,
    pub(crate) second_look: Option<SecondLookDocument>,
    pub(crate) calibration: Option<CalibrationDocument>,
    /// Language tag (`de`, `pt-BR`, or `und` for all others) to what is shown in place of blocked text.
    #[serde(default)]
    pub(crate) completions: Entries<Spanned<String>>,
    #[serde(default)]
    pub(crate) categories: Entries<TiersDocument>,
    #[serde(default)]
    pub(crate) detectors: Entries<DetectorDocument>,
    /// Rule id to action, in place of what the rule asks for.
    #[serde(default)]
    pub(crate) rules: Entries<Action>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailDocument {
    pub(crate) mode: Option<FailMode>,
    pub(crate) required: Option<Vec<Spanned<String>>>,
}

/// How streams are held and ended.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StreamDocument {
    /// Detectors that text waits for.
    pub(crate) required: Option<Vec<Spanned<String>>>,
    pub(crate) hold: Option<HoldDocument>,
    /// Text is released in whole words.
    pub(crate) whole_words: Option<bool>,
    pub(crate) idle_ms: Option<Spanned<u64>>,
    pub(crate) disposition: Option<Disposition>,
    /// Tiers on the classifier's windows, where they are not those of whole texts.
    #[serde(default)]
    pub(crate) categories: Entries<TiersDocument>,
}

/// What the rescorer is to look at.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondLookDocument {
    pub(crate) sample: Option<Spanned<f64>>,
    pub(crate) uncertain: Option<Spanned<f64>>,
    pub(crate) all: Option<bool>,
}

/// How one model's raw scores become probabilities.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalibrationDocument {
    /// SHA-256 of the model's weights.
    pub(crate) model: Spanned<String>,
    #[serde(default)]
    pub(crate) categories: Entries<CurveDocument>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CurveDocument {
    pub(crate) slope: Spanned<f64>,
    pub(crate) intercept: Spanned<f64>,
    /// By language tag.
    #[serde(default)]
    pub(crate) locales: Entries<Spanned<LocaleDocument>>,
}

/// How long text is held on suspicion.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HoldDocument {
    pub(crate) chars: Option<Spanned<u64>>,
    pub(crate) ms: Option<Spanned<u64>>,
    pub(crate) on_expiry: Option<OnExpiry>,
}

/// Thresholds on the calibrated score, `0.0..=1.0`, at which each tier begins.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TiersDocument {
    pub(crate) warn: Option<Spanned<f32>>,
    pub(crate) attenuate: Option<Spanned<f32>>,
    pub(crate) block: Option<Spanned<f32>>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DetectorDocument {
    pub(crate) action: Action,
    /// Findings below this confidence are reported but not acted upon.
    pub(crate) min_score: Option<Spanned<f32>>,
    /// How its findings are masked when the action is `attenuate`.
    #[serde(default)]
    pub(crate) mask: Mask,
}
