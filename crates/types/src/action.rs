use serde::{Deserialize, Serialize};

/// What the inference layer must do, from mildest to strictest; `max` of two actions is the stricter.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Pass the text on unchanged.
    #[default]
    Allow,
    /// Pass the text on, marked.
    Warn,
    /// Pass the text on with the findings masked.
    Attenuate,
    /// Do not pass the text on. Readers that meet an action they do not know must read it as this.
    Block,
}

impl Action {
    /// All actions, mildest first.
    pub const ALL: [Self; 4] = [Self::Allow, Self::Warn, Self::Attenuate, Self::Block];

    /// The name used in policies, records and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Warn => "warn",
            Self::Attenuate => "attenuate",
            Self::Block => "block",
        }
    }
}

impl std::fmt::Display for Action {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What happens to a text that a required detector could not judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailMode {
    /// Let it through; the verdict lists what did not judge it.
    #[default]
    Open,
    /// Block it; the verdict lists what did not judge it.
    Closed,
}
