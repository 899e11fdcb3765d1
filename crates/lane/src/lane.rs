use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use weir_detect::{Detector, Match};
use weir_policy::{Policy, PolicySet};
use weir_types::{FingerprintKey, Micros, ModelRef, ModelScores, Source, Unjudged, UnjudgedCause};

use crate::age::AgeEstimator;
use crate::assemble::{self, CLASSIFIER, Identity, RULES, Ruled, offset};
use crate::circuit::Circuit;
use crate::input::{Arrival, Completion, InferJob, JobId, Judged, PromptInput, Step};
use crate::language::SpokenIn;
use crate::stream::Streams;

/// What a lane is made with.
#[derive(Debug, Clone)]
pub struct LaneConfig {
    /// Under which matched text is fingerprinted.
    pub fingerprint_key: FingerprintKey,
    /// The classifier that jobs go to; `None`: rules only.
    pub classifier: Option<ModelRef>,
    /// With more records than this waiting, prompts are judged by rules alone.
    pub shed_above: usize,
}

impl LaneConfig {
    /// What the classifier said, as the policy calibrates it.
    pub(crate) fn calibrated(
        &self,
        scores: &ModelScores,
        policy: &Policy,
        language: &SpokenIn,
    ) -> ModelScores {
        self.classifier.as_ref().map_or(*scores, |model| {
            policy.calibrated(scores, model, &language.tag)
        })
    }
}

/// The state of one lane. See the crate's documentation.
#[derive(Debug)]
pub struct Lane {
    pub(crate) policies: Arc<PolicySet>,
    pub(crate) detector: Arc<Detector>,
    pub(crate) config: LaneConfig,
    pub(crate) streams: Streams,
    ages: AgeEstimator,
    pub(crate) circuit: Circuit,
    next_job: u64,
    pending: HashMap<JobId, Pending>,
    /// Deadlines of `pending`, soonest first.
    deadlines: BTreeSet<(Micros, JobId)>,
    /// Scratch, kept to spare the allocation.
    matches: Vec<Match>,
}

/// A prompt that waits for the classifier, its rules already done.
#[derive(Debug)]
struct Pending {
    prompt: Ruled,
    deadline: Micros,
}

impl Lane {
    /// A lane under these policies and rules.
    #[must_use]
    pub fn new(policies: Arc<PolicySet>, detector: Arc<Detector>, config: LaneConfig) -> Self {
        Self {
            streams: Streams::new(&policies, &detector),
            policies,
            detector,
            config,
            ages: AgeEstimator::default(),
            circuit: Circuit::new(),
            next_job: 0,
            pending: HashMap::new(),
            deadlines: BTreeSet::new(),
            matches: Vec::new(),
        }
    }

    /// Judges a prompt by the rules and decides whether the classifier is to be asked.
    pub fn on_prompt(&mut self, input: PromptInput, now: Micros) -> Step {
        let policy = Arc::clone(self.policies.for_tenant(&input.tenant));
        let age = self.ages.age(
            &input.worker_id,
            input.arrival.produced_at_ms,
            input.arrival.received_at_ms,
        );
        let budget = input.budget.unwrap_or(policy.budget);
        let deadline = input.arrival.received.plus(budget.since(age));

        let (segments, prompt) = self.apply_rules(input, policy, now);
        let required = prompt.policy.required.classifier;
        match self.refusal(required, prompt.arrival.queued_behind, deadline, now) {
            None => {
                let mut texts: Vec<String> = segments.into_iter().map(lossy_utf8).collect();
                if texts.is_empty() {
                    // No text at all scores as the empty text, not as a failure.
                    texts.push(String::new());
                }
                let job = self.new_job(texts, deadline);
                self.deadlines.insert((deadline, job.id));
                self.pending.insert(job.id, Pending { prompt, deadline });
                Step::Judge(job)
            }
            Some(refusal) => Step::Verdict(Box::new(self.without_classifier(prompt, refusal, now))),
        }
    }

    /// Judges a prompt by the rules alone, for the reason given: what an earlier verdict says that it lacked, a replay
    /// does without, too.
    pub fn on_prompt_without(
        &mut self,
        input: PromptInput,
        refusal: Refusal,
        now: Micros,
    ) -> Judged {
        let policy = Arc::clone(self.policies.for_tenant(&input.tenant));
        let (_, prompt) = self.apply_rules(input, policy, now);
        self.without_classifier(prompt, refusal, now)
    }

    /// Takes in the classifier's answer. `None` when the prompt has been decided without it.
    pub fn on_completion(&mut self, completion: &Completion, now: Micros) -> Option<Judged> {
        self.circuit.record(completion.scores.is_some(), now);
        let Pending {
            mut prompt,
            deadline,
        } = self.pending.remove(&completion.id)?;
        self.deadlines.remove(&(deadline, completion.id));
        match &completion.scores {
            None => prompt
                .unjudged
                .push(unjudged(CLASSIFIER, UnjudgedCause::Failed)),
            Some(scores) if scores.truncated => {
                prompt
                    .unjudged
                    .push(unjudged(CLASSIFIER, UnjudgedCause::Truncated));
            }
            Some(_) => {}
        }
        let scores = (completion.scores.as_ref()).map(|scores| {
            self.config
                .calibrated(scores, &prompt.policy, &prompt.identity.language)
        });
        let mut judged = self.verdict(prompt, scores.as_ref(), now);
        judged.verdict.times.rules_us = completion.rules_us;
        judged.verdict.times.classify_us = completion.classify_us;
        Some(judged)
    }

