//! What the normaliser did to a text, told by comparing its units with the original. For
//! explanations: scans do without it.

use std::ops::Range;

use unicode_normalization::char::is_combining_mark;

use super::escape::{self, Decoded};
use super::{Unit, clean};
use crate::work::spend;

/// A stretch of the text that reads otherwise, or not at all, in the clean text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Bytes of the original text.
    pub original: Range<usize>,
    /// Bytes of the clean text that stand for them; empty if they were dropped.
    pub clean: Range<usize>,
    /// What kind of change it is.
    pub why: Why,
}

/// Why a stretch of text was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Why {
    /// Dropped: it does not show.
    Invisible,
    /// Another form of the same characters, as full-width letters and ligatures are (NFKC).
    Compatibility,
    /// A digit of another script, or in another form.
    Digit,
    /// A percent escape.
    PercentEscape,
    /// An HTML entity.
    HtmlEntity,
    /// Bytes that are no UTF-8.
    BrokenUtf8,
    /// A letter and its marks became one character.
    Composed,
    /// Dropped: more marks than one character may have.
    Marks,
}

impl Why {
    /// Its name, for machines: `invisible`, `percent_escape`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invisible => "invisible",
            Self::Compatibility => "compatibility",
            Self::Digit => "digit",
            Self::PercentEscape => "percent_escape",
            Self::HtmlEntity => "html_entity",
            Self::BrokenUtf8 => "broken_utf8",
            Self::Composed => "composed",
            Self::Marks => "marks",
        }
    }
}

/// All changes from `text` to its `units`, in order; neighbours of one kind are one change.
pub(crate) fn changes(text: &[u8], units: &[Unit]) -> Vec<Change> {
    spend(text.len());
    let mut changes = Changes {
        text,
        at: 0,
        clean: 0,
        list: Vec::new(),
    };
    let mut rest = units;
    while let Some(first) = rest.first() {
        let inner = rest[1..].iter().take_while(|unit| unit.inner).count();
        let (group, after) = rest.split_at(1 + inner);
        rest = after;
        changes.dropped(first.start);
        changes.became(first.start, group);
    }
    changes.dropped(text.len());
    changes.list
}

struct Changes<'a> {
    text: &'a [u8],
    /// Original bytes accounted for.
    at: usize,
    /// Clean bytes accounted for.
    clean: usize,
    list: Vec<Change>,
}

impl Changes<'_> {
    /// The original bytes up to `end` stand for nothing.
    fn dropped(&mut self, end: usize) {
        while let Some(bytes) = self
            .text
            .get(self.at..end)
            .filter(|bytes| !bytes.is_empty())
        {
            let (c, length) = first(bytes);
            let mut shows = false;
            clean::characters(c, &mut |_| shows = true);
            let why = if shows { Why::Marks } else { Why::Invisible };
            self.push(self.at + length, 0, why);
        }
    }

    /// The bytes from `start` on are the characters of `group`.
    fn became(&mut self, start: usize, group: &[Unit]) {
        let end = group.iter().map(|unit| unit.end).max().unwrap_or(start);
        let clean: String = group.iter().map(|unit| unit.c).collect();
        let original = self.text.get(start..end).unwrap_or_default();
        if original == clean.as_bytes() {
            self.at = end;
            self.clean += clean.len();
        } else {
            self.push(end, clean.len(), why(original, &clean));
        }
    }

    fn push(&mut self, end: usize, clean: usize, why: Why) {
        let (from, clean_from) = (self.at, self.clean);
        (self.at, self.clean) = (end, clean_from + clean);
        match self.list.last_mut() {
            Some(last)
                if last.why == why && last.original.end == from && last.clean.end == clean_from =>
            {
                last.original.end = end;
                last.clean.end = self.clean;
            }
            _ => self.list.push(Change {
                original: from..end,
                clean: clean_from..self.clean,
                why,
            }),
        }
    }
}

