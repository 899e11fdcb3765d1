//! A stream as a client would have shown it: the client's own guard and the gate's own lane, under a
//! clock that only this file turns.

use std::collections::VecDeque;

use serde::Serialize;
use weir_client::{ChunkParts, Effect, Guard, MAX_STREAM_BYTES, PromptCheck};
use weir_gate::{Judge, chunk_input};
use weir_lane::{Arrival, Judged, PromptInput, StreamJudged};
use weir_types::{Action, Category, Micros, Source, Verdict};
use weir_wire::{Channel, Chunk, End, Opening};

use crate::check_line::{CheckLine, Scores};

/// What a client would have shown of a stream, beside the line on its verdicts.
#[derive(Debug, Serialize)]
pub(crate) struct StreamLine {
    #[serde(flatten)]
    line: CheckLine,
    /// The text that was shown, masked; what was taken back is not in it, nor is the completion.
    released: String,
    /// How far text had been released after each chunk, in bytes.
    released_to: Vec<usize>,
    /// Where the text was cut, in bytes; null if it was not.
    truncate_at: Option<usize>,
    /// What is shown after a cut.
    completion: Option<String>,
    /// What the classifier said of each window, in order.
    windows: Vec<Scores>,
}

impl StreamLine {
    /// The strictest action of any verdict.
    pub(crate) fn action(&self) -> Action {
        self.line.action
    }
}

/// A stream to be simulated.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: String,
    pub(crate) tenant: String,
    pub(crate) lang: Option<String>,
    pub(crate) chunks: Vec<String>,
    pub(crate) at_ms: Vec<u64>,
    /// Number of the row, for the source of its records.
    pub(crate) row: i64,
}

impl Stream {
    /// Rows may share an id; streams must not.
    fn request_id(&self) -> String {
        format!("check-{}", self.row)
    }
}

/// What happened, so far.
#[derive(Debug, Default)]
struct Seen {
    shown: Vec<u8>,
    verdicts: Vec<Verdict>,
    flagged: Vec<Category>,
    truncate_at: Option<usize>,
    completion: Option<String>,
    done: bool,
}

/// Client and gate, with nothing between them that takes time.
struct Simulation<'a> {
    judge: &'a mut Judge,
    guard: Guard,
    stream: &'a Stream,
    now: Micros,
    seen: Seen,
}

/// Streams it and tells what came of it; `Err` says why that is not possible.
pub(crate) fn run(judge: &mut Judge, stream: &Stream) -> Result<StreamLine, String> {
    let bytes: usize = stream.chunks.iter().map(String::len).sum();
    if bytes > MAX_STREAM_BYTES {
        return Err(format!(
            "the chunks have {bytes} bytes, a stream {MAX_STREAM_BYTES} at most"
        ));
    }
    let prompt = verdict_on_nothing(judge, stream)?;
    let contract = prompt
        .contract
        .clone()
        .ok_or("the verdict on the prompt has no contract")?;
    let guard = Guard::new(PromptCheck::sent(contract.into(), Micros::ZERO));
    let mut simulation = Simulation {
        judge,
        guard,
        stream,
        now: Micros::ZERO,
        seen: Seen::default(),
    };
    let effects = simulation.guard.on_prompt_verdict(&prompt, Micros::ZERO);
    simulation.carry_out(effects);
    Ok(simulation.run())
}

