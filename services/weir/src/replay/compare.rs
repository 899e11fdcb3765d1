//! A recorded verdict beside the one that a replay gives. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_policy::{Policy, Tiers};
use weir_types::{CategoryScore, Finding, Verdict};

/// How far scores may lie apart: what shapes and batches do to the last digits of a model's sums.
const SCORES_WITHIN: f32 = 1e-4;
/// References listed for each field.
const EXAMPLES: usize = 5;

/// How a replay compares with what was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// Recorded verdicts, of each id the one with the highest epoch, that were compared.
    pub(crate) compared: u64,
    pub(crate) reproduced: u64,
    /// Not the same action, and a score lies within 1e-4 of a threshold: neither reproduced nor differing.
    pub(crate) at_threshold: u64,
    /// At least one field differs.
    pub(crate) differing: u64,
    /// By field; a verdict may differ in several.
    pub(crate) fields: BTreeMap<String, Differing>,
    /// Recorded, and no verdict of the replay has the id.
    pub(crate) not_reproduced: Differing,
    /// The same on streams on which time decided something (a gap, a hold, a silence).
    pub(crate) by_time: Differing,
    /// Judged by the replay, and no verdict was recorded: of texts that the gate had not come to, or whose verdicts are gone.
    pub(crate) not_recorded: u64,
    /// Left out: recorded under another policy than the one replayed ...
    pub(crate) other_policy: u64,
    /// ... or scored by another model.
    pub(crate) other_model: u64,
}

/// How often, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Differing {
    pub(crate) count: u64,
    pub(crate) examples: Vec<String>,
}

impl Differing {
    pub(crate) fn add(&mut self, place: &str) {
        self.count += 1;
        if self.examples.len() < EXAMPLES {
            self.examples.push(place.to_owned());
        }
    }

    fn merge(&mut self, other: Self) {
        self.count += other.count;
        self.examples.extend(other.examples);
        self.examples.truncate(EXAMPLES);
    }
}

/// What is compared by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms<'a> {
    pub(crate) policy: &'a Policy,
    /// Fingerprints are keyed, and this process has the key.
    pub(crate) fingerprints: bool,
}

impl Comparison {
    /// Whether the replay is what was recorded, as far as they can be compared, and something was.
    pub(crate) fn holds(&self) -> bool {
        self.differing == 0 && self.not_reproduced.count == 0 && self.compared > 0
    }

    pub(crate) fn take(
        &mut self,
        recorded: &Verdict,
        replayed: &Verdict,
        terms: Terms<'_>,
        place: &str,
    ) {
        self.compared += 1;
        let acted = |verdict: &Verdict| (verdict.action, verdict.would_action);
        if acted(recorded) != acted(replayed) && at_threshold(recorded, terms.policy) {
            self.at_threshold += 1;
            return;
        }
        let differing = fields(recorded, replayed, terms.fingerprints);
        if differing.is_empty() {
            self.reproduced += 1;
            return;
        }
        self.differing += 1;
        for field in differing {
            self.fields.entry(field.to_owned()).or_default().add(place);
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        self.compared += other.compared;
        self.reproduced += other.reproduced;
        self.at_threshold += other.at_threshold;
        self.differing += other.differing;
        for (field, differing) in other.fields {
            self.fields.entry(field).or_default().merge(differing);
        }
        self.not_reproduced.merge(other.not_reproduced);
        self.by_time.merge(other.by_time);
        self.not_recorded += other.not_recorded;
        self.other_policy += other.other_policy;
        self.other_model += other.other_model;
    }
}

/// The fields in which they differ: all are looked at but the epoch, the times, and what names another verdict.
fn fields(one: &Verdict, other: &Verdict, fingerprints: bool) -> Vec<&'static str> {
    let (was, is) = (&one.provenance, &other.provenance);
    let mut differing = Vec::new();
    let mut check = |field, same: bool| {
        if !same {
            differing.push(field);
        }
    };
    check("verdict_id", one.verdict_id == other.verdict_id);
    check("request_id", one.request_id == other.request_id);
    check("stream_id", one.stream_id == other.stream_id);
    check("tenant", one.tenant == other.tenant);
    check("worker_id", one.worker_id == other.worker_id);
    check("seq_from", one.seq_from == other.seq_from);
    check("seq_to", one.seq_to == other.seq_to);
    check("supersedes", one.supersedes == other.supersedes);
    check("final", one.is_final == other.is_final);
    check("action", one.action == other.action);
    check("would_action", one.would_action == other.would_action);
    check("enforced", one.enforced == other.enforced);
    check("checked_to", one.checked_to == other.checked_to);
    check("released_to", one.released_to == other.released_to);
    check("truncate_at", one.truncate_at == other.truncate_at);
    check("hold_from", one.hold_from == other.hold_from);
    check(
        "findings",
        same_findings(&one.findings, &other.findings, fingerprints),
    );
    check("scores", same_scores(&one.scores, &other.scores));
    let near = |a: f32, b: f32| (a - b).abs() <= SCORES_WITHIN;
    check(
        "risk",
        match (one.risk, other.risk) {
            (Some(one), Some(other)) => near(one, other),
            (one, other) => one.is_none() && other.is_none(),
        },
    );
    check("judged_by", one.judged_by == other.judged_by);
    check("unjudged", one.unjudged == other.unjudged);
    check("fail_mode", one.fail_mode == other.fail_mode);
    check(
        "policy",
        (&was.policy_id, &was.policy_version, &was.policy_hash)
            == (&is.policy_id, &is.policy_version, &is.policy_hash),
    );
    check("models", was.models == is.models);
    check(
        "language",
        was.language == is.language && near(was.language_confidence, is.language_confidence),
    );
    check("stage", (was.stage, &was.arm) == (is.stage, &is.arm));
    check("hold_expired", one.hold_expired == other.hold_expired);
    check("disposition", one.disposition == other.disposition);
    check("completion", one.completion == other.completion);
    check("contract", one.contract == other.contract);
    differing
}

fn same_findings(one: &[Finding], other: &[Finding], fingerprints: bool) -> bool {
    let same = |(one, other): (&Finding, &Finding)| {
        let mut other = other.clone();
        if !fingerprints {
            other.fingerprint.clone_from(&one.fingerprint);
        }
        *one == other
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// Calibrated scores within 1e-4; logits, which are not bounded, within that share of their size.
fn same_scores(one: &[CategoryScore], other: &[CategoryScore]) -> bool {
    let same = |(one, other): (&CategoryScore, &CategoryScore)| {
        let near = |a: f32, b: f32| (a - b).abs() <= SCORES_WITHIN;
        let logit = (one.raw - other.raw).abs() <= SCORES_WITHIN * one.raw.abs().max(1.0);
        one.category == other.category
            && near(one.calibrated, other.calibrated)
            && near(one.threshold, other.threshold)
            && near(one.margin, other.margin)
            && logit
    };
    one.len() == other.len() && one.iter().zip(other).all(same)
}

/// Whether a score is so close to where one of the policy's tiers begins that its last digits decide.
fn at_threshold(verdict: &Verdict, policy: &Policy) -> bool {
    let is_stream = verdict.stream_id.is_some();
    verdict.scores.iter().any(|score| {
        let Tiers {
            warn,
            attenuate,
            block,
        } = if is_stream {
            policy.stream_tiers(score.category)
        } else {
            policy.tiers(score.category)
        };
        let tiers = [warn, attenuate, block];
        tiers
            .iter()
            .any(|tier| (score.calibrated - **tier).abs() < SCORES_WITHIN)
    })
}
