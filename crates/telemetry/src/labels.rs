//! The closed sets of label values. Tenants, requests and workers are never labels: their
//! number has no bound.

/// A part of the fast path that is timed on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum GateStage {
    /// From the reader's poll to the lane taking the record up.
    Queue,
    /// Decoding the record.
    Decode,
    /// Normalising and rules.
    Rules,
    /// The classifier, waiting for its batch included.
    Classify,
}

impl GateStage {
    /// All stages, in the order a record meets them.
    pub const ALL: [Self; 4] = [Self::Queue, Self::Decode, Self::Rules, Self::Classify];

    /// The value of the `stage` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Decode => "decode",
            Self::Rules => "rules",
            Self::Classify => "classify",
        }
    }
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ChunkFate {
    /// Its stream goes on with it.
    New,
    /// It had been taken in before.
    Duplicate,
    /// Its stream was over.
    Late,
}

impl ChunkFate {
    /// All fates.
    pub const ALL: [Self; 3] = [Self::New, Self::Duplicate, Self::Late];

    /// The value of the `fate` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Duplicate => "duplicate",
            Self::Late => "late",
        }
    }
}

/// What became of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CheckpointResult {
    /// It is on its topic.
    Written,
    /// A new owner goes on from it.
    Restored,
    /// It is too large to be written, or a new owner cannot go on from it.
    Refused,
}

impl CheckpointResult {
    /// All results.
    pub const ALL: [Self; 3] = [Self::Written, Self::Restored, Self::Refused];

    /// The value of the `result` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Written => "written",
            Self::Restored => "restored",
            Self::Refused => "refused",
        }
    }
}

/// What did not judge a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Detector {
    /// The rules.
    Rules,
    /// The classifier.
    Classifier,
    /// Nothing could look at the record.
    Record,
    /// A name that this crate does not know; one series for all of them keeps the set closed.
    Other,
}

impl Detector {
    /// All detectors.
    pub const ALL: [Self; 4] = [Self::Rules, Self::Classifier, Self::Record, Self::Other];

    /// The value of the `detector` label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Classifier => "classifier",
            Self::Record => "record",
            Self::Other => "other",
        }
    }

    /// The detector that [`weir_types::Unjudged::detector`] names; [`Detector::Other`] for the rest.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self::ALL
            .into_iter()
            .find(|detector| detector.as_str() == name)
            .unwrap_or(Self::Other)
    }
}

#[cfg(test)]
mod tests {
    use weir_types::{Action, DeadLetterReason, SelectionReason, UnjudgedCause};

    use super::*;

    #[test]
    fn discriminants_are_positions_since_arrays_are_indexed_by_them() {
        for (position, stage) in GateStage::ALL.into_iter().enumerate() {
            assert_eq!(stage as usize, position);
        }
        for (position, result) in CheckpointResult::ALL.into_iter().enumerate() {
            assert_eq!(result as usize, position);
        }
        for (position, detector) in Detector::ALL.into_iter().enumerate() {
            assert_eq!(detector as usize, position);
            assert_eq!(Detector::named(detector.as_str()), detector);
        }
        for (position, reason) in DeadLetterReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
        }
        for (position, reason) in SelectionReason::ALL.into_iter().enumerate() {
            assert_eq!(reason as usize, position);
        }
        for (position, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action as usize, position);
        }
        for (position, cause) in UnjudgedCause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, position);
        }
        assert_eq!(Detector::named("tenant-supplied"), Detector::Other);
    }
}
