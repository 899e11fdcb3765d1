//! Payment card numbers: issuer range, length and Luhn, in the ways people write them.
//!
//! A *chain* is a longest run of digits with at most one space or hyphen between two of them. A
//! number is found in a chain when it
//!
//! - is the whole chain, however grouped, or
//! - starts and ends at a space (or the chain's ends) and is one run of digits or grouped as cards
//!   are printed: `4111 1111 1111 1111 12/29` is a card and an expiry date.
//!
//! It must not be glued to letters, digits, `_` or a decimal point, nor be a `+` phone number or
//! the digits of an IBAN. Issuer ranges, lengths and their source are in `schemes.rs`.
//!
//! | first digits | score | near a word such as `card` | near one such as `order` |
//! |---|---|---|---|
//! | a scheme's own range, in one run or as printed | 0.95 | 0.98 | 0.6 |
//! | a scheme's own range, in other groups | 0.7 | 0.85 | 0.4 |
//! | Maestro's 50, 56-58, 6 or RuPay's 81, 82 | 0.3 | 0.85 | not found |
//!
//! # How far to trust it
//!
//! Share of random numbers that pass range, length and Luhn, computed from the ranges, and
//! measured by a test:
//!
//! | digits | own range | wide range |
//! |---|---|---|
//! | 12 | 0.009 % | 1.1 % |
//! | 13 | 1.0 % | 1.1 % |
//! | 14 | 0.37 % | 1.1 % |
//! | 15 | 0.57 % | 1.1 % |
//! | 16 | 2.7 % | 1.3 % |
//! | 17, 18 | 0.70 % | 1.1 % |
//! | 19 | 1.7 % | 1.1 % |
//!
//! So a wide range says nothing by itself, and a policy that acts on cards should ask for a score of
//! 0.5 or more. Of barcodes of 13 digits, which start with their country, those of 40 to 49
//! (Germany, Japan) pass one time in ten. None in the 128,445 harmless rows of `evals/rules`.
//!
//! Not found: cards of ranges that only one country's shops take (Troy, Elo, Verve), numbers with
//! two separators in a row, dots or slashes, numbers whose Luhn digit is wrong.

mod schemes;
mod words;

#[cfg(test)]
pub(crate) mod tests;

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr;
use weir_types::{Category, Severity};

use self::schemes::{Grade, SCHEMES, scheme_of};
use self::words::CardWords;
use crate::context;
use crate::matched::Match;
use crate::pii::digits::next_digit;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

/// Fewest digits of a card: Maestro. ISO/IEC 7812 allows fewer; nobody issues them.
const MIN_DIGITS: usize = 12;
/// Most digits of a card (ISO/IEC 7812-1).
const MAX_DIGITS: usize = 19;
/// Fewest digits of a number in a wide range, in groups, when its chain goes on after it. Elsewhere in
/// a chain such a number is not looked for: tables have groups of four digits too.
const MIN_WIDE_WITHIN_CHAIN: usize = 16;

/// Most bytes of a card: a separator between any two digits.
const MAX_BYTES: usize = 2 * MAX_DIGITS - 1;
/// How far from the start of its chain a card may be the digits of an IBAN: 31 characters after the
/// country (Russia's), a separator between any two.
const IBAN_BYTES: usize = 2 * 31;

/// Bytes before a card that its finding depends on: words, an IBAN's country with what that may be
/// glued to, and for a wide range a card that overlaps it from before.
pub(crate) const BEHIND: usize = MAX_BYTES + max(context::BEFORE, IBAN_BYTES + 4);
/// Bytes from its start on: the number, a card that starts within it and what may be glued to
/// that, or words.
pub(crate) const AHEAD: usize = MAX_BYTES + max(context::AFTER, MAX_BYTES + 2);

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// Group sizes on printed cards and in common forms.
const LAYOUTS: [&[usize]; 10] = [
    &[4, 4, 4],
    &[4, 4, 4, 4],
    &[4, 6, 5],
    &[4, 4, 4, 3],
    &[4, 6, 4],
    &[4, 4, 4, 2],
    &[4, 3, 3, 3],
    &[8, 8],
    &[4, 4, 4, 4, 3],
    &[6, 13],
];

#[derive(Debug, Clone)]
pub(crate) struct CardDetector {
    /// Names in the order of [`SCHEMES`].
    names: [Arc<str>; SCHEMES.len()],
    words: CardWords,
}

impl Default for CardDetector {
    fn default() -> Self {
        Self {
            names: SCHEMES.each_ref().map(|scheme| scheme.name.into()),
            words: CardWords::new(),
        }
    }
}

