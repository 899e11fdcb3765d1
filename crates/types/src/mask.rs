use serde::{Deserialize, Serialize};

/// How a finding is masked. Ordered from mildest to strictest; `max` of two is the stricter.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Mask {
    /// All but the last four letters and digits.
    LastFour,
    /// Digits to `9`, letters to `X` and `x`.
    FormatPreserving,
    /// The finding's label in brackets, e.g. `[card]`.
    #[default]
    Label,
    /// One `*` for each visible character.
    Full,
}

/// A mask name that Weir does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown mask \"{0}\" (known: last_four, format_preserving, label, full)")]
pub struct UnknownMask(pub String);

impl Mask {
    /// All masks, mildest first.
    pub const ALL: [Self; 4] = [
        Self::LastFour,
        Self::FormatPreserving,
        Self::Label,
        Self::Full,
    ];

    /// The name used in policies and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::LastFour => "last_four",
            Self::FormatPreserving => "format_preserving",
            Self::Label => "label",
            Self::Full => "full",
        }
    }
}

impl std::fmt::Display for Mask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Mask {
    type Err = UnknownMask;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|mask| mask.as_str() == name)
            .ok_or_else(|| UnknownMask(name.to_owned()))
    }
}
