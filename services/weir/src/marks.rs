//! Marks findings in a text, and shows what does not show.

use std::fmt::Write as _;

use weir_types::{Finding, Severity};

/// The end of a colour.
pub(crate) const OFF: &str = "\u{1b}[0m";

/// The beginning of the severity's colour, bold.
pub(crate) const fn escape(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "\u{1b}[1;36m",
        Severity::Medium => "\u{1b}[1;33m",
        Severity::High | Severity::Critical => "\u{1b}[1;31m",
    }
}

/// Marks findings in a text: by colour, or by brackets that say what they are.
pub(crate) struct Marks<'a> {
    /// The marked text so far.
    pub(crate) out: String,
    open: Vec<&'a Finding>,
    colour: bool,
}

impl<'a> Marks<'a> {
    pub(crate) fn new(colour: bool) -> Self {
        Self {
            out: String::new(),
            open: Vec::new(),
            colour,
        }
    }

    /// Here begins a finding.
    pub(crate) fn open(&mut self, finding: &'a Finding) {
        self.open.push(finding);
        if self.colour {
            self.paint();
        } else {
            self.out += &format!("[{} {}: ", finding.detector, finding.rule);
        }
    }

    /// Closes what ends at or before `place`.
    pub(crate) fn close(&mut self, place: i64) {
        let before = self.open.len();
        self.open
            .retain(|finding| finding.span.end > place && place < i64::MAX);
        let closed = before - self.open.len();
        if self.colour && closed > 0 {
            self.paint();
        } else {
            self.out += &"]".repeat(closed);
        }
    }

    /// Closes what is open; the marked text.
    pub(crate) fn finish(mut self) -> String {
        self.close(i64::MAX);
        self.out
    }

    /// The colour of the worst that is open.
    fn paint(&mut self) {
        self.out += OFF;
        let worst = self.open.iter().map(|finding| finding.severity).max();
        self.out += worst.map_or("", escape);
    }
}

/// The text without anything that a terminal would obey or not show.
pub(crate) fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        show(c, false, &mut out);
    }
    out
}

/// Writes a character; `hidden`: by its code point, as controls are.
pub(crate) fn show(c: char, hidden: bool, out: &mut String) {
    let steers = c.is_control() && !matches!(c, '\n' | '\t')
        || matches!(u32::from(c), 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f);
    if hidden || steers {
        // Writing to a string does not fail.
        let _ = write!(out, "<U+{:04X}>", u32::from(c));
    } else {
        out.push(c);
    }
}
