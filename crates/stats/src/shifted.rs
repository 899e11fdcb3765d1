//! Platt scaling whose offset differs between groups.

use crate::logistic::Problem;
use crate::{Example, Platt, PlattError};

/// One slope for all, and for some groups a shift of the offset: `p = 1 / (1 + exp(-(a * score + b + shift)))`.
#[derive(Debug, Clone, PartialEq)]
pub struct ShiftedPlatt {
    /// What holds where there is no shift.
    pub common: Platt,
    /// By group.
    pub shifts: Vec<f64>,
}

impl ShiftedPlatt {
    /// Fits by weighted maximum likelihood, with the targets of [`Platt::fit`]. `rows` tell each example's group, from 0 and
    /// below `groups`; `None`: it has no shift of its own.
    ///
    /// The slope and one offset a group (and one of the rest) are fitted together. `common.b` is then the offset that
    /// fits all rows best at that slope, as if there were no groups: it is meant for groups of which too little is known
    /// to tell. A shift is what a group's own offset has beyond it.
    ///
    /// # Errors
    /// An example cannot be used, one class is missing, or the search did not converge.
    pub fn fit(rows: &[(Example, Option<usize>)], groups: usize) -> Result<Self, PlattError> {
        let examples: Vec<Example> = rows.iter().map(|(example, _)| *example).collect();
        let group = |at: usize| rows[at].1.map_or(groups, |group| group.min(groups));
        let apart = Problem::new(&examples, groups + 1, &group)?.solve()?;
        let together = Problem::new(&examples, 1, &|_| 0)?.solve_intercepts(apart.slope)?;
        let common = Platt {
            a: apart.slope,
            b: together.intercepts.into_iter().sum(),
        };
        let own = apart.intercepts.into_iter().take(groups);
        Ok(Self {
            common,
            shifts: own.map(|offset| offset - common.b).collect(),
        })
    }

    /// What holds in a group; `None`: in none.
    #[must_use]
    pub fn of(&self, group: Option<usize>) -> Platt {
        let shift = group.and_then(|group| self.shifts.get(group));
        Platt {
            b: self.common.b + shift.copied().unwrap_or(0.0),
            ..self.common
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::SplitMix64;

    /// A number in `0..1`.
    fn uniform(random: &mut SplitMix64) -> f64 {
        (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Rows whose labels are drawn by `truth`, and which are then kept with a probability that depends on the score, as
    /// uncertain texts are looked at more often; they weigh its inverse.
    fn drawn(truth: &ShiftedPlatt, rows: usize, seed: u64) -> Vec<(Example, Option<usize>)> {
        let mut random = SplitMix64::new(seed);
        let mut kept = Vec::new();
        for row in 0..rows {
            let group = (row % (truth.shifts.len() + 1)).checked_sub(1);
            let score = 8.0 * uniform(&mut random) - 5.0;
            let positive = uniform(&mut random) < truth.of(group).probability(score);
            let looked_at = if score > 0.0 { 1.0 } else { 0.25 };
            if uniform(&mut random) < looked_at {
                let weight = 1.0 / looked_at;
                kept.push((
                    Example {
                        score,
                        positive,
                        weight,
                    },
                    group,
                ));
            }
        }
        kept
    }

    #[test]
    fn without_groups_it_is_platt_scaling() {
        let rows = drawn(
            &ShiftedPlatt {
                common: Platt { a: 1.0, b: 0.0 },
                shifts: Vec::new(),
            },
            2000,
            5,
        );
        let plain: Vec<_> = rows.iter().map(|(example, _)| *example).collect();
        let (plain, shifted) = (
            Platt::fit(&plain).unwrap(),
            ShiftedPlatt::fit(&rows, 0).unwrap(),
        );
        assert!((plain.a - shifted.common.a).abs() < 1e-7);
        assert!((plain.b - shifted.common.b).abs() < 1e-7);
        assert_eq!(shifted.of(None), shifted.common);
        assert_eq!(shifted.of(Some(3)), shifted.common);
    }

    #[test]
    fn a_group_at_two_scores_has_an_offset_of_its_own() {
        // Three groups, one score: at it each group's probability is the mean of its targets.
        let example = |positive, weight| Example {
            score: 0.0,
            positive,
            weight,
        };
        let rows = [
            (example(true, 30.0), Some(0)),
            (example(false, 10.0), Some(0)),
            (example(true, 10.0), Some(1)),
            (example(false, 70.0), Some(1)),
            (example(true, 1.0), None),
            (example(false, 1.0), None),
        ];
        let fit = ShiftedPlatt::fit(&rows, 2).unwrap();
        let (up, down) = (42.0 / 43.0, 1.0 / 83.0);
        for (group, positives, negatives) in [
            (Some(0), 30.0, 10.0),
            (Some(1), 10.0, 70.0),
            // All together.
            (None, 41.0, 81.0),
        ] {
            let mean = (positives * up + negatives * down) / (positives + negatives);
            assert!((fit.of(group).probability(0.0) - mean).abs() < 1e-7);
        }
    }

    #[test]
    fn what_cannot_be_fitted_is_said() {
        let one = Example {
            score: 1.0,
            positive: true,
            weight: 1.0,
        };
        assert_eq!(ShiftedPlatt::fit(&[], 0), Err(PlattError::OneClass));
        assert_eq!(
            ShiftedPlatt::fit(&[(one, Some(0))], 1),
            Err(PlattError::OneClass)
        );
        let bad = Example {
            score: f64::NAN,
            ..one
        };
        assert_eq!(
            ShiftedPlatt::fit(&[(one, None), (bad, None)], 0),
            Err(PlattError::BadExample(1))
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn finds_slope_offset_and_shifts(
            a in 0.7..2.0_f64, b in -1.5..0.5_f64, shifts in proptest::collection::vec(-1.0..1.0_f64, 0..4), seed in any::<u64>(),
        ) {
            let truth = ShiftedPlatt { common: Platt { a, b }, shifts };
            let fit = ShiftedPlatt::fit(&drawn(&truth, 24_000, seed), truth.shifts.len()).unwrap();
            prop_assert!((fit.common.a - a).abs() < 0.2, "{:?} {:?}", fit, truth);
            for (group, shift) in truth.shifts.iter().enumerate() {
                // A shift is relative to what fits all: what is determined is a group's own offset.
                let own = fit.of(Some(group)).b;
                prop_assert!((own - (b + shift)).abs() < 0.4, "{:?} {:?}", fit, truth);
            }
        }
    }
}
