use serde::{Deserialize, Serialize};

use crate::FailMode;

/// What to do with held text that was not judged in time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// Keep holding; also any wish that this reader does not know.
    #[default]
    Hold,
    /// End the stream before it.
    Cut,
    /// Show it.
    Release,
}

/// What becomes of text that was shown before it was blocked, mildest first.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    /// It stays; nothing follows it.
    #[default]
    Keep,
    /// What lies behind the cut is taken back.
    Retract,
    /// All of it gives way to the completion; also any disposition that this reader does not know.
    Replace,
}

/// What a worker needs to know of the policy to guard the answer to a prompt.
///
/// It travels on the prompt's verdict, so that workers never read policies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamContract {
    /// Time for each chunk's verdict from when it was sent, in microseconds, `1..`. Then the fail
    /// mode decides.
    pub budget_us: i64,
    /// At most this many characters are held on suspicion, `0..`.
    pub hold_chars: i32,
    /// Text is held no longer than this on suspicion, in milliseconds, `0..`.
    pub hold_ms: i32,
    /// What to do when `hold_ms` has passed.
    pub on_expiry: OnExpiry,
    /// What to do with text that has no verdict in time.
    pub fail_mode: FailMode,
    /// What becomes of text that was shown, should the worker have to cut the stream itself.
    pub disposition: Disposition,
    /// What to show then; `None` for nothing.
    pub completion: Option<String>,
}
