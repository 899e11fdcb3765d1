use serde::{Deserialize, Serialize};

/// Why a record could not be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterReason {
    /// It is no Confluent frame.
    MalformedFrame,
    /// Its schema id names nothing.
    UnknownSchema,
    /// Its datum does not fit its schema.
    Undecodable,
    /// It decodes but breaks a rule.
    Invalid,
    /// It is larger than is processed.
    TooLarge,
    /// It has no key.
    MissingKey,
    /// Processing it panicked.
    Panicked,
    /// Another reason, or one that this reader does not know.
    Other,
}

impl DeadLetterReason {
    /// All reasons; a reason's discriminant is its position here.
    pub const ALL: [Self; 8] = [
        Self::MalformedFrame,
        Self::UnknownSchema,
        Self::Undecodable,
        Self::Invalid,
        Self::TooLarge,
        Self::MissingKey,
        Self::Panicked,
        Self::Other,
    ];

    /// The name used in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MalformedFrame => "malformed_frame",
            Self::UnknownSchema => "unknown_schema",
            Self::Undecodable => "undecodable",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::MissingKey => "missing_key",
            Self::Panicked => "panicked",
            Self::Other => "other",
        }
    }
}
