use std::collections::{BTreeMap, HashMap};

use weir_types::{Action, Category, FailMode, Mask, Micros};

use crate::calibration::Calibration;
use crate::rules::AppliesTo;
use crate::second_look::SecondLook;
use crate::stream::StreamPolicy;

/// A threshold no calibrated score reaches: the tier never begins.
pub const NEVER: f32 = 2.0;

/// Where each tier of a category begins, on the calibrated score; [`NEVER`] when it does not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tiers {
    /// At or above: warn.
    pub warn: f32,
    /// At or above: attenuate.
    pub attenuate: f32,
    /// At or above: block.
    pub block: f32,
}

impl Tiers {
    pub(crate) const NEVER: Self = Self {
        warn: NEVER,
        attenuate: NEVER,
        block: NEVER,
    };

    /// The strictest tier that `calibrated` reaches.
    #[must_use]
    pub fn action(&self, calibrated: f32) -> Action {
        if calibrated >= self.block {
            Action::Block
        } else if calibrated >= self.attenuate {
            Action::Attenuate
        } else if calibrated >= self.warn {
            Action::Warn
        } else {
            Action::Allow
        }
    }

    /// Where the mildest tier begins: below it the policy does nothing.
    #[must_use]
    pub fn lowest(&self) -> f32 {
        self.warn.min(self.attenuate).min(self.block)
    }
}

/// What to do with the findings of one detector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DetectorAction {
    pub(crate) action: Action,
    pub(crate) min_score: f32,
    pub(crate) mask: Mask,
}

/// Detectors whose silence triggers the fail mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Required {
    /// The rules engine.
    pub rules: bool,
    /// The classifier.
    pub classifier: bool,
}

/// A policy, compiled: every question the hot path asks is a look-up.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// Its version, as its author numbers it.
    pub version: String,
    /// SHA-256 over everything it is made of (itself, its ancestors, the rules), 64 hex digits.
    pub hash: String,
    /// `false`: verdicts say `would_action` and let everything pass.
    pub enforce: bool,
    /// Budget of records that carry none.
    pub budget: Micros,
    /// Text beyond this many bytes is not looked at, and the verdict says so.
    pub max_text_bytes: usize,
    /// What happens to a text that a required detector did not judge.
    pub fail_mode: FailMode,
    /// Which detectors are required.
    pub required: Required,
    /// How streams are held and ended.
    pub stream: StreamPolicy,
    /// Which texts the rescorer is to look at.
    pub second_look: SecondLook,
    /// What makes probabilities of raw scores; `None`: the model's own calibration. [`Policy::calibrated`] applies it.
    pub calibration: Option<Calibration>,
    /// Language tag to what is shown in place of blocked text.
    pub(crate) completions: BTreeMap<String, String>,
    pub(crate) tiers: [Tiers; Category::COUNT],
    pub(crate) detectors: HashMap<String, DetectorAction>,
    pub(crate) rules: HashMap<String, Action>,
    /// Rules that are about prompts only, or streams only.
    pub(crate) partial_rules: HashMap<String, AppliesTo>,
}

impl Policy {
    /// The category's tiers on whole texts.
    #[must_use]
    pub fn tiers(&self, category: Category) -> &Tiers {
        &self.tiers[category.index()]
    }

    /// The category's tiers on a window of a stream: those of whole texts, unless streams have their own.
    #[must_use]
    pub fn stream_tiers(&self, category: Category) -> &Tiers {
        let own = self.stream.tiers[category.index()].as_ref();
        own.unwrap_or_else(|| self.tiers(category))
    }

    /// What a finding asks for: by its rule if the policy knows it, else by its detector.
    #[must_use]
    pub fn action_for_finding(&self, detector: &str, rule: &str, score: f32) -> Action {
        if let Some(action) = self.rules.get(rule) {
            return *action;
        }
        match self.detectors.get(detector) {
            Some(known) if score >= known.min_score => known.action,
            _ => Action::Allow,
        }
    }

    /// Whether a rule is about prompts; what is no rule of the policy's is.
    #[must_use]
    pub fn applies_to_prompts(&self, rule: &str) -> bool {
        self.partial_rules.get(rule) != Some(&AppliesTo::Streams)
    }

    /// Whether a rule is about streams; what is no rule of the policy's is.
    #[must_use]
    pub fn applies_to_streams(&self, rule: &str) -> bool {
        self.partial_rules.get(rule) != Some(&AppliesTo::Prompts)
    }

    /// How a detector's findings are masked.
    #[must_use]
    pub fn mask_for(&self, detector: &str) -> Mask {
        self.detectors
            .get(detector)
            .map_or(Mask::default(), |known| known.mask)
    }
}
