//! Whose work a record is, how bad, how urgent. Pure.
//!
//! The figures are conventions of this project, not fitted to anything: they order work, and decide nothing
//! about a text.

use weir_types::{Category, Outcome, Severity};

const HOUR_MS: i64 = 3_600_000;

/// Where a record goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Triage {
    pub(crate) severity: Severity,
    /// `0.0..=1.0`.
    pub(crate) priority: f32,
    pub(crate) queue: &'static str,
    /// From when the text was flagged, in milliseconds.
    pub(crate) due_in_ms: i64,
}

/// How bad a category is when it is so.
pub(crate) const fn severity(category: Category) -> Severity {
    match category {
        Category::SexualMinors => Severity::Critical,
        Category::SelfHarm | Category::Violence | Category::Illicit => Severity::High,
        Category::Hate | Category::Harassment | Category::Sexual | Category::PromptInjection => {
            Severity::Medium
        }
        Category::Pii => Severity::Low,
    }
}

/// Decides by the outcome, by the category behind the stricter action, if either acts, and by the higher of
/// both models' probabilities in each category.
pub(crate) fn triage(
    outcome: Outcome,
    acts: bool,
    behind: Option<Category>,
    probabilities: &[(Category, f32)],
) -> Triage {
    let weight = |severity| match severity {
        Severity::Low => 0.25,
        Severity::Medium => 0.5,
        Severity::High => 0.75,
        Severity::Critical => 1.0,
    };
    let priority = probabilities
        .iter()
        .map(|(category, probability)| weight(severity(*category)) * probability)
        .fold(0.0, f32::max)
        .clamp(0.0, 1.0);
    let severity = match (acts, behind) {
        (true, Some(category)) => severity(category),
        // A rule acted, of which only the fast verdict tells the category.
        (true, None) => Severity::Medium,
        (false, _) => Severity::Low,
    };
    let disputed = matches!(
        outcome,
        Outcome::Tightened | Outcome::Overturned | Outcome::Unjudged
    );
    let (queue, hours) = if severity == Severity::Critical {
        ("critical", 1)
    } else if acts && disputed {
        ("disputed", 8)
    } else if acts {
        ("harm", 24)
    } else {
        ("sample", 72)
    };
    Triage {
        severity,
        priority,
        queue,
        due_in_ms: hours * HOUR_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_worst_comes_first() {
        let of = |outcome, behind, p| triage(outcome, true, Some(behind), &[(behind, p)]);
        let minors = of(Outcome::Confirmed, Category::SexualMinors, 0.9);
        assert_eq!(
            (minors.queue, minors.severity),
            ("critical", Severity::Critical)
        );
        let hate = of(Outcome::Tightened, Category::Hate, 0.99);
        assert_eq!((hate.queue, hate.due_in_ms), ("disputed", 8 * HOUR_MS));
        assert!(minors.priority > hate.priority);
        let agreed = of(Outcome::Confirmed, Category::Violence, 0.5);
        assert_eq!(agreed.queue, "harm");
        let drawn = triage(Outcome::Confirmed, false, None, &[(Category::Hate, 0.2)]);
        assert_eq!((drawn.queue, drawn.severity), ("sample", Severity::Low));
        assert!((drawn.priority - 0.1).abs() < 1e-6);
        let by_rule = triage(Outcome::Rule, true, None, &[]);
        assert_eq!((by_rule.queue, by_rule.priority), ("harm", 0.0));
    }
}
