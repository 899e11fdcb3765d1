//! What is calibrated on, wherever it comes from.

use serde::Serialize;

use super::row::{Labelled, Scored};
use crate::eval::data::DataFile;

/// By what texts are held to be what they are.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Target {
    /// `human_labels` or `heavy_model`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) note: &'static str,
}

impl Target {
    pub(crate) fn labels(name: String) -> Self {
        Self {
            kind: "human_labels",
            name,
            note: "Labels are taken for the truth: who gave them errs too.",
        }
    }

    pub(crate) fn heavy(models: &[String]) -> Self {
        Self {
            kind: "heavy_model",
            name: models.join(", "),
            note: "Agreement with the heavy model, which may be wrong: no figure here is an accuracy.",
        }
    }
}

/// What became of what was read.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Counts {
    /// Texts, whatever became of them.
    pub(crate) read: u64,
    pub(crate) unreadable: u64,
    /// Read before under the same id.
    pub(crate) repeated: u64,
    /// Verdicts on streams or by a second look: thresholds here are those of whole texts.
    pub(crate) of_streams: u64,
    pub(crate) of_other_policies: u64,
    pub(crate) of_other_models: u64,
    /// Rules alone judged.
    pub(crate) without_scores: u64,
    /// Labels, or moderation records, for which there is no such text.
    pub(crate) without_text: u64,
    pub(crate) labelled: u64,
    /// Of the labelled: stand for themselves only, as nothing says with what probability they were looked at.
    pub(crate) of_unknown_probability: u64,
    /// Texts that the change in block rate is estimated on.
    pub(crate) traffic: u64,
}

/// Everything that was read.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) source: String,
    pub(crate) target: Target,
    pub(crate) files: Vec<DataFile>,
    pub(crate) counts: Counts,
    pub(crate) labelled: Vec<Labelled>,
    /// Rows to report on that were named as such; `None`: half of `labelled`.
    pub(crate) held_out: Option<Vec<Labelled>>,
    pub(crate) traffic: Vec<Scored>,
}
