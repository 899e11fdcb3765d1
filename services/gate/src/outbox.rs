use std::time::{Duration, Instant};

use weir_bus::{
    BusConfig, BusError, Committer, InRecord, InputRef, Ledger, Linger, OutRecord, Publisher,
    unix_ms,
};
use weir_lane::Judged;
use weir_telemetry::{GateMetrics, TRACEPARENT_HEADER, TraceContext};
use weir_types::Source;
use weir_wire::{DeadLetter, Header};

use crate::config::Topics;
use crate::intake::Rejected;

/// How often progress is committed. A crash repeats at most this much, under the same ids.
const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// A dead letter above this leaves the value out: its topic takes twice the inputs' size, 4 MiB.
const MAX_DEAD_LETTER_PAYLOAD: usize = 4_000_000;

/// Everything that leaves the lane: verdicts, dead letters, commits.
#[derive(Debug)]
pub(crate) struct Outbox {
    publisher: Publisher<InputRef>,
    ledger: Ledger,
    committer: Committer,
    topics: Topics,
    metrics: GateMetrics,
    buffer: Vec<u8>,
    acknowledged: Vec<InputRef>,
    last_commit: Instant,
    random: SplitMix64,
}

impl Outbox {
    pub(crate) fn new(
        bus: &BusConfig,
        committer: Committer,
        topics: Topics,
        metrics: GateMetrics,
    ) -> Result<Self, BusError> {
        Ok(Self {
            publisher: Publisher::new(bus, Linger::ByLoad)?,
            ledger: Ledger::default(),
            committer,
            topics,
            metrics,
            buffer: Vec::with_capacity(4096),
            acknowledged: Vec::new(),
            last_commit: Instant::now(),
            random: SplitMix64(unix_ms().unsigned_abs()),
        })
    }

    pub(crate) const fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Publishes a verdict to the partition number of its input, continuing the input's trace.
    pub(crate) fn verdict(
        &mut self,
        judged: &Judged,
        record: &InRecord,
        input: InputRef,
    ) -> Result<(), BusError> {
        self.buffer.clear();
        if let Err(error) = weir_wire::encode(&judged.verdict, &mut self.buffer) {
            // A defect of this build; the client's fail mode takes over for this request.
            tracing::error!(%error, "a verdict could not be encoded");
            return Ok(());
        }
        let trace = record
            .header(TRACEPARENT_HEADER)
            .and_then(TraceContext::parse)
            .map(|parent| parent.child(|| self.random.next()).to_header());
        self.ledger.expect_output(input);
        self.publisher.send(
            &OutRecord {
                topic: &self.topics.verdicts,
                partition: Some(input.partition),
                key: Some(judged.verdict.request_id.as_bytes()),
                payload: &self.buffer,
                header: trace
                    .as_ref()
                    .map(|value| (TRACEPARENT_HEADER, value.as_slice())),
            },
            input,
        )
    }

    /// Publishes a record that could not be processed, whole, with the reason.
    pub(crate) fn dead_letter(
        &mut self,
        record: &InRecord,
        source: Source,
        rejected: &Rejected,
        stage: &str,
        input: InputRef,
    ) -> Result<(), BusError> {
        tracing::warn!(
            topic = &*source.topic,
            partition = source.partition,
            offset = source.offset,
            reason = ?rejected.reason,
            detail = rejected.detail,
            "dead letter"
        );
        self.metrics.dead_letters(rejected.reason).inc();
        let fits = record
            .payload
            .as_ref()
            .is_none_or(|value| value.len() <= MAX_DEAD_LETTER_PAYLOAD);
        let letter = DeadLetter {
            source,
            source_timestamp_ms: (record.timestamp_ms > 0).then_some(record.timestamp_ms),
            key: record.key.clone(),
            payload: if fits { record.payload.clone() } else { None },
            headers: record
                .headers
                .iter()
                .map(|(name, value)| Header {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            reason: rejected.reason,
            detail: if fits {
                rejected.detail.clone()
            } else {
                format!("{} (value too large to keep)", rejected.detail)
            },
            stage: stage.to_owned(),
            failed_at_ms: unix_ms(),
        };
        self.buffer.clear();
        if let Err(error) = weir_wire::encode(&letter, &mut self.buffer) {
            tracing::error!(%error, "a dead letter could not be encoded");
            return Ok(());
        }
        self.ledger.expect_output(input);
        self.publisher.send(
            &OutRecord {
                topic: &self.topics.dead_letters,
                partition: None,
                key: record.key.as_deref(),
                payload: &self.buffer,
                header: None,
            },
            input,
        )
    }

    /// Takes in acknowledgements, sends again what failed, and commits when it is time.
    pub(crate) fn poll(&mut self) -> Result<(), BusError> {
        let failures = self.publisher.failures();
        let ledger = &self.ledger;
        self.publisher
            .poll(&mut self.acknowledged, |input| ledger.owns(*input))?;
        self.metrics
            .delivery_failures
            .inc_by(self.publisher.failures() - failures);
        for input in self.acknowledged.drain(..) {
            self.ledger.settle(input);
        }
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.last_commit = Instant::now();
            self.committer.commit(&self.ledger.take_commits());
        }
        Ok(())
    }

    /// Waits until everything of `partitions` (all, if `None`) is acknowledged, then commits.
    /// What is not acknowledged within `patience` will be read again.
    pub(crate) fn settle_all(
        &mut self,
        partitions: Option<&[i32]>,
        patience: Duration,
    ) -> Result<(), BusError> {
        let deadline = Instant::now() + patience;
        loop {
            self.poll()?;
            let open = partitions.map_or_else(
                || self.ledger.open_total(),
                |some| {
                    some.iter()
                        .map(|partition| self.ledger.open(*partition))
                        .sum()
                },
            );
            if open == 0 {
                self.committer.commit_now(&self.ledger.take_commits());
                return Ok(());
            }
            if Instant::now() >= deadline {
                // The cluster does not take verdicts now; it would not take a commit either.
                self.committer.commit(&self.ledger.take_commits());
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Span ids need to differ, not to be secret. Constants: Steele, Lea and Flood, 2014.
#[derive(Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
