//! Parts, each on one thread from its beginning to its end.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use weir_bus::{BusConfig, InRecord, LogReader, Stretch};
use weir_gate::{Clock, Judge};
use weir_infer::{Classifier, FastModel};
use weir_registry::Ids;
use weir_types::Verdict;

use super::account::Account;
use super::joined::Joined;
use super::part::{Arm, Progress, Rows, Setup};
use super::plan::{PATIENCE, Part};
use super::prompts::Prompts;
use super::recorded::Recorded;
use super::row::Kind;
use super::store::{PartFile, Store};
use super::streams::Streams;
use super::tally::Tally;

/// Records read, and noted as done, at once. A multiple of what is judged together, so that a run that goes on takes the
/// same ones together.
pub(crate) const PIECE: usize = 32_768;

/// What all threads share.
pub(crate) struct Run<'a> {
    pub(crate) bus: &'a BusConfig,
    pub(crate) setup: &'a Setup,
    pub(crate) parts: &'a [Part],
    pub(crate) verdicts_topic: &'a str,
    pub(crate) ids: Ids,
    pub(crate) store: Option<&'a Store>,
    pub(crate) joined: &'a Joined,
    pub(crate) bar: &'a ProgressBar,
    /// Records between two notes of how far a part has come.
    pub(crate) piece: usize,
}

/// What became of a part. Its rows are counted here if they are kept nowhere.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) progress: Progress,
    pub(crate) tally: Tally,
}

impl Run<'_> {
    /// All parts, in order, however many threads there are. The first error ends all.
    pub(crate) fn all(&self, threads: usize) -> Result<Vec<Done>> {
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let done: Vec<Mutex<Option<Result<Done>>>> =
            self.parts.iter().map(|_| Mutex::new(None)).collect();
        std::thread::scope(|scope| {
            for _ in 0..threads.clamp(1, self.parts.len().max(1)) {
                scope.spawn(|| {
                    let mut models = Models::default();
                    while !failed.load(Ordering::Acquire) {
                        let place = next.fetch_add(1, Ordering::AcqRel);
                        let Some(part) = self.parts.get(place) else {
                            return;
                        };
                        let result = self.one(part, &mut models, &failed).with_context(|| {
                            format!("topic {}, partition {}", part.topic, part.partition)
                        });
                        failed.fetch_or(result.is_err(), Ordering::AcqRel);
                        if let Ok(mut place) = done[place].lock() {
                            *place = Some(result);
                        }
                    }
                });
            }
        });
        let mut all = Vec::with_capacity(done.len());
        let mut unfinished = false;
        for one in done {
            match one.into_inner() {
                Ok(Some(result)) => all.push(result?),
                _ => unfinished = true,
            }
        }
        anyhow::ensure!(!unfinished, "a part was not finished");
        Ok(all)
    }

    fn one(&self, part: &Part, models: &mut Models, failed: &AtomicBool) -> Result<Done> {
        let begun = match self.store {
            Some(store) => store.progress(part)?,
            None => None,
        };
        let progress = begun.unwrap_or_else(|| Progress {
            account: Account::of(&part.topic, &part.extent()),
            next: part.start,
            ..Progress::default()
        });
        self.bar.inc(progress.next.abs_diff(part.start));
        if progress.finished {
            return Ok(Done {
                progress,
                tally: Tally::default(),
            });
        }
        let mut kept = match self.store {
            Some(store) => Kept::File(store.rows(part, &progress)?),
            None => Kept::Tally(Box::default()),
        };
        let judges = models.judges(&self.setup.arms)?;
        let recorded = self.recorded(part)?;
        let mut replay = Replay::new(self, part, judges, recorded, progress);
        let reader = LogReader::new(self.bus, &part.topic)?;
        let mut follow = reader.follow(Stretch {
            start: replay.progress().next,
            ..part.stretch()
        })?;
        loop {
            let records = follow.next(self.piece, PATIENCE)?;
            // Another part failed.
            anyhow::ensure!(!failed.load(Ordering::Acquire), "stopped");
            let over = records.len() < self.piece;
            let before = replay.progress().next;
            replay.take(&records, &mut |row| kept.add(&row, self.joined))?;
            if over {
                replay.finish(part, &mut |row| kept.add(&row, self.joined))?;
                let low = reader.low(part.partition, PATIENCE)?;
                replay.progress_mut().account.explain(low);
                replay.progress_mut().finished = true;
            }
            self.bar.inc(replay.progress().next.abs_diff(before));
            if let Kept::File(file) = &mut kept {
                file.note(replay.progress_mut())?;
            }
            if over {
                break;
            }
        }
        drop(follow);
        let (judges, progress) = replay.into_parts();
        models.keep(judges);
        let tally = match kept {
            Kept::Tally(tally) => *tally,
            Kept::File(_) => Tally::default(),
        };
        Ok(Done { progress, tally })
    }

    /// What gates wrote on this part.
    fn recorded(&self, part: &Part) -> Result<Option<Recorded>> {
        let Some((start, end)) = part.verdicts else {
            return Ok(None);
        };
        let mut recorded = Recorded::default();
        let mut ids = self.ids.clone();
        let reader = LogReader::new(self.bus, self.verdicts_topic)?;
        let mut follow = reader.follow(Stretch {
            partition: part.partition,
            start,
            end,
        })?;
        loop {
            let records = follow.next(PIECE, PATIENCE)?;
            if records.is_empty() {
                return Ok(Some(recorded));
            }
            for record in records {
                let payload = record.payload.as_deref();
                ids.wait_long(payload)?;
                let verdict = weir_wire::decode_with::<Verdict>(&ids, payload.unwrap_or_default());
                match verdict {
                    Ok(verdict) => recorded.take(verdict, part.kind),
                    Err(_) => recorded.undecodable(),
                }
            }
        }
    }
}

