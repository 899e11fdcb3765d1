mod follow;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::{ClientConfig, Offset};

use crate::config::BusConfig;
use crate::context::ReaderContext;
use crate::error::BusError;
use crate::reason::{failed, is_forbidden};
use crate::record::InRecord;
use crate::tail::{no_such_topic, partitions, watermarks};

pub use follow::{Bound, Extent, Follow};

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

/// Part of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Partition number.
    pub partition: i32,
    /// Offset of its first record.
    pub start: i64,
    /// One past the offset of its last record; `start` when it is empty.
    pub end: i64,
}

impl Stretch {
    /// In pieces of at most `most` offsets, which fit into memory; 1 or more.
    pub fn pieces(self, most: i64) -> impl Iterator<Item = Self> {
        let mut start = self.start;
        std::iter::from_fn(move || {
            let piece = Self {
                start,
                end: start.saturating_add(most.max(1)).min(self.end),
                ..self
            };
            start = piece.end;
            (piece.start < piece.end).then_some(piece)
        })
    }
}

/// Reads what partitions of a topic hold, without a consumer group. Stays connected between two reads,
/// for a new connection takes longer than reading does.
pub struct LogReader {
    consumer: BaseConsumer<ReaderContext>,
    /// Knows how far partitions reach, transactions that are open included.
    all: BaseConsumer<ReaderContext>,
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
        let mut committed = config.consumer(None);
        // What ends a partition may be no record (the mark of a transaction, say).
        committed.set("enable.partition.eof", "true");
        let mut all = config.consumer(None);
        all.set("isolation.level", "read_uncommitted");
        let make = |config: ClientConfig| {
            config
                .create_with_context(ReaderContext::default())
                .map_err(BusError::client)
        };
        Ok(Self {
            consumer: make(committed)?,
            all: make(all)?,
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
        let deadline = Instant::now() + patience;
        self.check(from.iter().map(|(partition, _)| *partition), patience)?;
        let stretches = self.stretches_from(from, deadline)?;
        Ok(Log {
            records: self.read_all(&stretches, patience, deadline)?,
            ends: stretches
                .iter()
                .map(|stretch| (stretch.partition, stretch.end))
                .collect(),
        })
    }

    /// What partitions hold now (`None`: all of the topic's), from a moment on (Unix milliseconds; `None`: from the oldest
    /// record on), to be read by [`LogReader::read_stretch`], in pieces where it is much. Offsets by time are those of
    /// the first record that is as young: older ones may follow it.
    ///
    /// # Errors
    /// As [`LogReader::read`].
    pub fn stretches(
        &self,
        partitions: Option<&[i32]>,
        since_ms: Option<i64>,
        patience: Duration,
    ) -> Result<Vec<Stretch>, BusError> {
        let deadline = Instant::now() + patience;
        let count = self.partitions(patience)?;
        let wanted = match partitions {
            Some(wanted) => wanted.to_vec(),
            None => (0..count).collect(),
        };
        if wanted.iter().any(|partition| *partition >= count) {
            return Err(no_such_topic(&self.config, &self.topic));
        }
        let from = match since_ms {
            Some(since_ms) => self.offsets_at(&wanted, since_ms, patience)?,
            None => wanted.iter().map(|partition| (*partition, None)).collect(),
        };
        self.stretches_from(&from, deadline)
    }

    /// The records of a stretch that are still there.
    ///
    /// # Errors
    /// It was not read to its end within about `patience`.
    pub fn read_stretch(
        &self,
        stretch: Stretch,
        patience: Duration,
    ) -> Result<Vec<InRecord>, BusError> {
        self.read_all(&[stretch], patience, Instant::now() + patience)
    }

    /// Where to begin so as to miss nothing from a moment on.
    fn offsets_at(
        &self,
        partitions: &[i32],
        since_ms: i64,
        patience: Duration,
    ) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        let failed = |source| self.failed(source);
        let mut times = TopicPartitionList::with_capacity(partitions.len());
        for partition in partitions {
            let at = Offset::Offset(since_ms);
            times
                .add_partition_offset(&self.topic, *partition, at)
                .map_err(failed)?;
        }
        let found = self
            .all
            .offsets_for_times(times, patience)
            .map_err(failed)?;
        Ok(found
            .elements()
            .iter()
            .map(|element| match element.offset() {
                Offset::Offset(offset) => (element.partition(), Some(offset)),
                // Nothing is as young.
                _ => (element.partition(), Some(i64::MAX)),
            })
            .collect())
    }

    fn stretches_from(
        &self,
        from: &[(i32, Option<i64>)],
        deadline: Instant,
    ) -> Result<Vec<Stretch>, BusError> {
        from.iter()
            .map(|(partition, offset)| {
                let (low, end) = self.stable(*partition, deadline)?;
                Ok(Stretch {
                    partition: *partition,
                    start: offset.map_or(low, |offset| offset.max(low).min(end)),
                    end,
                })
            })
            .collect()
    }

    fn read_all(
        &self,
        stretches: &[Stretch],
        patience: Duration,
        deadline: Instant,
    ) -> Result<Vec<InRecord>, BusError> {
        let failed = |source| self.failed(source);
        let mut unread = BTreeMap::new();
        let mut list = TopicPartitionList::with_capacity(stretches.len());
        for stretch in stretches {
            if stretch.start < stretch.end {
                unread.insert(stretch.partition, stretch.end);
                let start = Offset::Offset(stretch.start);
                list.add_partition_offset(&self.topic, stretch.partition, start)
                    .map_err(failed)?;
            }
        }
        self.consumer.assign(&list).map_err(failed)?;
        let mut records = Vec::new();
        let read = self.read_on(&mut records, unread, patience, deadline);
        self.consumer.unassign().map_err(failed)?;
        read.map(|()| records)
    }

