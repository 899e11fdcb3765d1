use serde::{Deserialize, Serialize};
use weir_types::{FailMode, OnExpiry};

use crate::Enc;

/// A piece of generated text, with all that its judging needs: its prompt may be on another gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// The request; also the record's key.
    pub request_id: String,
    /// Which attempt at the request, `0..`.
    pub attempt: i32,
    /// Which of the request's parallel answers, `0..`.
    pub choice: i32,
    /// Which text of the answer.
    pub channel: Channel,
    /// Position among the stream's chunks: 0, 1, 2, ...
    pub seq: i64,
    /// Bytes of the stream's text that lie before this chunk, `0..`.
    pub byte_start: i64,
    /// The text; may begin and end inside a UTF-8 sequence. Ciphertext when `enc` is set.
    #[serde(with = "crate::octets")]
    pub text: Vec<u8>,
    /// Whether and how the stream ends with this chunk.
    pub end: End,
    /// The tenant whose policy applies.
    pub tenant: String,
    /// SHA-256 of the policy to judge by, 64 hex digits; empty for the one in force.
    pub policy_hash: String,
    /// The worker that asks, so that it can find its own verdicts.
    pub worker_id: String,
    /// The stream's contract; set on seq 0, `None` after.
    pub opening: Option<Opening>,
    /// How the text is encrypted; `None` when it is in the clear.
    pub enc: Option<Enc>,
}

impl Chunk {
    /// The stream's name in verdicts: `request/attempt/choice/channel`.
    ///
    /// The request may itself hold slashes; the last three parts never do, so no two streams
    /// share a name.
    #[must_use]
    pub fn stream_id(&self) -> String {
        let Self {
            request_id,
            attempt,
            choice,
            channel,
            ..
        } = self;
        format!("{request_id}/{attempt}/{choice}/{}", channel.as_str())
    }
}

/// What holds for a whole stream. A limit that is `None` is the policy's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// BCP 47 tag that the client believes the text is in.
    pub locale_hint: Option<String>,
    /// Time for each chunk's verdict from when it was sent, in microseconds, `0..`; relative,
    /// never a deadline.
    pub budget_us: Option<i64>,
    /// At most this many characters are held unreleased, `0..`.
    pub hold_chars: Option<i32>,
    /// Text is held no longer than this, in milliseconds, `0..`.
    pub hold_ms: Option<i32>,
    /// What to do when `hold_ms` has passed without a verdict.
    pub on_expiry: OnExpiry,
    /// What to do with text that a required detector could not judge.
    pub fail_mode: FailMode,
    /// The verdict on the prompt, 32 hex digits; `None` when the worker did not wait for it.
    pub prompt_verdict_id: Option<String>,
    /// Categories that it warned about or acted upon, by name; empty when the worker did not wait for it.
    pub prompt_categories: Vec<String>,
}

/// What a stream's text is to the model's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The answer.
    Content,
    /// The model's reasoning.
    Reasoning,
    /// Arguments of a tool call.
    ToolArgs,
    /// A channel that this reader does not know. Not read as content: their offsets must not mix.
    Other,
}

impl Channel {
    /// The name used in records and stream ids.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Reasoning => "reasoning",
            Self::ToolArgs => "tool_args",
            Self::Other => "other",
        }
    }
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// It goes on.
    None,
    /// The model finished.
    Complete,
    /// The client went away.
    ClientAbort,
    /// The model or its worker failed; also any end that this reader does not know.
    Error,
}
