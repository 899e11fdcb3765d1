//! Bootstrap intervals.

use crate::{Interval, Ranking, SplitMix64};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// The same seed gives the same intervals.
    pub seed: u64,
    /// Number of resamples; 1,000 is usual for 95 %.
    pub resamples: usize,
    /// Probability that the interval is to hold, above 0 and below 1, as 0.95.
    pub confidence: f64,
}

impl Bootstrap {
    /// Percentile intervals of several figures of one ranking (Efron and Tibshirani, "An introduction to the
    /// bootstrap", 1993, chapter 13), each resample drawn with replacement from the positives and the negatives
    /// apart, so that all have as many of each as the set. Percentiles are interpolated
    /// linearly. `None`: the figure is not defined in every resample, or there are none.
    ///
    /// Rows are taken to be independent of each other. Where they are variants of one template the
    /// intervals are too narrow.
    pub fn intervals<const N: usize>(
        &self,
        ranking: &Ranking,
        figures: impl Fn(&Ranking) -> [Option<f64>; N],
    ) -> [Option<Interval>; N] {
        let mut random = SplitMix64::new(self.seed);
        let (positives, negatives) = (
            members(ranking, |tie| tie.positives),
            members(ranking, |tie| tie.negatives),
        );
        let mut drawn = [const { Vec::new() }; N];
        let mut resample = ranking.clone();
        for _ in 0..self.resamples {
            for tie in &mut resample.ties {
                (tie.positives, tie.negatives) = (0, 0);
            }
            for _ in &positives {
                resample.ties[positives[random.below(positives.len())]].positives += 1;
            }
            for _ in &negatives {
                resample.ties[negatives[random.below(negatives.len())]].negatives += 1;
            }
            for (values, figure) in drawn.iter_mut().zip(figures(&resample)) {
                values.extend(figure);
            }
        }
        drawn.map(|values| {
            let complete = self.resamples > 0 && values.len() == self.resamples;
            complete.then(|| self.percentiles(values))
        })
    }

    /// Of what was drawn, which must not be nothing.
    pub(crate) fn percentiles(&self, mut values: Vec<f64>) -> Interval {
        values.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Interval {
            low: percentile(&values, tail),
            high: percentile(&values, 1.0 - tail),
        }
    }
}

/// The index of its tie, for each row of a class.
fn members(ranking: &Ranking, count: impl Fn(&crate::Tie) -> u64) -> Vec<usize> {
    let ties = ranking.ties.iter().enumerate();
    ties.flat_map(|(index, tie)| (0..count(tie)).map(move |_| index))
        .collect()
}

/// `sorted` must hold something.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let place = share.clamp(0.0, 1.0) * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Bootstrap = Bootstrap {
        seed: 1,
        resamples: 1000,
        confidence: 0.95,
    };

    fn overlapping(rows: u32) -> Ranking {
        let mut random = SplitMix64::new(3);
        let rows = (0..rows).map(|row| {
            let noise = random.below(1000) as f64 / 1000.0;
            (noise + f64::from(row % 4 / 3) * 0.4, row % 4 == 3)
        });
        Ranking::new(rows).unwrap()
    }

    fn auroc(ranking: &Ranking) -> [Option<f64>; 1] {
        [ranking.auroc()]
    }

    #[test]
    fn a_seed_gives_one_interval_around_the_figure() {
        let ranking = overlapping(400);
        let [interval] = USUAL.intervals(&ranking, auroc);
        let (interval, figure) = (interval.unwrap(), ranking.auroc().unwrap());
        assert!(interval.low < figure && figure < interval.high);
        assert_eq!(USUAL.intervals(&ranking, auroc), [Some(interval)]);
        let other = Bootstrap { seed: 2, ..USUAL };
        assert_ne!(other.intervals(&ranking, auroc), [Some(interval)]);
    }

    #[test]
    fn is_as_wide_as_the_binomial_says() {
        // Recall at a threshold is a share of 100 rows: its bootstrap is a binomial, here 0.5 +- 1.96 * 0.05.
        let positives = (0..100).map(|row| (f64::from(row % 2), true));
        let ranking = Ranking::new(positives.chain([(0.0, false)])).unwrap();
        let recall = |ranking: &Ranking| [ranking.confusion(1.0).recall()];
        let [Some(interval)] = USUAL.intervals(&ranking, recall) else {
            panic!("no interval");
        };
        assert!((interval.low - 0.40).abs() < 0.021, "{interval:?}");
        assert!((interval.high - 0.60).abs() < 0.021, "{interval:?}");
    }

    #[test]
    fn classes_keep_their_sizes() {
        let ranking = overlapping(40);
        let sizes = |drawn: &Ranking| {
            let count = |of: fn(&crate::Tie) -> u64| drawn.ties.iter().map(of).sum::<u64>() as f64;
            [
                Some(count(|tie| tie.positives)),
                Some(count(|tie| tie.negatives)),
            ]
        };
        let exactly = |size: f64| {
            Some(Interval {
                low: size,
                high: size,
            })
        };
        assert_eq!(
            USUAL.intervals(&ranking, sizes),
            [exactly(10.0), exactly(30.0)]
        );
    }

    #[test]
    fn what_is_not_always_defined_has_no_interval() {
        let ranking = Ranking::new([(0.5, false)]).unwrap();
        assert_eq!(USUAL.intervals(&ranking, auroc), [None]);
        let none = Bootstrap {
            resamples: 0,
            ..USUAL
        };
        assert_eq!(none.intervals(&overlapping(40), auroc), [None]);
    }

    #[test]
    fn percentiles_are_interpolated() {
        let sorted = [0.0, 1.0, 2.0, 3.0, 4.0];
        assert_eq!(percentile(&sorted, 0.0), 0.0);
        assert_eq!(percentile(&sorted, 0.5), 2.0);
        assert!((percentile(&sorted, 0.975) - 3.9).abs() < 1e-12);
        assert_eq!(percentile(&sorted, 1.0), 4.0);
    }
}
