//! From a stream's state to a verdict.

use weir_types::{
    Action, Category, FingerprintKey, Micros, ModelRef, ModelScores, Source, Stage, Verdict,
    derive_verdict_id,
};

use super::input::{ChunkInput, JudgedText, StreamJudged, Timed};
use super::state::{Covered, News, Stream};
use crate::assemble::{self, CLASSIFIER, RULES};
use crate::input::{Arrival, Judged};
use crate::second_look::{self, Fast};

/// The verdict on a stream as far as it has come; `closed`: none will follow.
pub(super) fn verdict(
    stream: &mut Stream,
    scores: Option<&ModelScores>,
    model: Option<&ModelRef>,
    key: &FingerprintKey,
    closed: bool,
    now: Micros,
) -> StreamJudged {
    let news = stream.news.take().map_or_else(News::default, |news| *news);
    let policy = std::sync::Arc::clone(&stream.terms.policy);
    // A last verdict may bring words in that language.
    let language = stream.language(closed).clone();
    let mut would_action = news.findings.action();
    let mut flagged = news.findings.flagged.clone();
    if let Some(scores) = scores {
        for category in Category::ALL {
            let action = policy
                .stream_tiers(category)
                .action(scores.calibrated[category.index()]);
            // One window does not block: that is the stream's to decide.
            would_action = would_action.max(action.min(Action::Warn));
            if action > Action::Allow {
                flagged.push(category);
            }
        }
    }
    flagged.sort_unstable();
    flagged.dedup();
    let of_news = would_action;
    stream.strictest = stream.strictest.max(would_action);
    if closed || stream.strictest == Action::Block {
        would_action = stream.strictest;
    }
    let action = if policy.enforce {
        would_action
    } else {
        Action::Allow
    };
    let mut findings = news.findings.kept;
    if !policy.enforce {
        for finding in &mut findings {
            finding.mask = None;
        }
    }
    let blocked = action == Action::Block;

    let covered = news.covers.unwrap_or_else(|| stream.told.untimely());
    // A verdict that no chunk brought about needs an id of its own: an empty range of chunks.
    let range = covered.seq_from..=covered.seq_to;
    if !range.is_empty() {
        stream.told = covered.clone();
    }
    let mut judged_by = Vec::with_capacity(2);
    if stream.checked_to > 0 || !news.unjudged.iter().any(|gap| gap.detector == RULES) {
        judged_by.push(RULES.to_owned());
    }
    if scores.is_some() {
        judged_by.push(CLASSIFIER.to_owned());
    }
    let identity = &stream.identity;
    let verdict = Verdict {
        verdict_id: verdict_id(&identity.request_id, &covered),
        owner_epoch: identity.owner_epoch,
        request_id: identity.request_id.clone(),
        stream_id: Some(identity.stream_id.clone()),
        tenant: identity.tenant.clone(),
        worker_id: identity.worker_id.clone(),
        seq_from: covered.seq_from.min(covered.seq_to),
        seq_to: covered.seq_to,
        supersedes: None,
        is_final: closed,
        action,
        would_action,
        enforced: policy.enforce,
        checked_to: stream.checked_to,
        released_to: stream.released_to,
        truncate_at: stream.truncate_at,
        hold_from: (!closed && !blocked && stream.released_to < stream.checked_to)
            .then_some(stream.released_to),
        findings,
        scores: scores.map_or_else(Vec::new, |scores| {
            assemble::category_scores(scores, |category| policy.stream_tiers(category))
        }),
        risk: match (scores.map(|scores| scores.any_harm), news.findings.harm) {
            (Some(score), Some(found)) => Some(score.max(found)),
            (score, found) => score.or(found),
        },
        judged_by,
        unjudged: news.unjudged,
        fail_mode: stream.contract.fail_mode,
        provenance: assemble::provenance(&policy, scores.and(model), &language),
        times: assemble::times(covered.arrival, covered.taken_up, now),
        hold_expired: stream.hold_expired,
        disposition: blocked.then_some(policy.stream.disposition),
        completion: policy
            .completion(&language.tag)
            .filter(|_| blocked)
            .map(str::to_owned),
        contract: None,
    };
    // What earlier verdicts told was selected with them; a text that is cut is looked at as a whole.
    let fast = Fast {
        would_action: if closed && would_action == Action::Block {
            would_action
        } else {
            of_news
        },
        scores: &verdict.scores,
        drawn_by: &identity.stream_id,
    };
    // Where there is no classifier, a stream is looked at when it is over.
    let tells = fast.would_action > Action::Allow || scores.is_some() || closed;
    let selected = (tells && stream.text.len() > 0)
        .then(|| second_look::select(&fast, &policy.second_look, key))
        .flatten();
    let text = selected.map(|_| {
        let (kept, base) = stream.text.kept();
        JudgedText {
            byte_start: i64::try_from(base).unwrap_or(i64::MAX),
            bytes: kept.to_vec(),
        }
    });
    StreamJudged {
        judged: Judged {
            source: covered.source,
            verdict,
            flagged,
            selected,
        },
        text,
        pin: stream.pin.as_ref().map(|pin| pin.source.clone()),
        closed,
    }
}

/// The id of a verdict that covers these chunks.
pub(super) fn verdict_id(request_id: &str, covered: &Covered) -> String {
    let range = covered.seq_from..=covered.seq_to;
    derive_verdict_id(request_id, &covered.source, range, Stage::Fast)
}

/// The verdict that time brings about at `now`, if it does. With a gap it covers what came since the last one and what
/// waited behind the gap. `None`: a verdict on what came since is due anyway, and its id would tell nothing.
pub(super) fn timed(stream: &Stream, now: Micros) -> Option<Timed> {
    let gives_up = stream.gap_until().is_some_and(|until| until <= now);
    let mut covered = stream.covers().cloned();
    if gives_up {
        let mut waiting: Vec<_> = stream.waiting.iter().collect();
        waiting.sort_unstable_by_key(|chunk| chunk.seq);
        for chunk in waiting {
            covered = Some(Covered::with(covered.as_ref(), chunk, now));
        }
    } else if covered.is_some() {
        return None;
    }
    let covered = covered.unwrap_or_else(|| stream.told.untimely());
    Some(Timed {
        verdict_id: verdict_id(&stream.identity.request_id, &covered),
        gives_up,
    })
}

impl Covered {
    /// What a chunk alone would cover before it has been taken in.
    pub(super) fn none(source: Source, arrival: Arrival, now: Micros) -> Self {
        Self {
            seq_from: 0,
            seq_to: -1,
            source,
            arrival,
            taken_up: now,
        }
    }

    /// These chunks and one more. It stands where the latest of their records does: one that had to wait for another is
    /// taken in after it, but came before.
    pub(super) fn with(before: Option<&Self>, input: &ChunkInput, now: Micros) -> Self {
        let latest = before.filter(|before| before.source.offset > input.source.offset);
        Self {
            seq_from: before.map_or(input.seq, |before| before.seq_from.min(input.seq)),
            seq_to: before.map_or(input.seq, |before| before.seq_to.max(input.seq)),
            source: latest.map_or(&input.source, |it| &it.source).clone(),
            arrival: latest.map_or(input.arrival, |it| it.arrival),
            taken_up: now,
        }
    }

    /// The same chunks for a verdict that time brought about, not they.
    fn untimely(&self) -> Self {
        Self {
            seq_from: self.seq_to + 1,
            ..self.clone()
        }
    }
}