    fn partitions(&self, patience: Duration) -> Result<i32, BusError> {
        partitions(&self.all, &self.topic, patience, NO_SUCH_TOPIC_AFTER)
            .map_err(|source| self.failed(source))?
            .ok_or_else(|| no_such_topic(&self.config, &self.topic))
    }

    /// That the topic is there and has these partitions.
    fn check(&self, wanted: impl Iterator<Item = i32>, patience: Duration) -> Result<(), BusError> {
        let most = wanted.max().unwrap_or(-1);
        if most < self.partitions(patience)? {
            Ok(())
        } else {
            Err(no_such_topic(&self.config, &self.topic))
        }
    }

    /// The first and the next offset of a partition once no transaction is open in what is there now. (Those
    /// that the reader sees end where the first open one begins, if it reads what is committed.)
    fn stable(&self, partition: i32, deadline: Instant) -> Result<(i64, i64), BusError> {
        let failed = |source| self.failed(source);
        let left = || deadline.saturating_duration_since(Instant::now());
        let (_, end) = watermarks(&self.all, &self.topic, partition, left()).map_err(failed)?;
        loop {
            let (low, high) =
                watermarks(&self.consumer, &self.topic, partition, left()).map_err(failed)?;
            if high >= end {
                return Ok((low, high));
            }
            if left().is_zero() {
                return Err(BusError::Operation {
                    what: format!(
                        "waiting for a transaction on topic {}, partition {partition}, to end",
                        self.topic
                    ),
                    source: KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut),
                });
            }
            std::thread::sleep(POLL_WAIT);
        }
    }

    fn failed(&self, source: KafkaError) -> BusError {
        failed(&self.config, &self.topic, source)
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
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    unread.remove(&partition);
                }
                Some(Err(error)) if is_forbidden(&error) => return Err(self.failed(error)),
                Some(Err(error)) => {
                    tracing::debug!(%error, topic = self.topic, "reading; it will be tried again");
                }
                None => {}
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

        // All of it, piece by piece.
        let stretches = reader.stretches(None, None, patience).unwrap();
        let stretch = |partition, start, end| Stretch {
            partition,
            start,
            end,
        };
        assert_eq!(
            stretches,
            [stretch(0, 0, 0), stretch(1, 0, 5), stretch(2, 0, 1)]
        );
        let offsets = |stretch| {
            let records = reader.read_stretch(stretch, patience).unwrap();
            records.iter().map(|r| r.offset).collect::<Vec<_>>()
        };
        assert_eq!(offsets(stretches[0]), [0; 0]);
        assert_eq!(offsets(stretch(1, 0, 2)), [0, 1]);
        assert_eq!(offsets(stretch(1, 2, 5)), [2, 3, 4]);
        assert_eq!(offsets(stretches[2]), [0]);
        let some = reader.stretches(Some(&[1]), None, patience).unwrap();
        assert_eq!(some, [stretch(1, 0, 5)]);
        let error = reader.stretches(Some(&[3]), None, patience).unwrap_err();
        assert!(matches!(error, BusError::NoSuchTopic { .. }), "{error}");

        // Bounded, and followed to the end and no farther.
        let extents = reader
            .extents(
                Some(&[1]),
                Some(Bound::Offset(2)),
                Some(Bound::Offset(4)),
                patience,
            )
            .unwrap();
        let [extent] = extents.as_slice() else {
            panic!("{extents:?}")
        };
        assert_eq!((extent.stretch, extent.asked), (stretch(1, 2, 4), 2));
        assert_eq!((extent.low, extent.high), (0, 5));
        let mut follow = reader.follow(extent.stretch).unwrap();
        let mut next = |most| {
            let records = follow.next(most, patience).unwrap();
            records.iter().map(|r| r.offset).collect::<Vec<_>>()
        };
        assert_eq!([next(1), next(9), next(9)], [vec![2], vec![3], vec![]]);
        drop(follow);
        let beyond = reader
            .extents(
                Some(&[0, 1]),
                Some(Bound::Offset(9)),
                Some(Bound::Offset(1)),
                patience,
            )
            .unwrap();
        let beyond: Vec<_> = beyond.iter().map(|extent| extent.stretch).collect();
        assert_eq!(beyond, [stretch(0, 0, 0), stretch(1, 5, 5)]);
        let mut follow = reader.follow(stretches[0]).unwrap();
        assert!(
            follow.next(9, patience).unwrap().is_empty(),
            "nothing is there"
        );
        drop(follow);

        let missing = LogReader::new(&config, "missing").unwrap();
        let error = missing.stretches(None, None, patience).unwrap_err();
        assert!(matches!(error, BusError::NoSuchTopic { .. }), "{error}");
    }

    #[test]
    fn pieces_are_the_whole_without_gaps() {
        let stretch = |start, end| Stretch {
            partition: 3,
            start,
            end,
        };
        let of = |start, end| stretch(start, end).pieces(10).collect::<Vec<_>>();
        assert_eq!(of(7, 7), []);
        assert_eq!(of(7, 8), [stretch(7, 8)]);
        assert_eq!(of(5, 15), [stretch(5, 15)]);
        assert_eq!(of(5, 16), [stretch(5, 15), stretch(15, 16)]);
        assert_eq!(stretch(0, 2).pieces(0).count(), 2);
    }
}
