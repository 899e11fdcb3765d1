use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flume::RecvTimeoutError;
use weir_bus::{Batch, BusError, Event, Reader, unix_ms};
use weir_telemetry::{Condition, CpuMeter, GateMetrics, Heartbeat, IntCounter, PartitionMetrics};
use weir_types::Micros;

use crate::clock::Clock;
use crate::config::GateConfig;
use crate::desk::{Desk, Polled, Work};
use crate::outbox::Outbox;
use crate::parked::Parked;

/// Records judged together at most. Small enough that the first of a dense batch is published
/// while the rest is judged, large enough that the classifier's call is shared.
const JUDGE_TOGETHER: usize = 32;
/// How long the lane sleeps when nothing comes; also how soon it notices that it should stop.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// The same while verdicts wait for others of their partition to arrive.
const BRIEF_WAIT: Duration = Duration::from_millis(1);
/// How often gauges are brought up to date.
const GAUGES_EVERY: Duration = Duration::from_secs(1);
/// How long outstanding acknowledgements are waited for when partitions are given back; below the
/// reader's own patience.
const REVOKE_PATIENCE: Duration = Duration::from_millis(1500);
/// The same when the process stops.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// What a lane shares with the process that runs it.
pub(crate) struct LaneShared {
    pub(crate) metrics: GateMetrics,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) assigned: Condition,
    pub(crate) stop: Arc<AtomicBool>,
}

/// Why a lane ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was asked to, and everything taken up has been answered and committed.
    Drained,
    /// The consumer is beyond repair.
    ReaderFailed(String),
}

/// Where a lane reads, and as whose member.
#[derive(Debug, Clone)]
pub(crate) struct Inlet {
    pub(crate) topic: String,
    pub(crate) group: String,
}

/// The state of one lane's thread. Nothing in it is shared, nothing is locked.
struct LaneLoop<'a, W> {
    work: W,
    desk: Desk,
    reader: Reader,
    shared: &'a LaneShared,
    records: IntCounter,
    partitions: HashMap<i32, Owned>,
    parked: Parked,
    /// How many of them the gauge, which lanes share, knows of.
    parked_shown: i64,
    /// The same of records that wait for the lane.
    queue_shown: i64,
    /// Set while partitions have been given back and no new assignment has come.
    rebalance_began: Option<Instant>,
    circuit_was_open: bool,
}

/// A partition that this lane owns.
struct Owned {
    metrics: PartitionMetrics,
    /// Timestamp of the last record taken up, Unix ms; 0: none yet.
    last_timestamp_ms: i64,
}

/// Runs a lane on this thread until it is asked to stop or its consumer fails.
pub(crate) fn run(
    config: &GateConfig,
    inlet: &Inlet,
    work: impl Work,
    clock: Clock,
    shared: &LaneShared,
) -> Result<Ended, BusError> {
    let reader = Reader::start(&config.bus, &inlet.group, &inlet.topic)?;
    let committer = reader.committer().clone();
    let outbox = Outbox::new(
        &config.bus,
        committer,
        config.topics.clone(),
        config.schemas.clone(),
        shared.metrics.clone(),
    )?;
    let lane = LaneLoop {
        work,
        desk: Desk {
            clock,
            outbox,
            ids: config.schemas.clone(),
            topic: inlet.topic.as_str().into(),
            metrics: shared.metrics.clone(),
            local: shared.metrics.lane(),
        },
        reader,
        shared,
        records: shared.metrics.topic(&inlet.topic),
        partitions: HashMap::new(),
        parked: Parked::default(),
        parked_shown: 0,
        queue_shown: 0,
        rebalance_began: None,
        circuit_was_open: false,
    };
    lane.run()
}

