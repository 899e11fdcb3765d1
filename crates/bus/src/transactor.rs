use std::sync::Mutex;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::KafkaError;
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::BusConfig;
use crate::context::{lock, log};
use crate::error::BusError;
use crate::record::OutRecord;
use crate::trouble::Trouble;

/// How long the coordinator may take for the transaction of whoever had this id before to be ended.
const INIT_PATIENCE: Duration = Duration::from_secs(30);
/// How long one step of a transaction may take. Below the transaction's own time-out, after which the
/// coordinator aborts it and fences this producer.
const STEP_PATIENCE: Duration = Duration::from_secs(8);
/// After which the coordinator ends a transaction whose producer is gone: until then readers of what is
/// committed wait, and so does the partitions' next owner.
const TRANSACTION_TIMEOUT_MS: &str = "10000";
/// How long one poll for delivery reports waits.
const POLL_WAIT: Duration = Duration::from_millis(5);

/// Writes records and commits the offsets of what they come from, all or nothing.
///
/// One transaction at a time, on the calling thread. Who is no longer the group's member that it was when it
/// took its [`Membership`] is refused by the coordinator (KIP-447), so that two owners of a partition cannot
/// both write.
pub struct Transactor {
    producer: BaseProducer<Deliveries>,
}

/// Whose offsets a transaction commits: a group's member as of one generation.
pub struct Membership {
    pub(crate) metadata: ConsumerGroupMetadata,
    pub(crate) topic: std::sync::Arc<str>,
}

/// Why a transaction did not commit.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    /// Nothing of it will be seen. It may be tried again, if the partitions are still the member's.
    #[error("the transaction was aborted: {0}")]
    Aborted(KafkaError),
    /// The transactor is of no more use: fenced, or the end of its transaction is not known. One with the same id
    /// ends whatever is open; what was committed must be looked up.
    #[error("the transaction's end is not known, or another producer has its id: {0}")]
    Unusable(KafkaError),
}

/// Delivery reports of the transaction under way.
#[derive(Default)]
struct Deliveries {
    failed: Mutex<Option<KafkaError>>,
    trouble: Trouble,
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.say(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            lock(&self.failed).get_or_insert_with(|| error.clone());
        }
    }
}

impl std::fmt::Debug for Transactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transactor").finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Membership")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Transactor {
    /// A producer under a transactional id; whatever transaction that id has open is ended first, and its
    /// producer fenced.
    ///
    /// # Errors
    /// An option that librdkafka does not know; the cluster does not answer within 30 s, has no transactions,
    /// or does not allow this id.
    pub fn new(config: &BusConfig, transactional_id: &str) -> Result<Self, BusError> {
        let producer: BaseProducer<Deliveries> = config
            .transactional_producer(transactional_id, TRANSACTION_TIMEOUT_MS)
            .create_with_context(Deliveries::default())
            .map_err(BusError::client)?;
        producer
            .init_transactions(INIT_PATIENCE)
            .map_err(|source| BusError::Operation {
                what: format!("starting transactions as {transactional_id}"),
                source,
            })?;
        Ok(Self { producer })
    }

    /// Writes `records` and commits `offsets` (partition, offset of the next record to read) of the topic that the
    /// member reads.
    ///
    /// # Errors
    /// [`TransactionError`] says whether it may be tried again.
    pub fn commit(
        &mut self,
        records: &[OutRecord<'_>],
        offsets: &[(i32, i64)],
        member: &Membership,
    ) -> Result<(), TransactionError> {
        *lock(&self.producer.context().failed) = None;
        self.producer
            .begin_transaction()
            .map_err(TransactionError::Unusable)?;
        match self.write_and_commit(records, offsets, member) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.abort(error)),
        }
    }

    fn write_and_commit(
        &self,
        records: &[OutRecord<'_>],
        offsets: &[(i32, i64)],
        member: &Membership,
    ) -> Result<(), KafkaError> {
        let deadline = Instant::now() + STEP_PATIENCE;
        for record in records {
            self.enqueue(record, deadline)?;
        }
        self.await_deliveries(deadline)?;
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, offset) in offsets {
            list.add_partition_offset(&member.topic, *partition, Offset::Offset(*offset))?;
        }
        self.until_done(|| {
            self.producer
                .send_offsets_to_transaction(&list, &member.metadata, STEP_PATIENCE)
        })?;
        self.until_done(|| self.producer.commit_transaction(STEP_PATIENCE))
    }

    fn enqueue(&self, record: &OutRecord<'_>, deadline: Instant) -> Result<(), KafkaError> {
        use rdkafka::types::RDKafkaErrorCode::QueueFull;
        let mut out = BaseRecord::to(record.topic).payload(record.payload);
        out.partition = record.partition;
        out.key = record.key;
        loop {
            match self.producer.send(out) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(QueueFull), back))
                    if Instant::now() < deadline =>
                {
                    out = back;
                    self.producer.poll(POLL_WAIT);
                }
                Err((error, _)) => return Err(error),
            }
        }
    }

    /// Deliveries are awaited before the commit, which would else wait for them in steps of 100 ms.
    fn await_deliveries(&self, deadline: Instant) -> Result<(), KafkaError> {
        while self.producer.in_flight_count() > 0 {
            if Instant::now() >= deadline {
                use rdkafka::types::RDKafkaErrorCode::OperationTimedOut;
                return Err(KafkaError::MessageProduction(OperationTimedOut));
            }
            self.producer.poll(POLL_WAIT);
        }
        match lock(&self.producer.context().failed).take() {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// Does a step again for as long as librdkafka says that this helps.
    fn until_done(&self, step: impl Fn() -> Result<(), KafkaError>) -> Result<(), KafkaError> {
        let deadline = Instant::now() + STEP_PATIENCE;
        loop {
            match step() {
                Err(KafkaError::Transaction(error))
                    if error.is_retriable() && Instant::now() < deadline => {}
                done => return done,
            }
        }
    }

    fn abort(&self, cause: KafkaError) -> TransactionError {
        let is_fatal = matches!(&cause, KafkaError::Transaction(error) if error.is_fatal());
        // Reports of what was under way would have to be polled for while the abort waits for them.
        self.producer
            .purge(PurgeConfig::default().queue().inflight());
        let served = self.producer.flush(STEP_PATIENCE);
        if !is_fatal
            && served.is_ok()
            && self
                .until_done(|| self.producer.abort_transaction(STEP_PATIENCE))
                .is_ok()
        {
            TransactionError::Aborted(cause)
        } else {
            TransactionError::Unusable(cause)
        }
    }
}
