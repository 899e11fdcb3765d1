//! The rules of a policy: what they look for, compiled.
//!
//! | what | searched in | by |
//! |---|---|---|
//! | literals of letters | the skeleton | one automaton, then `skeleton/align.rs` |
//! | literals with signs (`c++`, `</s>`) | the clean text, any ASCII case | `exact.rs`, one automaton with the key prefixes |
//! | patterns | the clean text, any case | `pattern.rs`, one automaton says which match at all |
//!
//! The literals of `except` and `near` are searched for with the rest; `condition.rs` decides
//! which hits count.

mod beginning;
mod condition;
mod error;
mod exact;
mod literal;
mod pattern;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_policy::TextRule;
use weir_types::{Category, Severity};

pub(crate) use condition::{Hit, Hits};
pub use error::CompileError;
pub(crate) use exact::{Exact, Spotted};
pub(crate) use literal::{Literals, Position, automaton_error};
pub(crate) use pattern::{MAX_PATTERN_BYTES, Patterns};

/// Longest literal, in bytes.
pub(crate) const MAX_LITERAL_BYTES: usize = 4096;
/// Most bytes of literals, over all rules: some 30,000 rules, tens of MB of automaton.
pub(crate) const MAX_TOTAL_BYTES: usize = 1 << 20;

/// What a finding of a rule is worth, and on what condition.
#[derive(Debug, Clone)]
pub(crate) struct Worth {
    pub(crate) id: Arc<str>,
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) score: f32,
    /// It has exceptions.
    pub(crate) except: bool,
    /// It counts only within so many bytes of a `near` literal.
    pub(crate) near: Option<usize>,
}

/// What a literal is to its rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Role {
    Finding,
    Except,
    Near,
}

/// A literal and whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub(crate) rule: u32,
    pub(crate) role: Role,
    pub(crate) text: &'a str,
}

/// The rules, compiled.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Of everything they are made of, for saved states.
    pub(crate) hash: u64,
    pub(crate) worth: Vec<Worth>,
    pub(crate) literals: Literals,
    pub(crate) exact: Exact,
    pub(crate) patterns: Patterns,
}

impl Rules {
    pub(crate) fn compile(rules: &[TextRule]) -> Result<Self, CompileError> {
        let entries = entries(rules)?;
        let (in_skeletons, as_spelt) = Literals::split(&entries)?;
        Ok(Self {
            hash: hash(rules),
            worth: rules.iter().map(worth).collect(),
            literals: in_skeletons,
            exact: Exact::compile(&as_spelt)?,
            patterns: Patterns::compile(rules)?,
        })
    }
}

/// FNV-1a (64 bits) over the rules as they are written.
fn hash(rules: &[TextRule]) -> u64 {
    format!("{rules:?}")
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

fn worth(rule: &TextRule) -> Worth {
    Worth {
        id: rule.id.as_str().into(),
        category: rule.category,
        severity: rule.severity,
        score: rule.score,
        except: !rule.except.is_empty(),
        near: rule.near.as_ref().map(|near| near.within),
    }
}

/// All literals of all rules, or which of them is wrong.
fn entries(rules: &[TextRule]) -> Result<Vec<Entry<'_>>, CompileError> {
    let mut ids = HashSet::new();
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (index, rule) in rules.iter().enumerate() {
        if !ids.insert(rule.id.as_str()) {
            return Err(CompileError::DuplicateRule {
                rule: rule.id.clone(),
            });
        }
        let near = rule.near.iter().flat_map(|near| &near.literals);
        let literals = (rule.literals.iter().map(|text| (Role::Finding, text)))
            .chain(rule.except.iter().map(|text| (Role::Except, text)))
            .chain(near.map(|text| (Role::Near, text)));
        for (place, (role, text)) in literals.enumerate() {
            let (name, number) = (|| rule.id.clone(), place + 1);
            if text.trim().is_empty() {
                return Err(CompileError::EmptyLiteral {
                    rule: name(),
                    number,
                });
            }
            if text.len() > MAX_LITERAL_BYTES {
                return Err(CompileError::LiteralTooLong {
                    rule: name(),
                    number,
                    bytes: text.len(),
                    limit: MAX_LITERAL_BYTES,
                });
            }
            bytes += text.len();
            if bytes > MAX_TOTAL_BYTES {
                return Err(CompileError::TooLarge {
                    rule: name(),
                    bytes,
                    limit: MAX_TOTAL_BYTES,
                });
            }
            // Policies hold far fewer than 2^32 rules: their bytes are capped above.
            let rule = u32::try_from(index).unwrap_or(u32::MAX);
            entries.push(Entry { rule, role, text });
        }
    }
    Ok(entries)
}
