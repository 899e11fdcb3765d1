//! The normaliser: what a reader sees, in one spelling, with the way back to the original bytes.
//!
//! [`Normaliser::push`] takes bytes as they come, cut anywhere, and hands [`Unit`]s to a sink: a
//! clean character and the original bytes that it stands for. Units come in order and do not
//! overlap; original bytes that stand for nothing visible belong to none.
//!
//! What it does to a character, in this order:
//!
//! 1. decode, once: UTF-8 (a broken byte becomes U+FFFD), `%XX` escapes of whole UTF-8 sequences,
//!    `&name;`, `&#dec;` and `&#xhex;`;
//! 2. drop what does not show: controls, zero-width and bidi characters, tags, variation
//!    selectors, fillers (the default-ignorable code points of Unicode 17);
//! 3. NFKC, a character at a time and then composed with the marks that follow: full-width and
//!    mathematical letters, ligatures, circled digits; decimal digits of every script become ASCII;
//! 4. cap floods: at most [`MAX_MARKS`] combining marks stay on one character.
//!
//! Case, accents, look-alikes and letters in disguise are the skeleton's (`skeleton/`): addresses
//! and keys need theirs. Marks are composed in the order in which they stand: canonical
//! reordering of several marks on one letter is not undone, and the skeleton drops them anyway.
//!
//! The state between two calls is at most [`MAX_PENDING`] bytes and one character.

mod changes;
mod clean;
mod compose;
mod escape;
mod hidden;
mod window;

use serde::{Deserialize, Serialize};
use unicode_normalization::char::{compose, is_combining_mark};

use crate::work::spend;
use escape::Decoded;

pub(crate) use changes::changes;
pub use changes::{Change, Why};
pub(crate) use compose::may_become;
pub(crate) use hidden::{Kind as HiddenKind, Run as HiddenRun};
pub(crate) use window::Window;

/// Combining marks that one character keeps; Vietnamese needs two, Tibetan stacks a few more.
pub(crate) const MAX_MARKS: u8 = 4;
/// Most bytes that wait for the rest of their sequence: `%XX` four times, less one byte.
pub(crate) const MAX_PENDING: usize = 11;

/// A clean character and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) c: char,
    /// Original bytes, from the beginning of the text.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// Goes with the unit before: both stand for the same bytes, as the two letters of a ligature.
    pub(crate) inner: bool,
}

/// The normaliser's state between two pieces of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Normaliser {
    /// Bytes of a sequence that is not whole yet.
    pending: Vec<u8>,
    /// Original bytes before `pending`.
    at: usize,
    /// The last character: a mark may still join it.
    held: Option<Unit>,
    marks: u8,
    /// Runs of what it drops.
    pub(crate) hidden: hidden::Hidden,
}

impl Normaliser {
    /// Takes the next bytes of the text.
    pub(crate) fn push(&mut self, bytes: &[u8], sink: &mut impl FnMut(Unit)) {
        self.take(bytes, false, sink);
    }

