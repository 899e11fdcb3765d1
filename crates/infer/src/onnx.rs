//! The fast model: hashed n-grams and known words into a small ONNX graph.
//!
//! The graph takes `ids` (i32, windows x features) and `weights` (f32, windows x 1 x features) and
//! puts out logits (f32, windows x 1 x outputs): the categories in order, then any harm. It gathers
//! rows of a table, adds them up by weight, and applies one hidden layer, so that a window's logits
//! have nothing to do with the other windows of the run; id `2^bits` is a constant row that carries
//! the biases, and pads with weight 0. The rows of the known words follow it.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
use ort::value::TensorRef;
use weir_types::{ModelRef, ModelScores};

use crate::features::{Features, Featuriser};
use crate::files::{read, read_weights, read_words};
use crate::manifest::Manifest;
use crate::scores::{Calibration, NONE_YET, OUTPUTS, keep_highest};
use crate::window::Windowing;
use crate::{Classifier, InferError, batch, runtime};

/// The fast classifier. One ONNX Runtime session, no threads but the caller's.
///
/// Texts are looked at up to a cap of features. With the shipped settings that is about 12,000
/// characters of English and never less than 9,000 bytes; a longer text is marked
/// [`ModelScores::truncated`]. Each category's score is the highest over the text's windows.
pub struct FastModel {
    session: Session,
    reference: ModelRef,
    featuriser: Featuriser,
    windowing: Windowing,
    length_power: f32,
    /// Bucket of the constant row.
    constant: i32,
    calibration: Calibration,
    buffers: Buffers,
}

/// What is reused from call to call.
#[derive(Debug, Default)]
struct Buffers {
    features: Features,
    windows: Vec<Window>,
    ids: Vec<i32>,
    weights: Vec<f32>,
    /// Logits of each text so far.
    logits: Vec<[f32; OUTPUTS]>,
    truncated: Vec<bool>,
}

/// One window of one text.
#[derive(Debug)]
struct Window {
    /// Position of the text in the call.
    text: usize,
    /// Its features, as positions in [`Features::ids`].
    ids: Range<usize>,
    /// How many words of the list it has.
    words: usize,
}

impl Window {
    /// Its length in the graph: its features, its words and the constant.
    fn length(&self) -> usize {
        self.ids.len() + self.words + 1
    }
}

impl FastModel {
    /// Loads `model.json` and the weights that it names from `folder` (in the repository:
    /// `models/fast`), and ONNX Runtime if this is the process's first model.
    ///
    /// # Errors
    /// When ONNX Runtime is missing or broken, a file is unreadable, the manifest malformed, the
    /// weights are not the manifest's, or ONNX Runtime refuses them.
    pub fn load(folder: &Path) -> Result<Self, InferError> {
        let manifest_path = folder.join("model.json");
        let malformed = |reason: String| InferError::ManifestMalformed {
            path: manifest_path.clone(),
            reason,
        };
        let manifest = Manifest::parse(&read(&manifest_path)?).map_err(malformed)?;
        let calibration = manifest.calibration().map_err(malformed)?;
        let list = folder.join(&manifest.words.list);
        let (words, last_word) = read_words(&list, &manifest.words.sha256)?;
        let path = folder.join(&manifest.weights);
        let weights = read_weights(&path, &manifest.sha256)?;
        let session = session(runtime::environment()?, &weights, false).map_err(|reason| {
            InferError::ModelRefused {
                path: path.clone(),
                reason,
            }
        })?;
        let mut model = Self {
            session,
            reference: manifest.reference(),
            featuriser: Featuriser::new(manifest.bucket_bits(), Arc::new(words)),
            windowing: manifest.windowing(),
            length_power: manifest.length_power,
            constant: 1 << manifest.bucket_bits(),
            calibration,
            buffers: Buffers::default(),
        };
        // A graph of other shapes would otherwise be found out in the middle of traffic, and a list that is longer
        // than its table by its last word.
        model
            .classify(&["", "warm up", &last_word], &mut Vec::new())
            .map_err(|error| InferError::ModelRefused {
                path,
                reason: error.to_string(),
            })?;
        Ok(model)
    }

    /// What turns texts into this model's features.
    #[must_use]
    pub fn featuriser(&self) -> Featuriser {
        self.featuriser.clone()
    }

