//! From what rules and classifier said to a verdict.

use std::sync::Arc;

use weir_detect::Match;
use weir_policy::{Policy, Tiers};
use weir_types::{
    Action, Category, CategoryScore, FailMode, Finding, FingerprintKey, Micros, ModelRef,
    ModelScores, Provenance, Source, Stage, StageTimes, Unjudged, Verdict, derive_verdict_id,
};

use crate::input::{Arrival, Judged};
use crate::language::SpokenIn;
use crate::second_look::{self, Fast};

pub(crate) const RULES: &str = "rules";
pub(crate) const CLASSIFIER: &str = "classifier";
pub(crate) const RECORD: &str = "record";

/// Findings that one verdict may carry, so that a megabyte of addresses does not make a verdict
/// that no topic takes. What is dropped still counts towards the action.
const MAX_FINDINGS: usize = 128;

/// Who asked what.
#[derive(Debug)]
pub(crate) struct Identity {
    pub(crate) source: Source,
    pub(crate) owner_epoch: i64,
    pub(crate) request_id: String,
    pub(crate) tenant: String,
    pub(crate) worker_id: String,
    /// What the text is in; the caller's claim where the text does not tell.
    pub(crate) language: SpokenIn,
}

/// A prompt after the rules.
#[derive(Debug)]
pub(crate) struct Ruled {
    pub(crate) identity: Identity,
    pub(crate) policy: Arc<Policy>,
    pub(crate) findings: Findings,
    pub(crate) text_bytes: i64,
    pub(crate) unjudged: Vec<Unjudged>,
    pub(crate) arrival: Arrival,
    pub(crate) taken_up: Micros,
}

/// What the rules found and what the policy makes of it.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) kept: Vec<Finding>,
    dropped: bool,
    action: Action,
    /// Where the first finding begins that is to be blocked.
    pub(crate) block_at: Option<i64>,
    /// Categories that the policy acts on.
    pub(crate) flagged: Vec<Category>,
    /// Highest confidence among findings of harm. Personal data is not harm.
    pub(crate) harm: Option<f32>,
}

impl Findings {
    /// Takes in one match in `segment`, whose first byte stands at `base` of the whole text.
    pub(crate) fn add(
        &mut self,
        found: &Match,
        segment: &[u8],
        base: usize,
        policy: &Policy,
        key: &FingerprintKey,
    ) {
        let action = policy.action_for_finding(found.detector, &found.rule, found.score);
        self.action = self.action.max(action);
        if action > Action::Allow {
            self.flagged.push(found.category);
        }
        if action == Action::Block {
            let first = self.block_at.unwrap_or(i64::MAX);
            self.block_at = Some(first.min(found.span.start));
        }
        if found.category != Category::Pii {
            self.harm = Some(self.harm.unwrap_or(0.0).max(found.score));
        }
        if self.kept.len() == MAX_FINDINGS {
            self.dropped = true;
            if action == Action::Attenuate {
                // What is not listed cannot be masked.
                let first = self.block_at.unwrap_or(i64::MAX);
                self.block_at = Some(first.min(found.span.start));
            }
            return;
        }
        let at = |position: i64| usize::try_from(position).unwrap_or(0).saturating_sub(base);
        let matched = segment
            .get(at(found.span.start)..at(found.span.end))
            .unwrap_or_default();
        self.kept.push(Finding {
            detector: found.detector.to_owned(),
            rule: (*found.rule).to_owned(),
            category: found.category,
            span: found.span,
            score: found.score,
            severity: found.severity,
            fingerprint: key.fingerprint(matched),
            mask: (action == Action::Attenuate).then(|| policy.mask_for(found.detector)),
        });
    }
}

impl Findings {
    /// What the policy asks for.
    pub(crate) fn action(&self) -> Action {
        if self.dropped && self.action == Action::Attenuate {
            Action::Block
        } else {
            self.action
        }
    }
}

