//! Streams: text that is judged and released while it is being written.
//!
//! ```text
//! on_chunk(input, now) --> Taken             the rules read on, the stream is due an answer
//! answer(now) --> StreamStep::Verdict        one a stream, however many chunks came together
//!             `-> StreamStep::Judge(job) --> on_window(completion, now) --> verdict
//! on_stream_tick(now) --> verdicts           a gap, a hold or a silence that lasted too long
//! ```
//!
//! Streams know nothing of prompts, and of each other: what a stream is judged by comes with its
//! first chunk.

mod answer;
mod input;
mod lane;
mod saved;
mod state;
mod suspicion;
mod text;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod tightness;

pub use input::{
    ChunkInput, JudgedText, OpeningInput, StreamEnd, StreamJudged, StreamStep, Taken, Timed,
};
pub(crate) use lane::Streams;
pub use lane::required_on_streams;
pub use saved::SavedStream;
