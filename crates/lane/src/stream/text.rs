//! The text of a stream, as far back as something may still ask for it.

use serde::{Deserialize, Serialize};
use unicode_segmentation::UnicodeSegmentation;
use weir_detect::is_word;

/// Bytes kept before what is unreleased: the classifier's window, and what findings may cover.
const KEPT: usize = 1024;
/// Bytes that pile up before those that nobody needs are dropped.
const SPARE: usize = 256;
/// Text of which the language is told.
const HEAD: usize = 256;

/// The last bytes of a stream's text, and the first ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Text {
    head: Vec<u8>,
    tail: Vec<u8>,
    /// Bytes of the text before `tail`.
    dropped: usize,
}

impl Text {
    /// Takes the next bytes; what lies further back than `released` and [`KEPT`] is forgotten.
    pub(super) fn push(&mut self, bytes: &[u8], released: i64) {
        let room = HEAD.saturating_sub(self.head.len()).min(bytes.len());
        if self.head.is_empty() && room > 0 {
            self.head.reserve_exact(HEAD);
        }
        self.head.extend_from_slice(&bytes[..room]);
        if self.tail.capacity() - self.tail.len() < bytes.len() {
            // Not for as much again: a stream keeps that for as long as it is open.
            self.tail.reserve_exact(bytes.len().next_multiple_of(SPARE));
        }
        self.tail.extend_from_slice(bytes);
        let released = usize::try_from(released).unwrap_or(0);
        let needed = released.min(self.len()).saturating_sub(KEPT);
        // In one go now and then, so that a chunk costs what it holds.
        if needed > self.dropped + SPARE {
            self.tail.drain(..needed - self.dropped);
            self.dropped = needed;
        }
    }

    /// All bytes so far.
    pub(super) fn len(&self) -> usize {
        self.dropped + self.tail.len()
    }

    /// Skips bytes that never came: nothing before them is kept.
    pub(super) fn skip_to(&mut self, bytes: usize) {
        self.tail.clear();
        self.dropped = bytes;
    }

    /// What is kept, and the position of its first byte.
    pub(super) fn kept(&self) -> (&[u8], usize) {
        (&self.tail, self.dropped)
    }

    /// The first bytes.
    pub(super) fn head(&self) -> &[u8] {
        &self.head
    }

    /// The text from `from` on, at most the last `most` bytes of it, broken bytes replaced.
    pub(super) fn last(&self, from: usize, most: usize) -> String {
        let from = from.max(self.len().saturating_sub(most)).max(self.dropped);
        let mut bytes = &self.tail[from - self.dropped..];
        // Not from the middle of a character.
        while let [0x80..=0xbf, rest @ ..] = bytes {
            bytes = rest;
        }
        String::from_utf8_lossy(bytes).into_owned()
    }

    /// The last place at or before `at` where a reader sees the text end: between characters as they are
    /// perceived (grapheme clusters, Unicode Standard Annex 29), and between words if `whole_words`.
    /// Not before `released`, which is such a place.
    pub(super) fn cut_back(&self, at: i64, released: i64, whole_words: bool) -> i64 {
        let place = |position: i64| {
            let position = usize::try_from(position).unwrap_or(0);
            position.clamp(self.dropped, self.len()) - self.dropped
        };
        let (from, to) = (place(released), place(at));
        if from >= to || to == self.tail.len() && !whole_words && !self.joins_on() {
            return at.max(released);
        }
        // A break depends on one character after it, so what is known behind is looked at as well.
        let known = &self.tail[from..self.tail.len().min(to + AFTER)];
        let known = match std::str::from_utf8(known) {
            Ok(known) => known,
            Err(error) if error.valid_up_to() >= to - from || error.error_len().is_none() => {
                // Cut off within a character, or broken behind: the rest is enough.
                std::str::from_utf8(&known[..error.valid_up_to()]).unwrap_or_default()
            }
            // Broken bytes are each their own.
            Err(_) => return at,
        };
        let ends_here = |end: usize| end == known.len() && from + end == self.tail.len();
        let mut cut = 0;
        for (start, cluster) in known.grapheme_indices(true) {
            let end = start + cluster.len();
            if end > to - from {
                break;
            }
            let open = ends_here(end) && self.joins_on();
            let inside = whole_words && in_word(known, end, ends_here(end));
            if !open && !inside {
                cut = end;
            }
        }
        let back = i64::try_from(self.dropped + from + cut).unwrap_or(i64::MAX);
        back.max(released)
    }

    /// Whether the last character asks for another one in the same cluster.
    fn joins_on(&self) -> bool {
        const ZERO_WIDTH_JOINER: &[u8] = "\u{200d}".as_bytes();
        let regional = |bytes: &[u8]| matches!(bytes, [.., 0xf0, 0x9f, 0x87, 0xa6..=0xbf]);
        let mut flags = 0;
        let mut rest = &self.tail[..];
        while regional(rest) {
            flags += 1;
            rest = &rest[..rest.len() - 4];
        }
        self.tail.ends_with(ZERO_WIDTH_JOINER) || flags % 2 == 1
    }
}

/// Bytes of one character more, and of its marks.
const AFTER: usize = 32;

/// Whether a word goes on, or may go on, at `at`.
fn in_word(text: &str, at: usize, may_go_on: bool) -> bool {
    let word = |c: Option<char>| c.is_some_and(is_word);
    let before = word(text[..at].chars().next_back());
    before && (may_go_on || word(text[at..].chars().next()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, at: usize, whole_words: bool) -> usize {
        let mut kept = Text::default();
        kept.push(text.as_bytes(), 0);
        let back = kept.cut_back(i64::try_from(at).unwrap(), 0, whole_words);
        usize::try_from(back).unwrap()
    }

    #[test]
    fn graphemes_are_released_whole() {
        let family = "👨\u{200d}👩\u{200d}👧";
        for (text, at, expected) in [
            ("abc", 2, 2),
            ("abc", 3, 3),
            ("e\u{301}x", 1, 0),
            ("ae\u{301}x", 4, 4),
            ("a\u{1f1e9}\u{1f1ea}", 5, 1),
            ("a\u{1f1e9}", 5, 1),
            ("a\u{1f1e9}\u{1f1ea}", 9, 9),
            ("a👨\u{200d}", 8, 1),
            (family, 4, 0),
            (family, 7, 0),
            (family, 18, 18),
            ("각x", 3, 3),
            ("\r\n", 1, 0),
        ] {
            assert_eq!(cut(text, at, false), expected, "{text:?} {at}");
        }
    }

    #[test]
    fn words_are_released_whole_when_asked() {
        for (text, at, expected) in [
            ("some words", 10, 5),
            ("some words", 7, 5),
            ("some words.", 11, 11),
            ("some words ", 11, 11),
            ("some", 4, 0),
            ("不要这样", 6, 6),
        ] {
            assert_eq!(cut(text, at, true), expected, "{text:?} {at}");
        }
    }

    #[test]
    fn broken_bytes_hold_nothing_up() {
        let mut text = Text::default();
        text.push(b"ab\xff\xfecd", 0);
        assert_eq!(text.cut_back(4, 0, true), 4);
        assert_eq!(text.cut_back(1, 0, false), 1);
    }

    #[test]
    fn what_is_released_is_forgotten_in_time() {
        let mut text = Text::default();
        for at in 0..1000 {
            text.push(&[b'x'; 100], at * 100);
            assert!(text.kept().0.len() <= KEPT + 2 * SPARE);
        }
        assert_eq!((text.len(), text.head().len()), (100_000, HEAD));
        assert_eq!(text.last(0, 10), "x".repeat(10));
    }
}
