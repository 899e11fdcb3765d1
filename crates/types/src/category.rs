use serde::{Deserialize, Serialize};

/// What a text may be flagged for. The order is the order of model outputs and of score arrays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Encouraging, planning or describing harm to oneself.
    SelfHarm,
    /// Attacks on people for a protected characteristic.
    Hate,
    /// Insults, bullying and threats aimed at a person.
    Harassment,
    /// Violence and its glorification.
    Violence,
    /// Sexual content involving adults.
    Sexual,
    /// Any sexual content involving minors.
    SexualMinors,
    /// Help with crimes, weapons, drugs, fraud, malware.
    Illicit,
    /// Attempts to override instructions or exfiltrate context.
    PromptInjection,
    /// Personal data and secrets.
    Pii,
}

/// A category name that Weir does not know.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown category \"{0}\" (known: self_harm, hate, harassment, violence, sexual, sexual_minors, illicit, prompt_injection, pii)"
)]
pub struct UnknownCategory(pub String);

impl Category {
    /// Number of categories; the length of every score array.
    pub const COUNT: usize = 9;

    /// All categories in output order.
    pub const ALL: [Self; Self::COUNT] = [
        Self::SelfHarm,
        Self::Hate,
        Self::Harassment,
        Self::Violence,
        Self::Sexual,
        Self::SexualMinors,
        Self::Illicit,
        Self::PromptInjection,
        Self::Pii,
    ];

    /// Position in [`Category::ALL`], `0..COUNT`.
    #[must_use]
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name used in policies, records, metrics and training data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SelfHarm => "self_harm",
            Self::Hate => "hate",
            Self::Harassment => "harassment",
            Self::Violence => "violence",
            Self::Sexual => "sexual",
            Self::SexualMinors => "sexual_minors",
            Self::Illicit => "illicit",
            Self::PromptInjection => "prompt_injection",
            Self::Pii => "pii",
        }
    }
}

impl std::fmt::Display for Category {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Category {
    type Err = UnknownCategory;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|category| category.as_str() == name)
            .ok_or_else(|| UnknownCategory(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_indices_match_positions() {
        for (position, category) in Category::ALL.into_iter().enumerate() {
            assert_eq!(category.index(), position);
            assert_eq!(category.as_str().parse(), Ok(category));
        }
        assert!("nonsense".parse::<Category>().is_err());
    }
}
