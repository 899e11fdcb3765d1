use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use tokio::sync::mpsc::UnboundedReceiver;
use weir_types::{Micros, Verdict};
use weir_wire::{Chunk, End, Opening};

use crate::effect::{ChunkParts, Cut, Effect, OpeningParts, Summary};
use crate::guard::{Guard, TooLong};
use crate::position;
use crate::prompt::PromptCheck;
use crate::request::{RequestContext, StreamName};
use crate::timer::Timer;
use crate::worker::Shared;

/// Pieces of text taken from the engine before others get their turn.
const PIECES_A_POLL: u32 = 64;

/// What to do for the user, in order.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// Show this. May end inside a UTF-8 sequence only where the engine's text does.
    Text(Vec<u8>),
    /// Take back what this stream showed, all but the first `keep_bytes` (bytes as shown; the
    /// completion of a cut not among them).
    Retract {
        /// How much stays.
        keep_bytes: usize,
    },
    /// Show the completion; no more text follows.
    Cut(Cut),
    /// The engine wrote more than can be judged. It was stopped; what came before is shown as far as
    /// it may be.
    TooLong(TooLong),
    /// The stream is over. The last event, unless [`crate::WorkerConfig::late_blocks`] is set.
    Done(Summary),
}

impl std::fmt::Debug for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Retract { keep_bytes } => write!(f, "Retract({keep_bytes})"),
            Self::Cut(cut) => f.debug_tuple("Cut").field(cut).finish(),
            Self::TooLong(error) => f.debug_tuple("TooLong").field(error).finish(),
            Self::Done(summary) => f.debug_tuple("Done").field(summary).finish(),
        }
    }
}

/// One text of an answer, as the user may see it: a stream of [`Event`]s.
///
/// Made by [`crate::Request::guard`]. When the engine must stop, its stream is dropped, and the
/// callback of [`GuardedStream::on_abort`] is called.
pub struct GuardedStream<S: Stream> {
    guard: Guard,
    sender: ChunkSender,
    engine: Option<Pin<Box<S>>>,
    on_abort: Option<Box<dyn FnOnce() + Send>>,
    verdicts: UnboundedReceiver<Arc<Verdict>>,
    timer: Timer,
    ready: VecDeque<Event>,
    /// Until when a late block is waited for.
    late_until: Option<Micros>,
    /// What the breaker was told: time-outs, answers.
    reported: (u64, u64),
}

/// Makes chunks of what a guard knows of them.
struct ChunkSender {
    shared: Arc<Shared>,
    context: Arc<RequestContext>,
    name: StreamName,
    /// The prompt's policy if it was known when the stream was opened; the same for all its chunks.
    policy_hash: String,
}

impl<S: Stream> std::fmt::Debug for GuardedStream<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GuardedStream")
            .field("request_id", &self.sender.context.route.request_id())
            .field("name", &self.sender.name)
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}

// Nothing is pinned in place: the engine has a box of its own.
impl<S: Stream> Unpin for GuardedStream<S> {}

impl<S, B, E> GuardedStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    /// What to do next; `None` once it is over. Can be dropped before it is done: nothing is lost.
    ///
    /// # Errors
    /// What the engine's own stream failed with.
    pub async fn next(&mut self) -> Option<Result<Event, E>> {
        poll_fn(|context| Pin::new(&mut *self).poll_next(context)).await
    }
}

impl<S: Stream> GuardedStream<S> {
    pub(crate) fn new(
        shared: Arc<Shared>,
        context: Arc<RequestContext>,
        name: StreamName,
        check: PromptCheck,
        engine: Pin<Box<S>>,
    ) -> Self {
        let sender = ChunkSender {
            shared,
            context,
            name,
            policy_hash: String::new(),
        };
        let stream_id = name.id(sender.context.route.request_id());
        Self {
            guard: Guard::new(check),
            verdicts: sender.context.route.listen(Some(stream_id)),
            timer: Timer::new(sender.shared.clock),
            sender,
            engine: Some(engine),
            on_abort: None,
            ready: VecDeque::new(),
            late_until: None,
            reported: (0, 0),
        }
    }

    /// Calls `abort` when the engine must stop before it has ended: the text was blocked, became too
    /// long, or the stream was dropped.
    #[must_use]
    pub fn on_abort(mut self, abort: impl FnOnce() + Send + 'static) -> Self {
        self.on_abort = Some(Box::new(abort));
        self
    }

