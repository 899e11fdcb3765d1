//! Numbers that are not finished at the end of a text.

use super::chain::{Chain, chain_at};
use super::words::Nearby;
use super::{AHEAD, NATIONAL, PhoneDetector};
use crate::context;
use crate::pii::next_digit;
use crate::word::glued_before;

impl PhoneDetector {
    /// Where in `text`, from `from` on, the first number begins that what follows may complete, undo or
    /// score otherwise; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        let mut at = from;
        while let Some(digit) = next_digit(text, at) {
            match chain_at(text, digit) {
                Ok(chain) => {
                    let start = opening(text, &chain);
                    if start >= from && self.is_open(text, &chain) {
                        return start;
                    }
                    at = chain.next;
                }
                Err(next) => at = next,
            }
        }
        // What a number may begin with, before its first digit.
        let last = text.len().saturating_sub(1);
        let opens = last >= from
            && match text.last() {
                Some(b'+') => !matches!(text[..last].last(), Some(b'+' | b')')),
                Some(b'(') => true,
                _ => false,
            };
        if opens && !glued_before(text, last) {
            last
        } else {
            text.len()
        }
    }

    fn is_open(&self, text: &[u8], chain: &Chain) -> bool {
        if chain.open {
            return true;
        }
        let end = chain.range(chain.groups).end;
        if end + context::AFTER < text.len() || chain.digits(chain.groups).len() < *NATIONAL.start()
        {
            return false;
        }
        // The words after it may say whatever makes the most of it.
        let telling = |_: &_| Nearby {
            phone: true,
            ..Nearby::default()
        };
        // The `x` of an extension, unless no digit follows.
        let extension = matches!(text[end..], [b'x' | b'X']);
        extension || self.check(text, chain, telling).is_some()
    }
}

/// Where the chain begins if what follows closes the parenthesis that it begins with.
fn opening(text: &[u8], chain: &Chain) -> usize {
    let unclosed = chain.open && text[chain.start].is_ascii_digit();
    let parenthesis = unclosed && text[..chain.start].ends_with(b"(");
    chain.start - usize::from(parenthesis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        &text[PhoneDetector::new().open_from(text.as_bytes(), 0)..]
    }

    #[test]
    fn what_may_become_a_number_is_open() {
        for (text, expected) in [
            ("in 2", "2"),
            ("in 2024", "2024"),
            ("in 2024 ", "2024 "),
            ("in 2024 (", "2024 ("),
            ("in 2024 we", ""),
            ("in 2024, ", ""),
            ("in 2024. ", ""),
            ("in 2024.", "2024."),
            ("x2", ""),
            ("or +", "+"),
            ("C+", ""),
            ("or (+4", "+4"),
            ("or ((4)", "(4)"),
            ("or (", "("),
            ("f(", ""),
            ("or (21", "(21"),
            ("or (21 people", ""),
            ("call (212) 555", "(212) 555"),
            ("call (212) 555-0143", "(212) 555-0143"),
            ("212-555-0143", "212-555-0143"),
            ("212-555-0143 or", "212-555-0143 or"),
            ("212-555-0143x", "212-555-0143x"),
            ("212-555-0143xy", ""),
            ("212-555-0143 or some other one, it does not matter", ""),
            ("2024-01-15 ", "2024-01-15 "),
            ("2024-01-15 at", ""),
            ("0301234567 of them", "0301234567 of them"),
            ("1234567 of them", ""),
            ("123456 of them", ""),
            ("+49 30 23125 123, ", "+49 30 23125 123, "),
            ("0.1234567 of it", ""),
            ("$2125550143 of it", ""),
            ("11111111111111111111", ""),
            ("", ""),
        ] {
            assert_eq!(open(text), expected, "{text:?}");
        }
    }
}
