//! One stream's state machine.

#[cfg(test)]
mod properties;
mod queue;
mod superseding;
#[cfg(test)]
mod tests;

use weir_types::{Action, Disposition, FailMode, Micros, OnExpiry, UnjudgedCause, Verdict};
use weir_wire::End;

use crate::early::Early;
use crate::effect::{ChunkParts, Cut, Effect, Ended, OpeningParts, Summary};
use crate::masks::Veils;
use crate::position;
use crate::prompt::{PromptCheck, PromptOutcome, budget};
use crate::ruling::Ruling;
use crate::screen::Screen;
use crate::text::{MAX_STREAM_BYTES, Unshown};
use crate::unjudged::UnjudgedSet;
use queue::{Queue, Unanswered};

/// Guards one stream by the release protocol (`docs/STREAMS.md`).
///
/// A pure state machine over the caller's monotonic clock: inputs and `now` go in, [`Effect`]s come
/// out, and the caller carries them out in their order. It knows neither Kafka nor threads.
///
/// ```text
/// Open --block, or time over and fail closed--> Over (cut)
/// Open --final verdict, or nothing left to wait for--> Over
/// Over --block inside what was shown--> Over, with less on the screen
/// ```
///
/// Nothing is shown, and no time but the prompt's runs, until the prompt has passed. After each input
/// call [`Guard::next_deadline`], and [`Guard::on_tick`] then. Once the engine has ended, ticks alone
/// bring the stream to its end.
///
/// Memory: text that was not shown (at most [`MAX_STREAM_BYTES`]), 1,024 findings, and about 1 KiB.
pub struct Guard {
    prompt: PromptCheck,

    text: Unshown,
    sent_to: usize,
    chunks: u64,
    unanswered: Queue,
    /// How the engine ended.
    engine: Option<End>,
    end_sent: bool,
    abort_told: bool,

    owner_epoch: i64,
    checked_to: usize,
    answered_to: i64,
    released_to: usize,
    /// Shown as far as here because time was over.
    conceded_to: usize,
    holds: bool,
    is_final: bool,
    early: Early,
    veils: Veils,

    decided: Option<Decided>,
    cut_told: bool,
    over: bool,
    screen: Screen,

    stale: u64,
    timeouts: u64,
    answers_in_time: u64,
    hold_expired: bool,
    unjudged: UnjudgedSet,
}

/// Where the stream ends before its text does.
#[derive(Debug, Clone)]
struct Decided {
    at: usize,
    disposition: Disposition,
    completion: Option<String>,
    /// A verdict's word, not the worker's own for want of one.
    by_verdict: bool,
}

/// Text was refused: with it the stream would be longer than can be judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a stream's text may have {MAX_STREAM_BYTES} bytes, and these {more_bytes} come after {stream_bytes}"
)]
pub struct TooLong {
    /// The stream's text so far, bytes.
    pub stream_bytes: usize,
    /// What was refused, bytes.
    pub more_bytes: usize,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard")
            .field("shown_to", &self.text.start())
            .field("released_to", &self.released_to)
            .field("sent_to", &self.sent_to)
            .field("text_bytes", &self.text.end())
            .field("over", &self.over)
            .finish_non_exhaustive()
    }
}

impl Guard {
    /// A stream of the request whose prompt `prompt` checks.
    #[must_use]
    pub fn new(prompt: PromptCheck) -> Self {
        let mut unjudged = UnjudgedSet::default();
        if prompt.is_bypassed() {
            unjudged.add_record(UnjudgedCause::Failed);
        }
        Self {
            prompt,
            text: Unshown::default(),
            sent_to: 0,
            chunks: 0,
            unanswered: Queue::default(),
            engine: None,
            end_sent: false,
            abort_told: false,
            owner_epoch: i64::MIN,
            checked_to: 0,
            answered_to: -1,
            released_to: 0,
            conceded_to: 0,
            holds: false,
            is_final: false,
            early: Early::default(),
            veils: Veils::default(),
            decided: None,
            cut_told: false,
            over: false,
            screen: Screen::default(),
            stale: 0,
            timeouts: 0,
            answers_in_time: 0,
            hold_expired: false,
            unjudged,
        }
    }

