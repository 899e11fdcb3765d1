//! The chunks that have no verdict yet.

use std::collections::VecDeque;

use weir_types::Micros;

/// A chunk without a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unanswered {
    pub(super) seq: i64,
    /// Where its text ends in the stream's.
    pub(super) byte_end: usize,
    pub(super) sent_at: Micros,
    /// The stream ends with it: only a final verdict answers it.
    pub(super) ends: bool,
    pub(super) hold_is_over: bool,
}

/// At most two: one that goes on, and one that ends the stream.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Unanswered>);

impl Queue {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn oldest(&self) -> Option<i64> {
        self.0.front().map(|chunk| chunk.seq)
    }

    pub(super) fn push(&mut self, chunk: Unanswered) {
        self.0.push_back(chunk);
    }

    /// Whether a verdict from `seq_from` on leaves out a chunk that waits for one.
    pub(super) fn skips(&self, seq_from: i64) -> bool {
        self.oldest().is_some_and(|seq| seq < seq_from)
    }

    /// Takes out what a verdict up to `seq_to` answers; whether that was anything.
    pub(super) fn answer(&mut self, seq_to: i64, is_final: bool) -> bool {
        let before = self.0.len();
        self.0
            .retain(|chunk| !is_final && (chunk.ends || chunk.seq > seq_to));
        self.0.len() < before
    }

    pub(super) fn give_up_oldest(&mut self) {
        self.0.pop_front();
    }

    /// When the oldest has had its budget.
    pub(super) fn budget_over(&self, budget: Micros) -> Option<Micros> {
        self.0.front().map(|chunk| chunk.sent_at.plus(budget))
    }

    /// When the hold of the next chunk is over that has not been told of.
    pub(super) fn hold_over(&self, hold: Micros) -> Option<Micros> {
        let next = self.0.iter().find(|chunk| !chunk.hold_is_over)?;
        Some(next.sent_at.plus(hold))
    }

    /// Notes that the hold of that chunk is over, and gives it.
    pub(super) fn expire_hold(&mut self) -> Option<Unanswered> {
        let next = self.0.iter_mut().find(|chunk| !chunk.hold_is_over)?;
        next.hold_is_over = true;
        Some(*next)
    }
}
