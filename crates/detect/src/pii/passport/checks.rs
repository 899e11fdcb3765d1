//! The check digits and dates of machine-readable zones and passport numbers.

use super::{TD2, TD3};
use crate::work::spend;

/// TD3 or TD2 (Doc 9303-4 and -6, 4.2.2).
pub(super) fn second_line(line: &[u8]) -> Option<usize> {
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
pub(super) fn has_number_and_dates(line: &[u8]) -> bool {
    check_digit(&line[..9]) == line[9]
        && is_country(&line[10..13])
        && is_dates(&line[13..20], line[20], &line[21..28])
}

/// Doc 9303-5, 4.2.2. A number of more than 9 characters has `<` for its check digit here, and
/// only the composite then speaks for it.
pub(super) fn td1_pair(first: &[u8], second: &[u8]) -> bool {
    let composite = [&first[5..], &second[..7], &second[8..15], &second[18..29]];
    matches!(first[0], b'A' | b'C' | b'I')
        && is_country(&first[2..5])
        && (first[14] == b'<' || check_digit(&first[5..14]) == first[14])
        && is_td1_second(second)
        && check_digit(composite.into_iter().flatten()) == second[29]
}

pub(super) fn is_td1_second(line: &[u8]) -> bool {
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
pub(super) fn is_french(first: &[u8], second: &[u8]) -> bool {
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
pub(super) fn is_german_number(number: &[u8]) -> bool {
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
pub(in crate::pii) fn check_digit<'a>(chars: impl IntoIterator<Item = &'a u8>) -> u8 {
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
