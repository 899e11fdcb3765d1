use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use weir_bus::{
    BusConfig, BusError, Committer, InRecord, InputRef, Ledger, Linger, OutRecord, Publisher,
    unix_ms,
};
use weir_registry::Ids;
use weir_stats::SplitMix64;
use weir_telemetry::{GateMetrics, TRACEPARENT_HEADER, TraceContext};
use weir_types::{Source, Verdict};
use weir_wire::{DeadLetter, Flagged, Header};

use crate::config::Topics;
use crate::intake::Rejected;

/// How often progress is committed. A crash repeats at most this much, under the same ids.
const COMMIT_EVERY: Duration = Duration::from_millis(250);

/// What an acknowledgement settles.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// The input that the output comes from.
    pub(crate) input: InputRef,
    /// The output is the last one of a stream: this chunk of it need not be read again.
    pub(crate) unpins: Option<InputRef>,
    /// The same of a stream with checkpoints, by its number there.
    pub(crate) ends: Option<u64>,
}

impl From<InputRef> for Sent {
    fn from(input: InputRef) -> Self {
        Self {
            input,
            unpins: None,
            ends: None,
        }
    }
}

/// Everything that leaves the lane: verdicts, dead letters, commits.
#[derive(Debug)]
pub(crate) struct Outbox {
    /// What is sent has a number.
    publisher: Publisher<(u64, Sent)>,
    /// Of what nobody waits for: no verdict queues behind it.
    aside: Publisher<(u64, Sent)>,
    next_number: u64,
    /// What has not been acknowledged.
    on_its_way: BTreeMap<u64, InputRef>,
    /// Streams with checkpoints: how many of the last outputs are not acknowledged, if there are several.
    ending: HashMap<u64, usize>,
    /// Those of which all are.
    ended: Vec<u64>,
    ledger: Ledger,
    committer: Committer,
    topics: Topics,
    ids: Ids,
    metrics: GateMetrics,
    buffer: Vec<u8>,
    acknowledged: Vec<(u64, Sent)>,
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
        ids: Ids,
        metrics: GateMetrics,
    ) -> Result<Self, BusError> {
        Ok(Self {
            publisher: Publisher::new(bus, Linger::ByLoad)?,
            aside: Publisher::new(bus, Linger::Always)?,
            next_number: 0,
            on_its_way: BTreeMap::new(),
            ending: HashMap::new(),
            ended: Vec::new(),
            ledger: Ledger::default(),
            committer,
            topics,
            ids,
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

    pub(crate) const fn committer(&self) -> &Committer {
        &self.committer
    }

    /// The number of what is sent next.
    pub(crate) const fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Whether all that was sent before this number is acknowledged. What is not wanted any more, since
    /// its partition has gone, is not waited for.
    pub(crate) fn is_delivered(&mut self, before: u64) -> bool {
        while let Some(oldest) = self.on_its_way.first_entry()
            && *oldest.key() < before
        {
            if self.ledger.owns(*oldest.get()) {
                return false;
            }
            oldest.remove();
        }
        true
    }

    /// Streams with checkpoints whose last outputs were acknowledged since this was last asked, by number.
    pub(crate) fn take_ended(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.ended)
    }

    /// Publishes a verdict to the partition number of its input, continuing the trace of `record`.
    pub(crate) fn verdict(
        &mut self,
        verdict: &Verdict,
        record: Option<&InRecord>,
        sent: Sent,
    ) -> Result<(), BusError> {
        self.buffer.clear();
        if let Err(error) = weir_wire::encode_with(&self.ids, verdict, &mut self.buffer) {
            // A defect of this build; the client's fail mode takes over for this request.
            tracing::error!(%error, "a verdict could not be encoded");
            self.end(sent);
            return Ok(());
        }
        let trace = record
            .and_then(|record| record.header(TRACEPARENT_HEADER))
            .and_then(TraceContext::parse)
            .map(|parent| parent.child(|| self.random.next_u64()).to_header());
        let token = self.expect(sent);
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
            token,
        )
    }

    /// Publishes a text for the rescorer, to the partition number of its input. Before the verdict that it
    /// goes with, whose input and stream are not done before it.
    pub(crate) fn flagged(&mut self, flagged: &Flagged, sent: Sent) -> Result<(), BusError> {
        self.buffer.clear();
        if let Err(error) = weir_wire::encode_with(&self.ids, flagged, &mut self.buffer) {
            tracing::error!(%error, "a text for the rescorer could not be encoded");
            return Ok(());
        }
        self.metrics.flagged(flagged.selection_reason).inc();
        if let Some(pin) = sent.unpins {
            // The verdict lets go of it, and so does this.
            self.ledger.expect_output(pin);
        }
        let token = self.expect(sent);
        self.aside.send(
            &OutRecord {
                topic: &self.topics.flagged,
                partition: Some(sent.input.partition),
                key: Some(flagged.request_id.as_bytes()),
                payload: &self.buffer,
                header: None,
            },
            token,
        )
    }

    /// Notes that an output is on its way, which gets a number.
    fn expect(&mut self, sent: Sent) -> (u64, Sent) {
        self.ledger.expect_output(sent.input);
        if let Some(stream) = sent.ends {
            *self.ending.entry(stream).or_default() += 1;
        }
        let number = self.next_number;
        self.next_number += 1;
        self.on_its_way.insert(number, sent.input);
        (number, sent)
    }

    /// What follows from an output's acknowledgement for its stream.
    fn end(&mut self, sent: Sent) {
        if let Some(pin) = sent.unpins {
            self.ledger.settle(pin);
        }
        let Some(stream) = sent.ends else { return };
        match self.ending.get_mut(&stream) {
            Some(left) if *left > 1 => *left -= 1,
            _ => {
                self.ending.remove(&stream);
                self.ended.push(stream);
            }
        }
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
        let letter = DeadLetter {
            source,
            source_timestamp_ms: (record.timestamp_ms > 0).then_some(record.timestamp_ms),
            key: record.key.clone(),
            payload: record.payload.clone(),
            headers: record
                .headers
                .iter()
                .map(|(name, value)| Header {
                    name: name.clone(),
                    value: value.clone(),
                })
                .collect(),
            reason: rejected.reason,
            detail: rejected.detail.clone(),
            stage: stage.to_owned(),
            failed_at_ms: unix_ms(),
        }
        .fitting();
        self.buffer.clear();
        if let Err(error) = weir_wire::encode_with(&self.ids, &letter, &mut self.buffer) {
            tracing::error!(%error, "a dead letter could not be encoded");
            return Ok(());
        }
        let token = self.expect(sent);
        self.publisher.send(
            &OutRecord {
                topic: &self.topics.dead_letters,
                partition: None,
                key: record.key.as_deref(),
                payload: &self.buffer,
                header: None,
            },
            token,
        )
    }

    /// Takes in acknowledgements, sends again what failed, and commits when it is time.
    pub(crate) fn poll(&mut self) -> Result<(), BusError> {
        let ledger = &self.ledger;
        for publisher in [&mut self.publisher, &mut self.aside] {
            let failures = publisher.failures();
            publisher.poll(&mut self.acknowledged, |(_, sent)| ledger.owns(sent.input))?;
            let failed = publisher.failures() - failures;
            self.metrics.delivery_failures.inc_by(failed);
        }
        let mut acknowledged = std::mem::take(&mut self.acknowledged);
        for (number, sent) in acknowledged.drain(..) {
            self.on_its_way.remove(&number);
            self.ledger.settle(sent.input);
            self.end(sent);
        }
        self.acknowledged = acknowledged;
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.last_commit = Instant::now();
            self.committer.commit(&self.ledger.take_commits());
        }
        Ok(())
    }

    /// Whether a verdict waits for the next poll.
    pub(crate) fn is_waiting(&self) -> bool {
        self.publisher.is_waiting()
    }

    fn in_flight(&self) -> usize {
        self.publisher.in_flight() + self.aside.in_flight()
    }

    /// Waits until all that was sent is acknowledged; whether it is by the deadline.
    pub(crate) fn deliver_all(&mut self, deadline: Instant) -> Result<bool, BusError> {
        loop {
            self.poll()?;
            if self.in_flight() == 0 {
                // What was acknowledged since.
                self.poll()?;
                return Ok(true);
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Commits before others go on from there. What is not acknowledged will be read again.
    pub(crate) fn commit_last(&mut self) {
        let commits = self.ledger.take_commits();
        if self.in_flight() == 0 {
            self.committer.commit_now(&commits);
        } else {
            // The cluster does not take verdicts now; it would not take a commit either.
            self.committer.commit(&commits);
        }
    }
}

#[cfg(test)]
mod tests {
    use weir_bus::{EmbeddedBroker, Reader};
    use weir_telemetry::{BuildInfo, Registry};
    use weir_types::DeadLetterReason;

    use super::*;

    /// The outbox of a lane that owns partition 0, and what keeps it going.
    fn of_an_owner() -> (Outbox, Reader, EmbeddedBroker) {
        let topics = Topics::default();
        let broker = EmbeddedBroker::start(topics.all().map(|name| (name, 1))).unwrap();
        let bus = broker.config();
        let reader = Reader::start(&bus, "test", &topics.chunks).unwrap();
        let build = BuildInfo {
            version: "0",
            commit: "test",
        };
        let metrics = GateMetrics::register(&Registry::new(), build).unwrap();
        let mut outbox = Outbox::new(
            &bus,
            reader.committer().clone(),
            topics,
            Ids::compiled_in(),
            metrics,
        )
        .unwrap();
        outbox.ledger().assign(0, 1);
        (outbox, reader, broker)
    }

    #[test]
    fn what_was_sent_is_delivered_when_it_is_acknowledged_or_not_wanted_any_more() {
        let (mut outbox, reader, _broker) = of_an_owner();
        let rejected = Rejected {
            reason: DeadLetterReason::Invalid,
            detail: String::new(),
            request_id: None,
        };
        let send = |outbox: &mut Outbox, offset| {
            let input = outbox.ledger().begin(0, offset, 0).unwrap();
            let source = Source {
                topic: "chunks".into(),
                partition: 0,
                offset,
            };
            let sent = Sent {
                ends: Some(7),
                ..input.into()
            };
            let record = InRecord::default();
            outbox
                .dead_letter(&record, source, &rejected, "test", sent)
                .unwrap();
        };
        assert!(outbox.is_delivered(outbox.next_number()));
        send(&mut outbox, 0);
        let after = outbox.next_number();
        assert!(!outbox.is_delivered(after) && outbox.take_ended().is_empty());
        let deadline = Instant::now() + Duration::from_secs(30);
        while !outbox.is_delivered(after) {
            assert!(Instant::now() < deadline, "it is not acknowledged");
            outbox.poll().unwrap();
        }
        assert_eq!(outbox.take_ended(), [7]);
        send(&mut outbox, 1);
        assert!(outbox.is_delivered(after) && !outbox.is_delivered(after + 1));
        outbox.ledger().revoke(0);
        assert!(outbox.is_delivered(after + 1));
        drop(outbox);
        reader.close();
    }

    #[test]
    fn a_stream_is_over_when_its_last_verdict_and_what_goes_with_it_are_acknowledged() {
        let (mut outbox, reader, _broker) = of_an_owner();
        let pin = outbox.ledger().begin(0, 0, 0).unwrap();
        let input = outbox.ledger().begin(0, 1, 0).unwrap();
        let sent = Sent {
            input,
            unpins: Some(pin),
            ends: Some(7),
        };
        // As `flagged` and `verdict` do, whose acknowledgements come in any order.
        outbox.ledger().expect_output(pin);
        outbox.expect(sent);
        outbox.expect(sent);
        outbox.ledger().settle(input);
        let acknowledge = |outbox: &mut Outbox| {
            outbox.ledger().settle(input);
            outbox.end(sent);
        };
        acknowledge(&mut outbox);
        assert!(outbox.take_ended().is_empty());
        assert_eq!(outbox.ledger().take_commits(), []);
        acknowledge(&mut outbox);
        assert_eq!(outbox.take_ended(), [7]);
        assert_eq!(outbox.ledger().take_commits(), [(0, 1, 2)]);
        drop(outbox);
        reader.close();
    }
}
