//! Germany, the Netherlands, the United Kingdom.

use weir_types::Severity;

use crate::pii::passport::{check_digit, is_german_char};

use super::checks::{digits, mod_11_10, varied, weighted};
use super::format::{Format, NEVER};

pub(super) const FORMATS: [Format; 5] = [
    // Bundeszentralamt für Steuern, "Informationen zur Berechnung gültiger Prüfziffern",
    // § 139b Abgabenordnung.
    Format {
        rule: "de_steuer_id",
        plain: &["11", "2 3 3 3"],
        own: &[],
        shape: "ddddddddddd",
        check: de_steuer_id,
        words: &[
            "steuer-id",
            "steuerid",
            "steuer id",
            "steuer-ident",
            "steuer-identnummer",
            "steueridentnummer",
            "steueridentifikationsnummer",
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
        shape: "*********d*",
        check: de_personalausweis,
        words: &[
            "personalausweis",
            "personalausweisnummer",
            "ausweis",
            "ausweisnummer",
            "ausweisnr",
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
    // Rijksdienst voor Identiteitsgegevens, "Logisch ontwerp BSN": elfproef.
    Format {
        rule: "nl_bsn",
        plain: &["9", "4.2.3", "4 2 3", "3 3 3", "3.3.3", "3-3-3"],
        own: &[],
        shape: "ddddddddd",
        check: nl_bsn,
        words: &[
            "bsn",
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
    // NHS Data Model and Dictionary, "NHS NUMBER".
    Format {
        rule: "uk_nhs_number",
        plain: &["10", "3 3 4", "3-3-4"],
        own: &[],
        shape: "dddddddddd",
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
        shape: "aadddddda",
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
    ) && id.iter().all(is_german_char);
    (old || new) && check_digit(&id[..9]) == id[9]
}

fn nl_bsn(chars: &[u8]) -> bool {
    digits::<9>(chars).is_some_and(|id| {
        // The last digit counts -1, which is 10.
        varied(&id) && weighted(&id, &[9, 8, 7, 6, 5, 4, 3, 2, 10]).is_multiple_of(11)
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
