//! The second look beside the first: a moderation record. Pure.

use weir_policy::Policy;
use weir_types::{
    Action, Category, CategoryScore, ModelRef, ModelScores, Outcome, Span, Unjudged, UnjudgedCause,
    derive_id,
};
use weir_wire::{Flagged, Influence, Moderation};

use crate::triage::{Triage, triage};

/// As what the heavy model stands in `unjudged`.
const HEAVY: &str = "heavy";

/// What came of looking.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Look {
    Judged(ModelScores),
    Unjudged(UnjudgedCause),
}

/// What else a record tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    pub(crate) fingerprint: String,
    pub(crate) similar: Vec<String>,
    pub(crate) influences: Vec<Influence>,
    pub(crate) flagged_at_ms: i64,
    pub(crate) rescored_at_ms: i64,
}

/// The id of what a model says of a verdict's text.
pub(crate) fn moderation_id(verdict_id: &str, model: &ModelRef) -> String {
    derive_id(&["moderation", verdict_id, &model.hash])
}

/// Puts the two judgements side by side.
pub(crate) fn moderation(
    flagged: &Flagged,
    look: &Look,
    policy: &Policy,
    model: &ModelRef,
    beside: Beside,
) -> Moderation {
    let tiers = Tiers {
        policy,
        streams: flagged.stream_id.is_some(),
    };
    let heavy_scores = match look {
        Look::Judged(scores) => tiers.scores(scores),
        Look::Unjudged(_) => Vec::new(),
    };
    let fast = tiers.strictest(&flagged.fast_scores);
    let heavy = tiers.strictest(&heavy_scores);
    // A policy that only watches lets everything pass, whatever it thinks of it.
    let first = if policy.enforce {
        flagged.fast_action
    } else {
        flagged.fast_action.max(fast.action)
    };
    let outcome = match look {
        Look::Unjudged(_) => Outcome::Unjudged,
        Look::Judged(_) if heavy.action > first => Outcome::Tightened,
        Look::Judged(_) if heavy.action == first => Outcome::Confirmed,
        Look::Judged(_) if fast.action < first => Outcome::Rule,
        Look::Judged(_) => Outcome::Overturned,
    };
    let (action, behind) = if heavy.action >= first {
        (heavy.action, heavy.category)
    } else if fast.action == first {
        (first, fast.category)
    } else {
        (first, None)
    };
    let triage = triage(
        outcome,
        action > Action::Allow,
        behind,
        &highest(&flagged.fast_scores, &heavy_scores),
    );
    let (risk, unjudged) = match look {
        Look::Judged(scores) => (
            Some(scores.any_harm),
            scores.truncated.then_some(UnjudgedCause::Truncated),
        ),
        Look::Unjudged(cause) => (None, Some(*cause)),
    };
    let length = i64::try_from(flagged.text.len()).unwrap_or(i64::MAX);
    let Triage {
        severity,
        priority,
        queue,
        due_in_ms,
    } = triage;
    Moderation {
        moderation_id: moderation_id(&flagged.verdict_id, model),
        verdict_id: flagged.verdict_id.clone(),
        request_id: flagged.request_id.clone(),
        stream_id: flagged.stream_id.clone(),
        tenant: flagged.tenant.clone(),
        subject_id: flagged.subject_id.clone(),
        worker_id: flagged.worker_id.clone(),
        source: flagged.source.clone(),
        span: Span {
            start: flagged.byte_start,
            end: flagged.byte_start.saturating_add(length),
        },
        released_to: flagged.released_to,
        selection_reason: flagged.selection_reason,
        inclusion_probability: flagged.inclusion_probability,
        outcome,
        fast_action: flagged.fast_action,
        disagreements: disagreements(&tiers, &flagged.fast_scores, &heavy_scores),
        fast_scores: flagged.fast_scores.clone(),
        heavy_action: heavy.action,
        heavy_scores,
        risk,
        unjudged: unjudged
            .map(|cause| Unjudged {
                detector: HEAVY.to_owned(),
                cause,
            })
            .into_iter()
            .collect(),
        clause: tiers.clause(action, behind),
        policy_hash: flagged.policy_hash.clone(),
        heavy_policy_hash: policy.hash.clone(),
        severity,
        priority,
        queue: queue.to_owned(),
        due_at_ms: beside.flagged_at_ms.saturating_add(due_in_ms),
        locale_hint: flagged.locale_hint.clone(),
        language: flagged.language.clone(),
        fingerprint: beside.fingerprint,
        similar: beside.similar,
        influences: beside.influences,
        supersedes: (outcome == Outcome::Tightened && policy.enforce)
            .then(|| flagged.verdict_id.clone()),
        model: model.clone(),
        flagged_at_ms: beside.flagged_at_ms,
        rescored_at_ms: beside.rescored_at_ms,
    }
}

/// A policy's thresholds for whole texts, or for windows of streams.
struct Tiers<'a> {
    policy: &'a Policy,
    streams: bool,
}

/// What a policy does on a model's scores, and for which category.
struct Strictest {
    action: Action,
    category: Option<Category>,
}

impl Tiers<'_> {
    fn of(&self, category: Category) -> &weir_policy::Tiers {
        if self.streams {
            self.policy.stream_tiers(category)
        } else {
            self.policy.tiers(category)
        }
    }

    fn action(&self, score: &CategoryScore) -> Action {
        self.of(score.category).action(score.calibrated)
    }

    fn scores(&self, scores: &ModelScores) -> Vec<CategoryScore> {
        let score = |category| CategoryScore::new(category, scores, self.of(category).lowest());
        Category::ALL.into_iter().map(score).collect()
    }

    /// Among categories with the same action, the one that is farthest above its threshold.
    fn strictest(&self, scores: &[CategoryScore]) -> Strictest {
        let mut strictest = Strictest {
            action: Action::Allow,
            category: None,
        };
        let mut margin = f32::NEG_INFINITY;
        for score in scores {
            let action = self.action(score);
            if action > strictest.action || action == strictest.action && score.margin > margin {
                margin = score.margin;
                strictest = Strictest {
                    action,
                    category: (action > Action::Allow).then_some(score.category),
                };
            }
        }
        strictest
    }

    fn clause(&self, action: Action, behind: Option<Category>) -> String {
        match behind {
            _ if action == Action::Allow => String::new(),
            None => "rules".to_owned(),
            Some(category) => {
                let of = if self.streams { "stream." } else { "" };
                format!("{of}categories.{}.{}", category.as_str(), action.as_str())
            }
        }
    }
}

/// Categories in which one acts and the other does not, where both had a say.
fn disagreements(
    tiers: &Tiers<'_>,
    fast: &[CategoryScore],
    heavy: &[CategoryScore],
) -> Vec<Category> {
    let acts = |score: &CategoryScore| tiers.action(score) > Action::Allow;
    heavy
        .iter()
        .filter(|heavy| {
            let fast = fast.iter().find(|fast| fast.category == heavy.category);
            fast.is_some_and(|fast| acts(fast) != acts(heavy))
        })
        .map(|heavy| heavy.category)
        .collect()
}

/// The higher of both models' probabilities.
fn highest(fast: &[CategoryScore], heavy: &[CategoryScore]) -> Vec<(Category, f32)> {
    fast.iter()
        .chain(heavy)
        .map(|score| (score.category, score.calibrated))
        .collect()
}

#[cfg(test)]
pub(crate) mod tests;
