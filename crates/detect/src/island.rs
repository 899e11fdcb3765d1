//! Base64 islands: text hidden as base64 is scanned as well, once.
//!
//! An island is a run of at least [`SHORTEST`] characters of the base64 or base64url alphabet whose
//! beginning decodes to text. It ends with the run, with padding, where it stops decoding to text,
//! or after [`LONGEST_DECODED`] bytes. Findings inside it cover the groups of four characters that
//! hold them, but for the first [`FREE`] groups: streams do not hold every word of some letters because it
//! might begin an island. What lies in those groups alone, six bytes, is not found. Islands in islands are not
//! looked for.
//!
//! Identifiers, hashes and paths of that length are common; that twelve random bytes are text
//! happens once in some 100,000 (about 0.38 of the bytes are printable ASCII), and then costs a scan.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use weir_types::Span;

use crate::normal::{Unit, Window};
use crate::work::spend;

/// Fewest characters of an island: twelve bytes.
const SHORTEST: usize = 16;
/// Most decoded bytes of one island.
const LONGEST_DECODED: usize = 64 << 10;
/// Characters of a group, and the bytes they hold.
const GROUP: usize = 4;
const GROUP_BYTES: usize = 3;
/// Groups at the beginning that no finding covers, and no stream is held for: few words have more than
/// eight letters of them. Of a card number, six digits tell the issuer alone.
const FREE: usize = 2;

/// Looks for islands in a text that comes character by character.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Islands {
    /// Characters of the run so far.
    run: usize,
    island: Option<Box<Island>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Island {
    /// What it holds. Scanned at its end: a scan of three bytes at a time would be a slow one.
    text: Vec<u8>,
    /// The original bytes of each group.
    groups: Vec<Range<usize>>,
    /// Characters of a group that is not whole.
    group: Vec<(u8, Range<usize>)>,
    /// Bytes of the text that are known to be text; up to three more may begin a character.
    valid: usize,
}

impl Islands {
    /// Takes a character, which `window` ends with; gives back an island that has ended.
    #[inline]
    pub(crate) fn push(&mut self, unit: Unit, window: &Window) -> Option<Opened> {
        let value = value(unit.c);
        if value.is_none() && self.island.is_none() {
            self.run = 0;
            return None;
        }
        if value.is_some() && self.run + 1 < SHORTEST {
            self.run += 1;
            return None;
        }
        self.push_long(value, unit, window)
    }

    /// The same where an island has begun or may begin.
    fn push_long(&mut self, value: Option<u8>, unit: Unit, window: &Window) -> Option<Opened> {
        let Some(value) = value else {
            return self.end();
        };
        self.run += 1;
        if self.run == SHORTEST {
            let first = window.text().len().saturating_sub(SHORTEST);
            self.island = Island::begin(window, first).map(Box::new);
            return None;
        }
        if self.island.as_mut()?.push(value, unit.start..unit.end) {
            return None;
        }
        self.island.take().map(|island| island.open())
    }

    /// Where the text begins that an unfinished island may hide something in, in original bytes; `held` is
    /// the character after the window, if there is one. The [`FREE`] groups say too little to be held for.
    pub(crate) fn open_from(&self, window: &Window, held: Option<Unit>) -> Option<usize> {
        if let Some(island) = &self.island {
            return island.groups.get(FREE).map(|group| group.start);
        }
        if held.is_some_and(|held| value(held.c).is_none()) {
            return None;
        }
        let run = self.run + usize::from(held.is_some());
        if run <= FREE * GROUP || self.run >= SHORTEST {
            return None;
        }
        let first = window.text().len().checked_sub(self.run)?;
        Island::read(window, first..first + self.run)?;
        match held {
            Some(held) if self.run == FREE * GROUP => Some(held.start),
            _ => {
                let covered = first + FREE * GROUP;
                Some(window.original(&(covered..covered)).start)
            }
        }
    }

    /// The run ends here.
    pub(crate) fn end(&mut self) -> Option<Opened> {
        self.run = 0;
        self.island.take().map(|island| island.open())
    }
}

impl Island {
    /// `None` if the first characters of the run that begins at `first` do not hold text.
    fn begin(window: &Window, first: usize) -> Option<Self> {
        Self::read(window, first..first + SHORTEST)
    }

    /// `None` if the characters in that range of the window do not hold text.
    fn read(window: &Window, mut range: Range<usize>) -> Option<Self> {
        let mut island = Self {
            text: Vec::new(),
            groups: Vec::new(),
            group: Vec::with_capacity(GROUP),
            valid: 0,
        };
        // The run is ASCII, so a byte is a character.
        range
            .all(|at| island.push_from(window, at))
            .then_some(island)
    }

    /// Takes the character at a place of the window; false if the island ends before it.
    fn push_from(&mut self, window: &Window, at: usize) -> bool {
        let byte = window.text().get(at).copied();
        byte.and_then(|byte| value(char::from(byte)))
            .is_some_and(|value| self.push(value, window.original(&(at..at + 1))))
    }

