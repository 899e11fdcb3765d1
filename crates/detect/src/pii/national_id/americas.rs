//! United States, Brazil, Mexico.

use weir_types::Severity;

use crate::pii::dates::is_date;

use super::checks::{digits, number, varied, weighted};
use super::format::{Format, NEVER};

pub(super) const FORMATS: [Format; 5] = [
    // Social Security Administration, "Social Security Number Randomization" (2011).
    Format {
        rule: "us_ssn",
        plain: &["9", "3 2 4", "3.2.4"],
        own: &["3-2-4"],
        shape: "ddddddddd",
        check: us_ssn,
        words: &[
            "ssn",
            "ssns",
            "ss#",
            "social security",
            "soc sec",
            "seguro social",
        ],
        with_word: 0.95,
        own_printing: 0.7,
        alone: NEVER,
        severity: Severity::High,
    },
    // Internal Revenue Manual 3.21.263, "IRS Individual Taxpayer Identification Number".
    Format {
        rule: "us_itin",
        plain: &["9", "3 2 4", "3.2.4"],
        own: &["3-2-4"],
        shape: "ddddddddd",
        check: us_itin,
        words: &[
            "itin",
            "itins",
            "taxpayer identification",
            "taxpayer id",
            "tax id",
            "tin",
        ],
        with_word: 0.95,
        own_printing: 0.75,
        alone: NEVER,
        severity: Severity::High,
    },
    // Receita Federal, Instrução Normativa RFB 2.172/2024 and its predecessors.
    Format {
        rule: "br_cpf",
        plain: &["11", "3 3 3 2", "9-2"],
        own: &["3.3.3-2"],
        shape: "ddddddddddd",
        check: br_cpf,
        words: &[
            "cpf",
            "cpfs",
            "c.p.f",
            "cadastro de pessoa física",
            "cadastro de pessoas físicas",
            "contribuinte",
            "taxpayer id",
        ],
        with_word: 0.97,
        own_printing: 0.9,
        alone: NEVER,
        severity: Severity::High,
    },
    // Receita Federal, Instrução Normativa RFB 2.229/2024: letters from July 2026 on.
    Format {
        rule: "br_cnpj",
        plain: &["14", "8/4-2"],
        own: &["2.3.3/4-2"],
        shape: "************dd",
        check: br_cnpj,
        words: &[
            "cnpj",
            "cnpjs",
            "c.n.p.j",
            "cadastro nacional da pessoa jurídica",
            "empresa",
            "company id",
        ],
        with_word: 0.95,
        own_printing: 0.9,
        alone: NEVER,
        severity: Severity::Medium,
    },
    // RENAPO, "Instructivo normativo para la asignación de la CURP" (2021).
    Format {
        rule: "mx_curp",
        plain: &["18"],
        own: &[],
        shape: "aaaaddddddaaaaaa*d",
        check: mx_curp,
        words: &[
            "curp",
            "clave única",
            "clave unica",
            "registro de población",
        ],
        with_word: 0.98,
        own_printing: 0.95,
        alone: 0.95,
        severity: Severity::High,
    },
];

/// Areas 000, 666 and 900 to 999, group 00 and serial 0000 are never issued; two numbers were
/// printed in advertisements and withdrawn.
fn us_ssn(chars: &[u8]) -> bool {
    let Some(id) = digits::<9>(chars) else {
        return false;
    };
    let (area, group, serial) = (number(&id[..3]), number(&id[3..5]), number(&id[5..]));
    !matches!(area, 0 | 666 | 900..)
        && group != 0
        && serial != 0
        && varied(&id)
        && !matches!(number(&id), 78_051_120 | 219_099_999)
}

/// Ten of them are kept for advertisements.
fn us_itin(chars: &[u8]) -> bool {
    digits::<9>(chars).is_some_and(|id| {
        id[0] == 9
            && matches!(number(&id[3..5]), 50..=65 | 70..=88 | 90..=92 | 94..=99)
            && varied(&id)
            && !matches!(number(&id), 987_654_320..=987_654_329)
    })
}

/// Eleven less the remainder of the sum, 10 and 11 as 0.
fn mod_11(sum: u32) -> u32 {
    match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    }
}

fn br_cpf(chars: &[u8]) -> bool {
    digits::<11>(chars).is_some_and(|id| {
        varied(&id)
            && mod_11(weighted(&id[..9], &[10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(id[9])
            && mod_11(weighted(&id[..10], &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])) == u32::from(id[10])
    })
}

/// Letters count as their ASCII code less 48, as digits do.
fn br_cnpj(chars: &[u8]) -> bool {
    const WEIGHTS: [u32; 13] = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2];
    let Ok(chars): Result<[u8; 14], _> = chars.try_into() else {
        return false;
    };
    let id = chars.map(|byte| byte.wrapping_sub(b'0'));
    id[12] < 10
        && id[13] < 10
        && varied(&id)
        && mod_11(weighted(&id[..12], &WEIGHTS[1..])) == u32::from(id[12])
        && mod_11(weighted(&id[..13], &WEIGHTS)) == u32::from(id[13])
}

/// Federal states, and NE for those born abroad.
const MEXICAN_STATES: [&[u8; 2]; 33] = [
    b"AS", b"BC", b"BS", b"CC", b"CH", b"CL", b"CM", b"CS", b"DF", b"DG", b"GR", b"GT", b"HG",
    b"JC", b"MC", b"MN", b"MS", b"NE", b"NL", b"NT", b"OC", b"PL", b"QR", b"QT", b"SL", b"SP",
    b"SR", b"TC", b"TL", b"TS", b"VZ", b"YN", b"ZS",
];

/// Letters of the name, birth date, sex, state, consonants, a digit for those born before 2000 or
/// a letter after, check digit modulo 10.
fn mx_curp(chars: &[u8]) -> bool {
    let Ok(chars): Result<&[u8; 18], _> = chars.try_into() else {
        return false;
    };
    let Some(date) = digits::<6>(&chars[4..10]) else {
        return false;
    };
    let century = if chars[16].is_ascii_digit() {
        1900
    } else {
        2000
    };
    let state: [u8; 2] = [chars[11], chars[12]];
    let form = chars[..4].iter().all(u8::is_ascii_uppercase)
        && matches!(chars[1], b'A' | b'E' | b'I' | b'O' | b'U' | b'X')
        && is_date(
            century + number(&date[..2]),
            number(&date[2..4]),
            number(&date[4..]),
        )
        && matches!(chars[10], b'H' | b'M' | b'X')
        && MEXICAN_STATES.contains(&&state)
        && chars[13..16].iter().all(u8::is_ascii_uppercase)
        && chars[17].is_ascii_digit();
    let sum: u32 = chars[..17]
        .iter()
        .zip((2..=18).rev())
        .map(|(&byte, weight)| {
            let value = match byte {
                b'0'..=b'9' => byte - b'0',
                b'A'..=b'N' => byte - b'A' + 10,
                // Ñ, which is written X, has the place before O.
                _ => byte - b'A' + 11,
            };
            u32::from(value) * weight
        })
        .sum();
    form && (10 - sum % 10) % 10 == u32::from(chars[17] - b'0')
}
