//! What the groups of a chain, and the bytes right before and after it, say about it.

use super::chain::{Chain, Separators};
use crate::word::glued_after;

/// ISO 6709, as in `+33.749-084.388`, or a tax number, as in `123.456.789-09`: full stops and
/// hyphens do not mix in telephone numbers.
pub(super) fn looks_like_coordinates(chain: &Chain) -> bool {
    chain.separators.dot && chain.separators.hyphen
}

/// `2024-01-15`, `15.01.2024`, and dates with a time's digits after them.
pub(super) fn is_date(chain: &Chain) -> bool {
    let year = |index: usize| chain.size(index) == 4 && (1900..2100).contains(&chain.value(index));
    let small = |index: usize| (1..=2).contains(&chain.size(index)) && chain.value(index) <= 31;
    !chain.separators.paren
        && chain.groups >= 3
        && (year(0) && small(1) && small(2) || small(0) && small(1) && year(2))
}

/// `192.0.2.17`.
pub(super) fn is_dotted_quad(chain: &Chain) -> bool {
    let only_dots = Separators {
        dot: true,
        ..Separators::default()
    };
    chain.separators == only_dots
        && chain.groups == 4
        && (0..4).all(|index| chain.size(index) <= 3 && chain.value(index) <= 255)
}

/// No group but the first has one digit, and full stops do not mix with spaces and slashes
/// or stand alone, as they do in decimals.
pub(super) fn grouped_like_a_phone(chain: &Chain) -> bool {
    let Separators {
        dot, space, slash, ..
    } = chain.separators;
    let decimals = dot && (space || slash || chain.groups == 2) && !chain.separators.paren;
    !decimals && (1..chain.groups).all(|index| chain.size(index) >= 2)
}

/// Groupings in which nothing but telephone numbers is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grouping {
    /// `(212) 555-0123`, `212-555-0123`, `212.555.0123`.
    America,
    /// `(11) 91234-5678`.
    Brazil,
    /// `(030) ...`: an area code with its trunk prefix in parentheses.
    Area,
}

impl Grouping {
    /// The country code of the one plan that prints numbers so.
    pub(super) fn code(self) -> Option<i32> {
        match self {
            Self::America => Some(1),
            Self::Brazil => Some(55),
            Self::Area => None,
        }
    }
}

pub(super) fn telling_groups(text: &[u8], chain: &Chain) -> Option<Grouping> {
    let size = |index| chain.size(index);
    let american = chain.groups == 3 && size(0) == 3 && size(1) == 3 && size(2) == 4;
    let Separators {
        dot,
        hyphen,
        space,
        slash,
        paren,
    } = chain.separators;
    if text[chain.start] == b'(' && text.get(chain.range(1).end) == Some(&b')') {
        let brazilian =
            chain.groups == 3 && size(0) == 2 && (4..=5).contains(&size(1)) && size(2) == 4;
        return if chain.digits(1).starts_with(b"0") {
            (2..=6).contains(&size(0)).then_some(Grouping::Area)
        } else if american {
            Some(Grouping::America)
        } else {
            (brazilian && hyphen).then_some(Grouping::Brazil)
        };
    }
    (american && (dot ^ hyphen) && !space && !slash && !paren).then_some(Grouping::America)
}

/// Glued to a letter, unless that is the `x` of an extension, or the start of a mail address.
pub(super) fn ends_inside_a_word(text: &[u8], end: usize) -> bool {
    let extension = matches!(text.get(end), Some(b'x' | b'X'))
        && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    text.get(end) == Some(&b'@') || (glued_after(text, end) && !extension)
}

/// A sum of money, a decimal, a path, a time, a word with hyphens: what a national number is
/// no part of.
pub(super) fn stands_in_something_else(text: &[u8], start: usize, end: usize) -> bool {
    let byte = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
    let before = byte(start.checked_sub(1));
    let before_that = byte(start.checked_sub(2));
    let (after, after_that) = (byte(Some(end)), byte(Some(end + 1)));
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let opened = match before {
        Some(b'#' | b'$' | b'/' | b'@' | b'-' | b'+' | b'*' | b'\\' | b'&' | b'<' | b'>') => true,
        Some(b',' | b'.' | b':') => digit(before_that),
        Some(b' ') => before_that == Some(b'$'),
        // The last byte of the signs for pounds and yen, and for euros and rupees.
        Some(0xa3 | 0xa5 | 0xac | 0xb9) => true,
        _ => false,
    };
    let closed = match after {
        Some(b'%' | b'$' | b'*' | b'+' | b'=') => true,
        Some(b',' | b'.' | b':') => digit(after_that),
        Some(b'-' | b'/') => after_that.is_some_and(|byte| byte.is_ascii_alphanumeric()),
        _ => ends_inside_a_word(text, end),
    };
    opened || closed
}
