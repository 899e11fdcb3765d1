use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use flume::{Receiver, SendTimeoutError, Sender, bounded};
use rdkafka::Offset;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionList;

use crate::config::BusConfig;
use crate::context::{ReaderContext, Rebalance};
use crate::error::BusError;
use crate::record::InRecord;
use crate::transactor::Membership;

/// Records judged together at most. Dense traffic fills batches, sparse traffic goes one by one.
const MAX_BATCH_RECORDS: usize = 256;
/// A batch is sent once it holds this many bytes, so that large texts do not pile up.
const MAX_BATCH_BYTES: usize = 4 << 20;
/// Batches that may wait for the lane.
const QUEUED_BATCHES: usize = 16;
/// How long the reader waits for a lane that is behind before it polls again regardless.
const FULL_LANE_PATIENCE: Duration = Duration::from_millis(500);
/// How long a poll waits for data, and so how long a request to stop or a new assignment may wait.
const POLL_WAIT: Duration = Duration::from_millis(20);
/// How often the client's main thread is woken. It looks whether a heartbeat is due when something else
/// has woken it, at least once a second (librdkafka 2.12, `rd_kafka_thread_main`): left alone it would
/// learn late that the group rebalances.
const WAKE_EVERY: Duration = Duration::from_millis(50);
/// How long the lane may take to finish what it has of partitions that are given back.
const REVOKE_PATIENCE: Duration = Duration::from_secs(2);
/// How long leaving the group may take. It cannot be done while the cluster is away.
const CLOSE_PATIENCE: Duration = Duration::from_secs(3);
/// How long the group coordinator may take to tell committed offsets.
const COMMITTED_PATIENCE: Duration = Duration::from_secs(5);

/// Commit metadata that carries the owner's epoch: `epoch=<decimal>`.
const EPOCH_METADATA: &str = "epoch=";

/// What the reader tells the lane, in the order in which it happened.
#[derive(Debug)]
pub enum Event {
    /// These partitions are ours: (partition, epoch of ownership).
    Assigned(Vec<(i32, i64)>),
    /// Records to work on.
    Records(Batch),
    /// Give these partitions back: finish, commit, then answer on `done`.
    Revoked {
        /// Partition numbers.
        partitions: Vec<i32>,
        /// Answer here when nothing of them is left.
        done: Sender<()>,
    },
    /// These partitions are someone else's already: drop what you have of them.
    Lost(Vec<i32>),
    /// The consumer is beyond repair; start a new one.
    Failed(String),
}

/// Records that were polled together.
#[derive(Debug)]
pub struct Batch {
    /// The records, in order within each partition.
    pub records: Vec<InRecord>,
    /// When the first of them was polled.
    pub polled: Instant,
    /// The same moment, Unix milliseconds.
    pub polled_at_ms: i64,
}

/// A consumer group member on a thread of its own.
#[derive(Debug)]
pub struct Reader {
    events: Receiver<Event>,
    depth: Arc<AtomicUsize>,
    revocations: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    committer: Committer,
}

/// Commits offsets on behalf of the reader's group member.
#[derive(Clone)]
pub struct Committer {
    consumer: Arc<BaseConsumer<ReaderContext>>,
    topic: Arc<str>,
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Committer")
            .field("topic", &self.topic)
            .finish_non_exhaustive()
    }
}

impl Reader {
    /// Joins `group` and reads `topic` on a new thread.
    ///
    /// # Errors
    /// An option that librdkafka does not know, or no thread to be had.
    pub fn start(config: &BusConfig, group: &str, topic: &str) -> Result<Self, BusError> {
        let consumer: BaseConsumer<ReaderContext> = config
            .consumer(Some(group))
            .create_with_context(ReaderContext::default())
            .map_err(BusError::client)?;
        consumer.subscribe(&[topic]).map_err(BusError::client)?;
        let consumer = Arc::new(consumer);
        let (sender, events) = bounded(QUEUED_BATCHES);
        let depth = Arc::new(AtomicUsize::new(0));
        let revocations = Arc::new(AtomicU64::new(0));
        let stop = Arc::new(AtomicBool::new(false));
        let committer = Committer {
            consumer: Arc::clone(&consumer),
            topic: topic.into(),
        };
        let shell = ReaderLoop {
            consumer,
            topic: topic.into(),
            sender,
            depth: Arc::clone(&depth),
            revocations: Arc::clone(&revocations),
            stop: Arc::clone(&stop),
        };
        let thread = std::thread::Builder::new()
            .name("weir-reader".to_owned())
            .spawn(move || shell.run())
            .map_err(|source| BusError::Thread {
                name: "weir-reader",
                source,
            })?;
        Ok(Self {
            events,
            depth,
            revocations,
            stop,
            thread: Some(thread),
            committer,
        })
    }

