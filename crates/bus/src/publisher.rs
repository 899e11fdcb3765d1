use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use crate::config::BusConfig;
use crate::delivery::{
    DeliveryContext, FULL_QUEUE_WAIT, Sent, Token, again, enqueue, is_hopeless, serve,
};
use crate::error::BusError;
use crate::lines::Lines;
use crate::linger::{Density, Linger};
use crate::record::OutRecord;

/// How long a record that could not be delivered waits before it is sent again.
const RESEND_AFTER: Duration = Duration::from_millis(500);
/// After its start librdkafka finds no broker connected, and asks for the id that an idempotent producer
/// needs half a second later: until then nothing is sent. With some to spare.
const PRODUCER_ID_AFTER: Duration = Duration::from_millis(550);
/// How long a cluster may take to say where a topic's partitions are.
const METADATA_PATIENCE: Duration = Duration::from_secs(10);
/// A producer that has sent something and heard of nothing for so long waits for the cluster; an
/// acknowledgement takes a few milliseconds, a garbage collection of the broker some tens.
const STALLED_AFTER: Duration = Duration::from_millis(50);
/// Records that are handed to librdkafka before its thread has woken for the first of them.
const FEW: usize = 8;
/// Writes records and reports, by token, which have been acknowledged.
///
/// Load decides how: sparse records go out at once, dense ones linger to share a request. All
/// producers are idempotent, with acks=all. A failed delivery is sent again until it succeeds or
/// [`Publisher::poll`]'s caller says that it is no longer wanted.
///
/// A record that lingers, for a partition that the caller names, waits while others of it are on their way, so a caller in a
/// hurry polls every millisecond or so while some [are waiting](Publisher::is_waiting).
///
/// Only a record that is sent again may fall behind. Where load decides and the caller leaves the partition to the key,
/// records of one key may overtake each other when load changes, too, though not because the cluster was away.
pub struct Publisher<T: Token> {
    /// One for each of `LINGER_MS`; a single one where [`Linger`] leaves no choice.
    producers: Vec<BaseProducer<DeliveryContext<T>>>,
    /// When each last had something acknowledged.
    heard: Vec<Instant>,
    started: Instant,
    density: Density,
    /// What waits for others of its partition, where records may wait at all.
    lines: Option<Lines<(OwnedMessage, T)>>,
    /// What failed, to be sent again not before the moment given.
    resend: Vec<(Instant, OwnedMessage, T)>,
    failures: u64,
    dropped: u64,
    last_failure: Option<KafkaError>,
}

impl<T: Token> std::fmt::Debug for Publisher<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publisher")
            .field("resend", &self.resend.len())
            .finish_non_exhaustive()
    }
}

