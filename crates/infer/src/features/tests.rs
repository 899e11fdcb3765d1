use proptest::prelude::*;

use super::*;

fn featuriser(bits: u32) -> Featuriser {
    Featuriser::new(bits, Arc::new(Words::parse("").unwrap()))
}

fn features(text: &str) -> Features {
    let mut out = Features::default();
    assert!(featuriser(16).append(text, usize::MAX / 2, &mut out));
    out
}

/// FNV-1a over the ids: one number to pin.
fn digest(text: &str) -> u64 {
    features(text)
        .ids
        .iter()
        .flat_map(|id| id.to_le_bytes())
        .fold(0xCBF2_9CE4_8422_2325, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01B3)
        })
}

#[test]
fn mapping_is_pinned() {
    // A change here means a new VERSION and new models.
    let pinned = [
        ("", 0x761D_4002_2C75_20E3),
        ("How do I kill a Python process?", 0x6864_2069_B1EC_1877),
        ("Müßiggang, żółw, ÉCOLE", 0x0B8D_AF72_41D5_B2DD),
        ("привет мир", 0x0412_3D6C_C664_735F),
        ("مرحبا بالعالم", 0x3AC7_B93B_7EDE_232A),
        ("नमस्ते दुनिया", 0x2800_7D2F_3221_8DE4),
        ("你好，世界", 0x68A0_2C1C_13AB_265C),
        ("日本語とカタカナ", 0x2AC3_0680_E6AB_8D35),
        ("안녕하세요 세계", 0x1313_1E03_C832_3E45),
        ("สวัสดีชาวโลก", 0xC3FD_1B47_37A1_EBCD),
        ("call 555-0100 now 😀", 0x398D_7CEA_4B66_D9E0),
    ];
    let found = pinned.map(|(text, _)| (text, digest(text)));
    assert_eq!(found, pinned);
}

#[test]
fn a_word_has_its_own_pair_and_character_features() {
    // "ab": the word, its pair with the start, `<ab`, `ab>`, `<ab>`.
    assert_eq!(features("ab").ids.len(), 5);
    // Each symbol: itself and its pair.
    assert_eq!(features("?!").ids.len(), 4);
    // Three characters: 3 + 2 + 1 grams.
    assert_eq!(features("你好吗").ids.len(), 6);
    assert_eq!(features("").ids.len(), 1);
    assert_eq!(features(" \n").ids, features("").ids);
}

#[test]
fn words_of_the_list_are_noted_where_they_stand() {
    let words = Words::parse("kill\n你好\n好吗\nkillers\n").unwrap();
    let mut featuriser = Featuriser::new(16, Arc::new(words));
    let mut out = Features::default();
    assert!(featuriser.append("Kill! kills", usize::MAX / 2, &mut out));
    let second = out.ids.len();
    assert!(featuriser.append("你好吗 KiLL", usize::MAX / 2, &mut out));
    let found: Vec<(usize, i32)> = out
        .words
        .iter()
        .map(|word| (word.at, word.number))
        .collect();
    let last = *out.token_starts.last().unwrap();
    assert_eq!(found, [(0, 0), (second, 1), (second, 2), (last, 0)]);
    assert_eq!(out.words_in(&(0..second)).len(), 1);
    assert_eq!(out.words_in(&(second..last)).len(), 2);
    assert_eq!(out.words_in(&(second..out.ids.len())).len(), 3);
    assert!(out.words_in(&(1..second)).is_empty());
    out.clear();
    assert!(out.words.is_empty());
}

#[test]
fn case_spacing_and_invisible_characters_do_not_matter() {
    let plain = features("hello big world").ids;
    for text in [
        "  Hello\tBIG\n\nworld ",
        "he\u{200b}llo b\u{ad}ig wor\u{2060}ld\u{3000}",
    ] {
        assert_eq!(features(text).ids, plain, "{text:?}");
    }
}

#[test]
fn digits_have_a_shape_and_words_keep_their_value() {
    let (a, b) = (features("call 555-0100").ids, features("call 444-9876").ids);
    assert_eq!(a.len(), b.len());
    // Only the two number words themselves differ.
    assert_eq!(a.iter().zip(&b).filter(|(x, y)| x != y).count(), 2);
}

#[test]
fn a_cap_is_reported_and_kept() {
    let text = "word ".repeat(1000);
    let mut out = Features::default();
    let mut featuriser = featuriser(16);
    assert!(!featuriser.append(&text, 500, &mut out));
    assert!(out.ids.len() <= 500 && out.ids.len() > 500 - MAX_TOKEN_FEATURES);
    // What is left over must not leak into the next text.
    out.clear();
    assert!(featuriser.append("word", 500, &mut out));
    assert_eq!(out.ids, features("word").ids);
}

proptest! {
    #[test]
    fn any_text_stays_in_bounds(text in "\\PC{0,200}", bits in BUCKET_BITS) {
        let mut out = Features::default();
        prop_assert!(featuriser(bits).append(&text, usize::MAX / 2, &mut out));
        prop_assert!(out.ids.iter().all(|id| (0..1 << bits).contains(id)));
        prop_assert!(out.token_starts.iter().is_sorted());
        let ends = out.token_starts.iter().skip(1).copied().chain([out.ids.len()]);
        for (start, end) in out.token_starts.iter().zip(ends) {
            prop_assert!((1..=MAX_TOKEN_FEATURES).contains(&(end - start)));
        }
    }

    #[test]
    fn appending_is_independent_of_what_went_before(first in "\\PC{0,80}", second in "\\PC{0,80}") {
        let mut featuriser = featuriser(16);
        let mut both = Features::default();
        featuriser.append(&first, usize::MAX / 2, &mut both);
        featuriser.append(&second, usize::MAX / 2, &mut both);
        let mut apart = features(&first).ids;
        apart.extend(features(&second).ids);
        prop_assert_eq!(both.ids, apart);
    }

    #[test]
    fn the_cap_holds_for_any_text(text in "\\PC{0,400}", cap in 0_usize..2000) {
        let mut out = Features::default();
        let whole = featuriser(16).append(&text, cap, &mut out);
        prop_assert!(out.ids.len() <= cap);
        let all = features(&text).ids;
        prop_assert!(all.starts_with(&out.ids));
        prop_assert_eq!(whole, all.len() == out.ids.len());
    }
}
