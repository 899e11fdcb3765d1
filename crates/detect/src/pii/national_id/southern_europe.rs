//! Spain, France, Italy, Portugal.

use weir_types::Severity;

use crate::pii::dates::is_date;

use super::checks::{digits, number, varied, weighted};
use super::format::{Format, NEVER};

const SPANISH_WORDS: [&str; 12] = [
    "dni",
    "d.n.i",
    "nif",
    "n.i.f",
    "nie",
    "n.i.e",
    "documento nacional de identidad",
    "documento de identidad",
    "identidad de extranjero",
    "identificación fiscal",
    "identity number",
    "spanish id",
];

const FRENCH_WORDS: [&str; 9] = [
    "nir",
    "sécurité sociale",
    "securite sociale",
    "sécu",
    "secu",
    "insee",
    "carte vitale",
    "assuré",
    "social security",
];

const FRENCH_PRINTINGS: [&str; 7] = [
    "1 2 2 2 3 3 2",
    "1 2 2 5 3 2",
    "1 2 2 3 2 3 2",
    "1.2.2.2.3.3.2",
    "1-2-2-2-3-3-2",
    "1 2 2 2 3 3-2",
    "1 2 2 2 3 3/2",
];

pub(super) const FORMATS: [Format; 6] = [
    // Real Decreto 1553/2005 and Ministerio del Interior, "Cálculo del dígito de control del
    // NIF/NIE".
    Format {
        rule: "es_dni",
        plain: &["9"],
        own: &["8-1", "8 1", "2.3.4", "2.3.3-1", "2.3.3 1", "2 3 3 1"],
        shape: "dddddddda",
        check: es_dni,
        words: &SPANISH_WORDS,
        with_word: 0.95,
        own_printing: 0.85,
        alone: 0.7,
        severity: Severity::High,
    },
    // Real Decreto 557/2011, article 206, and the same page.
    Format {
        rule: "es_nie",
        plain: &["9"],
        own: &["1-7-1", "1-8", "8-1", "1 7 1", "1-1.3.3-1"],
        shape: "addddddda",
        check: es_nie,
        words: &SPANISH_WORDS,
        with_word: 0.95,
        own_printing: 0.85,
        alone: 0.75,
        severity: Severity::High,
    },
    // INSEE, "Numéro de sécurité sociale (NIR)", decree 82-103.
    Format {
        rule: "fr_nir",
        plain: &["15", "13 2", "13-2"],
        own: &FRENCH_PRINTINGS,
        shape: "ddddd**dddddddd",
        check: fr_nir_plain,
        words: &FRENCH_WORDS,
        with_word: 0.97,
        own_printing: 0.93,
        alone: 0.85,
        severity: Severity::High,
    },
    // The same: temporary numbers, and months that are not known.
    Format {
        rule: "fr_nir",
        plain: &["15", "13 2", "13-2"],
        own: &FRENCH_PRINTINGS,
        shape: "ddddd**dddddddd",
        check: fr_nir,
        words: &FRENCH_WORDS,
        with_word: 0.95,
        own_printing: 0.88,
        alone: NEVER,
        severity: Severity::High,
    },
    // Ministero delle Finanze, decreto 23 dicembre 1976; omocodia included.
    Format {
        rule: "it_codice_fiscale",
        plain: &["16"],
        own: &["3 3 5 5", "3-3-5-5", "3 3 5 4 1"],
        shape: "aaaaaa**a**a***a",
        check: it_codice_fiscale,
        words: &[
            "codice fiscale",
            "c.f",
            "cf",
            "cod. fisc",
            "cod fisc",
            "tessera sanitaria",
            "tax code",
            "fiscal code",
        ],
        with_word: 0.98,
        own_printing: 0.95,
        alone: 0.95,
        severity: Severity::High,
    },
    // Autoridade Tributária, Decreto-Lei 14/2013, and Portaria 386/98.
    Format {
        rule: "pt_nif",
        plain: &["9", "3 3 3", "3.3.3"],
        own: &[],
        shape: "ddddddddd",
        check: pt_nif,
        words: &[
            "nif",
            "n.i.f",
            "nipc",
            "contribuinte",
            "identificação fiscal",
            "número fiscal",
            "finanças",
            "tax number",
            "tax id",
            "vat",
        ],
        with_word: 0.93,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::Medium,
    },
];

/// Whether `letter` is the one for `number`.
fn spanish_letter(number: u32, letter: u8) -> bool {
    let place = usize::try_from(number % 23).unwrap_or_default();
    b"TRWAGMYFPDXBNJZSQVHLCKE"[place] == letter
}

