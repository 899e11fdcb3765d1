use serde::{Deserialize, Serialize};
use weir_types::{DeadLetterReason, Source};

use crate::source::SourceRecord;

/// A record that could not be processed, byte for byte, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// Where the record stood.
    #[serde(with = "SourceRecord")]
    pub source: Source,
    /// The record's own timestamp, in milliseconds since 1970 UTC.
    pub source_timestamp_ms: Option<i64>,
    /// The record's key.
    #[serde(with = "crate::octets::optional", default)]
    pub key: Option<Vec<u8>>,
    /// The record's value; `None` for a tombstone.
    #[serde(with = "crate::octets::optional", default)]
    pub payload: Option<Vec<u8>>,
    /// The record's headers, in order; names may repeat.
    pub headers: Vec<Header>,
    /// Why the record is here.
    pub reason: DeadLetterReason,
    /// The reason in words. Must never hold any of the record's text.
    pub detail: String,
    /// What gave up on it, e.g. `gate.decode`.
    pub stage: String,
    /// When, in milliseconds since 1970 UTC.
    pub failed_at_ms: i64,
}

/// A dead letter's value above this is left out: its topic takes twice the inputs' size, 4 MiB.
const MOST_PAYLOAD: usize = 4_000_000;

impl DeadLetter {
    /// The same without its value where that is too large to keep, and says so.
    #[must_use]
    pub fn fitting(mut self) -> Self {
        if self
            .payload
            .as_ref()
            .is_some_and(|value| value.len() > MOST_PAYLOAD)
        {
            self.payload = None;
            self.detail.push_str(" (value too large to keep)");
        }
        self
    }
}

/// One header of a dead letter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Name.
    pub name: String,
    /// Value.
    #[serde(with = "crate::octets::optional", default)]
    pub value: Option<Vec<u8>>,
}
