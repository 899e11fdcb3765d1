//! Records on their way through librdkafka, and what becomes of them.

use std::sync::Mutex;
use std::time::Duration;

use rdkafka::Message;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, OwnedMessage};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};

use crate::context::{lock, log};
use crate::error::BusError;
use crate::trouble::Trouble;

/// How long a full local queue is given to drain at each try.
pub(crate) const FULL_QUEUE_WAIT: Duration = Duration::from_millis(5);

/// What a caller recognises its record by.
pub trait Token: Copy + Send + Sync + 'static {}
impl<T: Copy + Send + Sync + 'static> Token for T {}

pub(crate) struct DeliveryContext<T> {
    done: Mutex<Vec<Outcome<T>>>,
    trouble: Trouble,
}

impl<T> Default for DeliveryContext<T> {
    fn default() -> Self {
        Self {
            done: Mutex::new(Vec::new()),
            trouble: Trouble::default(),
        }
    }
}

impl<T> DeliveryContext<T> {
    /// What became of records since this was last asked.
    pub(crate) fn take_done(&self) -> Vec<Outcome<T>> {
        std::mem::take(&mut *lock(&self.done))
    }
}

/// What became of a record.
pub(crate) struct Outcome<T> {
    pub(crate) sent: Sent<T>,
    /// The offset that the record was given, or the record.
    pub(crate) result: Result<i64, (OwnedMessage, KafkaError)>,
}

/// What is known of a record on its way.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<T> {
    pub(crate) token: T,
    /// Its partition's place in [`crate::lines::Lines`], if it has one.
    pub(crate) line: Option<usize>,
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
    type DeliveryOpaque = Box<Sent<T>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Box<Sent<T>>) {
        let result = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, message)) => Err((message.detach(), error.clone())),
        };
        lock(&self.done).push(Outcome {
            sent: *sent,
            result,
        });
    }
}

/// Takes in all delivery reports that are there. A poll serves one event, which under sparse traffic is the
/// report of one record: with one poll a round they would pile up, and offsets be committed ever later.
pub(crate) fn serve<T: Token>(producer: &BaseProducer<DeliveryContext<T>>) {
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
pub(crate) fn is_hopeless(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidRecord
        )
    )
}

/// The record of a message that was kept.
pub(crate) fn again<T: Token>(
    message: &OwnedMessage,
    sent: Sent<T>,
) -> BaseRecord<'_, [u8], [u8], Box<Sent<T>>> {
    let mut out = BaseRecord::with_opaque_to(message.topic(), Box::new(sent));
    // A record without a partition was given one by the partitioner: it keeps it.
    out.partition = (message.partition() >= 0).then_some(message.partition());
    out.key = message.key();
    out.payload = message.payload();
    out.headers = message.headers().cloned();
    out
}

/// Gives librdkafka a record. Waits while its queue is full.
///
/// # Errors
/// The producer is beyond repair; anything else is a delivery that failed.
pub(crate) fn enqueue<T: Token>(
    producer: &BaseProducer<DeliveryContext<T>>,
    mut record: BaseRecord<'_, [u8], [u8], Box<Sent<T>>>,
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
                lock(&producer.context().done).push(Outcome {
                    sent: *unsent.delivery_opaque,
                    result: Err((message, error)),
                });
                return Ok(());
            }
        }
    }
}
