use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use flume::RecvTimeoutError;
use weir_bus::{BusError, Event, InRecord, LogReader, Reader, unix_ms};
use weir_infer::{Classifier, InferError};
use weir_policy::{PolicyError, PolicySet};
use weir_telemetry::{Condition, Health, Heartbeat, RescoreMetrics};
use weir_types::{Category, ModelScores, Outcome, UnjudgedCause};
use weir_wire::{Flagged, Influence, Moderation};

use crate::config::{Delivery, RescoreConfig};
use crate::feedback;
use crate::influence::influences;
use crate::intake;
use crate::judgement::{self, Beside, Look};
use crate::seen::Seen;
use crate::similar::{Similar, fingerprint};
use crate::sink::{Kind, Output, Progress, Sink, Written};
use crate::thinning::Thinning;

/// Records taken up together at most, and bytes of them: what a transaction holds.
const BATCH_RECORDS: usize = 64;
const BATCH_BYTES: usize = 1 << 20;
/// Records that wait in memory at most, before no more are taken from the reader.
const WAITING_RECORDS: usize = 4096;
/// How long the worker sleeps when nothing comes; also how soon it notices that it should stop.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// How long reading back what was written may take. Transactions that are open are waited for.
const READ_BACK_PATIENCE: Duration = Duration::from_secs(60);
/// Flagged records are kept for at most so long (topics/topics.yaml), and may so long be repeated.
const REMEMBER_MS: i64 = 24 * 3_600_000;
/// After a transaction that was aborted.
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// After a failure that takes a new start.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Why a rescorer does not start.
#[derive(Debug, thiserror::Error)]
pub enum RescoreError {
    /// The policies have problems.
    #[error("the policies cannot be used:\n{0}")]
    Policy(#[from] PolicyError),
    /// The cluster cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A running rescorer.
#[derive(Debug)]
pub struct Rescorer {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Rescorer {
    /// Loads the policies and starts to work.
    ///
    /// # Errors
    /// Whatever is wrong with policies or client options.
    pub fn start(
        config: RescoreConfig,
        classifier: Box<dyn Classifier>,
        metrics: RescoreMetrics,
        health: &Health,
    ) -> Result<Self, RescoreError> {
        config.bus.check()?;
        let policies = Arc::new(PolicySet::load(&config.policies)?);
        let config = Arc::new(config);
        if config.delivery == Delivery::AtLeastOnce {
            tracing::warn!("the broker has no transactions: a crash repeats moderation records");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let shared = Shared {
            heartbeat: health.heartbeat("weir-rescore"),
            ready: health.condition("weir-rescore", "waiting for partitions"),
            stop: Arc::clone(&stop),
            metrics: metrics.clone(),
        };
        let feedback = feedback::Shared {
            heartbeat: health.heartbeat("weir-feedback"),
            ready: health.condition("weir-feedback", "waiting for partitions"),
            stop: Arc::clone(&stop),
            metrics,
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(RescoreError::Thread)
        };
        let ours = (Arc::clone(&config), Arc::clone(&policies));
        let threads = vec![
            spawn(
                "weir-rescore",
                Box::new(move || supervise(&ours.0, &ours.1, classifier, &shared)),
            )?,
            spawn(
                "weir-feedback",
                Box::new(move || feedback::supervise(&config, &policies, &feedback)),
            )?,
        ];
        Ok(Self { stop, threads })
    }

    /// Finishes the batch under way, leaves the group.
    pub fn drain(self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the rescorer panicked");
            }
        }
    }
}

struct Shared {
    heartbeat: Heartbeat,
    ready: Condition,
    stop: Arc<AtomicBool>,
    metrics: RescoreMetrics,
}

/// Keeps the worker running: whatever ends it short of being asked to, it starts anew from what is committed.
fn supervise(
    config: &RescoreConfig,
    policies: &PolicySet,
    mut classifier: Box<dyn Classifier>,
    shared: &Shared,
) {
    while !shared.stop.load(Ordering::Acquire) {
        match Worker::start(config, policies, &mut *classifier, shared).and_then(Worker::run) {
            Ok(()) => return,
            Err(reason) => tracing::error!(reason, "the rescorer failed; starting anew"),
        }
        shared.ready.not_ok("starting anew after a failure");
        shared.heartbeat.beat();
        std::thread::sleep(RESTART_AFTER);
    }
}

/// A partition that is ours.
struct Owned {
    epoch: i64,
    seen: Seen,
}

struct Worker<'a> {
    config: &'a RescoreConfig,
    policies: &'a PolicySet,
    classifier: &'a mut dyn Classifier,
    shared: &'a Shared,
    topic: Arc<str>,
    reader: Reader,
    written: LogReader,
    sink: Sink,
    partitions: HashMap<i32, Owned>,
    waiting: VecDeque<InRecord>,
    similar: Similar,
}

/// A text that is being looked at.
struct Case {
    partition: i32,
    flagged: Flagged,
    /// `Some`: no need to look.
    look: Option<Look>,
    flagged_at_ms: i64,
}

/// What comes of a batch, before it is known whether its partitions are still ours.
#[derive(Default)]
struct Batch {
    outputs: Vec<Output>,
    progress: Vec<Progress>,
    moderations: Vec<(i32, Moderation)>,
}

impl<'a> Worker<'a> {
    fn start(
        config: &'a RescoreConfig,
        policies: &'a PolicySet,
        classifier: &'a mut dyn Classifier,
        shared: &'a Shared,
    ) -> Result<Self, String> {
        let text = |error: BusError| error.to_string();
        let committed = config.bus.read_committed();
        // Before the group is joined: it ends what a former start left open.
        let sink = Sink::new(config).map_err(text)?;
        Ok(Self {
            topic: config.topics.flagged.as_str().into(),
            written: LogReader::new(&committed, &config.topics.moderation).map_err(text)?,
            reader: Reader::start(&committed, &config.group, &config.topics.flagged)
                .map_err(text)?,
            sink,
            config,
            policies,
            classifier,
            shared,
            partitions: HashMap::new(),
            waiting: VecDeque::new(),
            similar: Similar::default(),
        })
    }

