use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::BusConfig;
use crate::context::ReaderContext;
use crate::error::BusError;
use crate::record::InRecord;
use crate::tail::{no_such_topic, partitions, watermarks};

/// A topic that is not known after so long is not there.
const NO_SUCH_TOPIC_AFTER: Duration = Duration::from_millis(500);
/// How long one poll waits; only how soon the end of the time allowed is noticed.
const POLL_WAIT: Duration = Duration::from_millis(50);

/// What partitions held when they were read.
#[derive(Debug, Default)]
pub struct Log {
    /// In order within each partition.
    pub records: Vec<InRecord>,
    /// (partition, offset of the next record that comes).
    pub ends: Vec<(i32, i64)>,
}

/// Reads what partitions of a topic hold, without a consumer group. Stays connected between two reads,
/// for a new connection takes longer than reading does.
pub struct LogReader {
    consumer: BaseConsumer<ReaderContext>,
    config: BusConfig,
    topic: String,
}

impl std::fmt::Debug for LogReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogReader")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl LogReader {
    /// A reader of `topic`, which need not exist yet.
    ///
    /// # Errors
    /// An option that librdkafka does not know.
    pub fn new(config: &BusConfig, topic: &str) -> Result<Self, BusError> {
        let consumer = config
            .consumer(None)
            .create_with_context(ReaderContext::default())
            .map_err(BusError::client)?;
        Ok(Self {
            consumer,
            config: config.clone(),
            topic: topic.to_owned(),
        })
    }

    /// What is there now, from an offset on (`None`: from the oldest record that is still there). A
    /// partition from whose offset on records have been deleted meanwhile is read from the oldest one.
    ///
    /// # Errors
    /// The topic does not exist or has not all of these partitions, or it was not read to the end within
    /// about `patience`.
    pub fn read(&self, from: &[(i32, Option<i64>)], patience: Duration) -> Result<Log, BusError> {
        let Self {
            consumer,
            config,
            topic,
        } = self;
        let deadline = Instant::now() + patience;
        let left = || deadline.saturating_duration_since(Instant::now());
        let unreachable = |source| BusError::Unreachable {
            brokers: config.brokers.clone(),
            source,
        };
        partitions(consumer, topic, left(), NO_SUCH_TOPIC_AFTER)
            .map_err(unreachable)?
            .filter(|count| from.iter().all(|(partition, _)| partition < count))
            .ok_or_else(|| no_such_topic(config, topic))?;
        let mut log = Log::default();
        let mut unread = BTreeMap::new();
        let mut list = TopicPartitionList::with_capacity(from.len());
        for (partition, offset) in from {
            let (low, high) =
                watermarks(consumer, topic, *partition, left()).map_err(unreachable)?;
            log.ends.push((*partition, high));
            let start = offset.map_or(low, |offset| offset.max(low));
            if start < high {
                unread.insert(*partition, high);
                list.add_partition_offset(topic, *partition, Offset::Offset(start))
                    .map_err(unreachable)?;
            }
        }
        consumer.assign(&list).map_err(unreachable)?;
        let read = self.read_on(&mut log.records, unread, patience, deadline);
        consumer.unassign().map_err(unreachable)?;
        read.map(|()| log)
    }

    /// Reads what is assigned up to the ends in `unread`.
    fn read_on(
        &self,
        records: &mut Vec<InRecord>,
        mut unread: BTreeMap<i32, i64>,
        patience: Duration,
        deadline: Instant,
    ) -> Result<(), BusError> {
        while !unread.is_empty() {
            match self.consumer.poll(POLL_WAIT) {
                Some(Ok(message)) => {
                    let record = InRecord::copy(&message);
                    let end = unread.get(&record.partition).copied();
                    if end.is_some_and(|end| record.offset + 1 >= end) {
                        unread.remove(&record.partition);
                    }
                    if end.is_some_and(|end| record.offset < end) {
                        records.push(record);
                    }
                }
                Some(Err(error)) => {
                    tracing::debug!(%error, topic = self.topic, "reading; it will be tried again");
                }
                // What ends a partition may be no record (the mark of a transaction, say).
                None => unread.retain(|partition, end| {
                    position(&self.consumer, &self.topic, *partition).is_none_or(|at| at < *end)
                }),
            }
            if Instant::now() >= deadline && !unread.is_empty() {
                return Err(BusError::Operation {
                    what: format!("reading topic {} to its end in {patience:?}", self.topic),
                    source: KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut),
                });
            }
        }
        Ok(())
    }
}

/// The offset of the next record that the consumer would hand over.
fn position(consumer: &BaseConsumer<ReaderContext>, topic: &str, partition: i32) -> Option<i64> {
    let list = consumer.position().ok()?;
    match list.find_partition(topic, partition)?.offset() {
        Offset::Offset(offset) => Some(offset),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmbeddedBroker, Linger, OutRecord, Publisher};

    fn record(partition: i32, payload: &[u8]) -> OutRecord<'_> {
        OutRecord {
            topic: "t",
            partition: Some(partition),
            key: Some(b"k"),
            payload,
            header: None,
        }
    }

    #[test]
    fn what_is_there_is_read_to_the_end_and_nothing_else() {
        let broker = EmbeddedBroker::start([("t", 3)]).unwrap();
        let config = broker.config();
        let mut publisher = Publisher::new(&config, Linger::Never).unwrap();
        for at in 0..4_u8 {
            publisher.send(&record(1, &[at]), at).unwrap();
        }
        publisher
            .send_tombstone(&record(1, b"left out"), 4)
            .unwrap();
        publisher.send(&record(2, b"x"), 5).unwrap();
        let mut placed = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(20);
        while placed.len() < 6 && Instant::now() < deadline {
            let done = |token, offset| placed.push((token, offset));
            publisher.poll_placed(|_| true, done).unwrap();
        }
        placed.sort_unstable();
        let offsets: Vec<_> = placed.iter().map(|(_, offset)| offset.unwrap()).collect();
        assert_eq!(offsets, [0, 1, 2, 3, 4, 0]);

        let patience = Duration::from_secs(20);
        let from = [(0, None), (1, Some(2)), (2, Some(1))];
        let reader = LogReader::new(&config, "t").unwrap();
        let log = reader.read(&from, patience).unwrap();
        let values: Vec<_> = log.records.iter().map(|r| r.payload.as_deref()).collect();
        assert_eq!(values, [Some([2].as_slice()), Some([3].as_slice()), None]);
        assert_eq!(log.ends, [(0, 0), (1, 5), (2, 1)]);

        let again = reader.read(&[(1, Some(4))], patience).unwrap();
        assert_eq!(
            (again.records.len(), again.ends.as_slice()),
            (1, [(1, 5)].as_slice())
        );

        let error = reader.read(&[(3, None)], patience).unwrap_err();
        assert!(matches!(error, BusError::NoSuchTopic { .. }), "{error}");
    }
}
