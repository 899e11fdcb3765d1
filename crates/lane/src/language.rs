use serde::{Deserialize, Serialize};
use weir_detect::identify_bytes;

/// BCP 47 for a language that is not determined.
const UNDETERMINED: &str = "und";
/// A text overrules the caller's claim only if it is at least so sure of its language...
const SURE: f32 = 0.8;
/// ... and at least so long, in bytes: a greeting and two addresses look like any language.
const TELLING: usize = 64;

/// What language a text is in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SpokenIn {
    /// BCP 47 tag; `und` when not determined.
    pub(crate) tag: String,
    /// `0.0..=1.0`; 0 for a caller's claim.
    pub(crate) confidence: f32,
}

impl SpokenIn {
    /// What the first text tells, or else what the caller claims: a claim of the same language is
    /// kept, with its region, and another one gives way only to a text that tells for sure.
    pub(crate) fn of(segments: &[Vec<u8>], claim: Option<String>) -> Self {
        let told = segments
            .iter()
            .find(|segment| !segment.is_empty())
            .map(|segment| (identify_bytes(segment), segment.len()))
            .filter(|(told, _)| told.tag != UNDETERMINED);
        let (tag, confidence) = match (told, claim) {
            (Some((told, _)), Some(claim)) if primary(told.tag) == primary(&claim) => {
                (claim, told.confidence)
            }
            (Some((told, bytes)), Some(claim)) if told.confidence < SURE || bytes < TELLING => {
                (claim, 0.0)
            }
            (Some((told, _)), _) => (told.tag.to_owned(), told.confidence),
            (None, claim) => (claim.unwrap_or_else(|| UNDETERMINED.to_owned()), 0.0),
        };
        Self { tag, confidence }
    }
}

/// The language without script and region.
fn primary(tag: &str) -> &str {
    tag.split(['-', '_']).next().unwrap_or(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(text: &str, claim: Option<&str>) -> String {
        SpokenIn::of(&[Vec::new(), text.into()], claim.map(str::to_owned)).tag
    }

    #[test]
    fn texts_tell_and_claims_fill_in() {
        let english = "What is the weather going to be like in the mountains this weekend?";
        for (text, claim, expected) in [
            (english, None, "en"),
            (english, Some("en-GB"), "en-GB"),
            (english, Some("de"), "en"),
            ("ok", Some("de-CH"), "de-CH"),
            ("ok", None, "und"),
            ("", Some("fr"), "fr"),
            ("12 + 30 = 42", None, "zxx"),
            ("今天天气怎么样", Some("zh-CN"), "zh-CN"),
        ] {
            assert_eq!(spoken(text, claim), expected, "{text:?} {claim:?}");
        }
        assert_eq!(spoken("", None), "und");
    }
}
