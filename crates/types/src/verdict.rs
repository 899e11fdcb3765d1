use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Action, Category, Disposition, FailMode, Mask, StreamContract};

/// Where an input stands on its topic.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// Topic name.
    pub topic: Arc<str>,
    /// Partition number, `0..`.
    pub partition: i32,
    /// Offset within the partition, `0..`.
    pub offset: i64,
}

/// Half-open range of bytes, counted from the start of the judged text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: i64,
    /// One past the last byte; `end >= start`.
    pub end: i64,
}

/// How bad a finding is when it is right.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Worth knowing.
    #[default]
    Low,
    /// Worth acting on.
    Medium,
    /// Act at once.
    High,
    /// Act at once and tell someone.
    Critical,
}

/// One thing that a rule or detector found. Never holds the matched text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The detector: `literal`, `card`, `email`, `api_key`, ...
    pub detector: String,
    /// The rule within the detector, e.g. a literal rule's id or an API key's issuer.
    pub rule: String,
    /// What it is evidence of.
    pub category: Category,
    /// Where, in bytes of the original text.
    pub span: Span,
    /// Confidence, `0.0..=1.0`.
    pub score: f32,
    /// How bad it is when right.
    pub severity: Severity,
    /// Keyed fingerprint of the matched text (see [`crate::FingerprintKey`]).
    pub fingerprint: String,
    /// How to mask it where the text is passed on attenuated; `None`: the policy leaves it.
    pub mask: Option<Mask>,
}

impl Finding {
    /// What [`Mask::Label`] writes between brackets: the detector for personal data and secrets, the
    /// category for the rest.
    #[must_use]
    pub fn label(&self) -> &str {
        if self.category == Category::Pii {
            &self.detector
        } else {
            self.category.as_str()
        }
    }
}

/// What the classifier said of one category, and how far that was from changing the outcome.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CategoryScore {
    /// The category.
    pub category: Category,
    /// The model's own output (a logit), uncalibrated.
    pub raw: f32,
    /// Calibrated probability, `0.0..=1.0`.
    pub calibrated: f32,
    /// The lowest threshold that the policy set for this category; above 1 when it never acts.
    pub threshold: f32,
    /// `calibrated - threshold`: the sign says whether the policy acts, the size how close it was.
    pub margin: f32,
}

impl CategoryScore {
    /// What `scores` say of a category on which a policy begins to act at `threshold`.
    #[must_use]
    pub fn new(category: Category, scores: &ModelScores, threshold: f32) -> Self {
        let calibrated = scores.calibrated[category.index()];
        Self {
            category,
            raw: scores.raw[category.index()],
            calibrated,
            threshold,
            margin: calibrated - threshold,
        }
    }
}

/// Why something did not judge the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnjudgedCause {
    /// The budget ran out, or had run out when the record arrived.
    Expired,
    /// Load was shed.
    Shed,
    /// The text is longer than the detector's cap; the rest was not looked at.
    Truncated,
    /// The detector failed or its circuit is open.
    Failed,
    /// The record could not be read.
    Malformed,
    /// Part of the stream never arrived.
    Missing,
}

impl UnjudgedCause {
    /// All causes.
    pub const ALL: [Self; 6] = [
        Self::Expired,
        Self::Shed,
        Self::Truncated,
        Self::Failed,
        Self::Malformed,
        Self::Missing,
    ];

    /// The name used in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Shed => "shed",
            Self::Truncated => "truncated",
            Self::Failed => "failed",
            Self::Malformed => "malformed",
            Self::Missing => "missing",
        }
    }
}

/// A detector that did not judge (all of) the text, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unjudged {
    /// The detector: `rules`, `classifier`, or `record` when nothing could look at it.
    pub detector: String,
    /// Why.
    pub cause: UnjudgedCause,
}

/// A model that had a say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelRef {
    /// Its name and version, e.g. `fast-words-2`.
    pub name: String,
    /// SHA-256 of its weights, 64 hex digits.
    pub hash: String,
}

/// Which stage of the pipeline judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Stage {
    /// Rules and the fast model.
    #[default]
    Fast,
    /// Rules, fast model, and a small transformer for the uncertain band.
    Cascade,
    /// The rescorer's heavy model.
    Heavy,
}

