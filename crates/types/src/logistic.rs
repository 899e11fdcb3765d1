/// The probability of a logit, `1 / (1 + exp(-z))`, `0.0..=1.0`, as precise as scores are.
#[must_use]
pub fn logistic(z: f64) -> f32 {
    // Within 0..=1, so that the cast only rounds.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "scores are no more precise"
    )]
    let p = (1.0 / (1.0 + (-z).exp())) as f32;
    p
}