fn es_dni(chars: &[u8]) -> bool {
    let Some((&letter, body)) = chars.split_last() else {
        return false;
    };
    digits::<8>(body).is_some_and(|id| varied(&id) && spanish_letter(number(&id), letter))
}

/// The first letter stands for a digit: X for 0, Y for 1, Z for 2.
fn es_nie(chars: &[u8]) -> bool {
    let [first @ (b'X' | b'Y' | b'Z'), body @ .., letter] = chars else {
        return false;
    };
    digits::<7>(body).is_some_and(|id| {
        let whole = u32::from(first - b'X') * 10_000_000 + number(&id);
        varied(&id) && spanish_letter(whole, *letter)
    })
}

/// The numbers of most people: sex 1 or 2, and a month.
fn fr_nir_plain(chars: &[u8]) -> bool {
    fr_nir(chars)
        && matches!(chars[0], b'1' | b'2')
        && matches!(chars[3..5], [b'0', _] | [b'1', b'0'..=b'2'])
}

/// Sex, year, month (20 and more where it is not known), department, commune, serial, key: 97 less
/// the rest of the number, with 2A read as 19 and 2B as 18.
fn fr_nir(chars: &[u8]) -> bool {
    let Ok(mut chars): Result<[u8; 15], _> = chars.try_into() else {
        return false;
    };
    match chars[5..7] {
        [b'2', b'A'] => chars[5..7].copy_from_slice(b"19"),
        [b'2', b'B'] => chars[5..7].copy_from_slice(b"18"),
        _ => {}
    }
    let Some(id) = digits::<15>(&chars) else {
        return false;
    };
    let whole = id[..13]
        .iter()
        .fold(0, |value: u64, &digit| value * 10 + u64::from(digit));
    matches!(id[0], 1 | 2 | 7 | 8)
        && matches!(number(&id[3..5]), 1..=12 | 20 | 30..=42 | 50..=99)
        && number(&id[5..7]) != 0
        && number(&id[7..10]) != 0
        && number(&id[10..13]) != 0
        && 97 - whole % 97 == u64::from(number(&id[13..]))
}

/// What a character counts at odd places: digits and the letters of the same rank, then the rest.
const ITALIAN_ODD: [u32; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// Surname, name, year, month, day (40 more for women), place, check letter. Digits may be letters
/// where two persons would have the same code.
fn it_codice_fiscale(chars: &[u8]) -> bool {
    let Ok(chars): Result<&[u8; 16], _> = chars.try_into() else {
        return false;
    };
    let digit = |at: usize| match chars[at] {
        byte @ b'0'..=b'9' => Some(u32::from(byte - b'0')),
        byte => b"LMNPQRSTUV"
            .iter()
            .zip(0..)
            .find_map(|(&letter, value)| (letter == byte).then_some(value)),
    };
    let two = |at: usize| Some(digit(at)? * 10 + digit(at + 1)?);
    let month = b"ABCDEHLMPRST"
        .iter()
        .zip(1..)
        .find_map(|(&letter, month)| (letter == chars[8]).then_some(month));
    let (Some(year), Some(month), Some(day)) = (two(6), month, two(9)) else {
        return false;
    };
    let letters = [0, 1, 2, 3, 4, 5, 11, 15];
    let form = letters.iter().all(|&at| chars[at].is_ascii_uppercase())
        && (12..15).all(|at| digit(at).is_some())
        && is_date(year, month, if day > 40 { day - 40 } else { day });
    let sum: u32 = chars[..15]
        .iter()
        .enumerate()
        .map(|(place, &byte)| {
            let rank = if byte.is_ascii_digit() {
                byte - b'0'
            } else {
                byte - b'A'
            };
            if place % 2 == 0 {
                ITALIAN_ODD[usize::from(rank)]
            } else {
                u32::from(rank)
            }
        })
        .sum();
    form && sum % 26 == u32::from(chars[15] - b'A')
}

fn pt_nif(chars: &[u8]) -> bool {
    digits::<9>(chars).is_some_and(|id| {
        let kind = matches!(id[0], 1 | 2 | 3 | 5 | 6 | 8)
            || matches!(number(&id[..2]), 45 | 70..=72 | 74 | 75 | 77..=79 | 90 | 91 | 98 | 99);
        let rest = weighted(&id[..8], &[9, 8, 7, 6, 5, 4, 3, 2]) % 11;
        let check = if rest < 2 { 0 } else { 11 - rest };
        kind && varied(&id) && check == u32::from(id[8])
    })
}
