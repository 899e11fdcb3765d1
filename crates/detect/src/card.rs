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
//! the digits of an IBAN.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use memchr::memchr;
use weir_types::{Category, Severity};

use crate::checksum::luhn;
use crate::matched::Match;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

/// Fewest digits of a card. ISO/IEC 7812 allows fewer; nobody issues them.
const MIN_DIGITS: usize = 13;
/// Most digits of a card (ISO/IEC 7812-1).
const MAX_DIGITS: usize = 19;

/// One run of digits or grouped as printed. Scores order matches by how much speaks for them;
/// about one in ten random numbers in an issuer's range passes Luhn.
const SCORE_AS_PRINTED: f32 = 0.95;
/// Grouped in some other way.
const SCORE_ODD_GROUPS: f32 = 0.7;

struct Scheme {
    name: &'static str,
    /// Ranges of the first six digits.
    ranges: &'static [RangeInclusive<u32>],
    lengths: &'static [usize],
}

/// Issuer ranges and lengths as collected in Wikipedia's "Payment card number"; the register of
/// ISO/IEC 7812 itself is not public. The range 622126-622925, which Discover shares, counts as UnionPay.
const SCHEMES: [Scheme; 8] = [
    Scheme {
        name: "visa",
        ranges: &[400_000..=499_999],
        lengths: &[13, 16, 19],
    },
    Scheme {
        name: "mastercard",
        ranges: &[510_000..=559_999, 222_100..=272_099],
        lengths: &[16],
    },
    Scheme {
        name: "amex",
        ranges: &[340_000..=349_999, 370_000..=379_999],
        lengths: &[15],
    },
    Scheme {
        name: "discover",
        ranges: &[601_100..=601_199, 644_000..=659_999],
        lengths: &[16, 17, 18, 19],
    },
    Scheme {
        name: "jcb",
        ranges: &[352_800..=358_999],
        lengths: &[16, 17, 18, 19],
    },
    Scheme {
        name: "diners",
        ranges: &[
            300_000..=305_999,
            309_500..=309_599,
            360_000..=369_999,
            380_000..=399_999,
        ],
        lengths: &[14, 15, 16, 17, 18, 19],
    },
    Scheme {
        name: "unionpay",
        ranges: &[620_000..=629_999],
        lengths: &[16, 17, 18, 19],
    },
    Scheme {
        name: "maestro",
        ranges: &[
            501_800..=501_899,
            502_000..=502_099,
            503_800..=503_899,
            589_300..=589_399,
            630_400..=630_499,
            675_900..=675_999,
            676_100..=676_399,
        ],
        lengths: &[13, 14, 15, 16, 17, 18, 19],
    },
];

/// Group sizes on printed cards and in common forms.
const LAYOUTS: [&[usize]; 9] = [
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
}

impl Default for CardDetector {
    fn default() -> Self {
        Self {
            names: SCHEMES.each_ref().map(|scheme| scheme.name.into()),
        }
    }
}

struct Card {
    range: Range<usize>,
    scheme: usize,
    score: f32,
}

impl CardDetector {
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        // Of two neighbours in a chain one is a digit, so a card of 13 bytes or more that starts
        // at `floor` or later has a digit in one of the pairs probed every 12 bytes from here.
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
            if chain.len() >= MIN_DIGITS && !is_iban(text, &chain) {
                self.scan_chain(view, chain, out);
            }
        }
    }

    fn scan_chain(&self, view: &View<'_>, chain: Range<usize>, out: &mut Vec<Match>) {
        let mut start = chain.start;
        loop {
            if let Some(card) = longest_card(view.text, &chain, start) {
                start = card.range.end;
                out.push(Match {
                    detector: "card",
                    rule: self.names[card.scheme].clone(),
                    category: Category::Pii,
                    span: view.original(card.range),
                    score: card.score,
                    severity: Severity::High,
                });
            }
            let Some(space) = memchr(b' ', &view.text[start..chain.end]) else {
                return;
            };
            spend(space + 1);
            start += space + 1;
        }
    }
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
        if let Some(scheme) = scheme_of(&digits[..count]) {
            let score = if as_printed {
                SCORE_AS_PRINTED
            } else {
                SCORE_ODD_GROUPS
            };
            best = Some(Card {
                range: start..at + 1,
                scheme,
                score,
            });
        }
    }
    best
}

