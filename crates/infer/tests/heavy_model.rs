//! A small heavy model (`crates/encoder/tests/heavy_fixtures.py` makes it, and says what it gives).

#![allow(clippy::unwrap_used, reason = "tests")]

use std::path::{Path, PathBuf};

use serde::Deserialize;
use weir_infer::{Classifier, HeavyModel, InferError};
use weir_types::{Category, ModelScores};

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    text: String,
    logits: [f64; Category::COUNT + 1],
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../encoder/tests/fixtures/heavy")
}

fn load() -> HeavyModel {
    HeavyModel::load(&fixtures().join("model"), &fixtures().join("e5")).unwrap()
}

fn classify(model: &mut HeavyModel, texts: &[&str]) -> Vec<ModelScores> {
    let mut scores = Vec::new();
    model.classify(texts, &mut scores).unwrap();
    assert_eq!(scores.len(), texts.len());
    scores
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn near(found: f32, expected: f64) -> bool {
    (f64::from(found) - expected).abs() < 2e-5
}

#[test]
fn scores_are_the_reference_calibrated() {
    let expected = std::fs::read(fixtures().join("expected.json")).unwrap();
    let expected: Expected = serde_json::from_slice(&expected).unwrap();
    let texts: Vec<&str> = expected.rows.iter().map(|row| row.text.as_str()).collect();
    let scores = classify(&mut load(), &texts);
    for (row, found) in expected.rows.iter().zip(&scores) {
        let mut strongest = f64::NEG_INFINITY;
        for category in Category::ALL {
            let index = category.index();
            let raw = row.logits[index];
            assert!(near(found.raw[index], raw), "{category} of {:?}", row.text);
            // As the fixture's manifest has it.
            let number = f64::from(u8::try_from(index).unwrap());
            let calibrated = (0.5 + number / 8.0) * raw + number / 4.0 - 1.0;
            assert!(near(found.calibrated[index], sigmoid(calibrated)));
            if category != Category::Pii {
                strongest = strongest.max(calibrated);
            }
        }
        let any = 0.25 * row.logits[Category::COUNT] + 0.75 * strongest;
        assert!(near(found.any_harm, sigmoid(1.5 * any - 0.5)));
    }
    // Only the last is longer than three windows.
    let truncated: Vec<_> = scores.iter().map(|scores| scores.truncated).collect();
    let (last, others) = truncated.split_last().unwrap();
    assert!(*last && !others.contains(&true), "{truncated:?}");
}

#[test]
fn a_score_does_not_depend_on_its_neighbours() {
    let mut model = load();
    let long = "a long text and so on ".repeat(9);
    // More tokens than go into one pass.
    let texts = ["", "?", "hello", &long, "ab</s>c"].repeat(12);
    let together = classify(&mut model, &texts);
    for (text, found) in texts.iter().zip(&together) {
        let alone = classify(&mut model, &[text])[0];
        let pairs = alone.raw.iter().zip(&found.raw);
        assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() < 1e-4));
        assert_eq!(alone.truncated, found.truncated);
    }
    assert_eq!(classify(&mut model, &[]), []);
    assert_eq!(model.describe().name, "heavy-small-1");
}

/// A copy of both folders, to be damaged.
struct Copy(tempfile::TempDir);

