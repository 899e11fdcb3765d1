//! Groups of letters and digits that may be a national number.

use std::ops::Range;

use crate::pii::digits::next_digit;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

use super::format::{SEPARATORS, group_key};

const SPACE: usize = 1;

/// Most characters of a number: 18, in Mexico and China.
const MAX_CHARS: usize = 18;
/// Most groups (a French number has 7).
const MAX_GROUPS: usize = 8;
/// Most groups without a digit before the first one with a digit (a Brazilian company's).
const MAX_LEADS: usize = 4;
/// Most letters in such a group.
const MAX_LEAD_LETTERS: usize = 4;
/// Longest printed form.
pub(super) const MAX_BYTES: usize = MAX_CHARS + MAX_GROUPS - 1;

/// Some groups in a row that have clean ends.
pub(super) struct Candidate {
    /// Where, in bytes of the text.
    pub(super) range: Range<usize>,
    /// Lengths of groups and separators, see `layout_key`.
    pub(super) key: u64,
    /// Whether a letter is in lower case.
    pub(super) lower: bool,
    buffer: [u8; MAX_CHARS],
    length: usize,
}

impl Candidate {
    /// Whether it begins like a word: with a letter, and not all letters are capitals.
    pub(super) fn is_wordlike(&self) -> bool {
        self.lower && self.chars().first().is_some_and(u8::is_ascii_alphabetic)
    }

    /// The characters without separators, letters as capitals.
    pub(super) fn chars(&self) -> &[u8] {
        &self.buffer[..self.length]
    }
}

/// Bytes after a number that decide whether it is one: a comma and three more.
const AFTER: usize = 4;

/// Hands every candidate in `text` whose first group is in `first` (by separator after it, a bit
/// for each length) to `visit`. `cut`: more text will follow, and candidates whose end is not certain
/// count.
pub(super) fn each(
    text: &[u8],
    first: &[u32; SEPARATORS.len() + 1],
    cut: bool,
    mut visit: impl FnMut(&Candidate),
) {
    let mut floor = 0;
    while let Some(digit) = next_digit(text, floor) {
        let start = group_start(text, floor, digit);
        let end = digit + group_length(&text[digit..]);
        // Groups before it that have letters only belong to no other digit.
        let mut starts = [start; MAX_LEADS + 1];
        let mut count = 1;
        if end - start <= MAX_CHARS {
            while count <= MAX_LEADS
                && let Some(lead) = lead_before(text, floor, starts[count - 1])
            {
                starts[count] = lead;
                count += 1;
            }
            for &start in &starts[..count] {
                from(text, start, first, cut, &mut visit);
            }
        }
        floor = end;
    }
}

/// Bytes of letters and digits at the start of `text`.
fn group_length(text: &[u8]) -> usize {
    let length = text
        .iter()
        .take_while(|byte| byte.is_ascii_alphanumeric())
        .count();
    spend(length + 1);
    length
}

/// The start of the group that the digit at `digit` is in, or something too far before it.
fn group_start(text: &[u8], floor: usize, digit: usize) -> usize {
    let mut start = digit;
    while start > floor && digit - start <= MAX_CHARS && glued_before(text, start) {
        spend(1);
        if text[start - 1] == b'_' {
            break;
        }
        start -= 1;
    }
    start
}

/// The start of a short group of letters that one separator parts from `at`.
fn lead_before(text: &[u8], floor: usize, at: usize) -> Option<usize> {
    let end = at.checked_sub(1)?;
    if end <= floor || !SEPARATORS.contains(&text[end]) {
        return None;
    }
    let mut start = end;
    while start > floor && text[start - 1].is_ascii_alphabetic() && glued_before(text, start) {
        spend(1);
        start -= 1;
        if end - start > MAX_LEAD_LETTERS {
            return None;
        }
    }
    (start < end).then_some(start)
}

/// Visits the candidates that start at `start`.
fn from(
    text: &[u8],
    start: usize,
    first: &[u32; SEPARATORS.len() + 1],
    cut: bool,
    visit: &mut impl FnMut(&Candidate),
) {
    // Most numbers in a text end here: no format starts with a group of that length.
    let length = group_length(text.get(start..).unwrap_or_default());
    if length > MAX_CHARS {
        return;
    }
    let follows = separator_at(text, start + length);
    let known = |separator: usize| first[separator] >> length & 1 == 1;
    if !(known(0) || follows.is_some_and(known)) || !clean_before(text, start) {
        return;
    }
    let mut candidate = Candidate {
        range: start..start,
        key: 0,
        lower: false,
        buffer: [0; MAX_CHARS],
        length: 0,
    };
    let after_number = start >= 2 && text[start - 1] == b' ' && is_digit(text, start - 2);
    let mut spaced = false;
    let mut head = 0;
    let mut at = start;
    let mut has_digit = false;
    for _ in 0..MAX_GROUPS {
        let length = group_length(text.get(at..).unwrap_or_default());
        let end = at + length;
        let Some(room) = candidate
            .buffer
            .get_mut(candidate.length..candidate.length + length)
            .filter(|room| !room.is_empty())
        else {
            return;
        };
        for (to, &byte) in room.iter_mut().zip(&text[at..end]) {
            *to = byte.to_ascii_uppercase();
            candidate.lower |= byte.is_ascii_lowercase();
            has_digit |= byte.is_ascii_digit();
        }
        candidate.length += length;
        candidate.range.end = end;
        let separator = separator_at(text, end);
        let runs_on = spaced && separator == Some(SPACE) && is_digit(text, end + 1);
        // Groups parted by spaces are the whole of a row of numbers.
        let ends = clean_after(text, end) || cut && end + AFTER > text.len();
        if has_digit && !(spaced && after_number) && !runs_on && ends {
            candidate.key = head << 8 | group_key(length, 0);
            visit(&candidate);
        }
        let Some(separator) = separator else {
            return;
        };
        spaced |= separator == SPACE;
        head = head << 8 | group_key(length, separator);
        at = end + 1;
    }
}

