use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use flume::RecvTimeoutError;
use weir_bus::{Batch, BusError, Event, InRecord, InputRef, Reader, unix_ms};
use weir_lane::Arrival;
use weir_telemetry::{
    Condition, CpuMeter, GateMetrics, Heartbeat, IntCounter, LaneMetrics, PartitionMetrics,
};
use weir_types::{DeadLetterReason, Micros, UnjudgedCause};

use crate::clock::Clock;
use crate::config::GateConfig;
use crate::intake::{self, Rejected};
use crate::judge::{Answer, Judge, microseconds};
use crate::outbox::Outbox;

/// Prompts judged together at most. Small enough that the first of a dense batch is published
/// while the rest is judged, large enough that the classifier's call is shared.
const JUDGE_TOGETHER: usize = 32;
/// How long the lane sleeps when nothing comes; also how soon it notices that it should stop.
const IDLE_WAIT: Duration = Duration::from_millis(20);
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

/// The state of one lane's thread. Nothing in it is shared, nothing is locked.
struct LaneLoop<'a> {
    judge: &'a mut Judge,
    clock: Clock,
    reader: Reader,
    outbox: Outbox,
    topic: Arc<str>,
    shared: &'a LaneShared,
    local: LaneMetrics,
    records: IntCounter,
    partitions: HashMap<i32, Owned>,
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
    judge: &mut Judge,
    clock: Clock,
    shared: &LaneShared,
) -> Result<Ended, BusError> {
    let reader = Reader::start(&config.bus, &config.group, &config.topics.prompts)?;
    let committer = reader.committer().clone();
    let outbox = Outbox::new(
        &config.bus,
        committer,
        config.topics.clone(),
        shared.metrics.clone(),
    )?;
    let lane = LaneLoop {
        judge,
        clock,
        reader,
        outbox,
        topic: config.topics.prompts.as_str().into(),
        shared,
        local: shared.metrics.lane(),
        records: shared.metrics.topic(&config.topics.prompts),
        partitions: HashMap::new(),
        rebalance_began: None,
        circuit_was_open: false,
    };
    lane.run()
}

