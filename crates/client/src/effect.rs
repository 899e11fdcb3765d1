//! What a guard wants done.

use std::fmt;

use weir_types::{Disposition, FailMode, OnExpiry, Unjudged};
use weir_wire::End;

/// One thing to do, in the order in which it was given.
#[derive(Clone, PartialEq, Eq)]
pub enum Effect {
    /// Produce a chunk.
    Send(ChunkParts),
    /// Show text to the user, masked. May break a UTF-8 sequence only where the engine's text does.
    Show(Vec<u8>),
    /// Stop generating.
    AbortEngine,
    /// Take back what was shown on this stream, all but the first `keep_bytes`: bytes as shown,
    /// masks included, the completion of an earlier cut not.
    Retract {
        /// How much stays.
        keep_bytes: usize,
    },
    /// Nothing follows but the completion.
    Cut(Cut),
    /// The stream is over. Only a block that comes late still has effects: it takes back more.
    Done(Summary),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(chunk) => f.debug_tuple("Send").field(chunk).finish(),
            Self::Show(text) => write!(f, "Show({} bytes)", text.len()),
            Self::AbortEngine => f.write_str("AbortEngine"),
            Self::Retract { keep_bytes } => write!(f, "Retract({keep_bytes})"),
            Self::Cut(cut) => f.debug_tuple("Cut").field(cut).finish(),
            Self::Done(summary) => f.debug_tuple("Done").field(summary).finish(),
        }
    }
}

/// What a guard knows of a chunk's record.
#[derive(Clone, PartialEq, Eq)]
pub struct ChunkParts {
    /// Position among the stream's chunks, `0..`.
    pub seq: i64,
    /// Bytes of the stream's text before this chunk.
    pub byte_start: usize,
    /// The text; may begin and end inside a UTF-8 sequence.
    pub text: Vec<u8>,
    /// Whether and how the stream ends with it.
    pub end: End,
    /// Set on `seq` 0.
    pub opening: Option<OpeningParts>,
}

impl fmt::Debug for ChunkParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChunkParts")
            .field("seq", &self.seq)
            .field("byte_start", &self.byte_start)
            .field("text_bytes", &self.text.len())
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

/// What a guard knows of a stream's opening. Limits are `None` where no contract is known yet: then
/// the gate takes the policy's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningParts {
    /// Microseconds for each chunk's verdict.
    pub budget_us: Option<i64>,
    /// Characters held on suspicion.
    pub hold_chars: Option<i32>,
    /// Milliseconds held on suspicion.
    pub hold_ms: Option<i32>,
    /// What follows when they are over.
    pub on_expiry: OnExpiry,
    /// What to do with text that has no verdict.
    pub fail_mode: FailMode,
    /// The verdict on the prompt, if it has come.
    pub prompt_verdict_id: Option<String>,
    /// Categories that it warned about or acted upon, by name.
    pub prompt_categories: Vec<String>,
}

/// How a stream was cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// Where, in the stream's text.
    pub truncate_at: usize,
    /// How far its text was shown then, before anything was taken back.
    pub shown_to: usize,
    /// What became of text that was shown; a [`Effect::Retract`] before this did it.
    pub disposition: Disposition,
    /// What to show now; `None` for nothing.
    pub completion: Option<String>,
}

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ended {
    /// The model finished, and its text was shown as far as it may be.
    Complete,
    /// The model failed; what it had written was shown as far as it may be.
    Error,
    /// The user went away.
    ClientAbort,
    /// The gate closed it while the engine was still at work: it had been silent too long.
    Closed,
    /// It was blocked, or cut for want of a verdict.
    Cut,
}

impl Ended {
    /// Its name in logs and test vectors.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Error => "error",
            Self::ClientAbort => "client_abort",
            Self::Closed => "closed",
            Self::Cut => "cut",
        }
    }
}

/// What became of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// How it ended.
    pub ended: Ended,
    /// How far its text was shown, bytes.
    pub shown_to: usize,
    /// How far its text was sent, bytes.
    pub sent_to: usize,
    /// Chunks that were sent.
    pub chunks: u64,
    /// Verdicts that were only counted.
    pub stale: u64,
    /// Times that a budget ran out, the prompt's included.
    pub timeouts: u64,
    /// Text was shown because its hold ran out.
    pub hold_expired: bool,
    /// The breaker was open: nothing was asked, the fail mode decided.
    pub bypassed: bool,
    /// What did not judge, and why; sorted, no repeats. `record` where nothing did.
    pub unjudged: Vec<Unjudged>,
}