impl Copy {
    fn new() -> Self {
        let copy = Self(tempfile::tempdir().unwrap());
        for name in ["model", "e5"] {
            std::fs::create_dir(copy.path(name)).unwrap();
            for file in std::fs::read_dir(fixtures().join(name)).unwrap() {
                let file = file.unwrap();
                std::fs::copy(file.path(), copy.path(name).join(file.file_name())).unwrap();
            }
        }
        copy
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn refusal(&self) -> InferError {
        HeavyModel::load(&self.path("model"), &self.path("e5")).unwrap_err()
    }

    fn edit(&self, pointer: &str, value: serde_json::Value) {
        let path = self.path("model/model.json");
        let manifest = std::fs::read(&path).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        *manifest.pointer_mut(pointer).unwrap() = value;
        std::fs::write(path, manifest.to_string()).unwrap();
    }

    fn flip(&self, name: &str) {
        let mut bytes = std::fs::read(self.path(name)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(self.path(name), bytes).unwrap();
    }
}

#[test]
fn missing_and_damaged_files_are_refused_with_the_way_out() {
    type Kind = fn(&InferError) -> bool;
    let cases: [(&str, Kind, Kind, &str); 4] = [
        (
            "model/model.json",
            |error| matches!(error, InferError::ModelUnreadable { .. }),
            |error| matches!(error, InferError::ManifestMalformed { .. }),
            "git checkout models",
        ),
        (
            "model/model.safetensors",
            |error| matches!(error, InferError::ModelUnreadable { .. }),
            |error| matches!(error, InferError::HashMismatch { .. }),
            "git checkout models",
        ),
        (
            "e5/e5-small-q4.bin",
            |error| matches!(error, InferError::BaseUnreadable { .. }),
            |error| matches!(error, InferError::BaseMismatch { .. }),
            "run `scripts/e5`",
        ),
        (
            "e5/tokenizer.json",
            |error| matches!(error, InferError::BaseUnreadable { .. }),
            |error| matches!(error, InferError::BaseMismatch { .. }),
            "run `scripts/e5`",
        ),
    ];
    for (name, missing, damaged, way_out) in cases {
        let copy = Copy::new();
        if name.ends_with("model.json") {
            std::fs::write(copy.path(name), b"{").unwrap();
        } else {
            copy.flip(name);
        }
        let error = copy.refusal();
        assert!(damaged(&error), "{error}");
        std::fs::remove_file(copy.path(name)).unwrap();
        let error = copy.refusal();
        let message = error.to_string();
        assert!(missing(&error), "{error}");
        assert!(
            message.contains(way_out) && message.contains(name),
            "{message}"
        );
    }
}

#[test]
fn every_fault_of_a_manifest_is_named() {
    let cases = [
        ("/format", serde_json::json!(2), "format is 2"),
        ("/version", serde_json::json!(""), "version is empty"),
        ("/weights", serde_json::json!("../x"), "weights \"../x\""),
        ("/sha256", serde_json::json!("XY"), "sha256 \"XY\""),
        (
            "/e5/weights",
            serde_json::json!("a/b"),
            "e5.weights \"a/b\"",
        ),
        ("/e5/tokenizer", serde_json::json!(""), "e5.tokenizer \"\""),
        (
            "/e5/weights_sha256",
            serde_json::json!("1"),
            "e5.weights_sha256",
        ),
        ("/pooling", serde_json::json!("cls"), "pooling is \"cls\""),
        ("/window/most", serde_json::json!(0), "window.most is 0"),
        ("/window/tokens", serde_json::json!(6), "6 tokens a window"),
        (
            "/window/tokens",
            serde_json::json!(41),
            "window.tokens is 41",
        ),
        ("/outputs/0", serde_json::json!("hate"), "in another order"),
        (
            "/calibration/pii/a",
            serde_json::json!(0),
            "calibration.pii.a is 0",
        ),
        (
            "/any_harm/head_share",
            serde_json::json!(2),
            "head_share is 2",
        ),
    ];
    for (pointer, value, expected) in cases {
        let copy = Copy::new();
        copy.edit(pointer, value);
        let error = copy.refusal();
        assert!(
            matches!(error, InferError::ManifestMalformed { .. }),
            "{pointer}: {error}"
        );
        assert!(error.to_string().contains(expected), "{pointer}: {error}");
    }
}

#[test]
fn a_model_without_calibration_is_refused() {
    for pointer in ["/calibration", "/any_harm"] {
        let copy = Copy::new();
        copy.edit(pointer, serde_json::Value::Null);
        let error = copy.refusal();
        assert!(matches!(error, InferError::Uncalibrated(_)), "{error}");
        assert!(error.to_string().contains("--support"), "{error}");
    }
}
