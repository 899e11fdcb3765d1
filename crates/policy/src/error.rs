use std::fmt;
use std::path::{Path, PathBuf};

use serde_saphyr::Spanned;

/// One thing that is wrong with a policy source: where it is and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: PathBuf,
    /// Line, from 1; 0 when the problem is the file as a whole.
    pub line: u64,
    /// Column, from 1; 0 when the problem is the file as a whole.
    pub column: u64,
    /// What is wrong, lower case, one line.
    pub message: String,
}

pub(crate) type Problems = Vec<Problem>;

impl Problem {
    pub(crate) fn at<T>(file: &Path, spanned: &Spanned<T>, message: String) -> Self {
        let location = spanned.referenced;
        Self {
            file: file.to_owned(),
            line: location.line(),
            column: location.column(),
            message,
        }
    }

    pub(crate) fn whole_file(file: &Path, message: String) -> Self {
        Self {
            file: file.to_owned(),
            line: 0,
            column: 0,
            message,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file.display(), self.message)
        } else {
            write!(
                f,
                "{}:{}:{}: {}",
                self.file.display(),
                self.line,
                self.column,
                self.message
            )
        }
    }
}

/// A set of policies that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicyError {
    /// Everything that is wrong, in file order; never empty.
    pub problems: Vec<Problem>,
}

impl fmt::Display for PolicyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PolicyError {}
