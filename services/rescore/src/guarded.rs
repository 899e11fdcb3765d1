//! A classifier whose panics are failures: a text that makes it panic must not be met again at every start.

use std::panic::{AssertUnwindSafe, catch_unwind};

use weir_infer::{Classifier, InferError};
use weir_types::{ModelRef, ModelScores};

/// See the module's documentation. What a panic leaves behind in the classifier is overwritten by its next call.
pub(crate) struct Guarded(pub(crate) Box<dyn Classifier>);

impl Classifier for Guarded {
    fn describe(&self) -> &ModelRef {
        self.0.describe()
    }

    fn classify(&mut self, texts: &[&str], out: &mut Vec<ModelScores>) -> Result<(), InferError> {
        let result = catch_unwind(AssertUnwindSafe(|| self.0.classify(texts, out)));
        result.unwrap_or_else(|_| {
            out.clear();
            Err(InferError::Failed {
                model: self.0.describe().name.clone(),
                texts: texts.len(),
                reason: "it panicked".to_owned(),
            })
        })
    }
}
