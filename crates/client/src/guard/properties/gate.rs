//! A gate with three rules: `<12>` is masked, `<1` is held until it is one or not, `!` blocks.

use std::ops::Range;

use weir_types::{
    Action, Category, Disposition, FailMode, Finding, Mask, Provenance, Severity, Span, Stage,
    StageTimes, Verdict,
};
use weir_wire::End;

use crate::effect::ChunkParts;
use crate::position;
use crate::text::Unshown;

/// Judges chunks as they are sent; its verdicts wait until they are taken.
#[derive(Default)]
pub(super) struct FakeGate {
    text: Vec<u8>,
    released_to: usize,
    blocked: bool,
    on_their_way: Vec<Verdict>,
    /// A block was taken before the verdict on an earlier chunk.
    pub(super) overtaken: bool,
}

impl FakeGate {
    pub(super) fn judge(&mut self, chunk: &ChunkParts) {
        if self.blocked {
            return;
        }
        self.text.extend_from_slice(&chunk.text);
        let ends = chunk.end != End::None;
        let judged = Judged::of(&self.text, ends);
        let findings = judged.masked.iter().filter(|it| it.end > self.released_to);
        let findings = findings.map(finding).collect();
        self.released_to = judged.released_to;
        self.blocked = judged.blocked;
        let at = position::to_record(judged.released_to);
        let holds = judged.released_to < self.text.len();
        self.on_their_way.push(Verdict {
            seq_from: chunk.seq,
            seq_to: chunk.seq,
            is_final: ends || judged.blocked,
            action: if judged.blocked {
                Action::Block
            } else {
                Action::Allow
            },
            checked_to: position::to_record(self.text.len()),
            released_to: at,
            hold_from: holds.then_some(at),
            truncate_at: judged.blocked.then_some(at),
            disposition: judged.blocked.then_some(Disposition::Retract),
            findings,
            ..verdict()
        });
    }

    /// One of the verdicts on their way.
    pub(super) fn take(&mut self, index: &proptest::sample::Index) -> Option<Verdict> {
        let count = self.on_their_way.len();
        if count == 0 {
            return None;
        }
        let index = index.index(count);
        let verdict = self.on_their_way.remove(index);
        self.overtaken |= index > 0 && verdict.action == Action::Block;
        Some(verdict)
    }
}

struct Judged {
    masked: Vec<Range<usize>>,
    released_to: usize,
    blocked: bool,
}

impl Judged {
    fn of(text: &[u8], is_all: bool) -> Self {
        let mut masked = Vec::new();
        let mut open = None;
        for (at, byte) in text.iter().enumerate() {
            match (byte, open) {
                (b'!', _) => {
                    return Self {
                        masked,
                        released_to: open.unwrap_or(at),
                        blocked: true,
                    };
                }
                (b'<', _) => open = Some(at),
                (b'>', Some(from)) => {
                    masked.push(from..at + 1);
                    open = None;
                }
                (b'0'..=b'9', _) => {}
                _ => open = None,
            }
        }
        let mut whole = Unshown::default();
        whole.push(text);
        let released_to = match open {
            _ if is_all => text.len(),
            Some(from) => from,
            None => whole.whole_characters(text.len()),
        };
        Self {
            masked,
            released_to,
            blocked: false,
        }
    }
}

/// What of `text` may be on the screen at the end, masked.
pub(super) fn expected(text: &[u8]) -> Vec<u8> {
    let judged = Judged::of(text, true);
    let mut shown = text[..judged.released_to].to_vec();
    for range in judged.masked {
        shown[range].fill(b'*');
    }
    shown
}

fn finding(range: &Range<usize>) -> Finding {
    Finding {
        detector: "card".to_owned(),
        rule: String::new(),
        category: Category::Pii,
        span: Span {
            start: position::to_record(range.start),
            end: position::to_record(range.end),
        },
        score: 1.0,
        severity: Severity::Low,
        fingerprint: String::new(),
        mask: Some(Mask::Full),
    }
}

/// A verdict that says nothing.
pub(super) fn verdict() -> Verdict {
    Verdict {
        verdict_id: "v".to_owned(),
        owner_epoch: 7,
        request_id: "r".to_owned(),
        stream_id: None,
        tenant: String::new(),
        worker_id: String::new(),
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
        judged_by: Vec::new(),
        unjudged: Vec::new(),
        fail_mode: FailMode::Open,
        provenance: Provenance {
            policy_id: String::new(),
            policy_version: String::new(),
            policy_hash: String::new(),
            models: Vec::new(),
            language: String::new(),
            language_confidence: 0.0,
            arm: String::new(),
            stage: Stage::Fast,
        },
        times: StageTimes::default(),
        hold_expired: false,
        disposition: None,
        completion: None,
        contract: None,
    }
}