/// Why `original`, one character or a letter and its marks, is not `clean` already.
fn why(original: &[u8], clean: &str) -> Why {
    let mut rest = original;
    let mut characters = Vec::new();
    while !rest.is_empty() {
        let (c, length) = first(rest);
        match rest[0] {
            b'%' if length > 1 => return Why::PercentEscape,
            b'&' if length > 1 => return Why::HtmlEntity,
            _ => {}
        }
        characters.push(c);
        rest = rest.get(length..).unwrap_or_default();
    }
    match *characters.as_slice() {
        [char::REPLACEMENT_CHARACTER] => Why::BrokenUtf8,
        [_] if clean.bytes().all(|byte| byte.is_ascii_digit()) => Why::Digit,
        [_, .., last] if is_combining_mark(last) || !last.is_ascii() => Why::Composed,
        _ => Why::Compatibility,
    }
}

/// The character at the head of `bytes`, which are not empty and are all there is.
fn first(bytes: &[u8]) -> (char, usize) {
    match escape::decode(bytes, true) {
        Decoded::Char(c, length) => (c, length),
        Decoded::Incomplete => (char::REPLACEMENT_CHARACTER, bytes.len()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Normaliser;
    use super::super::tests::text;
    use super::*;

    fn of(text: &[u8]) -> (String, Vec<Change>) {
        let mut units = Vec::new();
        let mut normaliser = Normaliser::default();
        normaliser.push(text, &mut |unit| units.push(unit));
        normaliser.finish(&mut |unit| units.push(unit));
        let clean = units.iter().map(|unit| unit.c).collect();
        (clean, changes(text, &units))
    }

    fn told(text: &[u8]) -> Vec<(String, String, Why)> {
        let (clean, changes) = of(text);
        changes
            .into_iter()
            .map(|change| {
                let original = String::from_utf8_lossy(&text[change.original]).into_owned();
                (original, clean[change.clean].to_owned(), change.why)
            })
            .collect()
    }

    #[test]
    fn each_kind_of_change() {
        for (text, original, clean, why) in [
            ("a\u{200b}\u{200d}b", "\u{200b}\u{200d}", "", Why::Invisible),
            ("a&zwj;b", "&zwj;", "", Why::Invisible),
            ("x ｋｉｌｌ y", "ｋｉｌｌ", "kill", Why::Compatibility),
            ("ﬁne", "ﬁ", "fi", Why::Compatibility),
            ("a\u{a0}b", "\u{a0}", " ", Why::Compatibility),
            ("no ٤٢", "٤٢", "42", Why::Digit),
            ("%6b%69ll", "%6b%69", "ki", Why::PercentEscape),
            ("&#107;ill", "&#107;", "k", Why::HtmlEntity),
            ("e\u{301}t", "e\u{301}", "é", Why::Composed),
            ("\u{1100}\u{1161}", "\u{1100}\u{1161}", "가", Why::Composed),
        ] {
            let expected = [(original.to_owned(), clean.to_owned(), why)];
            assert_eq!(told(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(told("plain, été 42 100%".as_bytes()), []);
        assert_eq!(told(b"a\xffb")[0].2, Why::BrokenUtf8);
        let flood = format!("k{}", "\u{316}".repeat(9));
        assert_eq!(told(flood.as_bytes())[0].2, Why::Marks);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is not in a change is the same on both sides, byte for byte.
        #[test]
        fn changes_account_for_every_byte(text in text()) {
            let (clean, changes) = of(&text);
            let (mut at, mut clean_at) = (0, 0);
            let end = Change { original: text.len()..text.len(), clean: clean.len()..clean.len(), why: Why::Marks };
            for change in changes.into_iter().chain([end]) {
                prop_assert!(at <= change.original.start && clean_at <= change.clean.start);
                prop_assert_eq!(&text[at..change.original.start], &clean.as_bytes()[clean_at..change.clean.start]);
                (at, clean_at) = (change.original.end, change.clean.end);
            }
        }
    }
}
