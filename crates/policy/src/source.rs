use std::path::{Path, PathBuf};

use crate::error::{Problem, Problems};

/// One source file: where it came from and what it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What problems name; nothing is read from there.
    pub path: PathBuf,
    /// One YAML document.
    pub text: String,
}

/// The YAML files of a folder in order of name; a folder that does not exist holds none.
pub(crate) fn read_folder(dir: &Path, problems: &mut Problems) -> Vec<SourceFile> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| {
            path.extension()
                .is_some_and(|ext| ext == "yaml" || ext == "yml")
        })
        .collect();
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        match std::fs::read_to_string(&path) {
            Ok(text) => files.push(SourceFile { path, text }),
            Err(error) => {
                problems.push(Problem::whole_file(
                    &path,
                    format!("cannot be read: {error}"),
                ));
            }
        }
    }
    files
}