    /// What happened, in order. Disconnects when the reader has stopped.
    #[must_use]
    pub const fn events(&self) -> &Receiver<Event> {
        &self.events
    }

    /// To be told of every batch taken from [`Reader::events`], so that depth stays true.
    pub fn taken(&self, records: usize) {
        self.depth.fetch_sub(records, Ordering::Relaxed);
    }

    /// Records that were polled and not yet taken.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth.load(Ordering::Relaxed)
    }

    /// How often partitions have been taken from this member: so many [`Event::Revoked`] and [`Event::Lost`] have
    /// been sent or are about to be. Who has met all of them knows what is still its own.
    #[must_use]
    pub fn revocations(&self) -> u64 {
        self.revocations.load(Ordering::Acquire)
    }

    /// (partition, offset of its end), as of at most a second ago. For who commits in transactions, of which
    /// [`lag`](Self::lag) knows nothing.
    #[must_use]
    pub fn ends(&self) -> Vec<(i32, i64)> {
        self.committer.consumer.context().ends()
    }

    /// (partition, records behind what this reader's [`Committer`] has committed), as of at most a second ago.
    #[must_use]
    pub fn lag(&self) -> Vec<(i32, i64)> {
        self.committer.consumer.context().lag()
    }

    /// The way to commit what has been done.
    #[must_use]
    pub const fn committer(&self) -> &Committer {
        &self.committer
    }

    /// Stops polling and leaves the group, so that others take over at once. Every other
    /// [`Committer`] must be gone by then: the last one leaves the group, for as long as it takes.
    pub fn close(mut self) {
        self.stop.store(true, Ordering::Release);
        // The thread may be waiting for room.
        while self.events.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the reader thread panicked");
        }
        // Dropping the last handle on the consumer leaves the group, and waits for ever for a
        // coordinator that does not answer: hence on a thread that need not be waited for.
        let consumer = self.committer.consumer;
        let (done, left) = bounded(1);
        let closing = std::thread::Builder::new()
            .name("weir-close".to_owned())
            .spawn(move || {
                drop(consumer);
                let _ = done.send(());
            });
        if closing.is_ok() && left.recv_timeout(CLOSE_PATIENCE).is_err() {
            tracing::warn!("the group could not be left; it will notice by the session time-out");
        }
    }
}

impl Committer {
    /// Commits `(partition, epoch, next offset)` in the background; a failure is logged and
    /// made good by the next commit.
    pub fn commit(&self, offsets: &[(i32, i64, i64)]) {
        self.commit_as(offsets, CommitMode::Async);
    }

    /// The same, waiting for the coordinator's answer.
    pub fn commit_now(&self, offsets: &[(i32, i64, i64)]) {
        self.commit_as(offsets, CommitMode::Sync);
    }

    /// The member as it is now, for a transaction; `None` once the consumer is beyond repair.
    #[must_use]
    pub fn membership(&self) -> Option<Membership> {
        Some(Membership {
            metadata: self.consumer.group_metadata()?,
            topic: Arc::clone(&self.topic),
        })
    }

    /// The same group member's commits to another topic, which it need not read.
    #[must_use]
    pub fn beside(&self, topic: &str) -> Self {
        Self {
            consumer: Arc::clone(&self.consumer),
            topic: topic.into(),
        }
    }

    /// What the group has committed: (partition, next offset; `None`: nothing yet).
    ///
    /// # Errors
    /// The coordinator does not answer within `patience`.
    pub fn committed(
        &self,
        partitions: &[i32],
        patience: Duration,
    ) -> Result<Vec<(i32, Option<i64>)>, BusError> {
        let committed = self
            .consumer
            .committed_offsets(list(&self.topic, partitions), patience)
            .map_err(|source| BusError::Operation {
                what: format!("asking for the group's offsets of topic {}", self.topic),
                source,
            })?;
        let offset = |offset| match offset {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        };
        Ok(committed
            .elements()
            .iter()
            .map(|element| (element.partition(), offset(element.offset())))
            .collect())
    }