impl LaneLoop<'_> {
    fn run(mut self) -> Result<Ended, BusError> {
        let mut cpu = CpuMeter::for_this_thread(self.shared.metrics.lane_cpu.clone());
        let mut last_gauges = Instant::now();
        let ended = loop {
            if self.shared.stop.load(Ordering::Acquire) {
                self.outbox.settle_all(None, DRAIN_PATIENCE)?;
                break Ended::Drained;
            }
            match self.reader.events().recv_timeout(IDLE_WAIT) {
                Ok(Event::Records(batch)) => self.on_records(&batch)?,
                Ok(Event::Assigned(partitions)) => self.on_assigned(&partitions),
                Ok(Event::Revoked { partitions, done }) => {
                    self.outbox.settle_all(Some(&partitions), REVOKE_PATIENCE)?;
                    self.on_gone(&partitions);
                    // The reader may have given up waiting; then these records repeat.
                    let _ = done.send(());
                }
                Ok(Event::Lost(partitions)) => self.on_gone(&partitions),
                Ok(Event::Failed(reason)) => break Ended::ReaderFailed(reason),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    break Ended::ReaderFailed("the reader thread ended".to_owned());
                }
            }
            self.outbox.poll()?;
            self.shared.heartbeat.beat();
            if last_gauges.elapsed() >= GAUGES_EVERY {
                last_gauges = Instant::now();
                self.local.flush();
                self.update_gauges();
                cpu.sample();
            }
        };
        let owned: Vec<i32> = self.partitions.keys().copied().collect();
        self.release(&owned);
        let Self { reader, outbox, .. } = self;
        // It holds a committer, and the reader's must be the last.
        drop(outbox);
        reader.close();
        Ok(ended)
    }

    fn on_records(&mut self, batch: &Batch) -> Result<(), BusError> {
        self.reader.taken(batch.records.len());
        self.records.inc_by(batch.records.len() as u64);
        self.local.observe_batch(batch.records.len());
        let polled = self.clock.at(batch.polled);
        let mut behind = batch.records.len() + self.reader.depth();
        for records in batch.records.chunks(JUDGE_TOGETHER) {
            behind -= records.len();
            self.judge_together(records, polled, batch.polled_at_ms, behind)?;
            if behind > 0 {
                // Else the loop does it next.
                self.outbox.poll()?;
            }
        }
        let cpu = self.judge.take_classifier_cpu_seconds();
        self.shared.metrics.classifier_cpu.inc_by(cpu);
        Ok(())
    }

    fn judge_together(
        &mut self,
        records: &[InRecord],
        polled: Micros,
        polled_at_ms: i64,
        queued_behind: usize,
    ) -> Result<(), BusError> {
        let mut prompts = Vec::with_capacity(records.len());
        // Parallel to `prompts`: which record each came from.
        let mut origins: Vec<(&InRecord, InputRef)> = Vec::with_capacity(records.len());
        for record in records {
            let begun = self.clock.now();
            let Some(input) = self
                .outbox
                .ledger()
                .begin(record.partition, record.offset, begun.0)
            else {
                continue;
            };
            if let Some(owned) = self.partitions.get_mut(&record.partition) {
                owned.last_timestamp_ms = record.timestamp_ms;
            }
            let arrival = Arrival {
                received: polled,
                received_at_ms: polled_at_ms,
                produced_at_ms: record.timestamp_ms,
                decode_us: 0,
                queued_behind,
            };
            let source = intake::source(&self.topic, record);
            match intake::prompt(record, source, input.epoch, arrival) {
                Ok(mut prompt) => {
                    prompt.arrival.decode_us = microseconds(self.clock.now().since(begun));
                    prompts.push(prompt);
                    origins.push((record, input));
                }
                Err(rejected) => self.reject(record, input, &rejected, arrival)?,
            }
        }
        for answer in self.judge.judge(prompts) {
            let (record, input) = origins[answer.index];
            self.send(&answer, record, input)?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        answer: &Answer,
        record: &InRecord,
        input: InputRef,
    ) -> Result<(), BusError> {
        self.outbox.verdict(&answer.judged, record, input)?;
        self.local.observe_verdict(&answer.judged.verdict);
        if record.timestamp_ms > 0 {
            self.local
                .observe_end_to_end((unix_ms() - record.timestamp_ms).saturating_mul(1000));
        }
        if answer.panicked {
            self.shared.metrics.panics.inc();
            let rejected = Rejected {
                reason: DeadLetterReason::Panicked,
                detail: "judging the record panicked".to_owned(),
                request_id: None,
            };
            let source = answer.judged.source.clone();
            self.outbox
                .dead_letter(record, source, &rejected, "gate.judge", input)?;
        }
        self.outbox.ledger().settle(input);
        Ok(())
    }

    /// Dead-letters a record that cannot be judged, and answers its request if that is known.
    fn reject(
        &mut self,
        record: &InRecord,
        input: InputRef,
        rejected: &Rejected,
        arrival: Arrival,
    ) -> Result<(), BusError> {
        let source = intake::source(&self.topic, record);
        self.outbox
            .dead_letter(record, source.clone(), rejected, "gate.intake", input)?;
        if let Some(request_id) = rejected.request_id.clone() {
            let cause = UnjudgedCause::Malformed;
            let judged = self
                .judge
                .unreadable(source, input.epoch, request_id, cause, arrival);
            self.outbox.verdict(&judged, record, input)?;
            self.local.observe_verdict(&judged.verdict);
        }
        self.outbox.ledger().settle(input);
        Ok(())
    }

    fn on_assigned(&mut self, partitions: &[(i32, i64)]) {
        for (partition, epoch) in partitions {
            self.outbox.ledger().assign(*partition, *epoch);
            let metrics = self.shared.metrics.partition(&self.topic, *partition);
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
        tracing::info!(topic = &*self.topic, ?partitions, "partitions assigned");
        self.shared.assigned.ok();
    }

    /// Others own these partitions from now on.
    fn on_gone(&mut self, partitions: &[i32]) {
        self.release(partitions);
        self.rebalance_began = Some(Instant::now());
        tracing::info!(topic = &*self.topic, ?partitions, "partitions given back");
        if self.partitions.is_empty() {
            self.shared.assigned.not_ok("waiting for partitions");
        }
    }

    fn release(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.outbox.ledger().revoke(*partition);
            if self.partitions.remove(partition).is_some() {
                self.shared.metrics.assigned_partitions.dec();
                self.shared
                    .metrics
                    .forget_partition(&self.topic, *partition);
            }
        }
    }

    fn update_gauges(&mut self) {
        let now_ms = unix_ms();
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
        metrics
            .queue_depth
            .set(i64::try_from(self.reader.depth()).unwrap_or(i64::MAX));
        let now = self.clock.now();
        let pinned = self
            .outbox
            .ledger()
            .oldest_open_us()
            .map_or(Micros::ZERO, |begun| now.since(Micros(begun)));
        metrics
            .oldest_pinned_age
            .set(Duration::from_micros(pinned.0).as_secs_f64());
        // Several lanes share the gauge: it counts open circuits.
        let open = self.judge.circuit_open();
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
