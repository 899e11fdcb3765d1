//! What a guard needs of a verdict that does not block.

use weir_types::{Unjudged, Verdict};

use crate::masks::Veil;
use crate::position;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) owner_epoch: i64,
    pub(crate) seq_from: i64,
    pub(crate) seq_to: i64,
    pub(crate) checked_to: usize,
    /// Never more than `checked_to`.
    pub(crate) released_to: usize,
    /// Something before the end of the text is held.
    pub(crate) holds: bool,
    pub(crate) is_final: bool,
    pub(crate) hold_expired: bool,
    pub(crate) veils: Vec<Veil>,
    pub(crate) unjudged: Vec<Unjudged>,
}

impl From<&Verdict> for Ruling {
    fn from(verdict: &Verdict) -> Self {
        let checked_to = position::from_record(verdict.checked_to);
        Self {
            owner_epoch: verdict.owner_epoch,
            seq_from: verdict.seq_from,
            seq_to: verdict.seq_to,
            checked_to,
            released_to: position::from_record(verdict.released_to).min(checked_to),
            holds: verdict.hold_from.is_some(),
            is_final: verdict.is_final,
            hold_expired: verdict.hold_expired,
            veils: verdict.findings.iter().filter_map(Veil::of).collect(),
            unjudged: verdict.unjudged.clone(),
        }
    }
}
