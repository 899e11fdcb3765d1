//! China, India, Japan, Korea.

use weir_types::Severity;

use crate::pii::dates::is_date;

use super::checks::{digits, number, varied, verhoeff, weighted};
use super::format::{Format, NEVER};

const KOREAN_WORDS: [&str; 7] = [
    "주민번호",
    "주민등록",
    "외국인등록번호",
    "resident registration",
    "alien registration",
    "rrn",
    "korean id",
];

pub(super) const FORMATS: [Format; 6] = [
    // GB 11643-1999; provinces of GB/T 2260.
    Format {
        rule: "cn_resident_id",
        plain: &["18"],
        own: &["6 8 4", "6-8-4"],
        shape: "ddddddddddddddddd*",
        check: cn_resident_id,
        words: &[
            "身份证",
            "身份證",
            "身分证",
            "身分證",
            "身份号码",
            "证件号",
            "id card",
            "identity card",
            "resident id",
            "chinese id",
        ],
        with_word: 0.98,
        own_printing: 0.93,
        alone: 0.92,
        severity: Severity::High,
    },
    // UIDAI, "A UID Numbering Scheme" (2010): Verhoeff, no 0 or 1 at the start.
    Format {
        rule: "in_aadhaar",
        plain: &["12", "4 4 4", "4-4-4"],
        own: &[],
        shape: "dddddddddddd",
        check: in_aadhaar,
        words: &[
            "aadhaar",
            "aadhar",
            "adhaar",
            "adhar",
            "uidai",
            "uid",
            "आधार",
            "आधारकार्ड",
        ],
        with_word: 0.95,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // Income Tax Department, rule 114; the fourth letter is the kind of holder.
    Format {
        rule: "in_pan",
        plain: &["10"],
        own: &[],
        shape: "aaaaadddda",
        check: in_pan,
        words: &[
            "pan",
            "pancard",
            "permanent account number",
            "income tax",
            "itr",
            "पैन",
            "स्थायी खाता",
            "आयकर",
        ],
        with_word: 0.9,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // 総務省令第八十五号 (2014), article 5.
    Format {
        rule: "jp_my_number",
        plain: &["12", "4 4 4", "4-4-4"],
        own: &[],
        shape: "dddddddddddd",
        check: jp_my_number,
        words: &[
            "マイナンバー",
            "個人番号",
            "my number",
            "mynumber",
            "individual number",
            "japanese id",
        ],
        with_word: 0.95,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
    // 주민등록법 시행규칙, article 2: with the check digit of numbers issued before October 2020.
    Format {
        rule: "kr_rrn",
        plain: &["13"],
        own: &["6-7"],
        shape: "ddddddddddddd",
        check: kr_rrn_checked,
        words: &KOREAN_WORDS,
        with_word: 0.97,
        own_printing: 0.85,
        alone: NEVER,
        severity: Severity::High,
    },
    // The same article since October 2020: date and sex only.
    Format {
        rule: "kr_rrn",
        plain: &["6-7"],
        own: &[],
        shape: "ddddddddddddd",
        check: kr_rrn,
        words: &KOREAN_WORDS,
        with_word: 0.85,
        own_printing: NEVER,
        alone: NEVER,
        severity: Severity::High,
    },
];

/// Province, birth date, serial, check character modulo 11, where X is 10.
fn cn_resident_id(chars: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let Some((&last, body)) = chars.split_last() else {
        return false;
    };
    let Some(id) = digits::<17>(body) else {
        return false;
    };
    let year = number(&id[6..10]);
    let province = matches!(
        number(&id[..2]),
        11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81..=83
    );
    let place = usize::try_from(weighted(&id, &WEIGHTS) % 11).unwrap_or_default();
    province
        && matches!(year, 1880..=2099)
        && is_date(year, number(&id[10..12]), number(&id[12..14]))
        && b"10X98765432"[place] == last
}

fn in_aadhaar(chars: &[u8]) -> bool {
    digits::<12>(chars).is_some_and(|id| id[0] >= 2 && varied(&id) && verhoeff(&id))
}

fn in_pan(chars: &[u8]) -> bool {
    let Some((letters, rest)) = chars.split_at_checked(5) else {
        return false;
    };
    letters.iter().all(u8::is_ascii_uppercase)
        && matches!(
            letters[3],
            b'A' | b'B' | b'C' | b'F' | b'G' | b'H' | b'J' | b'L' | b'P' | b'T'
        )
        && rest.len() == 5
        && rest[4].is_ascii_uppercase()
        && digits::<4>(&rest[..4]).is_some_and(|id| number(&id) != 0)
}

fn jp_my_number(chars: &[u8]) -> bool {
    const WEIGHTS: [u32; 11] = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
    digits::<12>(chars).is_some_and(|id| {
        let check = match weighted(&id, &WEIGHTS) % 11 {
            0 | 1 => 0,
            rest => 11 - rest,
        };
        varied(&id) && check == u32::from(id[11])
    })
}

/// Birth date, century and sex, then seven digits of which the last checks the others.
fn kr_rrn_checked(chars: &[u8]) -> bool {
    digits::<13>(chars).is_some_and(|id| {
        let sum = weighted(&id[..12], &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
        // Two more for foreigners.
        let whole = if matches!(id[6], 5..=8) { 13 } else { 11 };
        kr_rrn(chars) && (whole - sum % 11) % 10 == u32::from(id[12])
    })
}

fn kr_rrn(chars: &[u8]) -> bool {
    digits::<13>(chars).is_some_and(|id| {
        let century = match id[6] {
            1 | 2 | 5 | 6 => 1900,
            3 | 4 | 7 | 8 => 2000,
            _ => 1800,
        };
        is_date(
            century + number(&id[..2]),
            number(&id[2..4]),
            number(&id[4..6]),
        )
    })
}