impl<W: Work> LaneLoop<'_, W> {
    fn run(mut self) -> Result<Ended, BusError> {
        let ended = self.turn();
        let owned: Vec<i32> = self.partitions.keys().copied().collect();
        self.release(&owned);
        self.leave_shared_gauges();
        let ended = ended?;
        let Self { reader, desk, .. } = self;
        // Its outbox holds a committer, and the reader's must be the last.
        drop(desk);
        reader.close();
        Ok(ended)
    }

    /// Works until it is asked to stop or its consumer fails.
    fn turn(&mut self) -> Result<Ended, BusError> {
        let mut cpu = CpuMeter::for_this_thread(self.shared.metrics.lane_cpu.clone());
        let mut last_gauges = Instant::now();
        loop {
            if self.shared.stop.load(Ordering::Acquire) {
                let owned: Vec<i32> = self.partitions.keys().copied().collect();
                self.hand_over(&owned, DRAIN_PATIENCE)?;
                return Ok(Ended::Drained);
            }
            match self.next_event() {
                Ok(Event::Records(batch)) => self.on_records(&batch)?,
                Ok(Event::Assigned(partitions)) => self.on_assigned(&partitions),
                Ok(Event::Revoked { partitions, done }) => {
                    self.hand_over(&partitions, REVOKE_PATIENCE)?;
                    self.on_gone(&partitions);
                    // The reader may have given up waiting; then these records repeat.
                    let _ = done.send(());
                }
                Ok(Event::Lost(partitions)) => self.on_gone(&partitions),
                Ok(Event::Failed(reason)) => return Ok(Ended::ReaderFailed(reason)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Ended::ReaderFailed("the reader thread ended".to_owned()));
                }
            }
            self.unpark()?;
            self.work.tick(&mut self.desk)?;
            self.desk.outbox.poll()?;
            self.shared.heartbeat.beat();
            if last_gauges.elapsed() >= GAUGES_EVERY {
                last_gauges = Instant::now();
                self.desk.local.flush();
                self.update_gauges();
                cpu.sample();
            }
        }
    }

    /// What the reader has to tell; nothing while too much is parked.
    fn next_event(&self) -> Result<Event, RecvTimeoutError> {
        if self.parked.is_full() {
            std::thread::sleep(IDLE_WAIT);
            return Err(RecvTimeoutError::Timeout);
        }
        self.reader.events().recv_timeout(self.wait())
    }

    /// Judges what was parked and need wait no more.
    fn unpark(&mut self) -> Result<(), BusError> {
        if self.parked.len() == 0 {
            return Ok(());
        }
        let (records, inputs) = self.parked.take_ready(&mut self.desk.ids);
        for (records, inputs) in records
            .chunks(JUDGE_TOGETHER)
            .zip(inputs.chunks(JUDGE_TOGETHER))
        {
            let polled = Polled {
                records,
                at: self.desk.clock.now(),
                at_ms: unix_ms(),
                queued_behind: 0,
            };
            let inputs: Vec<_> = inputs.iter().copied().enumerate().collect();
            self.work.judge(&mut self.desk, polled, &inputs)?;
        }
        Ok(())
    }

    /// How long to wait for something to come: not beyond what is due by time.
    fn wait(&self) -> Duration {
        let due = self.work.next_deadline();
        let left = due.map(|due| due.since(self.desk.clock.now()));
        let longest = if self.desk.outbox.is_waiting() {
            BRIEF_WAIT
        } else {
            IDLE_WAIT
        };
        left.map_or(longest, |left| longest.min(Duration::from_micros(left.0)))
    }

    fn on_records(&mut self, batch: &Batch) -> Result<(), BusError> {
        self.reader.taken(batch.records.len());
        self.records.inc_by(batch.records.len() as u64);
        self.desk.local.observe_batch(batch.records.len());
        let mut behind = batch.records.len() + self.reader.depth();
        for records in batch.records.chunks(JUDGE_TOGETHER) {
            behind -= records.len();
            self.judge_together(Polled {
                records,
                at: self.desk.clock.at(batch.polled),
                at_ms: batch.polled_at_ms,
                queued_behind: behind,
            })?;
            if behind > 0 {
                // Else the loop does it next.
                self.desk.outbox.poll()?;
            }
        }
        let cpu = self.work.judge_mut().take_classifier_cpu_seconds();
        self.shared.metrics.classifier_cpu.inc_by(cpu);
        Ok(())
    }

    fn judge_together(&mut self, polled: Polled<'_>) -> Result<(), BusError> {
        let mut inputs = Vec::with_capacity(polled.records.len());
        for (at, record) in polled.records.iter().enumerate() {
            let begun = self.desk.clock.now();
            let ledger = self.desk.outbox.ledger();
            let Some(input) = ledger.begin(record.partition, record.offset, begun.0) else {
                continue;
            };
            if let Some(owned) = self.partitions.get_mut(&record.partition) {
                owned.last_timestamp_ms = record.timestamp_ms;
            }
            if self.desk.ids.is_waiting(record.payload.as_deref()) {
                self.parked.add(record, input);
            } else {
                inputs.push((at, input));
            }
        }
        self.work.judge(&mut self.desk, polled, &inputs)
    }

    fn on_assigned(&mut self, partitions: &[(i32, i64)]) {
        for (partition, epoch) in partitions {
            self.desk.outbox.ledger().assign(*partition, *epoch);
            let metrics = self.shared.metrics.partition(&self.desk.topic, *partition);
            let owned = Owned {
                metrics,
                last_timestamp_ms: 0,
            };
            if self.partitions.insert(*partition, owned).is_none() {
                self.shared.metrics.assigned_partitions.inc();
            }
        }
        if let Some(began) = self.rebalance_began.take() {
            self.shared
                .metrics
                .rebalance
                .observe(began.elapsed().as_secs_f64());
        }
        tracing::info!(
            topic = &*self.desk.topic,
            ?partitions,
            "partitions assigned"
        );
        if !partitions.is_empty() {
            self.desk.outbox.prepare();
            self.shared.heartbeat.beat();
            self.work.assigned(&mut self.desk, partitions);
        }
        self.shared.assigned.ok();
    }

    /// Delivers, saves and commits what others need to go on with these partitions.
    fn hand_over(&mut self, partitions: &[i32], patience: Duration) -> Result<(), BusError> {
        let deadline = Instant::now() + patience;
        self.work.hand_over(&mut self.desk, partitions, deadline)?;
        self.desk.outbox.commit_last();
        Ok(())
    }

    /// Others own these partitions from now on.
    fn on_gone(&mut self, partitions: &[i32]) {
        self.release(partitions);
        self.rebalance_began = Some(Instant::now());
        tracing::info!(
            topic = &*self.desk.topic,
            ?partitions,
            "partitions given back"
        );
        if self.partitions.is_empty() {
            self.shared.assigned.not_ok("waiting for partitions");
        }
    }

    fn release(&mut self, partitions: &[i32]) {
        self.work.forget(partitions);
        self.parked.forget(partitions);
        for partition in partitions {
            self.desk.outbox.ledger().revoke(*partition);
            if self.partitions.remove(partition).is_some() {
                self.shared.metrics.assigned_partitions.dec();
                self.shared
                    .metrics
                    .forget_partition(&self.desk.topic, *partition);
            }
        }
    }

    /// Takes this lane's share out of the gauges that lanes share: a lane that failed is followed by another.
    fn leave_shared_gauges(&mut self) {
        let metrics = &self.shared.metrics;
        metrics.parked.sub(std::mem::take(&mut self.parked_shown));
        metrics
            .queue_depth
            .sub(std::mem::take(&mut self.queue_shown));
        if std::mem::take(&mut self.circuit_was_open) {
            metrics.circuit_open.dec();
        }
    }

    fn update_gauges(&mut self) {
        let now_ms = unix_ms();
        let now = self.desk.clock.now();
        for (partition, owned) in &self.partitions {
            let begun = self.desk.outbox.ledger().oldest_open_us(*partition);
            let pinned = begun.map_or(Micros::ZERO, |begun| now.since(Micros(begun)));
            let pinned = Duration::from_micros(pinned.0).as_secs_f64();
            owned.metrics.pinned_age.set(pinned);
        }
        for (partition, lag) in self.reader.lag() {
            let Some(owned) = self.partitions.get(&partition) else {
                continue;
            };
            owned.metrics.lag_records.set(lag);
            // The next record is no older than the last one taken up.
            let behind_ms = if lag > 0 && owned.last_timestamp_ms > 0 {
                (now_ms - owned.last_timestamp_ms).max(0)
            } else {
                0
            };
            owned
                .metrics
                .lag_seconds
                .set(Duration::from_millis(behind_ms.unsigned_abs()).as_secs_f64());
        }
        let metrics = &self.shared.metrics;
        self.work.update_gauges(metrics);
        let parked = i64::try_from(self.parked.len()).unwrap_or(i64::MAX);
        metrics.parked.add(parked - self.parked_shown);
        self.parked_shown = parked;
        let queued = i64::try_from(self.reader.depth()).unwrap_or(i64::MAX);
        metrics.queue_depth.add(queued - self.queue_shown);
        self.queue_shown = queued;
        // Several lanes share the gauge: it counts open circuits.
        let open = self.work.judge_mut().circuit_open();
        if open != self.circuit_was_open {
            self.circuit_was_open = open;
            if open {
                metrics.circuit_open.inc();
            } else {
                metrics.circuit_open.dec();
            }
        }
    }
}