    /// When [`Lane::on_tick`] next has something to do.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Micros> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Decides, by rules alone, every prompt whose deadline has come.
    pub fn on_tick(&mut self, now: Micros) -> Vec<Judged> {
        let mut judged = Vec::new();
        while let Some((deadline, id)) = self.deadlines.first().copied()
            && deadline <= now
        {
            self.deadlines.pop_first();
            if let Some(Pending { prompt, .. }) = self.pending.remove(&id) {
                let expired = Refusal::Because(UnjudgedCause::Expired);
                judged.push(self.without_classifier(prompt, expired, now));
            }
        }
        judged
    }

    /// The verdict on a record that cannot be judged at all (undecodable, or judging it
    /// panicked): the default policy's fail mode decides.
    #[must_use]
    pub fn on_unreadable(
        &self,
        source: Source,
        owner_epoch: i64,
        request_id: String,
        cause: UnjudgedCause,
        arrival: Arrival,
        now: Micros,
    ) -> Judged {
        let prompt = Ruled {
            identity: Identity {
                source,
                owner_epoch,
                request_id,
                tenant: String::new(),
                worker_id: String::new(),
                language: SpokenIn::of(&[], None),
            },
            policy: Arc::clone(self.policies.for_tenant("")),
            findings: assemble::Findings::default(),
            text_bytes: 0,
            unjudged: vec![unjudged(assemble::RECORD, cause)],
            arrival,
            taken_up: now,
        };
        self.verdict(prompt, None, now)
    }

    /// Prompts that wait for the classifier.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    /// Whether the classifier is being held back after failures.
    #[must_use]
    pub const fn circuit_open(&self) -> bool {
        self.circuit.is_open()
    }

    fn apply_rules(
        &mut self,
        input: PromptInput,
        policy: Arc<Policy>,
        now: Micros,
    ) -> (Vec<Vec<u8>>, Ruled) {
        let mut segments = input.segments;
        let text_bytes = segments.iter().map(Vec::len).sum::<usize>();
        let mut unjudged_by = Vec::new();
        if text_bytes > policy.max_text_bytes {
            cut_to(&mut segments, policy.max_text_bytes);
            unjudged_by.push(unjudged(RULES, UnjudgedCause::Truncated));
        }
        self.matches.clear();
        let mut findings = assemble::Findings::default();
        let mut base = 0;
        for segment in &segments {
            self.detector.scan(segment, offset(base), &mut self.matches);
            for found in self.matches.drain(..) {
                if !policy.applies_to_prompts(&found.rule) {
                    continue;
                }
                findings.add(&found, segment, base, &policy, &self.config.fingerprint_key);
            }
            base += segment.len();
        }
        let prompt = Ruled {
            identity: Identity {
                source: input.source,
                owner_epoch: input.owner_epoch,
                request_id: input.request_id,
                tenant: input.tenant,
                worker_id: input.worker_id,
                language: SpokenIn::of(&segments, input.locale_hint),
            },
            policy,
            findings,
            text_bytes: offset(text_bytes),
            unjudged: unjudged_by,
            arrival: input.arrival,
            taken_up: now,
        };
        (segments, prompt)
    }

    pub(crate) fn new_job(&mut self, texts: Vec<String>, deadline: Micros) -> InferJob {
        let id = JobId(self.next_job);
        self.next_job += 1;
        InferJob {
            id,
            texts,
            deadline,
        }
    }

    /// Why the classifier is not asked, if it is not.
    pub(crate) fn refusal(
        &mut self,
        required: bool,
        queued_behind: usize,
        deadline: Micros,
        now: Micros,
    ) -> Option<Refusal> {
        if self.config.classifier.is_none() {
            return Some(if required {
                Refusal::Because(UnjudgedCause::Failed)
            } else {
                Refusal::NotInstalled
            });
        }
        if deadline <= now {
            return Some(Refusal::Because(UnjudgedCause::Expired));
        }
        // Only an advisory detector is shed; a required one keeps its place in the queue.
        if queued_behind > self.config.shed_above && !required {
            return Some(Refusal::Because(UnjudgedCause::Shed));
        }
        if !self.circuit.admit(now) {
            return Some(Refusal::Because(UnjudgedCause::Failed));
        }
        None
    }

    fn verdict(&self, prompt: Ruled, scores: Option<&ModelScores>, now: Micros) -> Judged {
        let LaneConfig {
            classifier,
            fingerprint_key,
            ..
        } = &self.config;
        assemble::verdict(prompt, scores, classifier.as_ref(), fingerprint_key, now)
    }

    fn without_classifier(&self, mut prompt: Ruled, refusal: Refusal, now: Micros) -> Judged {
        if let Refusal::Because(cause) = refusal {
            prompt.unjudged.push(unjudged(CLASSIFIER, cause));
        }
        self.verdict(prompt, None, now)
    }
}

/// Why the classifier has no say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, and nobody asked for one.
    NotInstalled,
    /// It was not asked, or did not answer; the verdict says so.
    Because(UnjudgedCause),
}

fn unjudged(detector: &str, cause: UnjudgedCause) -> Unjudged {
    Unjudged {
        detector: detector.to_owned(),
        cause,
    }
}

/// Keeps the first `limit` bytes of all segments together.
fn cut_to(segments: &mut Vec<Vec<u8>>, mut limit: usize) {
    segments.retain_mut(|segment| {
        segment.truncate(limit);
        limit -= segment.len();
        !segment.is_empty()
    });
}

fn lossy_utf8(bytes: Vec<u8>) -> String {
    // Valid text, nearly all there is, is taken over without a copy.
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