    /// Takes a character; false if the island ends before it.
    fn push(&mut self, value: u8, place: Range<usize>) -> bool {
        self.group.push((value, place));
        self.group.len() < GROUP || self.take_group()
    }

    /// Decodes the group; an unfinished one has fewer bytes.
    fn take_group(&mut self) -> bool {
        let mut bits: u32 = 0;
        for place in 0..GROUP {
            let value = self.group.get(place).map_or(0, |(value, _)| *value);
            bits = bits << 6 | u32::from(value);
        }
        let [_, bytes @ ..] = bits.to_be_bytes();
        let bytes = &bytes[..(self.group.len() * GROUP_BYTES) / GROUP];
        if self.text.len() + bytes.len() > LONGEST_DECODED {
            return false;
        }
        self.text.extend_from_slice(bytes);
        let new = &self.text[self.valid..];
        let whole = match std::str::from_utf8(new) {
            Ok(_) => new.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => return self.cut(),
        };
        let is_text = |byte: &u8| !byte.is_ascii_control() || byte.is_ascii_whitespace();
        if !new[..whole].iter().all(is_text) {
            return self.cut();
        }
        self.valid += whole;
        let (Some(first), Some(last)) = (self.group.first(), self.group.last()) else {
            return false;
        };
        self.groups.push(first.1.start..last.1.end);
        self.group.clear();
        true
    }

    /// The text ends before what is none.
    fn cut(&mut self) -> bool {
        self.text.truncate(self.valid);
        false
    }

    /// The island ends here, perhaps within a group.
    fn open(mut self) -> Opened {
        // One character alone holds no byte.
        if self.group.len() > 1 {
            self.take_group();
        }
        self.text.truncate(self.valid);
        Opened {
            text: self.text,
            groups: self.groups,
        }
    }
}

/// An island that has ended.
#[derive(Debug)]
pub(crate) struct Opened {
    /// What it holds: UTF-8.
    pub(crate) text: Vec<u8>,
    groups: Vec<Range<usize>>,
}

impl Opened {
    /// Its original bytes, as far as they hold text.
    pub(crate) fn range(&self) -> Range<usize> {
        let start = self.groups.first().map_or(0, |group| group.start);
        start..self.groups.last().map_or(start, |group| group.end)
    }

    /// The original bytes of the groups that hold `span` of its text, less the [`FREE`] ones: they are
    /// out before anybody could tell that an island begins. `None` if nothing is left.
    pub(crate) fn place(&self, span: &Span) -> Option<Range<usize>> {
        let first = usize::try_from(span.start).ok()? / GROUP_BYTES;
        let last = usize::try_from(span.end - 1).ok()? / GROUP_BYTES;
        let first = first.max(FREE);
        (first <= last).then_some(self.groups.get(first)?.start..self.groups.get(last)?.end)
    }
}

/// The islands of a whole text, of which `window` holds everything.
pub(crate) fn open(window: &Window) -> Vec<Opened> {
    let text = window.text();
    spend(text.len());
    let in_alphabet = |byte: &u8| value(char::from(*byte)).is_some();
    let mut out = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let length = text[at..]
            .iter()
            .take_while(|byte| in_alphabet(byte))
            .count();
        if length >= SHORTEST
            && let Some(mut island) = Island::begin(window, at)
        {
            for at in at + SHORTEST..at + length {
                if !island.push_from(window, at) {
                    break;
                }
            }
            out.push(island.open());
        }
        at += length + 1;
    }
    out
}

/// The six bits of a character, in either alphabet.
fn value(c: char) -> Option<u8> {
    let byte = u8::try_from(c).ok()?;
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crate::Detector;
    use crate::testing::{places, rule, scan_pieces};

    /// `printf 'please kill yourself now' | base64`
    const HIDDEN: &str = "cGxlYXNlIGtpbGwgeW91cnNlbGYgbm93";

    #[test]
    fn what_an_island_hides_is_found_by_its_groups() {
        let rules = [rule("r", &["kill yourself"])];
        let expected = [("r".to_owned(), HIDDEN[8..28].to_owned())];
        for text in [
            HIDDEN.to_owned(),
            format!("decode: {HIDDEN} ok"),
            format!("{HIDDEN}=="),
            format!("{HIDDEN}%20"),
        ] {
            assert_eq!(places(&rules, &text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_text_is_no_island() {
        let rules = [rule("r", &["kill yourself"])];
        for text in [
            "da39a3ee5e6b4b0d3255bfef95601890afd80709",
            "internationalization-of-everything",
            "cGxlYXNlIGtpbGw",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(places(&rules, text), [], "{text}");
        }
    }

    #[test]
    fn cuts_change_nothing() {
        let detector = Detector::compile(&[rule("r", &["kill yourself"])]).unwrap();
        let text = format!("{HIDDEN}\u{200b}{HIDDEN}%41{HIDDEN}/w== x");
        let whole = scan_pieces(&detector, &[text.as_bytes()], 0);
        assert!(whole.len() > 1);
        for cut in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            assert_eq!(scan_pieces(&detector, &[left, right], 0), whole, "{cut}");
        }
    }
}
