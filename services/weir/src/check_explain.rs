//! `weir check --explain`: the text as it was read, and why each finding is one.
//!
//! The verdict is the judge's; this only adds to it, by looking the verdict's findings up in what the
//! detector says of the same text.

use std::io::{IsTerminal as _, Write};

use serde::Serialize;
use weir_detect::{Because, Explanation, Sought, Why};
use weir_gate::Judges;
use weir_types::{Action, Finding, Severity, Span, Verdict};

use crate::check_line::CheckLine;
use crate::marks::{self, Marks, show, shown};

/// Reasons of one finding that are shown to people; there may be as many as a rule has literals.
const REASONS: usize = 5;

/// Explains verdicts by the rules and the policy that they were made by.
#[derive(Debug)]
pub(crate) struct Explainer {
    judges: Judges,
    tenant: String,
}

impl Explainer {
    /// For texts of `tenant`.
    pub(crate) fn new(judges: Judges, tenant: &str) -> Self {
        Self {
            judges,
            tenant: tenant.to_owned(),
        }
    }

    /// Why `verdict` was given on `text`.
    pub(crate) fn explain<'a>(&self, text: &'a str, verdict: &Verdict) -> Explained<'a> {
        let policy = self.judges.policies().for_tenant(&self.tenant);
        let bytes = text.as_bytes();
        // As far as the rules looked.
        let judged = &bytes[..bytes.len().min(policy.max_text_bytes)];
        let mut explanation = self.judges.detector().explain(judged);
        let known = std::mem::take(&mut explanation.findings);
        let findings = verdict
            .findings
            .iter()
            .map(|finding| ExplainedFinding {
                action: policy.action_for_finding(&finding.detector, &finding.rule, finding.score),
                because: known
                    .iter()
                    .find(|other| {
                        other.found.span == finding.span
                            && other.found.detector == finding.detector
                            && *other.found.rule == *finding.rule
                    })
                    .map_or_else(Vec::new, |other| other.because.clone()),
                finding: finding.clone(),
            })
            .collect();
        Explained {
            text,
            explanation,
            findings,
            enforced: policy.enforce,
        }
    }
}

/// A text, explained.
#[derive(Debug)]
pub(crate) struct Explained<'a> {
    text: &'a str,
    explanation: Explanation,
    findings: Vec<ExplainedFinding>,
    enforced: bool,
}

#[derive(Debug)]
struct ExplainedFinding {
    finding: Finding,
    action: Action,
    because: Vec<Because>,
}

/// A line of `weir check --json`, explained or not.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainedLine<'a> {
    #[serde(flatten)]
    pub(crate) line: CheckLine,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) explain: Option<ExplainLine<'a>>,
}

/// The object `explain`, which `docs/CHECK.md` describes.
#[derive(Debug, Serialize)]
pub(crate) struct ExplainLine<'a> {
    normalised: &'a str,
    changes: Vec<ChangeLine<'a>>,
    skeleton: &'a str,
    base64: Vec<Base64Line<'a>>,
    findings: Vec<ReasonsLine<'a>>,
}

#[derive(Debug, Serialize)]
struct ChangeLine<'a> {
    span: Span,
    why: &'static str,
    became: &'a str,
}

#[derive(Debug, Serialize)]
struct Base64Line<'a> {
    span: Span,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct ReasonsLine<'a> {
    action: Action,
    because: Vec<ReasonLine<'a>>,
}

#[derive(Debug, Serialize)]
struct ReasonLine<'a> {
    kind: &'static str,
    sought: &'a str,
    text: &'a str,
    disguises: &'a [String],
    base64: Option<usize>,
}

