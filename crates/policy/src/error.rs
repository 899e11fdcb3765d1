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
    /// What is wrong, lower case, one line without control characters.
    pub message: String,
}

pub(crate) type Problems = Vec<Problem>;

impl Problem {
    pub(crate) fn at<T>(file: &Path, spanned: &Spanned<T>, message: String) -> Self {
        let location = spanned.referenced;
        Self::at_place(file, location.line(), location.column(), message)
    }

    /// A problem at a line and column, both from 1; 0 where they are not known.
    pub(crate) fn at_place(file: &Path, line: u64, column: u64, message: String) -> Self {
        Self {
            file: file.to_owned(),
            line,
            column,
            message: one_line(message),
        }
    }

    pub(crate) fn whole_file(file: &Path, message: String) -> Self {
        Self::at_place(file, 0, 0, message)
    }
}

/// Names that are quoted from a file may hold line breaks and other controls, which would break up the list of
/// problems or steer a terminal: those are escaped.
fn one_line(message: String) -> String {
    if !message.contains(char::is_control) {
        return message;
    }
    let mut line = String::with_capacity(message.len() + 8);
    for c in message.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
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
