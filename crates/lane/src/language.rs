use weir_detect::identify_bytes;

/// BCP 47 for a language that is not determined.
const UNDETERMINED: &str = "und";

/// What language a text is in.
#[derive(Debug)]
pub(crate) struct SpokenIn {
    /// BCP 47 tag; `und` when not determined.
    pub(crate) tag: String,
    /// `0.0..=1.0`; 0 for a caller's claim.
    pub(crate) confidence: f32,
}

impl SpokenIn {
    /// The language that the first text tells, else the one that the caller claims.
    pub(crate) fn of(segments: &[Vec<u8>], claim: Option<String>) -> Self {
        let told = segments
            .iter()
            .find(|segment| !segment.is_empty())
            .map(|segment| identify_bytes(segment));
        match (told, claim) {
            (Some(told), _) if told.tag != UNDETERMINED => Self {
                tag: told.tag.to_owned(),
                confidence: told.confidence,
            },
            (_, claim) => Self {
                tag: claim.unwrap_or_else(|| UNDETERMINED.to_owned()),
                confidence: 0.0,
            },
        }
    }
}
