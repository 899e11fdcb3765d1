//! Which texts the rescorer is to look at.

use weir_policy::SecondLook;
use weir_types::{Action, CategoryScore, FingerprintKey, Selected, SelectionReason};

/// What is known of a text when it is decided whether it gets a second look.
pub(crate) struct Fast<'a> {
    /// What the policy asked for, whether it is enforced or not.
    pub(crate) would_action: Action,
    pub(crate) scores: &'a [CategoryScore],
    /// What draws the sample: the verdict's id, on streams the stream's, so that a record that is read
    /// again draws the same and a stream is drawn as a whole.
    pub(crate) drawn_by: &'a str,
}

/// Whether a text gets a second look, and why. Reasons that are certain come first: their probability is 1.
pub(crate) fn select(fast: &Fast<'_>, look: &SecondLook, key: &FingerprintKey) -> Option<Selected> {
    let certain = |reason| {
        Some(Selected {
            reason,
            probability: 1.0,
        })
    };
    // A score without thresholds has a margin below -1.
    let close = |score: &CategoryScore| look.uncertain > 0.0 && score.margin >= -look.uncertain;
    if fast.would_action > Action::Allow {
        certain(SelectionReason::Flagged)
    } else if look.all {
        certain(SelectionReason::Policy)
    } else if fast.scores.iter().any(close) {
        certain(SelectionReason::Uncertain)
    } else if look.sample > 0.0 && key.draw(fast.drawn_by) < look.sample {
        Some(Selected {
            reason: SelectionReason::Sample,
            probability: look.sample,
        })
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use weir_types::Category;

    use super::*;

    const LOOK: SecondLook = SecondLook {
        sample: 0.25,
        uncertain: 0.125,
        all: false,
    };

    fn selected(
        would_action: Action,
        margin: f32,
        id: &str,
        look: &SecondLook,
    ) -> Option<Selected> {
        let score = CategoryScore {
            category: Category::Hate,
            raw: 0.0,
            calibrated: 0.5,
            threshold: 0.5 - margin,
            margin,
        };
        let fast = Fast {
            would_action,
            scores: &[score],
            drawn_by: id,
        };
        select(&fast, look, &FingerprintKey::new(b"test"))
    }

    #[test]
    fn certain_reasons_come_before_chance() {
        let reason = |action, margin, look: &SecondLook| {
            let selected = selected(action, margin, "id", look);
            selected.map(|it| (it.reason, it.probability.to_bits()))
        };
        let sure = |reason| Some((reason, 1.0_f64.to_bits()));
        let never = SecondLook {
            sample: 0.0,
            ..LOOK
        };
        let all = SecondLook { all: true, ..never };
        let always = SecondLook {
            sample: 1.0,
            ..LOOK
        };
        let nothing = SecondLook {
            uncertain: 0.0,
            ..never
        };
        for action in [Action::Warn, Action::Attenuate, Action::Block] {
            assert_eq!(reason(action, -0.1, &all), sure(SelectionReason::Flagged));
            assert_eq!(
                reason(action, 0.5, &nothing),
                sure(SelectionReason::Flagged)
            );
        }
        assert_eq!(
            reason(Action::Allow, -0.1, &all),
            sure(SelectionReason::Policy)
        );
        assert_eq!(
            reason(Action::Allow, -0.125, &never),
            sure(SelectionReason::Uncertain)
        );
        assert_eq!(reason(Action::Allow, -0.126, &never), None);
        assert_eq!(
            reason(Action::Allow, -0.126, &always),
            sure(SelectionReason::Sample)
        );
        assert_eq!(reason(Action::Allow, 0.0, &nothing), None);
        assert_eq!(reason(Action::Allow, f32::NAN, &never), None);
    }

    #[test]
    fn a_sample_is_drawn_with_its_probability_and_again_the_same() {
        let draw = |id: u32| selected(Action::Allow, -1.0, &format!("{id:032x}"), &LOOK);
        let drawn: Vec<_> = (0..4000).map(draw).collect();
        assert_eq!(drawn, (0..4000).map(draw).collect::<Vec<_>>());
        let count = drawn.iter().flatten().count();
        // Five standard deviations about 1,000.
        assert!((863..=1137).contains(&count), "{count}");
        assert!(
            drawn
                .iter()
                .flatten()
                .all(|it| it.reason == SelectionReason::Sample)
        );
        assert!(
            drawn
                .iter()
                .flatten()
                .all(|it| (it.probability - 0.25).abs() < 1e-12)
        );
    }
}
