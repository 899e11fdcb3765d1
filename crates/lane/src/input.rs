use serde::{Deserialize, Serialize};
use weir_types::{Category, Micros, ModelScores, Selected, Source, StageTimes, Verdict};

/// A prompt, decoded, with what the lane needs to know of its arrival.
#[derive(Debug, Clone)]
pub struct PromptInput {
    /// Where it stands on its topic.
    pub source: Source,
    /// Epoch of this lane's ownership of the partition.
    pub owner_epoch: i64,
    /// The request.
    pub request_id: String,
    /// Whose policy applies.
    pub tenant: String,
    /// Who asked.
    pub worker_id: String,
    /// BCP 47 tag that the caller claims.
    pub locale_hint: Option<String>,
    /// What the caller allows, counted from when it produced the record; `None`: the policy's.
    pub budget: Option<Micros>,
    /// The texts, in order; spans count through all of them without a gap.
    pub segments: Vec<Vec<u8>>,
    /// When it came.
    pub arrival: Arrival,
}

/// When a record came, by every clock that has a say.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Arrival {
    /// When the reader polled it, on the lane's monotonic clock.
    pub received: Micros,
    /// The same moment, Unix milliseconds by this machine's clock.
    pub received_at_ms: i64,
    /// The record's timestamp, Unix milliseconds by the producer's clock.
    pub produced_at_ms: i64,
    /// How long decoding took.
    pub decode_us: i64,
    /// Records that wait behind this one; the lane sheds by it.
    pub queued_behind: usize,
}

/// Names a job until its completion comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(pub(crate) u64);

/// What the lane wants from the classifier.
#[derive(Debug)]
pub struct InferJob {
    /// To be given back in the [`Completion`].
    pub id: JobId,
    /// The texts to score, invalid UTF-8 replaced.
    pub texts: Vec<String>,
    /// After this the answer is of no use.
    pub deadline: Micros,
}

/// How a job ended.
#[derive(Debug, Clone)]
pub struct Completion {
    /// The job.
    pub id: JobId,
    /// The texts' scores pooled, or `None` when the classifier failed.
    pub scores: Option<ModelScores>,
    /// How long the rules took on this prompt, measured by the caller, µs.
    pub rules_us: i64,
    /// How long the classifier took, waiting for its batch included, µs.
    pub classify_us: i64,
}

/// A verdict, ready to be published.
#[derive(Debug, Clone)]
pub struct Judged {
    /// The input that it answers.
    pub source: Source,
    /// The verdict.
    pub verdict: Verdict,
    /// The categories that the policy acts on, in order, without repeats.
    pub flagged: Vec<Category>,
    /// The rescorer is to look at the text.
    pub selected: Option<Selected>,
}

/// What comes of a prompt.
#[derive(Debug)]
pub enum Step {
    /// It is decided.
    Verdict(Box<Judged>),
    /// The classifier is to be asked; the lane remembers the prompt until it answers or the
    /// deadline passes.
    Judge(InferJob),
}

impl Judged {
    /// Adds what only the caller could measure: how long the rules took, and when it was done.
    pub fn stamp_rules(&mut self, rules_us: i64) {
        let times: &mut StageTimes = &mut self.verdict.times;
        times.rules_us = rules_us;
        times.total_us += rules_us;
    }
}
