//! What is evaluated: each category, and the text as a whole.

use weir_types::Category;

/// Whose figures they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One category: its score, and what the policy does on its account.
    Of(Category),
    /// Any category of harm: the highest score and the strictest action among them. Personal data is not harm.
    AnyUnsafe,
    /// The verdict as a client obeys it: the risk and the final action, whatever it was for.
    Verdict,
}

impl Subject {
    /// All, in the order of reports.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let categories = Category::ALL.into_iter().map(Self::Of);
        categories.chain([Self::AnyUnsafe, Self::Verdict])
    }

    /// The name in reports and gates.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Of(category) => category.as_str(),
            Self::AnyUnsafe => "any_unsafe",
            Self::Verdict => "verdict",
        }
    }
}

/// Categories of harm.
pub(crate) fn harms() -> impl Iterator<Item = Category> {
    Category::ALL
        .into_iter()
        .filter(|category| *category != Category::Pii)
}
