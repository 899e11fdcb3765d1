//! What every lane's work has at hand: clock, outbox, metrics.

use std::sync::Arc;
use std::time::Instant;

use weir_bus::{BusError, InRecord, InputRef, unix_ms};
use weir_lane::{Arrival, Judged};
use weir_registry::Ids;
use weir_telemetry::{GateMetrics, LaneMetrics};
use weir_types::{Micros, Verdict};

use crate::clock::Clock;
use crate::intake::{self, Rejected};
use crate::judge::Judge;
use crate::outbox::{Outbox, Sent};

/// Records of one poll that are judged together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Polled<'a> {
    pub(crate) records: &'a [InRecord],
    /// When the first of the poll came.
    pub(crate) at: Micros,
    /// The same moment, Unix milliseconds.
    pub(crate) at_ms: i64,
    /// Records that wait behind these.
    pub(crate) queued_behind: usize,
}

/// What a lane does with what it reads.
pub(crate) trait Work {
    /// Judges records, each of which has been opened in the ledger.
    fn judge(
        &mut self,
        desk: &mut Desk,
        polled: Polled<'_>,
        inputs: &[(usize, InputRef)],
    ) -> Result<(), BusError>;

    /// Does what is due by time.
    fn tick(&mut self, desk: &mut Desk) -> Result<(), BusError>;

    /// When [`Work::tick`] next has something to do.
    fn next_deadline(&self) -> Option<Micros>;

    /// These partitions are ours, under these epochs; none of their records has been judged yet.
    fn assigned(&mut self, desk: &mut Desk, partitions: &[(i32, i64)]);

    /// These partitions are about to be given back: all that can be done by the deadline so that others go
    /// on at once. What was taken up has been judged.
    fn hand_over(
        &mut self,
        desk: &mut Desk,
        partitions: &[i32],
        deadline: Instant,
    ) -> Result<(), BusError>;

    /// Others own these partitions from now on.
    fn forget(&mut self, partitions: &[i32]);

    /// The judge that it drives.
    fn judge_mut(&mut self) -> &mut Judge;

    /// Brings its own gauges up to date.
    fn update_gauges(&mut self, metrics: &GateMetrics);
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) ids: Ids,
    pub(crate) topic: Arc<str>,
    pub(crate) metrics: GateMetrics,
    pub(crate) local: LaneMetrics,
}

impl Polled<'_> {
    pub(crate) fn arrival(&self, record: &InRecord) -> Arrival {
        Arrival {
            received: self.at,
            received_at_ms: self.at_ms,
            produced_at_ms: record.timestamp_ms,
            decode_us: 0,
            queued_behind: self.queued_behind,
        }
    }
}

impl Desk {
    /// Publishes a verdict that answers `record`.
    pub(crate) fn answer(
        &mut self,
        verdict: &Verdict,
        record: &InRecord,
        sent: Sent,
    ) -> Result<(), BusError> {
        self.send(verdict, Some(record), sent)?;
        if record.timestamp_ms > 0 {
            self.local
                .observe_end_to_end((unix_ms() - record.timestamp_ms).saturating_mul(1000));
        }
        Ok(())
    }

    /// Publishes a verdict; `record` is the one whose trace it continues.
    pub(crate) fn send(
        &mut self,
        verdict: &Verdict,
        record: Option<&InRecord>,
        sent: Sent,
    ) -> Result<(), BusError> {
        self.outbox.verdict(verdict, record, sent)?;
        self.local.observe_verdict(verdict);
        Ok(())
    }

    /// Dead-letters a record that cannot be judged.
    pub(crate) fn dead_letter(
        &mut self,
        record: &InRecord,
        rejected: &Rejected,
        stage: &str,
        input: InputRef,
    ) -> Result<(), BusError> {
        let source = intake::source(&self.topic, record);
        self.outbox
            .dead_letter(record, source, rejected, stage, input.into())
    }

    /// Dead-letters a record whose judging panicked.
    pub(crate) fn panicked(&mut self, record: &InRecord, input: InputRef) -> Result<(), BusError> {
        self.metrics.panics.inc();
        self.dead_letter(record, &Rejected::panicked(), "gate.judge", input)
    }
}

/// The input that a verdict answers, as the ledger knows it.
pub(crate) fn input_of(judged: &Judged) -> InputRef {
    InputRef {
        partition: judged.source.partition,
        epoch: judged.verdict.owner_epoch,
        offset: judged.source.offset,
    }
}
