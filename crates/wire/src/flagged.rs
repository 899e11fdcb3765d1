use serde::{Deserialize, Serialize};
use weir_types::{Action, CategoryScore, SelectionReason, Source};

use crate::Enc;
use crate::source::SourceRecord;

/// A text that the rescorer shall look at, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flagged {
    /// The fast verdict on this text, 32 hex digits; the rescored one supersedes it.
    pub verdict_id: String,
    /// The request; also the record's key.
    pub request_id: String,
    /// The stream within the request; `None` for a prompt.
    pub stream_id: Option<String>,
    /// The tenant whose policy applied.
    pub tenant: String,
    /// Pseudonymous id of the person behind the text, for keys and erasure.
    pub subject_id: Option<String>,
    /// The worker that asked, so that it can find a superseding verdict.
    pub worker_id: String,
    /// SHA-256 of the policy that the fast verdict rests on, 64 hex digits.
    pub policy_hash: String,
    /// The text to look at; may begin and end inside a UTF-8 sequence. Ciphertext when `enc` is
    /// set.
    #[serde(with = "crate::octets")]
    pub text: Vec<u8>,
    /// Bytes of the stream's text that lie before this text, `0..`.
    pub byte_start: i64,
    /// The input that the fast verdict was given on.
    #[serde(with = "SourceRecord")]
    pub source: Source,
    /// Every byte of the stream before this one had been released by the fast verdict.
    pub released_to: i64,
    /// Why the text is here.
    pub selection_reason: SelectionReason,
    /// Probability with which a text like this is selected, above 0, at most 1; its inverse
    /// weights estimates.
    pub inclusion_probability: f64,
    /// The fast verdict's action.
    pub fast_action: Action,
    /// The fast verdict's scores, in the order of [`weir_types::Category::ALL`]; empty when no
    /// classifier had a say.
    pub fast_scores: Vec<CategoryScore>,
    /// BCP 47 tag that the client gave.
    pub locale_hint: Option<String>,
    /// BCP 47 tag of the language that the text was judged as; `und` when not determined.
    pub language: String,
    /// How the text is encrypted; `None` when it is in the clear.
    pub enc: Option<Enc>,
}