impl<T: Token> Publisher<T> {
    /// Producers on the cluster, one for each density of traffic.
    ///
    /// # Errors
    /// An option that librdkafka does not know.
    pub fn new(config: &BusConfig, linger: Linger) -> Result<Self, BusError> {
        let producer = |linger_ms: &str| {
            config
                .producer(linger_ms)
                .create_with_context(DeliveryContext::default())
                .map_err(BusError::client)
        };
        let started = Instant::now();
        let producers: Vec<_> = linger
            .levels()
            .iter()
            .copied()
            .map(producer)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            started,
            heard: vec![started; producers.len()],
            producers,
            density: Density::new(linger, started),
            lines: (linger != Linger::Never).then(Lines::default),
            resend: Vec::new(),
            failures: 0,
            dropped: 0,
            last_failure: None,
        })
    }

    /// Waits, blocking, until the first records for these topics need not wait: half a second from the
    /// publisher's start. Measured on an embedded broker, a first prompt and its verdict took 506 ms
    /// without it, where later ones take 3.4.
    ///
    /// # Errors
    /// The cluster does not answer within 10 s.
    pub fn prepare(&self, topics: &[&str]) -> Result<(), BusError> {
        for producer in &self.producers {
            for topic in topics {
                producer
                    .client()
                    .fetch_metadata(Some(topic), METADATA_PATIENCE)
                    .map_err(|source| BusError::Operation {
                        what: format!("asking for the partitions of topic {topic}"),
                        source,
                    })?;
            }
        }
        std::thread::sleep(PRODUCER_ID_AFTER.saturating_sub(self.started.elapsed()));
        Ok(())
    }

    /// Sends a record. Waits while the local queue is full: that is the back-pressure.
    ///
    /// # Errors
    /// Only a producer beyond repair; anything passing is tried again from [`Publisher::poll`].
    pub fn send(&mut self, record: &OutRecord<'_>, token: T) -> Result<(), BusError> {
        self.send_value(record, Some(record.payload), token)
    }

    /// Sends a record without a value: what was said under its key holds no longer. The payload given is
    /// left out.
    ///
    /// # Errors
    /// As [`Publisher::send`].
    pub fn send_tombstone(&mut self, record: &OutRecord<'_>, token: T) -> Result<(), BusError> {
        self.send_value(record, None, token)
    }

    fn send_value(
        &mut self,
        record: &OutRecord<'_>,
        value: Option<&[u8]>,
        token: T,
    ) -> Result<(), BusError> {
        let now = Instant::now();
        let level = self.density.on_send(now);
        let line = match (&mut self.lines, record.partition) {
            (Some(lines), Some(partition)) => Some(lines.of(record.topic, partition)),
            _ => None,
        };
        let headers = record.header.map(|(key, value)| {
            OwnedHeaders::new_with_capacity(1).insert(Header {
                key,
                value: Some(value),
            })
        });
        if let (Some(lines), Some(line)) = (&mut self.lines, line)
            && lines.is_busy(line, level > 0)
        {
            let message = OwnedMessage::new(
                value.map(<[u8]>::to_vec),
                record.key.map(<[u8]>::to_vec),
                record.topic.to_owned(),
                rdkafka::Timestamp::NotAvailable,
                record.partition.unwrap_or(-1),
                0,
                headers,
            );
            lines.wait(line, (message, token));
            return self.send_ready(now);
        }
        let sent = Sent { token, line };
        let mut out = BaseRecord::with_opaque_to(record.topic, Box::new(sent));
        out.payload = value;
        out.partition = record.partition;
        out.key = record.key;
        out.headers = headers;
        self.hand_over(level, out, now)
    }

    /// Sends what need wait for others of its partition no more.
    fn send_ready(&mut self, now: Instant) -> Result<(), BusError> {
        while let Some((line, records)) = self.lines.as_mut().and_then(Lines::take_ready) {
            // librdkafka's thread may be quicker than this one: then the first would go alone, and the rest wait for it.
            let together = usize::from(records.len() > FEW);
            let level = self.density.level().max(together);
            for (message, token) in &records {
                let sent = Sent {
                    token: *token,
                    line: Some(line),
                };
                self.hand_over(level, again(message, sent), now)?;
            }
        }
        Ok(())
    }

    /// Gives librdkafka a record.
    fn hand_over(
        &mut self,
        level: usize,
        record: BaseRecord<'_, [u8], [u8], Box<Sent<T>>>,
        now: Instant,
    ) -> Result<(), BusError> {
        // A single producer is the one for whatever level.
        let number = self
            .stalled(now)
            .unwrap_or(level.min(self.producers.len() - 1));
        if let (Some(lines), Some(line)) = (&mut self.lines, record.delivery_opaque.line) {
            lines.sent(line, level.max(number) > 0);
        }
        enqueue(&self.producers[number], record)
    }

    /// The producer, if any, that waits for the cluster. What is sent meanwhile goes the same way: else one
    /// that is connected again sooner would let it overtake.
    fn stalled(&self, now: Instant) -> Option<usize> {
        let mut producers = self.producers.iter().zip(&self.heard);
        producers.position(|(producer, heard)| {
            now.saturating_duration_since(*heard) > STALLED_AFTER && producer.in_flight_count() > 0
        })
    }

    /// Collects what has been acknowledged into `acknowledged`, and sends again what failed and is
    /// still `wanted`; what is not wanted any more is forgotten. A record that no broker will ever
    /// take (it is too large, say) is dropped, logged, and counts as acknowledged.
    ///
    /// # Errors
    /// Only a producer beyond repair.
    pub fn poll(
        &mut self,
        acknowledged: &mut Vec<T>,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<(), BusError> {
        self.poll_placed(wanted, |token, _| acknowledged.push(token))
    }

    /// [`Publisher::poll`] for a caller that wants to know where its records are: `done` gets the offset
    /// of each that was acknowledged, and `None` for one that was dropped.
    ///
    /// # Errors
    /// As [`Publisher::poll`].
    pub fn poll_placed(
        &mut self,
        wanted: impl Fn(&T) -> bool,
        mut done: impl FnMut(T, Option<i64>),
    ) -> Result<(), BusError> {
        for (producer, heard) in self.producers.iter().zip(&mut self.heard) {
            serve(producer);
            for outcome in producer.context().take_done() {
                let Sent { token, line } = outcome.sent;
                if let (Some(lines), Some(line)) = (&mut self.lines, line) {
                    lines.arrived(line);
                }
                match outcome.result {
                    Ok(offset) => {
                        *heard = Instant::now();
                        done(token, Some(offset));
                    }
                    Err((message, error)) if is_hopeless(&error) => {
                        // Kept, it would pin its input's offset for ever.
                        tracing::error!(%error, topic = message.topic(), "record dropped, it can never be delivered");
                        self.failures += 1;
                        self.dropped += 1;
                        self.last_failure = Some(error);
                        done(token, None);
                    }
                    Err((message, error)) => {
                        self.failures += 1;
                        tracing::warn!(%error, topic = message.topic(), "delivery failed");
                        self.last_failure = Some(error);
                        self.resend
                            .push((Instant::now() + RESEND_AFTER, message, token));
                    }
                }
            }
        }
        let now = Instant::now();
        self.send_ready(now)?;
        if self.resend.is_empty() {
            return Ok(());
        }
        for (when, message, token) in std::mem::take(&mut self.resend) {
            if !wanted(&token) {
                continue;
            }
            if when > now {
                self.resend.push((when, message, token));
                continue;
            }
            enqueue(
                &self.producers[0],
                again(&message, Sent { token, line: None }),
            )?;
        }
        Ok(())
    }

    /// Whether records wait for others of their partition: a poll sends them when those have arrived.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.lines.as_ref().is_some_and(|lines| lines.waiting() > 0)
    }

    /// Deliveries that failed so far, each of which was or will be sent again, or was dropped.
    #[must_use]
    pub const fn failures(&self) -> u64 {
        self.failures
    }

    /// Records on their way or waiting to be sent again.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        let queued: i32 = self.producers.iter().map(Producer::in_flight_count).sum();
        let waiting = self.lines.as_ref().map_or(0, Lines::waiting);
        usize::try_from(queued).unwrap_or(0) + waiting + self.resend.len()
    }

    /// Waits until everything has been delivered, sending again what fails meanwhile. Never on the
    /// hot path: it may block for the whole of `patience`.
    ///
    /// # Errors
    /// Something is still on its way after `patience`, or was dropped since the publisher was made
    /// because no broker will ever take it.
    pub fn flush(&mut self, patience: Duration) -> Result<(), BusError> {
        let deadline = Instant::now() + patience;
        let mut acknowledged = Vec::new();
        loop {
            self.poll(&mut acknowledged, |_| true)?;
            let in_flight = self.in_flight();
            if in_flight == 0 {
                break;
            }
            if Instant::now() >= deadline {
                return Err(BusError::Undelivered {
                    records: in_flight,
                    dropped: self.dropped,
                    last: self.last_failure.clone(),
                });
            }
            std::thread::sleep(FULL_QUEUE_WAIT);
        }
        if self.dropped > 0 {
            return Err(BusError::Undelivered {
                records: 0,
                dropped: self.dropped,
                last: self.last_failure.clone(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::EmbeddedBroker;

    /// One poll takes in whatever has been reported, however many reports it came in.
    #[test]
    fn reports_do_not_pile_up() {
        let broker = EmbeddedBroker::start([("t", 1)]).unwrap();
        let mut publisher = Publisher::new(&broker.config(), Linger::Never).unwrap();
        let mut acknowledged = Vec::new();
        for at in 0..20_usize {
            let record = OutRecord {
                topic: "t",
                partition: Some(0),
                key: None,
                payload: b"x",
                header: None,
            };
            publisher.send(&record, at).unwrap();
            // Long enough that each is delivered and reported by itself.
            std::thread::sleep(Duration::from_millis(30));
        }
        std::thread::sleep(Duration::from_millis(1500));
        publisher.poll(&mut acknowledged, |_| true).unwrap();
        assert_eq!(acknowledged.len(), 20);
    }

    /// Bursts and pauses, so that some go at once, some wait and some linger.
    #[test]
    fn records_of_a_partition_stay_in_order_whatever_the_load() {
        const BURSTS: [u32; 7] = [1, 3, 200, 1, 12, 40, 2];
        let broker = EmbeddedBroker::start([("t", 2)]).unwrap();
        let config = broker.config();
        for linger in [Linger::ByLoad, Linger::Always] {
            let mut publisher = Publisher::new(&config, linger).unwrap();
            let (mut sent, mut acknowledged) = (0_u32, Vec::new());
            for burst in BURSTS {
                for _ in 0..burst {
                    let record = OutRecord {
                        topic: "t",
                        partition: Some(i32::try_from(sent % 2).unwrap()),
                        key: None,
                        payload: &sent.to_be_bytes(),
                        header: None,
                    };
                    publisher.send(&record, sent).unwrap();
                    sent += 1;
                }
                publisher.poll(&mut acknowledged, |_| true).unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
            while publisher.in_flight() > 0 {
                publisher.poll(&mut acknowledged, |_| true).unwrap();
                std::thread::sleep(Duration::from_millis(1));
            }
            publisher.poll(&mut acknowledged, |_| true).unwrap();
            assert!(!publisher.is_waiting());
            for partition in 0..2 {
                let mine = acknowledged.iter().filter(|at| *at % 2 == partition);
                assert!(mine.is_sorted(), "{linger:?}: {acknowledged:?}");
            }
            acknowledged.sort_unstable();
            assert_eq!(acknowledged, (0..sent).collect::<Vec<_>>(), "{linger:?}");
        }
    }
}
