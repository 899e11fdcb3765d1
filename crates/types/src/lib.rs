//! The vocabulary of Weir: categories, actions, spans, findings, verdicts, time.
//!
//! Everything here is plain data. Nothing reads a clock, a file or a socket, so every
//! other crate may depend on this one and a verdict means the same in production,
//! replay and tests.

mod action;
mod agreement;
mod category;
mod contract;
mod dead_letter;
mod fingerprint;
mod logistic;
mod mask;
mod outcome;
mod selection;
mod time;
mod verdict;

pub use action::{Action, FailMode};
pub use agreement::Agreement;
pub use category::{Category, UnknownCategory};
pub use contract::{Disposition, OnExpiry, StreamContract};
pub use dead_letter::DeadLetterReason;
pub use fingerprint::{FingerprintKey, derive_id, derive_verdict_id, hex};
pub use logistic::logistic;
pub use mask::{Mask, UnknownMask};
pub use outcome::Outcome;
pub use selection::{Selected, SelectionReason};
pub use time::Micros;
pub use verdict::{
    CategoryScore, Finding, ModelRef, ModelScores, Provenance, Severity, Source, Span, Stage,
    StageTimes, Unjudged, UnjudgedCause, Verdict,
};
