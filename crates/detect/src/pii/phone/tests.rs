//! Numbers invented in ranges set aside for drama and examples where a plan has such ranges.

use super::*;
use crate::work;

fn detector() -> &'static PhoneDetector {
    static DETECTOR: LazyLock<PhoneDetector> = LazyLock::new(PhoneDetector::new);
    &DETECTOR
}

fn found(text: &str) -> Vec<(String, String, f32)> {
    let mut out = Vec::new();
    detector().scan(&View::new(text.as_bytes(), 0), &mut out);
    out.into_iter()
        .map(|m| {
            assert_eq!((m.detector, m.category), ("phone", Category::Pii));
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            (m.rule.to_string(), text[range].to_owned(), m.score)
        })
        .collect()
}

fn one(text: &str) -> Option<(String, String)> {
    let mut all = found(text);
    assert!(all.len() <= 1, "{text:?}: {all:?}");
    all.pop().map(|(rule, number, _)| (rule, number))
}

#[test]
fn international_positives() {
    for (number, region) in [
        ("+49 30 23125 123", "de"),
        ("+49 (0)30 23125-123", "de"),
        ("+493023125123", "de"),
        ("+49 (0) 171 3920012", "de"),
        ("+43 1 5124567", "at"),
        ("+41 44 668 18 00", "ch"),
        ("+1 212 555 0123", "us"),
        ("+1 (212) 555-0123", "us"),
        ("+1-416-555-0123", "ca"),
        ("+12125550123", "us"),
        ("+44 20 7946 0018", "gb"),
        ("+44 7400 123456", "gb"),
        ("+33 6 12 34 56 78", "fr"),
        ("+33.6.12.34.56.78", "fr"),
        ("+32 470 12 34 56", "be"),
        ("+34 612 345 678", "es"),
        ("+52 55 1234 5678", "mx"),
        ("+52 1 55 1234 5678", "mx"),
        ("+54 9 11 2345-6789", "ar"),
        ("+39 06 1234 5678", "it"),
        ("+39 347 123 4567", "it"),
        ("+31 6 12345678", "nl"),
        ("+48 512 345 678", "pl"),
        ("+55 11 91234-5678", "br"),
        ("+351 912 345 678", "pt"),
        ("+7 916 123-45-67", "ru"),
        ("+86 138 1234 5678", "cn"),
        ("+91 98765 43210", "in"),
        ("+20 10 1234 5678", "eg"),
        ("+966 50 123 4567", "sa"),
        ("+971 50 123 4567", "ae"),
        ("+61 491 570 156", "au"),
        ("+800 1234 5678", "international"),
        ("+81 90-1234-5678", "jp"),
    ] {
        for text in [
            number.to_owned(),
            format!("({number})"),
            format!("reach me at {number}."),
            format!("电话{number}。"),
            format!("tel:{number}"),
            format!("{number}, or"),
            format!("5 {number} x"),
            format!("{number}x12"),
            format!(r"Tel:\n{number}\n"),
            format!("<a href=\"{number}\">"),
        ] {
            // What ends in a parenthesis of its own is one more group's.
            assert_eq!(
                one(&text),
                Some((region.to_owned(), number.to_owned())),
                "{text:?}"
            );
        }
    }
    for (text, region, number) in [
        ("0049 30 23125 123", "de", "0049 30 23125 123"),
        ("Telefon 004930231251 23", "de", "004930231251 23"),
        ("+1 212 555 0123 20 km", "us", "+1 212 555 0123"),
        ("(+49) 30 23125123", "de", "+49) 30 23125123"),
        ("Phone: +1.2125550123", "us", "+1.2125550123"),
        (
            "+49\u{a0}30\u{2011}23125123",
            "de",
            "+49\u{a0}30\u{2011}23125123",
        ),
    ] {
        assert_eq!(one(text), Some((region.into(), number.into())), "{text:?}");
    }
}

