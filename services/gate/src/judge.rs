use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use weir_detect::StateError;
use weir_infer::Classifier;
use weir_lane::{
    Arrival, ChunkInput, Completion, InferJob, Judged, Lane, PromptInput, Refusal, SavedStream,
    Step, StreamJudged, StreamStep, Taken, Timed,
};
use weir_types::{Micros, ModelScores, Source, UnjudgedCause};

use crate::clock::Clock;

/// Drives a [`Lane`] with a clock and a classifier, on the caller's thread.
///
/// The classifier runs here and not on a thread of its own: at some ten microseconds a prompt a
/// hop there and back would cost more than the work (see the ADR on the lane model).
pub struct Judge {
    lane: Lane,
    classifier: Option<Box<dyn Classifier>>,
    clock: Clock,
    classifier_cpu_seconds: f64,
}

/// The answer to one prompt of a batch.
#[derive(Debug)]
pub struct Answer {
    /// Position in the batch.
    pub index: usize,
    /// The verdict and what goes with it.
    pub judged: Judged,
    /// Judging it panicked: the record is to be looked at.
    pub panicked: bool,
}

/// A prompt that waits for the classifier.
struct Waiting {
    index: usize,
    source: Source,
    job: InferJob,
    rules_us: i64,
    queued: Micros,
}

/// How the classifier fared on one prompt.
struct Outcome {
    scores: Option<ModelScores>,
    panicked: bool,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

impl Judge {
    /// A judge; `classifier` must be the one that the lane was told of.
    #[must_use]
    pub fn new(lane: Lane, classifier: Option<Box<dyn Classifier>>, clock: Clock) -> Self {
        Self {
            lane,
            classifier,
            clock,
            classifier_cpu_seconds: 0.0,
        }
    }

    /// Judges prompts together: each gets exactly one answer, in no particular order.
    pub fn judge(&mut self, prompts: Vec<PromptInput>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(prompts.len());
        let mut waiting = Vec::with_capacity(prompts.len());
        for (index, prompt) in prompts.into_iter().enumerate() {
            let taken_up = self.clock.now();
            let source = prompt.source.clone();
            let (epoch, request_id, arrival) = (
                prompt.owner_epoch,
                prompt.request_id.clone(),
                prompt.arrival,
            );
            let step = catch_unwind(AssertUnwindSafe(|| self.lane.on_prompt(prompt, taken_up)));
            let queued = self.clock.now();
            let rules_us = microseconds(queued.since(taken_up));
            match step {
                Ok(Step::Verdict(mut judged)) => {
                    judged.stamp_rules(rules_us);
                    answers.push(Answer {
                        index,
                        judged: *judged,
                        panicked: false,
                    });
                }
                Ok(Step::Judge(job)) => {
                    waiting.push(Waiting {
                        index,
                        source,
                        job,
                        rules_us,
                        queued,
                    });
                }
                Err(_) => {
                    let judged =
                        self.unreadable(source, epoch, request_id, UnjudgedCause::Failed, arrival);
                    answers.push(Answer {
                        index,
                        judged,
                        panicked: true,
                    });
                }
            }
        }
        self.classify(waiting, &mut answers);
        answers
    }

    /// Judges a prompt without the classifier, for the reason given; see [`Lane::on_prompt_without`].
    pub fn judge_without(&mut self, prompt: PromptInput, refusal: Refusal) -> Answer {
        let now = self.clock.now();
        let (source, epoch, request_id, arrival) = (
            prompt.source.clone(),
            prompt.owner_epoch,
            prompt.request_id.clone(),
            prompt.arrival,
        );
        let judged = catch_unwind(AssertUnwindSafe(|| {
            self.lane.on_prompt_without(prompt, refusal, now)
        }));
        let panicked = judged.is_err();
        let failed = |_| self.unreadable(source, epoch, request_id, UnjudgedCause::Failed, arrival);
        Answer {
            index: 0,
            judged: judged.unwrap_or_else(failed),
            panicked,
        }
    }

    /// Turns the clock: a replay judges by its records' time.
    pub const fn set_clock(&mut self, clock: Clock) {
        self.clock = clock;
    }

    /// The classifier, for another judge.
    #[must_use]
    pub fn into_classifier(self) -> Option<Box<dyn Classifier>> {
        self.classifier
    }

    /// The verdict on a record that could not be read.
    #[must_use]
    pub fn unreadable(
        &self,
        source: Source,
        owner_epoch: i64,
        request_id: String,
        cause: UnjudgedCause,
        arrival: Arrival,
    ) -> Judged {
        self.lane.on_unreadable(
            source,
            owner_epoch,
            request_id,
            cause,
            arrival,
            self.clock.now(),
        )
    }

    /// Whether the classifier is being held back after failures.
    #[must_use]
    pub const fn circuit_open(&self) -> bool {
        self.lane.circuit_open()
    }

