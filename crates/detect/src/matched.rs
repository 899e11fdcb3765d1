//! What a scan finds, and how raw hits become an ordered list.

use std::sync::Arc;

use weir_types::{Category, Severity, Span};

/// One thing that was found in a text. Never holds the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Match {
    /// `literal`, `pattern`, or the built-in detector's name (the table in the crate's docs).
    pub detector: &'static str,
    /// The rule's id, or the kind within the detector: the card's scheme, the key's issuer.
    pub rule: Arc<str>,
    /// What it is evidence of.
    pub category: Category,
    /// Where, in bytes of the judged text.
    pub span: Span,
    /// Confidence, `0.0..=1.0`. For literals the rule's own; for the rest an order of how much
    /// was checked, not a calibrated probability.
    pub score: f32,
    /// How bad it is when right.
    pub severity: Severity,
}

impl Match {
    fn same_rule(&self, other: &Self) -> bool {
        self.detector == other.detector && self.rule == other.rule
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.span.start < other.span.end && other.span.start < self.span.end
    }

    /// Takes over the bytes of `other`, and its score when that is higher.
    fn absorb(&mut self, other: &Self) {
        self.span.start = self.span.start.min(other.span.start);
        self.span.end = self.span.end.max(other.span.end);
        self.score = self.score.max(other.score);
    }
}

/// Appends a hit, folding it into the last one if that is of the same rule and overlaps: literals
/// of one rule that end in one another would otherwise pile up before [`settle`] merges them.
pub(crate) fn push(out: &mut Vec<Match>, from: usize, hit: Match) {
    if out.len() > from
        && let Some(last) = out.last_mut()
        && last.same_rule(&hit)
        && last.overlaps(&hit)
    {
        last.absorb(&hit);
        return;
    }
    out.push(hit);
}

/// Merges overlapping hits of one rule in `out[from..]` into their union and sorts what is left
/// by start, end, detector and rule.
///
/// The union, not the longest: what masks a finding must cover every byte that some literal hit.
/// What a [`crate::Scanner`] handed over becomes by this what [`crate::Detector::scan`] finds.
/// Does nothing when `from` lies beyond the end.
pub fn settle(out: &mut Vec<Match>, from: usize) {
    let Some(found) = out.get_mut(from..).filter(|found| found.len() > 1) else {
        return;
    };
    found
        .sort_unstable_by(|a, b| (a.detector, &a.rule, a.span).cmp(&(b.detector, &b.rule, b.span)));
    let mut kept = 0;
    for next in 1..found.len() {
        let (left, right) = found.split_at_mut(next);
        if left[kept].same_rule(&right[0]) && left[kept].overlaps(&right[0]) {
            left[kept].absorb(&right[0]);
        } else {
            kept += 1;
            found.swap(kept, next);
        }
    }
    let found = &mut found[..=kept];
    found
        .sort_unstable_by(|a, b| (a.span, a.detector, &a.rule).cmp(&(b.span, b.detector, &b.rule)));
    out.truncate(from + kept + 1);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(rule: &str, start: i64, end: i64) -> Match {
        Match {
            detector: "literal",
            rule: rule.into(),
            category: Category::Hate,
            span: Span { start, end },
            score: 0.5,
            severity: Severity::Low,
        }
    }

    #[test]
    fn merges_within_a_rule_and_sorts_across_rules() {
        let mut out = vec![hit("untouched", 9, 10)];
        for (rule, start, end) in [
            ("b", 4, 8),
            ("a", 0, 3),
            ("b", 10, 12),
            ("a", 2, 5),
            ("b", 3, 11),
            ("a", 5, 6),
        ] {
            push(&mut out, 1, hit(rule, start, end));
        }
        settle(&mut out, 1);
        let left: Vec<_> = out
            .iter()
            .map(|m| (&*m.rule, m.span.start, m.span.end))
            .collect();
        assert_eq!(
            left,
            [("untouched", 9, 10), ("a", 0, 5), ("b", 3, 12), ("a", 5, 6)]
        );
    }

    #[test]
    fn empty_and_single_lists_stay() {
        let mut out = Vec::new();
        settle(&mut out, 0);
        assert!(out.is_empty());
        push(&mut out, 0, hit("a", 1, 2));
        settle(&mut out, 0);
        assert_eq!(out, [hit("a", 1, 2)]);
    }
}
