//! A part of the topic of prompts through the lane.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use weir_bus::InRecord;
use weir_gate::{Clock, Judge, read_prompt};
use weir_lane::{Judged, PromptInput, Refusal};
use weir_registry::Ids;
use weir_types::{Source, Stage, UnjudgedCause, Verdict, derive_verdict_id};

use super::part::{Progress, Rows, Setup, TOGETHER, went_without};
use super::recorded::Recorded;
use super::row::{Change, Kind, Outcome, Row};

pub(crate) struct Prompts<'a> {
    pub(crate) setup: &'a Setup,
    /// One for each arm.
    pub(crate) judges: Vec<Judge>,
    pub(crate) recorded: Option<Recorded>,
    pub(crate) topic: Arc<str>,
    pub(crate) ids: Ids,
    pub(crate) progress: Progress,
}

/// A prompt that is to be judged, or was rejected.
struct Prompt<'a> {
    record: &'a InRecord,
    /// Of a record that could be read.
    input: Option<PromptInput>,
    readable: bool,
    /// Of one that could not.
    request_id: String,
    text: Option<String>,
    without: Option<Refusal>,
}

impl Prompts<'_> {
    /// Judges records, at most [`TOGETHER`] at a time; the same ones together whoever asks.
    pub(crate) fn take(&mut self, records: &[InRecord], rows: &mut Rows<'_>) -> Result<()> {
        records
            .chunks(TOGETHER)
            .try_for_each(|records| self.together(records, rows))
    }

    fn together(&mut self, records: &[InRecord], rows: &mut Rows<'_>) -> Result<()> {
        for record in records {
            self.progress.advance(record);
        }
        let clock = Clock::standing(self.progress.now());
        for judge in &mut self.judges {
            judge.set_clock(clock);
        }
        let mut prompts = Vec::with_capacity(records.len());
        for record in records {
            prompts.extend(self.read(record)?);
        }
        let mut by_arm = Vec::with_capacity(self.judges.len());
        let last = self.judges.len().saturating_sub(1);
        for arm in 0..self.judges.len() {
            by_arm.push(self.judge(arm, &mut prompts, arm == last)?.into_iter());
        }
        for prompt in prompts {
            let judged: Option<Vec<Judged>> = by_arm.iter_mut().map(Iterator::next).collect();
            let judged = judged.context("a prompt got no answer")?;
            rows(self.row(prompt, judged)?)?;
        }
        Ok(())
    }

    /// `None`: nobody is to be answered.
    fn read<'r>(&mut self, record: &'r InRecord) -> Result<Option<Prompt<'r>>> {
        self.ids.wait_long(record.payload.as_deref())?;
        let source = self.source(record);
        let arrival = self.progress.arrival(record);
        let (request_id, input) = match read_prompt(record, source, 0, arrival, &self.ids) {
            Ok(input) => (String::new(), Some(input)),
            Err(rejected) => {
                let reasons = &mut self.progress.account.poison;
                let reason = rejected.reason.as_str().to_owned();
                *reasons.entry(reason).or_default() += 1;
                match rejected.request_id {
                    Some(request_id) => (request_id, None),
                    None => return Ok(None),
                }
            }
        };
        let with_text = input.as_ref().filter(|_| self.setup.with_text);
        let as_recorded = input.as_ref().filter(|_| self.setup.verify);
        Ok(Some(Prompt {
            record,
            readable: input.is_some(),
            text: with_text.map(|it| String::from_utf8_lossy(&it.segments.concat()).into()),
            without: as_recorded.and_then(|it| {
                let id = derive_verdict_id(&it.request_id, &it.source, 0..=0, Stage::Fast);
                self.verdict(&id).and_then(went_without)
            }),
            request_id,
            input,
        }))
    }

    /// One arm's answers, in order. The last arm may keep the inputs.
    fn judge(&mut self, arm: usize, prompts: &mut [Prompt<'_>], last: bool) -> Result<Vec<Judged>> {
        let mut judged: Vec<Option<Judged>> = Vec::with_capacity(prompts.len());
        judged.resize_with(prompts.len(), || None);
        let mut asked = Vec::with_capacity(prompts.len());
        let mut places = Vec::with_capacity(prompts.len());
        for (place, prompt) in prompts.iter_mut().enumerate() {
            let input = if last {
                prompt.input.take()
            } else {
                prompt.input.clone()
            };
            let Some(input) = input else {
                let source = self.source(prompt.record);
                let arrival = self.progress.arrival(prompt.record);
                let id = prompt.request_id.clone();
                let cause = UnjudgedCause::Malformed;
                judged[place] = Some(self.judges[arm].unreadable(source, 0, id, cause, arrival));
                continue;
            };
            if let Some(refusal) = prompt.without {
                let answer = self.judges[arm].judge_without(input, refusal);
                self.progress.account.panicked += u64::from(answer.panicked);
                judged[place] = Some(answer.judged);
            } else {
                asked.push(input);
                places.push(place);
            }
        }
        for answer in self.judges[arm].judge(asked) {
            self.progress.account.panicked += u64::from(answer.panicked);
            judged[places[answer.index]] = Some(answer.judged);
        }
        let all: Option<Vec<Judged>> = judged.into_iter().collect();
        all.context("a prompt got no answer")
    }

    fn row(&mut self, prompt: Prompt<'_>, mut judged: Vec<Judged>) -> Result<Row> {
        let offset = prompt.record.offset;
        let place = self.progress.place(offset);
        let after = judged.pop().context("no arm judged")?;
        self.progress.account.judged += u64::from(prompt.readable);
        if self.setup.verify {
            let recorded = self.recorded.as_ref();
            let recorded = recorded.and_then(|it| it.prompts.get(&after.verdict.verdict_id));
            let comparison = &mut self.progress.comparison;
            match recorded {
                Some(recorded) => {
                    self.progress.met += 1;
                    self.setup
                        .compare(comparison, recorded, &after.verdict, &place);
                }
                None => comparison.not_recorded += 1,
            }
        }
        let outcome = |arm: usize, judged: &Judged| {
            Outcome::of(judged, self.setup.arms[arm].judges.policies())
        };
        let before = match judged.first() {
            Some(before) => Some(outcome(0, before)),
            None => self
                .verdict(&after.verdict.verdict_id)
                .map(Outcome::recorded),
        };
        let outcome = outcome(judged.len(), &after);
        let verdict = after.verdict;
        Ok(Row {
            place,
            kind: Kind::Prompt,
            timestamp_ms: prompt.record.timestamp_ms,
            request_id: verdict.request_id,
            verdict_id: Some(verdict.verdict_id),
            stream_id: None,
            tenant: verdict.tenant,
            language: verdict.provenance.language,
            complete: true,
            change: Change::between(before.as_ref().map(|it| it.action), outcome.action),
            before,
            after: outcome,
            text: prompt.text,
        })
    }

    /// All has been judged: recorded verdicts that the replay did not give, where it has seen all that they could be on.
    pub(crate) fn finish(&mut self, all: bool) {
        let Some(recorded) = self.recorded.as_ref().filter(|_| self.setup.verify && all) else {
            return;
        };
        let missed = (recorded.prompts.len() as u64).saturating_sub(self.progress.met);
        self.progress.comparison.not_reproduced.count += missed;
    }

    fn verdict(&self, id: &str) -> Option<&Verdict> {
        self.recorded.as_ref()?.prompts.get(id)
    }

    fn source(&self, record: &InRecord) -> Source {
        Source {
            topic: Arc::clone(&self.topic),
            partition: record.partition,
            offset: record.offset,
        }
    }
}
