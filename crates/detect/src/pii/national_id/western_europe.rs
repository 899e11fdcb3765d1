//! Spain, France, Germany, Italy, the Netherlands, Portugal, the United Kingdom.

use weir_types::Severity;

use crate::pii::passport::check_digit;

use super::checks::{digits, is_date, mod_11_10, number, varied, weighted};
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

const FRENCH_PRINTINGS: [&str; 5] = [
    "1 2 2 2 3 3 2",
    "1 2 2 3 2 3 2",
    "1.2.2.2.3.3.2",
    "1-2-2-2-3-3-2",
    "1 2 2 2 3 3-2",
];

pub(super) const FORMATS: [Format; 11] = [
    // Real Decreto 1553/2005 and Ministerio del Interior, "Cálculo del dígito de control del
    // NIF/NIE".
    Format {
        rule: "es_dni",
        plain: &["9"],
        own: &["8-1", "8 1", "2.3.4", "2.3.3-1", "2.3.3 1"],
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
        own: &["1-7-1", "1-8", "8-1", "1 7 1"],
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
        check: fr_nir,
        words: &FRENCH_WORDS,
        with_word: 0.95,
        own_printing: 0.88,
        alone: NEVER,
        severity: Severity::High,
    },
    // Bundeszentralamt für Steuern, "Informationen zur Berechnung gültiger Prüfziffern",
    // § 139b Abgabenordnung.
    Format {
        rule: "de_steuer_id",
        plain: &["11", "2 3 3 3"],
        own: &[],
        check: de_steuer_id,
        words: &[
            "steuer-id",
            "steuerid",
            "steuer id",
            "steuer-idnr",
            "steuer-identifikationsnummer",
            "steueridentifikationsnummer",
            "steuerliche identifikationsnummer",
            "identifikationsnummer",
            "idnr",
            "id-nr",
            "tin",
            "tax id",
            "tax identification",
        ],
        with_word: 0.97,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Bundesministerium des Innern, Personalausweisverordnung, annex; check digit of ICAO 9303.
    Format {
        rule: "de_personalausweis",
        plain: &["10", "11"],
        own: &[],
        check: de_personalausweis,
        words: &[
            "personalausweis",
            "personalausweisnummer",
            "ausweis",
            "ausweisnummer",
            "ausweisnr",
            "ausweis-nr",
            "perso",
            "persoausweis",
            "id card",
            "identity card",
        ],
        with_word: 0.9,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Ministero delle Finanze, decreto 23 dicembre 1976; omocodia included.
    Format {
        rule: "it_codice_fiscale",
        plain: &["16"],
        own: &["3 3 5 5", "3-3-5-5", "3 3 5 4 1"],
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
    // Rijksdienst voor Identiteitsgegevens, "Logisch ontwerp BSN": elfproef.
    Format {
        rule: "nl_bsn",
        plain: &["9", "4.2.3", "3 3 3", "3.3.3", "4 2 3"],
        own: &[],
        check: nl_bsn,
        words: &[
            "bsn",
            "bsn-nummer",
            "burgerservicenummer",
            "burger service nummer",
            "sofinummer",
            "sofi-nummer",
            "citizen service number",
        ],
        with_word: 0.95,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Autoridade Tributária, Decreto-Lei 14/2013, and Portaria 386/98.
    Format {
        rule: "pt_nif",
        plain: &["9", "3 3 3", "3.3.3"],
        own: &[],
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
    // NHS Data Model and Dictionary, "NHS NUMBER".
    Format {
        rule: "uk_nhs_number",
        plain: &["10", "3 3 4", "3-3-4"],
        own: &[],
        check: uk_nhs_number,
        words: &["nhs", "national health service", "chi number"],
        with_word: 0.95,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // HM Revenue & Customs, National Insurance Manual NIM39110.
    Format {
        rule: "uk_nino",
        plain: &["9"],
        own: &["2 2 2 2 1", "2-2-2-2-1", "2 6 1"],
        check: uk_nino,
        words: &[
            "national insurance",
            "nino",
            "ni number",
            "ni no",
            "nat ins",
            "insurance number",
        ],
        with_word: 0.93,
        own_printing: 0.75,
        alone: 0.5,
        severity: Severity::High,
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

/// Of the first ten digits one stands there two or three times and no other more than once; three
/// do not stand in a row.
fn de_steuer_id(chars: &[u8]) -> bool {
    let Some(id) = digits::<11>(chars) else {
        return false;
    };
    let mut counts = [0_u8; 10];
    for &digit in &id[..10] {
        counts[usize::from(digit)] += 1;
    }
    let repeated = |times: u8| counts.iter().filter(|count| **count == times).count();
    let pairs = repeated(2) == 1 && repeated(1) == 8;
    let triples = repeated(3) == 1
        && repeated(1) == 7
        && !id[..10].windows(3).any(|w| w[0] == w[1] && w[1] == w[2]);
    id[0] != 0 && (pairs || triples) && mod_11_10(&id)
}

/// Nine characters and the check digit, on old cards followed by `D`. New numbers start with a
/// letter that identity cards use, old ones are digits.
fn de_personalausweis(chars: &[u8]) -> bool {
    let id = match chars {
        [id @ .., b'D'] if id.len() == 10 => id,
        id if id.len() == 10 => id,
        _ => return false,
    };
    let old = id.iter().all(u8::is_ascii_digit) && varied(id);
    let new = matches!(
        id[0],
        b'L' | b'M' | b'N' | b'P' | b'R' | b'T' | b'V' | b'W' | b'X' | b'Y'
    ) && id[1..].iter().all(|byte| {
        byte.is_ascii_digit()
            || !matches!(
                byte,
                b'A' | b'B' | b'D' | b'E' | b'I' | b'O' | b'Q' | b'S' | b'U'
            )
    });
    (old || new) && id[9].is_ascii_digit() && check_digit(&id[..9]) == id[9]
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

fn nl_bsn(chars: &[u8]) -> bool {
    digits::<9>(chars).is_some_and(|id| {
        // The last digit counts -1, which is 10.
        varied(&id) && weighted(&id, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
    })
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

fn uk_nhs_number(chars: &[u8]) -> bool {
    digits::<10>(chars).is_some_and(|id| {
        let check = (11 - weighted(&id[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
        // A check digit of 10 is never issued, and no digit is 10.
        varied(&id) && check == u32::from(id[9])
    })
}

/// Letters and prefixes that are not used, and the four suffixes.
fn uk_nino(chars: &[u8]) -> bool {
    let [first, second, body @ .., suffix] = chars else {
        return false;
    };
    let blocked = |byte: &u8| matches!(byte, b'D' | b'F' | b'I' | b'Q' | b'U' | b'V');
    first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !blocked(first)
        && !blocked(second)
        && *second != b'O'
        && !matches!(
            &[*first, *second],
            b"BG" | b"GB" | b"KN" | b"NK" | b"NT" | b"TN" | b"ZZ"
        )
        && matches!(suffix, b'A'..=b'D')
        && digits::<6>(body).is_some_and(|id| varied(&id))
}
