//! Whether probabilities mean what they say.

use crate::{Example, Ranking, share};

/// Sums of weights are off by so much at most.
const ROUNDING: f64 = 1e-12;

/// One bin of a reliability diagram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// Rows in it.
    pub rows: u64,
    /// Sum of their weights; where they have none, their number.
    pub weight: f64,
    /// Mean of their scores.
    pub mean_score: f64,
    /// Share of positives among them, `0..=1`.
    pub observed: f64,
}

/// Sorts rows into at most `bins` bins of about the same number of rows, from the lowest score up. Equal
/// scores stay in one bin, so that bins may be fewer and uneven. Empty without rows or bins.
///
/// Equal mass, not equal width: most scores lie near 0, and bins of equal width would be empty elsewhere
/// (Nguyen and O'Connor, "Posterior calibration and exploratory analysis for NLP models", EMNLP 2015).
#[must_use]
pub fn reliability(ranking: &Ranking, bins: u32) -> Vec<Bin> {
    let all = ranking.positives + ranking.negatives;
    let mut made: Vec<Bin> = Vec::new();
    let (mut rows, mut positives, mut sum, mut before) = (0, 0, 0.0, 0);
    for tie in ranking.ties.iter().rev() {
        let here = tie.positives + tie.negatives;
        rows += here;
        positives += tie.positives;
        sum += tie.score * here as f64;
        // Whole numbers: no bin is lost to rounding.
        let due = (made.len() as u64 + 1) * all;
        if bins > 0
            && (before + rows) * u64::from(bins) >= due
            && let Some(observed) = share(positives, rows)
        {
            made.push(Bin {
                rows,
                weight: rows as f64,
                mean_score: sum / rows as f64,
                observed,
            });
            before += rows;
            (rows, positives, sum) = (0, 0, 0.0);
        }
    }
    made
}

/// The same of rows with weights: bins of about the same weight, means and shares by weight.
#[must_use]
pub fn weighted_reliability(examples: &[Example], bins: u32) -> Vec<Bin> {
    let mut sorted: Vec<&Example> = examples.iter().collect();
    sorted.sort_unstable_by(|one, other| one.score.total_cmp(&other.score));
    let all = sorted.iter().map(|one| one.weight).sum();
    let rows = sorted.into_iter().map(|one| (*one, 1));
    bins_of(rows, all, bins)
}

/// Bins of examples from the lowest score up, each there so many times, which weigh `all` together.
pub(crate) fn bins_of(
    sorted: impl Iterator<Item = (Example, u32)>,
    all: f64,
    bins: u32,
) -> Vec<Bin> {
    let mut made: Vec<Bin> = Vec::new();
    let (mut rows, mut weight, mut hits, mut sum, mut before) = (0, 0.0, 0.0, 0.0, 0.0);
    let mut sorted = sorted.filter(|(_, times)| *times > 0).peekable();
    while let Some((example, times)) = sorted.next() {
        let weighs = example.weight * f64::from(times);
        rows += u64::from(times);
        weight += weighs;
        sum += weighs * example.score;
        if example.positive {
            hits += weighs;
        }
        let tied = sorted
            .peek()
            .is_some_and(|(next, _)| next.score == example.score);
        let due = (made.len() as f64 + 1.0) * all * (1.0 - ROUNDING);
        let last = sorted.peek().is_none();
        if !tied && weight > 0.0 && bins > 0 && (last || (before + weight) * f64::from(bins) >= due)
        {
            made.push(Bin {
                rows,
                weight,
                mean_score: sum / weight,
                observed: hits / weight,
            });
            before += weight;
            (rows, weight, hits, sum) = (0, 0.0, 0.0, 0.0);
        }
    }
    made
}

