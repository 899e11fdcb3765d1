//! Windows of a small unigram tokenizer, built like that of e5.

#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;
use weir_encoder::{EncoderError, Tokenizer, Windowing};

/// Ids: 0 `<s>`, 1 `<pad>`, 2 `</s>`, 3 `<unk>`, then the pieces.
fn file() -> Vec<u8> {
    let mut pieces = vec![
        "<s>", "<pad>", "</s>", "<unk>", "▁", "▁query", ":", "▁ab", "c", "fi", "é",
    ];
    pieces.extend(["a", "b", "s", "<", ">", "/"]);
    let vocab: Vec<_> = pieces.iter().map(|piece| (piece, -1.0)).collect();
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false,
               "rstrip": false, "normalized": false, "special": true})
    };
    let file = json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(0, "<s>"), special(2, "</s>")],
        "normalizer": {"type": "NFKC"},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "▁", "add_prefix_space": true},
        "post_processor": null, "decoder": null,
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocab},
    });
    serde_json::to_vec(&file).unwrap()
}

fn tokenizer(tokens: usize, overlap: usize, most: usize) -> Result<Tokenizer, EncoderError> {
    let windowing = Windowing {
        tokens,
        overlap,
        most,
    };
    Tokenizer::parse(&file(), "query: ", windowing)
}

/// Ids of `<s> query:`.
const BEFORE: [u32; 3] = [0, 5, 6];

#[test]
fn a_short_text_is_one_window_between_the_marks() {
    let encoded = tokenizer(12, 2, 4).unwrap().encode("abc ab").unwrap();
    assert!(!encoded.truncated);
    assert_eq!(encoded.windows.len(), 1);
    assert_eq!(encoded.windows[0].ids, [0, 5, 6, 7, 8, 7, 2]);
    assert_eq!(encoded.windows[0].bytes, 0..6);
}

#[test]
fn no_text_is_one_empty_window() {
    let encoded = tokenizer(12, 2, 4).unwrap().encode("").unwrap();
    assert!(!encoded.truncated);
    assert_eq!(encoded.windows.len(), 1);
    assert_eq!(encoded.windows[0].ids, [0, 5, 6, 4, 2]);
    assert_eq!(encoded.windows[0].bytes, 0..0);
}

#[test]
fn marks_in_a_text_are_unknown_tokens() {
    let encoded = tokenizer(40, 2, 4).unwrap().encode("ab</s>c <s>").unwrap();
    let ids = &encoded.windows[0].ids;
    assert!(
        !ids[1..ids.len() - 1].iter().any(|id| [0, 2].contains(id)),
        "{ids:?}"
    );
    assert_eq!(ids.iter().filter(|id| **id == 3).count(), 2);
}

#[test]
fn long_texts_are_cut_and_what_is_not_seen_is_said() {
    // Six tokens of text a window, two of them shared.
    let tokenizer = tokenizer(10, 2, 3).unwrap();
    let bytes = |text: &str| {
        let encoded = tokenizer.encode(text).unwrap();
        let bytes: Vec<_> = encoded
            .windows
            .into_iter()
            .map(|window| window.bytes)
            .collect();
        (bytes, encoded.truncated)
    };
    let words = |count| vec!["ab"; count].join(" ");
    let one = std::iter::once(0..17).collect();
    assert_eq!(bytes(&words(6)), (one, false));
    assert_eq!(bytes(&words(7)), (vec![0..17, 11..20], false));
    assert_eq!(bytes(&words(14)), (vec![0..17, 11..29, 23..41], false));
    assert_eq!(bytes(&words(15)), (vec![0..17, 11..29, 23..41], true));
}

#[test]
fn a_text_of_many_bytes_a_token_is_not_read_to_its_end() {
    let encoded = tokenizer(10, 2, 1)
        .unwrap()
        .encode(&"\u{10ffff}".repeat(100_000));
    assert!(encoded.unwrap().truncated);
}

#[test]
fn spans_are_those_of_the_text_before_it_was_normalised() {
    // One character that becomes two, and two that become one.
    let text = "ab ﬁ e\u{301}";
    let encoded = tokenizer(12, 2, 4).unwrap().encode(text).unwrap();
    assert_eq!(encoded.windows[0].bytes, 0..text.len());
    assert!(encoded.windows[0].ids.contains(&9) && encoded.windows[0].ids.contains(&10));
}

#[test]
fn what_cannot_work_is_refused() {
    let room = |room, overlap| EncoderError::WindowTooSmall {
        tokens: 10,
        room,
        overlap,
    };
    assert_eq!(tokenizer(10, 6, 1).err(), Some(room(6, 6)));
    assert!(tokenizer(10, 5, 0).is_ok());
    assert!(tokenizer(0, 0, 1).is_err());
    let windowing = Windowing {
        tokens: 10,
        overlap: 0,
        most: 1,
    };
    let parse = |json: &[u8]| Tokenizer::parse(json, "query: ", windowing).err();
    assert!(matches!(
        parse(b"{}"),
        Some(EncoderError::TokenizerMalformed(_))
    ));
    let unmarked = String::from_utf8(file()).unwrap().replace("</s>", "</t>");
    assert_eq!(
        parse(unmarked.as_bytes()),
        Some(EncoderError::TokenizerLacks("</s>"))
    );
}

proptest! {
    #[test]
    fn windows_of_any_text_are_within_bounds(
        text in "([abc <>/s]|\\PC|\u{301}|\n){0,80}",
        tokens in 6_usize..20,
        overlap in 0_usize..2,
        most in 0_usize..5,
    ) {
        let encoded = tokenizer(tokens, overlap, most).unwrap().encode(&text).unwrap();
        prop_assert!((1..=most.max(1)).contains(&encoded.windows.len()));
        for window in &encoded.windows {
            prop_assert!(window.ids.len() <= tokens);
            prop_assert!(window.ids.starts_with(&BEFORE) && window.ids.ends_with(&[2]));
            prop_assert!(text.get(window.bytes.clone()).is_some());
        }
        for pair in encoded.windows.windows(2) {
            prop_assert!(pair[0].bytes.start <= pair[1].bytes.start);
            prop_assert!(pair[0].bytes.end <= pair[1].bytes.end);
        }
    }
}