    /// Processor time that the classifier took since this was last asked, seconds.
    pub fn take_classifier_cpu_seconds(&mut self) -> f64 {
        std::mem::take(&mut self.classifier_cpu_seconds)
    }

    /// Takes in a chunk; [`Judge::answer_streams`] says what comes of it. On streams the time is the
    /// caller's, so that they can be judged under a clock that stands still.
    ///
    /// # Errors
    /// Judging it panicked: the last verdict on its stream, unless the fail mode lets that go on.
    pub fn take_chunk(
        &mut self,
        chunk: ChunkInput,
        now: Micros,
    ) -> Result<Taken, Option<Box<StreamJudged>>> {
        let stream_id = chunk.stream_id.clone();
        catch_unwind(AssertUnwindSafe(|| self.lane.on_chunk(chunk, now)))
            .map_err(|_| self.lane.fail_stream(&stream_id, now).map(Box::new))
    }

    /// The verdict on every stream that took something in since this was last called. `clock` tells the
    /// time before and after the classifier.
    pub fn answer_streams(&mut self, clock: impl Fn() -> Micros) -> Vec<StreamJudged> {
        let begun = clock();
        let steps = self.lane.answer(begun);
        self.carry_out(steps, begun, clock)
    }

    /// Answers one stream alone, under a clock that stands still; see [`Lane::answer_stream`].
    pub fn answer_stream(
        &mut self,
        stream_id: &str,
        refusal: Option<Refusal>,
        now: Micros,
    ) -> Option<StreamJudged> {
        let step = self.lane.answer_stream(stream_id, refusal, now)?;
        self.carry_out([step], now, || now).pop()
    }

    /// What a verdict on the stream would cover now; see [`Lane::due_verdict`].
    #[must_use]
    pub fn due_verdict(&self, stream_id: &str) -> Option<(String, i64)> {
        self.lane.due_verdict(stream_id)
    }

    /// The verdicts on streams that time has brought about where it had before; see [`Lane::on_stream_tick_if`].
    pub fn tick_streams_if(
        &mut self,
        now: Micros,
        happened: impl Fn(&str, &Timed) -> bool,
    ) -> Vec<StreamJudged> {
        self.lane.on_stream_tick_if(now, happened)
    }

    /// Ends a stream's gap or hold, or the stream; see [`Lane::hurry_stream`].
    pub fn hurry_stream(
        &mut self,
        stream_id: &str,
        silence: bool,
        happened: impl Fn(&Timed) -> bool,
    ) -> Option<StreamJudged> {
        self.lane.hurry_stream(stream_id, silence, happened)
    }

    fn carry_out(
        &mut self,
        steps: impl IntoIterator<Item = StreamStep>,
        begun: Micros,
        clock: impl Fn() -> Micros,
    ) -> Vec<StreamJudged> {
        let mut judged = Vec::new();
        let mut jobs = Vec::new();
        for step in steps {
            match step {
                StreamStep::Verdict(decided) => judged.push(*decided),
                StreamStep::Judge(job) => jobs.push(job),
            }
        }
        if jobs.is_empty() {
            return judged;
        }
        let cpu_before = thread_cpu_seconds();
        let outcomes = self.score_all(&jobs.iter().collect::<Vec<_>>());
        self.classifier_cpu_seconds += thread_cpu_seconds() - cpu_before;
        let done = clock();
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            let completion = Completion {
                id: job.id,
                scores: outcome.scores,
                rules_us: 0,
                classify_us: microseconds(done.since(begun)),
            };
            judged.extend(self.lane.on_window(&completion, done));
        }
        judged
    }

    /// The verdicts on streams that time has brought about.
    pub fn tick_streams(&mut self, now: Micros) -> Vec<StreamJudged> {
        self.lane.on_stream_tick(now)
    }

    /// When [`Judge::tick_streams`] next has something to do.
    #[must_use]
    pub fn next_stream_deadline(&self) -> Option<Micros> {
        self.lane.next_stream_deadline()
    }

    /// Streams to be saved: those that have had to be read again from the same chunk on for so long, at
    /// most so many; see [`Lane::streams_to_save`].
    pub fn streams_to_save(
        &mut self,
        now: Micros,
        pinned_for: Micros,
        most: usize,
    ) -> Vec<Arc<str>> {
        self.lane.streams_to_save(now, pinned_for, most)
    }

    /// Streams of these partitions that have to be read again from some chunk on.
    #[must_use]
    pub fn pinned_streams(&self, partitions: &[i32]) -> Vec<Arc<str>> {
        self.lane.pinned_streams(partitions)
    }

    /// A stream as its next owner can go on with it; see [`Lane::save_stream`].
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn save_stream(&self, id: &str, now: Micros) -> Result<Option<SavedStream>, StateError> {
        self.lane.save_stream(id, now)
    }

