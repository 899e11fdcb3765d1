//! The answer to one checked text, as one line of JSON: a public contract, described in
//! `docs/CHECK.md` and held by a golden.

use serde::Serialize;
use weir_lane::Judged;
use weir_types::{
    Action, Category, CategoryScore, Finding, Mask, Severity, Span, Unjudged, Verdict,
};

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
    /// The model's own outputs (logits), every category; empty when the classifier had no say.
    pub(crate) raw: Scores,
}

/// Scores in the order of [`Category::ALL`], written as an object.
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
            scores: Scores::of(&verdict.scores),
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
            raw: Scores::raw(&verdict.scores),
        }
    }
}

impl CheckLine {
    /// The line on a stream of that id: its last verdict, with the findings of all, and of each category the
    /// worst score of any window.
    pub(crate) fn of_stream(
        id: String,
        verdicts: Vec<Verdict>,
        mut flagged: Vec<Category>,
    ) -> Self {
        flagged.sort_unstable();
        flagged.dedup();
        let mut line = Self {
            id,
            action: Action::Allow,
            risk: None,
            scores: Scores(Vec::new()),
            flagged,
            findings: Vec::new(),
            language: Language {
                tag: "und".to_owned(),
                confidence: 0.0,
            },
            judged_by: Vec::new(),
            unjudged: Vec::new(),
            raw: Scores(Vec::new()),
        };
        for verdict in verdicts {
            line.action = line.action.max(verdict.action);
            line.risk = match (line.risk, verdict.risk) {
                (Some(known), Some(risk)) => Some(known.max(risk)),
                (known, risk) => known.or(risk),
            };
            line.scores.take(Scores::of(&verdict.scores));
            line.raw.take(Scores::raw(&verdict.scores));
            line.language = Language {
                tag: verdict.provenance.language,
                confidence: verdict.provenance.language_confidence,
            };
            let found = verdict.findings.into_iter().map(FindingLine::from);
            line.findings.extend(found);
            push_new(&mut line.judged_by, verdict.judged_by);
            push_new(&mut line.unjudged, verdict.unjudged);
        }
        line.findings
            .sort_by_key(|finding| (finding.span.start, finding.span.end));
        line
    }
}

fn push_new<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for one in more {
        if !known.contains(&one) {
            known.push(one);
        }
    }
}

impl Scores {
    /// Those of one verdict.
    pub(crate) fn of(scores: &[CategoryScore]) -> Self {
        let pairs = scores
            .iter()
            .map(|score| (score.category, score.calibrated));
        Self(pairs.collect())
    }

    /// What the model itself said.
    fn raw(scores: &[CategoryScore]) -> Self {
        let pairs = scores.iter().map(|score| (score.category, score.raw));
        Self(pairs.collect())
    }

    /// Keeps the worse of each category.
    fn take(&mut self, more: Self) {
        for (category, score) in more.0 {
            match self.0.iter_mut().find(|(known, _)| *known == category) {
                Some((_, worst)) => *worst = worst.max(score),
                None => self.0.push((category, score)),
            }
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
