//! An inference worker with many streams: one producer, one consumer of verdicts, one thread that
//! drives all guards.
//!
//! Not a tokio task a stream: at 20,000 chunks a second that costs a wake-up, a channel and a timer a
//! chunk, on the cores that the gate is measured on. The guards are the client's own all the same,
//! and decide everything.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use weir_bus::{BusConfig, OutRecord, Publisher, Tail, TailFrom};
use weir_client::{ChunkParts, FailMode, OnExpiry, Prompt, partition_of};
use weir_types::{Micros, Verdict};
use weir_wire::{Channel, Chunk, Opening};

use super::script::Script;
use super::watched::{PromptVerdict, Tally, Watched};
use crate::bench::cluster::{GateTopics, PARTITIONS};
use crate::bench::echo::Sending;
use crate::client::run_id;

/// How long nothing may come before what is missing is given up.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);
/// Verdicts handed over together at most.
const MAIL: usize = 256;
/// Tokens that are due within so long are generated together: to be woken for each alone would cost
/// more than the work.
const GRAIN: Duration = Duration::from_micros(200);
/// Longer than anything takes: a stream that is cut for time is replaced at once, so that stalls would be
/// measured by many more streams than were there. How many verdicts were late is counted.
const BUDGET_US: i64 = 60_000_000;
const WORKER_ID: &str = "bench";
pub(crate) const TENANT: &str = "bench";

/// What came in one go.
#[derive(Default)]
struct Mail {
    verdicts: Vec<Verdict>,
    unreadable: usize,
}

pub(crate) struct Worker<'a> {
    topics: &'a GateTopics<'a>,
    publisher: Publisher<()>,
    inbox: flume::Receiver<Mail>,
    origin: Instant,
    /// Makes request ids this worker's own.
    run: String,
    prompt: PromptVerdict,
    opened: u64,
    streams: HashMap<u64, Watched>,
    /// When to look at which stream. The same time after each chunk, so they come in order.
    alarms: VecDeque<(Micros, u64)>,
    in_flight: usize,
    acknowledged: Vec<()>,
    frame: Vec<u8>,
    pub(crate) tally: Tally,
}

impl<'a> Worker<'a> {
    /// Connects, and has one prompt judged for the contract of all streams. In it nothing is conceded
    /// to time, so that whatever leaks is a defect: holds do not expire, and the fail mode is closed.
    pub(crate) fn connect(
        bus: &BusConfig,
        topics: &'a GateTopics<'a>,
        sending: Sending,
    ) -> anyhow::Result<Self> {
        weir_wire::prepare();
        let tail = Tail::start(bus, topics.verdicts, TailFrom::End)?;
        let mut publisher = Publisher::new(bus, sending.linger())?;
        publisher.prepare(&[topics.prompts, topics.chunks])?;
        let (sender, inbox) = flume::unbounded();
        std::thread::Builder::new()
            .name("weir-inbox".to_owned())
            .spawn(move || read(&tail, &sender))
            .context("cannot start the reading thread")?;
        let run = run_id()?;
        let prompt = judged_prompt(&mut publisher, &inbox, topics, &run)?;
        Ok(Self {
            topics,
            publisher,
            inbox,
            origin: Instant::now(),
            run,
            prompt,
            opened: 0,
            streams: HashMap::new(),
            alarms: VecDeque::new(),
            in_flight: 0,
            acknowledged: Vec::new(),
            frame: Vec::new(),
            tally: Tally::default(),
        })
    }

    /// Has one stream judged, so that the lane of streams is known to be at work.
    pub(crate) fn warm_up(&mut self, script: Arc<Script>) -> anyhow::Result<()> {
        let tokens = script.tokens();
        let first = self.open(script);
        self.generate(first, tokens, self.now())?;
        self.settle()?;
        anyhow::ensure!(self.in_flight == 0, "the gate did not answer a stream");
        self.tally = Tally::default();
        Ok(())
    }

    pub(crate) fn now(&self) -> Micros {
        micros(self.origin.elapsed())
    }