/// What its findings are called.
#[cfg(test)]
pub(in crate::pii) fn rules() -> Vec<&'static str> {
    SCHEMES.iter().map(|scheme| scheme.name).collect()
}

struct Card {
    range: Range<usize>,
    scheme: usize,
    as_printed: bool,
}

impl Card {
    fn is_wide(&self) -> bool {
        SCHEMES[self.scheme].grade == Grade::Wide
    }
}

impl CardDetector {
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        // Of two neighbours in a chain one is a digit, so a card of 12 bytes or more that starts
        // at `floor` or later has a digit in one of the pairs probed every 11 bytes from here.
        let mut floor = 0;
        let mut probe = MIN_DIGITS - 2;
        while let Some(pair) = text.get(probe..probe + 2) {
            spend(2);
            let Some(offset) = pair.iter().position(u8::is_ascii_digit) else {
                probe += MIN_DIGITS - 1;
                continue;
            };
            let chain = chain_around(text, floor, probe + offset);
            floor = chain.end;
            probe = floor + MIN_DIGITS - 2;
            if chain.len() >= MIN_DIGITS {
                self.scan_chain(view, &chain, out);
            }
        }
    }

    /// Where in `text`, from `from` on, the first card begins that what follows may complete, undo or
    /// score otherwise; the end if none does.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        let mut floor = from.saturating_sub(2);
        while let Some(digit) = next_digit(text, floor) {
            let chain = chain_around(text, floor, digit);
            let closed = is_closed(text, chain.end);
            let mut start = Some(chain.start);
            while let Some(at) = start {
                let begun = if closed {
                    chain.len() >= MIN_DIGITS
                        && longest_card(text, &chain, at)
                            .is_some_and(|card| card.range.end + context::AFTER >= text.len())
                } else {
                    at != chain.start || clean_before(text, at)
                };
                if at >= from && begun {
                    return at;
                }
                start = next_start(text, &chain, at);
            }
            floor = chain.end;
        }
        text.len()
    }

    fn scan_chain(&self, view: &View<'_>, chain: &Range<usize>, out: &mut Vec<Match>) {
        let text = view.text;
        let mut start = chain.start;
        if is_iban(text, chain) {
            start = chain.end.min(chain.start + IBAN_BYTES);
            match next_start(text, chain, start) {
                Some(next) => start = next,
                None => return,
            }
        }
        // Cards may overlap: to take the first and go on after it would make what is found in a long
        // chain depend on all that is before.
        let mut taken = start;
        loop {
            if let Some(card) = longest_card(text, chain, start)
                && !(card.is_wide() && (start < taken || overlapped(text, chain, &card)))
            {
                let score = self
                    .words
                    .score(text, &card.range, card.is_wide(), card.as_printed);
                if !card.is_wide() {
                    taken = taken.max(card.range.end);
                }
                if score > 0.0 {
                    out.push(Match {
                        detector: "card",
                        rule: self.names[card.scheme].clone(),
                        category: Category::Pii,
                        span: view.original(card.range),
                        score,
                        severity: Severity::High,
                    });
                }
            }
            match next_start(text, chain, start) {
                Some(next) => start = next,
                None => return,
            }
        }
    }
}

/// The first place after `from` in the chain where a number may start.
fn next_start(text: &[u8], chain: &Range<usize>, from: usize) -> Option<usize> {
    let space = memchr(b' ', &text[from..chain.end])?;
    spend(space + 1);
    Some(from + space + 1)
}

/// Whether a card of a scheme's own range starts within `card`.
fn overlapped(text: &[u8], chain: &Range<usize>, card: &Card) -> bool {
    let mut start = card.range.start;
    while let Some(next) = next_start(text, chain, start).filter(|next| *next < card.range.end) {
        start = next;
        if longest_card(text, chain, start).is_some_and(|inner| !inner.is_wide()) {
            return true;
        }
    }
    false
}

fn is_separator(byte: u8) -> bool {
    byte == b' ' || byte == b'-'
}

/// The chain that holds the digit at `digit`; chains before `floor` have been dealt with.
fn chain_around(text: &[u8], floor: usize, digit: usize) -> Range<usize> {
    let is_digit = |at: usize| text.get(at).is_some_and(u8::is_ascii_digit);
    let is_gap = |at: usize| text.get(at).is_some_and(|&b| is_separator(b));
    let (mut start, mut end) = (digit, digit + 1);
    loop {
        spend(1);
        if start > floor && is_digit(start - 1) {
            start -= 1;
        } else if start > floor + 1 && is_gap(start - 1) && is_digit(start - 2) {
            start -= 2;
        } else {
            break;
        }
    }
    loop {
        spend(1);
        if is_digit(end) {
            end += 1;
        } else if is_gap(end) && is_digit(end + 1) {
            end += 2;
        } else {
            return start..end;
        }
    }
}