/// The beginning of a number that the text ends in.
pub(super) struct Begun {
    /// Keys of whole groups (`group_key`), a byte each, the first group's the highest in use.
    pub(super) head: u64,
    /// How many they are.
    pub(super) groups: u32,
    /// Characters of the group that the text ends in.
    pub(super) last: usize,
    /// All characters without separators.
    pub(super) chars: Vec<u8>,
}

impl Begun {
    /// As for a [`Candidate`].
    pub(super) fn is_wordlike(&self) -> bool {
        self.chars.first().is_some_and(u8::is_ascii_alphabetic)
            && self.chars.iter().any(u8::is_ascii_lowercase)
    }
}

/// What of a number the text from `start` on may be, if it is groups up to its end.
pub(super) fn begun(text: &[u8], start: usize) -> Option<Begun> {
    if !text.get(start)?.is_ascii_alphanumeric() || !clean_before(text, start) {
        return None;
    }
    let mut begun = Begun {
        head: 0,
        groups: 0,
        last: 0,
        chars: Vec::new(),
    };
    let mut at = start;
    loop {
        let length = group_length(&text[at..]);
        let end = at + length;
        begun.chars.extend_from_slice(&text[at..end]);
        if begun.chars.len() > MAX_CHARS || begun.groups as usize >= MAX_GROUPS {
            return None;
        }
        begun.last = length;
        let Some(byte) = text.get(end) else {
            return Some(begun);
        };
        let separator = SEPARATORS.iter().position(|known| known == byte)?;
        if length == 0 {
            return None;
        }
        begun.head = begun.head << 8 | group_key(length, separator + 1);
        begun.groups += 1;
        at = end + 1;
    }
}

/// The separator at `at` that a group follows, counted from 1.
fn separator_at(text: &[u8], at: usize) -> Option<usize> {
    let byte = text.get(at)?;
    let separator = SEPARATORS.iter().position(|s| s == byte)?;
    text.get(at + 1)?
        .is_ascii_alphanumeric()
        .then_some(separator + 1)
}

fn is_digit(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_digit)
}

/// Not in a word, a path, a version, a price or an international phone number. `No.` and the like
/// may stand right before it.
fn clean_before(text: &[u8], start: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| text.get(at));
    let joined = match before(1) {
        Some(b'-' | b'/') => before(2).is_some_and(u8::is_ascii_alphanumeric),
        Some(b'.') => before(2).is_some_and(u8::is_ascii_digit),
        Some(b'+' | b'$' | b'@') => true,
        _ => false,
    };
    !joined && !glued_before(text, start)
}

/// Not in a word, a path, a version, an address, nor before decimals or a per cent sign.
fn clean_after(text: &[u8], end: usize) -> bool {
    let joined = match text.get(end) {
        Some(b'-' | b'/') => text.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
        Some(b'.') => is_digit(text, end + 1),
        // `123456789,50`, but not a list of numbers.
        Some(b',') => is_digit(text, end + 1) && !is_digit(text, end + 3),
        Some(b'%' | b'@') => true,
        _ => false,
    };
    !joined && !glued_after(text, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        each(text.as_bytes(), &[u32::MAX; 5], false, |candidate| {
            out.push(text[candidate.range.clone()].to_owned());
        });
        out
    }

    #[test]
    fn ends_are_clean() {
        for (text, expected) in [
            ("12345678Z", &["12345678Z"][..]),
            ("x-12345678", &["x-12345678"]),
            ("123-45-6789.", &["123-45-6789"]),
            ("ab 12", &["ab 12", "12"]),
            ("No.12 x", &["No.12", "No.12 x", "12", "12 x"]),
            ("1 2", &["1", "1 2", "2"]),
            (r"\n12", &["12"]),
            ("身份证12号", &["12"]),
            ("12,34", &["34"]),
            ("12,345", &["12", "345"]),
            ("+12", &[]),
            ("_12", &[]),
            ("12_", &[]),
            ("1.2.3.4.5.6.7.8.9", &[]),
            ("1234567890123456789", &[]),
            ("longword1longword1longword", &[]),
        ] {
            let mut found = candidates(text);
            let mut expected = expected.to_vec();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{text:?}");
        }
    }
}
