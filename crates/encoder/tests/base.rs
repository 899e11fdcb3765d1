//! The base's file: words in 4 bits (`heavy_fixtures.py` makes the small one).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_encoder::{Base, Encoder, EncoderError, Head, Weights};

#[derive(Deserialize)]
struct Expected {
    words: BTreeMap<usize, Vec<f32>>,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    windows: Vec<Vec<u32>>,
    logits: Vec<f32>,
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/heavy");
    std::fs::read(folder.join(name)).unwrap()
}

fn expected() -> Expected {
    serde_json::from_slice(&fixture("expected.json")).unwrap()
}

#[test]
fn words_are_those_that_training_reads() {
    let base = Base::parse(&fixture("e5/e5-small-q4.bin")).unwrap();
    let config = base.config();
    assert_eq!(
        (config.hidden, config.layers, config.heads, config.inner),
        (32, 2, 4, 64)
    );
    let expected = expected().words;
    assert_eq!(expected.len(), 3);
    for (id, word) in expected {
        assert_eq!(base.word(id), Some(word));
    }
    assert_eq!(base.word(base.vocabulary()), None);
}

#[test]
fn weights_upon_a_base_give_the_reference_numbers() {
    let base = Base::parse(&fixture("e5/e5-small-q4.bin")).unwrap();
    let bytes = fixture("model/model.safetensors");
    let weights = Weights::parse(&[&bytes]).unwrap();
    let head = Head::load(&weights, "head", base.config().hidden).unwrap();
    let encoder = Encoder::load_upon(&weights, base).unwrap();
    for row in expected().rows {
        let windows: Vec<_> = row.windows.iter().map(Vec::as_slice).collect();
        let logits = head.apply(&encoder.encode(&windows).unwrap());
        for (output, expected) in row.logits.iter().enumerate() {
            let of_windows = logits.iter().skip(output).step_by(head.outputs());
            let highest = of_windows.copied().fold(f32::NEG_INFINITY, f32::max);
            assert!((highest - expected).abs() < 1e-5, "{highest} {expected}");
        }
    }
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let whole = fixture("e5/e5-small-q4.bin");
    let words_end = {
        // The words are the last but one tensor of the file: all before them is needed.
        let mut end = whole.len();
        while Base::parse(&whole[..end - 1]).is_ok() {
            end -= 1;
        }
        end
    };
    assert!(words_end > 1000);
    for end in 0..words_end {
        let error = Base::parse(&whole[..end]).err();
        assert!(
            matches!(error, Some(EncoderError::BaseMalformed(_))),
            "{end}"
        );
    }
}

#[test]
fn what_is_wrong_is_said() {
    let whole = fixture("e5/e5-small-q4.bin");
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = whole.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        Base::parse(&changed)
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let name = whole
        .windows(8)
        .position(|eight| eight == b"emb.word")
        .unwrap();
    // The first word's scale, by the offset in the directory.
    let mut offset = [0; 8];
    offset.copy_from_slice(&whole[name + 13..name + 21]);
    let words = usize::try_from(u64::from_le_bytes(offset)).unwrap();
    let cases: [(usize, &[u8], &str); 8] = [
        (0, b"GGUF", "does not begin as an E5S1 file"),
        (8, &31_i32.to_le_bytes(), "rows of 31"),
        (8, &(-32_i32).to_le_bytes(), "a size is -32"),
        (16, &0_i32.to_le_bytes(), "0 heads"),
        (24, &7_i32.to_le_bytes(), "expected 126 for 7 rows"),
        (40, &16_i32.to_le_bytes(), "blocks of 16"),
        (name, b"emb.none", "no word embeddings"),
        (words, &[0, 0x7c], "not finite"),
    ];
    for (at, bytes, expected) in cases {
        let error = with(at, bytes);
        assert!(error.contains(expected), "{expected}: {error}");
    }
    let error = with(name + 13, &u64::MAX.to_le_bytes());
    assert!(error.contains("it ends at byte"), "{error}");
}

/// The real file, where `WEIR_E5_FILES` says that `scripts/e5` put it.
#[test]
fn the_words_of_e5_are_those_that_training_reads() {
    let Some(folder) = std::env::var_os("WEIR_E5_FILES").map(PathBuf::from) else {
        return;
    };
    let base = Base::parse(&std::fs::read(folder.join("e5-small-q4.bin")).unwrap()).unwrap();
    assert_eq!(base.config(), weir_encoder::Config::E5_SMALL);
    assert_eq!(base.vocabulary(), 250_037);
    // `q4.read(...)["embeddings.word_embeddings.weight"]`: first and last value, and the row's sum in f64.
    let known: [(usize, f32, f32, f64); 3] = [
        (0, -0.0, -0.0, -0.08696365356445312),
        (1294, -0.062_042_236, -0.027_847_29, 0.03571319580078125),
        (250036, -0.010_887_146, 0.0, -0.719970703125),
    ];
    for (id, first, last, sum) in known {
        let word = base.word(id).unwrap();
        assert_eq!((word[0], word[383]), (first, last), "{id}");
        let found: f64 = word.iter().copied().map(f64::from).sum();
        assert!((found - sum).abs() < 1e-9, "{id}: {found}");
    }
}