/// The scheme whose range and length fit, if the digits pass Luhn and are not all the same.
fn scheme_of(digits: &[u8]) -> Option<usize> {
    spend(SCHEMES.len());
    let issuer = digits
        .iter()
        .take(6)
        .fold(0, |value, &digit| value * 10 + u32::from(digit));
    let scheme = SCHEMES.iter().position(|scheme| {
        scheme.lengths.contains(&digits.len())
            && scheme.ranges.iter().any(|range| range.contains(&issuer))
    })?;
    let varied = digits.iter().any(|digit| *digit != digits[0]);
    (varied && luhn(digits)).then_some(scheme)
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

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Detector;

    /// `stem` with its Luhn digit.
    pub(crate) fn card(stem: &str) -> String {
        (0..=9)
            .map(|check| format!("{stem}{check}"))
            .find(|number| luhn(&number.bytes().map(|b| b - b'0').collect::<Vec<_>>()))
            .unwrap()
    }

    fn found(text: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        Detector::compile(&[])
            .unwrap()
            .scan(text.as_bytes(), 0, &mut out);
        out.into_iter()
            .filter(|found| found.detector == "card")
            .map(|m| {
                assert_eq!((m.category, m.severity), (Category::Pii, Severity::High));
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned())
            })
            .collect()
    }

    #[test]
    fn positives() {
        // The issuers' published test numbers, as they and others write them.
        for (scheme, number) in [
            ("visa", "4111111111111111"),
            ("visa", "4111 1111 1111 1111"),
            ("visa", "4111-1111-1111-1111"),
            ("visa", "41111111 11111111"),
            ("visa", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
            ("visa", "411111 1111 111111"),
            ("visa", "4111-1111 1111-1111"),
            ("visa", "4222222222222"),
            ("visa", "4222 222 222 222"),
            ("visa", &card("411111111111111111")),
            ("mastercard", "5555555555554444"),
            ("mastercard", "5105 1051 0510 5100"),
            ("mastercard", "2223003122003222"),
            ("mastercard", &card("222100000000001")),
            ("mastercard", &card("272099999999999")),
            ("amex", "378282246310005"),
            ("amex", "3714 496353 98431"),
            ("amex", "3714-496353-98431"),
            ("discover", "6011111111111117"),
            ("discover", &card("644900000000012")),
            ("discover", &card("659999000000012")),
            ("jcb", "3530111333300000"),
            ("jcb", &card("352800000000001")),
            ("jcb", &card("358999000000001")),
            ("diners", "30569309025904"),
            ("diners", "3852 000002 3237"),
            ("diners", &card("3600000000001")),
            ("unionpay", "6200000000000005"),
            ("unionpay", &card("621234567890123456")),
            (
                "unionpay",
                &format!(
                    "{} {}",
                    &card("621234567890123456")[..6],
                    &card("621234567890123456")[6..]
                ),
            ),
            ("maestro", "6759649826438453"),
            ("maestro", &card("501800000000")),
            ("maestro", &card("676300000000000001")),
        ] {
            for text in [
                number.to_owned(),
                format!("my card is {number}."),
                format!("{number}, thanks"),
                format!("[{number}]"),
                format!("卡号{number}。"),
                format!("pan={number}&x"),
                format!("line\n{number}\n17"),
                format!(r#"{{"n":"a\n{number}"}}"#),
            ] {
                assert_eq!(
                    found(&text),
                    [(scheme.to_owned(), number.to_owned())],
                    "{text:?}"
                );
            }
        }
    }

    #[test]
    fn cards_among_other_numbers() {
        let visa = |number: &str| ("visa".to_owned(), number.to_owned());
        for (text, numbers) in [
            (
                "4111 1111 1111 1111 12/29 123",
                &["4111 1111 1111 1111"][..],
            ),
            ("4111111111111111 12 29 737", &["4111111111111111"]),
            ("4111-1111-1111-1111 12 29", &["4111-1111-1111-1111"]),
            ("2024-05-17 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
            ("1 4111111111111111", &["4111111111111111"]),
            ("1 2 3 4111111111111111 4 5 6", &["4111111111111111"]),
            (
                "4111111111111111 4012888888881881",
                &["4111111111111111", "4012888888881881"],
            ),
            (
                "4111 1111 1111 1111 4012 8888 8888 1881",
                &["4111 1111 1111 1111", "4012 8888 8888 1881"],
            ),
            (
                "4111111111111111,4012888888881881",
                &["4111111111111111", "4012888888881881"],
            ),
            ("visa-4111111111111111", &["4111111111111111"]),
            ("-4111111111111111", &["4111111111111111"]),
            (
                "+49 170 1234567 4111 1111 1111 1111",
                &["4111 1111 1111 1111"],
            ),
            ("pi 3.14 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
        ] {
            let expected: Vec<_> = numbers.iter().map(|number| visa(number)).collect();
            assert_eq!(found(text), expected, "{text:?}");
        }
    }

    #[test]
    fn negatives() {
        for text in [
            "4111111111111112",                         // Luhn
            "4111 1111 1111 1112",                      // Luhn
            "411111111111111",                          // 15 digits starting with 4
            "14111111111111111",                        // longer run
            "41111111111111110",                        // longer run
            "order 202405170000004111111111111111",     // longer run
            "x4111111111111111",                        // in a word
            "4111111111111111x",                        // in a word
            "id_4111111111111111",                      // in a word
            "4111111111111111_v2",                      // in a word
            "deadbeef4111111111111111",                 // in a hash
            "4111111111111111deadbeef",                 // in a hash
            "0.4111111111111111",                       // decimals
            "4111111111111111.25",                      // an amount
            "+4111111111111111",                        // phone-like
            "4111  1111 1111 1111",                     // two spaces
            "4111--1111-1111-1111",                     // two hyphens
            "4111.1111.1111.1111",                      // dots
            "4111/1111/1111/1111",                      // slashes
            "key-4111-1111-1111-1111",                  // in a hyphenated word
            "4111-1111-1111-1111-abcd",                 // in a hyphenated word
            "2024-4111-1111-1111-1111",                 // a longer hyphenated number
            "550e8400-e29b-41d4-a716-446655440000",     // UUID
            "abcdefab-cdef-abcd-4012-888888881881",     // UUID that ends in a Luhn-valid Visa
            "12345678-1234-4123-8123-123456789012",     // UUID of digits
            "da39a3ee5e6b4b0d3255bfef95601890afd80709", // SHA-1
            "1111111111111111",
            "0000 0000 0000 0000",
            "4444444444444444",
            "9780306406157",       // ISBN-13
            "978-0-306-40615-7",   // ISBN-13
            "4006381333931",       // EAN-13 that starts like a Visa
            "490154203237518",     // IMEI, which passes Luhn
            "356938035643809",     // IMEI, which passes Luhn
            "1712345678901",       // milliseconds
            "1712345678901234",    // microseconds
            "20240517 123456 789", // date and time
            "2024-05-17 12:34:56",
            "+49 170 1234567",
            "+1 (555) 123-4567",
            "0044 7911 123456",
            "40.7127837 -74.0059413",
            "48.8583701,2.2944813",
            "4.11.1111.1111111", // version
            "192.168.100.200 10.0.0.1",
            "DE89 3704 0044 0532 0130 00", // IBAN
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "XY12 4111 1111 1111 1111 11", // IBAN-like around a Luhn-valid run
            "8901260123456789012",         // SIM card (ICCID)
            "1Z9999999999999999",          // parcel
            "6011 1111",                   // too short
            "1 2 3 4 5 6 7 8 9 10 11 12 13 14",
            "4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4 4",
        ] {
            assert_eq!(found(text), [], "{text:?}");
        }
    }

    #[test]
    fn every_place_relative_to_the_probes() {
        for before in 0..40 {
            for after in 0..15 {
                let text = format!(
                    "{}4111111111111111{}",
                    ".".repeat(before),
                    ".".repeat(after)
                );
                assert_eq!(found(&text).len(), 1, "{before} {after}");
            }
        }
    }

    #[test]
    fn shortest_spaced_card_is_probed_everywhere() {
        let spaced: Vec<String> = "4222222222222".chars().map(String::from).collect();
        let spaced = spaced.join("-");
        for before in 0..40 {
            let text = format!(
                "{}{spaced}",
                "12 x".repeat(before / 4) + &".".repeat(before % 4)
            );
            let expected = usize::from(before % 4 != 0 || before == 0);
            assert_eq!(found(&text).len(), expected, "{text}");
        }
    }

    #[test]
    fn schemes_do_not_overlap() {
        for issuer in 0..1_000_000 {
            let owners = SCHEMES
                .iter()
                .filter(|scheme| scheme.ranges.iter().any(|range| range.contains(&issuer)));
            assert!(owners.count() <= 1, "{issuer}");
        }
    }
}
