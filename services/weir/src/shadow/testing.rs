//! Moderation records made by hand.

use weir_types::{
    Action, Category, CategoryScore, Outcome, SelectionReason, Unjudged, UnjudgedCause,
};
use weir_wire::Moderation;

/// Of a prompt of acme's that was drawn at random, with scores for hate, whose threshold is 0.5.
pub(crate) fn moderation(
    number: u32,
    probability: f64,
    language: &str,
    fast: f32,
    heavy: f32,
) -> Moderation {
    let score = |calibrated: f32| CategoryScore {
        category: Category::Hate,
        raw: 0.0,
        calibrated,
        threshold: 0.5,
        margin: calibrated - 0.5,
    };
    let action = |calibrated: f32| {
        if calibrated >= 0.5 {
            Action::Block
        } else {
            Action::Allow
        }
    };
    let (fast_action, heavy_action) = (action(fast), action(heavy));
    let example = include_str!("../../../../schemas/examples/moderation.json");
    Moderation {
        moderation_id: format!("{number:032x}"),
        stream_id: None,
        selection_reason: SelectionReason::Sample,
        inclusion_probability: probability,
        outcome: match heavy_action.cmp(&fast_action) {
            std::cmp::Ordering::Less => Outcome::Overturned,
            std::cmp::Ordering::Equal => Outcome::Confirmed,
            std::cmp::Ordering::Greater => Outcome::Tightened,
        },
        fast_action,
        fast_scores: vec![score(fast)],
        heavy_action,
        heavy_scores: vec![score(heavy)],
        language: language.to_owned(),
        ..serde_json::from_str(example).unwrap()
    }
}

/// One that the heavy model did not judge.
pub(crate) fn unjudged(number: u32, probability: f64) -> Moderation {
    Moderation {
        outcome: Outcome::Unjudged,
        heavy_scores: Vec::new(),
        unjudged: vec![Unjudged {
            detector: "heavy".to_owned(),
            cause: UnjudgedCause::Failed,
        }],
        ..moderation(number, probability, "en", 0.1, 0.1)
    }
}
