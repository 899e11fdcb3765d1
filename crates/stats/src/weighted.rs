//! A share of a population, from rows that were drawn with known, unequal probabilities.

use crate::Interval;

/// Of the standard normal distribution, what leaves 2.5 % above it: for two-sided 95 % intervals.
const Z_95: f64 = 1.959_963_984_540_054;

/// A weight that is no weight.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
#[error("{0} is no weight: it must be finite and above 0")]
pub struct BadWeight(
    /// The weight.
    pub f64,
);

/// Rows summed up, each with a weight: 1 / the probability with which it was drawn.
///
/// Three ways of looking at it, all `None` without rows, or where the sums leave what an `f64` holds:
/// - [`share`](Self::share): the ratio estimate (Hajek, "Comment on a paper by D. Basu", in *Foundations of Statistical
///   Inference*, 1971), which unlike the sum over a known size is exact where all rows are alike;
/// - [`effective_size`](Self::effective_size): how many rows of equal weight tell as much (Kish, *Survey Sampling*, 1965);
/// - [`interval_95`](Self::interval_95): Wilson's interval (Journal of the American Statistical Association 22, 1927) on
///   that size.
///
/// The effective size takes weights to have nothing to do with what is counted, and rows not to resemble one another.
/// Where hits or misses gather among the heaviest rows, or rows come in clusters, the interval is too narrow; where they
/// gather among the lightest, it is wider than it need be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct WeightedShare {
    weight: f64,
    hits: f64,
    squares: f64,
}

impl WeightedShare {
    /// Counts a row.
    ///
    /// # Errors
    /// The weight is not finite or not above 0; nothing is counted.
    pub fn add(&mut self, hit: bool, weight: f64) -> Result<(), BadWeight> {
        if !(weight.is_finite() && weight > 0.0) {
            return Err(BadWeight(weight));
        }
        self.weight += weight;
        self.squares += weight * weight;
        if hit {
            self.hits += weight;
        }
        Ok(())
    }

    /// `sum(w * y) / sum(w)`, `0..=1`, with y = 1 for a hit.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        finite(self.hits / finite(self.weight)?)
    }

    /// `sum(w)^2 / sum(w^2)`, from 1 to the number of rows, but for rounding.
    #[must_use]
    pub fn effective_size(&self) -> Option<f64> {
        finite(self.weight * self.weight / self.squares)
    }

    /// Two-sided 95 % interval of the population's share.
    #[must_use]
    pub fn interval_95(&self) -> Option<Interval> {
        wilson_interval_95(self.share()?, self.effective_size()?)
    }
}

