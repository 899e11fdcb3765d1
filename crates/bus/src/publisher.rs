use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::config::BusConfig;
use crate::context::{lock, log};
use crate::error::BusError;
use crate::linger::{Density, Linger};
use crate::record::OutRecord;
use crate::trouble::Trouble;

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
/// How long a full local queue is given to drain at each try.
const FULL_QUEUE_WAIT: Duration = Duration::from_millis(5);

/// Writes records and reports, by token, which have been acknowledged.
///
/// Load decides how: sparse records go out at once, dense ones linger to share a request. All
/// producers are idempotent, with acks=all. A failed delivery is sent again until it succeeds or
/// [`Publisher::poll`]'s caller says that it is no longer wanted. With [`Linger::ByLoad`] records of one
/// key may overtake each other when load changes, though not because the cluster was away, and verdicts
/// carry what orders them; with the others only a record that is sent again may fall behind.
pub struct Publisher<T: Token> {
    /// One for each of `LINGER_MS`; a single one where [`Linger`] leaves no choice.
    producers: Vec<BaseProducer<DeliveryContext<T>>>,
    /// When each last had something acknowledged.
    heard: Vec<Instant>,
    started: Instant,
    density: Density,
    /// What failed, to be sent again not before the moment given.
    resend: Vec<(Instant, OwnedMessage, T)>,
    failures: u64,
    dropped: u64,
    last_failure: Option<KafkaError>,
}

/// What a caller recognises its record by.
pub trait Token: Copy + Send + Sync + 'static {}
impl<T: Copy + Send + Sync + 'static> Token for T {}

struct DeliveryContext<T> {
    done: Mutex<Vec<Outcome<T>>>,
    trouble: Trouble,
}

enum Outcome<T> {
    /// With the offset that the record was given.
    Acknowledged(T, i64),
    Failed(T, OwnedMessage, KafkaError),
}

impl<T: Token> ClientContext for DeliveryContext<T> {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.say(&error, reason);
    }
}

impl<T: Token> ProducerContext for DeliveryContext<T> {
    type DeliveryOpaque = Box<T>;

    fn delivery(&self, result: &DeliveryResult<'_>, token: Box<T>) {
        let outcome = match result {
            Ok(message) => Outcome::Acknowledged(*token, message.offset()),
            Err((error, message)) => Outcome::Failed(*token, message.detach(), error.clone()),
        };
        lock(&self.done).push(outcome);
    }
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
                .create_with_context(DeliveryContext {
                    done: Mutex::new(Vec::new()),
                    trouble: Trouble::default(),
                })
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
        // A single producer is the one for whatever level.
        let level = self.density.on_send(now).min(self.producers.len() - 1);
        let producer = &self.producers[self.stalled(now).unwrap_or(level)];
        let mut out = BaseRecord::with_opaque_to(record.topic, Box::new(token));
        out.payload = value;
        out.partition = record.partition;
        out.key = record.key;
        out.headers = record.header.map(|(key, value)| {
            OwnedHeaders::new_with_capacity(1).insert(Header {
                key,
                value: Some(value),
            })
        });
        enqueue(producer, out)
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
            for outcome in std::mem::take(&mut *lock(&producer.context().done)) {
                match outcome {
                    Outcome::Acknowledged(token, offset) => {
                        *heard = Instant::now();
                        done(token, Some(offset));
                    }
                    Outcome::Failed(token, message, error) if is_hopeless(&error) => {
                        // Kept, it would pin its input's offset for ever.
                        tracing::error!(%error, topic = message.topic(), "record dropped, it can never be delivered");
                        self.failures += 1;
                        self.dropped += 1;
                        self.last_failure = Some(error);
                        done(token, None);
                    }
                    Outcome::Failed(token, message, error) => {
                        self.failures += 1;
                        tracing::warn!(%error, topic = message.topic(), "delivery failed");
                        self.last_failure = Some(error);
                        self.resend
                            .push((Instant::now() + RESEND_AFTER, message, token));
                    }
                }
            }
        }
        if self.resend.is_empty() {
            return Ok(());
        }
        let now = Instant::now();
        for (when, message, token) in std::mem::take(&mut self.resend) {
            if !wanted(&token) {
                continue;
            }
            if when > now {
                self.resend.push((when, message, token));
                continue;
            }
            let mut out = BaseRecord::with_opaque_to(message.topic(), Box::new(token));
            // A record without a partition was given one by the partitioner: it keeps it.
            out.partition = (message.partition() >= 0).then_some(message.partition());
            out.key = message.key();
            out.payload = message.payload();
            out.headers = message.headers().cloned();
            enqueue(&self.producers[0], out)?;
        }
        Ok(())
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
        usize::try_from(queued).unwrap_or(0) + self.resend.len()
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

/// Takes in all delivery reports that are there. A poll serves one event, which under sparse traffic is the
/// report of one record: with one poll a round they would pile up, and offsets be committed ever later.
fn serve<T: Token>(producer: &BaseProducer<DeliveryContext<T>>) {
    let reports = || lock(&producer.context().done).len();
    let mut before = reports();
    loop {
        producer.poll(Duration::ZERO);
        let now = reports();
        if now == before {
            return;
        }
        before = now;
    }
}

/// Whether sending the very same record again must fail again.
fn is_hopeless(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
        )
    )
}

fn enqueue<T: Token>(
    producer: &BaseProducer<DeliveryContext<T>>,
    mut record: BaseRecord<'_, [u8], [u8], Box<T>>,
) -> Result<(), BusError> {
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), unsent)) => {
                producer.poll(FULL_QUEUE_WAIT);
                record = unsent;
            }
            Err((error, unsent)) => {
                if let Some((_, reason)) = producer.client().fatal_error() {
                    return Err(BusError::Operation {
                        what: format!("the producer failed for good ({reason})"),
                        source: error,
                    });
                }
                let message = OwnedMessage::new(
                    unsent.payload.map(<[u8]>::to_vec),
                    unsent.key.map(<[u8]>::to_vec),
                    unsent.topic.to_owned(),
                    rdkafka::Timestamp::NotAvailable,
                    unsent.partition.unwrap_or(-1),
                    0,
                    unsent.headers,
                );
                // From here on it is a delivery that failed, like any other.
                let failed = Outcome::Failed(*unsent.delivery_opaque, message, error);
                lock(&producer.context().done).push(failed);
                return Ok(());
            }
        }
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
}
