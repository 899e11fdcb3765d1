use std::path::Path;

use serde::Deserialize;
use serde_saphyr::Spanned;
use weir_types::{Action, Category, Severity};

use crate::error::{Problem, Problems};
use crate::yaml;

/// A rule: any of its literals or patterns in a text is a finding.
#[derive(Debug, Clone, PartialEq)]
pub struct TextRule {
    /// Unique id, e.g. `injection.override.en`.
    pub id: String,
    /// What a match is evidence of.
    pub category: Category,
    /// How bad a match is when right.
    pub severity: Severity,
    /// Confidence of a match, `0.0..=1.0`.
    pub score: f32,
    /// What to look for: non-empty strings, found in any case and through disguises.
    pub literals: Vec<String>,
    /// Regular expressions of bounded length, in the syntax of the crate `regex`; any case.
    pub patterns: Vec<String>,
    /// Literals inside which a finding does not count: `kill the process` for `kill`.
    pub except: Vec<String>,
    /// A finding counts only near one of these.
    pub near: Option<Near>,
}

/// What must stand near a finding.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Near {
    /// Any of these literals.
    pub literals: Vec<String>,
    /// At most so many bytes between the two, `1..=256`.
    pub within: usize,
}

/// Longest distance of [`Near`], bytes.
const MAX_WITHIN: usize = 256;
/// Longest literal of `except` and `near`, bytes: how long the decision on a finding may take.
const MAX_CONDITION_BYTES: usize = 256;

/// A rule together with the action it asks for unless a policy says otherwise.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DeclaredRule {
    pub(crate) rule: TextRule,
    pub(crate) action: Action,
    pub(crate) applies_to: AppliesTo,
}

/// What texts a rule is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AppliesTo {
    #[default]
    Both,
    /// Demands: who answers does not make them, and words that begin one need not wait.
    Prompts,
    Streams,
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
    #[serde(default)]
    applies_to: AppliesTo,
    #[serde(default)]
    literals: Vec<Spanned<String>>,
    #[serde(default)]
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
    near: Option<NearEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NearEntry {
    literals: Vec<Spanned<String>>,
    within: Spanned<usize>,
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
    if entry.literals.is_empty() && entry.patterns.is_empty() {
        let message = format!("rule {} has neither literals nor patterns", entry.id.value);
        problems.push(Problem::at(file, &entry.id, message));
    }
    for literal in entry.literals.iter().chain(&entry.patterns) {
        if literal.value.trim().is_empty() {
            let message = format!("rule {} has an empty literal", entry.id.value);
            problems.push(Problem::at(file, literal, message));
        }
    }
    let near = entry.near.as_ref();
    for literal in entry
        .except
        .iter()
        .chain(near.iter().flat_map(|near| &near.literals))
    {
        let bytes = literal.value.len();
        if literal.value.trim().is_empty() || bytes > MAX_CONDITION_BYTES {
            let message = format!(
                "rule {}: a literal of except and near has 1 to {MAX_CONDITION_BYTES} bytes, not {bytes}",
                entry.id.value
            );
            problems.push(Problem::at(file, literal, message));
        }
    }
    if let Some(near) = near
        && !(1..=MAX_WITHIN).contains(&near.within.value)
    {
        let message = format!(
            "within is 1 to {MAX_WITHIN} bytes, not {}",
            near.within.value
        );
        problems.push(Problem::at(file, &near.within, message));
    }
    if problems.len() > before {
        return None;
    }
    Some(DeclaredRule {
        rule: TextRule {
            id: entry.id.value,
            category: category?,
            severity: entry.severity,
            score: entry.score.value,
            literals: values(entry.literals),
            patterns: values(entry.patterns),
            except: values(entry.except),
            near: entry.near.map(|near| Near {
                literals: values(near.literals),
                within: near.within.value,
            }),
        },
        action: entry.action,
        applies_to: entry.applies_to,
    })
}

fn values(spanned: Vec<Spanned<String>>) -> Vec<String> {
    spanned.into_iter().map(|entry| entry.value).collect()
}