impl Simulation<'_> {
    fn run(mut self) -> StreamLine {
        let mut released_to = Vec::with_capacity(self.stream.chunks.len());
        for (at, chunk) in self.stream.chunks.iter().enumerate() {
            if let Some(ms) = self.stream.at_ms.get(at) {
                self.pass_time(Micros::from_millis(*ms));
            }
            // Their sum has been checked, so that none is refused.
            let effects = self.guard.push(chunk.as_bytes(), self.now);
            self.carry_out(effects.unwrap_or_default());
            let released = self.seen.verdicts.iter().map(|verdict| verdict.released_to);
            released_to.push(usize::try_from(released.max().unwrap_or(0)).unwrap_or(0));
        }
        let effects = self.guard.finish(End::Complete, self.now);
        self.carry_out(effects);
        while !self.seen.done
            && let Some(next) = self.next_deadline()
        {
            self.pass_time(next);
        }
        let Seen {
            shown,
            verdicts,
            flagged,
            truncate_at,
            completion,
            ..
        } = self.seen;
        let windows = verdicts
            .iter()
            .filter(|verdict| !verdict.scores.is_empty())
            .map(|verdict| Scores::of(&verdict.scores))
            .collect();
        StreamLine {
            line: CheckLine::of_stream(self.stream.id.clone(), verdicts, flagged),
            released: String::from_utf8_lossy(&shown).into_owned(),
            released_to,
            truncate_at,
            completion,
            windows,
        }
    }

    fn next_deadline(&self) -> Option<Micros> {
        let (client, gate) = (
            self.guard.next_deadline(),
            self.judge.next_stream_deadline(),
        );
        client.into_iter().chain(gate).min()
    }

    /// Lets time go by until `until`, and do what it does on both sides.
    fn pass_time(&mut self, until: Micros) {
        while let Some(next) = self.next_deadline()
            && next <= until
        {
            self.now = self.now.max(next);
            for judged in self.judge.tick_streams(self.now) {
                let effects = self.hear(judged);
                self.carry_out(effects);
            }
            let effects = self.guard.on_tick(self.now);
            self.carry_out(effects);
        }
        self.now = self.now.max(until);
    }

    /// Does what the client wants done, and what comes of that.
    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Send(parts) => effects.extend(self.send(parts)),
                Effect::Show(text) => self.seen.shown.extend_from_slice(&text),
                Effect::AbortEngine => {}
                Effect::Retract { keep_bytes } => self.seen.shown.truncate(keep_bytes),
                Effect::Cut(cut) => {
                    self.seen.truncate_at = Some(cut.truncate_at);
                    self.seen.completion = cut.completion;
                }
                Effect::Done(_) => self.seen.done = true,
            }
        }
    }

    /// The gate takes a chunk in and answers.
    fn send(&mut self, parts: ChunkParts) -> Vec<Effect> {
        let source = Source {
            topic: "check".into(),
            partition: 0,
            offset: self.stream.row + parts.seq,
        };
        let arrival = Arrival {
            received: self.now,
            ..Arrival::default()
        };
        let input = chunk_input(chunk(self.stream, parts), source, 0, arrival);
        let mut judged = Vec::new();
        if let Err(failed) = self.judge.take_chunk(input, self.now) {
            judged.extend(failed.map(|failed| *failed));
        }
        let now = self.now;
        judged.extend(self.judge.answer_streams(|| now));
        judged
            .into_iter()
            .flat_map(|judged| self.hear(judged))
            .collect()
    }

    /// The client hears a verdict.
    fn hear(&mut self, judged: StreamJudged) -> Vec<Effect> {
        let effects = self.guard.on_verdict(&judged.judged.verdict, self.now);
        self.seen.flagged.extend(judged.judged.flagged);
        self.seen.verdicts.push(judged.judged.verdict);
        effects
    }
}

/// A chunk as a worker would produce it.
fn chunk(stream: &Stream, parts: ChunkParts) -> Chunk {
    Chunk {
        request_id: stream.request_id(),
        attempt: 0,
        choice: 0,
        channel: Channel::Content,
        seq: parts.seq,
        byte_start: i64::try_from(parts.byte_start).unwrap_or(i64::MAX),
        text: parts.text,
        end: parts.end,
        tenant: stream.tenant.clone(),
        policy_hash: String::new(),
        worker_id: String::new(),
        opening: parts.opening.map(|opening| Opening {
            locale_hint: stream.lang.clone(),
            budget_us: opening.budget_us,
            hold_chars: opening.hold_chars,
            hold_ms: opening.hold_ms,
            on_expiry: opening.on_expiry,
            fail_mode: opening.fail_mode,
            prompt_verdict_id: opening.prompt_verdict_id,
            prompt_categories: opening.prompt_categories,
        }),
        enc: None,
    }
}

/// The verdict on a prompt without text, which brings the contract of its streams.
fn verdict_on_nothing(judge: &mut Judge, stream: &Stream) -> Result<Verdict, String> {
    let prompt = PromptInput {
        source: Source {
            topic: "check".into(),
            partition: 0,
            offset: stream.row,
        },
        owner_epoch: 0,
        request_id: stream.request_id(),
        tenant: stream.tenant.clone(),
        worker_id: String::new(),
        locale_hint: stream.lang.clone(),
        budget: None,
        segments: Vec::new(),
        arrival: Arrival::default(),
    };
    let answer = judge.judge(vec![prompt]).pop();
    let Some(Judged { verdict, .. }) = answer.map(|answer| answer.judged) else {
        return Err("the stream's prompt got no answer".to_owned());
    };
    Ok(verdict)
}