/// Builds the verdict; `scores` is `None` when the classifier had no say.
pub(crate) fn verdict(
    prompt: Ruled,
    scores: Option<&ModelScores>,
    model: Option<&ModelRef>,
    key: &FingerprintKey,
    now: Micros,
) -> Judged {
    let Ruled {
        identity,
        policy,
        findings,
        text_bytes,
        unjudged,
        arrival,
        taken_up,
    } = prompt;
    let readable = !unjudged.iter().any(|entry| entry.detector == RECORD);

    let mut would_action = findings.action();
    let mut flagged = findings.flagged;
    if let Some(scores) = scores {
        for category in Category::ALL {
            let action = policy
                .tiers(category)
                .action(scores.calibrated[category.index()]);
            would_action = would_action.max(action);
            if action > Action::Allow {
                flagged.push(category);
            }
        }
    }
    flagged.sort_unstable();
    flagged.dedup();

    if is_required_missing(&policy, &unjudged) && policy.fail_mode == FailMode::Closed {
        would_action = Action::Block;
    }
    let action = if policy.enforce {
        would_action
    } else {
        Action::Allow
    };

    // Rules stop at the policy's cap; the classifier's own cap does not lower this, for it is
    // advisory for release.
    let limit = offset(policy.max_text_bytes);
    let checked_to = if readable { text_bytes.min(limit) } else { 0 };
    let blocked = action == Action::Block;

    let completion = policy.completion(&identity.language.tag).map(str::to_owned);
    let contract = Some(policy.contract(completion.clone()));

    let mut judged_by = Vec::with_capacity(2);
    if readable {
        judged_by.push(RULES.to_owned());
    }
    if scores.is_some() {
        judged_by.push(CLASSIFIER.to_owned());
    }
    let risk = match (scores.map(|scores| scores.any_harm), findings.harm) {
        (Some(score), Some(found)) => Some(score.max(found)),
        (score, found) => score.or(found),
    };

    let verdict = Verdict {
        verdict_id: derive_verdict_id(&identity.request_id, &identity.source, 0..=0, Stage::Fast),
        owner_epoch: identity.owner_epoch,
        request_id: identity.request_id,
        stream_id: None,
        tenant: identity.tenant,
        worker_id: identity.worker_id,
        seq_from: 0,
        seq_to: 0,
        supersedes: None,
        is_final: true,
        action,
        would_action,
        enforced: policy.enforce,
        checked_to,
        released_to: if blocked { 0 } else { text_bytes },
        truncate_at: blocked.then_some(0),
        hold_from: None,
        findings: findings.kept,
        scores: scores.map_or_else(Vec::new, |scores| {
            category_scores(scores, |category| policy.tiers(category))
        }),
        risk,
        judged_by,
        unjudged,
        fail_mode: policy.fail_mode,
        provenance: provenance(&policy, scores.and(model), &identity.language),
        times: times(arrival, taken_up, now),
        hold_expired: false,
        disposition: blocked.then_some(policy.stream.disposition),
        completion: completion.filter(|_| blocked),
        contract,
    };
    let selected = readable.then(|| {
        let fast = Fast {
            would_action,
            scores: &verdict.scores,
            drawn_by: &verdict.verdict_id,
        };
        second_look::select(&fast, &policy.second_look, key)
    });
    Judged {
        source: identity.source,
        verdict,
        flagged,
        selected: selected.flatten(),
    }
}

/// Whether something did not judge that the policy requires.
pub(crate) fn is_required_missing(policy: &Policy, unjudged: &[Unjudged]) -> bool {
    unjudged.iter().any(|entry| match entry.detector.as_str() {
        RULES => policy.required.rules,
        CLASSIFIER => policy.required.classifier,
        _ => true,
    })
}

pub(crate) fn provenance(
    policy: &Policy,
    model: Option<&ModelRef>,
    language: &SpokenIn,
) -> Provenance {
    Provenance {
        policy_id: policy.id.clone(),
        policy_version: policy.version.clone(),
        policy_hash: policy.hash.clone(),
        models: model.cloned().into_iter().collect(),
        language: language.tag.clone(),
        language_confidence: language.confidence,
        arm: "live".to_owned(),
        stage: Stage::Fast,
    }
}

pub(crate) fn times(arrival: Arrival, taken_up: Micros, now: Micros) -> StageTimes {
    StageTimes {
        queue_us: microseconds(taken_up.since(arrival.received)),
        decode_us: arrival.decode_us,
        rules_us: 0,
        classify_us: 0,
        total_us: microseconds(now.since(arrival.received)),
    }
}

/// Lengths are bounded by the broker's message size, far below `i64::MAX`.
pub(crate) fn offset(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

/// The scores beside what each is measured by.
pub(crate) fn category_scores<'a>(
    scores: &ModelScores,
    tiers: impl Fn(Category) -> &'a Tiers,
) -> Vec<CategoryScore> {
    Category::ALL
        .into_iter()
        .map(|category| CategoryScore::new(category, scores, tiers(category).lowest()))
        .collect()
}

fn microseconds(duration: Micros) -> i64 {
    i64::try_from(duration.0).unwrap_or(i64::MAX)
}
