//! One guarded stream, and what is to be known of it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use weir_client::{ChunkParts, Effect, Ended, Guard, PromptCheck, StreamContract};
use weir_types::{Action, Micros, Verdict};
use weir_wire::End;

use super::holds::{Holds, Waiting};
use super::script::{Forbidden, Script};
use crate::bench::quantiles::Latencies;

/// What the streams of a trial come to.
#[derive(Debug, Default, Clone)]
pub(crate) struct Tally {
    /// What is due before or after is not counted, but for the safety of what is shown.
    pub(crate) counted: (Micros, Micros),
    /// From when the first token was generated to when some text was shown.
    pub(crate) first_text: Latencies,
    /// From when a chunk could be sent to its verdict.
    pub(crate) chunk_verdict: Latencies,
    /// How late tokens were handed to their guards: the load's own doing.
    pub(crate) lateness: Latencies,
    pub(crate) clean_bytes: Holds,
    pub(crate) clean_chunks: Holds,
    /// Counted chunks that got no verdict.
    pub(crate) missing: usize,
    pub(crate) tokens: usize,
    pub(crate) streams: usize,
    pub(crate) planted: usize,
    /// Streams that a verdict cut, and those among them with nothing forbidden in them.
    pub(crate) blocked: usize,
    pub(crate) blocked_harmless: usize,
    pub(crate) fail_mode_cuts: usize,
    pub(crate) timeouts: u64,
    pub(crate) leaked_bytes: usize,
    /// Streams that went through and yet were not shown whole.
    pub(crate) incomplete: usize,
    /// Records that were no verdicts, dead letters among them.
    pub(crate) unreadable: usize,
}

impl Tally {
    fn counts(&self, at: Micros) -> bool {
        self.counted.0 <= at && at < self.counted.1
    }

    pub(crate) fn pool(&mut self, other: Self) {
        self.first_text.append(other.first_text);
        self.chunk_verdict.append(other.chunk_verdict);
        self.lateness.append(other.lateness);
        self.clean_bytes.append(other.clean_bytes);
        self.clean_chunks.append(other.clean_chunks);
        self.missing += other.missing;
        self.tokens += other.tokens;
        self.streams += other.streams;
        self.planted += other.planted;
        self.blocked += other.blocked;
        self.blocked_harmless += other.blocked_harmless;
        self.fail_mode_cuts += other.fail_mode_cuts;
        self.timeouts += other.timeouts;
        self.leaked_bytes += other.leaked_bytes;
        self.incomplete += other.incomplete;
        self.unreadable += other.unreadable;
    }
}

/// The verdict that streams are opened with, and the contract in it.
#[derive(Debug)]
pub(crate) struct PromptVerdict {
    pub(crate) verdict: Verdict,
    pub(crate) contract: Arc<StreamContract>,
}

/// An engine's stream behind its guard.
#[derive(Debug)]
pub(crate) struct Watched {
    script: Arc<Script>,
    guard: Guard,
    generated: usize,
    /// When the first token was due.
    began: Option<Micros>,
    first_shown: bool,
    waiting: Waiting,
    /// Chunks without a verdict: seq, and when they could be sent.
    in_flight: VecDeque<(i64, Micros)>,
    blocked: bool,
}

impl Watched {
    /// A stream whose prompt has been judged.
    pub(crate) fn open(
        script: Arc<Script>,
        prompt: &PromptVerdict,
        now: Micros,
        tally: &mut Tally,
    ) -> Self {
        let mut guard = Guard::new(PromptCheck::sent(Arc::clone(&prompt.contract), now));
        // Nothing has been pushed, so nothing comes of it.
        guard.on_prompt_verdict(&prompt.verdict, now);
        tally.streams += 1;
        tally.planted += usize::from(script.forbidden != Forbidden::default());
        Self {
            script,
            guard,
            generated: 0,
            began: None,
            first_shown: false,
            waiting: Waiting::default(),
            in_flight: VecDeque::with_capacity(2),
            blocked: false,
        }
    }

    /// The engine has nothing more to write, or was told to stop.
    pub(crate) fn is_written(&self) -> bool {
        self.generated >= self.script.tokens() || self.guard.is_over()
    }

    /// Nothing will come of it any more.
    pub(crate) fn is_done(&self) -> bool {
        self.guard.is_over() && self.in_flight.is_empty()
    }

