use serde::{Deserialize, Serialize};

/// Why a text was selected for the rescorer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectionReason {
    /// The fast path acted, or would have.
    Flagged,
    /// A score was close to its threshold.
    Uncertain,
    /// Drawn at random.
    Sample,
    /// A policy asks for it.
    Policy,
    /// Another reason, or one that this reader does not know.
    Other,
}

impl SelectionReason {
    /// All reasons; a reason's discriminant is its position here.
    pub const ALL: [Self; 5] = [
        Self::Flagged,
        Self::Uncertain,
        Self::Sample,
        Self::Policy,
        Self::Other,
    ];

    /// The name used in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flagged => "flagged",
            Self::Uncertain => "uncertain",
            Self::Sample => "sample",
            Self::Policy => "policy",
            Self::Other => "other",
        }
    }
}

/// That a text was selected for the rescorer, and how likely that was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Selected {
    /// Why.
    pub reason: SelectionReason,
    /// Probability with which a text like this is selected, above 0, at most 1; its inverse weights
    /// estimates (Horvitz and Thompson, 1952).
    pub probability: f64,
}
