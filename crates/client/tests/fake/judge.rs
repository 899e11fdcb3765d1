//! The rules of the fake gate.

use std::collections::HashMap;

use weir_types::{
    Action, Category, Disposition, FailMode, Finding, Mask, OnExpiry, Provenance, Severity, Span,
    Stage, StageTimes, StreamContract, Verdict,
};
use weir_wire::{Chunk, End, Prompt};

const MASKED: &str = "secret";
const BLOCKED: &str = "awful";

/// Streams by id: their text so far.
#[derive(Default)]
pub(crate) struct Judge {
    streams: HashMap<String, String>,
}

impl Judge {
    pub(crate) fn prompt(&self, prompt: &Prompt) -> Verdict {
        let text = String::from_utf8_lossy(&prompt.segments[0].text).into_owned();
        let blocked = text.contains(BLOCKED);
        Verdict {
            action: action(blocked),
            completion: blocked.then(|| "[no]".to_owned()),
            contract: Some(StreamContract {
                budget_us: prompt.budget_us.unwrap(),
                hold_chars: 200,
                hold_ms: 40,
                on_expiry: OnExpiry::Hold,
                fail_mode: FailMode::Open,
                disposition: Disposition::Retract,
                completion: None,
            }),
            ..verdict(&prompt.request_id, &prompt.worker_id)
        }
    }

    /// Panics if chunks come out of order.
    pub(crate) fn chunk(&mut self, chunk: &Chunk) -> Verdict {
        let id = chunk.stream_id();
        let text = self.streams.entry(id.clone()).or_default();
        assert_eq!(position(text.len()), chunk.byte_start);
        text.push_str(std::str::from_utf8(&chunk.text).unwrap());
        let blocked_at = text.find(BLOCKED);
        let ends = chunk.end != End::None;
        let released = match blocked_at {
            Some(at) => at,
            None if ends => text.len(),
            None => text.len() - held(text),
        };
        let findings = text.match_indices(MASKED).map(|(at, _)| finding(at));
        Verdict {
            stream_id: Some(id),
            seq_from: chunk.seq,
            seq_to: chunk.seq,
            is_final: ends || blocked_at.is_some(),
            action: action(blocked_at.is_some()),
            checked_to: position(text.len()),
            released_to: position(released),
            truncate_at: blocked_at.map(position),
            hold_from: (released < text.len()).then(|| position(released)),
            findings: findings.collect(),
            completion: blocked_at.map(|_| "[stopped]".to_owned()),
            disposition: blocked_at.map(|_| Disposition::Retract),
            ..verdict(&chunk.request_id, &chunk.worker_id)
        }
    }
}

/// On a prompt that has passed.
pub(crate) fn superseding_block(request_id: &str, worker_id: &str) -> Verdict {
    Verdict {
        verdict_id: "1".repeat(32),
        owner_epoch: 0,
        supersedes: Some("0".repeat(32)),
        action: Action::Block,
        disposition: Some(Disposition::Retract),
        completion: Some("[heavy]".to_owned()),
        ..verdict(request_id, worker_id)
    }
}

/// How many bytes at the end might be the beginning of a match.
fn held(text: &str) -> usize {
    let might = |length: &usize| {
        let starts = |word: &str| *length < word.len() && text.ends_with(&word[..*length]);
        starts(MASKED) || starts(BLOCKED)
    };
    (1..MASKED.len()).rev().find(might).unwrap_or(0)
}

fn action(blocked: bool) -> Action {
    if blocked {
        Action::Block
    } else {
        Action::Allow
    }
}

fn position(at: usize) -> i64 {
    i64::try_from(at).unwrap()
}

fn finding(at: usize) -> Finding {
    Finding {
        detector: "literal".to_owned(),
        rule: "secret".to_owned(),
        category: Category::Illicit,
        span: Span {
            start: position(at),
            end: position(at + MASKED.len()),
        },
        score: 1.0,
        severity: Severity::High,
        fingerprint: String::new(),
        mask: Some(Mask::Full),
    }
}

fn verdict(request_id: &str, worker_id: &str) -> Verdict {
    Verdict {
        verdict_id: "0".repeat(32),
        owner_epoch: 1,
        request_id: request_id.to_owned(),
        stream_id: None,
        tenant: "acme".to_owned(),
        worker_id: worker_id.to_owned(),
        seq_from: 0,
        seq_to: 0,
        supersedes: None,
        is_final: false,
        action: Action::Allow,
        would_action: Action::Allow,
        enforced: true,
        checked_to: 0,
        released_to: 0,
        truncate_at: None,
        hold_from: None,
        findings: Vec::new(),
        scores: Vec::new(),
        risk: None,
        judged_by: vec!["rules".to_owned()],
        unjudged: Vec::new(),
        fail_mode: FailMode::Open,
        provenance: Provenance {
            policy_id: "fake".to_owned(),
            policy_version: "1".to_owned(),
            policy_hash: "0".repeat(64),
            models: Vec::new(),
            language: "und".to_owned(),
            language_confidence: 0.0,
            arm: "live".to_owned(),
            stage: Stage::Fast,
        },
        times: StageTimes::default(),
        hold_expired: false,
        disposition: None,
        completion: None,
        contract: None,
    }
}
