//! The same numbers as an independent implementation (`reference.py`).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_encoder::{
    Config, Device, Encoder, EncoderError, Head, Tokenizer, Weights, Windowing, plan,
};

const SMALL: Config = Config {
    hidden: 32,
    layers: 2,
    heads: 4,
    inner: 64,
    epsilon: 1e-12,
};

#[derive(Deserialize)]
struct Small {
    texts: Vec<Vec<u32>>,
    f32: Outputs,
    i8: Outputs,
}

#[derive(Deserialize)]
struct Outputs {
    vectors: Vec<Vec<f32>>,
    logits: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Real {
    texts: Vec<Vec<u32>>,
    vectors: Vec<Vec<f32>>,
}

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    std::fs::read(folder.join(name)).unwrap()
}

fn small() -> Small {
    serde_json::from_slice(&fixture("small.json")).unwrap()
}

fn slices(texts: &[Vec<u32>]) -> Vec<&[u32]> {
    texts.iter().map(Vec::as_slice).collect()
}

fn farthest(found: &[f32], expected: &[Vec<f32>]) -> f32 {
    let expected = expected.concat();
    assert_eq!(found.len(), expected.len());
    let apart = found.iter().zip(&expected).map(|(a, b)| (a - b).abs());
    apart.fold(0.0, f32::max)
}

fn check_small(file: &str, texts: &[Vec<u32>], expected: &Outputs) {
    let bytes = fixture(file);
    let weights = Weights::parse(&[&bytes]).unwrap();
    let head = Head::load(&weights, "head", SMALL.hidden).unwrap();
    // What a graphics card would run gives the same as the kernels for processors.
    for device in [Device::Cpu, Device::CpuPlain] {
        let encoder = Encoder::load(&weights, &SMALL).unwrap();
        let encoder = encoder.on(device).unwrap();
        assert_eq!((encoder.vocabulary(), encoder.positions()), (50, 40));
        let vectors = encoder.encode(&slices(texts)).unwrap();
        let apart = farthest(&vectors, &expected.vectors);
        assert!(
            apart < 1e-5,
            "vectors of {file} on {device} are {apart} apart"
        );
        let apart = farthest(&head.apply(&vectors), &expected.logits);
        assert!(
            apart < 1e-5,
            "logits of {file} on {device} are {apart} apart"
        );
    }
}

#[test]
fn a_small_model_gives_the_reference_numbers() {
    let small = small();
    check_small("small-f32.safetensors", &small.texts, &small.f32);
}

#[test]
fn weights_in_8_bits_give_the_numbers_of_what_they_stand_for() {
    let small = small();
    check_small("small-i8.safetensors", &small.texts, &small.i8);
}

#[test]
fn a_vector_does_not_depend_on_the_texts_beside_it() {
    let bytes = fixture("small-f32.safetensors");
    let encoder = Encoder::load(&Weights::parse(&[&bytes]).unwrap(), &SMALL).unwrap();
    let texts = small().texts;
    let together = encoder.encode(&slices(&texts)).unwrap();
    for (text, vector) in texts.iter().zip(together.chunks(SMALL.hidden)) {
        let alone = encoder.encode(&[text]).unwrap();
        assert!(farthest(&alone, &[vector.to_vec()]) < 2e-6);
    }
    assert_eq!(encoder.encode(&[]), Ok(vec![]));
}

#[test]
fn token_ids_that_do_not_fit_are_refused() {
    let bytes = fixture("small-f32.safetensors");
    let encoder = Encoder::load(&Weights::parse(&[&bytes]).unwrap(), &SMALL).unwrap();
    let length = |tokens| EncoderError::TextLength {
        index: 1,
        tokens,
        most: 40,
    };
    assert_eq!(encoder.encode(&[&[1], &[]]), Err(length(0)));
    assert_eq!(encoder.encode(&[&[1], &[1; 41]]), Err(length(41)));
    let unknown = EncoderError::UnknownToken {
        index: 0,
        id: 50,
        vocabulary: 50,
    };
    assert_eq!(encoder.encode(&[&[49, 50], &[]]), Err(unknown));
}

fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os("WEIR_E5").expect("WEIR_E5 names the folder of e5"))
}

fn e5_tokenizer(windowing: Windowing) -> Tokenizer {
    let json = std::fs::read(folder().join("tokenizer.json")).unwrap();
    Tokenizer::parse(&json, "query: ", windowing).unwrap()
}

fn texts() -> Vec<String> {
    let lines = String::from_utf8(fixture("texts.jsonl")).unwrap();
    let text = |line| serde_json::from_str(line).unwrap();
    lines.lines().map(text).collect()
}

const WHOLE: Windowing = Windowing {
    tokens: 512,
    overlap: 64,
    most: 8,
};

#[test]
#[ignore = "needs the weights of e5 in WEIR_E5"]
fn e5_gives_the_reference_numbers() {
    let reference = std::fs::read(folder().join("reference.json")).unwrap();
    let reference: Real = serde_json::from_slice(&reference).unwrap();
    let bytes = std::fs::read(folder().join("model.safetensors")).unwrap();
    let encoder = Encoder::load(&Weights::parse(&[&bytes]).unwrap(), &Config::E5_SMALL).unwrap();
    let lengths: Vec<_> = reference.texts.iter().map(Vec::len).collect();
    let mut vectors = vec![];
    for pass in plan(&lengths, 512) {
        vectors.extend(encoder.encode(&slices(&reference.texts[pass])).unwrap());
    }
    let apart = farthest(&vectors, &reference.vectors);
    assert!(apart < 1e-5, "{} texts are {apart} apart", lengths.len());
}

#[test]
#[ignore = "needs the tokenizer of e5 in WEIR_E5"]
fn e5_tokens_are_those_of_the_reference() {
    let reference = std::fs::read(folder().join("reference.json")).unwrap();
    let reference: Real = serde_json::from_slice(&reference).unwrap();
    let tokenizer = e5_tokenizer(WHOLE);
    for (text, ids) in texts().iter().zip(&reference.texts) {
        let encoded = tokenizer.encode(text).unwrap();
        assert!(!encoded.truncated);
        assert_eq!(encoded.windows.len(), 1);
        assert_eq!(&encoded.windows[0].ids, ids, "{text}");
        let bytes = encoded.windows[0].bytes.clone();
        assert_eq!(bytes, 0..text.len(), "{text}");
    }
}
