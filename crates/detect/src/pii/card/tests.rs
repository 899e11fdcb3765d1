use weir_types::Category;

use super::*;
use crate::Detector;
use crate::pii::luhn::luhn;

/// `stem` with its Luhn digit.
pub(crate) fn card(stem: &str) -> String {
    (0..=9)
        .map(|check| format!("{stem}{check}"))
        .find(|number| luhn(&number.bytes().map(|b| b - b'0').collect::<Vec<_>>()))
        .unwrap()
}

fn found(text: &str) -> Vec<(String, String)> {
    let mut out = Vec::new();
    Detector::compile(&[])
        .unwrap()
        .scan(text.as_bytes(), 0, &mut out);
    out.into_iter()
        .filter(|found| found.detector == "card")
        .map(|m| {
            assert_eq!((m.category, m.severity), (Category::Pii, Severity::High));
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            (m.rule.to_string(), text[range].to_owned())
        })
        .collect()
}

#[test]
fn positives() {
    // The issuers' published test numbers, as they and others write them.
    for (scheme, number) in [
        ("visa", "4111111111111111"),
        ("visa", "4111 1111 1111 1111"),
        ("visa", "4111-1111-1111-1111"),
        ("visa", "41111111 11111111"),
        ("visa", "4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1"),
        ("visa", "411111 1111 111111"),
        ("visa", "4111-1111 1111-1111"),
        ("visa", "4222222222222"),
        ("visa", "4222 222 222 222"),
        ("visa", &card("411111111111111111")),
        ("mastercard", "5555555555554444"),
        ("mastercard", "5105 1051 0510 5100"),
        ("mastercard", "2223003122003222"),
        ("mastercard", &card("222100000000001")),
        ("mastercard", &card("272099999999999")),
        ("amex", "378282246310005"),
        ("amex", "3714 496353 98431"),
        ("amex", "3714-496353-98431"),
        ("discover", "6011111111111117"),
        ("discover", &card("644900000000012")),
        ("discover", &card("659999000000012")),
        ("jcb", "3530111333300000"),
        ("jcb", "3530 1113 3330 0000"),
        ("jcb", "3530-1113-3330-0000"),
        ("jcb", &card("352800000000001")),
        ("jcb", &card("358999000000001")),
        ("diners", "30569309025904"),
        ("diners", "3852 000002 3237"),
        ("diners", &card("3600000000001")),
        ("unionpay", "6200000000000005"),
        ("unionpay", &card("621234567890123456")),
        (
            "unionpay",
            &format!(
                "{} {}",
                &card("621234567890123456")[..6],
                &card("621234567890123456")[6..]
            ),
        ),
        ("jcb", &card("18001234567890")),
        ("jcb", &card("21319876543210")),
        ("mir", &card("220012345678901")),
        ("mir", &card("220498765432109")),
        ("maestro", "6304 0000 0000"),
        ("maestro", &card("50181234567")),
        ("maestro", &card("50381234567")),
        ("maestro", &card("56781234567")),
        ("maestro", &card("670012345678901")),
        ("rupay", &card("817412345678901")),
        ("maestro", "6759649826438453"),
        ("maestro", &card("501800000000")),
        ("maestro", &card("676300000000000001")),
    ] {
        for text in [
            number.to_owned(),
            format!("my card is {number}."),
            format!("{number}, thanks"),
            format!("[{number}]"),
            format!("卡号{number}。"),
            format!("pan={number}&x"),
            format!("line\n{number}\n17"),
            format!(r#"{{"n":"a\n{number}"}}"#),
        ] {
            assert_eq!(
                found(&text),
                [(scheme.to_owned(), number.to_owned())],
                "{text:?}"
            );
        }
    }
}

#[test]
fn cards_among_other_numbers() {
    let visa = |number: &str| ("visa".to_owned(), number.to_owned());
    for (text, numbers) in [
        (
            "4111 1111 1111 1111 12/29 123",
            &["4111 1111 1111 1111"][..],
        ),
        ("4111111111111111 12 29 737", &["4111111111111111"]),
        ("4111-1111-1111-1111 12 29", &["4111-1111-1111-1111"]),
        ("2024-05-17 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
        ("1 4111111111111111", &["4111111111111111"]),
        ("1 2 3 4111111111111111 4 5 6", &["4111111111111111"]),
        (
            "4111111111111111 4012888888881881",
            &["4111111111111111", "4012888888881881"],
        ),
        (
            "4111 1111 1111 1111 4012 8888 8888 1881",
            &["4111 1111 1111 1111", "4012 8888 8888 1881"],
        ),
        (
            "4111111111111111,4012888888881881",
            &["4111111111111111", "4012888888881881"],
        ),
        ("visa-4111111111111111", &["4111111111111111"]),
        ("-4111111111111111", &["4111111111111111"]),
        (
            "+49 170 1234567 4111 1111 1111 1111",
            &["4111 1111 1111 1111"],
        ),
        ("pi 3.14 4111 1111 1111 1111", &["4111 1111 1111 1111"]),
    ] {
        let expected: Vec<_> = numbers.iter().map(|number| visa(number)).collect();
        assert_eq!(found(text), expected, "{text:?}");
    }
}

#[test]
fn every_place_relative_to_the_probes() {
    for before in 0..40 {
        for after in 0..15 {
            let text = format!(
                "{}4111111111111111{}",
                ".".repeat(before),
                ".".repeat(after)
            );
            assert_eq!(found(&text).len(), 1, "{before} {after}");
        }
    }
}

#[test]
fn shortest_spaced_card_is_probed_everywhere() {
    let spaced: Vec<String> = "4222222222222".chars().map(String::from).collect();
    let spaced = spaced.join("-");
    for before in 0..40 {
        let text = format!(
            "{}{spaced}",
            "12 x".repeat(before / 4) + &".".repeat(before % 4)
        );
        let expected = usize::from(before % 4 != 0 || before == 0);
        assert_eq!(found(&text).len(), expected, "{text}");
    }
}

/// The scores of what is found in `text`.
fn scores(text: &str) -> Vec<f32> {
    let mut out = Vec::new();
    CardDetector::default().scan(&View::new(text.as_bytes(), 0), &mut out);
    out.into_iter().map(|found| found.score).collect()
}

#[test]
fn words_nearby_decide() {
    let wide = card("56781234567");
    for word in [
        "card",
        "carte",
        "Karte",
        "tarjeta",
        "carta",
        "cartão",
        "kaart",
        "karta",
        "карта",
        "بطاقة",
        "कार्ड",
        "卡",
        "CREDIT CARD",
        "Kreditkartennummer",
        "CARTÃO",
        "КАРТА",
    ] {
        assert_eq!(scores(&format!("{word} {wide}")), [0.85], "{word}");
        assert_eq!(
            scores(&format!("{word}: 4111 1111 1111 1111")),
            [0.98],
            "{word}"
        );
        assert_eq!(
            scores(&format!("{word} 411111 1111 111111")),
            [0.85],
            "{word}"
        );
        // Whatever else it says.
        assert_eq!(scores(&format!("order by {word} {wide}")), [0.85], "{word}");
    }
    for word in [
        "order",
        "tracking",
        "Invoice",
        "ISBN",
        "Bestellung",
        "commande",
        "заказ",
        "订单",
    ] {
        assert_eq!(scores(&format!("{word} {wide}")), [0.0; 0], "{word}");
        assert_eq!(scores(&format!("{word} 4111111111111111")), [0.6], "{word}");
        assert_eq!(
            scores(&format!("{word} 411111 1111 111111")),
            [0.4],
            "{word}"
        );
    }
    for text in ["", "cardigan ", "scorecard ", "the number is "] {
        assert_eq!(scores(&format!("{text}{wide}")), [0.3], "{text}");
        assert_eq!(scores(&format!("{text}4111111111111111")), [0.95], "{text}");
        assert_eq!(
            scores(&format!("{text}411111 1111 111111")),
            [0.7],
            "{text}"
        );
    }
}

/// Numbers that pass Luhn in a wide range, where nobody speaks of cards: not one reaches 0.5.
#[test]
fn other_numbers_stay_hints() {
    for stem in [
        "61299999999",
        "50000000001",
        "5890123456789",
        "690123456789",
        "644912345678",
    ] {
        let number = card(stem);
        for text in [
            format!("item {number}"),
            format!("v{number}"),
            format!("{number} B"),
            format!("2024-05-17 {number}"),
            format!("EAN {number}"),
            format!("https://example.org/{number}"),
        ] {
            assert!(scores(&text).iter().all(|score| *score < 0.5), "{text:?}");
        }
    }
}

#[test]
fn a_wide_range_yields_to_a_card_that_overlaps() {
    // The last three groups are a Maestro of twelve digits by themselves.
    let tail = card("56781234567");
    let whole = (0..=9)
        .map(|digit| format!("411{digit}{tail}"))
        .find(|number| luhn(&number.bytes().map(|b| b - b'0').collect::<Vec<_>>()))
        .unwrap();
    let printed = [&whole[..4], &whole[4..8], &whole[8..12], &whole[12..]].join(" ");
    assert_eq!(found(&printed), [("visa".to_owned(), printed.clone())]);
}

#[test]
fn cost_is_linear() {
    crate::pii::testing::assert_linear(
        |view, out| CardDetector::default().scan(view, out),
        64,
        &[
            "4",
            "4 ",
            "4-4 ",
            "4111111111111111 ",
            "4111 1111 1111 1111 ",
            "5678 1234 5672 ",
            "567812345672 ",
            "567812345672,",
            "6304 0000 0000 ",
            "DE12 ",
            "DE12 3",
        ],
    );
}