    /// The chunk from which a stream need not be read again any more; see [`Lane::unpin_stream`].
    pub fn unpin_stream(&mut self, id: &str) -> Option<Source> {
        self.lane.unpin_stream(id)
    }

    /// Goes on with a stream that was saved.
    ///
    /// # Errors
    /// It cannot be gone on with; what comes of it is judged as after a gap. The reason, without text.
    pub fn restore_stream(
        &mut self,
        saved: SavedStream,
        owner_epoch: i64,
        now: Micros,
    ) -> Result<(), String> {
        let restored = catch_unwind(AssertUnwindSafe(|| {
            self.lane.restore_stream(saved, owner_epoch, now)
        }));
        match restored {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(_) => Err("restoring it panicked".to_owned()),
        }
    }

    /// A chunk of this request cannot be read: what its streams come to.
    pub fn unreadable_chunk(&mut self, request_id: &str, now: Micros) -> Vec<StreamJudged> {
        self.lane.on_unreadable_chunk(request_id, now)
    }

    /// Others own these partitions and their streams from now on.
    pub fn forget_streams(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.lane.forget_partition(*partition);
        }
    }

    /// Streams that are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.lane.open_streams()
    }

    fn classify(&mut self, mut waiting: Vec<Waiting>, answers: &mut Vec<Answer>) {
        if waiting.is_empty() {
            return;
        }
        let begun = self.clock.now();
        for judged in self.lane.on_tick(begun) {
            let position = waiting
                .iter()
                .position(|entry| entry.source == judged.source);
            if let Some(position) = position {
                let index = waiting.swap_remove(position).index;
                answers.push(Answer {
                    index,
                    judged,
                    panicked: false,
                });
            }
        }
        let cpu_before = thread_cpu_seconds();
        let outcomes = self.score_all(&waiting.iter().map(|entry| &entry.job).collect::<Vec<_>>());
        self.classifier_cpu_seconds += thread_cpu_seconds() - cpu_before;
        let done = self.clock.now();
        for (entry, outcome) in waiting.into_iter().zip(outcomes) {
            let completion = Completion {
                id: entry.job.id,
                scores: outcome.scores,
                rules_us: entry.rules_us,
                classify_us: microseconds(done.since(entry.queued)),
            };
            if let Some(judged) = self.lane.on_completion(&completion, done) {
                answers.push(Answer {
                    index: entry.index,
                    judged,
                    panicked: outcome.panicked,
                });
            }
        }
    }

    /// Scores all together; should that fail, each alone, so that one bad text harms no other.
    fn score_all(&mut self, jobs: &[&InferJob]) -> Vec<Outcome> {
        if let Ok(Some(scores)) = self.score(jobs) {
            return scores
                .into_iter()
                .map(|scores| Outcome {
                    scores: Some(scores),
                    panicked: false,
                })
                .collect();
        }
        jobs.iter()
            .map(|job| match self.score(&[*job]) {
                Ok(scores) => Outcome {
                    scores: scores.and_then(|scores| scores.into_iter().next()),
                    panicked: false,
                },
                Err(Panicked) => Outcome {
                    scores: None,
                    panicked: true,
                },
            })
            .collect()
    }

    /// One pooled score per job; `None` when the classifier failed.
    fn score(&mut self, jobs: &[&InferJob]) -> Result<Option<Vec<ModelScores>>, Panicked> {
        let Some(classifier) = &mut self.classifier else {
            return Ok(None);
        };
        let texts: Vec<&str> = jobs
            .iter()
            .flat_map(|job| job.texts.iter().map(String::as_str))
            .collect();
        let mut scores = Vec::with_capacity(texts.len());
        match catch_unwind(AssertUnwindSafe(|| {
            classifier.classify(&texts, &mut scores)
        })) {
            Err(_) => return Err(Panicked),
            Ok(Err(error)) => {
                tracing::warn!(%error, texts = texts.len(), "classifier failed");
                return Ok(None);
            }
            Ok(Ok(())) => {}
        }
        let mut scores = scores.into_iter();
        Ok(jobs
            .iter()
            .map(|job| pool(scores.by_ref().take(job.texts.len())))
            .collect())
    }
}

/// The classifier panicked; what it said of whom is unknown.
struct Panicked;

/// A prompt without segments has no text and scores as nothing.
fn pool(scores: impl Iterator<Item = ModelScores>) -> Option<ModelScores> {
    scores.reduce(|pooled, next| pooled.worse(&next))
}

fn thread_cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    #[expect(
        clippy::cast_precision_loss,
        reason = "seconds of processor time stay far below 2^53"
    )]
    let seconds = time.tv_sec as f64 + time.tv_nsec as f64 / 1e9;
    seconds
}

pub(crate) fn microseconds(duration: Micros) -> i64 {
    i64::try_from(duration.0).unwrap_or(i64::MAX)
}
