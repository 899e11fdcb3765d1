use serde::{Deserialize, Serialize};
use weir_types::{Category, FailMode, Micros, OnExpiry, Source};

use crate::input::{Arrival, InferJob, Judged};

/// A chunk of a stream, decoded, with what the lane needs to know of its arrival.
#[derive(Debug, Clone)]
pub struct ChunkInput {
    /// Where it stands on its topic.
    pub source: Source,
    /// Epoch of this lane's ownership of the partition.
    pub owner_epoch: i64,
    /// The request.
    pub request_id: String,
    /// The stream: `request/attempt/choice/channel`.
    pub stream_id: String,
    /// Position among the stream's chunks, `0..`.
    pub seq: i64,
    /// Bytes of the stream's text before this chunk, `0..`.
    pub byte_start: i64,
    /// The text; may begin and end inside a UTF-8 sequence.
    pub text: Vec<u8>,
    /// Whether and how the stream ends with it.
    pub end: Option<StreamEnd>,
    /// Whose policy applies.
    pub tenant: String,
    /// Who asked.
    pub worker_id: String,
    /// The stream's contract; on the first chunk.
    pub opening: Option<OpeningInput>,
    /// When it came.
    pub arrival: Arrival,
}

/// What the client wants to hold for a whole stream; the policy's where it says nothing.
#[derive(Debug, Clone)]
pub struct OpeningInput {
    /// BCP 47 tag that the client believes the text is in.
    pub locale_hint: Option<String>,
    /// Time for each chunk's verdict. `None`: the client was not told the contract, and the policy's
    /// modes hold, not those below.
    pub budget: Option<Micros>,
    /// Most characters held on suspicion.
    pub hold_chars: Option<usize>,
    /// Longest hold on suspicion.
    pub hold: Option<Micros>,
    /// What follows when that is over.
    pub on_expiry: OnExpiry,
    /// What to do with what a required detector could not judge.
    pub fail_mode: FailMode,
    /// Categories that the verdict on the prompt warned about or acted upon.
    pub prompt_categories: Vec<Category>,
}

/// How a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamEnd {
    /// The model finished.
    Complete,
    /// The client went away.
    ClientAbort,
    /// The model or its worker failed.
    Error,
}

/// A verdict on a stream, and what it means for the records that it rests on.
#[derive(Debug, Clone)]
pub struct StreamJudged {
    /// The verdict; its source is the last chunk that it covers.
    pub judged: Judged,
    /// The chunk from which recovery must read the stream again while it is open; `None`: a checkpoint
    /// holds all of it.
    pub pin: Option<Source>,
    /// The stream is over: nothing of it need be read again once this verdict is acknowledged.
    pub closed: bool,
    /// What the rescorer is to look at, if it is.
    pub text: Option<JudgedText>,
}

/// Some of a stream's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JudgedText {
    /// Bytes of the stream's text before it, `0..`.
    pub byte_start: i64,
    /// The bytes; may begin and end inside a UTF-8 sequence.
    pub bytes: Vec<u8>,
}

/// A verdict that time may bring about on a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timed {
    /// Its id.
    pub verdict_id: String,
    /// It gives up a chunk that is missing, and says so; else a verdict of the same id might be on chunks that came in time.
    pub gives_up: bool,
}

/// What comes of the chunks taken in.
#[derive(Debug)]
pub enum StreamStep {
    /// A stream is decided as far as it has come.
    Verdict(Box<StreamJudged>),
    /// The classifier is to be asked first.
    Judge(InferJob),
}

/// What became of a chunk on its arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It goes on where the stream stood, or waits for one before it.
    New,
    /// The same, and whoever takes over must read the stream again from here: nothing before it is needed.
    Pins,
    /// It was taken in before; its stream is answered again.
    Duplicate,
    /// Its stream is over, or it is the rest of one that nobody waits for: it is left at that.
    Late,
}
