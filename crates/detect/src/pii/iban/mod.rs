//! Bank account numbers (IBAN, ISO 13616-1): country, length and structure, check digits.
//!
//! Two letters of a country in the registry, two check digits, then the country's account number,
//! built as the registry says, all together 1 modulo 97 (ISO 7064 mod 97-10). A country in small
//! letters counts only after a word such as `iban` or `konto`: else a stream would have to hold every
//! `is` and `no` until it is clear that no digits follow. Upper or lower case after that; in one piece or grouped by single spaces or single hyphens. Not glued to letters, digits or `_`.
//!
//! False positives: of random texts that already have the form of one country's IBAN, 1 in 97
//! passes. Two letters, two digits and a number of exactly that length are rare by themselves, so
//! no context word is asked for.

mod countries;

use std::ops::Range;
use std::sync::Arc;

use weir_types::{Category, Severity};

use crate::context;
use crate::matched::Match;
use crate::pii::digits::next_digit;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

/// Most characters of an IBAN without separators (Russia, in the registry).
const MAX_CHARS: usize = 33;

/// Bytes before an IBAN that its finding depends on: words, and what it may be glued to.
pub(crate) const BEHIND: usize = context::BEFORE;
/// Bytes from its start on: the longest with a separator between any two characters, and what
/// may be glued to it.
pub(crate) const AHEAD: usize = 2 * MAX_CHARS + 2;

/// In one piece or in groups of four, as ISO 13616-1 prints it.
const SCORE_AS_PRINTED: f32 = 0.95;
/// Grouped in some other way.
const SCORE_ODD_GROUPS: f32 = 0.85;

/// Words before which an IBAN in small letters is expected, lower case.
const WORDS: [&str; 18] = [
    "iban",
    "account",
    "konto",
    "kontonummer",
    "bankkonto",
    "bankverbindung",
    "konta",
    "cuenta",
    "compte",
    "conto",
    "conta",
    "rekening",
    "rekeningnummer",
    "hesap",
    "счёт",
    "счет",
    "账号",
    "口座",
];

#[derive(Debug, Clone)]
pub(crate) struct IbanDetector {
    name: Arc<str>,
}

impl Default for IbanDetector {
    fn default() -> Self {
        Self {
            name: "iban".into(),
        }
    }
}

impl IbanDetector {
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        let mut from = 0;
        // Every IBAN has its check digits two letters after its start.
        while let Some(digit) = next_digit(text, from) {
            let run = text[digit..]
                .iter()
                .take_while(|byte| byte.is_ascii_digit())
                .count();
            spend(run);
            from = digit + run;
            if run < 2 {
                continue;
            }
            let Some(start) = digit.checked_sub(2) else {
                continue;
            };
            if let Reading::Whole(range, score) = iban_at(text, start) {
                out.push(Match {
                    detector: "iban",
                    rule: self.name.clone(),
                    category: Category::Pii,
                    span: view.original(range),
                    score,
                    severity: Severity::Medium,
                });
            }
        }
    }

    /// Where in `text`, from `from` on, the first IBAN begins that what follows may complete or undo;
    /// the end if none does.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        (from.max(text.len().saturating_sub(AHEAD))..text.len())
            .find(|&at| match iban_at(text, at) {
                Reading::Whole(range, _) => may_change(text, range.end),
                Reading::Cut => true,
                Reading::Other => false,
            })
            .unwrap_or(text.len())
    }
}

/// What stands at a place.
enum Reading {
    /// An IBAN, and its score.
    Whole(Range<usize>, f32),
    /// What may be the beginning of one: the text ends.
    Cut,
    Other,
}

/// What stands at `start`.
fn iban_at(text: &[u8], start: usize) -> Reading {
    read(text, start).map_or_else(|other| other, |(range, score)| Reading::Whole(range, score))
}

