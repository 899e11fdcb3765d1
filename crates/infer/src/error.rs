//! What can go wrong, and what to do about it.

use std::path::PathBuf;

/// Why a model could not be loaded or could not judge.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InferError {
    /// No ONNX Runtime library in any of the places that are searched.
    #[error(
        "onnx runtime library not found (looked at: {}); run `scripts/onnxruntime` in the \
         repository or set WEIR_ONNXRUNTIME to the path of libonnxruntime.so.1.31.1",
        join(.looked_at)
    )]
    RuntimeMissing {
        /// Every path tried, in order.
        looked_at: Vec<PathBuf>,
    },
    /// A library was found but would not load.
    #[error(
        "onnx runtime library {} does not load: {reason}; restore it with `scripts/onnxruntime` or \
         point WEIR_ONNXRUNTIME at version 1.31.1", .path.display()
    )]
    RuntimeBroken {
        /// The library.
        path: PathBuf,
        /// What the loader said.
        reason: String,
    },
    /// The heavy model cannot run where it was asked to.
    #[error("the heavy model's device {0}")]
    DeviceRefused(String),
    /// A model file could not be read.
    #[error(
        "cannot read model file {}: {reason}; restore it with `git checkout models` or set \
         the models folder",
        .path.display()
    )]
    ModelUnreadable {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        reason: String,
    },
    /// The manifest is not what this version understands.
    #[error(
        "model manifest {} is malformed: {reason}; restore it with `git checkout models` or \
         train again (models/train/README.md)",
        .path.display()
    )]
    ManifestMalformed {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The weights are not those that the manifest was written for.
    #[error(
        "model file {} has SHA-256 {found}, its manifest expects {expected}; restore both with \
         `git checkout models` or train again (models/train/README.md)",
        .path.display()
    )]
    HashMismatch {
        /// The weights file.
        path: PathBuf,
        /// SHA-256 in the manifest, 64 hex digits.
        expected: String,
        /// SHA-256 of the file, 64 hex digits.
        found: String,
    },
    /// The manifest was exported without calibration.
    #[error(
        "model manifest {} is not calibrated, so its scores mean nothing to a policy; export it with \
         --support (models/train/README.md)",
        .0.display()
    )]
    Uncalibrated(PathBuf),
    /// A file of the base network could not be read.
    #[error(
        "cannot read {}: {reason}; run `scripts/e5` in the repository or set the folder that it filled",
        .path.display()
    )]
    BaseUnreadable {
        /// The file.
        path: PathBuf,
        /// What the file system said.
        reason: String,
    },
    /// A file of the base network is not the one that the model was trained upon.
    #[error(
        "{} has SHA-256 {found}, the model's manifest expects {expected}; run `scripts/e5`, which \
         replaces it, or set the folder that it filled",
        .path.display()
    )]
    BaseMismatch {
        /// The file.
        path: PathBuf,
        /// SHA-256 in the manifest, 64 hex digits.
        expected: String,
        /// SHA-256 of the file, 64 hex digits.
        found: String,
    },
    /// ONNX Runtime or the encoder refused the model.
    #[error("model {} is refused: {reason}; restore it with `git checkout models`", .path.display())]
    ModelRefused {
        /// The weights file.
        path: PathBuf,
        /// What it said.
        reason: String,
    },
    /// The runtime failed while judging; the texts of that call have no scores.
    #[error(
        "model {model} failed on {texts} texts: {reason}; nothing was scored, retry or treat them as unjudged"
    )]
    Failed {
        /// Name of the model.
        model: String,
        /// How many texts the call had.
        texts: usize,
        /// What the runtime said.
        reason: String,
    },
    /// Calibration parameters could not be fitted.
    #[error("cannot fit calibration: {0}; give rows of both classes with finite scores")]
    Unfittable(String),
}

fn join(paths: &[PathBuf]) -> String {
    let shown: Vec<_> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    shown.join(", ")
}