/// Where the rows of a part go.
enum Kept {
    File(PartFile),
    Tally(Box<Tally>),
}

impl Kept {
    fn add(&mut self, row: &super::row::Row, joined: &Joined) -> Result<()> {
        match self {
            Self::File(file) => file.add(row),
            Self::Tally(tally) => {
                tally.take(row, joined);
                Ok(())
            }
        }
    }
}

/// A thread's models, which are large: they go from part to part, the rest of a judge does not.
#[derive(Default)]
struct Models(Vec<Option<Box<dyn Classifier>>>);

impl Models {
    fn judges(&mut self, arms: &[Arm]) -> Result<Vec<Judge>> {
        if self.0.is_empty() {
            for arm in arms {
                let model = match &arm.model_folder {
                    Some(folder) => Some(Box::new(FastModel::load(folder)?) as Box<dyn Classifier>),
                    None => None,
                };
                self.0.push(model);
            }
        }
        let clock = Clock::standing(weir_types::Micros::ZERO);
        let models = self.0.drain(..).zip(arms);
        Ok(models
            .map(|(model, arm)| arm.judges.judge_with(model, clock))
            .collect())
    }

    fn keep(&mut self, judges: Vec<Judge>) {
        self.0
            .extend(judges.into_iter().map(Judge::into_classifier));
    }
}

/// Prompts or streams.
enum Replay<'a> {
    Prompts(Box<Prompts<'a>>),
    Streams(Box<Streams<'a>>),
}

impl<'a> Replay<'a> {
    fn new(
        run: &Run<'a>,
        part: &Part,
        judges: Vec<Judge>,
        recorded: Option<Recorded>,
        mut progress: Progress,
    ) -> Self {
        progress.verdicts = recorded.as_ref().map(|it| it.found).unwrap_or_default();
        let topic = part.topic.as_str().into();
        let ids = run.ids.clone();
        match part.kind {
            Kind::Prompt => Self::Prompts(Box::new(Prompts {
                setup: run.setup,
                judges,
                recorded,
                topic,
                ids,
                progress,
            })),
            Kind::Stream => {
                let streams = Streams::new(run.setup, judges, recorded, topic, ids, progress);
                Self::Streams(Box::new(streams))
            }
        }
    }

    fn take(&mut self, records: &[InRecord], rows: &mut Rows<'_>) -> Result<()> {
        match self {
            Self::Prompts(prompts) => prompts.take(records, rows),
            Self::Streams(streams) => streams.take(records, rows),
        }
    }

    fn finish(&mut self, part: &Part, rows: &mut Rows<'_>) -> Result<()> {
        let progress = self.progress_mut();
        progress.account.skipped(progress.next, part.end);
        progress.next = part.end;
        match self {
            Self::Prompts(prompts) => {
                prompts.finish(part.is_all());
                Ok(())
            }
            Self::Streams(streams) => streams.finish(part.is_all(), rows),
        }
    }

    fn progress(&self) -> &Progress {
        match self {
            Self::Prompts(prompts) => &prompts.progress,
            Self::Streams(streams) => &streams.progress,
        }
    }

    fn progress_mut(&mut self) -> &mut Progress {
        match self {
            Self::Prompts(prompts) => &mut prompts.progress,
            Self::Streams(streams) => &mut streams.progress,
        }
    }

    fn into_parts(self) -> (Vec<Judge>, Progress) {
        match self {
            Self::Prompts(prompts) => (prompts.judges, prompts.progress),
            Self::Streams(streams) => streams.into_parts(),
        }
    }
}
