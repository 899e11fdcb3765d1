//! The heavy model's network by ONNX Runtime: what candle is measured against.

use std::path::Path;

use ort::session::Session;
use ort::value::TensorRef;

use crate::files::read;
use crate::onnx::session;
use crate::scores::OUTPUTS;
use crate::{InferError, runtime};

/// An f32 graph as `models/train/onnx_heavy.py` writes it; one thread, all optimisations.
pub struct OnnxEncoder {
    session: Session,
    ids: Vec<i64>,
}

impl OnnxEncoder {
    /// Loads the graph.
    ///
    /// # Errors
    /// ONNX Runtime is missing or broken, the file unreadable, or ONNX Runtime refuses it.
    pub fn load(graph: &Path) -> Result<Self, InferError> {
        let bytes = read(graph)?;
        let session = session(runtime::environment()?, &bytes, true).map_err(|reason| {
            InferError::ModelRefused {
                path: graph.to_owned(),
                reason,
            }
        })?;
        Ok(Self {
            session,
            ids: vec![],
        })
    }

    /// Logits of texts that are all `tokens` long, one text after the other.
    ///
    /// # Errors
    /// [`InferError::Failed`]: ONNX Runtime failed, or the texts are of other lengths.
    pub fn logits(&mut self, texts: &[Vec<u32>], tokens: usize) -> Result<Vec<f32>, InferError> {
        self.run(texts, tokens)
            .map_err(|reason| InferError::Failed {
                model: "onnx".to_owned(),
                texts: texts.len(),
                reason,
            })
    }

    fn run(&mut self, texts: &[Vec<u32>], tokens: usize) -> Result<Vec<f32>, String> {
        if texts.iter().any(|text| text.len() != tokens) {
            return Err(format!("not every text has {tokens} tokens"));
        }
        self.ids.clear();
        let ids = texts.iter().flatten().copied();
        self.ids.extend(ids.map(i64::from));
        let shape = [texts.len(), tokens];
        let ids = TensorRef::from_array_view((shape, self.ids.as_slice()))
            .map_err(|error| error.to_string())?;
        let outputs = self
            .session
            .run(ort::inputs![ids])
            .map_err(|error| error.to_string())?;
        let (_, logits) = outputs[0]
            .try_extract_tensor::<f32>()
            .map_err(|error| error.to_string())?;
        if logits.len() != texts.len() * OUTPUTS {
            return Err(format!("the graph gives {} logits", logits.len()));
        }
        Ok(logits.to_vec())
    }
}

impl std::fmt::Debug for OnnxEncoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnnxEncoder").finish_non_exhaustive()
    }
}