    /// How many streams were opened so far; the next one's number.
    pub(crate) const fn opened(&self) -> u64 {
        self.opened
    }

    pub(crate) fn open(&mut self, script: Arc<Script>) -> u64 {
        let number = self.opened;
        self.opened += 1;
        let now = self.now();
        let stream = Watched::open(script, &self.prompt, now, &mut self.tally);
        self.streams.insert(number, stream);
        number
    }

    /// Whether its engine has nothing more to write.
    pub(crate) fn is_written(&self, number: u64) -> bool {
        self.streams.get(&number).is_none_or(Watched::is_written)
    }

    /// The stream's engine writes `count` tokens, which were due at `due`.
    pub(crate) fn generate(
        &mut self,
        number: u64,
        count: usize,
        due: Micros,
    ) -> anyhow::Result<()> {
        self.with(number, |stream, now, tally| {
            stream.generate(count, due, now, tally)
        })
    }

    /// Takes in what comes until `until`, which may be a little later.
    pub(crate) fn run_until(&mut self, until: Micros) -> anyhow::Result<()> {
        self.acknowledged.clear();
        self.publisher.poll(&mut self.acknowledged, |()| true)?;
        let until = self.origin + Duration::from_micros(until.0);
        let until = until.max(Instant::now() + GRAIN);
        while let Ok(mail) = self.inbox.recv_deadline(until) {
            self.tally.unreadable += mail.unreadable;
            for verdict in mail.verdicts {
                let number = verdict.request_id.rsplit_once('-');
                let number = number.and_then(|(_, hex)| u64::from_str_radix(hex, 16).ok());
                let Some(number) = number else { continue };
                self.with(number, |stream, now, tally| {
                    stream.on_verdict(&verdict, now, tally)
                })?;
            }
            if Instant::now() >= until {
                break;
            }
        }
        let now = self.now();
        while let Some((at, _)) = self.alarms.front()
            && *at <= now
            && let Some((_, number)) = self.alarms.pop_front()
        {
            let stream = self.streams.get(&number);
            let due = stream.and_then(Watched::next_deadline);
            if due.is_some_and(|due| due <= now) {
                self.with(number, Watched::on_tick)?;
            }
        }
        Ok(())
    }

    /// Waits for what is still to be answered, closes all streams, and tells what came of them.
    pub(crate) fn finish(mut self) -> anyhow::Result<Tally> {
        let mut numbers: Vec<u64> = self.streams.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            self.with(number, Watched::abort)?;
        }
        self.settle()?;
        for stream in self.streams.values() {
            stream.give_up(&mut self.tally);
        }
        self.publisher.flush(ANSWER_PATIENCE)?;
        Ok(self.tally)
    }

    /// Waits until every chunk has its verdict, or none has come for long.
    pub(crate) fn settle(&mut self) -> anyhow::Result<()> {
        let (mut left, mut since) = (self.in_flight, Instant::now());
        while self.in_flight > 0 && since.elapsed() < ANSWER_PATIENCE {
            self.run_until(self.now())?;
            if self.in_flight != left {
                (left, since) = (self.in_flight, Instant::now());
            }
        }
        Ok(())
    }

    /// Lets a stream do something, sends what comes of it, and forgets the stream when it is done.
    fn with(
        &mut self,
        number: u64,
        act: impl FnOnce(&mut Watched, Micros, &mut Tally) -> Vec<ChunkParts>,
    ) -> anyhow::Result<()> {
        let now = self.now();
        let Some(stream) = self.streams.get_mut(&number) else {
            return Ok(());
        };
        let before = stream.in_flight();
        let chunks = act(stream, now, &mut self.tally);
        self.in_flight = self.in_flight + stream.in_flight() - before;
        if let (false, Some(at)) = (chunks.is_empty(), stream.next_deadline()) {
            self.alarms.push_back((at, number));
        }
        if stream.is_done() {
            self.streams.remove(&number);
        }
        for parts in chunks {
            self.send(number, parts)?;
        }
        Ok(())
    }

    fn send(&mut self, number: u64, parts: ChunkParts) -> anyhow::Result<()> {
        let chunk = Chunk {
            request_id: format!("{}-{number:x}", self.run),
            attempt: 0,
            choice: 0,
            channel: Channel::Content,
            seq: parts.seq,
            byte_start: i64::try_from(parts.byte_start)?,
            text: parts.text,
            end: parts.end,
            tenant: TENANT.to_owned(),
            policy_hash: self.prompt.verdict.provenance.policy_hash.clone(),
            worker_id: WORKER_ID.to_owned(),
            opening: parts.opening.map(|parts| Opening {
                locale_hint: None,
                budget_us: parts.budget_us,
                hold_chars: parts.hold_chars,
                hold_ms: parts.hold_ms,
                on_expiry: parts.on_expiry,
                fail_mode: parts.fail_mode,
                prompt_verdict_id: parts.prompt_verdict_id,
                prompt_categories: parts.prompt_categories,
            }),
            enc: None,
        };
        self.frame.clear();
        weir_wire::encode(&chunk, &mut self.frame)?;
        let record = OutRecord {
            topic: self.topics.chunks,
            partition: Some(partition_of(chunk.request_id.as_bytes(), PARTITIONS)),
            key: Some(chunk.request_id.as_bytes()),
            payload: &self.frame,
            header: None,
        };
        Ok(self.publisher.send(&record, ())?)
    }
}

