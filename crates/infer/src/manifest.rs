//! `model.json`: everything about a model beside its weights.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_types::{Category, ModelRef};

use crate::calibrate::Platt;
use crate::features::{self, BUCKET_BITS, MAX_TOKEN_FEATURES};
use crate::require::{file_name, require, sha256};
use crate::scores::{AnyHarm, Calibration};
use crate::window::Windowing;

/// The format that this code reads.
const FORMAT: u32 = 2;

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    format: u32,
    /// Name without version, e.g. `fast-ngram`.
    name: String,
    /// Version, e.g. `1`.
    version: String,
    /// File name of the weights, beside the manifest.
    pub(crate) weights: String,
    /// SHA-256 of the weights, 64 lower-case hex digits.
    pub(crate) sha256: String,
    features: FeatureSettings,
    pub(crate) words: WordSettings,
    window: WindowSettings,
    /// A window's n-grams weigh `length^-length_power` each, `0.0..=1.0`, its words likewise by their number.
    pub(crate) length_power: f32,
    pub(crate) calibration: BTreeMap<Category, Platt>,
    any_harm: AnyHarm,
}

/// How text becomes features.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureSettings {
    version: u32,
    bucket_bits: u32,
}

/// The words that have rows of their own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WordSettings {
    /// Name of the list, beside the manifest: a word a line.
    pub(crate) list: String,
    /// SHA-256 of the list, 64 lower-case hex digits.
    pub(crate) sha256: String,
}

/// How long texts are cut.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowSettings {
    features: usize,
    most: usize,
}

impl Manifest {
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        manifest.check()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        require(self.format == FORMAT, || {
            format!("format is {}, not {FORMAT}", self.format)
        })?;
        require(!self.name.is_empty() && !self.version.is_empty(), || {
            "name or version is empty".to_owned()
        })?;
        file_name("weights", &self.weights)?;
        sha256("sha256", &self.sha256)?;
        file_name("words.list", &self.words.list)?;
        sha256("words.sha256", &self.words.sha256)?;
        require(self.features.version == features::VERSION, || {
            format!(
                "features.version is {}, not {}",
                self.features.version,
                features::VERSION
            )
        })?;
        require(BUCKET_BITS.contains(&self.features.bucket_bits), || {
            format!(
                "features.bucket_bits is {}, not within 8 to 24",
                self.features.bucket_bits
            )
        })?;
        require(
            (2 * MAX_TOKEN_FEATURES..=65_536).contains(&self.window.features),
            || {
                format!(
                    "window.features is {}, not within 210 to 65536",
                    self.window.features
                )
            },
        )?;
        require((1..=1024).contains(&self.window.most), || {
            format!("window.most is {}, not within 1 to 1024", self.window.most)
        })?;
        require((0.0..=1.0).contains(&self.length_power), || {
            format!("length_power is {}, not within 0 to 1", self.length_power)
        })?;
        self.calibration().map(drop)
    }

    /// Name, version and hash.
    pub(crate) fn reference(&self) -> ModelRef {
        ModelRef {
            name: format!("{}-{}", self.name, self.version),
            hash: self.sha256.clone(),
        }
    }

    /// Number of bucket bits.
    pub(crate) fn bucket_bits(&self) -> u32 {
        self.features.bucket_bits
    }

    /// How long texts are cut.
    pub(crate) fn windowing(&self) -> Windowing {
        Windowing::new(self.window.features, self.window.most)
    }

    /// How logits become probabilities.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn calibration(&self) -> Result<Calibration, String> {
        Calibration::new(&self.calibration, self.any_harm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> serde_json::Value {
        let platt = serde_json::json!({"a": 1.0, "b": 0.0});
        let calibration: serde_json::Map<_, _> = Category::ALL
            .iter()
            .map(|c| (c.as_str().to_owned(), platt.clone()))
            .collect();
        serde_json::json!({
            "format": 2, "name": "fast-ngram", "version": "1", "weights": "model.onnx",
            "sha256": "0".repeat(64),
            "features": {"version": features::VERSION, "bucket_bits": 16},
            "words": {"list": "words.txt", "sha256": "0".repeat(64)},
            "window": {"features": 1024, "most": 32},
            "length_power": 0.5,
            "calibration": calibration,
            "any_harm": {"head_share": 0.5, "a": 1.0, "b": 0.0},
        })
    }

    #[test]
    fn a_good_manifest_is_read() {
        let manifest = Manifest::parse(good().to_string().as_bytes()).unwrap();
        assert_eq!(manifest.bucket_bits(), 16);
        assert!(manifest.calibration().is_ok());
    }

    #[test]
    fn every_fault_is_named() {
        let faults = [
            ("/format", serde_json::json!(1), "format is 1"),
            (
                "/weights",
                serde_json::json!("../model.onnx"),
                "weights \"../model.onnx\"",
            ),
            ("/sha256", serde_json::json!("XY"), "sha256 \"XY\""),
            ("/words/list", serde_json::json!(""), "words.list \"\""),
            (
                "/words/sha256",
                serde_json::json!("0"),
                "words.sha256 \"0\"",
            ),
            (
                "/features/version",
                serde_json::json!(99),
                "features.version is 99",
            ),
            (
                "/features/bucket_bits",
                serde_json::json!(40),
                "features.bucket_bits is 40",
            ),
            (
                "/window/features",
                serde_json::json!(8),
                "window.features is 8",
            ),
            ("/window/most", serde_json::json!(0), "window.most is 0"),
            ("/length_power", serde_json::json!(2.0), "length_power is 2"),
            (
                "/calibration/pii/a",
                serde_json::json!(0.0),
                "calibration.pii.a is 0",
            ),
            ("/calibration/pii", serde_json::json!({}), "missing field"),
            (
                "/any_harm/head_share",
                serde_json::json!(-1.0),
                "any_harm.head_share is -1",
            ),
        ];
        for (pointer, value, expected) in faults {
            let mut manifest = good();
            *manifest.pointer_mut(pointer).unwrap() = value;
            let error = Manifest::parse(manifest.to_string().as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{pointer}: {error}");
        }
        let mut manifest = good();
        manifest["calibration"]
            .as_object_mut()
            .unwrap()
            .remove("hate");
        let error = Manifest::parse(manifest.to_string().as_bytes()).unwrap_err();
        assert_eq!(error, "calibration.hate is missing");
        manifest["surprise"] = serde_json::json!(1);
        assert!(Manifest::parse(manifest.to_string().as_bytes()).is_err());
        assert!(Manifest::parse(b"{").is_err());
    }
}
