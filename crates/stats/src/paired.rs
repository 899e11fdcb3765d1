//! Two calibrations on the same rows.

use crate::calibration::bins_of;
use crate::{Bootstrap, Example, Interval, SplitMix64, calibration_error};

/// A row with the probabilities of two calibrations.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// The first one's, `0..=1`.
    pub before: f64,
    /// The second one's, `0..=1`.
    pub after: f64,
    /// Whether it is a positive.
    pub positive: bool,
    /// How much it counts, above 0.
    pub weight: f64,
}

/// Expected calibration errors of both, and what the second one's has beyond the first one's: below 0 it is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PairedErrors {
    /// The first one's, `0..=1`.
    pub before: f64,
    /// The second one's, `0..=1`.
    pub after: f64,
    /// `after - before`, with its bootstrap interval; `None`: there were no resamples.
    pub difference: Option<Interval>,
}

/// A calibration's rows from the lowest probability up.
struct Sorted<'a> {
    rows: Vec<(usize, Example)>,
    bins: u32,
    weights: &'a [f64],
}

impl Sorted<'_> {
    fn error(&self, times: &[u32]) -> Option<f64> {
        let weights = times.iter().zip(self.weights);
        let all = weights
            .map(|(times, weight)| f64::from(*times) * weight)
            .sum();
        let drawn = self.rows.iter().map(|(at, example)| (*example, times[*at]));
        calibration_error(&bins_of(drawn, all, self.bins))
    }
}

/// The expected calibration errors of both, in bins of equal weight, and a percentile interval of their difference: each
/// resample draws as many rows as there are, with replacement, and counts both calibrations on the same ones. What
/// makes a small set's error too large makes both too large. `None` without rows.
///
/// Rows are taken to be independent of each other.
#[must_use]
pub fn paired_calibration_errors(
    rows: &[Paired],
    bins: u32,
    bootstrap: &Bootstrap,
) -> Option<PairedErrors> {
    let weights: Vec<f64> = rows.iter().map(|row| row.weight).collect();
    let sorted = |score: fn(&Paired) -> f64| {
        let mut sorted: Vec<(usize, Example)> = rows
            .iter()
            .map(|row| Example {
                score: score(row),
                positive: row.positive,
                weight: row.weight,
            })
            .enumerate()
            .collect();
        sorted.sort_unstable_by(|(_, one), (_, other)| one.score.total_cmp(&other.score));
        Sorted {
            rows: sorted,
            bins,
            weights: &weights,
        }
    };
    let (before, after) = (sorted(|row| row.before), sorted(|row| row.after));
    let mut times = vec![1; rows.len()];
    let whole = (before.error(&times)?, after.error(&times)?);
    let mut random = SplitMix64::new(bootstrap.seed);
    let mut differences = Vec::with_capacity(bootstrap.resamples);
    for _ in 0..bootstrap.resamples {
        times.fill(0);
        for _ in rows {
            times[random.below(rows.len())] += 1;
        }
        differences.push(after.error(&times)? - before.error(&times)?);
    }
    Some(PairedErrors {
        before: whole.0,
        after: whole.1,
        difference: (!differences.is_empty()).then(|| bootstrap.percentiles(differences)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Platt;

    const USUAL: Bootstrap = Bootstrap {
        seed: 3,
        resamples: 500,
        confidence: 0.95,
    };

    /// Rows whose labels are drawn by `truth`; `off` is added to the logit of the first calibration, `still` to the
    /// second one's.
    fn rows(count: usize, off: f64, still: f64, seed: u64) -> Vec<Paired> {
        let mut random = SplitMix64::new(seed);
        let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let truth = |shift| Platt { a: 1.0, b: shift };
        (0..count)
            .map(|row| {
                let score = 8.0 * uniform() - 4.0;
                Paired {
                    before: truth(off).probability(score),
                    after: truth(still).probability(score),
                    positive: uniform() < truth(0.0).probability(score),
                    weight: if row % 3 == 0 { 1.0 } else { 4.0 },
                }
            })
            .collect()
    }

    #[test]
    fn the_better_one_is_told() {
        let found = paired_calibration_errors(&rows(4000, 1.0, 0.0, 1), 15, &USUAL).unwrap();
        let interval = found.difference.unwrap();
        assert!(found.after < 0.04 && found.before > 0.1, "{found:?}");
        assert!(interval.high < 0.0, "{found:?}");
        let difference = found.after - found.before;
        assert!(interval.low <= difference && difference <= interval.high);
        let worse = paired_calibration_errors(&rows(4000, 0.0, 1.0, 1), 15, &USUAL).unwrap();
        assert!(worse.difference.unwrap().low > 0.0, "{worse:?}");
    }

    #[test]
    fn the_same_one_is_no_better() {
        let found = paired_calibration_errors(&rows(500, 0.5, 0.5, 2), 15, &USUAL).unwrap();
        let none = Interval {
            low: 0.0,
            high: 0.0,
        };
        assert_eq!(found.difference, Some(none));
    }

    #[test]
    fn without_rows_or_resamples() {
        assert_eq!(paired_calibration_errors(&[], 15, &USUAL), None);
        let none = Bootstrap {
            resamples: 0,
            ..USUAL
        };
        let found = paired_calibration_errors(&rows(50, 0.5, 0.0, 2), 15, &none).unwrap();
        assert_eq!(found.difference, None);
    }
}