    /// Featurises the texts and cuts them into windows, shortest first.
    fn prepare(&mut self, texts: &[&str]) {
        let buffers = &mut self.buffers;
        buffers.features.clear();
        buffers.windows.clear();
        buffers.truncated.clear();
        for (text, content) in texts.iter().enumerate() {
            let start = buffers.features.ids.len();
            let tokens = buffers.features.token_starts.len();
            let whole =
                self.featuriser
                    .append(content, self.windowing.cap(), &mut buffers.features);
            buffers.truncated.push(!whole);
            let ids = start..buffers.features.ids.len();
            let features = &buffers.features;
            let windows = self.windowing.cut(ids, &features.token_starts[tokens..]);
            buffers.windows.extend(windows.map(|ids| Window {
                text,
                words: features.words_in(&ids).len(),
                ids,
            }));
        }
        // Stable, so that a call's runs are the same every time.
        buffers.windows.sort_by_key(Window::length);
        buffers.logits.clear();
        buffers.logits.resize(texts.len(), NONE_YET);
    }

    /// Runs the graph over all windows and keeps each text's highest logits.
    fn run(&mut self) -> Result<(), String> {
        let Buffers {
            features,
            windows,
            ids,
            weights,
            logits,
            ..
        } = &mut self.buffers;
        for group in batch::groups(windows, Window::length) {
            let group = &windows[group];
            let width = group.last().map_or(0, Window::length);
            ids.clear();
            weights.clear();
            for window in group {
                let weight = weight_of(window.ids.len(), self.length_power);
                ids.extend_from_slice(&features.ids[window.ids.clone()]);
                weights.resize(ids.len(), weight);
                let words = features.words_in(&window.ids);
                ids.extend(words.iter().map(|word| self.constant + 1 + word.number));
                let weight = weight_of(words.len(), self.length_power);
                weights.resize(ids.len(), weight);
                ids.push(self.constant);
                weights.push(1.0);
                let padded = ids.len() + width - window.length();
                ids.resize(padded, self.constant);
                weights.resize(padded, 0.0);
            }
            let rows = group.len();
            let outputs = self
                .session
                .run(ort::inputs![
                    TensorRef::from_array_view(([rows, width], ids.as_slice()))
                        .map_err(|error| error.to_string())?,
                    TensorRef::from_array_view(([rows, 1, width], weights.as_slice()))
                        .map_err(|error| error.to_string())?,
                ])
                .map_err(|error| error.to_string())?;
            let (_, found) = outputs[0]
                .try_extract_tensor::<f32>()
                .map_err(|error| error.to_string())?;
            let (found, rest) = found.as_chunks::<OUTPUTS>();
            if found.len() != rows || !rest.is_empty() {
                return Err(format!(
                    "the graph gives {} x {OUTPUTS} logits for {rows} windows",
                    found.len()
                ));
            }
            for (window, found) in group.iter().zip(found) {
                keep_highest(&mut logits[window.text], found)?;
            }
        }
        Ok(())
    }
}

impl Classifier for FastModel {
    fn describe(&self) -> &ModelRef {
        &self.reference
    }

    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError> {
        out.clear();
        self.prepare(texts);
        self.run().map_err(|reason| InferError::Failed {
            model: self.reference.name.clone(),
            texts: texts.len(),
            reason,
        })?;
        out.extend(
            self.buffers
                .logits
                .iter()
                .zip(&self.buffers.truncated)
                .map(|(logits, truncated)| self.calibration.scores(*logits, *truncated)),
        );
        Ok(())
    }
}

impl std::fmt::Debug for FastModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FastModel")
            .field("reference", &self.reference)
            .finish_non_exhaustive()
    }
}

/// What each of a window's features weighs, n-grams and words apart.
fn weight_of(features: usize, length_power: f32) -> f32 {
    // Windows have at most 65,536 features.
    #[allow(clippy::cast_precision_loss)]
    let length = features.max(1) as f32;
    length.powf(-length_power)
}

/// A session for one thread, or ONNX Runtime's word on the model. With `same_shapes` it plans its
/// memory, which never fits where shapes vary from call to call.
pub(crate) fn session(
    environment: &Environment,
    weights: &[u8],
    same_shapes: bool,
) -> Result<Session, String> {
    let refused = |error: ort::Error<SessionBuilder>| error.to_string();
    Session::builder(environment)
        .map_err(|error| error.to_string())?
        .with_intra_threads(1)
        .map_err(refused)?
        .with_inter_threads(1)
        .map_err(refused)?
        .with_parallel_execution(false)
        .map_err(refused)?
        .with_memory_pattern(same_shapes)
        .map_err(refused)?
        // Errors come back as values; ONNX Runtime would print them to standard error as well.
        .with_log_level(LogLevel::Fatal)
        .map_err(refused)?
        .with_optimization_level(GraphOptimizationLevel::All)
        .map_err(refused)?
        .commit_from_memory(weights)
        .map_err(|error| error.to_string())
}
