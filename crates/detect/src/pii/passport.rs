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

use std::ops::Range;
use std::sync::Arc;

use weir_types::{Category, Severity};

use crate::context;
use crate::matched::Match;
use crate::pii::digits::next_digit;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

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

const RULES: [&str; 6] = [
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

const GERMAN_WORDS: [&str; 9] = [
    "reisepass",
    "reisepassnummer",
    "passnummer",
    "pass-nr",
    "passnr",
    "pass",
    "passport",
    "passport no",
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

/// TD3 or TD2 (Doc 9303-4 and -6, 4.2.2).
fn second_line(line: &[u8]) -> Option<usize> {
    if !has_number_and_dates(line) {
        return None;
    }
    let last = line.len() - 1;
    let composite = [&line[..10], &line[13..20], &line[21..last]];
    if check_digit(composite.into_iter().flatten()) != line[last] {
        return None;
    }
    if line.len() == 36 {
        return Some(TD2);
    }
    let personal = &line[28..42];
    let unused = line[42] == b'<' && personal.iter().all(|byte| *byte == b'<');
    (unused || check_digit(personal) == line[42]).then_some(TD3)
}

/// What the second lines of passports, TD2 cards and visas share.
fn has_number_and_dates(line: &[u8]) -> bool {
    check_digit(&line[..9]) == line[9]
        && is_country(&line[10..13])
        && is_dates(&line[13..20], line[20], &line[21..28])
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

/// Doc 9303-5, 4.2.2. A number of more than 9 characters has `<` for its check digit here, and
/// only the composite then speaks for it.
fn td1_pair(first: &[u8], second: &[u8]) -> bool {
    let composite = [&first[5..], &second[..7], &second[8..15], &second[18..29]];
    matches!(first[0], b'A' | b'C' | b'I')
        && is_country(&first[2..5])
        && (first[14] == b'<' || check_digit(&first[5..14]) == first[14])
        && is_td1_second(second)
        && check_digit(composite.into_iter().flatten()) == second[29]
}

fn is_td1_second(line: &[u8]) -> bool {
    is_dates(&line[..7], line[7], &line[8..15])
        && is_country(&line[15..18])
        && line[29].is_ascii_digit()
}

/// Date of birth with check digit, sex, date of expiry with check digit.
fn is_dates(birth: &[u8], sex: u8, expiry: &[u8]) -> bool {
    matches!(sex, b'M' | b'F' | b'X' | b'<')
        && is_date(birth, true)
        && is_date(expiry, false)
        && check_digit(&birth[..6]) == birth[6]
        && check_digit(&expiry[..6]) == expiry[6]
}

/// `YYMMDD`; parts that are not known are `<<` in dates of birth.
fn is_date(date: &[u8], may_be_unknown: bool) -> bool {
    let part = |at: usize, range: std::ops::RangeInclusive<u8>| {
        let (tens, ones) = (date[at], date[at + 1]);
        let number = || (tens - b'0') * 10 + ones - b'0';
        tens.is_ascii_digit() && ones.is_ascii_digit() && range.contains(&number())
            || may_be_unknown && (tens, ones) == (b'<', b'<')
    };
    part(0, 0..=99) && part(2, 1..=12) && part(4, 1..=31)
}

/// A code of one to three letters, filled up with `<`.
fn is_country(code: &[u8]) -> bool {
    let letters = code.iter().take_while(|b| b.is_ascii_uppercase()).count();
    letters > 0 && code[letters..].iter().all(|byte| *byte == b'<')
}

/// Cards of France issued from 1988 to 2021: number of 12 with check digit, given names, date of
/// birth with check digit, sex; the last digit is over both lines (arrêté du 24 juillet 1987, and
/// the description in Wikipedia, "Carte nationale d'identité sécurisée").
fn is_french(first: &[u8], second: &[u8]) -> bool {
    first.len() == 36
        && first.starts_with(b"IDFRA")
        && second[..12].iter().all(u8::is_ascii_alphanumeric)
        && check_digit(&second[..12]) == second[12]
        && is_date(&second[27..33], true)
        && check_digit(&second[27..33]) == second[33]
        && matches!(second[34], b'M' | b'F')
        && check_digit(first.iter().chain(&second[..35])) == second[35]
}

/// Nine characters of the set that Germany uses, the first a letter of the offices that issue
/// passports, and the check digit of Doc 9303 (§ 4 Passgesetz and Passverordnung, annex).
fn is_german_number(number: &[u8]) -> bool {
    number.iter().all(|byte| {
        byte.is_ascii_digit()
            || byte.is_ascii_uppercase()
                && !matches!(
                    byte,
                    b'A' | b'B' | b'D' | b'E' | b'I' | b'O' | b'Q' | b'S' | b'U'
                )
    }) && matches!(number[0], b'C' | b'F' | b'G' | b'H' | b'J' | b'K')
        && number[9].is_ascii_digit()
        && check_digit(&number[..9]) == number[9]
}

/// The check digit over zone characters, as a character (Doc 9303-3, 4.9).
pub(super) fn check_digit<'a>(chars: impl IntoIterator<Item = &'a u8>) -> u8 {
    const WEIGHTS: [u8; 3] = [7, 3, 1];
    let mut sum = 0;
    for (place, &byte) in chars.into_iter().enumerate() {
        spend(1);
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            _ => 0,
        };
        // At most 9 + 35 * 7.
        sum = (sum + value % 10 * WEIGHTS[place % 3]) % 10;
    }
    b'0' + sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::testing;

    fn found(text: &str) -> Vec<(String, String)> {
        let detector = PassportDetector::default();
        testing::found(|view, out| detector.scan(view, out), text)
    }

    fn one(rule: &str, text: &str) -> Vec<(String, String)> {
        vec![(rule.to_owned(), text.to_owned())]
    }

    // The specimens of Doc 9303, parts 4 to 7, appendices.
    const TD3_1: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const TD3_2: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
    const TD2_1: &str = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<";
    const TD2_2: &str = "D231458907UTO7408122F1204159<<<<<<<6";
    const TD1_1: &str = "I<UTOD231458907<<<<<<<<<<<<<<<";
    const TD1_2: &str = "7408122F1204159UTO<<<<<<<<<<<6";
    const TD1_3: &str = "ERIKSSON<<ANNA<MARIA<<<<<<<<<<";
    const VISA_1: &str = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
    const VISA_2: &str = "L8988901C4XXX4009078F96121096ZE184226B<<<<<<";
    // The specimens of the German and French authorities.
    const GERMAN_1: &str = "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<";
    const GERMAN_2: &str = "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4";
    const FRENCH_1: &str = "IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<";
    const FRENCH_2: &str = "8806923102858CORINNE<<<<<<<6512068F6";

    #[test]
    fn zones_of_two_lines() {
        for (rule, first, second) in [
            ("mrz_td3", TD3_1, TD3_2),
            ("mrz_td3", GERMAN_1, GERMAN_2),
            ("mrz_td2", TD2_1, TD2_2),
            ("mrz_visa", VISA_1, VISA_2),
            ("mrz_fr", FRENCH_1, FRENCH_2),
        ] {
            for gap in ["\n", "\r\n", " ", "\\n", ""] {
                let zone = format!("{first}{gap}{second}");
                for text in [
                    zone.clone(),
                    format!("scan:\n{zone}\nend"),
                    format!("\"{zone}\","),
                    format!("MRZ {zone}."),
                ] {
                    assert_eq!(found(&text), one(rule, &zone), "{text:?}");
                }
            }
            let alone = format!("line two: {second}");
            let expected = match rule {
                "mrz_td3" | "mrz_td2" => one(rule, second),
                _ => vec![],
            };
            assert_eq!(found(&alone), expected, "{alone}");
        }
    }

    #[test]
    fn zones_of_three_lines() {
        for gap in ["\n", "\r\n", " ", "\\n"] {
            let two = format!("{TD1_1}{gap}{TD1_2}");
            assert_eq!(found(&two), one("mrz_td1", &two));
            let three = format!("{two}{gap}{TD1_3}");
            assert_eq!(found(&three), one("mrz_td1", &three));
            assert_eq!(found(&format!("x {three}. y")), one("mrz_td1", &three));
        }
        let joined = [TD1_1, TD1_2, TD1_3].concat();
        assert_eq!(found(&joined), one("mrz_td1", &joined));
        assert_eq!(found(&joined[..60]), one("mrz_td1", &joined[..60]));
        assert_eq!(found(TD1_2), one("mrz_td1", TD1_2));
        assert_eq!(found(TD1_1), []);
    }

    #[test]
    fn every_changed_digit_is_refused() {
        for line in [TD3_2, TD2_2, GERMAN_2] {
            for (at, old) in line.bytes().enumerate() {
                if old.is_ascii_digit() {
                    let new = (old - b'0' + 1) % 10;
                    let text = format!("{}{new}{}", &line[..at], &line[at + 1..]);
                    assert_eq!(found(&text), [], "{text:?}");
                }
            }
        }
    }

    #[test]
    fn german_numbers_need_a_word() {
        for text in [
            "Reisepass C01X00T478",
            "meine Passnummer ist C01X00T478.",
            "passport no: C01X00T478",
            "C01X00T478 (Reisepass)",
            "Pass-Nr. C01X00T478",
        ] {
            assert_eq!(found(text), one("de_passport", "C01X00T478"), "{text:?}");
        }
        for text in [
            "C01X00T478",
            "order C01X00T478",
            "Reisepass C01X00T479",
            "Reisepass L01X00T478",
            "Reisepass C01X00T47",
            "Reisepass C01A00T478",
            "Reisepass c01x00t478",
            "Reisepass xC01X00T478",
            "Reisepass C01X00T4781",
            "Kompass C01X00T478",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn negatives() {
        let lower = TD3_2.to_lowercase();
        let glued = format!("x{TD3_2}");
        let longer = format!("{TD3_2}<");
        let spaced = TD3_2.replace('<', " ");
        let digits = "1".repeat(44);
        let filler = "<".repeat(44);
        for text in [
            TD3_1,
            TD2_1,
            TD1_1,
            TD1_3,
            FRENCH_2,
            VISA_2,
            &lower,
            &glued,
            &longer,
            &spaced,
            &digits,
            &filler,
            &digits[..36],
            &digits[..30],
            "L898902C36UTO7413122F1204159ZE184226B<<<<<10",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
            "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709ABCD",
            "550E8400-E29B-41D4-A716-446655440000",
            "550E8400E29B41D4A716446655440000",
            "E3B0C44298FC1C149AFBF4C8996FB92427AE",
            "a<<1 && b<<2",
            "cout << 12 << endl",
            "<<<<<<< HEAD 1",
            "ORDER 1234567890",
            "ISBN 9780306406157",
            "VERSION 1.2.3",
            "2024-05-17T12:34:56Z",
            "48.8583701,2.2944813",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn cost_is_linear() {
        let (td3, td1) = (format!("{TD3_2} "), format!("{TD1_2} "));
        testing::assert_linear(
            |view, out| PassportDetector::default().scan(view, out),
            32,
            &["1", "<", "A", "A1 ", "A<", &td3, &td1, TD3_2, "C01X00T478 "],
        );
    }
}
