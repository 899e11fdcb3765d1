//! What was checked, and what came of it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Value, json};

/// Wide enough for the longest name of a check with the topics' usual names.
const NAME_WIDTH: usize = 34;

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum State {
    Ok,
    /// It works so, and should not stay so.
    Warning,
    Failed,
    /// It was not asked for, or cannot be told.
    Skipped,
}

impl State {
    const ALL: [Self; 4] = [Self::Ok, Self::Warning, Self::Failed, Self::Skipped];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Check {
    pub(super) name: String,
    pub(super) state: State,
    /// What was found, or why it was skipped.
    pub(super) found: String,
    /// A command or setting; only of what is a warning or failed.
    pub(super) fix: Option<String>,
}

impl Check {
    fn new(name: impl Into<String>, state: State, found: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            state,
            found: found.into(),
            fix: None,
        }
    }

    pub(super) fn ok(name: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(name, State::Ok, found)
    }

    pub(super) fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self::new(name, State::Skipped, why)
    }

    pub(super) fn warning(
        name: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            fix: Some(fix.into()),
            ..Self::new(name, State::Warning, found)
        }
    }

    pub(super) fn failed(
        name: impl Into<String>,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            fix: Some(fix.into()),
            ..Self::new(name, State::Failed, found)
        }
    }

    /// Failed by an error of Weir's, which say what is wrong and, behind the last semicolon, what to do; where one
    /// has nothing behind it, `otherwise` is what to do.
    pub(super) fn failed_by(
        name: impl Into<String>,
        error: &(impl ToString + ?Sized),
        otherwise: &str,
    ) -> Self {
        let error = error.to_string();
        match error.rsplit_once("; ") {
            Some((found, fix)) => Self::failed(name, found, fix),
            None => Self::failed(name, error, otherwise),
        }
    }
}

/// Everything that was checked so far. For people each check is written when it is done.
#[derive(Debug)]
pub(super) struct Report {
    json: bool,
    checks: Vec<Check>,
}

impl Report {
    pub(super) const fn new(json: bool) -> Self {
        Self {
            json,
            checks: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, check: Check) -> io::Result<()> {
        if !self.json {
            line(&mut io::stdout().lock(), &check)?;
        }
        self.checks.push(check);
        Ok(())
    }

    /// Writes what is left to say.
    pub(super) fn end(&self) -> io::Result<()> {
        let mut out = io::stdout().lock();
        if self.json {
            return writeln!(out, "{}", self.to_json());
        }
        let counts = State::ALL.map(|state| format!("{} {}", self.count(state), state.as_str()));
        writeln!(out, "{} checks: {}", self.checks.len(), counts.join(", "))
    }

    pub(super) fn has_failed(&self) -> bool {
        self.count(State::Failed) > 0
    }

    fn count(&self, state: State) -> usize {
        let all = self.checks.iter();
        all.filter(|check| check.state == state).count()
    }

    fn to_json(&self) -> Value {
        let mut value = json!({ "checks": self.checks });
        for state in State::ALL {
            value[state.as_str()] = self.count(state).into();
        }
        value
    }
}

fn line(out: &mut dyn Write, check: &Check) -> io::Result<()> {
    let Check {
        name,
        state,
        found,
        fix,
    } = check;
    writeln!(out, "{:<8} {name:<NAME_WIDTH$} {found}", state.as_str())?;
    match fix {
        Some(fix) => writeln!(out, "         fix: {fix}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_cut_into_what_is_wrong_and_what_to_do() {
        let cut = Check::failed_by("a", "b: c; d; run e", "f");
        assert_eq!(cut, Check::failed("a", "b: c; d", "run e"));
        let whole = Check::failed_by("a", "b: c", "f");
        assert_eq!(whole, Check::failed("a", "b: c", "f"));
    }

    #[test]
    fn people_read_a_fix_below_its_check_and_machines_all_of_it() {
        let mut out = Vec::new();
        line(
            &mut out,
            &Check::failed("topic t", "it is not there", "make it"),
        )
        .unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("failed   topic t "), "{text}");
        assert!(
            text.ends_with("it is not there\n         fix: make it\n"),
            "{text}"
        );

        let mut report = Report::new(true);
        report.add(Check::ok("a", "b")).unwrap();
        assert!(!report.has_failed());
        report.add(Check::warning("c", "d", "e")).unwrap();
        report.add(Check::skipped("f", "g")).unwrap();
        assert!(!report.has_failed());
        report.add(Check::failed("h", "i", "j")).unwrap();
        assert!(report.has_failed());
        assert_eq!(
            report.to_json(),
            json!({
                "checks": [
                    { "name": "a", "state": "ok", "found": "b", "fix": null },
                    { "name": "c", "state": "warning", "found": "d", "fix": "e" },
                    { "name": "f", "state": "skipped", "found": "g", "fix": null },
                    { "name": "h", "state": "failed", "found": "i", "fix": "j" },
                ],
                "ok": 1, "warning": 1, "failed": 1, "skipped": 1,
            })
        );
    }
}
