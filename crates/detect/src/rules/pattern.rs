//! Patterns: regular expressions of bounded length over the clean text.

use std::ops::Range;

use regex_automata::meta::{Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;
use weir_policy::TextRule;

use super::{CompileError, beginning};
use crate::work::spend;

/// Longest match of a pattern, in bytes: what a stream may have to hold.
pub(crate) const MAX_PATTERN_BYTES: usize = 256;
/// Most memory of one compiled pattern, bytes; `\w{1,200}` alone takes a good part of it.
const MAX_PATTERN_SIZE: usize = 4 << 20;

/// All patterns of all rules.
#[derive(Debug, Clone)]
pub(crate) struct Patterns {
    /// Says in one pass which patterns match at all; `None`: there are no patterns.
    any: Option<Regex>,
    /// Each by itself, for where.
    each: Vec<(u32, Regex)>,
    /// Finds where at the end of a text the first match is under way; `None`: there are no patterns.
    under_way: Option<Regex>,
}

impl Patterns {
    pub(super) fn compile(rules: &[TextRule]) -> Result<Self, CompileError> {
        let mut hirs = Vec::new();
        let mut each = Vec::new();
        for (index, rule) in rules.iter().enumerate() {
            for (place, pattern) in rule.patterns.iter().enumerate() {
                let number = place + 1;
                let bad = |cause: String| CompileError::BadPattern {
                    rule: rule.id.clone(),
                    number,
                    cause,
                };
                let hir = regex_syntax::ParserBuilder::new()
                    .case_insensitive(true)
                    .build()
                    .parse(pattern)
                    .map_err(|error| bad(error.to_string()))?;
                check(&hir, rule, number)?;
                let regex = Regex::builder()
                    .configure(config())
                    .build_from_hir(&hir)
                    .map_err(|error| bad(error.to_string()))?;
                each.push((u32::try_from(index).unwrap_or(u32::MAX), regex));
                hirs.push(hir);
            }
        }
        let ends: Vec<Hir> = hirs.iter().map(beginning::at_end).collect();
        Ok(Self {
            any: all(&hirs, config().match_kind(MatchKind::All))?,
            each,
            under_way: all(&ends, config())?,
        })
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// Where in `text`, from `from` on, the first match is under way that what follows may complete; the
    /// end if none is.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(MAX_PATTERN_BYTES));
        spend(text.len() - from);
        self.under_way
            .as_ref()
            .and_then(|under_way| under_way.find(Input::new(text).range(from..)))
            .map_or(text.len(), |begun| begun.start())
    }

    /// Hands over rule and place of every match, in bytes of `text`. Matches of one pattern do not
    /// overlap.
    pub(crate) fn scan(&self, text: &[u8], found: &mut impl FnMut(u32, Range<usize>)) {
        let Some(any) = &self.any else {
            return;
        };
        spend(text.len());
        let mut matching = PatternSet::new(self.each.len());
        any.which_overlapping_matches(&Input::new(text), &mut matching);
        for pattern in matching.iter() {
            spend(text.len());
            let (rule, regex) = &self.each[pattern.as_usize()];
            for hit in regex.find_iter(text) {
                found(*rule, hit.range());
            }
        }
    }
}

/// All patterns in one; `None` if there are none.
fn all(hirs: &[Hir], config: Config) -> Result<Option<Regex>, CompileError> {
    if hirs.is_empty() {
        return Ok(None);
    }
    Regex::builder()
        .configure(config.nfa_size_limit(None))
        .syntax(syntax::Config::new())
        .build_many_from_hir(hirs)
        .map(Some)
        .map_err(super::literal::automaton_error)
}

fn config() -> Config {
    Config::new()
        .nfa_size_limit(Some(MAX_PATTERN_SIZE))
        .utf8_empty(true)
}

fn check(hir: &Hir, rule: &TextRule, number: usize) -> Result<(), CompileError> {
    let properties = hir.properties();
    if properties.minimum_len() == Some(0) {
        return Err(CompileError::EmptyPattern {
            rule: rule.id.clone(),
            number,
        });
    }
    match properties.maximum_len() {
        Some(bytes) if bytes <= MAX_PATTERN_BYTES => Ok(()),
        bytes => Err(CompileError::PatternTooLong {
            rule: rule.id.clone(),
            number,
            bytes,
            limit: MAX_PATTERN_BYTES,
        }),
    }
}