/// Wilson's two-sided 95 % interval of the share behind a `share` (`0..=1`) of `size` trials, which need not be a whole
/// number: `(p + z^2/2n -+ z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)`. `None` for what is no share, and unless
/// `size` is finite and above 0.
#[must_use]
pub fn wilson_interval_95(share: f64, size: f64) -> Option<Interval> {
    if !((0.0..=1.0).contains(&share) && size.is_finite() && size > 0.0) {
        return None;
    }
    let z2n = Z_95 * Z_95 / size;
    let middle = share + z2n / 2.0;
    let reach = Z_95 * libm::sqrt(share * (1.0 - share) / size + z2n / (4.0 * size));
    // Rounding may step over the ends.
    Some(Interval {
        low: ((middle - reach) / (1.0 + z2n)).clamp(0.0, share),
        high: ((middle + reach) / (1.0 + z2n)).clamp(share, 1.0),
    })
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SplitMix64;

    fn of(rows: impl IntoIterator<Item = (bool, f64)>) -> WeightedShare {
        let mut sum = WeightedShare::default();
        for (hit, weight) in rows {
            sum.add(hit, weight).unwrap();
        }
        sum
    }

    #[test]
    fn published_values() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
        // table I, method 3 (Wilson), 95 %.
        for (hits, trials, low, high) in [
            (81.0, 263.0, 0.2553, 0.3662),
            (15.0, 148.0, 0.0624, 0.1605),
            (0.0, 20.0, 0.0, 0.1611),
            (1.0, 29.0, 0.0061, 0.1718),
        ] {
            let interval = wilson_interval_95(hits / trials, trials).unwrap();
            assert!((interval.low - low).abs() < 5.1e-5, "{interval:?}");
            assert!((interval.high - high).abs() < 5.1e-5, "{interval:?}");
        }
    }

    #[test]
    fn by_hand() {
        // 100 + 100 + 1 + 1 + 1 + 1, of which all but one of the lightest hit.
        let sum = of([100.0, 100.0, 1.0, 1.0, 1.0]
            .map(|weight| (true, weight))
            .into_iter()
            .chain([(false, 1.0)]));
        assert_eq!(sum.share(), Some(203.0 / 204.0));
        assert_eq!(sum.effective_size(), Some(204.0 * 204.0 / 20_004.0));
    }

    #[test]
    fn without_rows_there_is_nothing() {
        let none = WeightedShare::default();
        assert_eq!(none.share(), None);
        assert_eq!(none.effective_size(), None);
        assert_eq!(none.interval_95(), None);
    }

    #[test]
    fn what_is_no_weight_is_refused_and_not_counted() {
        let mut sum = of([(true, 2.0), (false, 1.0)]);
        let before = sum;
        for weight in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(sum.add(true, weight).is_err(), "{weight}");
        }
        assert_eq!(sum, before);
    }

    #[test]
    fn weights_beyond_what_can_be_summed_give_no_figure() {
        let huge = of([(true, 1e200), (false, 1e200)]);
        assert_eq!(huge.effective_size(), None);
        assert_eq!(huge.interval_95(), None);
        let beyond = of([(true, f64::MAX), (false, f64::MAX)]);
        assert_eq!(beyond.share(), None);
        let tiny = of([(true, 1e-200), (false, 1e-200)]);
        assert_eq!((tiny.share(), tiny.effective_size()), (Some(0.5), None));
    }

    #[test]
    fn what_is_no_share_has_no_interval() {
        for (share, size) in [
            (-0.1, 10.0),
            (1.1, 10.0),
            (f64::NAN, 10.0),
            (0.5, 0.0),
            (0.5, -1.0),
            (0.5, f64::NAN),
            (0.5, f64::INFINITY),
        ] {
            assert_eq!(wilson_interval_95(share, size), None, "{share} of {size}");
        }
    }

    proptest! {
        #[test]
        fn equal_weights_are_no_weights(
            hits in proptest::collection::vec(any::<bool>(), 1..200), weight in 1e-3..1e6_f64
        ) {
            let sum = of(hits.iter().map(|hit| (*hit, weight)));
            let size = hits.len() as f64;
            let share = hits.iter().filter(|hit| **hit).count() as f64 / size;
            let plain = wilson_interval_95(share, size).unwrap();
            let weighted = sum.interval_95().unwrap();
            prop_assert!((sum.share().unwrap() - share).abs() < 1e-9);
            prop_assert!((sum.effective_size().unwrap() / size - 1.0).abs() < 1e-9);
            prop_assert!((plain.low - weighted.low).abs() < 1e-9);
            prop_assert!((plain.high - weighted.high).abs() < 1e-9);
        }

        #[test]
        fn the_interval_holds_the_estimate(
            rows in proptest::collection::vec((any::<bool>(), 0.5..1000.0_f64), 1..50)
        ) {
            let sum = of(rows.iter().copied());
            let (share, interval) = (sum.share().unwrap(), sum.interval_95().unwrap());
            prop_assert!(0.0 <= interval.low && interval.low <= share);
            prop_assert!(share <= interval.high && interval.high <= 1.0);
            let size = sum.effective_size().unwrap();
            prop_assert!(size > 1.0 - 1e-9 && size < rows.len() as f64 + 1e-9);
        }
    }

    /// A number in `0..1`.
    fn uniform(random: &mut SplitMix64) -> f64 {
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// How often the interval holds a population's share, when each row is drawn by itself with its own probability.
    fn coverage(population: &[(bool, f64)], random: &mut SplitMix64) -> f64 {
        const DRAWS: u32 = 1000;
        let hits = population.iter().filter(|(hit, _)| *hit).count();
        let truth = hits as f64 / population.len() as f64;
        let mut held = 0;
        for _ in 0..DRAWS {
            let drawn = population
                .iter()
                .filter(|(_, probability)| uniform(random) < *probability)
                .map(|(hit, probability)| (*hit, 1.0 / probability));
            let interval = of(drawn).interval_95().unwrap();
            held += u32::from(interval.low <= truth && truth <= interval.high);
        }
        f64::from(held) / f64::from(DRAWS)
    }

    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        // Probabilities of 5 to 50 %, which have nothing to do with hits.
        let mut random = SplitMix64::new(11);
        let population: Vec<_> = (0..2000)
            .map(|_| {
                let hit = uniform(&mut random) < 0.8;
                (hit, 0.05 + 0.45 * uniform(&mut random))
            })
            .collect();
        // Within four standard deviations of 95 %.
        let held = coverage(&population, &mut random);
        assert!((0.922..=0.978).contains(&held), "{held}");
    }

    #[test]
    fn intervals_hold_the_truth_where_doubtful_rows_are_all_drawn() {
        // As Weir draws: one row in ten is certain to be looked at and often misses, the rest seldom does.
        let mut random = SplitMix64::new(12);
        let population: Vec<_> = (0..4000)
            .map(|row| {
                let (share, probability) = if row % 10 == 0 {
                    (0.7, 1.0)
                } else {
                    (0.97, 0.05)
                };
                (uniform(&mut random) < share, probability)
            })
            .collect();
        let held = coverage(&population, &mut random);
        assert!(held >= 0.922, "{held}");
    }
    #[test]
    fn intervals_hold_the_truth_less_often_where_misses_are_seldom_drawn() {
        // What the type's description warns of: half of the rows always hit and are certain, the other half often misses.
        let mut random = SplitMix64::new(13);
        let population: Vec<_> = (0..4000)
            .map(|row| {
                let (share, probability) = if row % 2 == 0 {
                    (1.0, 1.0)
                } else {
                    (0.7, 0.05)
                };
                (uniform(&mut random) < share, probability)
            })
            .collect();
        let held = coverage(&population, &mut random);
        assert!((0.8..0.9).contains(&held), "{held}");
    }
}
