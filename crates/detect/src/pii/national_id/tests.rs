//! What is true of all numbers; the examples stand in `pii/tables/national_id`.

use std::sync::LazyLock;

use super::*;
use crate::matched;
use crate::pii::testing;

fn found(text: &str) -> Vec<(String, String)> {
    static DETECTOR: LazyLock<NationalIdDetector> = LazyLock::new(NationalIdDetector::default);
    testing::found(|view, out| DETECTOR.scan(view, out), text)
}

/// Asserts that a check digit speaks: of all changes of one digit in `numbers`, each written after
/// `word`, at most one in `most` is still found.
fn assert_checked(rule: &str, word: &str, numbers: &[&str], most: usize) {
    let (mut tried, mut passed) = (0, 0);
    for number in numbers {
        let text = format!("{word} {number}");
        assert!(found(&text).iter().any(|hit| hit.0 == rule), "{text}");
        for (at, old) in number.bytes().enumerate() {
            if !old.is_ascii_digit() {
                continue;
            }
            for change in 1..10 {
                let new = (old - b'0' + change) % 10;
                let text = format!("{word} {}{new}{}", &number[..at], &number[at + 1..]);
                tried += 1;
                passed += usize::from(found(&text).iter().any(|hit| hit.0 == rule));
            }
        }
    }
    assert!(passed * most <= tried, "{rule}: {passed} of {tried}");
}

#[test]
fn check_digits_speak() {
    for (rule, word, numbers, most) in [
        ("br_cpf", "cpf", &["45074952883", "36084852955"][..], 40),
        ("br_cnpj", "cnpj", &["27023854000140", "12ABC34501DE35"], 40),
        ("mx_curp", "curp", &["RIFD571209MDFGML01"], 10),
        (
            "cn_resident_id",
            "身份证",
            &["110105196201288830", "440106199904165892"],
            1000,
        ),
        (
            "in_aadhaar",
            "aadhaar",
            &["590317758660", "239167016260"],
            1000,
        ),
        ("jp_my_number", "個人番号", &["579538309085"], 10),
        ("kr_rrn", "rrn", &["6302042315781", "8007082820543"], 20),
        ("pl_pesel", "pesel", &["70061569642", "44051401359"], 1000),
        ("pl_nip", "nip", &["7227919686", "1825849633"], 1000),
        ("ru_snils", "снилс", &["78047822430", "72220800642"], 40),
        ("ru_inn", "инн", &["7791496014", "777911615809"], 20),
        ("tr_tckn", "tckn", &["84281674280", "91458670594"], 40),
        (
            "sa_national_id",
            "iqama",
            &["1890048661", "2959710282"],
            1000,
        ),
        (
            "de_steuer_id",
            "steuer-id",
            &["84234105765", "63308432198"],
            1000,
        ),
        (
            "de_personalausweis",
            "ausweis",
            &["T220001293", "1220001297"],
            20,
        ),
        ("nl_bsn", "bsn", &["527018314", "001265362"], 1000),
        ("uk_nhs_number", "nhs", &["7943098366", "8656123157"], 1000),
        ("es_dni", "dni", &["12345678Z", "09105859K"], 1000),
        ("es_nie", "nie", &["X7904230G"], 1000),
        (
            "fr_nir",
            "nir",
            &["260076983309795", "154103349590722"],
            1000,
        ),
        ("it_codice_fiscale", "cf", &["RSSMRA85T10A562S"], 1000),
        ("pt_nif", "nif", &["265784387", "313636575"], 20),
    ] {
        assert_checked(rule, word, numbers, most);
    }
}

#[test]
fn omocodia_is_read() {
    // The last digit of the place, 2, as N; the check letter follows.
    let code = (b'A'..=b'Z')
        .map(|letter| format!("RSSMRA85T10A56N{}", char::from(letter)))
        .filter(|code| !found(code).is_empty())
        .count();
    assert_eq!(code, 1);
}

