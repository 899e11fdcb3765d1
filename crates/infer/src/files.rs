//! A model's files.

use std::path::Path;

use crate::InferError;
use crate::digest::sha256_hex;
use crate::features::Words;

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, InferError> {
    std::fs::read(path).map_err(|error| InferError::ModelUnreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Weights, which must be those of the manifest.
pub(crate) fn read_weights(path: &Path, sha256: &str) -> Result<Vec<u8>, InferError> {
    let bytes = read(path)?;
    let found = sha256_hex(&bytes);
    if found == sha256 {
        return Ok(bytes);
    }
    Err(InferError::HashMismatch {
        path: path.to_owned(),
        expected: sha256.to_owned(),
        found,
    })
}

/// A model's list of words, which must be that of the manifest, and the last of them.
pub(crate) fn read_words(path: &Path, sha256: &str) -> Result<(Words, String), InferError> {
    let refused = |reason: String| InferError::ModelRefused {
        path: path.to_owned(),
        reason,
    };
    let list = String::from_utf8(read_weights(path, sha256)?)
        .map_err(|error| refused(error.to_string()))?;
    let last = list.lines().last().unwrap_or_default().to_owned();
    Ok((Words::parse(&list).map_err(refused)?, last))
}

/// A file of the base network, which must be that of the manifest.
pub(crate) fn read_base(path: &Path, sha256: &str) -> Result<Vec<u8>, InferError> {
    let bytes = std::fs::read(path).map_err(|error| InferError::BaseUnreadable {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let found = sha256_hex(&bytes);
    if found == sha256 {
        return Ok(bytes);
    }
    Err(InferError::BaseMismatch {
        path: path.to_owned(),
        expected: sha256.to_owned(),
        found,
    })
}
