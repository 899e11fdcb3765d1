//! Reading a bounded range from its beginning to its end, however large.

use std::time::{Duration, Instant};

use rdkafka::Offset;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;

use super::{LogReader, POLL_WAIT, Stretch};
use crate::error::BusError;
use crate::reason::is_forbidden;
use crate::record::InRecord;
use crate::tail::no_such_topic;

/// Where a range begins or ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// At this offset.
    Offset(i64),
    /// At the first record that is as young, by its timestamp in Unix milliseconds.
    Time(i64),
}

/// A partition's part in a range, as it was when the range was resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// What is to be read. Its end is fixed: what comes later is not part of it.
    pub stretch: Stretch,
    /// Where it was asked to begin; above or below that, if so much is not there.
    pub asked: i64,
    /// The partition's first offset then.
    pub low: i64,
    /// The partition's next offset then.
    pub high: i64,
}

/// A stretch being read.
#[derive(Debug)]
pub struct Follow<'a> {
    reader: &'a LogReader,
    stretch: Stretch,
    next: i64,
}

impl LogReader {
    /// What lies between two bounds now, in these partitions (`None`: all of the topic's). Without a bound: from the oldest
    /// record that is there, to the last.
    ///
    /// # Errors
    /// As [`LogReader::read`].
    pub fn extents(
        &self,
        partitions: Option<&[i32]>,
        from: Option<Bound>,
        to: Option<Bound>,
        patience: Duration,
    ) -> Result<Vec<Extent>, BusError> {
        let deadline = Instant::now() + patience;
        let count = self.partitions(patience)?;
        let wanted = partitions.map_or_else(|| (0..count).collect(), <[i32]>::to_vec);
        if wanted
            .iter()
            .any(|partition| !(0..count).contains(partition))
        {
            return Err(no_such_topic(&self.config, &self.topic));
        }
        let [from, to] = [from, to].map(|bound| self.offsets(&wanted, bound, patience));
        let (from, to) = (from?, to?);
        let bounds = wanted.into_iter().zip(from.into_iter().zip(to));
        bounds
            .map(|(partition, (from, to))| {
                let (low, high) = self.stable(partition, deadline)?;
                let asked = from.unwrap_or(low);
                let start = asked.clamp(low, high);
                let end = to.unwrap_or(high).clamp(start, high);
                let stretch = Stretch {
                    partition,
                    start,
                    end,
                };
                Ok(Extent {
                    stretch,
                    asked,
                    low,
                    high,
                })
            })
            .collect()
    }

    fn offsets(
        &self,
        partitions: &[i32],
        bound: Option<Bound>,
        patience: Duration,
    ) -> Result<Vec<Option<i64>>, BusError> {
        Ok(match bound {
            None => vec![None; partitions.len()],
            Some(Bound::Offset(offset)) => vec![Some(offset); partitions.len()],
            Some(Bound::Time(at_ms)) => {
                let found = self.offsets_at(partitions, at_ms, patience)?;
                let of = |partition| {
                    let mut known = found.iter();
                    known.find_map(|(known, offset)| (known == partition).then_some(*offset))
                };
                partitions.iter().map(|one| of(one).flatten()).collect()
            }
        })
    }

    /// The first offset that a partition still has.
    ///
    /// # Errors
    /// The cluster does not answer within `patience`.
    pub fn low(&self, partition: i32, patience: Duration) -> Result<i64, BusError> {
        let found = self.all.fetch_watermarks(&self.topic, partition, patience);
        found
            .map(|(low, _)| low)
            .map_err(|source| self.failed(source))
    }

    /// Begins to read a stretch. A reader follows one at a time.
    ///
    /// # Errors
    /// librdkafka refuses the assignment.
    pub fn follow(&self, stretch: Stretch) -> Result<Follow<'_>, BusError> {
        let mut list = TopicPartitionList::new();
        if stretch.start < stretch.end {
            let start = Offset::Offset(stretch.start);
            list.add_partition_offset(&self.topic, stretch.partition, start)
                .map_err(|source| self.failed(source))?;
        }
        self.consumer
            .assign(&list)
            .map_err(|source| self.failed(source))?;
        Ok(Follow {
            reader: self,
            stretch,
            next: stretch.start,
        })
    }
}

impl Follow<'_> {
    /// At most so many records more; fewer only at the end, and none behind it. Offsets that are not there any more, or
    /// never held a record, are passed over.
    ///
    /// # Errors
    /// Nothing came for `patience`, or it may not be read.
    pub fn next(&mut self, most: usize, patience: Duration) -> Result<Vec<InRecord>, BusError> {
        let mut records = Vec::with_capacity(most);
        let mut deadline = Instant::now() + patience;
        while records.len() < most && self.next < self.stretch.end {
            match self.reader.consumer.poll(POLL_WAIT) {
                Some(Ok(message)) => {
                    let record = InRecord::copy(&message);
                    self.next = record.offset + 1;
                    deadline = Instant::now() + patience;
                    if record.offset < self.stretch.end {
                        records.push(record);
                    }
                }
                Some(Err(KafkaError::PartitionEOF(_))) => self.next = self.stretch.end,
                Some(Err(error)) if is_forbidden(&error) => return Err(self.reader.failed(error)),
                Some(Err(error)) => {
                    tracing::debug!(%error, topic = self.reader.topic, "reading; it will be tried again");
                }
                None => {}
            }
            if Instant::now() >= deadline {
                let topic = &self.reader.topic;
                let partition = self.stretch.partition;
                return Err(BusError::Operation {
                    what: format!(
                        "reading on at topic {topic}, partition {partition}, offset {}: nothing came for {patience:?}",
                        self.next
                    ),
                    source: KafkaError::MessageConsumption(RDKafkaErrorCode::OperationTimedOut),
                });
            }
        }
        Ok(records)
    }
}

impl Drop for Follow<'_> {
    fn drop(&mut self) {
        // Else what was fetched ahead would stay in memory.
        if let Err(error) = self.reader.consumer.unassign() {
            tracing::debug!(%error, "what was read is not let go");
        }
    }
}
