//! Personal data with a checksum or a form of its own: payment cards, bank accounts, national
//! numbers, passports, telephones, mail and network addresses.

pub(crate) mod card;
mod dates;
mod digits;
pub(crate) mod email;
pub(crate) mod iban;
pub(crate) mod ip;
mod luhn;
pub(crate) mod national_id;
pub(crate) mod passport;
pub(crate) mod phone;
#[cfg(test)]
mod tables;
mod words;

pub(crate) use digits::{Digits, next_digit};

#[cfg(test)]
pub(crate) mod testing {
    use weir_types::Category;

    use crate::matched::{self, Match};
    use crate::view::View;
    use crate::work;

    /// What `scan` finds in `text`: rule and the text found, by position.
    pub(crate) fn found(
        scan: impl Fn(&View<'_>, &mut Vec<Match>),
        text: &str,
    ) -> Vec<(String, String)> {
        let mut out = Vec::new();
        scan(&View::new(text.as_bytes(), 0), &mut out);
        matched::settle(&mut out, 0);
        out.into_iter()
            .map(|m| {
                assert_eq!(m.category, Category::Pii);
                assert!((0.0..=1.0).contains(&m.score), "{}", m.score);
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned())
            })
            .collect()
    }

    /// Asserts that each unit, repeated to 1 MB, costs at most `per_byte` steps a byte, and a
    /// quarter of that at a quarter of the length.
    pub(crate) fn assert_linear(
        scan: impl Fn(&View<'_>, &mut Vec<Match>),
        per_byte: usize,
        units: &[&str],
    ) {
        for unit in units {
            let steps = |bytes: usize| {
                let text: Vec<u8> = unit.bytes().cycle().take(bytes).collect();
                let mut out = Vec::new();
                work::count(|| scan(&View::new(&text, 0), &mut out))
            };
            let (small, large) = (steps(250_000), steps(1_000_000));
            assert!(large <= small * 42 / 10, "{unit:?}: {small}, then {large}");
            assert!(
                large <= per_byte * 1_000_000,
                "{unit:?}: {large} steps for 1 MB"
            );
        }
    }
}

#[cfg(test)]
mod locality {
    use proptest::prelude::*;

    use super::{card, email, iban, national_id, passport};
    use crate::matched::Match;
    use crate::view::View;

    type Scan<'a> = &'a dyn Fn(&View<'_>, &mut Vec<Match>);

    /// Findings of `text` from `from` on that start at `at`, or all of them.
    fn starting(scan: Scan<'_>, text: &[u8], from: usize, at: Option<usize>) -> Vec<Match> {
        let mut out = Vec::new();
        scan(&View::new(text, i64::try_from(from).unwrap()), &mut out);
        if let Some(at) = at {
            out.retain(|found| found.span.start == i64::try_from(at).unwrap());
        }
        out
    }

    fn text() -> impl Strategy<Value = String> {
        let piece = proptest::sample::select(vec![
            "4111 1111 1111 1111",
            "4012888888881881",
            "6304 0000 0000",
            "6011 0009 9013 9424",
            "1111",
            "1881 ",
            "bob@example.com",
            "@",
            "://",
            "a.b",
            "é",
            "card",
            "DE89 3704 0044 0532 0130 00",
            "NO9386011117947",
            "450.749.528-83",
            "123-45-6789",
            "12345678Z",
            "AB 12 34 56 C",
            "11010519491231002X",
            "527018314",
            "C01X00T478",
            "L898902C36UTO7408122F1204159ZE184226B<<<<<10",
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "I<UTOD231458907<<<<<<<<<<<<<<<",
            "7408122F1204159UTO<<<<<<<<<<<6",
            "ERIKSSON<<ANNA<MARIA<<<<<<<<<<",
            "bsn",
            "order",
            "Reisepass",
            "身份证",
            "снилс",
            " ",
            " ",
            "\n",
            ".",
            "-",
            "7",
            "x",
            "some words of a sentence, ",
        ]);
        proptest::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        /// What is found at a place depends on `BEHIND` bytes before it and `AHEAD` from it on.
        #[test]
        fn findings_depend_on_their_surroundings_only(text in text()) {
            let text = text.as_bytes();
            let ids = national_id::NationalIdDetector::default();
            let cards = card::CardDetector::default();
            let emails = email::EmailDetector::default();
            let detectors: [(Scan<'_>, usize, usize); 5] = [
                (&|view, out| cards.scan(view, out), card::BEHIND, card::AHEAD),
                (&|view, out| emails.scan(view, out), email::BEHIND, email::AHEAD),
                (&|view, out| iban::IbanDetector::default().scan(view, out), iban::BEHIND, iban::AHEAD),
                (&|view, out| passport::PassportDetector::default().scan(view, out), passport::BEHIND, passport::AHEAD),
                (&|view, out| ids.scan(view, out), national_id::BEHIND, national_id::AHEAD),
            ];
            for (scan, behind, ahead) in detectors {
                let all = starting(scan, text, 0, None);
                for at in 0..text.len() {
                    let from = at.saturating_sub(behind);
                    let window = &text[from..text.len().min(at + ahead)];
                    let here: Vec<_> = all
                        .iter()
                        .filter(|found| found.span.start == i64::try_from(at).unwrap())
                        .cloned()
                        .collect();
                    prop_assert_eq!(starting(scan, window, from, Some(at)), here);
                }
            }
        }
    }
}
