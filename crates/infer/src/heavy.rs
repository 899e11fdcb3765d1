//! The heavy model: a transformer over tokens, slow and exact beside the fast model.

use std::path::Path;

use weir_encoder::{Base, Device, Encoder, EncoderError, Head, Tokenizer, Weights, Window, plan};
use weir_types::{ModelRef, ModelScores};

use crate::files::{read, read_base, read_weights};
use crate::heavy_manifest::HeavyManifest;
use crate::scores::{Calibration, NONE_YET, OUTPUTS, keep_highest};
use crate::{Classifier, InferError};

/// Most tokens of a pass: bounds its memory (some 15 kB a token), and keeps what a layer works on
/// about as small as a core's second cache.
const TOKENS_A_PASS: usize = 512;

/// The heavy classifier: multilingual-e5-small with a head, calibrated.
///
/// Texts are looked at up to a cap of tokens (with the settings of training 1,276, about 5,000
/// characters of English); a longer one is marked [`ModelScores::truncated`]. Each category's score
/// is the highest over the text's windows.
///
/// Matrix products use as many threads as `RAYON_NUM_THREADS` says, else all cores; a process that
/// holds several models sets it to 1.
pub struct HeavyModel {
    tokenizer: Tokenizer,
    encoder: Encoder,
    head: Head,
    reference: ModelRef,
    calibration: Calibration,
}

/// A text's progress.
struct Text {
    logits: [f32; OUTPUTS],
    truncated: bool,
}

impl HeavyModel {
    /// Loads `model.json` and the weights that it names from `folder`, and what they stand upon
    /// from `e5`, the folder that `scripts/e5` fills.
    ///
    /// # Errors
    /// A file is missing, or is not the manifest's; the manifest is malformed or not calibrated; the
    /// parts do not fit together.
    pub fn load(folder: &Path, e5: &Path) -> Result<Self, InferError> {
        let manifest_path = folder.join("model.json");
        let malformed = |reason: String| InferError::ManifestMalformed {
            path: manifest_path.clone(),
            reason,
        };
        let manifest = HeavyManifest::parse(&read(&manifest_path)?).map_err(malformed)?;
        let calibration = manifest
            .calibration()
            .map_err(malformed)?
            .ok_or_else(|| InferError::Uncalibrated(manifest_path.clone()))?;
        let path = folder.join(&manifest.weights);
        let bytes = read_weights(&path, &manifest.sha256)?;

        let pins = &manifest.e5;
        let json = read_base(&e5.join(&pins.tokenizer), &pins.tokenizer_sha256)?;
        let windowing = manifest.windowing();
        // Its hash is right: what does not fit is what the manifest asks of it.
        let tokenizer = Tokenizer::parse(&json, &manifest.prefix, windowing)
            .map_err(|error| malformed(error.to_string()))?;
        let base = read_base(&e5.join(&pins.weights), &pins.weights_sha256)?;
        let refused = |error: EncoderError| InferError::ModelRefused {
            path: path.clone(),
            reason: error.to_string(),
        };
        let base = Base::parse(&base).map_err(refused)?;
        let weights = Weights::parse(&[&bytes]).map_err(refused)?;
        let head = Head::load(&weights, "head", base.config().hidden).map_err(refused)?;
        let encoder = Encoder::load_upon(&weights, base).map_err(refused)?;
        if windowing.tokens > encoder.positions() {
            let (tokens, most) = (windowing.tokens, encoder.positions());
            return Err(malformed(format!(
                "window.tokens is {tokens}, the network has {most} positions"
            )));
        }
        if head.outputs() != OUTPUTS {
            return Err(InferError::ModelRefused {
                path: path.clone(),
                reason: format!("it has {} outputs, not {OUTPUTS}", head.outputs()),
            });
        }
        Ok(Self {
            tokenizer,
            encoder,
            head,
            reference: ModelRef {
                name: format!("{}-{}", manifest.name, manifest.version),
                hash: manifest.sha256,
            },
            calibration,
        })
    }

    /// The same with its network on a device; a new one runs on the processor.
    ///
    /// # Errors
    /// [`InferError::DeviceRefused`]: the device is not there, or not in this build.
    pub fn on(mut self, device: Device) -> Result<Self, InferError> {
        self.encoder = self
            .encoder
            .on(device)
            .map_err(|error| InferError::DeviceRefused(error.to_string()))?;
        Ok(self)
    }

    /// Token ids that the network knows: 0 to one less than this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.encoder.vocabulary()
    }

    /// Logits of windows of token ids, one window after the other, uncalibrated.
    ///
    /// # Errors
    /// [`InferError::Failed`].
    pub fn logits(&self, windows: &[Vec<u32>]) -> Result<Vec<f32>, InferError> {
        let windows: Vec<_> = windows.iter().map(Vec::as_slice).collect();
        let logits = self.pass_through(&windows);
        let logits = logits.map_err(|error| self.failed(windows.len(), error.to_string()))?;
        Ok(logits.concat())
    }

    /// In as many passes as it takes.
    fn pass_through(&self, windows: &[&[u32]]) -> Result<Vec<[f32; OUTPUTS]>, EncoderError> {
        let lengths: Vec<_> = windows.iter().map(|window| window.len()).collect();
        let mut logits = Vec::with_capacity(windows.len());
        for pass in plan(&lengths, TOKENS_A_PASS) {
            let vectors = self.encoder.encode(&windows[pass])?;
            // Loading made sure of the number of outputs.
            logits.extend_from_slice(self.head.apply(&vectors).as_chunks().0);
        }
        Ok(logits)
    }

    fn failed(&self, texts: usize, reason: String) -> InferError {
        InferError::Failed {
            model: self.reference.name.clone(),
            texts,
            reason,
        }
    }

    fn judge(&self, texts: &[&str]) -> Result<Vec<Text>, String> {
        let mut judged = Vec::with_capacity(texts.len());
        let mut windows: Vec<(usize, Window)> = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            let encoded = self.tokenizer.encode(text).map_err(|e| e.to_string())?;
            judged.push(Text {
                logits: NONE_YET,
                truncated: encoded.truncated,
            });
            windows.extend(encoded.windows.into_iter().map(|window| (index, window)));
        }
        let ids: Vec<_> = windows
            .iter()
            .map(|(_, window)| window.ids.as_slice())
            .collect();
        let logits = self.pass_through(&ids).map_err(|e| e.to_string())?;
        for ((index, _), logits) in windows.iter().zip(&logits) {
            keep_highest(&mut judged[*index].logits, logits)?;
        }
        Ok(judged)
    }
}

impl Classifier for HeavyModel {
    fn describe(&self) -> &ModelRef {
        &self.reference
    }

    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError> {
        out.clear();
        let judged = self.judge(texts);
        let judged = judged.map_err(|reason| self.failed(texts.len(), reason))?;
        let scores = |text: Text| self.calibration.scores(text.logits, text.truncated);
        out.extend(judged.into_iter().map(scores));
        Ok(())
    }
}

impl std::fmt::Debug for HeavyModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HeavyModel")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}
