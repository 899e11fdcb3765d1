//! Finds and loads ONNX Runtime's shared library, once a process.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ort::environment::Environment;

use crate::InferError;
use crate::digest::sha256_hex;

/// The variable that names a library to load in place of the pinned one.
pub const RUNTIME_ENV: &str = "WEIR_ONNXRUNTIME";

/// Where `scripts/onnxruntime` puts the library, relative to the repository.
const PINNED: &str = ".tools/onnxruntime/1.31.1/libonnxruntime.so.1.31.1";

/// SHA-256 of the pinned library, as in `scripts/onnxruntime`; `None` on machines that have none.
const PINNED_SHA256: Option<&str> = if cfg!(target_arch = "x86_64") {
    Some("fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3")
} else if cfg!(target_arch = "aarch64") {
    Some("8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467")
} else {
    None
};

/// The process's ONNX Runtime; ort allows one environment a process.
///
/// # Errors
/// As [`load`]; the outcome of the first call stands for all later ones.
pub(crate) fn environment() -> Result<&'static Environment, InferError> {
    static ENVIRONMENT: OnceLock<Result<Environment, InferError>> = OnceLock::new();
    ENVIRONMENT.get_or_init(load).as_ref().map_err(Clone::clone)
}

/// Whether ONNX Runtime is there and loads; models load it by themselves.
///
/// # Errors
/// [`InferError::RuntimeMissing`] and [`InferError::RuntimeBroken`].
pub fn check() -> Result<(), InferError> {
    environment().map(drop)
}

fn load() -> Result<Environment, InferError> {
    let named = std::env::var_os(RUNTIME_ENV).map(PathBuf::from);
    let current = std::env::current_dir().ok();
    let executable = std::env::current_exe().ok();
    let (path, pinned) = locate(named, current.as_deref(), executable.as_deref())?;
    let broken = |reason: String| InferError::RuntimeBroken {
        path: path.clone(),
        reason,
    };
    if pinned {
        check_pinned(&path).map_err(broken)?;
    }
    ort::init_from(&path)
        .map_err(|error| broken(error.to_string()))?
        .with_name("weir")
        .with_telemetry(false)
        .build()
        .map_err(|error| broken(error.to_string()))
}

/// The library to load, and whether it must be the pinned one: the one named in the environment; else
/// the pinned one in or above the current folder, then in or above the executable's.
fn locate(
    named: Option<PathBuf>,
    current: Option<&Path>,
    executable: Option<&Path>,
) -> Result<(PathBuf, bool), InferError> {
    if let Some(path) = named {
        // A wrong name is an error, not a reason to load something else.
        return if path.is_file() {
            Ok((path, false))
        } else {
            Err(InferError::RuntimeMissing {
                looked_at: vec![path],
            })
        };
    }
    let folders = [current, executable.and_then(Path::parent)];
    let mut looked_at: Vec<PathBuf> = Vec::new();
    for folder in folders.into_iter().flatten().flat_map(Path::ancestors) {
        let path = folder.join(PINNED);
        if path.is_file() {
            return Ok((path, true));
        }
        if !looked_at.contains(&path) {
            looked_at.push(path);
        }
    }
    Err(InferError::RuntimeMissing { looked_at })
}

/// A library that is merely lying above the current folder is code that someone else may have put
/// there: it has to be the very one that was pinned.
fn check_pinned(path: &Path) -> Result<(), String> {
    let Some(expected) = PINNED_SHA256 else {
        return Err(format!(
            "no version is pinned for this machine; name one in {RUNTIME_ENV}"
        ));
    };
    let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
    let found = sha256_hex(&bytes);
    if found == expected {
        Ok(())
    } else {
        Err(format!("its SHA-256 is {found}, expected {expected}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_pins_the_same_library() {
        let script = include_str!("../../../scripts/onnxruntime");
        assert!(PINNED_SHA256.is_some_and(|hash| script.contains(hash)));
        assert!(script.contains("version=1.31.1"));
    }

    #[test]
    fn search_order() {
        let root = tempfile::tempdir().unwrap();
        let here = root.path().join("a/b");
        let there = root.path().join("c/d");
        for folder in [&here, &there] {
            std::fs::create_dir_all(folder).unwrap();
        }
        let executable = there.join("weir");

        let error = locate(None, Some(&here), Some(&executable))
            .unwrap_err()
            .to_string();
        assert!(error.contains("run `scripts/onnxruntime`"), "{error}");
        assert!(error.contains("WEIR_ONNXRUNTIME"), "{error}");

        let put = |folder: PathBuf| {
            let path = folder.join(PINNED);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, b"not a library").unwrap();
            path
        };
        let beside = put(root.path().join("c"));
        assert_eq!(
            locate(None, Some(&here), Some(&executable)).unwrap(),
            (beside, true)
        );
        let above = put(root.path().join("a"));
        assert_eq!(
            locate(None, Some(&here), Some(&executable)).unwrap(),
            (above.clone(), true)
        );
        let named = Some(above.clone());
        assert_eq!(
            locate(named, None, Some(&executable)).unwrap(),
            (above.clone(), false)
        );
        assert!(locate(Some(root.path().join("none")), Some(&here), None).is_err());

        let error = check_pinned(&above).unwrap_err();
        assert!(error.contains("SHA-256"), "{error}");
    }
}
