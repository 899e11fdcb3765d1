//! Which literal or pattern of a rule was found: each is made a rule of its own and looked for.

use std::collections::HashSet;

use weir_policy::TextRule;

use super::direct;
use super::layer::Layer;
use crate::detector::Detector;
use crate::matched::Match;
use crate::rules::Rules;

/// A literal or a pattern of a rule.
pub(super) struct Piece<'a> {
    pub(super) rule: &'a str,
    pub(super) pattern: bool,
    pub(super) text: &'a str,
    source: &'a TextRule,
}

impl Piece<'_> {
    /// The detector that finds it.
    pub(super) fn detector(&self) -> &'static str {
        if self.pattern { "pattern" } else { "literal" }
    }

    /// It alone as a rule, with the conditions of its own rule or without any.
    fn as_rule(&self, index: usize, conditions: bool) -> TextRule {
        let mut rule = TextRule {
            id: index.to_string(),
            literals: Vec::new(),
            patterns: Vec::new(),
            except: Vec::new(),
            near: None,
            category: self.source.category,
            severity: self.source.severity,
            score: self.source.score,
        };
        if conditions {
            rule.except.clone_from(&self.source.except);
            rule.near.clone_from(&self.source.near);
        }
        let own = if self.pattern {
            &mut rule.patterns
        } else {
            &mut rule.literals
        };
        own.push(self.text.to_owned());
        rule
    }
}

/// Whether a rule of the policy found it.
pub(super) fn by_rule(found: &Match) -> bool {
    matches!(found.detector, "literal" | "pattern")
}

/// The literals and patterns of the rules that were found.
pub(super) fn pieces<'a>(sources: &'a [TextRule], found: &[Match]) -> Vec<Piece<'a>> {
    let ids: HashSet<&str> = found
        .iter()
        .filter(|found| by_rule(found))
        .map(|found| &*found.rule)
        .collect();
    sources
        .iter()
        .filter(|source| ids.contains(source.id.as_str()))
        .flat_map(|source| {
            let literals = source.literals.iter().map(|text| (false, text));
            let patterns = source.patterns.iter().map(|text| (true, text));
            literals.chain(patterns).map(|(pattern, text)| Piece {
                rule: &source.id,
                pattern,
                text,
                source,
            })
        })
        .collect()
}

/// Finds pieces.
pub(super) struct Alone(Detector);

impl Alone {
    /// Piece and match, of all that is found in `text` itself.
    pub(super) fn find(&self, text: &[u8]) -> impl Iterator<Item = (Option<usize>, Match)> {
        direct(&self.0, text)
            .into_iter()
            .filter(by_rule)
            .filter_map(|found| Some((Some(found.rule.parse().ok()?), found)))
    }

    fn of(detector: &Detector, rules: &[TextRule]) -> Option<Self> {
        let rules = Rules::compile(rules).ok()?;
        Some(Self(detector.with_rules(rules)))
    }
}

/// Finds the pieces that occur in the layers, on the conditions of their rules.
///
/// Conditions are compiled only with what occurs: copied for every literal they could be more than
/// rules may be. Should they be so even then, they are left out.
pub(super) fn alone(
    detector: &Detector,
    pieces: &[Piece<'_>],
    layers: &[Layer<'_>],
) -> Option<Alone> {
    if pieces.is_empty() {
        return None;
    }
    let rules = |indices: &mut dyn Iterator<Item = usize>, conditions: bool| -> Vec<TextRule> {
        indices
            .filter_map(|index| Some(pieces.get(index)?.as_rule(index, conditions)))
            .collect()
    };
    let bare = Alone::of(detector, &rules(&mut (0..pieces.len()), false))?;
    let mut occurring: Vec<usize> = layers
        .iter()
        .flat_map(|layer| bare.find(layer.bytes))
        .filter_map(|(piece, _)| piece)
        .collect();
    occurring.sort_unstable();
    occurring.dedup();
    let conditional = Alone::of(detector, &rules(&mut occurring.into_iter(), true));
    Some(conditional.unwrap_or(bare))
}
