//! Prompts: a record in, a verdict out.

use std::time::Instant;

use weir_bus::{BusError, InRecord, InputRef};
use weir_lane::Arrival;
use weir_telemetry::GateMetrics;
use weir_types::{Micros, UnjudgedCause};

use crate::desk::{Desk, Polled, Work};
use crate::intake::{self, Rejected};
use crate::judge::{Judge, microseconds};
use crate::second_look;

/// The work of a lane that reads prompts.
#[derive(Debug)]
pub(crate) struct Prompts<'a> {
    judge: &'a mut Judge,
}

impl<'a> Prompts<'a> {
    pub(crate) fn new(judge: &'a mut Judge) -> Self {
        Self { judge }
    }

    /// Dead-letters a record that cannot be judged, and answers its request if that is known.
    fn reject(
        &mut self,
        desk: &mut Desk,
        record: &InRecord,
        input: InputRef,
        rejected: &Rejected,
        arrival: Arrival,
    ) -> Result<(), BusError> {
        desk.dead_letter(record, rejected, "gate.intake", input)?;
        if let Some(request_id) = rejected.request_id.clone() {
            let source = intake::source(&desk.topic, record);
            let cause = UnjudgedCause::Malformed;
            let judged = self
                .judge
                .unreadable(source, input.epoch, request_id, cause, arrival);
            desk.send(&judged.verdict, Some(record), input.into())?;
        }
        desk.outbox.ledger().settle(input);
        Ok(())
    }
}

impl Work for Prompts<'_> {
    fn judge(
        &mut self,
        desk: &mut Desk,
        polled: Polled<'_>,
        inputs: &[(usize, InputRef)],
    ) -> Result<(), BusError> {
        let mut prompts = Vec::with_capacity(inputs.len());
        // Parallel to `prompts`: which record each came from.
        let mut origins: Vec<(&InRecord, InputRef)> = Vec::with_capacity(inputs.len());
        for &(at, input) in inputs {
            let record = &polled.records[at];
            let begun = desk.clock.now();
            let arrival = polled.arrival(record);
            let source = intake::source(&desk.topic, record);
            match intake::prompt(record, source, input.epoch, arrival, &desk.ids) {
                Ok(mut prompt) => {
                    prompt.arrival.decode_us = microseconds(desk.clock.now().since(begun));
                    prompts.push(prompt);
                    origins.push((record, input));
                }
                Err(rejected) => self.reject(desk, record, input, &rejected, arrival)?,
            }
        }
        for answer in self.judge.judge(prompts) {
            let (record, input) = origins[answer.index];
            if let Some(selected) = answer.judged.selected
                && let Some(flagged) =
                    second_look::of_prompt(record, &desk.ids, &answer.judged, selected)
            {
                desk.outbox.flagged(&flagged, input.into())?;
            }
            desk.answer(&answer.judged.verdict, record, input.into())?;
            if answer.panicked {
                desk.panicked(record, input)?;
            }
            desk.outbox.ledger().settle(input);
        }
        Ok(())
    }

    fn tick(&mut self, _: &mut Desk) -> Result<(), BusError> {
        Ok(())
    }

    fn next_deadline(&self) -> Option<Micros> {
        None
    }

    fn assigned(&mut self, _: &mut Desk, _: &[(i32, i64)]) {}

    fn hand_over(&mut self, desk: &mut Desk, _: &[i32], deadline: Instant) -> Result<(), BusError> {
        desk.outbox.deliver_all(deadline).map(drop)
    }

    fn forget(&mut self, _: &[i32]) {}

    fn judge_mut(&mut self) -> &mut Judge {
        self.judge
    }

    fn update_gauges(&mut self, _: &GateMetrics) {}
}