    fn run(mut self) -> Result<(), String> {
        let ended = loop {
            if self.shared.stop.load(Ordering::Acquire) {
                break Ok(());
            }
            let turned = self
                .take_events(IDLE_WAIT)
                .and_then(|()| self.work())
                .map(|()| self.update_gauges());
            self.shared.heartbeat.beat();
            if let Err(reason) = turned {
                break Err(reason);
            }
        };
        self.reader.close();
        ended
    }

    /// Takes in what the reader has to tell; waits for something if there is nothing to do.
    fn take_events(&mut self, wait: Duration) -> Result<(), String> {
        let mut wait = if self.waiting.is_empty() {
            wait
        } else {
            Duration::ZERO
        };
        while self.waiting.len() < WAITING_RECORDS {
            match self.reader.events().recv_timeout(wait) {
                Ok(event) => self.on_event(event)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the reader thread ended".to_owned());
                }
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    fn on_event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Records(batch) => {
                self.reader.taken(batch.records.len());
                self.waiting.extend(batch.records);
            }
            Event::Assigned(partitions) => self.on_assigned(&partitions)?,
            Event::Revoked { partitions, done } => {
                self.forget(&partitions);
                let _ = done.send(());
            }
            Event::Lost(partitions) => self.forget(&partitions),
            Event::Failed(reason) => return Err(reason),
        }
        Ok(())
    }

    /// Reads which texts of these partitions have been looked at.
    fn on_assigned(&mut self, partitions: &[(i32, i64)]) -> Result<(), String> {
        let numbers: Vec<i32> = partitions.iter().map(|(number, _)| *number).collect();
        let now = unix_ms();
        let log = self
            .written
            .read_since(&numbers, now - REMEMBER_MS, READ_BACK_PATIENCE)
            .map_err(|error| error.to_string())?;
        for (partition, epoch) in partitions {
            let owned = Owned {
                epoch: *epoch,
                seen: Seen::default(),
            };
            self.partitions.insert(*partition, owned);
        }
        let records = log.records.len();
        for record in log.records {
            // What cannot be read is nothing that this version wrote.
            let payload = record.payload.as_deref().unwrap_or_default();
            if let Ok(known) = weir_wire::decode::<Moderation>(payload) {
                self.remember(record.partition, &known, record.timestamp_ms);
            }
        }
        tracing::info!(?partitions, records, "partitions assigned");
        self.shared.ready.ok();
        Ok(())
    }

    fn remember(&mut self, partition: i32, known: &Moderation, written_ms: i64) {
        if let Some(owned) = self.partitions.get_mut(&partition) {
            let before = unix_ms() - REMEMBER_MS;
            owned.seen.insert(&known.moderation_id, written_ms, before);
        }
        self.similar
            .insert(&known.fingerprint, &known.moderation_id);
    }

    fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.partitions.remove(partition);
            self.shared.metrics.forget_partition(*partition);
        }
        self.waiting
            .retain(|record| !partitions.contains(&record.partition));
        if self.partitions.is_empty() {
            self.shared.ready.not_ok("waiting for partitions");
        }
    }

    /// Looks at what waits, one batch of it, and writes what comes of it.
    fn work(&mut self) -> Result<(), String> {
        let records = self.next_batch();
        if records.is_empty() {
            return Ok(());
        }
        let mut batch = self.look_at(&records);
        loop {
            // In this order: a partition that is not given back by now was ours in that generation, and one
            // that is given back later brings another.
            let Some(member) = self.reader.committer().membership() else {
                return Err("the consumer is beyond repair".to_owned());
            };
            self.take_events(Duration::ZERO)?;
            self.leave_out_what_is_not_ours(&mut batch);
            if batch.progress.is_empty() {
                return Ok(());
            }
            let written = self.sink.write(
                &self.config.topics,
                &batch.outputs,
                &batch.progress,
                self.reader.committer(),
                &member,
            )?;
            match written {
                Written::Done => break,
                Written::Not(reason) => {
                    tracing::warn!(reason, "nothing of the batch was written; trying again");
                    self.shared.metrics.aborted.inc();
                    self.shared.heartbeat.beat();
                    if self.shared.stop.load(Ordering::Acquire) {
                        return Ok(());
                    }
                    std::thread::sleep(RETRY_AFTER);
                }
            }
        }
        let now = unix_ms();
        for (partition, written) in std::mem::take(&mut batch.moderations) {
            self.shared.metrics.moderation(written.outcome).inc();
            self.shared.metrics.flagged_to_moderation.observe(
                Duration::from_millis((now - written.flagged_at_ms).max(0).unsigned_abs())
                    .as_secs_f64(),
            );
            self.remember(partition, &written, now);
        }
        Ok(())
    }

    fn next_batch(&mut self) -> Vec<InRecord> {
        let mut records = Vec::new();
        let mut bytes = 0;
        while records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
            let Some(record) = self.waiting.pop_front() else {
                break;
            };
            bytes += record.bytes();
            records.push(record);
        }
        records
    }

    fn leave_out_what_is_not_ours(&self, batch: &mut Batch) {
        let lost: Vec<i32> = batch
            .progress
            .iter()
            .filter(|done| {
                let owned = self.partitions.get(&done.partition);
                owned.is_none_or(|owned| owned.epoch != done.epoch)
            })
            .map(|done| done.partition)
            .collect();
        if lost.is_empty() {
            return;
        }
        let ours = |partition: i32| !lost.contains(&partition);
        batch.progress.retain(|done| ours(done.partition));
        batch.outputs.retain(|output| ours(output.partition));
        batch.moderations.retain(|(partition, _)| ours(*partition));
    }

    /// What comes of records; nothing is written yet.
    fn look_at(&mut self, records: &[InRecord]) -> Batch {
        let mut batch = Batch::default();
        let mut cases: Vec<Case> = Vec::with_capacity(records.len());
        let waiting = self.waiting.len() + self.reader.depth();
        let behind: i64 = self.reader.lag().iter().map(|(_, lag)| *lag).sum();
        let behind = behind.max(i64::try_from(waiting).unwrap_or(i64::MAX));
        let thinning = Thinning::for_lag(behind, self.config.thin_above);
        for record in records {
            let Some(owned) = self.partitions.get(&record.partition) else {
                continue;
            };
            progress(&mut batch.progress, record, owned.epoch);
            let mut flagged = match intake::flagged(&self.topic, record) {
                Ok(flagged) => flagged,
                Err(letter) => {
                    self.shared.metrics.dead_letters.inc();
                    tracing::warn!(
                        partition = record.partition,
                        offset = record.offset,
                        reason = letter.reason.as_str(),
                        "dead letter"
                    );
                    let key = record.key.clone();
                    push(
                        &mut batch.outputs,
                        record.partition,
                        Kind::DeadLetter,
                        key,
                        &*letter,
                    );
                    continue;
                }
            };
            let id = judgement::moderation_id(&flagged.verdict_id, self.classifier.describe());
            let twice = |case: &Case| case.flagged.verdict_id == flagged.verdict_id;
            if owned.seen.contains(&id) || cases.iter().any(twice) {
                self.shared.metrics.repeated.inc();
                continue;
            }
            let kept = thinning.keeps(&mut flagged, &self.config.fingerprint_key);
            cases.push(Case {
                partition: record.partition,
                flagged,
                look: (!kept).then_some(Look::Unjudged(UnjudgedCause::Shed)),
                flagged_at_ms: record.timestamp_ms,
            });
        }
        self.score(&mut cases);
        for case in cases {
            let moderation = self.moderation(&case);
            let key = Some(moderation.request_id.clone().into_bytes());
            push(
                &mut batch.outputs,
                case.partition,
                Kind::Moderation,
                key,
                &moderation,
            );
            batch.moderations.push((case.partition, moderation));
        }
        batch
    }

    /// Scores what is to be looked at. Where the model fails on a batch, each text is tried by itself, so that one
    /// costs none of the others their second look.
    fn score(&mut self, cases: &mut [Case]) {
        let texts: Vec<String> = cases
            .iter()
            .filter(|case| case.look.is_none())
            .map(|case| String::from_utf8_lossy(&case.flagged.text).into_owned())
            .collect();
        if texts.is_empty() {
            return;
        }
        let metrics = &self.shared.metrics;
        metrics.batch_texts.observe(count(texts.len()));
        let began = std::time::Instant::now();
        let references: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut scores = Vec::with_capacity(texts.len());
        let looks: Vec<Look> = match self.classifier.classify(&references, &mut scores) {
            Ok(()) => scores.into_iter().map(judged).collect(),
            Err(error) => {
                tracing::error!(%error, texts = texts.len(), "scoring failed; trying the texts one by one");
                references
                    .iter()
                    .map(|text| self.score_alone(text))
                    .collect()
            }
        };
        let metrics = &self.shared.metrics;
        metrics.score_seconds.inc_by(began.elapsed().as_secs_f64());
        let open = cases.iter_mut().filter(|case| case.look.is_none());
        for (case, look) in open.zip(looks) {
            case.look = Some(look);
        }
    }

    fn score_alone(&mut self, text: &str) -> Look {
        let mut scores = Vec::with_capacity(1);
        match self.classifier.classify(&[text], &mut scores) {
            Ok(()) => scores
                .pop()
                .map_or(Look::Unjudged(UnjudgedCause::Failed), judged),
            Err(error) => {
                tracing::error!(%error, "a text could not be scored");
                Look::Unjudged(UnjudgedCause::Failed)
            }
        }
    }

    fn moderation(&mut self, case: &Case) -> Moderation {
        let policy = self.policies.for_tenant(&case.flagged.tenant);
        let text = String::from_utf8_lossy(&case.flagged.text);
        let fingerprint = fingerprint(&self.config.fingerprint_key, &text);
        let look = case
            .look
            .clone()
            .unwrap_or(Look::Unjudged(UnjudgedCause::Failed));
        let beside = Beside {
            similar: self.similar.to(&fingerprint),
            fingerprint,
            influences: Vec::new(),
            flagged_at_ms: case.flagged_at_ms,
            rescored_at_ms: unix_ms(),
        };
        let model = self.classifier.describe().clone();
        let mut moderation = judgement::moderation(&case.flagged, &look, policy, &model, beside);
        if let (Look::Judged(scores), true) = (&look, is_top(&moderation)) {
            match self.influences(&case.flagged, &moderation, scores) {
                Ok(influences) => moderation.influences = influences,
                Err(error) => tracing::warn!(%error, "what moved a score is not told"),
            }
        }
        moderation
    }

    /// What moved the score of the category that is farthest above its threshold.
    fn influences(
        &mut self,
        flagged: &Flagged,
        moderation: &Moderation,
        scores: &ModelScores,
    ) -> Result<Vec<Influence>, InferError> {
        // Positions are those of the text's bytes, which broken ones would shift.
        let Ok(text) = std::str::from_utf8(&flagged.text) else {
            return Ok(Vec::new());
        };
        let margins = moderation.heavy_scores.iter();
        let category = margins
            .max_by(|one, other| one.margin.total_cmp(&other.margin))
            .map_or(Category::Illicit, |score| score.category);
        influences(self.classifier, text, flagged.byte_start, category, scores)
    }

    fn update_gauges(&self) {
        for (partition, lag) in self.reader.lag() {
            if self.partitions.contains_key(&partition) {
                self.shared.metrics.lag(partition).set(lag);
            }
        }
    }
}

