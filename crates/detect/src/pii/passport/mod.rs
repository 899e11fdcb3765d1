//! Machine-readable zones of passports, identity cards and visas (ICAO Doc 9303, parts 3 to 7),
//! and passport numbers with a check digit.
//!
//! | rule | what | checked |
//! |---|---|---|
//! | `mrz_td3` | passport, second line of 44 | number, both dates, personal number, composite |
//! | `mrz_td2` | card, second line of 36 | number, both dates, composite |
//! | `mrz_td1` | card, lines 1 and 2 of 30 | number (9 characters), both dates, composite |
//! | | line 2 alone | both dates |
//! | `mrz_visa` | second line of 44 or 36 after a first line that starts with `V` | number, both dates |
//! | `mrz_fr` | French card up to 2021, two lines of 36 | number, birth date, composite |
//! | `de_passport` | number of a German passport with its check digit, ten characters | check digit, context word |
//!
//! Check digits weigh 7, 3, 1 modulo 10 (Doc 9303-3, 4.9). Dates must be days of the calendar,
//! those of birth may have unknown parts. The span takes in the first line, and on TD1 cards the
//! third, where they stand next to the others: they hold the name.
//!
//! False positives: of random lines in the right form with right dates 1 in 100,000 passes as
//! TD3, 1 in 10,000 as TD2, 1 in 1,000 as a visa and 1 in 100 as the second line of TD1; prose has
//! no such lines. 1 in 10 random numbers passes as a German passport number, hence the
//! context word.
//!
//! Not found: zones in lower case, with spaces inside a line, or with document numbers of more
//! than 9 characters on TD2; numbers without a check digit, which most countries print.

mod checks;

use std::ops::Range;
use std::sync::Arc;

use weir_types::{Category, Severity};

use crate::context;
use crate::matched::Match;
use crate::pii::digits::next_digit;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

pub(super) use checks::{check_digit, is_german_char};
use checks::{
    has_number_and_dates, is_french, is_german_number, is_td1_second, second_line, td1_pair,
};

/// Three lines of 30 in one piece.
const MAX_RUN: usize = 90;

/// Bytes before a finding on which it depends: a first line that would be part of it, or context.
pub(crate) const BEHIND: usize = context::BEFORE;
/// Bytes from its start on: all lines with line ends of two bytes, and what may be glued to them.
pub(crate) const AHEAD: usize = MAX_RUN + 2 * 2 + 2;

/// All check digits of a zone, the composite among them.
const SCORE_COMPOSITE: f32 = 0.98;
/// The check digits of a visa, which has no composite.
const SCORE_VISA: f32 = 0.95;
/// The second line of TD1 by itself.
const SCORE_DATES: f32 = 0.85;
/// One check digit and a word.
const SCORE_NUMBER: f32 = 0.9;

pub(super) const RULES: [&str; 6] = [
    "mrz_td3",
    "mrz_td2",
    "mrz_td1",
    "mrz_visa",
    "mrz_fr",
    "de_passport",
];
const TD3: usize = 0;
const TD2: usize = 1;
const TD1: usize = 2;
const VISA: usize = 3;
const FRENCH: usize = 4;
const GERMAN: usize = 5;

const GERMAN_WORDS: [&str; 7] = [
    "reisepass",
    "reisepassnummer",
    "passnummer",
    "passnr",
    "pass",
    "passport",
    "passeport",
];

#[derive(Debug, Clone)]
pub(crate) struct PassportDetector {
    /// In the order of [`RULES`].
    names: [Arc<str>; RULES.len()],
}

impl Default for PassportDetector {
    fn default() -> Self {
        Self {
            names: RULES.map(Into::into),
        }
    }
}

struct Found {
    range: Range<usize>,
    rule: usize,
    score: f32,
}

impl PassportDetector {
    /// Where in `text`, from `from` on, the first zone or number begins that what follows may complete,
    /// undo or lengthen; the end if none does.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        let mut at = from.max(text.len().saturating_sub(AHEAD));
        while let Some(offset) = text[at..].iter().position(is_zone) {
            let start = at + offset;
            let length = text[start..]
                .iter()
                .take_while(|byte| is_zone(byte))
                .count();
            spend(offset + length);
            at = start + length;
            let cut = at == text.len() && length <= MAX_RUN;
            let line = match length {
                30 | 36 | 44 | 60 | 72 | 88 | 90 => true,
                10 => is_german_number(&text[start..at]),
                _ => false,
            };
            if (cut || line) && !glued_before(text, start) {
                return start;
            }
        }
        text.len()
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        let mut floor = 0;
        // Every line that carries check digits has a digit, prose mostly has none.
        while let Some(digit) = next_digit(text, floor) {
            let before = text[floor..digit]
                .iter()
                .rev()
                .take(MAX_RUN)
                .take_while(|byte| is_zone(byte))
                .count();
            let after = text[digit..]
                .iter()
                .take_while(|byte| is_zone(byte))
                .count();
            spend(before + after);
            let run = digit - before..digit + after;
            floor = run.end;
            if glued_before(text, run.start) || glued_after(text, run.end) {
                continue;
            }
            if let Some(found) = zone(text, &run) {
                out.push(Match {
                    detector: "passport",
                    rule: self.names[found.rule].clone(),
                    category: Category::Pii,
                    span: view.original(found.range),
                    score: found.score,
                    severity: Severity::High,
                });
            }
        }
    }
}