/// The expected calibration error of these bins, `0..=1`: the mean over rows, by weight, of |mean score - share of
/// positives| of their bin (Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using
/// Bayesian binning", AAAI 2015). Biased upwards in small sets, where a bin's share is off by chance. `None`
/// without bins.
#[must_use]
pub fn calibration_error(bins: &[Bin]) -> Option<f64> {
    let weight: f64 = bins.iter().map(|bin| bin.weight).sum();
    let gap = |bin: &Bin| bin.weight * (bin.mean_score - bin.observed).abs();
    (weight > 0.0).then(|| bins.iter().map(gap).sum::<f64>() / weight)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ranking::tests_support::{few_scores, labelled};

    #[test]
    fn known_values() {
        let rows = [(0.1, false), (0.3, true), (0.6, false), (0.8, true)];
        let bins = reliability(&Ranking::new(rows).unwrap(), 2);
        let read: Vec<_> = bins.iter().map(|bin| (bin.rows, bin.observed)).collect();
        assert_eq!(read, [(2, 0.5), (2, 0.5)]);
        // |0.2 - 0.5| and |0.7 - 0.5|.
        assert!((calibration_error(&bins).unwrap() - 0.25).abs() < 1e-12);
    }

    #[test]
    fn equal_scores_stay_together() {
        let rows = (0..100).map(|i| (if i < 90 { 0.1 } else { 0.9 }, i % 10 == 0));
        let bins = reliability(&Ranking::new(rows).unwrap(), 10);
        let sizes: Vec<_> = bins.iter().map(|bin| bin.rows).collect();
        assert_eq!(sizes, [90, 10]);
        assert!((calibration_error(&bins).unwrap() - 0.08).abs() < 1e-12);
    }

    #[test]
    fn nothing_has_no_error() {
        let nothing = Ranking::new([]).unwrap();
        assert!(reliability(&nothing, 10).is_empty());
        assert_eq!(calibration_error(&[]), None);
        assert!(reliability(&Ranking::new([(0.5, true)]).unwrap(), 0).is_empty());
    }

    proptest! {
        #[test]
        fn every_row_is_in_a_bin(rows in labelled(0.0..1.0_f64), bins in 1..20_u32) {
            let made = reliability(&Ranking::new(rows.clone()).unwrap(), bins);
            prop_assert_eq!(made.iter().map(|bin| bin.rows).sum::<u64>(), rows.len() as u64);
            prop_assert!(made.len() <= bins as usize);
            prop_assert!(made.is_sorted_by(|a, b| a.mean_score < b.mean_score));
            let (most, fewest) = (made.iter().map(|bin| bin.rows).max(), made.iter().map(|bin| bin.rows).min());
            // Without ties they are even.
            if let (Some(most), Some(fewest)) = (most, fewest) {
                prop_assert!(most - fewest <= 1, "{:?}", made);
            }
        }

        #[test]
        fn weights_of_one_change_nothing(rows in labelled(0.0..1.0_f64), bins in 1..20_u32) {
            let made = reliability(&Ranking::new(rows.clone()).unwrap(), bins);
            let examples: Vec<_> = rows.iter().map(|(score, positive)| Example { score: *score, positive: *positive, weight: 1.0 }).collect();
            let weighted = weighted_reliability(&examples, bins);
            prop_assert_eq!(made.len(), weighted.len());
            for (one, other) in made.iter().zip(&weighted) {
                prop_assert_eq!(one.rows, other.rows);
                prop_assert!((one.mean_score - other.mean_score).abs() < 1e-9);
                prop_assert!((one.observed - other.observed).abs() < 1e-9);
            }
        }

        #[test]
        fn a_weight_counts_as_so_many_rows(
            rows in proptest::collection::vec((few_scores(), any::<bool>(), 1..5_u32), 1..30), bins in 1..8_u32
        ) {
            let example = |score, positive, weight| Example { score, positive, weight };
            let weighed: Vec<_> = rows.iter().map(|(score, up, times)| example(*score, *up, f64::from(*times))).collect();
            let repeated: Vec<_> = rows.iter().flat_map(|(score, up, times)| vec![example(*score, *up, 1.0); *times as usize]).collect();
            let error = |rows: &[Example]| calibration_error(&weighted_reliability(rows, bins)).unwrap();
            prop_assert!((error(&weighed) - error(&repeated)).abs() < 1e-9);
        }

        #[test]
        fn the_truth_has_no_error(rows in labelled(few_scores())) {
            let sure = rows.iter().map(|(_, positive)| (f64::from(u8::from(*positive)), *positive));
            let bins = reliability(&Ranking::new(sure).unwrap(), 10);
            prop_assert!(calibration_error(&bins).unwrap_or(0.0) < 1e-12);
        }
    }
}
