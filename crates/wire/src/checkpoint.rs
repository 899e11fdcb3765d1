use serde::{Deserialize, Serialize};
use weir_types::Source;

use crate::source::SourceRecord;

/// A stream that is under way, as its next owner goes on with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The stream; also the record's key.
    pub stream_id: String,
    /// The request.
    pub request_id: String,
    /// The tenant whose policy applies.
    pub tenant: String,
    /// SHA-256 of the policy that the stream is judged by, 64 hex digits.
    pub policy_hash: String,
    /// Epoch of the ownership under which it was saved; of two the later one counts.
    pub owner_epoch: i64,
    /// Number of the chunk that goes on from here, `0..`.
    pub next_seq: i64,
    /// The last chunk that a verdict covered.
    #[serde(with = "SourceRecord")]
    pub source: Source,
    /// When, in milliseconds since 1970 UTC.
    pub saved_at_ms: i64,
    /// What judging goes on from, some of the text among it.
    #[serde(with = "crate::octets")]
    pub state: Vec<u8>,
}
