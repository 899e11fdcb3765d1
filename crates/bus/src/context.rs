use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::statistics::Statistics;
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use crate::trouble::Trouble;

/// What the group coordinator wants, as recorded in the callback.
#[derive(Debug)]
pub(crate) enum Rebalance {
    /// These partitions are ours from now on.
    Assign(Vec<i32>),
    /// These partitions are to be given back.
    Revoke(Vec<i32>),
}

/// How a partition stands, as of the last statistics; -1 or less: not known.
#[derive(Debug, Clone, Copy)]
struct Standing {
    partition: i32,
    /// Records behind what this consumer has committed.
    lag: i64,
    /// Offset of the next record to be written, as far as it may be read.
    end: i64,
}

/// Records rebalances for the reader loop, keeps lag figures, passes librdkafka's log on.
///
/// Nothing slow may happen in a callback, so a rebalance is only noted here; the reader acts on it
/// after its poll has returned. Once `closing` is set nobody reads the notes any more and the
/// callback rebalances by itself, or closing the consumer would wait for ever.
#[derive(Debug, Default)]
pub(crate) struct ReaderContext {
    rebalances: Mutex<VecDeque<Rebalance>>,
    standing: Mutex<Vec<Standing>>,
    closing: AtomicBool,
    trouble: Trouble,
}

impl ReaderContext {
    pub(crate) fn next_rebalance(&self) -> Option<Rebalance> {
        lock(&self.rebalances).pop_front()
    }

    /// (partition, records behind), as of the last statistics.
    pub(crate) fn lag(&self) -> Vec<(i32, i64)> {
        self.known(|standing| standing.lag)
    }

    /// (partition, offset of its end), as of the last statistics.
    pub(crate) fn ends(&self) -> Vec<(i32, i64)> {
        self.known(|standing| standing.end)
    }

    fn known(&self, figure: impl Fn(&Standing) -> i64) -> Vec<(i32, i64)> {
        let standing = lock(&self.standing);
        let figures = standing.iter().map(|one| (one.partition, figure(one)));
        figures.filter(|(_, figure)| *figure >= 0).collect()
    }

    pub(crate) fn set_closing(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

impl ClientContext for ReaderContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.trouble.say(&error, reason);
    }

    fn stats(&self, statistics: Statistics) {
        let standing = statistics
            .topics
            .into_values()
            .flat_map(|topic| topic.partitions.into_values())
            // Partition -1 is librdkafka's own.
            .filter(|partition| partition.partition >= 0)
            .map(|partition| Standing {
                partition: partition.partition,
                lag: partition.consumer_lag,
                end: if partition.ls_offset >= 0 {
                    partition.ls_offset
                } else {
                    partition.hi_offset
                },
            })
            .collect();
        *lock(&self.standing) = standing;
    }
}

impl ConsumerContext for ReaderContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        err: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        let numbers = || {
            partitions
                .elements()
                .iter()
                .map(|element| element.partition())
                .collect()
        };
        let assign = err == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
        if self.closing.load(Ordering::Acquire) {
            let done = if assign {
                consumer.incremental_assign(partitions)
            } else {
                consumer.incremental_unassign(partitions)
            };
            if let Err(error) = done {
                tracing::warn!(%error, "rebalancing while closing");
            }
        } else if assign {
            lock(&self.rebalances).push_back(Rebalance::Assign(numbers()));
        } else {
            lock(&self.rebalances).push_back(Rebalance::Revoke(numbers()));
        }
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        // A failed commit is repeated with the next one and costs repeats, never a loss.
        if let Err(error) = result {
            tracing::warn!(%error, "offset commit failed");
        }
    }
}

pub(crate) fn log(level: RDKafkaLogLevel, facility: &str, message: &str) {
    if facility == "FAIL" {
        // A lost connection, of which the error callback tells as well.
        tracing::debug!(target: "librdkafka", facility, "{message}");
        return;
    }
    match level {
        RDKafkaLogLevel::Emerg
        | RDKafkaLogLevel::Alert
        | RDKafkaLogLevel::Critical
        | RDKafkaLogLevel::Error => tracing::error!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
        RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info => {
            tracing::info!(target: "librdkafka", facility, "{message}");
        }
        RDKafkaLogLevel::Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
    }
}

/// The data under these locks is replaced whole, so a panic elsewhere cannot have left it half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