    fn commit_as(&self, offsets: &[(i32, i64, i64)], mode: CommitMode) {
        if offsets.is_empty() {
            return;
        }
        let mut list = TopicPartitionList::with_capacity(offsets.len());
        for (partition, epoch, offset) in offsets {
            let mut element = list.add_partition(&self.topic, *partition);
            element.set_metadata(format!("{EPOCH_METADATA}{epoch}"));
            if let Err(error) = element.set_offset(Offset::Offset(*offset)) {
                tracing::error!(%error, partition, offset, "offset cannot be committed");
            }
        }
        if let Err(error) = self.consumer.commit(&list, mode) {
            tracing::warn!(%error, "offset commit failed");
        }
    }
}

struct ReaderLoop {
    consumer: Arc<BaseConsumer<ReaderContext>>,
    topic: Arc<str>,
    sender: Sender<Event>,
    depth: Arc<AtomicUsize>,
    revocations: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

/// Whether the loop goes on.
enum Flow {
    Continue,
    Stop,
}

impl ReaderLoop {
    fn run(self) {
        // A handful of kinds; a broker that cannot be talked to gives two of them in turn.
        let mut reported = BTreeSet::new();
        let mut woken = Instant::now();
        while !self.stop.load(Ordering::Acquire) {
            if woken.elapsed() >= WAKE_EVERY {
                woken = Instant::now();
                // Whatever the main thread answers would do.
                drop(self.consumer.group_metadata());
            }
            let flow = match self.fill_batch(POLL_WAIT) {
                Ok(Some(batch)) => {
                    reported.clear();
                    self.hand_over(batch)
                }
                Ok(None) => Flow::Continue,
                Err(error @ KafkaError::MessageConsumptionFatal(_)) => {
                    let _ = self.sender.send(Event::Failed(error.to_string()));
                    Flow::Stop
                }
                Err(error) => {
                    // librdkafka goes on by itself; say it once, not at every poll.
                    if reported.insert(error.to_string()) {
                        tracing::warn!(%error, topic = &*self.topic, "reading; it will be tried again");
                    }
                    Flow::Continue
                }
            };
            if matches!(flow, Flow::Stop) || matches!(self.handle_rebalances(), Flow::Stop) {
                break;
            }
        }
        self.finish();
    }

    /// From here on the callback rebalances by itself. What it noted before that must still be
    /// done, or closing the consumer would wait for it.
    fn finish(&self) {
        let context = self.consumer.context();
        context.set_closing();
        while let Some(rebalance) = context.next_rebalance() {
            let done = match rebalance {
                Rebalance::Assign(partitions) => {
                    self.consumer.incremental_assign(&self.list(&partitions))
                }
                Rebalance::Revoke(partitions) => {
                    self.consumer.incremental_unassign(&self.list(&partitions))
                }
            };
            if let Err(error) = done {
                tracing::warn!(%error, "rebalancing while closing");
            }
        }
    }

    /// Waits for one record, then takes whatever else is there already.
    fn fill_batch(&self, wait: Duration) -> Result<Option<Batch>, KafkaError> {
        let Some(first) = self.consumer.poll(wait) else {
            return Ok(None);
        };
        let first = first?;
        let mut batch = Batch {
            records: vec![InRecord::copy(&first)],
            polled: Instant::now(),
            polled_at_ms: unix_ms(),
        };
        let mut bytes = batch.records[0].bytes();
        while batch.records.len() < MAX_BATCH_RECORDS && bytes < MAX_BATCH_BYTES {
            // An error here comes again at the next poll; the records must not be dropped for it.
            let Some(Ok(message)) = self.consumer.poll(Duration::ZERO) else {
                break;
            };
            let record = InRecord::copy(&message);
            bytes += record.bytes();
            batch.records.push(record);
        }
        Ok(Some(batch))
    }

