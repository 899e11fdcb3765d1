//! The rules of a policy and the built-in detectors, compiled.

use std::sync::Arc;

use weir_policy::TextRule;

use crate::builtin::Builtin;
use crate::matched::Match;
use crate::reader::Reader;
use crate::rules::{CompileError, Hit, Rules};
use crate::view;

/// Compiled rules, ready to scan. Cheap to share by reference.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(crate) rules: Rules,
    /// What they were compiled from, to say which of it was found.
    pub(crate) sources: Arc<[TextRule]>,
    pub(crate) builtin: &'static Builtin,
}

impl Detector {
    /// Compiles the rules of a policy; personal data and secrets are always looked for.
    ///
    /// The first call of a process takes longer: it also builds the detectors that all share.
    ///
    /// # Errors
    ///
    /// When two rules share an id, a literal is empty (or white space only), a literal has more
    /// than 4,096 bytes, or all of them together more than 1 MiB; when a pattern cannot be read,
    /// matches the empty text or could match more than 256 bytes. The error names the rule.
    pub fn compile(rules: &[TextRule]) -> Result<Self, CompileError> {
        Ok(Self {
            rules: Rules::compile(rules)?,
            sources: rules.into(),
            builtin: Builtin::shared()?,
        })
    }

    /// The same with other rules.
    pub(crate) fn with_rules(&self, rules: Rules) -> Self {
        Self {
            rules,
            sources: Arc::clone(&self.sources),
            builtin: self.builtin,
        }
    }

    /// What a stream's text is to wait for: all that `wanted` says so of, given the detector, the rule
    /// (empty for built-in detectors) and the highest score that it gives.
    pub fn require(&self, wanted: impl Fn(&str, &str, f32) -> bool) -> Required {
        let mut required = Required::default();
        for (worth, source) in self.rules.worth.iter().zip(self.sources.iter()) {
            let literal = !source.literals.is_empty() && wanted("literal", &worth.id, worth.score);
            let pattern = !source.patterns.is_empty() && wanted("pattern", &worth.id, worth.score);
            required.rules.push(literal || pattern);
            required.readers[Reader::Spelt as usize] |= literal;
            required.readers[Reader::Patterns as usize] |= pattern;
        }
        for reader in Reader::ALL {
            if let Some(detector) = reader.detector() {
                required.readers[reader as usize] = wanted(detector, "", 1.0);
            }
        }
        required.readers[Reader::Spelt as usize] |= wanted("api_key", "", 1.0);
        required
    }

    /// The finding that a hit of a rule is.
    pub(crate) fn finding(&self, hit: &Hit, base: i64) -> Match {
        let worth = &self.rules.worth[hit.rule as usize];
        Match {
            detector: if hit.pattern { "pattern" } else { "literal" },
            rule: worth.id.clone(),
            category: worth.category,
            span: view::span(&hit.span, base),
            score: worth.score,
            severity: worth.severity,
        }
    }
}

/// What text waits for before it is settled ([`Detector::require`]).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Required {
    /// By rule.
    pub(crate) rules: Vec<bool>,
    /// By [`Reader`].
    pub(crate) readers: [bool; Reader::COUNT],
}
