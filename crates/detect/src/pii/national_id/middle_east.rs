//! Türkiye, Saudi Arabia, the United Arab Emirates, Egypt.

use weir_types::Severity;

use crate::pii::dates::is_date;
use crate::pii::luhn::luhn;

use super::checks::{digits, number, varied, weighted};
use super::format::{Format, NEVER};

const EMIRATI_WORDS: [&str; 6] = [
    "emirates id",
    "emirates identity",
    "uae id",
    "eid",
    "الهوية",
    "هوية",
];

pub(super) const FORMATS: [Format; 5] = [
    // Nüfus ve Vatandaşlık İşleri, identity number check.
    Format {
        rule: "tr_tckn",
        plain: &["11", "3 3 3 2"],
        own: &[],
        shape: "ddddddddddd",
        check: tr_tckn,
        words: &[
            "tckn",
            "tc",
            "t.c",
            "kimlik",
            // What KİMLİK is in lower case outside Turkish.
            "ki\u{307}mli\u{307}k",
            "turkish id",
            "identity number",
        ],
        with_word: 0.97,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Absher and the Ministry of Interior: 1 for citizens, 2 for residents; Luhn.
    Format {
        rule: "sa_national_id",
        plain: &["10"],
        own: &[],
        shape: "dddddddddd",
        check: sa_national_id,
        words: &[
            "الهوية",
            "هوية",
            "هويتي",
            "الإقامة",
            "الاقامة",
            "إقامة",
            "اقامة",
            "السجل المدني",
            "iqama",
            "saudi id",
            "national id",
        ],
        with_word: 0.93,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Federal Authority for Identity, Citizenship, Customs & Port Security: 784 is the country
    // in ISO 3166-1, then the year of birth.
    Format {
        rule: "ae_emirates_id",
        plain: &["15"],
        own: &["3-4-7-1", "3 4 7 1"],
        shape: "ddddddddddddddd",
        check: ae_emirates_id_checked,
        words: &EMIRATI_WORDS,
        with_word: 0.97,
        own_printing: 0.93,
        alone: 0.85,
        severity: Severity::High,
    },
    // The same without Luhn: the authority does not publish the check, the printing says enough.
    Format {
        rule: "ae_emirates_id",
        plain: &[],
        own: &["3-4-7-1"],
        shape: "ddddddddddddddd",
        check: ae_emirates_id,
        words: &EMIRATI_WORDS,
        with_word: 0.9,
        own_printing: 0.75,
        alone: NEVER,
        severity: Severity::High,
    },
    // Civil Status Organization: century, birth date, governorate; how the last digit checks the
    // others is not published and not looked at.
    Format {
        rule: "eg_national_id",
        plain: &["14"],
        own: &[],
        shape: "dddddddddddddd",
        check: eg_national_id,
        words: &[
            "الرقم القومي",
            "الرقم القومى",
            "رقم قومي",
            "رقم قومى",
            "رقمي القومي",
            "بطاقة",
            "البطاقة",
            "egyptian id",
            "national id",
        ],
        with_word: 0.93,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
];

fn tr_tckn(chars: &[u8]) -> bool {
    digits::<11>(chars).is_some_and(|id| {
        let odd = weighted(&id[..9], &[1, 0, 1, 0, 1, 0, 1, 0, 1]);
        let even = weighted(&id[..8], &[0, 1, 0, 1, 0, 1, 0, 1]);
        // 9 is -1 modulo 10.
        id[0] != 0
            && varied(&id[..9])
            && (odd * 7 + even * 9) % 10 == u32::from(id[9])
            && (odd + even + u32::from(id[9])) % 10 == u32::from(id[10])
    })
}

fn sa_national_id(chars: &[u8]) -> bool {
    digits::<10>(chars).is_some_and(|id| matches!(id[0], 1 | 2) && varied(&id) && luhn(&id))
}

fn ae_emirates_id(chars: &[u8]) -> bool {
    digits::<15>(chars).is_some_and(|id| {
        number(&id[..3]) == 784 && matches!(number(&id[3..7]), 1900..=2099) && varied(&id[7..14])
    })
}

fn ae_emirates_id_checked(chars: &[u8]) -> bool {
    ae_emirates_id(chars) && digits::<15>(chars).is_some_and(|id| luhn(&id))
}

fn eg_national_id(chars: &[u8]) -> bool {
    digits::<14>(chars).is_some_and(|id| {
        let century = match id[0] {
            2 => 1900,
            3 => 2000,
            _ => return false,
        };
        is_date(
            century + number(&id[1..3]),
            number(&id[3..5]),
            number(&id[5..7]),
        ) && matches!(
            number(&id[7..9]),
            1..=4 | 11..=19 | 21..=29 | 31..=35 | 88
        )
    })
}