    /// The state machine behind it.
    #[must_use]
    pub const fn guard(&self) -> &Guard {
        &self.guard
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Send(parts) => self.sender.send(parts, &self.guard),
                Effect::Show(text) => self.ready.push_back(Event::Text(text)),
                Effect::AbortEngine => self.abort_engine(),
                Effect::Retract { keep_bytes } => {
                    self.ready.push_back(Event::Retract { keep_bytes });
                }
                Effect::Cut(cut) => self.ready.push_back(Event::Cut(cut)),
                Effect::Done(summary) => {
                    self.ready.push_back(Event::Done(summary));
                    let late_blocks = self.sender.shared.late_blocks;
                    if self.guard.shown_unjudged() && late_blocks > Micros::ZERO {
                        self.late_until = Some(self.now().plus(late_blocks));
                    }
                }
            }
        }
        let shared = &self.sender.shared;
        let now = (self.guard.timeouts(), self.guard.answers_in_time());
        shared.report(now.0 - self.reported.0, now.1 - self.reported.1);
        self.reported = now;
        shared.report_prompt(&self.sender.context.route, self.guard.prompt());
    }

    fn abort_engine(&mut self) {
        self.engine = None;
        if let Some(abort) = self.on_abort.take() {
            abort();
        }
    }

    fn now(&self) -> Micros {
        self.sender.shared.clock.now()
    }

    fn on_verdict(&mut self, verdict: &Verdict) {
        if verdict.is_final && verdict.supersedes.is_none() && self.guard.is_over() {
            // Nothing of the fast path will come after it.
            self.late_until = None;
        }
        let now = self.now();
        let effects = if verdict.stream_id.is_some() {
            self.guard.on_verdict(verdict, now)
        } else {
            self.guard.on_prompt_verdict(verdict, now)
        };
        self.carry_out(effects);
    }

    fn on_text(&mut self, bytes: &[u8]) {
        let now = self.now();
        let effects = match self.guard.push(bytes, now) {
            Ok(effects) => effects,
            Err(error) => {
                self.ready.push_back(Event::TooLong(error));
                self.abort_engine();
                self.guard.finish(End::Error, now)
            }
        };
        self.carry_out(effects);
    }

    fn on_end(&mut self, end: End) {
        self.engine = None;
        let effects = self.guard.finish(end, self.now());
        self.carry_out(effects);
    }

    /// Takes in a verdict, or that time is over; whether there was anything.
    fn poll_gate(&mut self, context: &mut Context<'_>) -> bool {
        if let Poll::Ready(Some(verdict)) = self.verdicts.poll_recv(context) {
            self.on_verdict(&verdict);
            return true;
        }
        let deadline = self.guard.next_deadline();
        if let Some(deadline) = deadline
            && let Poll::Ready(now) = self.timer.poll(deadline, context)
        {
            let effects = self.guard.on_tick(now);
            self.carry_out(effects);
            return true;
        }
        false
    }
}

impl<S, B, E> Stream for GuardedStream<S>
where
    S: Stream<Item = Result<B, E>>,
    B: AsRef<[u8]>,
{
    type Item = Result<Event, E>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        for _ in 0..PIECES_A_POLL {
            if let Some(event) = this.ready.pop_front() {
                return Poll::Ready(Some(Ok(event)));
            }
            if this.poll_gate(context) {
                continue;
            }
            if this.guard.is_over() {
                let late_until = this.late_until.unwrap_or_default();
                return this.timer.poll(late_until, context).map(|_| None);
            }
            let Some(engine) = &mut this.engine else {
                return Poll::Pending;
            };
            match engine.as_mut().poll_next(context) {
                Poll::Ready(Some(Ok(bytes))) => this.on_text(bytes.as_ref()),
                Poll::Ready(Some(Err(error))) => {
                    this.on_end(End::Error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => this.on_end(End::Complete),
                Poll::Pending => return Poll::Pending,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<S: Stream> Drop for GuardedStream<S> {
    fn drop(&mut self) {
        let effects = self.guard.finish(End::ClientAbort, self.now());
        self.carry_out(effects);
    }
}

impl ChunkSender {
    fn send(&mut self, parts: ChunkParts, guard: &Guard) {
        if parts.opening.is_some() {
            let known = guard.prompt().policy_hash();
            self.policy_hash = known.unwrap_or_default().to_owned();
        }
        let chunk = self.chunk_of(parts);
        self.shared.send_chunk(chunk, self.context.partition);
    }

    fn chunk_of(&self, parts: ChunkParts) -> Chunk {
        let opening = |parts: OpeningParts| Opening {
            locale_hint: self.context.locale_hint.clone(),
            budget_us: parts.budget_us,
            hold_chars: parts.hold_chars,
            hold_ms: parts.hold_ms,
            on_expiry: parts.on_expiry,
            fail_mode: parts.fail_mode,
            prompt_verdict_id: parts.prompt_verdict_id,
            prompt_categories: parts.prompt_categories,
        };
        Chunk {
            request_id: self.context.route.request_id().to_owned(),
            attempt: self.name.attempt,
            choice: self.name.choice,
            channel: self.name.channel,
            seq: parts.seq,
            byte_start: position::to_record(parts.byte_start),
            text: parts.text,
            end: parts.end,
            tenant: self.context.tenant.clone(),
            policy_hash: self.policy_hash.clone(),
            worker_id: self.shared.worker_id().to_owned(),
            opening: parts.opening.map(opening),
            enc: None,
        }
    }
}