/// What a verdict rests on: enough to judge the same text the same way again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Policy id.
    pub policy_id: String,
    /// Policy version, as its author numbers it.
    pub policy_version: String,
    /// SHA-256 of the policy sources, 64 hex digits.
    pub policy_hash: String,
    /// The models that had a say, in order.
    pub models: Vec<ModelRef>,
    /// BCP 47 tag of the language that the text was judged as; `und` when not determined.
    pub language: String,
    /// Confidence in that language, `0.0..=1.0`.
    pub language_confidence: f32,
    /// Experiment arm: `live`, later also `shadow` and `canary`.
    pub arm: String,
    /// Stage.
    pub stage: Stage,
}

/// What a classifier said of one text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ModelScores {
    /// The model's own outputs (logits) in the order of [`Category::ALL`].
    pub raw: [f32; Category::COUNT],
    /// Calibrated probabilities, `0.0..=1.0`, in the same order.
    pub calibrated: [f32; Category::COUNT],
    /// One calibrated any-harm probability, `0.0..=1.0`.
    pub any_harm: f32,
    /// The text was longer than the model's cap; the rest was not looked at.
    pub truncated: bool,
}

impl ModelScores {
    /// The worse of two, number by number: how windows and segments of one text are pooled.
    #[must_use]
    pub fn worse(mut self, other: &Self) -> Self {
        for index in 0..Category::COUNT {
            self.raw[index] = self.raw[index].max(other.raw[index]);
            self.calibrated[index] = self.calibrated[index].max(other.calibrated[index]);
        }
        self.any_harm = self.any_harm.max(other.any_harm);
        self.truncated |= other.truncated;
        self
    }
}

/// Where the time went, in microseconds. A batch's time is shared out evenly among its members.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageTimes {
    /// From the reader's poll to the lane taking it up.
    pub queue_us: i64,
    /// Decoding the record.
    pub decode_us: i64,
    /// Normalising and rules.
    pub rules_us: i64,
    /// The classifier, waiting for its batch included.
    pub classify_us: i64,
    /// From the reader's poll to the verdict.
    pub total_us: i64,
}

/// What the inference layer obeys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// Deterministic: a repeat carries the same id (see [`crate::derive_verdict_id`]).
    pub verdict_id: String,
    /// Grows with each change of the partition's owner; clients ignore lower ones.
    pub owner_epoch: i64,
    /// The request.
    pub request_id: String,
    /// The stream within the request; `None` for the prompt itself.
    pub stream_id: Option<String>,
    /// The tenant whose policy applied.
    pub tenant: String,
    /// The worker that asked, so that it can find its own.
    pub worker_id: String,
    /// First input of the stream that this verdict covers; 0 for prompts.
    pub seq_from: i64,
    /// Last input of the stream that this verdict covers; 0 for prompts.
    pub seq_to: i64,
    /// An earlier verdict that this one replaces.
    pub supersedes: Option<String>,
    /// No further verdict on this stream will come from this stage.
    #[serde(rename = "final")]
    pub is_final: bool,

    /// What to do.
    pub action: Action,
    /// What would have been done had the policy been enforced.
    pub would_action: Action,
    /// Whether `action` is the policy's word (`false`: it only watches, and `action` is `allow`).
    pub enforced: bool,

    /// Every byte before this one has been judged.
    pub checked_to: i64,
    /// Every byte before this one may be shown.
    pub released_to: i64,
    /// Cut what was shown here.
    pub truncate_at: Option<i64>,
    /// From here on, text is held until a later verdict.
    pub hold_from: Option<i64>,

    /// What was found, in order of position.
    pub findings: Vec<Finding>,
    /// What the classifier said, in the order of [`Category::ALL`]; empty when it had no say.
    pub scores: Vec<CategoryScore>,
    /// One calibrated any-harm probability, `0.0..=1.0`, raised by rule findings; `None` when
    /// neither a classifier nor a rule had anything to say.
    pub risk: Option<f32>,
    /// What judged the text: `rules`, `classifier`.
    pub judged_by: Vec<String>,
    /// What did not, and why.
    pub unjudged: Vec<Unjudged>,
    /// The fail mode in force; it decided `action` when `unjudged` names a required detector.
    pub fail_mode: FailMode,

    /// What the verdict rests on.
    pub provenance: Provenance,
    /// Where the time went.
    pub times: StageTimes,

    /// Text was released because its hold ran out, before all that might object had judged it.
    pub hold_expired: bool,
    /// What becomes of text that was shown already; `None` unless `action` is `block`.
    pub disposition: Option<Disposition>,
    /// What to show after the cut; `None` for nothing, and unless `action` is `block`.
    pub completion: Option<String>,
    /// What holds for the streams of the request; `None` on a stream's verdict.
    pub contract: Option<StreamContract>,
}
