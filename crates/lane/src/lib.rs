//! The sans-I/O core: a prompt goes in with a time, a verdict comes out.
//!
//! [`Lane`] owns all state of one lane. It has no clock, channel, client or log: whoever drives
//! it passes `now`, carries its jobs to the classifier and publishes its verdicts. Production,
//! replay, property tests and `weir check` drive the same code.
//!
//! ```text
//! on_prompt(input, now) --> Step::Verdict            decided: no classifier, shed, or expired
//!                       `-> Step::Judge(job) --> on_completion(..) --> verdict
//!                                           `-> on_tick(deadline)  --> rules-only verdict
//! ```

mod age;
mod assemble;
mod circuit;
mod input;
mod lane;
mod language;
mod second_look;
mod stream;

pub use age::AgeEstimator;
pub use circuit::Circuit;
pub use input::{Arrival, Completion, InferJob, JobId, Judged, PromptInput, Step};
pub use lane::{Lane, LaneConfig, Refusal};
pub use stream::{
    ChunkInput, JudgedText, OpeningInput, SavedStream, StreamEnd, StreamJudged, StreamStep, Taken,
    Timed, required_on_streams,
};

#[cfg(test)]
mod tests;