fn read(text: &[u8], start: usize) -> Result<(Range<usize>, f32), Reading> {
    let byte = |at: usize| text.get(at).copied().ok_or(Reading::Cut);
    spend(1);
    let first = byte(start)?;
    if !first.is_ascii_alphabetic() || glued_before(text, start) {
        return Err(Reading::Other);
    }
    let spelt = [first, text.get(start + 1).copied().unwrap_or(first)];
    let country = spelt.map(|byte| byte.to_ascii_uppercase());
    let small = !spelt.iter().all(u8::is_ascii_uppercase);
    if small && !context::before(text, start, &WORDS) {
        return Err(Reading::Other);
    }
    byte(start + 1)?;
    let structure = countries::structure(country).ok_or(Reading::Other)?;
    let length = 4 + structure.iter().map(|part| part.1).sum::<usize>();
    let mut chars = [0; MAX_CHARS];
    let mut count = 0;
    let mut separator = None;
    let mut gaps = 0;
    let mut fours = true;
    let mut at = start;
    while count < length {
        spend(1);
        let byte = byte(at)?;
        if byte.is_ascii_alphanumeric() {
            if matches!(count, 2 | 3) && !byte.is_ascii_digit() {
                return Err(Reading::Other);
            }
            *chars.get_mut(count).ok_or(Reading::Other)? = byte.to_ascii_uppercase();
            count += 1;
        } else {
            let inner = text[at - 1].is_ascii_alphanumeric();
            if !matches!(byte, b' ' | b'-') || !inner || *separator.get_or_insert(byte) != byte {
                return Err(Reading::Other);
            }
            fours &= count % 4 == 0;
            gaps += 1;
        }
        at += 1;
    }
    let chars = &chars[..length];
    let joined = text.get(at) == Some(&b'-') && glued_after(text, at + 1);
    let good = !glued_after(text, at)
        && !joined
        && countries::is_built_like(&chars[4..], structure)
        && is_checked(chars);
    if !good {
        return Err(Reading::Other);
    }
    let all_fours = fours && gaps == (length - 1) / 4;
    let score = if gaps == 0 || all_fours {
        SCORE_AS_PRINTED
    } else {
        SCORE_ODD_GROUPS
    };
    Ok((start..at, score))
}

/// Whether more of the text could change what was read up to `end`.
fn may_change(text: &[u8], end: usize) -> bool {
    match text.get(end) {
        Some(b'-') => end + 1 == text.len(),
        next => next.is_none(),
    }
}

