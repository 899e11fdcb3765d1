//! The check digits and dates of machine-readable zones and passport numbers.

use super::{TD2, TD3};
use crate::pii::dates::is_date;
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
        && is_zone_date(birth, true)
        && is_zone_date(expiry, false)
        && check_digit(&birth[..6]) == birth[6]
        && check_digit(&expiry[..6]) == expiry[6]
}

/// `YYMMDD`; parts that are not known are `<<` in dates of birth, and may then be any.
fn is_zone_date(date: &[u8], may_be_unknown: bool) -> bool {
    // A leap year, and January, have every day that there is.
    let part = |at: usize, any: u32| match [date[at], date[at + 1]] {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(u32::from(tens - b'0') * 10 + u32::from(ones - b'0'))
        }
        [b'<', b'<'] if may_be_unknown => Some(any),
        _ => None,
    };
    part(0, 0)
        .zip(part(2, 1))
        .zip(part(4, 1))
        .is_some_and(|((year, month), day)| is_date(year, month, day))
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
        && is_zone_date(&second[27..33], true)
        && check_digit(&second[27..33]) == second[33]
        && matches!(second[34], b'M' | b'F')
        && check_digit(first.iter().chain(&second[..35])) == second[35]
}

/// Nine characters of the set that Germany uses, the first a letter of the offices that issue
/// passports, and the check digit of Doc 9303 (§ 4 Passgesetz and Passverordnung, annex).
pub(super) fn is_german_number(number: &[u8]) -> bool {
    number.iter().all(is_german_char)
        && matches!(number[0], b'C' | b'F' | b'G' | b'H' | b'J' | b'K')
        && check_digit(&number[..9]) == number[9]
}

/// What German documents are numbered with: digits, and letters that no digit or word looks like.
pub(in crate::pii) fn is_german_char(byte: &u8) -> bool {
    byte.is_ascii_digit()
        || byte.is_ascii_uppercase()
            && !matches!(
                byte,
                b'A' | b'B' | b'D' | b'E' | b'I' | b'O' | b'Q' | b'S' | b'U'
            )
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
