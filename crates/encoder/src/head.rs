//! Vectors to logits.

use crate::{EncoderError, Weights};

/// A linear layer.
pub struct Head {
    weight: Vec<f32>,
    bias: Vec<f32>,
    hidden: usize,
}

impl Head {
    /// Takes `NAME.weight` (outputs x `hidden`) and `NAME.bias`.
    ///
    /// # Errors
    /// One of the `Weight...` errors.
    pub fn load(weights: &Weights<'_>, name: &str, hidden: usize) -> Result<Self, EncoderError> {
        let table = weights.table(name, [0, hidden])?;
        let bias = weights.floats(&format!("{name}.bias"), &[table.rows()])?;
        Ok(Self {
            weight: table.into_floats(),
            bias,
            hidden,
        })
    }

    /// Logits a text.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// Logits of each of `vectors` (as [`crate::Encoder::encode`] gives them), one after the other.
    #[must_use]
    pub fn apply(&self, vectors: &[f32]) -> Vec<f32> {
        let mut logits = Vec::with_capacity(vectors.len() / self.hidden * self.outputs());
        for vector in vectors.chunks_exact(self.hidden) {
            for (row, bias) in self.weight.chunks_exact(self.hidden).zip(&self.bias) {
                let product: f32 = row.iter().zip(vector).map(|(a, b)| a * b).sum();
                logits.push(product + bias);
            }
        }
        logits
    }
}
