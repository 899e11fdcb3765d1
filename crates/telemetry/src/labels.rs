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

/// Languages that are labels, by BCP 47: what `weir_detect` tells a text's language as, and `hi`, for Hindi of which the
/// caller does not say in which letters.
pub const LANGUAGES: [&str; 28] = [
    "ar", "de", "el", "en", "es", "fa", "fr", "he", "hi", "hi-Deva", "hi-Latn", "it", "ja", "ko",
    "nl", "pl", "pt", "ru", "sv", "th", "tr", "und", "ur", "vi", "zh", "zh-Hans", "zh-Hant", "zxx",
];

/// The value of the `language` label for a BCP 47 tag: the longest of [`LANGUAGES`] that it begins with, `de` for `de-AT`;
/// `other` if there is none. Tags come from callers too, so their number has no bound.
#[must_use]
pub fn language_label(tag: &str) -> &'static str {
    let begins_with = |known: &&str| {
        let (tag, known) = (tag.as_bytes(), known.as_bytes());
        tag.len() >= known.len()
            && tag
                .iter()
                .zip(known)
                .all(|(found, wanted)| subtag_byte(*found) == subtag_byte(*wanted))
            && tag
                .get(known.len())
                .is_none_or(|next| subtag_byte(*next) == b'-')
    };
    LANGUAGES
        .into_iter()
        .filter(begins_with)
        .max_by_key(|known| known.len())
        .unwrap_or("other")
}

/// Letters of a tag have no case, and some write `_` between its parts.
const fn subtag_byte(byte: u8) -> u8 {
    if byte == b'_' {
        b'-'
    } else {
        byte.to_ascii_lowercase()
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

    #[test]
    fn a_language_is_one_of_few_whatever_the_caller_says() {
        for (tag, label) in [
            ("de", "de"),
            ("de-AT", "de"),
            ("PT_br", "pt"),
            ("zh-TW", "zh"),
            ("zh-Hant-TW", "zh-Hant"),
            ("hi-IN", "hi"),
            ("hi-latn", "hi-Latn"),
            ("und", "und"),
            ("den", "other"),
            ("d", "other"),
            ("", "other"),
            ("-", "other"),
            ("tlh", "other"),
            ("de\u{fc}", "other"),
        ] {
            assert_eq!(language_label(tag), label, "{tag}");
        }
        for known in LANGUAGES {
            assert_eq!(language_label(known), known);
        }
    }
}
