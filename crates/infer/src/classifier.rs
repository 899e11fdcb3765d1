//! The one trait that the rest of Weir knows of models.

use weir_types::{ModelRef, ModelScores};

use crate::InferError;

/// Judges texts.
///
/// A classifier belongs to one thread at a time and starts none of its own: whoever wants two cores
/// busy loads two. Scores are a function of the text alone, never of the texts beside it.
pub trait Classifier: Send {
    /// Name with version, and SHA-256 of the weights.
    fn describe(&self) -> &ModelRef;

    /// Scores each text: `out` is emptied, then filled with one entry a text, in order.
    ///
    /// Texts may be of any length and content, empty ones included. The cost grows with the
    /// characters up to the model's cap, whichever way they are spread over calls; a few to a few
    /// dozen texts a call are cheapest.
    ///
    /// # Errors
    /// [`InferError::Failed`] when the runtime fails; `out` is then empty.
    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError>;
}
