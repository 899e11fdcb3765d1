use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::BusConfig;
use crate::context::ReaderContext;
use crate::error::BusError;
use crate::reason::{failed, is_forbidden};
use crate::record::InRecord;

/// How long a cluster may take to answer at start.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// How long a topic may take to be known everywhere after it was made.
const NEW_TOPIC_PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// Where a [`Tail`] begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// With the first record that comes after the start.
    End,
    /// With the oldest record that is still there.
    Beginning,
}

/// Reads partitions of a topic without a consumer group: how workers follow verdicts.
pub struct Tail {
    consumer: BaseConsumer<ReaderContext>,
    partitions: i32,
}

impl std::fmt::Debug for Tail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tail")
            .field("partitions", &self.partitions)
            .finish_non_exhaustive()
    }
}

impl Tail {
    /// Starts reading all partitions. End offsets are resolved before it returns, so a record
    /// produced afterwards is not missed.
    ///
    /// # Errors
    /// The cluster does not answer within 10 s, or the topic does not exist.
    pub fn start(config: &BusConfig, topic: &str, from: From) -> Result<Self, BusError> {
        Self::start_some(config, topic, from, |count| (0..count).collect())
    }

    /// [`Tail::start`] for the partitions that `choose` picks, given how many there are.
    ///
    /// # Errors
    /// As [`Tail::start`]; also a partition that the topic does not have.
    pub fn start_some(
        config: &BusConfig,
        topic: &str,
        from: From,
        choose: impl FnOnce(i32) -> Vec<i32>,
    ) -> Result<Self, BusError> {
        let consumer: BaseConsumer<ReaderContext> = config
            .consumer(None)
            .create_with_context(ReaderContext::default())
            .map_err(BusError::client)?;
        let failed = |source| failed(config, topic, source);
        let count = partitions(&consumer, topic, START_PATIENCE, NEW_TOPIC_PATIENCE)
            .map_err(failed)?
            .ok_or_else(|| no_such_topic(config, topic))?;
        let mut list = TopicPartitionList::new();
        for partition in choose(count) {
            let (low, high) =
                watermarks(&consumer, topic, partition, START_PATIENCE).map_err(failed)?;
            let start = if from == From::End { high } else { low };
            list.add_partition_offset(topic, partition, Offset::Offset(start))
                .map_err(failed)?;
        }
        consumer.assign(&list).map_err(failed)?;
        Ok(Self {
            consumer,
            partitions: count,
        })
    }

    /// The next record, waiting up to `wait` for it. Passing trouble is logged and waited out.
    pub fn next(&self, wait: Duration) -> Option<InRecord> {
        match self.consumer.poll(wait)? {
            Ok(message) => Some(InRecord::copy(&message)),
            Err(error) => {
                tracing::warn!(%error, "reading; it will be tried again");
                None
            }
        }
    }

    /// How many partitions the topic has.
    #[must_use]
    pub const fn partitions(&self) -> i32 {
        self.partitions
    }
}

/// How many partitions a topic has.
///
/// # Errors
/// The cluster does not answer within 10 s, or the topic does not exist.
pub fn partition_count(config: &BusConfig, topic: &str) -> Result<i32, BusError> {
    let consumer: BaseConsumer<ReaderContext> = config
        .consumer(None)
        .create_with_context(ReaderContext::default())
        .map_err(BusError::client)?;
    partitions(&consumer, topic, START_PATIENCE, NEW_TOPIC_PATIENCE)
        .map_err(|source| failed(config, topic, source))?
        .ok_or_else(|| no_such_topic(config, topic))
}

pub(crate) fn no_such_topic(config: &BusConfig, topic: &str) -> BusError {
    BusError::NoSuchTopic {
        topic: topic.to_owned(),
        brokers: config.brokers.clone(),
    }
}

/// The number of partitions, or `None` if there is no such topic. One that was made a moment ago is
/// not known to every broker yet, hence the second look, for as long as `known_within`.
pub(crate) fn partitions(
    consumer: &BaseConsumer<ReaderContext>,
    topic: &str,
    patience: Duration,
    known_within: Duration,
) -> Result<Option<i32>, KafkaError> {
    let deadline = Instant::now() + known_within;
    loop {
        let metadata = consumer.fetch_metadata(Some(topic), patience)?;
        let found = metadata.topics().iter().find(|found| found.name() == topic);
        if let Some(code) = found.and_then(|found| found.error()) {
            let error = KafkaError::MetadataFetch(code.into());
            if is_forbidden(&error) {
                return Err(error);
            }
        }
        let count = found
            .filter(|found| found.error().is_none())
            .map_or(0, |found| found.partitions().len());
        let count = i32::try_from(count).ok().filter(|count| *count > 0);
        if count.is_some() || Instant::now() >= deadline {
            return Ok(count);
        }
        std::thread::sleep(LOOK_AGAIN_AFTER);
    }
}

/// First and next offset. A partition may have no leader for a moment.
pub(crate) fn watermarks(
    consumer: &BaseConsumer<ReaderContext>,
    topic: &str,
    partition: i32,
    patience: Duration,
) -> Result<(i64, i64), KafkaError> {
    let deadline = Instant::now() + patience;
    loop {
        match consumer.fetch_watermarks(topic, partition, patience) {
            Err(error) if is_passing(&error) && Instant::now() < deadline => {
                std::thread::sleep(LOOK_AGAIN_AFTER);
            }
            known => return known,
        }
    }
}

fn is_passing(error: &KafkaError) -> bool {
    use RDKafkaErrorCode::{LeaderNotAvailable, NotLeaderForPartition, UnknownTopicOrPartition};
    matches!(
        error.rdkafka_error_code(),
        Some(LeaderNotAvailable | NotLeaderForPartition | UnknownTopicOrPartition)
    )
}
