//! Streams: chunks in, verdicts on how far they may be shown out.
//!
//! The first chunk of a stream that is in no checkpoint stays open in the ledger until one with it, or the
//! stream's last verdict, has been acknowledged: whoever takes over reads it and all that follows again.

use std::time::Instant;

use weir_bus::{BusError, InRecord, InputRef};
use weir_lane::{StreamJudged, Taken};
use weir_telemetry::{ChunkFate, GateMetrics};
use weir_types::Micros;

use crate::checkpoints::Checkpoints;
use crate::config::GateConfig;
use crate::desk::{Desk, Polled, Work, input_of};
use crate::intake;
use crate::judge::{Judge, microseconds};
use crate::outbox::Sent;
use crate::second_look;

/// Records older than this are read again, or their answers are late already; milliseconds.
const OLD_MS: i64 = 250;

/// The work of a lane that reads chunks.
#[derive(Debug)]
pub(crate) struct Streams<'a> {
    judge: &'a mut Judge,
    checkpoints: Checkpoints,
    /// How many streams the gauge, which lanes share, knows of this one.
    shown: i64,
}

impl<'a> Streams<'a> {
    pub(crate) fn new(
        judge: &'a mut Judge,
        config: &GateConfig,
        metrics: &GateMetrics,
    ) -> Result<Self, BusError> {
        Ok(Self {
            judge,
            checkpoints: Checkpoints::new(config, metrics)?,
            shown: 0,
        })
    }

    /// Answers every stream that took something in; `records` are the latest, whose traces go on.
    fn answer(&mut self, desk: &mut Desk, records: &[InRecord]) -> Result<(), BusError> {
        let clock = desk.clock;
        for judged in self.judge.answer_streams(|| clock.now()) {
            let source = &judged.judged.source;
            let of_source = |record: &&InRecord| {
                record.offset == source.offset && record.partition == source.partition
            };
            let record = records.iter().find(of_source);
            self.send(desk, &judged, record)?;
        }
        Ok(())
    }

    fn send(
        &mut self,
        desk: &mut Desk,
        judged: &StreamJudged,
        record: Option<&InRecord>,
    ) -> Result<(), BusError> {
        let input = input_of(&judged.judged);
        let mut sent = Sent::from(input);
        if judged.closed {
            sent.unpins = judged.pin.as_ref().map(|pin| InputRef {
                partition: pin.partition,
                offset: pin.offset,
                ..input
            });
            let stream_id = judged.judged.verdict.stream_id.as_deref();
            sent.ends = stream_id.and_then(|id| self.checkpoints.ends(id));
        }
        if let Some(flagged) = second_look::of_stream(judged) {
            desk.outbox.flagged(&flagged, sent)?;
        }
        match record {
            Some(record) => desk.answer(&judged.judged.verdict, record, sent),
            None => desk.send(&judged.judged.verdict, None, sent),
        }
    }
}

impl Work for Streams<'_> {
    fn judge(
        &mut self,
        desk: &mut Desk,
        polled: Polled<'_>,
        inputs: &[(usize, InputRef)],
    ) -> Result<(), BusError> {
        // Inputs of which nothing but verdicts on their stream is outstanding now.
        let mut done = Vec::with_capacity(inputs.len());
        for &(at, input) in inputs {
            let record = &polled.records[at];
            let begun = desk.clock.now();
            let source = intake::source(&desk.topic, record);
            let mut chunk = match intake::chunk(
                record,
                source,
                input.epoch,
                polled.arrival(record),
                &desk.ids,
            ) {
                Ok(chunk) => chunk,
                Err(rejected) => {
                    desk.dead_letter(record, &rejected, "gate.intake", input)?;
                    if let Some(request_id) = &rejected.request_id {
                        for judged in self.judge.unreadable_chunk(request_id, begun) {
                            self.send(desk, &judged, None)?;
                        }
                    }
                    done.push(input);
                    continue;
                }
            };
            chunk.arrival.decode_us = microseconds(desk.clock.now().since(begun));
            let stream_id = chunk.stream_id.clone();
            match self.judge.take_chunk(chunk, desk.clock.now()) {
                Ok(taken) => {
                    desk.metrics.chunks(fate(taken)).inc();
                    if taken != Taken::Pins {
                        done.push(input);
                    }
                }
                Err(judged) => {
                    desk.panicked(record, input)?;
                    if let Some(judged) = judged {
                        self.send(desk, &judged, Some(record))?;
                    }
                    tracing::error!(stream_id, "the stream was failed: judging it panicked");
                    done.push(input);
                }
            }
        }
        if !is_catching_up(polled) {
            self.answer(desk, polled.records)?;
        }
        for input in done {
            desk.outbox.ledger().settle(input);
        }
        Ok(())
    }

    fn tick(&mut self, desk: &mut Desk) -> Result<(), BusError> {
        for judged in self.judge.tick_streams(desk.clock.now()) {
            self.send(desk, &judged, None)?;
        }
        self.checkpoints
            .tick(self.judge, &mut desk.outbox, desk.clock.now())
    }

    fn next_deadline(&self) -> Option<Micros> {
        self.judge.next_stream_deadline()
    }

    fn assigned(&mut self, desk: &mut Desk, partitions: &[(i32, i64)]) {
        let committer = desk.outbox.committer();
        self.checkpoints
            .assigned(self.judge, committer, desk.clock, partitions);
    }

    fn hand_over(
        &mut self,
        desk: &mut Desk,
        partitions: &[i32],
        deadline: Instant,
    ) -> Result<(), BusError> {
        // What was read up without an answer for each.
        self.answer(desk, &[])?;
        if !desk.outbox.deliver_all(deadline)? {
            return Ok(());
        }
        let now = desk.clock.now();
        let outbox = &mut desk.outbox;
        self.checkpoints
            .hand_over(self.judge, outbox, partitions, now, deadline)
    }

    fn forget(&mut self, partitions: &[i32]) {
        self.judge.forget_streams(partitions);
        self.checkpoints.forget(partitions);
    }

    fn judge_mut(&mut self) -> &mut Judge {
        self.judge
    }

    fn update_gauges(&mut self, metrics: &GateMetrics) {
        let open = i64::try_from(self.judge.open_streams()).unwrap_or(i64::MAX);
        metrics.open_streams.add(open - self.shown);
        self.shown = open;
    }
}

/// Whether these records are old and more are there: then their streams are read up to the present before
/// any is answered, for nobody waits for what was said of them before. The last of a queue has none behind it,
/// so that all are answered in the end.
fn is_catching_up(polled: Polled<'_>) -> bool {
    let newest = polled
        .records
        .iter()
        .map(|record| record.timestamp_ms)
        .max();
    polled.queued_behind > 0 && newest.is_some_and(|newest| polled.at_ms - newest > OLD_MS)
}

fn fate(taken: Taken) -> ChunkFate {
    match taken {
        Taken::New | Taken::Pins => ChunkFate::New,
        Taken::Duplicate => ChunkFate::Duplicate,
        Taken::Late => ChunkFate::Late,
    }
}
