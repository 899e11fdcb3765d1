use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;
use weir_types::{Action, Category, Severity};

use crate::error::{Problem, Problems};
use crate::yaml;

/// A literal rule: any of its literals in a text is a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct LiteralRule {
    /// Unique id, e.g. `injection.override.en`.
    pub id: String,
    /// What a match is evidence of.
    pub category: Category,
    /// How bad a match is when right.
    pub severity: Severity,
    /// Confidence of a match, `0.0..=1.0`.
    pub score: f32,
    /// What to look for: non-empty strings, matched without regard to case.
    pub literals: Vec<String>,
}

/// A literal rule together with the action it asks for unless a policy says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeclaredRule {
    pub(crate) rule: LiteralRule,
    pub(crate) action: Action,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RulesFile {
    rules: Vec<RuleEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    id: Spanned<String>,
    category: Spanned<String>,
    #[serde(default)]
    severity: Severity,
    score: Spanned<f32>,
    action: Action,
    literals: Vec<Spanned<String>>,
}

/// Reads one rules file; problems are collected, so that an author sees all of them at once.
pub(crate) fn parse(file: &Path, source: &str, problems: &mut Problems) -> Vec<DeclaredRule> {
    let Some(parsed) = yaml::parse::<RulesFile>(file, source, problems) else {
        return Vec::new();
    };
    parsed
        .rules
        .into_iter()
        .filter_map(|entry| check(file, entry, problems))
        .collect()
}

fn check(file: &Path, entry: RuleEntry, problems: &mut Problems) -> Option<DeclaredRule> {
    let before = problems.len();
    let category = entry
        .category
        .value
        .parse::<Category>()
        .map_err(|error| problems.push(Problem::at(file, &entry.category, error.to_string())))
        .ok();
    if !(0.0..=1.0).contains(&entry.score.value) {
        let message = format!("score {} is outside 0..1", entry.score.value);
        problems.push(Problem::at(file, &entry.score, message));
    }
    if entry.literals.is_empty() {
        let message = format!("rule {} has no literals", entry.id.value);
        problems.push(Problem::at(file, &entry.id, message));
    }
    for literal in &entry.literals {
        if literal.value.trim().is_empty() {
            let message = format!("rule {} has an empty literal", entry.id.value);
            problems.push(Problem::at(file, literal, message));
        }
    }
    if problems.len() > before {
        return None;
    }
    Some(DeclaredRule {
        rule: LiteralRule {
            id: entry.id.value,
            category: category?,
            severity: entry.severity,
            score: entry.score.value,
            literals: entry
                .literals
                .into_iter()
                .map(|literal| literal.value)
                .collect(),
        },
        action: entry.action,
    })
}