/// Whether no byte after the chain that ends at `end` is needed to judge it.
fn is_closed(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(b' ' | b'-' | b'.') => end + 1 < text.len(),
        next => next.is_some(),
    }
}

/// Whether the chain's first group is the check digits of an IBAN: two digits right after two
/// capitals (ISO 13616), as in `DE89 3704 0044 0532 0130 00`.
fn is_iban(text: &[u8], chain: &Range<usize>) -> bool {
    let Some(country) = chain.start.checked_sub(2) else {
        return false;
    };
    text[country..chain.start]
        .iter()
        .all(u8::is_ascii_uppercase)
        && !glued_before(text, country)
        && text[chain.start + 1].is_ascii_digit()
        && is_separator(text[chain.start + 2])
}

/// The longest card in `chain` that starts at `start`, the chain's start or just after a space.
fn longest_card(text: &[u8], chain: &Range<usize>, start: usize) -> Option<Card> {
    let at_chain_start = start == chain.start;
    if at_chain_start && !clean_before(text, start) {
        return None;
    }
    let mut digits = [0; MAX_DIGITS];
    let mut count = 0;
    let mut groups = [0; MAX_DIGITS];
    let mut group = 0;
    let mut separator = None;
    let mut uniform = true;
    let mut best = None;
    for at in start..chain.end {
        spend(1);
        let byte = text[at];
        if is_separator(byte) {
            // Only the whole chain may be grouped in odd ways, and printed groups start with 4.
            if group == 0 && groups[0] < 4 && !at_chain_start {
                return None;
            }
            uniform &= *separator.get_or_insert(byte) == byte;
            group += 1;
            continue;
        }
        if count == MAX_DIGITS {
            break;
        }
        digits[count] = byte - b'0';
        count += 1;
        groups[group] += 1;
        let at_chain_end = at + 1 == chain.end;
        if count < MIN_DIGITS || !(at_chain_end || text[at + 1] == b' ') {
            continue;
        }
        let as_printed = group == 0 || uniform && LAYOUTS.contains(&&groups[..=group]);
        let whole_chain = at_chain_start && at_chain_end;
        if !as_printed && !whole_chain {
            continue;
        }
        // A number in words-with-hyphens is part of them when written with hyphens itself.
        let hyphenated = !as_printed || separator == Some(b'-');
        if at_chain_start && hyphenated && hyphen_joins_before(text, start)
            || at_chain_end && hyphenated && hyphen_joins_after(text, chain.end)
            || at_chain_end && !clean_after(text, chain.end)
        {
            continue;
        }
        let Some(scheme) = scheme_of(&digits[..count]) else {
            continue;
        };
        let wide = SCHEMES[scheme].grade == Grade::Wide;
        let leads = at_chain_start && count >= MIN_WIDE_WITHIN_CHAIN;
        let among_numbers = group > 0 && !whole_chain && !leads;
        let outdone = best.as_ref().is_some_and(|best: &Card| !best.is_wide());
        if wide && (among_numbers || outdone) {
            continue;
        }
        best = Some(Card {
            range: start..at + 1,
            scheme,
            as_printed,
        });
    }
    best
}

fn byte_before(text: &[u8], at: usize, back: usize) -> Option<u8> {
    at.checked_sub(back).and_then(|i| text.get(i)).copied()
}

/// Not in a word, not the decimals of a number, not an international phone number.
fn clean_before(text: &[u8], start: usize) -> bool {
    let before = byte_before(text, start, 1);
    let decimal = before == Some(b'.')
        && byte_before(text, start, 2).is_some_and(|byte| byte.is_ascii_digit());
    !glued_before(text, start) && !decimal && before != Some(b'+')
}

/// Not in a word, not the whole part of a decimal number.
fn clean_after(text: &[u8], end: usize) -> bool {
    let decimal = text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    !glued_after(text, end) && !decimal
}

fn hyphen_joins_before(text: &[u8], start: usize) -> bool {
    byte_before(text, start, 1) == Some(b'-') && glued_before(text, start - 1)
}

fn hyphen_joins_after(text: &[u8], end: usize) -> bool {
    text.get(end) == Some(&b'-') && glued_after(text, end + 1)
}
