use serde::{Deserialize, Serialize};
use weir_types::{
    Action, Agreement, Category, CategoryScore, ModelRef, Outcome, SelectionReason, Severity,
    Source, Span, Unjudged,
};

use crate::source::SourceRecord;

/// The second look at a text beside the first. Holds no text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moderation {
    /// 32 hex digits; the same whenever the same model looks at the same verdict's text.
    pub moderation_id: String,
    /// The fast verdict on the text.
    pub verdict_id: String,
    /// The request; also the record's key.
    pub request_id: String,
    /// The stream within the request; `None` for a prompt.
    pub stream_id: Option<String>,
    /// The tenant whose policy applied.
    pub tenant: String,
    /// Pseudonymous id of the person behind the text, for keys and erasure.
    pub subject_id: Option<String>,
    /// The worker that asked.
    pub worker_id: String,
    /// The input that the fast verdict was given on.
    #[serde(with = "SourceRecord")]
    pub source: Source,
    /// The text that was looked at, in bytes of the prompt or stream.
    pub span: Span,
    /// At most the bytes of the stream before this one can have been shown when the fast verdict was
    /// given.
    pub released_to: i64,
    /// Why the text was looked at again.
    pub selection_reason: SelectionReason,
    /// Probability with which a text like this is looked at, above 0, at most 1.
    pub inclusion_probability: f64,
    /// What the second look makes of the first.
    pub outcome: Outcome,
    /// The fast verdict's action.
    pub fast_action: Action,
    /// The fast verdict's scores, in the order of [`Category::ALL`]; empty when no classifier had a say.
    pub fast_scores: Vec<CategoryScore>,
    /// What the policy does, were it enforced, on the heavy model's scores alone.
    pub heavy_action: Action,
    /// The heavy model's scores; empty when it did not judge.
    pub heavy_scores: Vec<CategoryScore>,
    /// The heavy model's calibrated probability of any harm, `0.0..=1.0`; `None` when it did not judge.
    pub risk: Option<f32>,
    /// Categories in which the policy acts on one model's score and not on the other's.
    pub disagreements: Vec<Category>,
    /// What the second look did not judge, and why.
    pub unjudged: Vec<Unjudged>,
    /// The clause of the policy behind the stricter of the two actions; empty when neither acts.
    pub clause: String,
    /// SHA-256 of the policy that the fast verdict rests on, 64 hex digits.
    pub policy_hash: String,
    /// The same of the policy applied to the heavy scores.
    pub heavy_policy_hash: String,
    /// How bad it is if it is so.
    pub severity: Severity,
    /// In which order to look at what is in one queue, `0.0..=1.0`, highest first.
    pub priority: f32,
    /// Whose work it is: `critical`, `harm`, `disputed` or `sample`.
    pub queue: String,
    /// When a person should have looked at it, Unix milliseconds.
    pub due_at_ms: i64,
    /// BCP 47 tag that the client gave.
    pub locale_hint: Option<String>,
    /// BCP 47 tag of the language that the text was judged as; `und` when not determined.
    pub language: String,
    /// Keyed fingerprint of the text, 16 hex digits: equal texts have equal ones.
    pub fingerprint: String,
    /// `moderation_id` of earlier records with the same fingerprint, the latest first, at most five.
    pub similar: Vec<String>,
    /// Parts of the text that moved the score most, the strongest first; empty when that was not worked
    /// out.
    pub influences: Vec<Influence>,
    /// The fast verdict, when this record asks for a stricter one in its place.
    pub supersedes: Option<String>,
    /// The heavy model.
    pub model: ModelRef,
    /// When the text was flagged, Unix milliseconds by the gate's clock.
    pub flagged_at_ms: i64,
    /// When the second look was done, Unix milliseconds by the rescorer's clock.
    pub rescored_at_ms: i64,
}

impl Moderation {
    /// For how many texts this one stands, 1 or more: the inverse of its inclusion probability (Horvitz and Thompson,
    /// 1952). `None` where that is not above 0 and at most 1, or too small to be inverted.
    #[must_use]
    pub fn weight(&self) -> Option<f64> {
        let probability = self.inclusion_probability;
        let weight = 1.0 / probability;
        (probability > 0.0 && probability <= 1.0 && weight.is_finite()).then_some(weight)
    }

    /// Which of the two models the policy acts upon in a category. `None` where one of them has no score, or as
    /// [`Agreement::of`].
    #[must_use]
    pub fn agreement(&self, category: Category) -> Option<Agreement> {
        let its = |score: &&CategoryScore| score.category == category;
        let fast = self.fast_scores.iter().find(its)?;
        let heavy = self.heavy_scores.iter().find(its)?;
        Agreement::of(fast, heavy)
    }
}

/// What one part of a text did to one score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Influence {
    /// The part.
    pub span: Span,
    /// The category whose score it moved.
    pub category: Category,
    /// By how much the calibrated probability falls when the part is left out, `-1.0..=1.0`.
    pub change: f32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Moderation {
        serde_json::from_str(include_str!("../../../schemas/examples/moderation.json")).unwrap()
    }

    #[test]
    fn what_is_no_probability_weighs_nothing() {
        for (probability, weight) in [
            (1.0, Some(1.0)),
            (0.01, Some(100.0)),
            (0.0, None),
            (-0.5, None),
            (1.000_001, None),
            (1e-310, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            let record = Moderation {
                inclusion_probability: probability,
                ..example()
            };
            assert_eq!(record.weight(), weight, "{probability}");
        }
    }

    #[test]
    fn models_are_compared_where_both_have_a_score() {
        let score = |category, margin| CategoryScore {
            category,
            raw: 0.0,
            calibrated: 0.5 + margin,
            threshold: 0.5,
            margin,
        };
        let mut record = Moderation {
            fast_scores: vec![score(Category::Hate, -0.1), score(Category::Violence, 0.2)],
            heavy_scores: vec![score(Category::Violence, 0.0), score(Category::Hate, 0.1)],
            ..example()
        };
        let of = |record: &Moderation, category| record.agreement(category);
        assert_eq!(of(&record, Category::Hate), Some(Agreement::HeavyOnly));
        assert_eq!(of(&record, Category::Violence), Some(Agreement::Both));
        assert_eq!(of(&record, Category::Pii), None);
        record.heavy_scores.clear();
        assert_eq!(of(&record, Category::Hate), None);
    }
}