    /// The text ends here.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(Unit)) {
        self.take_last(&[], sink);
    }

    /// Takes the last bytes of the text.
    pub(crate) fn take_last(&mut self, bytes: &[u8], sink: &mut impl FnMut(Unit)) {
        self.take(bytes, true, sink);
        if let Some(held) = self.held.take() {
            sink(held);
        }
        self.hidden.end_run();
    }

    /// Original bytes taken so far.
    pub(crate) fn taken(&self) -> usize {
        self.at + self.pending.len()
    }

    /// Original bytes of which it is certain what they stand for, but for marks that may follow.
    pub(crate) fn decoded(&self) -> usize {
        self.at
    }

    /// The last character, which a mark may still change.
    pub(crate) fn held(&self) -> Option<Unit> {
        self.held
    }

    fn take(&mut self, bytes: &[u8], last: bool, sink: &mut impl FnMut(Unit)) {
        if self.pending.is_empty() {
            let used = self.decode(bytes, last, sink);
            self.pending.extend_from_slice(&bytes[used..]);
        } else {
            let mut joined = std::mem::take(&mut self.pending);
            joined.extend_from_slice(bytes);
            let used = self.decode(&joined, last, sink);
            joined.drain(..used);
            self.pending = joined;
        }
        debug_assert!(self.pending.len() <= MAX_PENDING);
    }

    /// Decodes what is whole; returns the bytes used.
    fn decode(&mut self, bytes: &[u8], last: bool, sink: &mut impl FnMut(Unit)) -> usize {
        spend(bytes.len());
        let mut at = 0;
        while at < bytes.len() {
            let plain = escape::plain_run(&bytes[at..]);
            if plain > 0 {
                self.plain(&bytes[at..at + plain], sink);
                at += plain;
                continue;
            }
            match escape::decode(&bytes[at..], last) {
                Decoded::Char(c, length) => {
                    let start = self.at;
                    self.at += length;
                    at += length;
                    self.hidden.see(c, start, self.at);
                    self.clean(c, start, self.at, sink);
                }
                Decoded::Incomplete => break,
            }
        }
        at
    }

    /// ASCII that needs nothing done to it.
    fn plain(&mut self, bytes: &[u8], sink: &mut impl FnMut(Unit)) {
        self.hidden.end_run();
        let mut hand_over = self.held.take();
        for &byte in bytes {
            let unit = Unit {
                c: char::from(byte),
                start: self.at,
                end: self.at + 1,
                inner: false,
            };
            self.at += 1;
            if let Some(before) = hand_over.replace(unit) {
                sink(before);
            }
        }
        self.held = hand_over;
        self.marks = 0;
    }

    fn clean(&mut self, c: char, start: usize, end: usize, sink: &mut impl FnMut(Unit)) {
        let mut inner = false;
        clean::characters(c, &mut |c| {
            let joined = self.emit(
                Unit {
                    c,
                    start,
                    end,
                    inner,
                },
                sink,
            );
            inner = !joined;
        });
    }

    /// Composes the unit with the one before, or lets that one go. Says whether it was composed.
    fn emit(&mut self, unit: Unit, sink: &mut impl FnMut(Unit)) -> bool {
        if let Some(held) = &mut self.held {
            if let Some(both) = compose(held.c, unit.c) {
                held.c = both;
                held.end = unit.end;
                return true;
            }
            if is_combining_mark(unit.c) {
                if self.marks >= MAX_MARKS {
                    return true;
                }
                self.marks += 1;
            } else {
                self.marks = 0;
            }
        }
        if let Some(held) = self.held.replace(unit) {
            sink(held);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn units(pieces: &[&[u8]]) -> Vec<Unit> {
        let mut out = Vec::new();
        let mut normaliser = Normaliser::default();
        for piece in pieces {
            normaliser.push(piece, &mut |unit| out.push(unit));
        }
        normaliser.finish(&mut |unit| out.push(unit));
        out
    }

    fn clean(text: &[u8]) -> String {
        units(&[text]).iter().map(|unit| unit.c).collect()
    }

    #[test]
    fn one_spelling() {
        for (text, expected) in [
            ("plain text, 42", "plain text, 42"),
            ("ｋｉｌｌ", "kill"),
            ("𝓴𝖎𝗅𝚕", "kill"),
            ("ⓚⓘⓛⓛ", "kill"),
            ("ﬁne", "fine"),
            ("k\u{200b}i\u{200d}l\u{2060}l", "kill"),
            ("\u{202e}kill\u{202c}", "kill"),
            ("ki\u{ad}ll", "kill"),
            ("ki\u{e006b}\u{e0069}ll", "kill"),
            ("k\0ill\u{7}", "kill"),
            ("e\u{301}te\u{301}", "été"),
            ("été", "été"),
            ("%6bill", "kill"),
            ("%E8%87%AA杀", "自杀"),
            ("100%", "100%"),
            ("50%zz %e8%87x", "50%zz %e8%87x"),
            ("&#107;&#x69;ll &amp; &lt;b&gt;", "kill & <b>"),
            ("a &b; &#; &#x; & b", "a &b; &#; &#x; & b"),
            ("%2526", "%26"),
            ("&amp;lt;", "&lt;"),
            ("٤٢ ४२ ４２ 𝟒𝟐", "42 42 42 42"),
            ("a\u{a0}b\u{3000}c", "a b c"),
            ("각", "각"),
            ("\u{1100}\u{1161}\u{11a8}", "각"),
            ("", ""),
        ] {
            assert_eq!(clean(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(clean(b"a\xffb\xe5\xad"), "a\u{fffd}b\u{fffd}\u{fffd}");
        let flood = format!("k{}ill", "\u{316}".repeat(1000));
        assert_eq!(
            clean(flood.as_bytes()).chars().count(),
            4 + usize::from(MAX_MARKS)
        );
    }

    /// Bytes of which texts are made, and anything at all.
    pub(crate) fn text() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            "[a-z &%;#x0-9]{0,12}".prop_map(String::into_bytes),
            "\\PC{0,6}".prop_map(String::into_bytes),
            proptest::collection::vec(any::<u8>(), 0..5),
            proptest::sample::select(vec![
                "&#107;",
                "&amp;",
                "%6b",
                "%E8%87%AA",
                "e\u{301}",
                "\u{200b}",
                "ﬁ",
                "각",
                "４",
                "\u{316}",
                "\u{1100}\u{1161}\u{11a8}",
                "\u{e0061}",
                "ß",
            ])
            .prop_map(|piece| piece.as_bytes().to_vec()),
        ];
        proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn units_are_in_order_and_within_the_text(text in text()) {
            let mut end = 0;
            let mut start = 0;
            for unit in units(&[&text]) {
                prop_assert!(unit.start < unit.end && unit.end <= text.len());
                if unit.inner {
                    prop_assert_eq!((unit.start, unit.end), (start, end));
                } else {
                    prop_assert!(unit.start >= end);
                }
                (start, end) = (unit.start, unit.end);
            }
        }

        #[test]
        fn cuts_change_nothing(text in text(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6)) {
            let whole = units(&[&text]);
            for cut in 0..=text.len() {
                prop_assert_eq!(&units(&[&text[..cut], &text[cut..]]), &whole);
            }
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            cuts.sort_unstable();
            cuts.push(text.len());
            let mut from = 0;
            let pieces: Vec<&[u8]> = cuts.iter().map(|&cut| { let piece = &text[from..cut]; from = cut; piece }).collect();
            prop_assert_eq!(units(&pieces), whole);
        }

        /// Escapes are decoded once, so a text that had none when clean stays as it is.
        #[test]
        fn what_is_clean_stays(text in text()) {
            let once = clean(&text);
            prop_assume!(!once.contains(['%', '&']));
            prop_assert_eq!(clean(once.as_bytes()), once);
        }
    }
}