/// Reads verdicts until nobody wants them.
fn read(tail: &Tail, sender: &flume::Sender<Mail>) {
    while !sender.is_disconnected() {
        let mut mail = Mail::default();
        let mut next = tail.next(Duration::from_millis(100));
        while let Some(record) = next {
            match weir_wire::decode::<Verdict>(&record.payload.unwrap_or_default()) {
                Ok(verdict) => mail.verdicts.push(verdict),
                Err(_) => mail.unreadable += 1,
            }
            next = (mail.verdicts.len() < MAIL)
                .then(|| tail.next(Duration::ZERO))
                .flatten();
        }
        if mail.verdicts.len() + mail.unreadable > 0 {
            // If it cannot be sent, the loop ends.
            let _ = sender.send(mail);
        }
    }
}

/// Has a prompt judged.
fn judged_prompt(
    publisher: &mut Publisher<()>,
    inbox: &flume::Receiver<Mail>,
    topics: &GateTopics<'_>,
    run: &str,
) -> anyhow::Result<PromptVerdict> {
    // No stream has a number like this.
    let request_id = format!("{run}-prompt");
    let prompt = Prompt {
        request_id: request_id.clone(),
        worker_id: WORKER_ID.to_owned(),
        ..Prompt::user(TENANT, "What is a weir?")
    };
    let mut frame = Vec::new();
    weir_wire::encode(&prompt, &mut frame)?;
    let record = OutRecord {
        topic: topics.prompts,
        partition: None,
        key: Some(request_id.as_bytes()),
        payload: &frame,
        header: None,
    };
    publisher.send(&record, ())?;
    let deadline = Instant::now() + ANSWER_PATIENCE;
    let verdict = loop {
        let mail = inbox.recv_deadline(deadline);
        let mail = mail.context("the gate did not answer a prompt")?;
        let known = |verdict: &Verdict| verdict.request_id == request_id;
        if let Some(verdict) = mail.verdicts.into_iter().find(known) {
            break verdict;
        }
    };
    let Some(mut contract) = verdict.contract.clone() else {
        bail!("the verdict on a prompt has no contract");
    };
    contract.fail_mode = FailMode::Closed;
    contract.on_expiry = OnExpiry::Hold;
    contract.budget_us = BUDGET_US;
    let verdict = Verdict {
        contract: Some(contract.clone()),
        ..verdict
    };
    Ok(PromptVerdict {
        verdict,
        contract: Arc::new(contract),
    })
}

fn micros(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}
