use std::time::{Duration, Instant};

use weir_bus::{
    BusConfig, BusError, Committer, InRecord, InputRef, Ledger, Linger, OutRecord, Publisher,
    unix_ms,
};
use weir_stats::SplitMix64;
use weir_telemetry::{GateMetrics, TRACEPARENT_HEADER, TraceContext};
use weir_types::{Source, Verdict};
use weir_wire::{DeadLetter, Header};

use crate::config::Topics;
use crate::intake::Rejected;

/// How often progress is committed. A crash repeats at most this much, under the same ids.
const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// A dead letter above this leaves the value out: its topic takes twice the inputs' size, 4 MiB.
const MAX_DEAD_LETTER_PAYLOAD: usize = 4_000_000;

/// What an acknowledgement settles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// The input that the output comes from.
    pub(crate) input: InputRef,
    /// The output is the last one of a stream: its first chunk need not be read again.
    pub(crate) last_of: Option<InputRef>,
}

impl From<InputRef> for Sent {
    fn from(input: InputRef) -> Self {
        Self {
            input,
            last_of: None,
        }
    }
}

/// Everything that leaves the lane: verdicts, dead letters, commits.
#[derive(Debug)]
pub(crate) struct Outbox {
    publisher: Publisher<Sent>,
    ledger: Ledger,
    committer: Committer,
    topics: Topics,
    metrics: GateMetrics,
    buffer: Vec<u8>,
    acknowledged: Vec<Sent>,
    last_commit: Instant,
    /// Span ids need to differ, not to be secret.
    random: SplitMix64,
    prepared: bool,
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
            random: SplitMix64::new(unix_ms().unsigned_abs()),
            prepared: false,
        })
    }

    /// Waits, once, until the first verdict need not wait for the producers' start: less than half a
    /// second, and most of it went by while the group was joined. Called when partitions have come, so
    /// that the cluster is known to answer; if it has gone since, the first verdict waits for it.
    pub(crate) fn prepare(&mut self) {
        if std::mem::replace(&mut self.prepared, true) {
            return;
        }
        let topics = [&self.topics.verdicts, &self.topics.dead_letters];
        if let Err(error) = self.publisher.prepare(&topics.map(String::as_str)) {
            tracing::warn!(%error, "the producers are not ready; the first verdicts may be late");
        }
    }

    pub(crate) const fn ledger(&mut self) -> &mut Ledger {
        &mut self.ledger
    }

    /// Publishes a verdict to the partition number of its input, continuing the trace of `record`.
    pub(crate) fn verdict(
        &mut self,
        verdict: &Verdict,
        record: Option<&InRecord>,
        sent: Sent,
    ) -> Result<(), BusError> {
        self.buffer.clear();
        if let Err(error) = weir_wire::encode(verdict, &mut self.buffer) {
            // A defect of this build; the client's fail mode takes over for this request.
            tracing::error!(%error, "a verdict could not be encoded");
            if let Some(first) = sent.last_of {
                self.ledger.settle(first);
            }
            return Ok(());
        }
        let trace = record
            .and_then(|record| record.header(TRACEPARENT_HEADER))
            .and_then(TraceContext::parse)
            .map(|parent| parent.child(|| self.random.next_u64()).to_header());
        self.ledger.expect_output(sent.input);
        self.publisher.send(
            &OutRecord {
                topic: &self.topics.verdicts,
                partition: Some(sent.input.partition),
                key: Some(verdict.request_id.as_bytes()),
                payload: &self.buffer,
                header: trace
                    .as_ref()
                    .map(|value| (TRACEPARENT_HEADER, value.as_slice())),
            },
            sent,
        )
    }

    /// Publishes a record that could not be processed, whole, with the reason.
    pub(crate) fn dead_letter(
        &mut self,
        record: &InRecord,
        source: Source,
        rejected: &Rejected,
        stage: &str,
        sent: Sent,
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
        self.ledger.expect_output(sent.input);
        self.publisher.send(
            &OutRecord {
                topic: &self.topics.dead_letters,
                partition: None,
                key: record.key.as_deref(),
                payload: &self.buffer,
                header: None,
            },
            sent,
        )
    }

    /// Takes in acknowledgements, sends again what failed, and commits when it is time.
    pub(crate) fn poll(&mut self) -> Result<(), BusError> {
        let failures = self.publisher.failures();
        let ledger = &self.ledger;
        self.publisher
            .poll(&mut self.acknowledged, |sent| ledger.owns(sent.input))?;
        self.metrics
            .delivery_failures
            .inc_by(self.publisher.failures() - failures);
        for sent in self.acknowledged.drain(..) {
            self.ledger.settle(sent.input);
            if let Some(first) = sent.last_of {
                self.ledger.settle(first);
            }
        }
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.last_commit = Instant::now();
            self.committer.commit(&self.ledger.take_commits());
        }
        Ok(())
    }

    /// Waits until all that was sent is acknowledged, then commits. What is not acknowledged within
    /// `patience` will be read again, as will the streams that are open.
    pub(crate) fn settle_all(&mut self, patience: Duration) -> Result<(), BusError> {
        let deadline = Instant::now() + patience;
        loop {
            self.poll()?;
            if self.publisher.in_flight() == 0 {
                // What was acknowledged since.
                self.poll()?;
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
