//! Exact intervals of a share. Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated
//! in the case of the binomial", Biometrika 26 (1934); the form by the beta distribution is that of Brown, Cai
//! and DasGupta, Statistical Science 16 (2001).

use crate::beta::beta_quantile;

/// An interval; both ends belong to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Two-sided interval of the share behind `hits` of `trials`: it holds the true share with a probability
/// of at least `confidence`, whatever that share is. `[B(α/2; k, n-k+1), B(1-α/2; k+1, n-k)]` with the beta
/// quantile B. `None` without trials, with more hits than trials, or unless `0 < confidence < 1`.
#[must_use]
pub fn binomial_interval(hits: u64, trials: u64, confidence: f64) -> Option<Interval> {
    let tail = tail(confidence)? / 2.0;
    Some(Interval {
        low: 1.0 - upper(trials.checked_sub(hits)?, trials, tail)?,
        high: upper(hits, trials, tail)?,
    })
}

/// One-sided upper bound of that share: `B(confidence; k+1, n-k)`. `None` as for [`binomial_interval`].
#[must_use]
pub fn binomial_upper(hits: u64, trials: u64, confidence: f64) -> Option<f64> {
    upper(hits, trials, tail(confidence)?)
}

fn tail(confidence: f64) -> Option<f64> {
    (confidence > 0.0 && confidence < 1.0).then_some(1.0 - confidence)
}

/// The share at which `hits` or fewer have the probability `tail`.
fn upper(hits: u64, trials: u64, tail: f64) -> Option<f64> {
    (trials > 0 && hits <= trials).then(|| {
        if hits == trials {
            1.0
        } else {
            beta_quantile(hits as f64 + 1.0, (trials - hits) as f64, 1.0 - tail)
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn published_values() {
        // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998),
        // table I, method 5 (Clopper-Pearson), 95 %.
        for (hits, trials, low, high) in [
            (81, 263, 0.2527, 0.3676),
            (15, 148, 0.0578, 0.1617),
            (0, 20, 0.0, 0.1684),
            (1, 29, 0.0009, 0.1776),
        ] {
            let interval = binomial_interval(hits, trials, 0.95).unwrap();
            assert!((interval.low - low).abs() < 5.1e-5, "{interval:?}");
            assert!((interval.high - high).abs() < 5.1e-5, "{interval:?}");
        }
    }

    #[test]
    fn no_false_alarm_in_1500_rows_shows_no_more_than_0_2_percent() {
        let upper = binomial_upper(0, 1500, 0.95).unwrap();
        assert!((upper - 0.001_995_2).abs() < 1e-7, "{upper}");
        assert_eq!(binomial_upper(3, 3, 0.95), Some(1.0));
    }

    #[test]
    fn what_makes_no_sense_has_no_interval() {
        for (hits, trials, confidence) in [
            (0, 0, 0.95),
            (2, 1, 0.95),
            (1, 2, 0.0),
            (1, 2, 1.0),
            (1, 2, f64::NAN),
        ] {
            assert_eq!(binomial_interval(hits, trials, confidence), None);
            assert_eq!(binomial_upper(hits, trials, confidence), None);
        }
    }

    proptest! {
        #[test]
        fn each_end_leaves_the_tail_that_it_should(
            (trials, hits) in (1..60_u64).prop_flat_map(|trials| (Just(trials), 0..=trials))
        ) {
            let interval = binomial_interval(hits, trials, 0.9).unwrap();
            let share = hits as f64 / trials as f64;
            prop_assert!(interval.low <= share && share <= interval.high);
            if hits < trials {
                prop_assert!((at_most(hits, trials, interval.high) - 0.05).abs() < 1e-9);
            }
            if hits > 0 {
                prop_assert!((1.0 - at_most(hits - 1, trials, interval.low) - 0.05).abs() < 1e-9);
            }
        }
    }

    /// P(X <= hits), summed term by term.
    fn at_most(hits: u64, trials: u64, share: f64) -> f64 {
        let mut term = (1.0 - share).powf(trials as f64);
        let mut sum = term;
        for k in 0..hits {
            term *= (trials - k) as f64 / (k + 1) as f64 * share / (1.0 - share);
            sum += term;
        }
        sum
    }
}