/// What a person looks at first.
fn is_top(moderation: &Moderation) -> bool {
    moderation.queue == "critical" || moderation.outcome == Outcome::Tightened
}

/// A score that is no number is none.
fn judged(scores: ModelScores) -> Look {
    let numbers = scores.raw.iter().chain(&scores.calibrated);
    if numbers
        .chain([&scores.any_harm])
        .all(|value| value.is_finite())
    {
        Look::Judged(scores)
    } else {
        Look::Unjudged(UnjudgedCause::Failed)
    }
}

fn progress(list: &mut Vec<Progress>, record: &InRecord, epoch: i64) {
    let next = record.offset + 1;
    match list
        .iter_mut()
        .find(|known| known.partition == record.partition)
    {
        Some(known) => known.next = known.next.max(next),
        None => list.push(Progress {
            partition: record.partition,
            epoch,
            next,
        }),
    }
}

fn push(
    outputs: &mut Vec<Output>,
    partition: i32,
    kind: Kind,
    key: Option<Vec<u8>>,
    record: &impl weir_wire::Record,
) {
    let mut payload = Vec::new();
    if let Err(error) = weir_wire::encode(record, &mut payload) {
        tracing::error!(%error, "a record could not be encoded");
        return;
    }
    outputs.push(Output {
        partition,
        kind,
        key,
        payload,
    });
}

fn count(texts: usize) -> f64 {
    u32::try_from(texts).map_or(f64::INFINITY, f64::from)
}