fn is_zone(byte: &u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_uppercase() || *byte == b'<'
}

/// What the run of zone characters at `run` is a part of.
fn zone(text: &[u8], run: &Range<usize>) -> Option<Found> {
    match run.len() {
        44 | 36 => {
            let first = line_before(text, run.start, run.len());
            two_lines(text, first, run.clone())
        }
        88 | 72 => {
            let middle = run.start + run.len() / 2;
            two_lines(text, Some(run.start..middle), middle..run.end)
        }
        30 => td1(text, run),
        90 | 60 => {
            let (first, second) = (run.start..run.start + 30, run.start + 30..run.start + 60);
            td1_pair(&text[first], &text[second]).then(|| Found {
                range: run.clone(),
                rule: TD1,
                score: SCORE_COMPOSITE,
            })
        }
        10 => (is_german_number(&text[run.clone()]) && context::near(text, run, &GERMAN_WORDS))
            .then(|| Found {
                range: run.clone(),
                rule: GERMAN,
                score: SCORE_NUMBER,
            }),
        _ => None,
    }
}

/// Bytes of the line end just before `at`: LF, CR LF, one space, or `\n` written out.
fn gap_before(text: &[u8], at: usize) -> usize {
    let before = &text[..at];
    if before.ends_with(b"\r\n") || before.ends_with(br"\n") {
        2
    } else {
        usize::from(before.ends_with(b"\n") || before.ends_with(b" "))
    }
}

/// Bytes of the line end at `at`.
fn gap_after(text: &[u8], at: usize) -> usize {
    let after = text.get(at..).unwrap_or_default();
    if after.starts_with(b"\r\n") || after.starts_with(br"\n") {
        2
    } else {
        usize::from(after.starts_with(b"\n") || after.starts_with(b" "))
    }
}

/// The line of exactly `length` zone characters that ends just before the line at `at`.
fn line_before(text: &[u8], at: usize, length: usize) -> Option<Range<usize>> {
    let gap = gap_before(text, at);
    let end = at - gap;
    let start = end.checked_sub(length)?;
    let alone = !glued_before(text, start)
        && start
            .checked_sub(1)
            .is_none_or(|before| text[before] != b'<');
    spend(length);
    (gap > 0 && alone && text[start..end].iter().all(is_zone)).then_some(start..end)
}

/// The line of exactly `length` zone characters that starts just after the line that ends at `at`.
fn line_after(text: &[u8], at: usize, length: usize) -> Option<Range<usize>> {
    let gap = gap_after(text, at);
    let range = at + gap..at + gap + length;
    let line = text.get(range.clone())?;
    let alone = !glued_after(text, range.end) && text.get(range.end) != Some(&b'<');
    spend(length);
    (gap > 0 && alone && line.iter().all(is_zone)).then_some(range)
}

/// A zone of two lines of 44 or 36, of which the first may be missing.
fn two_lines(text: &[u8], first: Option<Range<usize>>, second: Range<usize>) -> Option<Found> {
    // First lines start with the kind of document.
    let first = first.filter(|line| matches!(text[line.start], b'P' | b'V' | b'A' | b'C' | b'I'));
    let line = &text[second.clone()];
    let head = first.clone().map(|line| &text[line]);
    let (rule, score) = if let Some(rule) = second_line(line) {
        (rule, SCORE_COMPOSITE)
    } else if head.is_some_and(|head| is_french(head, line)) {
        (FRENCH, SCORE_COMPOSITE)
    } else if head.is_some_and(|head| head[0] == b'V') && has_number_and_dates(line) {
        (VISA, SCORE_VISA)
    } else {
        return None;
    };
    let start = first.map_or(second.start, |line| line.start);
    Some(Found {
        range: start..second.end,
        rule,
        score,
    })
}

/// A TD1 card with both lines, or the second line by itself.
fn td1(text: &[u8], run: &Range<usize>) -> Option<Found> {
    let line = &text[run.clone()];
    if let Some(second) = line_after(text, run.end, 30)
        && td1_pair(line, &text[second.clone()])
    {
        let end = line_after(text, second.end, 30).map_or(second.end, |third| third.end);
        return Some(Found {
            range: run.start..end,
            rule: TD1,
            score: SCORE_COMPOSITE,
        });
    }
    is_td1_second(line).then(|| Found {
        range: run.clone(),
        rule: TD1,
        score: SCORE_DATES,
    })
}

#[cfg(test)]
mod tests;
