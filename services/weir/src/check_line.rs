//! The answer to one checked text, as one line of JSON: a public contract, described in
//! `docs/CHECK.md` and held by a golden.

use serde::Serialize;
use weir_lane::Judged;
use weir_types::{Action, Category, Finding, Mask, Severity, Span, Unjudged};

/// One line of `weir check --jsonl`.
#[derive(Debug, Serialize)]
pub(crate) struct CheckLine {
    /// The row's id.
    pub(crate) id: String,
    /// What the policy does.
    pub(crate) action: Action,
    /// One calibrated any-harm probability, `0..=1`; null when nothing had a say.
    pub(crate) risk: Option<f32>,
    /// Calibrated probabilities, every category; empty when the classifier had no say.
    pub(crate) scores: Scores,
    /// Categories that the policy acts on.
    pub(crate) flagged: Vec<Category>,
    /// What the rules found.
    pub(crate) findings: Vec<FindingLine>,
    /// The language that the text was judged as.
    pub(crate) language: Language,
    /// What judged the text.
    pub(crate) judged_by: Vec<String>,
    /// What did not, and why.
    pub(crate) unjudged: Vec<Unjudged>,
}

/// Calibrated scores in the order of [`Category::ALL`], written as an object.
#[derive(Debug)]
pub(crate) struct Scores(Vec<(Category, f32)>);

impl Serialize for Scores {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(
            self.0
                .iter()
                .map(|(category, score)| (category.as_str(), score)),
        )
    }
}

/// A finding. The fingerprint is left out: its key may change with each run.
#[derive(Debug, Serialize)]
pub(crate) struct FindingLine {
    detector: String,
    rule: String,
    category: Category,
    span: Span,
    score: f32,
    severity: Severity,
    mask: Option<Mask>,
}

/// A language and how sure that is.
#[derive(Debug, Serialize)]
pub(crate) struct Language {
    tag: String,
    confidence: f32,
}

impl CheckLine {
    /// The line on `judged`, for the row of that id.
    pub(crate) fn new(id: String, judged: Judged) -> Self {
        let verdict = judged.verdict;
        Self {
            id,
            action: verdict.action,
            risk: verdict.risk,
            scores: Scores(
                verdict
                    .scores
                    .iter()
                    .map(|score| (score.category, score.calibrated))
                    .collect(),
            ),
            flagged: judged.flagged,
            findings: verdict
                .findings
                .into_iter()
                .map(FindingLine::from)
                .collect(),
            language: Language {
                tag: verdict.provenance.language,
                confidence: verdict.provenance.language_confidence,
            },
            judged_by: verdict.judged_by,
            unjudged: verdict.unjudged,
        }
    }
}

impl From<Finding> for FindingLine {
    fn from(finding: Finding) -> Self {
        Self {
            detector: finding.detector,
            rule: finding.rule,
            category: finding.category,
            span: finding.span,
            score: finding.score,
            severity: finding.severity,
            mask: finding.mask,
        }
    }
}
