//! Properties that hold for every text and every list of spans.

use proptest::prelude::*;

use super::tests::at;
use super::*;

fn mask() -> impl Strategy<Value = Mask> {
    proptest::sample::select(Mask::ALL.to_vec())
}

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z0-9]{0,9}",
        "[ -~]{0,9}",
        "\\PC{0,5}",
        "[\u{300}\u{301}\u{200b}\u{200d}\u{fe0f}]{0,4}",
        proptest::sample::select(vec!["e\u{301}", "👍\u{1f3fd}", "é", "字", "ж", "٣", "４"])
            .prop_map(str::to_owned),
    ]
}

fn string() -> impl Strategy<Value = String> {
    proptest::collection::vec(piece(), 0..8).prop_map(|pieces| pieces.concat())
}

/// Broken bytes too.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        3 => string().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..5),
    ];
    proptest::collection::vec(part, 0..4).prop_map(|parts| parts.concat())
}

fn spans() -> impl Strategy<Value = Vec<Masked<'static>>> {
    let one = (-3_i64..60, -2_i64..20, mask())
        .prop_map(|(start, length, mask)| at(start, start + length, mask));
    proptest::collection::vec(one, 0..6)
}

/// Which bytes go, worked out character by character over the whole text.
fn masked_bytes(text: &[u8], spans: &[Masked<'_>]) -> Vec<bool> {
    let mut gone: Vec<bool> = (0_i64..)
        .zip(text)
        .map(|(place, _)| {
            spans
                .iter()
                .any(|s| s.span.start <= place && place < s.span.end)
        })
        .collect();
    let mut place = 0;
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            let end = place + c.len_utf8();
            let any = gone[place..end].contains(&true)
                || place > 0 && gone[place - 1] && chars::extends(c);
            gone[place..end].fill(any);
            place = end;
        }
        place += chunk.invalid().len();
    }
    gone
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    /// A slow model of the whole: bytes outside as they were, each run inside masked by itself.
    #[test]
    fn equals_the_slow_model(text in bytes(), spans in spans()) {
        let gone = masked_bytes(&text, &spans);
        let mut expected = Vec::new();
        let mut place = 0;
        for run in gone.chunk_by(|a, b| a == b) {
            let inside = &text[place..place + run.len()];
            if run[0] {
                let (start, end) = (i64::try_from(place).unwrap(), i64::try_from(place + run.len()).unwrap());
                let mask = spans
                    .iter()
                    .filter(|s| s.span.start < s.span.end && s.span.start < end && start < s.span.end)
                    .map(|s| s.mask)
                    .max()
                    .unwrap();
                expected.extend(apply(inside, 0, &[at(0, i64::MAX, mask)]));
            } else {
                expected.extend(inside);
            }
            place += run.len();
        }
        prop_assert_eq!(apply(&text, 0, &spans), expected);
    }

    #[test]
    fn nothing_masked_survives(text in bytes(), mask in mask()) {
        let out = String::from_utf8(apply(&text, 0, &[at(0, i64::MAX, mask)])).unwrap();
        let alphanumerics = |text: &str| -> Vec<char> {
            text.chars().filter(|c| matches!(symbol(*c), Symbol::Alphanumeric(_))).collect()
        };
        let before = alphanumerics(&text.utf8_chunks().map(|chunk| chunk.valid()).collect::<String>());
        match mask {
            _ if text.is_empty() => prop_assert_eq!(out, ""),
            Mask::Label => prop_assert_eq!(out, "[card]"),
            Mask::Full => prop_assert!(out.chars().all(|c| c == '*')),
            Mask::FormatPreserving => {
                let allowed = |c| matches!(c, '9' | 'X' | 'x') || chars::is_separator(c);
                prop_assert!(out.chars().all(allowed), "{:?}", out);
            }
            Mask::LastFour => {
                let shown = alphanumerics(&out);
                prop_assert_eq!(shown.len(), (before.len() / 3).min(4));
                prop_assert!(before.ends_with(&shown));
                prop_assert!(out.chars().all(|c| shown.contains(&c) || chars::is_separator(c)));
            }
        }
    }

    #[test]
    fn utf8_stays_utf8(text in string(), spans in spans()) {
        prop_assert!(String::from_utf8(apply(text.as_bytes(), 0, &spans)).is_ok());
    }

    #[test]
    fn order_and_base_do_not_matter(text in bytes(), spans in spans(), base in -1_000_i64..1 << 40) {
        let mut other = spans.clone();
        other.reverse();
        for masked in &mut other {
            masked.span.start += base;
            masked.span.end += base;
        }
        prop_assert_eq!(apply(&text, 0, &spans), apply(&text, base, &other));
    }

    /// In the same place, that is: around the output of the first time.
    #[test]
    fn masking_again_changes_nothing_or_shows_less(
        before in "[a-z ]{0,9}", inside in bytes(), after in "[a-z ]{0,9}", mask in mask(),
    ) {
        let masked = |inside: &[u8]| {
            let start = i64::try_from(before.len()).unwrap();
            let end = start + i64::try_from(inside.len()).unwrap();
            let text = [before.as_bytes(), inside, after.as_bytes()].concat();
            let out = apply(&text, 0, &[at(start, end, mask)]);
            out[before.len()..out.len() - after.len()].to_vec()
        };
        let once = masked(&inside);
        let twice = masked(&once);
        if mask == Mask::LastFour {
            prop_assert_eq!(once.utf8_chunks().flat_map(|c| c.valid().chars()).count(),
                twice.utf8_chunks().flat_map(|c| c.valid().chars()).count());
            let hidden = |text: &[u8]| text.iter().filter(|byte| **byte == b'*').count();
            prop_assert!(hidden(&once) <= hidden(&twice));
        } else {
            prop_assert_eq!(once, twice);
        }
    }
}