#[test]
fn words_order_the_scores() {
    let score = |text: &str| found(text)[0].2;
    assert_eq!(score("+12125550123"), SCORE_PLUS);
    assert_eq!(score("phone +12125550123"), SCORE_SURE);
    assert_eq!(score("order +12125550123"), SCORE_CONTESTED);
    assert_eq!(score("phone 2125550123"), SCORE_WORD);
    assert_eq!(score("phone (212) 555-0123"), SCORE_SURE);
    assert_eq!(score("(212) 555-0123"), SCORE_GROUPED);
    assert_eq!(score("order, phone 2125550123"), SCORE_CONTESTED);
}

#[test]
fn the_library_agrees_with_numbers_put_together_here() {
    // Its own examples, through its own parser and through ours.
    let detector = detector();
    for region in detector.util.get_supported_regions() {
        for kind in [PhoneNumberType::FixedLine, PhoneNumberType::Mobile] {
            let Ok(example) = detector
                .util
                .get_example_number_for_type_and_region(region, kind)
            else {
                continue;
            };
            let e164 = example.format_as(rlibphonenumber::PhoneNumberFormat::E164);
            let parsed = detector.util.parse(&e164, None).unwrap();
            assert_eq!(
                detector.region_of(&e164.as_bytes()[1..]),
                detector.util.get_region_for_number(&parsed),
                "{e164}"
            );
        }
    }
}

/// Of 1,000 with a given number of random digits, how many pass `check`.
fn passing(digits: usize, check: impl Fn(&[u8]) -> bool) -> usize {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..1_000)
        .filter(|_| {
            let number: Vec<u8> = (0..digits)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    b'0' + u8::try_from(state % 10).unwrap()
                })
                .collect();
            check(&number)
        })
        .count()
}

#[test]
fn random_digits_pass_about_as_often_as_documented() {
    let detector = detector();
    let national = |digits: &[u8]| {
        plan::regions(digits, 0).any(|plan| {
            let number = number(plan.code, plan.significant(digits));
            detector
                .util
                .is_valid_number_for_region(&number, plan.region)
        })
    };
    let international = |digits: &[u8]| detector.region_of(digits).is_some();
    let rates: Vec<usize> = (9..=11)
        .map(|digits| passing(digits, national))
        .chain((10..=12).map(|digits| passing(digits, international)))
        .collect();
    // Nine to eleven digits in national form, then ten to twelve with a country code.
    for (rate, documented) in rates.iter().zip([900, 890, 280, 100, 180, 90]) {
        assert!(rate.abs_diff(documented) <= 40, "{rates:?}");
    }
}

#[test]
fn nothing_found_allocates_nothing() {
    let mut out = Vec::new();
    detector().scan(
        &View::new(b"In 2024, 12 of 1700000000 calls failed.", 0),
        &mut out,
    );
    assert_eq!(out.capacity(), 0);
}

#[test]
fn findings_are_local() {
    for (text, number) in [
        ("call me: 212 555 0123", "212 555 0123"),
        ("phone (212) 555-0123 home", "(212) 555-0123"),
        ("12 +1 212 555 0123 20 km", "+1 212 555 0123"),
    ] {
        let long = format!("{}{text}{}", "7 7 ".repeat(99), " 8 8".repeat(99));
        let spot = long.find(number).unwrap();
        let window = &long[spot - BEHIND..spot + AHEAD];
        let whole: Vec<_> = found(&long);
        assert_eq!(whole, found(window), "{text:?}");
    }
}

#[test]
fn cost_is_linear_on_hostile_texts() {
    for unit in [
        "1",
        "+",
        "(",
        "1 ",
        "+1 ",
        "(1) ",
        "+49",
        "+493023125123 ",
        "phone +493023125123, ",
        "1234567, ",
        "tel 612345678, ",
        "(212) 555-0123\n",
        "+1 1 1 1 1 1 1 1",
        "1-1.1/1(1)",
        "\u{a0}1",
        "00",
        "1)(",
        "12 34 56 78 ",
        "电话1",
    ] {
        let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
        let mut out = Vec::new();
        let steps = work::count(|| detector().scan(&View::new(&text, 0), &mut out));
        assert!(steps <= 64 * text.len(), "{unit:?}: {steps}");
    }
}