impl Explained<'_> {
    /// For machines.
    pub(crate) fn to_json(&self) -> ExplainLine<'_> {
        let explanation = &self.explanation;
        ExplainLine {
            normalised: &explanation.clean,
            changes: explanation
                .changes
                .iter()
                .map(|change| ChangeLine {
                    span: span(&change.original),
                    why: change.why.as_str(),
                    became: explanation
                        .clean
                        .get(change.clean.clone())
                        .unwrap_or_default(),
                })
                .collect(),
            skeleton: &explanation.skeleton,
            base64: explanation
                .base64
                .iter()
                .map(|decoded| Base64Line {
                    span: span(&decoded.original),
                    text: &decoded.text,
                })
                .collect(),
            findings: self
                .findings
                .iter()
                .map(|finding| ReasonsLine {
                    action: finding.action,
                    because: finding.because.iter().map(ReasonLine::of).collect(),
                })
                .collect(),
        }
    }

    /// For people, in colour if standard output is a terminal and nobody objects (`NO_COLOR`).
    pub(crate) fn describe(&self, out: &mut impl Write) -> std::io::Result<()> {
        let objection = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let colour = std::io::stdout().is_terminal() && !objection;
        let explanation = &self.explanation;
        writeln!(out, "text       {}", self.marked(colour))?;
        if explanation.clean != self.text {
            writeln!(out, "normalised {}", shown(&explanation.clean))?;
        }
        if !explanation.changes.is_empty() {
            writeln!(out, "changed    {}", self.changes())?;
        }
        if explanation.skeleton != explanation.clean.to_lowercase() {
            writeln!(out, "skeleton   {}", explanation.skeleton)?;
        }
        for decoded in &explanation.base64 {
            let (start, end) = (decoded.original.start, decoded.original.end);
            let text = shown(&decoded.text);
            writeln!(out, "base64     bytes {start}..{end} hold {text}")?;
        }
        writeln!(out)?;
        for finding in &self.findings {
            finding.describe(out, self.enforced, colour)?;
            writeln!(out)?;
        }
        Ok(())
    }

    /// The original text with its findings marked and nothing invisible.
    fn marked(&self, colour: bool) -> String {
        let mut marks = Marks::new(colour);
        let mut findings: Vec<&Finding> = self
            .findings
            .iter()
            .map(|finding| &finding.finding)
            .collect();
        findings.sort_by_key(|finding| (finding.span.start, std::cmp::Reverse(finding.span.end)));
        let mut findings = findings.into_iter().peekable();
        let mut changes = self.explanation.changes.iter().peekable();
        for (at, c) in self.text.char_indices() {
            let place = i64::try_from(at).unwrap_or(i64::MAX);
            marks.close(place);
            while let Some(finding) = findings.next_if(|finding| finding.span.start <= place) {
                marks.open(finding);
            }
            while changes
                .next_if(|change| change.original.end <= at)
                .is_some()
            {}
            let dropped = changes
                .peek()
                .is_some_and(|change| change.original.start <= at && change.why == Why::Invisible);
            show(c, dropped && !c.is_ascii(), &mut marks.out);
        }
        marks.finish()
    }

    /// How many changes there are of each kind.
    fn changes(&self) -> String {
        let mut kinds: Vec<(Why, usize)> = Vec::new();
        for change in &self.explanation.changes {
            match kinds.iter_mut().find(|(why, _)| *why == change.why) {
                Some((_, count)) => *count += 1,
                None => kinds.push((change.why, 1)),
            }
        }
        kinds
            .iter()
            .map(|(why, count)| format!("{count} {}", why.as_str().replace('_', " ")))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

impl ExplainedFinding {
    fn describe(&self, out: &mut impl Write, enforced: bool, colour: bool) -> std::io::Result<()> {
        let finding = &self.finding;
        let (on, off) = if colour {
            (marks::escape(finding.severity), marks::OFF)
        } else {
            ("", "")
        };
        writeln!(
            out,
            "finding   {on}{} {}{off} ({})",
            finding.detector, finding.rule, finding.category
        )?;
        let (start, end) = (finding.span.start, finding.span.end);
        writeln!(
            out,
            "  score {:.2}, severity {}, bytes {start}..{end}",
            finding.score,
            name(finding.severity)
        )?;
        let note = if enforced { "" } else { " (not enforced)" };
        writeln!(out, "  action  {}{note}", self.action)?;
        for because in self.because.iter().take(REASONS) {
            writeln!(out, "  because {}", sentence(because))?;
        }
        match self.because.len().saturating_sub(REASONS) {
            0 => Ok(()),
            more => writeln!(out, "  because of {more} more"),
        }
    }
}

impl<'a> ReasonLine<'a> {
    fn of(because: &'a Because) -> Self {
        let (kind, sought) = match &because.sought {
            Sought::Literal(text) => ("literal", text),
            Sought::Pattern(text) => ("pattern", text),
            Sought::Check(text) => ("check", text),
        };
        Self {
            kind,
            sought,
            text: &because.text,
            disguises: &because.disguises,
            base64: because.base64,
        }
    }
}

/// `literal "kill" in "k1ll": 1 for i`
fn sentence(because: &Because) -> String {
    let text = shown(&because.text);
    let mut out = match &because.sought {
        Sought::Literal(literal) => format!("literal \"{literal}\" in \"{text}\""),
        Sought::Pattern(pattern) => format!("pattern {pattern} in \"{text}\""),
        Sought::Check(check) if text.is_empty() => check.clone(),
        Sought::Check(check) => format!("{check}: \"{text}\""),
    };
    if !because.disguises.is_empty() {
        let separator = if matches!(because.sought, Sought::Check(_)) {
            ", written with "
        } else {
            ": "
        };
        out += separator;
        out += &because.disguises.join(", ");
    }
    out
}

const fn name(severity: Severity) -> &'static str {
    match severity {
        Severity::Low => "low",
        Severity::Medium => "medium",
        Severity::High => "high",
        Severity::Critical => "critical",
    }
}

fn span(range: &std::ops::Range<usize>) -> Span {
    let at = |place| i64::try_from(place).unwrap_or(i64::MAX);
    Span {
        start: at(range.start),
        end: at(range.end),
    }
}