/// Nothing of this is a national number, whatever word stands before it.
const NOT_NUMBERS: [&str; 36] = [
    "2024-05-17",
    "17.05.2024",
    "05/17/2024",
    "2024-05-17T12:34:56Z",
    "12:34:56.789",
    "1.4.2",
    "10.15.7",
    "v123.456.789",
    "192.168.100.200",
    "10.0.0.1:8080",
    "3.12.0-rc.1",
    "978-0-306-40615-7",
    "978-3-16-148410-0",
    "0-306-40615-2",
    "48.8583701, 2.2944813",
    "40.7127837 -74.0059413",
    "550e8400-e29b-41d4-a716-446655440000",
    "12345678-1234-4123-8123-123456789012",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "d41d8cd98f00b204e9800998ecf8427e",
    "0x7ffee4c0",
    "+49 170 1234567",
    "+1 (555) 123-4567",
    "+12025550123",
    "$123456789.00",
    "123456789.50",
    "123456789,50",
    "1,234,567",
    "12.5%",
    "user123456789@example.com",
    "4111 1111 1111 1111",
    "4111-1111-1111-1111",
    "1Z999AA10123456784",
    "ID_123456789_x",
    "/var/log/2024/05/17.log",
    "000000000",
];

#[test]
fn other_numbers_near_any_word() {
    let detector = NationalIdDetector::default();
    for (format, _) in &detector.formats {
        for word in format.words {
            for number in NOT_NUMBERS {
                let text = format!("{word} {number}");
                assert_eq!(found(&text), [], "{text:?}");
            }
        }
    }
}

#[test]
fn the_same_digit_throughout_is_no_number() {
    for word in [
        "ssn",
        "cpf",
        "nif",
        "nhs",
        "инн",
        "aadhaar",
        "マイナンバー",
        "kimlik",
    ] {
        for length in 8..=18 {
            for digit in 0..10 {
                let text = format!("{word} {}", digit.to_string().repeat(length));
                assert_eq!(found(&text), [], "{text:?}");
            }
        }
    }
}

#[test]
fn scores_follow_the_evidence() {
    let detector = NationalIdDetector::default();
    let score = |text: &str| {
        let mut out = Vec::new();
        detector.scan(&View::new(text.as_bytes(), 0), &mut out);
        matched::settle(&mut out, 0);
        assert_eq!(out.len(), 1, "{text}");
        out[0].score
    };
    assert!(score("cpf 450.749.528-83") > score("450.749.528-83"));
    assert!(score("450.749.528-83") > score("order 450.749.528-83"));
    assert!(score("GCNLLS85D23A944O") > score("09105859K"));
    assert!(score("09105859K") > score("AB123456C"));
    assert!(score("784-1963-7495626-4") > score("784-1963-7495626-5"));
}

#[test]
fn layouts_are_sorted_and_fit() {
    let detector = NationalIdDetector::default();
    assert!(detector.layouts.is_sorted_by_key(|layout| layout.key));
    for (format, _) in &detector.formats {
        for layout in format.plain.iter().chain(format.own) {
            let longest: usize = layout
                .split(|c: char| !c.is_ascii_digit())
                .map(|length| length.parse::<usize>().unwrap() + 1)
                .sum();
            assert!(longest - 1 <= candidate::MAX_BYTES, "{layout}");
        }
        for word in format.words {
            assert_eq!(*word, word.to_lowercase());
            assert!(word.len() <= context::AFTER.max(context::BEFORE), "{word}");
            // Where the longer word stands, the shorter one does.
            let holds = |other: &&&str| {
                let (text, at) = (format!("{word} 42"), word.len() + 1);
                other != &word && context::near(text.as_bytes(), &(at..at + 2), &[other])
            };
            assert_eq!(format.words.iter().find(holds), None, "{word}");
        }
    }
}

#[test]
fn cost_is_linear() {
    let detector = NationalIdDetector::default();
    testing::assert_linear(
        |view, out| detector.scan(view, out),
        64,
        &[
            "1",
            "1 ",
            "12.",
            "ab 1 ",
            "aa.bb.cc.1.",
            "1234-",
            "450.749.528-83 ",
            "45074952883,",
            "123-45-6789 ",
            "aaaaaaaaaaaaaaaaa1_",
            "AB 12 34 56 C ",
            "09105859K ",
            "é1",
        ],
    );
}
