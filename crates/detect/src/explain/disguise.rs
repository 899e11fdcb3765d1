//! What changes of a text are called, and what hidden characters spell.

use crate::normal::{Change, Why};

/// Characters of a change that are quoted; a longer one is only named.
const QUOTED: usize = 12;

/// The changes in words, each once: `full-width digits`, `zero-width characters`.
///
/// A letter and its marks that became one character are no disguise and not named.
pub(super) fn names(original: &[u8], clean: &str, changes: &[Change]) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for change in changes {
        let bytes = original.get(change.original.clone()).unwrap_or_default();
        let before = String::from_utf8_lossy(bytes);
        let after = clean.get(change.clean.clone()).unwrap_or_default();
        let name = match change.why {
            Why::Invisible => before.chars().next().map_or("", invisible).to_owned(),
            Why::Compatibility => compatibility(&before, after),
            Why::Digit => before.chars().next().map_or("", digits).to_owned(),
            Why::PercentEscape => "percent escapes".to_owned(),
            Why::HtmlEntity => "HTML entities".to_owned(),
            Why::BrokenUtf8 => "bytes that are no UTF-8".to_owned(),
            Why::Marks => "a flood of marks".to_owned(),
            Why::Composed => continue,
        };
        if !list.contains(&name) {
            list.push(name);
        }
    }
    list
}

fn invisible(c: char) -> &'static str {
    match u32::from(c) {
        0x200b..=0x200d | 0x2060..=0x2064 | 0xfeff => "zero-width characters",
        0xad => "soft hyphens",
        0xfe00..=0xfe0f | 0xe0100..=0xe01ef => "variation selectors",
        0x61c | 0x200e | 0x200f | 0x202a..=0x202e | 0x2066..=0x2069 => "marks of direction",
        0xe0000..=0xe007f => "tag characters",
        0x25 | 0x26 => "escapes of invisible characters",
        0x00..=0x9f => "control characters",
        _ => "invisible characters",
    }
}

fn digits(c: char) -> &'static str {
    match u32::from(c) {
        0xff10..=0xff19 => "full-width digits",
        0x1d7ce..=0x1d7ff => "mathematical digits",
        0x660..=0x669 | 0x6f0..=0x6f9 => "Arabic digits",
        0x966..=0x96f => "Devanagari digits",
        0x2070..=0x2089 | 0xb2 | 0xb3 | 0xb9 => "raised or lowered digits",
        0x2460..=0x24ff | 0x2776..=0x2793 => "circled digits",
        _ => "digits of another script",
    }
}

fn compatibility(before: &str, after: &str) -> String {
    let name = match before.chars().next().map_or(0, u32::from) {
        0xff01..=0xff5e => "full-width characters",
        0x1d400..=0x1d7ff => "mathematical letters",
        0x249c..=0x24e9 | 0x1f110..=0x1f189 => "letters in circles or squares",
        0xfb00..=0xfb06 => "ligatures",
        _ if after.trim().is_empty() => "unusual white space",
        _ if before.chars().count() <= QUOTED => return format!("{before} for {after}"),
        _ => "unusual forms of characters",
    };
    name.to_owned()
}

/// The ASCII that tag characters (U+E0000..E007F) stand for; empty if there is one that is none.
pub(super) fn spelt_by_tags(bytes: &[u8]) -> String {
    let ascii = |c: char| {
        u32::from(c)
            .checked_sub(0xe0000)
            .and_then(|code| u8::try_from(code).ok())
            .filter(|byte| (b' '..=b'~').contains(byte))
            .map(char::from)
    };
    std::str::from_utf8(bytes)
        .ok()
        .and_then(|text| text.chars().map(ascii).collect())
        .unwrap_or_default()
}
