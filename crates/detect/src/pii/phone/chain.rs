//! Runs of digits with the punctuation that people put into phone numbers.

use std::ops::Range;

use crate::word::{char_after, char_before, glued_before};
use crate::work::spend;

/// Most digits of a chain: 15 of ITU-T E.164, a `00` before them and a `(0)` among them.
const MAX_DIGITS: usize = 18;
/// Most groups of digits: a country code, an area code and five pairs.
const MAX_GROUPS: usize = 7;
/// Most characters between two groups, as in `) - `.
const MAX_SEPARATORS: usize = 4;
/// No chain goes on past this many bytes; the digits, and separators of four bytes between them.
pub(super) const MAX_BYTES: usize = 44;
/// How far before a chain its neighbours decide whether it starts there: separators of at most
/// three bytes each, a digit, and the `+` or `(` that belongs to the chain.
pub(super) const BEFORE: usize = 3 * MAX_SEPARATORS + 2;

/// Which kinds of separators occur in a chain.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Separators {
    pub(super) dot: bool,
    pub(super) hyphen: bool,
    pub(super) slash: bool,
    pub(super) paren: bool,
    pub(super) space: bool,
}

/// A longest run of digits that start at a digit, `+` or `(` and are joined by separators.
#[derive(Debug, Clone)]
pub(super) struct Chain {
    /// Its first byte: `+`, `(` or a digit.
    pub(super) start: usize,
    pub(super) plus: bool,
    digits: [u8; MAX_DIGITS],
    /// For each group how many digits there are up to its end, and where in the text it ends.
    ends: [(usize, usize); MAX_GROUPS],
    pub(super) groups: usize,
    /// What stands between all groups, or as many of them as were read.
    pub(super) separators: Separators,
    /// The group that is a lone `(0)`, to be left out when the country code is dialled.
    trunk_group: Option<usize>,
    /// Whether the chain went on beyond what is read of it.
    pub(super) cut: bool,
    /// Whether the text ends where the chain may still go on.
    pub(super) open: bool,
    /// Where to look for the next one.
    pub(super) next: usize,
}

impl Chain {
    /// The digits of the first `groups` groups, in ASCII.
    pub(super) fn digits(&self, groups: usize) -> &[u8] {
        &self.digits[..self.digits_to(groups)]
    }

    fn digits_to(&self, groups: usize) -> usize {
        groups.checked_sub(1).map_or(0, |last| self.ends[last].0)
    }

    /// How many digits group `index` has; 0 when there is no such group.
    pub(super) fn size(&self, index: usize) -> usize {
        if index >= self.groups {
            return 0;
        }
        self.ends[index].0 - self.digits_to(index)
    }

    /// The number that group `index` is.
    pub(super) fn value(&self, index: usize) -> u64 {
        let from = self.digits_to(index);
        self.digits[from..from + self.size(index)]
            .iter()
            .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
    }

    /// Where the first `groups` groups lie in the text.
    pub(super) fn range(&self, groups: usize) -> Range<usize> {
        let end = groups
            .checked_sub(1)
            .map_or(self.start, |last| self.ends[last].1);
        self.start..end
    }

    /// The digits of the first `groups` groups without a `(0)`, less the first `skip`, and how many
    /// they are.
    pub(super) fn international(&self, groups: usize, skip: usize) -> ([u8; MAX_DIGITS], usize) {
        let mut number = [b'0'; MAX_DIGITS];
        let mut length = 0;
        let left_out = self
            .trunk_group
            .filter(|&group| group < groups)
            .map(|group| self.digits_to(group));
        for (at, &digit) in self.digits(groups).iter().enumerate().skip(skip) {
            if Some(at) != left_out {
                number[length] = digit;
                length += 1;
            }
        }
        (number, length)
    }
}

/// The chain that starts at or just before the digit at `digit`; `None`, with where to go on, when
/// none starts there.
pub(super) fn chain_at(text: &[u8], digit: usize) -> Result<Chain, usize> {
    let opener = digit.checked_sub(1).map(|at| text[at]);
    let plus = opener == Some(b'+');
    let start = if plus || opener == Some(b'(') {
        digit - 1
    } else {
        digit
    };
    spend(BEFORE);
    let glued = glued_before(text, start) || (!plus && joined_before(text, digit));
    if glued || (plus && start > 0 && matches!(text[start - 1], b'+' | b')')) {
        let run = run_of_digits(text, digit, usize::MAX);
        return Err(digit + run);
    }
    Ok(walk(text, start, digit, plus))
}

fn walk(text: &[u8], start: usize, digit: usize, plus: bool) -> Chain {
    let mut chain = Chain {
        start,
        plus,
        digits: [0; MAX_DIGITS],
        ends: [(0, 0); MAX_GROUPS],
        groups: 0,
        separators: Separators::default(),
        trunk_group: None,
        cut: false,
        open: false,
        next: digit,
    };
    let mut count = 0;
    let mut at = digit;
    // A parenthesis before a `+` number is not part of it, as in `(+49) 30`.
    chain.separators.paren = start < digit && !plus;
    loop {
        let run = run_of_digits(text, at, MAX_DIGITS + 1 - count);
        if count + run > MAX_DIGITS || chain.groups == MAX_GROUPS || at + run > start + MAX_BYTES {
            chain.cut = true;
            chain.next = at + run.max(1);
            return chain;
        }
        chain.digits[count..count + run].copy_from_slice(&text[at..at + run]);
        count += run;
        let alone = run == 1 && text[at] == b'0' && at > start && text[at - 1] == b'(';
        if alone && text.get(at + 1) == Some(&b')') && chain.trunk_group.is_none() {
            chain.trunk_group = Some(chain.groups);
        }
        at += run;
        chain.ends[chain.groups] = (count, at);
        chain.groups += 1;
        chain.next = at;
        let joint = separator(text, at, &mut chain.separators);
        let Joint::Separator(length) = joint else {
            chain.open = joint == Joint::TextEnds;
            // A parenthesis that the chain does not close holds more than the number.
            if text[start] == b'(' && !text[start..at].contains(&b')') {
                chain.start = digit;
            }
            spend(at - start);
            return chain;
        };
        at += length;
    }
}