    /// The engine's next text. Ignored once the stream has ended.
    ///
    /// # Errors
    /// [`TooLong`]; then nothing has changed. End the stream with [`End::Error`].
    pub fn push(&mut self, bytes: &[u8], now: Micros) -> Result<Vec<Effect>, TooLong> {
        let mut effects = Vec::new();
        if self.takes_text() {
            let stream_bytes = self.text.end();
            if bytes.len() > MAX_STREAM_BYTES - stream_bytes {
                return Err(TooLong {
                    stream_bytes,
                    more_bytes: bytes.len(),
                });
            }
            self.text.push(bytes);
        }
        self.settle(now, &mut effects);
        Ok(effects)
    }

    /// The engine has ended, or the user has gone ([`End::ClientAbort`], also after another end).
    /// [`End::None`] changes nothing.
    pub fn finish(&mut self, end: End, now: Micros) -> Vec<Effect> {
        let mut effects = Vec::new();
        match end {
            End::None => {}
            End::ClientAbort => self.user_has_gone(now, &mut effects),
            End::Complete | End::Error => self.engine = self.engine.or(Some(end)),
        }
        self.settle(now, &mut effects);
        effects
    }

    /// A verdict on the prompt.
    pub fn on_prompt_verdict(&mut self, verdict: &Verdict, now: Micros) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.prompt.on_verdict(verdict);
        if verdict.action == Action::Block {
            let disposition = verdict.disposition;
            self.block(0, disposition, verdict.completion.clone(), &mut effects);
        }
        self.settle(now, &mut effects);
        effects
    }

    /// A verdict on this stream. That it is one is for the caller to see to.
    pub fn on_verdict(&mut self, verdict: &Verdict, now: Micros) -> Vec<Effect> {
        let mut effects = Vec::new();
        if verdict.supersedes.is_some() {
            self.tighten(verdict, &mut effects);
            self.settle(now, &mut effects);
            return effects;
        }
        let ruling = Ruling::from(verdict);
        let skips = self.unanswered.skips(ruling.seq_from);
        if verdict.action == Action::Block {
            self.answer(&ruling);
            self.remember(&ruling);
            let shown_to = self.text.start();
            let mut at = verdict.truncate_at.map_or(shown_to, position::from_record);
            if skips {
                // What it would show may have masks in the verdict that it overtook.
                at = at.min(self.limit().max(shown_to));
            }
            let disposition = verdict.disposition;
            self.block(at, disposition, verdict.completion.clone(), &mut effects);
        } else if self.over || self.decided.is_some() {
            self.stale += 1;
        } else if skips {
            if !self.early.keep(ruling) {
                self.stale += 1;
            }
        } else {
            self.obey(&ruling);
            self.obey_early();
        }
        self.settle(now, &mut effects);
        effects
    }

    /// It is `now`.
    pub fn on_tick(&mut self, now: Micros) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.settle(now, &mut effects);
        effects
    }

    /// When [`Guard::on_tick`] will have something to do, if nothing else comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        if self.over {
            return None;
        }
        if let Some(deadline) = self.prompt.next_deadline() {
            return Some(deadline);
        }
        let budget_over = self.unanswered.budget_over(self.budget());
        let hold_over = self.hold().and_then(|hold| self.unanswered.hold_over(hold));
        budget_over.into_iter().chain(hold_over).min()
    }

    /// Whether the stream is over. Verdicts that come now still count if they block.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// How far the stream's text was shown, bytes; what was taken back since counts.
    #[must_use]
    pub const fn shown_to(&self) -> usize {
        self.text.start()
    }

    /// Whether text was shown that no verdict had released, so that a block may still come for it.
    #[must_use]
    pub const fn shown_unjudged(&self) -> bool {
        self.text.start() > self.released_to && !self.prompt.is_bypassed()
    }

    /// Times that a chunk's budget ran out. Tell the [`crate::Breaker`] when it grows.
    #[must_use]
    pub const fn timeouts(&self) -> u64 {
        self.timeouts
    }

    /// Verdicts that answered a chunk within its budget. Tell the [`crate::Breaker`] when it grows.
    #[must_use]
    pub const fn answers_in_time(&self) -> u64 {
        self.answers_in_time
    }

    /// The check of the prompt, as this stream knows it.
    #[must_use]
    pub const fn prompt(&self) -> &PromptCheck {
        &self.prompt
    }

    const fn takes_text(&self) -> bool {
        !self.over && self.decided.is_none() && self.engine.is_none()
    }

    fn budget(&self) -> Micros {
        budget(self.prompt.contract())
    }

    /// How long chunks may be unanswered before something follows; `None`: nothing does.
    fn hold(&self) -> Option<Micros> {
        let contract = self.prompt.contract();
        let follows = match contract.on_expiry {
            OnExpiry::Hold => false,
            OnExpiry::Cut => true,
            // A partial match never expires by time.
            OnExpiry::Release => !self.holds,
        };
        let hold_ms = u64::try_from(contract.hold_ms).unwrap_or(0);
        follows.then(|| Micros::from_millis(hold_ms))
    }

    /// Takes over what is news of a verdict.
    fn obey(&mut self, ruling: &Ruling) {
        let is_news = ruling.seq_to > self.answered_to
            || ruling.checked_to > self.checked_to
            || ruling.released_to > self.released_to
            || (ruling.is_final && !self.is_final);
        let is_stale = ruling.owner_epoch < self.owner_epoch || ruling.checked_to < self.checked_to;
        if is_stale || !is_news {
            self.stale += 1;
            return;
        }
        self.owner_epoch = ruling.owner_epoch;
        self.checked_to = ruling.checked_to.min(self.sent_to);
        self.answered_to = self.answered_to.max(ruling.seq_to);
        self.released_to = self.released_to.max(ruling.released_to).min(self.sent_to);
        self.holds = ruling.holds;
        self.is_final |= ruling.is_final;
        self.hold_expired |= ruling.hold_expired;
        self.answer(ruling);
        self.remember(ruling);
    }

    fn answer(&mut self, ruling: &Ruling) {
        if self.unanswered.answer(ruling.seq_to, ruling.is_final) {
            self.answers_in_time += 1;
        }
    }

    fn remember(&mut self, ruling: &Ruling) {
        let shown_to = self.text.start();
        for veil in &ruling.veils {
            self.veils.add(veil.clone(), shown_to, self.sent_to);
        }
        for unjudged in &ruling.unjudged {
            self.unjudged.add(unjudged);
        }
    }

    /// Obeys what waited for a verdict that has come, or is not waited for any more.
    fn obey_early(&mut self) {
        while let Some(ruling) = self.early.due(self.unanswered.oldest()) {
            self.obey(&ruling);
        }
    }

    /// The first block decides; later ones can only cut earlier.
    fn block(
        &mut self,
        at: usize,
        disposition: Option<Disposition>,
        completion: Option<String>,
        effects: &mut Vec<Effect>,
    ) {
        let mut block = Decided {
            at: at.min(self.sent_to),
            disposition: disposition.unwrap_or(self.prompt.contract().disposition),
            completion,
            by_verdict: true,
        };
        if let Some(decided) = &self.decided {
            if block.at >= decided.at {
                return;
            }
            if decided.by_verdict {
                block.disposition = decided.disposition;
                block.completion.clone_from(&decided.completion);
            }
        }
        if !self.over {
            self.decided = Some(block);
        } else if block.at < self.text.start() {
            self.take_back(&block, effects);
            self.tell_cut(&block, effects);
            self.decided = Some(block);
        }
    }

    fn cut_by_time(&mut self) {
        let contract = self.prompt.contract();
        self.decided = Some(Decided {
            // What was released this very moment counts as shown.
            at: self.limit().max(self.text.start()),
            disposition: contract.disposition,
            completion: contract.completion.clone(),
            by_verdict: false,
        });
    }

    /// Brings everything to where the facts and the time say that it should be.
    fn settle(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        if self.over {
            return;
        }
        self.expire_prompt(now);
        self.expire(now);
        self.send(now, effects);
        // What was sent just now may be held for no time at all.
        self.expire(now);
        self.show(effects);
        self.end(effects);
    }

    fn expire_prompt(&mut self, now: Micros) {
        let timed_out = self.prompt.timed_out();
        self.prompt.on_tick(now);
        if self.prompt.timed_out() && !timed_out {
            self.timeouts += 1;
            self.unjudged.add_record(UnjudgedCause::Expired);
        }
        if let PromptOutcome::Blocked(block) = self.prompt.outcome()
            && self.decided.is_none()
        {
            self.decided = Some(Decided {
                at: 0,
                disposition: block.disposition,
                completion: block.completion.clone(),
                by_verdict: false,
            });
        }
    }

    fn expire(&mut self, now: Micros) {
        if self.prompt.outcome() != PromptOutcome::Passed {
            return;
        }
        while self.decided.is_none() {
            let budget_over = self.unanswered.budget_over(self.budget());
            let hold_over = self.hold().and_then(|hold| self.unanswered.hold_over(hold));
            // In the order in which they were over, however late the tick.
            match (hold_over, budget_over) {
                (Some(hold), _) if hold <= now && budget_over.is_none_or(|it| hold <= it) => {
                    self.on_hold_over();
                }
                (_, Some(budget)) if budget <= now => self.on_budget_over(),
                _ => break,
            }
        }
    }

    fn on_hold_over(&mut self) {
        let Some(chunk) = self.unanswered.expire_hold() else {
            return;
        };
        match self.prompt.contract().on_expiry {
            OnExpiry::Hold => {}
            OnExpiry::Cut => self.cut_by_time(),
            OnExpiry::Release => {
                self.hold_expired = true;
                self.conceded_to = self.conceded_to.max(chunk.byte_end);
            }
        }
    }

    fn on_budget_over(&mut self) {
        self.unanswered.give_up_oldest();
        self.timeouts += 1;
        self.unjudged.add_record(UnjudgedCause::Expired);
        match self.prompt.contract().fail_mode {
            FailMode::Closed => self.cut_by_time(),
            FailMode::Open => {
                self.conceded_to = self.sent_to;
                self.obey_early();
            }
        }
    }

    fn send(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        let may_send = !self.end_sent && self.decided.is_none() && !self.is_final;
        if !may_send || self.prompt.is_bypassed() {
            return;
        }
        let has_text = self.text.end() > self.sent_to;
        if self.engine.is_some() || (has_text && self.unanswered.is_empty()) {
            effects.push(Effect::Send(self.next_chunk(now)));
        }
    }

    fn next_chunk(&mut self, now: Micros) -> ChunkParts {
        let end = self.engine.unwrap_or(End::None);
        let seq = i64::try_from(self.chunks).unwrap_or(i64::MAX);
        let byte_start = self.sent_to;
        self.sent_to = self.text.end();
        self.chunks += 1;
        self.end_sent = end != End::None;
        self.unanswered.push(Unanswered {
            seq,
            byte_end: self.sent_to,
            sent_at: now,
            ends: self.end_sent,
            hold_is_over: false,
        });
        ChunkParts {
            seq,
            byte_start,
            text: self.text.slice(byte_start, self.sent_to).to_vec(),
            end,
            opening: (seq == 0).then(|| self.opening()),
        }
    }

    fn opening(&self) -> OpeningParts {
        let contract = self.prompt.contract();
        let is_known = self.prompt.contract_is_known();
        OpeningParts {
            budget_us: is_known.then_some(contract.budget_us),
            hold_chars: is_known.then_some(contract.hold_chars),
            hold_ms: is_known.then_some(contract.hold_ms),
            on_expiry: contract.on_expiry,
            fail_mode: contract.fail_mode,
            prompt_verdict_id: self.prompt.verdict_id().map(str::to_owned),
            prompt_categories: self.prompt.categories().to_vec(),
        }
    }

    /// How far the text may be shown.
    fn limit(&self) -> usize {
        if let Some(decided) = &self.decided {
            return self.veils.outside(decided.at);
        }
        let conceded_to = if self.prompt.is_bypassed() {
            self.text.end()
        } else {
            self.conceded_to
        };
        // What the end of the text breaks off is all there will be of it.
        let is_all = self.engine.is_some() && conceded_to == self.text.end();
        let conceded_to = if is_all {
            conceded_to
        } else {
            self.text.whole_characters(conceded_to)
        };
        self.veils.outside(self.released_to.max(conceded_to))
    }

    fn show(&mut self, effects: &mut Vec<Effect>) {
        let start = self.text.start();
        let limit = self.limit();
        if self.prompt.outcome() != PromptOutcome::Passed || limit <= start {
            return;
        }
        let mut places = Vec::new();
        let text = self.text.slice(start, limit);
        let masked = self.veils.mask(text, start, |place| places.push(place));
        self.screen.add(limit, masked.len(), places);
        self.text.drop_before(limit);
        self.veils.drop_before(limit);
        if !masked.is_empty() {
            effects.push(Effect::Show(masked));
        }
    }

    fn end(&mut self, effects: &mut Vec<Effect>) {
        let engine_runs = self.engine.is_none();
        if let Some(decided) = self.decided.clone() {
            if engine_runs {
                self.abort_engine(effects);
            }
            if self.prompt.outcome() == PromptOutcome::Waiting {
                return;
            }
            self.take_back(&decided, effects);
            self.tell_cut(&decided, effects);
            self.done(Ended::Cut, effects);
            return;
        }
        if self.prompt.outcome() != PromptOutcome::Passed {
            return;
        }
        let nothing_to_wait_for = !engine_runs && self.unanswered.is_empty();
        if self.is_final || nothing_to_wait_for {
            if engine_runs {
                self.abort_engine(effects);
            }
            let ended = match self.engine {
                Some(End::Complete) => Ended::Complete,
                Some(_) => Ended::Error,
                None => Ended::Closed,
            };
            self.done(ended, effects);
        }
    }

    fn user_has_gone(&mut self, now: Micros, effects: &mut Vec<Effect>) {
        if self.over {
            return;
        }
        if self.engine.is_none() {
            self.engine = Some(End::ClientAbort);
            // Of a stream that the gate has not heard of there is nothing to tell.
            if self.chunks > 0 {
                self.send(now, effects);
            }
            self.abort_engine(effects);
        }
        self.done(Ended::ClientAbort, effects);
    }

    fn abort_engine(&mut self, effects: &mut Vec<Effect>) {
        if !self.abort_told {
            self.abort_told = true;
            effects.push(Effect::AbortEngine);
        }
    }

    fn take_back(&mut self, decided: &Decided, effects: &mut Vec<Effect>) {
        let keep_bytes = match decided.disposition {
            Disposition::Keep => return,
            Disposition::Retract => self.screen.before(decided.at),
            Disposition::Replace => 0,
        };
        if self.screen.take_back(keep_bytes) {
            effects.push(Effect::Retract { keep_bytes });
        }
    }

    fn tell_cut(&mut self, decided: &Decided, effects: &mut Vec<Effect>) {
        if self.cut_told {
            return;
        }
        self.cut_told = true;
        effects.push(Effect::Cut(Cut {
            truncate_at: decided.at,
            shown_to: self.text.start(),
            disposition: decided.disposition,
            completion: decided.completion.clone(),
        }));
    }

    fn done(&mut self, ended: Ended, effects: &mut Vec<Effect>) {
        self.over = true;
        effects.push(Effect::Done(Summary {
            ended,
            shown_to: self.text.start(),
            sent_to: self.sent_to,
            chunks: self.chunks,
            stale: self.stale,
            timeouts: self.timeouts,
            hold_expired: self.hold_expired,
            bypassed: self.prompt.is_bypassed(),
            unjudged: self.unjudged.as_slice().to_vec(),
        }));
    }
}