/// Whether capitals and digits pass ISO 7064 mod 97-10 with the first four moved to the end. The
/// check digits are 02 to 98: the standard computes them as 98 less a remainder.
fn is_checked(chars: &[u8]) -> bool {
    let (head, tail) = chars.split_at(4);
    spend(chars.len());
    let remainder = tail.iter().chain(head).fold(0, |rest: u32, &byte| {
        if byte.is_ascii_digit() {
            (rest * 10 + u32::from(byte - b'0')) % 97
        } else {
            (rest * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    remainder == 1 && !matches!(head, [_, _, b'0', b'0' | b'1'] | [_, _, b'9', b'9'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pii::testing;

    fn found(text: &str) -> Vec<String> {
        let scan = |view: &View<'_>, out: &mut Vec<Match>| IbanDetector::default().scan(view, out);
        testing::found(scan, text)
            .into_iter()
            .map(|(rule, number)| {
                assert_eq!(rule, "iban");
                number
            })
            .collect()
    }

    fn fours(iban: &str, gap: &str) -> String {
        let groups: Vec<&str> = (0..iban.len())
            .step_by(4)
            .map(|at| &iban[at..iban.len().min(at + 4)])
            .collect();
        groups.join(gap)
    }

    /// The registry's examples, one a country.
    const EXAMPLES: [&str; 38] = [
        "AD1200012030200359100100",
        "AE070331234567890123456",
        "AL47212110090000000235698741",
        "AT611904300234573201",
        "BE68539007547034",
        "BG80BNBG96611020345678",
        "BR1800360305000010009795493C1",
        "CH9300762011623852957",
        "CY17002001280000001200527600",
        "CZ6508000000192000145399",
        "DE89370400440532013000",
        "DK5000400440116243",
        "EE382200221020145685",
        "EG380019000500000000263180002",
        "ES9121000418450200051332",
        "FI2112345600000785",
        "FR1420041010050500013M02606",
        "GB29NWBK60161331926819",
        "GE29NB0000000101904917",
        "GR1601101250000000012300695",
        "HR1210010051863000160",
        "HU42117730161111101800000000",
        "IE29AIBK93115212345678",
        "IL620108000000099999999",
        "IT60X0542811101000000123456",
        "KZ86125KZT5004100100",
        "LC55HEMM000100010012001200023015",
        "LU280019400644750000",
        "MT84MALT011000012345MTLCAST001S",
        "MU17BOMM0101101030300200000MUR",
        "NL91ABNA0417164300",
        "NO9386011117947",
        "PL61109010140000071219812874",
        "PT50000201231234567890154",
        "RO49AAAA1B31007593840000",
        "SA0380000000608010167519",
        "SE4550000000058398257466",
        "TR330006100519786457841326",
    ];

    #[test]
    fn positives() {
        for iban in EXAMPLES {
            for number in [
                iban.to_owned(),
                fours(iban, " "),
                fours(iban, "-"),
                format!("{} {}", &iban[..4], &iban[4..]),
            ] {
                for text in [
                    number.clone(),
                    format!("IBAN: {number}."),
                    format!("pay to {number}, thanks"),
                    format!("账号{number}。"),
                    format!("{number} BIC COBADEFFXXX"),
                    format!(r#"{{"iban":"\n{number}"}}"#),
                    format!("{number}\n{number}x"),
                ] {
                    assert_eq!(found(&text), std::slice::from_ref(&number), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn small_letters_need_a_word_before_them() {
        for iban in EXAMPLES {
            let small = iban.to_lowercase();
            for text in [
                format!("IBAN: {small}."),
                format!("mein Konto {small}"),
                format!("账号{small}。"),
            ] {
                assert_eq!(found(&text), std::slice::from_ref(&small), "{text:?}");
            }
            for text in [small.clone(), format!("{small} is the iban")] {
                assert_eq!(found(&text), [""; 0], "{text:?}");
            }
        }
    }

    #[test]
    fn what_may_become_an_iban_is_open() {
        for (text, expected) in [
            ("pay to D", "D"),
            ("pay to DE", "DE"),
            ("pay to DE8", "DE8"),
            ("pay to DEx", ""),
            ("pay is", ""),
            ("my iban is", "is"),
            ("my iban is n", "n"),
            ("DE89 3704 0044 0532 0130 0", "DE89 3704 0044 0532 0130 0"),
            ("DE89 3704 0044 0532 0130 00", "DE89 3704 0044 0532 0130 00"),
            (
                "DE89 3704 0044 0532 0130 00-",
                "DE89 3704 0044 0532 0130 00-",
            ),
            ("DE89 3704 0044 0532 0130 00,", ""),
        ] {
            let at = IbanDetector::open_from(text.as_bytes(), 0);
            assert_eq!(&text[at..], expected, "{text:?}");
        }
    }

    #[test]
    fn groups_of_four_score_higher() {
        let score = |text: &str| {
            let mut out = Vec::new();
            IbanDetector::default().scan(&View::new(text.as_bytes(), 0), &mut out);
            out[0].score
        };
        for printed in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "BE68-5390-0754-7034",
        ] {
            assert_eq!(score(printed), SCORE_AS_PRINTED, "{printed}");
        }
        for odd in [
            "DE89370400440532 0130 00",
            "DE89 37040044 0532 0130 00",
            "DE89 370 400 440 532 013 000",
            "BE68-539007547034",
        ] {
            assert_eq!(score(odd), SCORE_ODD_GROUPS, "{odd}");
        }
    }

    #[test]
    fn every_changed_character_is_refused() {
        for iban in EXAMPLES {
            for (at, old) in iban.bytes().enumerate() {
                let new = match old {
                    b'9' => '0',
                    b'Z' => 'A',
                    _ => char::from(old + 1),
                };
                let text = format!("{}{new}{}", &iban[..at], &iban[at + 1..]);
                assert_eq!(found(&text), [""; 0], "{text:?}");
            }
        }
    }

    #[test]
    fn what_follows_a_grouped_number_is_apart() {
        let text = "DE89 3704 0044 0532 0130 00 12 NO9386011117947 5";
        assert_eq!(
            found(text),
            ["DE89 3704 0044 0532 0130 00", "NO9386011117947"]
        );
    }

    #[test]
    fn cost_is_linear() {
        testing::assert_linear(
            |view, out| IbanDetector::default().scan(view, out),
            32,
            &[
                "1",
                "a",
                "a1",
                "DE89",
                "DE89 ",
                "DE89-",
                "-lc55hemm",
                "LC55 ",
                "RU12 3",
                "NO9386011117947 ",
            ],
        );
    }
}
