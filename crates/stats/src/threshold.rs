//! Where to draw the line.

use crate::Example;

/// Sums of weights are off by so much at most.
const ROUNDING: f64 = 1e-12;

/// What a threshold is to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// At most this share of negatives reaches it, `0..=1`.
    FalsePositiveRate(f64),
    /// At least this share of positives reaches it, `0..=1`.
    Recall(f64),
}

/// The lowest threshold that keeps a false positive rate, or the highest that keeps a recall, on these examples,
/// by their weights; a score reaches a threshold that it equals. It lies half-way between the scores that it parts, so
/// that it favours neither. `None`: no score keeps it, or positives or negatives are missing.
///
/// On other examples it is kept on average, not surely: report it on those.
#[must_use]
pub fn threshold(examples: &[Example], target: Target) -> Option<f64> {
    let mut sorted: Vec<&Example> = examples.iter().filter(|one| one.weight > 0.0).collect();
    sorted.sort_unstable_by(|one, other| other.score.total_cmp(&one.score));
    // The class whose share is asked for.
    let counted = matches!(target, Target::Recall(_));
    let weigh = |class: bool| {
        let members = sorted.iter().filter(|one| one.positive == class);
        members.map(|one| one.weight).sum::<f64>()
    };
    let whole = weigh(counted);
    if whole <= 0.0 || weigh(!counted) <= 0.0 {
        return None;
    }
    let (mut above, mut lowest) = (0.0, None);
    for tie in sorted.chunk_by(|one, other| one.score == other.score) {
        let score = tie.first()?.score;
        let members = tie.iter().filter(|one| one.positive == counted);
        let with_tie = above + members.map(|one| one.weight).sum::<f64>();
        // What is asked for is lost with this tie, or was there without it.
        let passed = match target {
            Target::FalsePositiveRate(most) => with_tie > most * whole * (1.0 + ROUNDING),
            Target::Recall(least) => lowest.is_some() && above >= least * whole * (1.0 - ROUNDING),
        };
        if passed {
            return lowest.map(|lowest: f64| f64::midpoint(lowest, score));
        }
        (above, lowest) = (with_tie, Some(score));
    }
    lowest
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::tests_support::few_scores;

    fn example(score: f64, positive: bool, weight: f64) -> Example {
        Example {
            score,
            positive,
            weight,
        }
    }

    #[test]
    fn by_hand() {
        let rows = [
            example(0.9, true, 1.0),
            example(0.8, false, 1.0),
            example(0.7, true, 3.0),
            example(0.4, false, 9.0),
        ];
        let fpr = |rate| threshold(&rows, Target::FalsePositiveRate(rate));
        let recall = |rate| threshold(&rows, Target::Recall(rate));
        let near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 1e-12;
        assert!(near(fpr(0.0), 0.85));
        assert!(near(fpr(0.1), 0.55));
        assert!(near(fpr(1.0), 0.4));
        assert!(near(recall(0.25), 0.85));
        assert!(near(recall(0.26), 0.55));
        assert!(near(recall(1.0), 0.55));
    }

    #[test]
    fn where_none_keeps_it_there_is_none() {
        let tied = [example(0.5, true, 1.0), example(0.5, false, 1.0)];
        assert_eq!(threshold(&tied, Target::FalsePositiveRate(0.1)), None);
        assert_eq!(threshold(&tied, Target::Recall(0.1)), Some(0.5));
        assert_eq!(threshold(&tied[..1], Target::FalsePositiveRate(0.1)), None);
        assert_eq!(threshold(&tied[1..], Target::Recall(0.1)), None);
        assert_eq!(threshold(&[], Target::Recall(0.1)), None);
    }

    proptest! {
        #[test]
        fn what_is_asked_for_is_kept_and_nothing_given_away(
            rows in proptest::collection::vec((few_scores(), any::<bool>(), 0.5..20.0_f64), 2..40), rate in 0.0..1.0_f64
        ) {
            let rows: Vec<_> = rows.into_iter().map(|(score, positive, weight)| example(score, positive, weight)).collect();
            let share = |class: bool, at: f64| {
                let weigh = |least: f64| rows.iter().filter(|row| row.positive == class && row.score >= least).map(|row| row.weight).sum::<f64>();
                weigh(at) / weigh(f64::NEG_INFINITY)
            };
            if let Some(at) = threshold(&rows, Target::FalsePositiveRate(rate)) {
                prop_assert!(share(false, at) <= rate + 1e-9);
                let lower = rows.iter().map(|row| row.score).filter(|score| *score < at).fold(f64::NEG_INFINITY, f64::max);
                prop_assert!(lower == f64::NEG_INFINITY || share(false, lower) > rate - 1e-9);
            }
            if let Some(at) = threshold(&rows, Target::Recall(rate)) {
                prop_assert!(share(true, at) >= rate - 1e-9);
                let above = rows.iter().filter(|row| row.score >= at).map(|row| row.score).fold(f64::INFINITY, f64::min);
                prop_assert!(share(true, above + 1e-6) <= rate + 1e-9 || above == rows.iter().map(|row| row.score).fold(f64::NEG_INFINITY, f64::max));
            }
        }
    }
}
