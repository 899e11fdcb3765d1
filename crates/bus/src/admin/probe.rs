//! What is asked of a cluster beyond its declaration: whether it answers, and what time it is there.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::Timestamp;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Message as _};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::plan::TopicSpec;
use super::wait::wait;
use super::{Admin, PATIENCE, options};
use crate::context::{lock, log};
use crate::error::BusError;
use crate::reader::unix_ms;
use crate::reason::unreachable;

/// How soon an acknowledgement is noticed.
const POLL: Duration = Duration::from_millis(5);

/// A cluster's time between two times of this machine, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BrokerTime {
    /// This machine's, before it was asked for.
    pub asked_ms: i64,
    /// The broker's.
    pub broker_ms: i64,
    /// This machine's, when it was known.
    pub answered_ms: i64,
}

impl Admin {
    /// How many brokers there are.
    ///
    /// # Errors
    /// None answered within `patience`; what is wrong is asked for during 3 s more.
    pub fn brokers(&self, patience: Duration) -> Result<usize, BusError> {
        let metadata = self.client.inner().fetch_metadata(None, patience);
        let metadata = metadata.map_err(|source| unreachable(&self.config, &source))?;
        Ok(metadata.brokers().len())
    }

    /// What time it is at a broker. Kafka tells it only on records that it stamps itself, so a topic `weir-clock-...` is
    /// made for one, and deleted. It takes the rights to create, write and delete it.
    ///
    /// # Errors
    /// The topic could not be made, written or deleted, or the broker does not stamp records.
    pub fn broker_time(&self) -> Result<BrokerTime, BusError> {
        let topic = format!("weir-clock-{}-{}", std::process::id(), unix_ms());
        let spec = TopicSpec {
            name: topic.clone(),
            partitions: 1,
            replication: 1,
            config: [("message.timestamp.type", "LogAppendTime")]
                .map(|(key, value)| (key.to_owned(), value.to_owned()))
                .into(),
        };
        self.create(&spec, false)?;
        let told = self.stamped(&topic);
        let deleted = self.delete(&topic);
        told.and_then(|time| deleted.map(|()| time))
    }

    fn stamped(&self, topic: &str) -> Result<BrokerTime, BusError> {
        let config = self.config.producer("0");
        let producer: BaseProducer<Heard> = config
            .create_with_context(Heard::default())
            .map_err(BusError::client)?;
        // The first record waits until the topic is known everywhere: it would say little of the time.
        stamp(&producer, topic)?;
        let asked_ms = unix_ms();
        match stamp(&producer, topic)? {
            Timestamp::LogAppendTime(broker_ms) => Ok(BrokerTime {
                asked_ms,
                broker_ms,
                answered_ms: unix_ms(),
            }),
            _ => Err(BusError::Refused {
                what: "asking a broker for its time".to_owned(),
                message: "it does not stamp records, as Apache Kafka does".to_owned(),
            }),
        }
    }

    fn delete(&self, topic: &str) -> Result<(), BusError> {
        let failed = |source| BusError::Operation {
            what: format!("deleting topic {topic}"),
            source,
        };
        let results = wait(self.client.delete_topics(&[topic], &options())).map_err(failed)?;
        for result in results {
            result.map_err(|(_, code)| failed(KafkaError::AdminOp(code)))?;
        }
        Ok(())
    }
}

/// Writes an empty record; the timestamp that the broker gave it.
fn stamp(producer: &BaseProducer<Heard>, topic: &str) -> Result<Timestamp, BusError> {
    let failed = |source| BusError::Operation {
        what: format!("writing to topic {topic}"),
        source,
    };
    let record = BaseRecord::<(), [u8]>::to(topic).partition(0).payload(b"");
    producer
        .send(record)
        .map_err(|(source, _)| failed(source))?;
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        producer.poll(POLL);
        if let Some(outcome) = lock(&producer.context().0).take() {
            return outcome.map_err(failed);
        }
    }
    Err(failed(KafkaError::MessageProduction(
        RDKafkaErrorCode::OperationTimedOut,
    )))
}

/// What became of the last record.
#[derive(Debug, Default)]
struct Heard(Mutex<Option<Result<Timestamp, KafkaError>>>);

impl ClientContext for Heard {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ProducerContext for Heard {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = match result {
            Ok(message) => Ok(message.timestamp()),
            Err((error, _)) => Err(error.clone()),
        };
        *lock(&self.0) = Some(outcome);
    }
}
