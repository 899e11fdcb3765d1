use super::*;
use crate::pii::testing;

fn found(text: &str) -> Vec<(String, String)> {
    let detector = PassportDetector::default();
    testing::found(|view, out| detector.scan(view, out), text)
}

fn one(rule: &str, text: &str) -> Vec<(String, String)> {
    vec![(rule.to_owned(), text.to_owned())]
}

// The specimens of Doc 9303, parts 4 to 7, appendices.
const TD3_1: &str = "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
const TD3_2: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
const TD2_1: &str = "I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<";
const TD2_2: &str = "D231458907UTO7408122F1204159<<<<<<<6";
const TD1_1: &str = "I<UTOD231458907<<<<<<<<<<<<<<<";
const TD1_2: &str = "7408122F1204159UTO<<<<<<<<<<<6";
const TD1_3: &str = "ERIKSSON<<ANNA<MARIA<<<<<<<<<<";
const VISA_1: &str = "V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<";
const VISA_2: &str = "L8988901C4XXX4009078F96121096ZE184226B<<<<<<";
// The specimens of the German and French authorities.
const GERMAN_1: &str = "P<D<<MUSTERMANN<<ERIKA<<<<<<<<<<<<<<<<<<<<<<";
const GERMAN_2: &str = "C01X00T478D<<6408125F2702283<<<<<<<<<<<<<<<4";
const FRENCH_1: &str = "IDFRABERTHIER<<<<<<<<<<<<<<<<<<<<<<<";
const FRENCH_2: &str = "8806923102858CORINNE<<<<<<<6512068F6";

#[test]
fn zones_of_two_lines() {
    for (rule, first, second) in [
        ("mrz_td3", TD3_1, TD3_2),
        ("mrz_td3", GERMAN_1, GERMAN_2),
        ("mrz_td2", TD2_1, TD2_2),
        ("mrz_visa", VISA_1, VISA_2),
        ("mrz_fr", FRENCH_1, FRENCH_2),
    ] {
        for gap in ["\n", "\r\n", " ", "\\n", ""] {
            let zone = format!("{first}{gap}{second}");
            for text in [
                zone.clone(),
                format!("scan:\n{zone}\nend"),
                format!("\"{zone}\","),
                format!("MRZ {zone}."),
            ] {
                assert_eq!(found(&text), one(rule, &zone), "{text:?}");
            }
        }
        let alone = format!("line two: {second}");
        let expected = match rule {
            "mrz_td3" | "mrz_td2" => one(rule, second),
            _ => vec![],
        };
        assert_eq!(found(&alone), expected, "{alone}");
    }
}

#[test]
fn zones_of_three_lines() {
    for gap in ["\n", "\r\n", " ", "\\n"] {
        let two = format!("{TD1_1}{gap}{TD1_2}");
        assert_eq!(found(&two), one("mrz_td1", &two));
        let three = format!("{two}{gap}{TD1_3}");
        assert_eq!(found(&three), one("mrz_td1", &three));
        assert_eq!(found(&format!("x {three}. y")), one("mrz_td1", &three));
    }
    let joined = [TD1_1, TD1_2, TD1_3].concat();
    assert_eq!(found(&joined), one("mrz_td1", &joined));
    assert_eq!(found(&joined[..60]), one("mrz_td1", &joined[..60]));
    assert_eq!(found(TD1_2), one("mrz_td1", TD1_2));
    assert_eq!(found(TD1_1), []);
}

#[test]
fn every_changed_digit_is_refused() {
    for line in [TD3_2, TD2_2, GERMAN_2] {
        for (at, old) in line.bytes().enumerate() {
            if old.is_ascii_digit() {
                let new = (old - b'0' + 1) % 10;
                let text = format!("{}{new}{}", &line[..at], &line[at + 1..]);
                assert_eq!(found(&text), [], "{text:?}");
            }
        }
    }
}

#[test]
fn german_numbers_need_a_word() {
    for text in [
        "Reisepass C01X00T478",
        "meine Passnummer ist C01X00T478.",
        "passport no: C01X00T478",
        "C01X00T478 (Reisepass)",
        "Pass-Nr. C01X00T478",
    ] {
        assert_eq!(found(text), one("de_passport", "C01X00T478"), "{text:?}");
    }
    for text in [
        "C01X00T478",
        "order C01X00T478",
        "Reisepass C01X00T479",
        "Reisepass L01X00T478",
        "Reisepass C01X00T47",
        "Reisepass C01A00T478",
        "Reisepass c01x00t478",
        "Reisepass xC01X00T478",
        "Reisepass C01X00T4781",
        "Kompass C01X00T478",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn negatives() {
    let lower = TD3_2.to_lowercase();
    let glued = format!("x{TD3_2}");
    let longer = format!("{TD3_2}<");
    let spaced = TD3_2.replace('<', " ");
    let digits = "1".repeat(44);
    let filler = "<".repeat(44);
    for text in [
        TD3_1,
        TD2_1,
        TD1_1,
        TD1_3,
        FRENCH_2,
        VISA_2,
        &lower,
        &glued,
        &longer,
        &spaced,
        &digits,
        &filler,
        &digits[..36],
        &digits[..30],
        "L898902C36UTO7413122F1204159ZE184226B<<<<<10",
        // Right in all but the day: 30 February.
        "L898902C36UTO7402304F1204159ZE184226B<<<<<16",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
        "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709ABCD",
        "550E8400-E29B-41D4-A716-446655440000",
        "550E8400E29B41D4A716446655440000",
        "E3B0C44298FC1C149AFBF4C8996FB92427AE",
        "a<<1 && b<<2",
        "cout << 12 << endl",
        "<<<<<<< HEAD 1",
        "ORDER 1234567890",
        "ISBN 9780306406157",
        "VERSION 1.2.3",
        "2024-05-17T12:34:56Z",
        "48.8583701,2.2944813",
    ] {
        assert_eq!(found(text), [], "{text:?}");
    }
}

#[test]
fn cost_is_linear() {
    let (td3, td1) = (format!("{TD3_2} "), format!("{TD1_2} "));
    testing::assert_linear(
        |view, out| PassportDetector::default().scan(view, out),
        32,
        &["1", "<", "A", "A1 ", "A<", &td3, &td1, TD3_2, "C01X00T478 "],
    );
}
