use serde::{Deserialize, Serialize};

/// What the second look makes of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The same action.
    Confirmed,
    /// A stricter one.
    Tightened,
    /// A milder one.
    Overturned,
    /// The fast action rests on a rule, of which the model says nothing.
    Rule,
    /// There was no second look.
    Unjudged,
}

impl Outcome {
    /// All outcomes; an outcome's discriminant is its position here.
    pub const ALL: [Self; 5] = [
        Self::Confirmed,
        Self::Tightened,
        Self::Overturned,
        Self::Rule,
        Self::Unjudged,
    ];

    /// The name used in records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Tightened => "tightened",
            Self::Overturned => "overturned",
            Self::Rule => "rule",
            Self::Unjudged => "unjudged",
        }
    }
}