fn run_of_digits(text: &[u8], from: usize, most: usize) -> usize {
    let run = text[from..]
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    spend(run + 1);
    run
}

/// What stands after a group of digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Joint {
    /// A separator of so many bytes, and a digit.
    Separator(usize),
    /// Nothing, or what may become a separator.
    TextEnds,
    Other,
}

/// What stands at `at`; what a separator is made of goes to `seen`.
///
/// One to four of space, `-`, `.`, `/`, `(` and `)` and their typographic variants; none of the
/// marks twice, and a full stop with nothing beside it: `. ` ends a sentence or a list's number.
fn separator(text: &[u8], at: usize, seen: &mut Separators) -> Joint {
    let mut here = Separators::default();
    let (mut opened, mut closed) = (false, false);
    let mut end = at;
    for _ in 0..MAX_SEPARATORS {
        let Some((c, length)) = char_after(text, end) else {
            break;
        };
        let twice = match c {
            ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' => {
                here.space = true;
                false
            }
            '-' | '\u{2010}'..='\u{2013}' => std::mem::replace(&mut here.hyphen, true),
            '.' => std::mem::replace(&mut here.dot, true),
            '/' => std::mem::replace(&mut here.slash, true),
            '(' => std::mem::replace(&mut opened, true),
            ')' => std::mem::replace(&mut closed, true),
            _ => return Joint::Other,
        };
        if twice {
            return Joint::Other;
        }
        end += length;
        if here.dot && (here.space || here.hyphen || here.slash || opened || closed) {
            return Joint::Other;
        }
        if text.get(end).is_some_and(u8::is_ascii_digit) {
            seen.space |= here.space;
            seen.hyphen |= here.hyphen;
            seen.dot |= here.dot;
            seen.slash |= here.slash;
            seen.paren |= opened || closed;
            spend(end - at);
            return Joint::Separator(end - at);
        }
    }
    if end == text.len() {
        Joint::TextEnds
    } else {
        Joint::Other
    }
}

/// Whether the digit at `digit` goes on a chain from before it.
fn joined_before(text: &[u8], digit: usize) -> bool {
    let mut at = digit;
    for _ in 0..=MAX_SEPARATORS {
        let Some((c, length)) = char_before(text, at) else {
            return false;
        };
        if c.is_ascii_digit() {
            return at == digit
                || separator(text, at, &mut Separators::default()) == Joint::Separator(digit - at);
        }
        if c.is_alphanumeric() {
            return false;
        }
        at -= length;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::digits::next_digit;

    fn groups(text: &str) -> Vec<usize> {
        let digit = next_digit(text.as_bytes(), 0).unwrap();
        let chain = chain_at(text.as_bytes(), digit).unwrap();
        (0..chain.groups).map(|index| chain.size(index)).collect()
    }

    #[test]
    fn splits_into_groups() {
        for (text, expected) in [
            ("+49 (0)30 / 1234-567", &[2, 1, 2, 4, 3][..]),
            ("(212) 555-0123", &[3, 3, 4]),
            ("212.555.0123", &[3, 3, 4]),
            ("06 12 34 56 78, 9", &[2, 2, 2, 2, 2]),
            ("030\u{a0}123\u{2011}45", &[3, 3, 2]),
            ("12\n34", &[2]),
            ("2. 030", &[1]),
            ("12--34", &[2]),
        ] {
            assert_eq!(groups(text), expected, "{text:?}");
        }
    }

    #[test]
    fn starts_only_where_nothing_is_joined() {
        let at_last = |text: &str| chain_at(text.as_bytes(), text.len() - 1).is_ok();
        for text in [
            "x2", "12", "1 2", "1-2", "1.2", "1) (2", "x+2", "1+2", "(1)+2", "++2",
        ] {
            assert!(!at_last(text), "{text:?}");
        }
        for text in ["a. 2", "1, 2", "1\n2", "1. 2", "2", "手机2", "5 +2"] {
            assert!(at_last(text), "{text:?}");
        }
    }

    #[test]
    fn leaves_out_the_trunk_zero() {
        let text = b"+49 (0)30 12";
        let chain = chain_at(text, 1).unwrap();
        let (number, length) = chain.international(chain.groups, 0);
        assert_eq!(&number[..length], b"493012");
    }

    #[test]
    fn long_chains_are_cut_and_step_on() {
        let text = "1".repeat(100);
        let chain = chain_at(text.as_bytes(), 0).unwrap();
        assert!(chain.cut);
        assert_eq!(chain_at(text.as_bytes(), chain.next).err(), Some(100));
    }
}