    /// Chunks without a verdict.
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }

    /// When the guard has something to do though nothing comes.
    pub(crate) fn next_deadline(&self) -> Option<Micros> {
        self.guard.next_deadline()
    }

    /// The next `count` tokens, due at `due`; with the last one the text is complete.
    pub(crate) fn generate(
        &mut self,
        count: usize,
        due: Micros,
        now: Micros,
        tally: &mut Tally,
    ) -> Vec<ChunkParts> {
        self.began.get_or_insert(due);
        let from = self.generated;
        self.generated = self.script.tokens().min(from + count);
        if tally.counts(due) {
            tally.tokens += self.generated - from;
            tally.lateness.add(duration(now.since(due)));
        }
        let piece = self.script.piece(from..self.generated);
        // Below a stream's limit by far.
        let effects = self.guard.push(piece, now).unwrap_or_default();
        let mut chunks = self.carry_out(effects, due, now, tally);
        if self.generated == self.script.tokens() {
            let effects = self.guard.finish(End::Complete, now);
            chunks.extend(self.carry_out(effects, due, now, tally));
        }
        chunks
    }

    pub(crate) fn on_verdict(
        &mut self,
        verdict: &Verdict,
        now: Micros,
        tally: &mut Tally,
    ) -> Vec<ChunkParts> {
        self.blocked |= verdict.action == Action::Block;
        while let Some((seq, due)) = self.in_flight.front().copied()
            && (seq <= verdict.seq_to || verdict.is_final)
        {
            self.in_flight.pop_front();
            if tally.counts(due) {
                tally.chunk_verdict.add(duration(now.since(due)));
            }
        }
        self.waiting.answered(verdict.seq_to, duration(now));
        let effects = self.guard.on_verdict(verdict, now);
        self.carry_out(effects, now, now, tally)
    }

    pub(crate) fn on_tick(&mut self, now: Micros, tally: &mut Tally) -> Vec<ChunkParts> {
        let effects = self.guard.on_tick(now);
        self.carry_out(effects, now, now, tally)
    }

    /// The user has gone.
    pub(crate) fn abort(&mut self, now: Micros, tally: &mut Tally) -> Vec<ChunkParts> {
        let effects = self.guard.finish(End::ClientAbort, now);
        self.carry_out(effects, now, now, tally)
    }

    /// Counts what no verdict came for.
    pub(crate) fn give_up(&self, tally: &mut Tally) {
        let missing = self.in_flight.iter().filter(|(_, due)| tally.counts(*due));
        tally.missing += missing.count();
    }

    /// What there is to send, which could be sent at `due`.
    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        due: Micros,
        now: Micros,
        tally: &mut Tally,
    ) -> Vec<ChunkParts> {
        let mut chunks = Vec::new();
        // The guard tells where all of it ends, and shows at one time at most once.
        let shown_to = self.guard.shown_to();
        for effect in effects {
            match effect {
                Effect::Send(parts) => {
                    self.in_flight.push_back((parts.seq, due));
                    let end = parts.byte_start + parts.text.len();
                    self.waiting.sent(parts.seq, parts.byte_start, end);
                    chunks.push(parts);
                }
                Effect::Show(shown) => self.show(&shown, shown_to, now, tally),
                Effect::Cut(_) => {
                    if !self.blocked {
                        tally.fail_mode_cuts += 1;
                    } else {
                        tally.blocked += 1;
                        let harmless = self.script.forbidden.block_at.is_none();
                        tally.blocked_harmless += usize::from(harmless);
                    }
                }
                Effect::Done(summary) => {
                    tally.timeouts += summary.timeouts;
                    let shown = shown_to == self.script.piece(0..self.script.tokens()).len();
                    let is_whole = summary.ended != Ended::Complete || shown;
                    tally.incomplete += usize::from(!is_whole);
                }
                Effect::AbortEngine | Effect::Retract { .. } => {}
            }
        }
        chunks
    }

    fn show(&mut self, shown: &[u8], shown_to: usize, now: Micros, tally: &mut Tally) {
        let range = self.waiting.shown_to()..shown_to;
        tally.leaked_bytes += self.script.leaked(&range, shown);
        let is_clean = self.script.forbidden == Forbidden::default();
        let (mut bytes, mut chunks) = (Holds::default(), Holds::default());
        let counted = is_clean && tally.counts(now);
        let holds = if counted {
            (&mut tally.clean_bytes, &mut tally.clean_chunks)
        } else {
            (&mut bytes, &mut chunks)
        };
        self.waiting
            .shown(shown_to, duration(now), holds.0, holds.1);
        let began = self.began.unwrap_or(now);
        if !std::mem::replace(&mut self.first_shown, true) && tally.counts(began) {
            tally.first_text.add(duration(now.since(began)));
        }
    }
}

pub(crate) fn duration(micros: Micros) -> Duration {
    Duration::from_micros(micros.0)
}
