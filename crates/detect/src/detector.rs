//! The rules of a policy and the built-in detectors, compiled.

use std::sync::Arc;

use weir_policy::TextRule;

use crate::builtin::Builtin;
use crate::matched::Match;
use crate::rules::{CompileError, Hit, Role, Rules, Spotted};
use crate::view::{self, View};

/// Compiled rules, ready to scan. Cheap to share by reference.
#[derive(Debug, Clone)]
pub struct Detector {
    pub(crate) rules: Rules,
    /// What they were compiled from, to say which of it was found.
    pub(crate) sources: Arc<[TextRule]>,
    builtin: &'static Builtin,
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

    /// Runs everything that reads the clean text; hits of rules go to `hits`.
    pub(crate) fn scan_clean(
        &self,
        view: &View<'_>,
        out: &mut Vec<Match>,
        hits: &mut impl FnMut(Hit),
    ) {
        self.rules
            .exact
            .scan(view.text, &mut |spotted| match spotted {
                Spotted::Literal(rule, role, range) => hits(Hit {
                    rule,
                    role,
                    pattern: false,
                    span: view.place(&range),
                }),
                Spotted::KeyPrefix(format, start) => {
                    out.extend(self.builtin.keys.check(view, start, format));
                }
            });
        self.rules.patterns.scan(view.text, &mut |rule, range| {
            hits(Hit {
                rule,
                role: Role::Finding,
                pattern: true,
                span: view.place(&range),
            });
        });
        self.builtin.scan(view, out);
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
