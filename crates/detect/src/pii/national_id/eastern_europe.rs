//! Poland, Russia.

use weir_types::Severity;

use crate::pii::dates::is_date;

use super::checks::{digits, number, varied, weighted};
use super::format::{Format, NEVER};

pub(super) const FORMATS: [Format; 4] = [
    // Ustawa o ewidencji ludności (2010), article 15 and following.
    Format {
        rule: "pl_pesel",
        plain: &["11"],
        own: &[],
        shape: "ddddddddddd",
        check: pl_pesel,
        words: &[
            "pesel",
            "peselu",
            "peselem",
            "numer ewidencyjny",
            "polish id",
            "national id",
        ],
        with_word: 0.97,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Ustawa o zasadach ewidencji i identyfikacji podatników (1995).
    Format {
        rule: "pl_nip",
        plain: &["10", "3-3-2-2", "3-2-2-3", "3 3 2 2", "3 2 2 3"],
        own: &[],
        shape: "dddddddddd",
        check: pl_nip,
        words: &["nip", "identyfikacji podatkowej", "tax id", "vat"],
        with_word: 0.93,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::Medium,
    },
    // Постановление Правления ПФР 192п (2006), annex 1.
    Format {
        rule: "ru_snils",
        plain: &["11", "3 3 3 2"],
        own: &["3-3-3 2", "3-3-3-2"],
        shape: "ddddddddddd",
        check: ru_snils,
        words: &[
            "снилс",
            "снилса",
            "снилсе",
            "страховой номер",
            "страховое свидетельство",
            "страхового свидетельства",
            "пенсионного страхования",
            "snils",
        ],
        with_word: 0.97,
        own_printing: 0.88,
        alone: NEVER,
        severity: Severity::High,
    },
    // Приказ ФНС России ММВ-7-6/435@ (2012) and its predecessors.
    Format {
        rule: "ru_inn",
        plain: &["10", "12"],
        own: &[],
        shape: "dddddddddddd",
        check: ru_inn,
        // "inn" alone is an English word.
        words: &[
            "инн",
            "номер налогоплательщика",
            "inn:",
            "inn no",
            "inn number",
            "taxpayer",
        ],
        with_word: 0.95,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::Medium,
    },
];

/// Birth date, the century added to the month, serial, check digit modulo 10.
fn pl_pesel(chars: &[u8]) -> bool {
    digits::<11>(chars).is_some_and(|id| {
        let (month, day) = (number(&id[2..4]), number(&id[4..6]));
        let century = match month / 20 {
            0 => 1900,
            1 => 2000,
            2 => 2100,
            3 => 2200,
            _ => 1800,
        };
        is_date(century + number(&id[..2]), month % 20, day)
            && weighted(&id, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
    })
}

fn pl_nip(chars: &[u8]) -> bool {
    digits::<10>(chars).is_some_and(|id| {
        // A remainder of 10 is never issued, and no digit is 10.
        varied(&id)
            && number(&id[..3]) != 0
            && weighted(&id[..9], &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11 == u32::from(id[9])
    })
}

/// Numbers up to 001-001-998 have no check digits and are not found.
fn ru_snils(chars: &[u8]) -> bool {
    digits::<11>(chars).is_some_and(|id| {
        let sum = weighted(&id[..9], &[9, 8, 7, 6, 5, 4, 3, 2, 1]);
        number(&id[..9]) > 1_001_998 && varied(&id) && sum % 101 % 100 == number(&id[9..])
    })
}

/// Ten digits for organisations, twelve for persons; the region comes first.
fn ru_inn(chars: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8];
    let check = |id: &[u8], weights: &[u32]| weighted(id, weights) % 11 % 10;
    if let Some(id) = digits::<10>(chars) {
        return number(&id[..2]) != 0
            && varied(&id)
            && check(&id[..9], &WEIGHTS[2..]) == u32::from(id[9]);
    }
    digits::<12>(chars).is_some_and(|id| {
        number(&id[..2]) != 0
            && varied(&id)
            && check(&id[..10], &WEIGHTS[1..]) == u32::from(id[10])
            && check(&id[..11], &WEIGHTS) == u32::from(id[11])
    })
}