    fn hand_over(&self, batch: Batch) -> Flow {
        self.depth.fetch_add(batch.records.len(), Ordering::Relaxed);
        let mut event = Event::Records(batch);
        loop {
            match self.sender.send_timeout(event, FULL_LANE_PATIENCE) {
                Ok(()) => return Flow::Continue,
                Err(SendTimeoutError::Disconnected(_)) => return Flow::Stop,
                Err(SendTimeoutError::Timeout(unsent)) => {
                    if self.stop.load(Ordering::Acquire) {
                        return Flow::Stop;
                    }
                    event = self.poll_while_full(unsent);
                }
            }
        }
    }

    /// The lane is behind, but the group must see this member poll: one record more at most.
    fn poll_while_full(&self, event: Event) -> Event {
        match (event, self.consumer.poll(Duration::ZERO)) {
            (Event::Records(mut batch), Some(Ok(message))) => {
                self.depth.fetch_add(1, Ordering::Relaxed);
                batch.records.push(InRecord::copy(&message));
                Event::Records(batch)
            }
            (event, _) => event,
        }
    }

    fn handle_rebalances(&self) -> Flow {
        while let Some(rebalance) = self.consumer.context().next_rebalance() {
            let flow = match rebalance {
                Rebalance::Assign(partitions) => self.assign(&partitions),
                Rebalance::Revoke(partitions) => self.revoke(partitions),
            };
            if matches!(flow, Flow::Stop) {
                return flow;
            }
        }
        Flow::Continue
    }

    fn assign(&self, partitions: &[i32]) -> Flow {
        // Fetching starts before the epochs are known; nothing is polled until then.
        if let Err(error) = self.consumer.incremental_assign(&self.list(partitions)) {
            tracing::error!(%error, ?partitions, "assigning");
        }
        let epochs = self.epochs(partitions);
        self.send(Event::Assigned(epochs))
    }

    /// The next epoch of each partition: above the one that the last owner committed, and above
    /// any that an owner could have had that never committed.
    fn epochs(&self, partitions: &[i32]) -> Vec<(i32, i64)> {
        let now = unix_ms();
        let committed = match self
            .consumer
            .committed_offsets(self.list(partitions), COMMITTED_PATIENCE)
        {
            Ok(committed) => committed,
            Err(error) => {
                tracing::warn!(%error, "committed epochs are not known; going by the clock");
                return partitions
                    .iter()
                    .map(|partition| (*partition, now))
                    .collect();
            }
        };
        let mut epochs = Vec::with_capacity(partitions.len());
        let mut claims = Vec::new();
        for element in committed.elements() {
            let last = element
                .metadata()
                .strip_prefix(EPOCH_METADATA)
                .and_then(|epoch| epoch.parse::<i64>().ok())
                .unwrap_or(0);
            let epoch = now.max(last + 1);
            epochs.push((element.partition(), epoch));
            if let Offset::Offset(offset) = element.offset() {
                claims.push((element.partition(), epoch, offset));
            }
        }
        let committer = Committer {
            consumer: Arc::clone(&self.consumer),
            topic: Arc::clone(&self.topic),
        };
        committer.commit(&claims);
        epochs
    }

    fn revoke(&self, partitions: Vec<i32>) -> Flow {
        let list = self.list(&partitions);
        self.revocations.fetch_add(1, Ordering::Release);
        let flow = if self.consumer.assignment_lost() {
            self.send(Event::Lost(partitions))
        } else {
            let (done, wait) = bounded(1);
            let flow = self.send(Event::Revoked { partitions, done });
            if wait.recv_timeout(REVOKE_PATIENCE).is_err() {
                tracing::warn!("the lane did not finish revoked partitions in time; they repeat");
            }
            flow
        };
        if let Err(error) = self.consumer.incremental_unassign(&list) {
            tracing::warn!(%error, "giving partitions back");
        }
        flow
    }

    fn send(&self, event: Event) -> Flow {
        if self.sender.send(event).is_ok() {
            Flow::Continue
        } else {
            Flow::Stop
        }
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        list(&self.topic, partitions)
    }
}

fn list(topic: &str, partitions: &[i32]) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(partitions.len());
    for partition in partitions {
        list.add_partition(topic, *partition);
    }
    list
}

/// Milliseconds since the Unix epoch by this machine's clock; 0 before it.
#[must_use]
pub fn unix_ms() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        })
}
