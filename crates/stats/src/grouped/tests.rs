//! Curves by group, from rows whose curves are known.

use proptest::prelude::*;

use super::*;
use crate::SplitMix64;

/// A number in `0..1`.
fn uniform(random: &mut SplitMix64) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Rows whose labels are drawn by the curve of their group (the first one's is that of no group), and which are then
/// kept with a probability that depends on the score, as uncertain texts are looked at more often; they weigh its inverse.
fn drawn(truth: &[Platt], rows: usize, seed: u64) -> Vec<(Example, Option<usize>)> {
    let mut random = SplitMix64::new(seed);
    let mut kept = Vec::new();
    for row in 0..rows {
        let curve = row % truth.len();
        let score = 8.0 * uniform(&mut random) - 5.0;
        let positive = uniform(&mut random) < truth[curve].probability(score);
        let looked_at = if score > 0.0 { 1.0 } else { 0.25 };
        if uniform(&mut random) < looked_at {
            let example = Example {
                score,
                positive,
                weight: 1.0 / looked_at,
            };
            kept.push((example, curve.checked_sub(1)));
        }
    }
    kept
}

fn curves(slopes: &[f64]) -> Vec<Platt> {
    slopes.iter().map(|a| Platt { a: *a, b: -0.5 }).collect()
}

#[test]
fn without_groups_it_is_platt_scaling() {
    let rows = drawn(&curves(&[1.0]), 2000, 5);
    let plain: Vec<_> = rows.iter().map(|(example, _)| *example).collect();
    let (plain, grouped) = (
        Platt::fit(&plain).unwrap(),
        GroupedPlatt::fit(&rows, 0).unwrap(),
    );
    assert!((plain.a - grouped.common.a).abs() < 1e-7);
    assert!((plain.b - grouped.common.b).abs() < 1e-7);
    assert_eq!(grouped.of(None), grouped.common);
    assert_eq!(grouped.of(Some(3)), grouped.common);
}

#[test]
fn groups_at_one_score_have_offsets_of_their_own() {
    // At it each group's probability is the mean of its targets.
    let example = |positive, weight| Example {
        score: 3.0,
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
    let fit = GroupedPlatt::fit(&rows, 2).unwrap();
    for (group, positives, negatives) in [
        (Some(0), 30.0, 10.0),
        (Some(1), 10.0, 70.0),
        // All together.
        (None, 41.0, 81.0),
    ] {
        let (up, down) = (
            (positives + 1.0) / (positives + 2.0),
            1.0 / (negatives + 2.0),
        );
        let mean = (positives * up + negatives * down) / (positives + negatives);
        assert!((fit.of(group).probability(3.0) - mean).abs() < 1e-7);
    }
    assert_eq!(fit.groups[0].no_slope, Some(NoSlope::Unknown));
}

#[test]
fn slopes_of_their_own_where_they_differ_beyond_chance() {
    let truth = curves(&[1.0, 0.5, 2.0, 1.2]);
    let fit = GroupedPlatt::fit(&drawn(&truth, 24_000, 1), 3).unwrap();
    for (group, wanted) in [(0, 0.5), (1, 2.0), (2, 1.2)] {
        let own = &fit.groups[group];
        assert!((own.curve.a - wanted).abs() < 0.15, "{fit:?}");
        assert_eq!(own.no_slope, None);
    }
    // The mean of all four, of which each counts about as much.
    assert!((fit.common.a - 1.175).abs() < 0.1, "{fit:?}");
}

#[test]
fn one_slope_where_chance_explains_the_differences() {
    let fits = (0..40).map(|seed| {
        let rows = drawn(&curves(&[1.0, 1.0, 1.0]), 3000, seed);
        GroupedPlatt::fit(&rows, 2).unwrap()
    });
    let mut alike = 0;
    for fit in fits {
        for group in &fit.groups {
            assert!((group.curve.a - 1.0).abs() < 0.25, "{fit:?}");
            if group.no_slope == Some(NoSlope::Alike) {
                assert_eq!(group.curve.a, fit.common.a);
                alike += 1;
            }
        }
    }
    // Q exceeds its mean of 2 in 37 % of draws.
    assert!((34..=66).contains(&alike), "{alike}");
}

#[test]
fn what_little_is_known_of_is_drawn_to_the_rest() {
    let mut rows = drawn(&curves(&[1.0, 0.6, 1.4]), 24_000, 3);
    let few = drawn(&curves(&[3.0]), 60, 4);
    let alone: Vec<Example> = few.iter().map(|(example, _)| *example).collect();
    rows.extend(alone.iter().map(|example| (*example, Some(2))));
    let fit = GroupedPlatt::fit(&rows, 3).unwrap();
    let (own, alone) = (fit.groups[2].curve.a, Platt::fit(&alone).unwrap().a);
    assert!(fit.common.a < own && own < alone, "{alone} {fit:?}");
    assert!(
        own - fit.common.a < 0.8 * (alone - fit.common.a),
        "{alone} {fit:?}"
    );
}

#[test]
fn a_group_that_is_upside_down_has_the_common_slope_and_spoils_no_other() {
    let mut rows = drawn(&curves(&[1.0, 1.5, 1.0]), 12_000, 6);
    for (example, _) in rows.iter_mut().filter(|(_, group)| *group == Some(1)) {
        example.positive = !example.positive;
    }
    let fit = GroupedPlatt::fit(&rows, 2).unwrap();
    let (right, wrong) = (&fit.groups[0], &fit.groups[1]);
    assert_eq!(wrong.curve.a, fit.common.a);
    assert!(
        matches!(wrong.no_slope, Some(NoSlope::NotAboveZero(slope)) if slope < -0.8),
        "{fit:?}"
    );
    assert!((right.curve.a - 1.5).abs() < 0.15, "{fit:?}");
    // Its offset is its own.
    assert!((wrong.curve.b - fit.common.b).abs() > 0.2, "{fit:?}");
}

#[test]
fn what_cannot_be_fitted_is_said() {
    let one = Example {
        score: 1.0,
        positive: true,
        weight: 1.0,
    };
    assert_eq!(GroupedPlatt::fit(&[], 0), Err(PlattError::OneClass));
    assert_eq!(
        GroupedPlatt::fit(&[(one, Some(0))], 1),
        Err(PlattError::OneClass)
    );
    let bad = Example {
        score: f64::NAN,
        ..one
    };
    assert_eq!(
        GroupedPlatt::fit(&[(one, None), (bad, None)], 0),
        Err(PlattError::BadExample(1))
    );
    // A group without negatives has what is common.
    let mut rows = drawn(&curves(&[1.0]), 1000, 7);
    rows.push((one, Some(0)));
    let fit = GroupedPlatt::fit(&rows, 1).unwrap();
    assert_eq!(fit.groups[0].curve, fit.common);
    assert_eq!(
        fit.groups[0].no_slope,
        Some(NoSlope::NotFitted(PlattError::OneClass))
    );
}

#[test]
fn variances_are_those_of_slopes_fitted_again_and_again() {
    let fits: Vec<Estimate> = (0..400)
        .map(|seed| {
            let rows = drawn(&curves(&[1.0]), 1500, seed);
            let rows: Vec<Example> = rows.iter().map(|(example, _)| *example).collect();
            slope(&rows).unwrap()
        })
        .collect();
    let count = fits.len() as f64;
    let mean = fits.iter().map(|fit| fit.value).sum::<f64>() / count;
    let found = fits
        .iter()
        .map(|fit| (fit.value - mean).powi(2))
        .sum::<f64>()
        / (count - 1.0);
    let told = fits.iter().map(|fit| fit.variance).sum::<f64>() / count;
    // The variance of a variance of 400: within four standard deviations.
    assert!((found / told - 1.0).abs() < 0.29, "{found} {told}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn finds_slopes_and_offsets(
        truth in proptest::collection::vec((0.7..2.0_f64, -1.5..0.5_f64), 1..5), seed in any::<u64>(),
    ) {
        let truth: Vec<Platt> = truth.into_iter().map(|(a, b)| Platt { a, b }).collect();
        let fit = GroupedPlatt::fit(&drawn(&truth, 24_000, seed), truth.len() - 1).unwrap();
        for (own, wanted) in fit.groups.iter().zip(&truth[1..]) {
            prop_assert!((own.curve.a - wanted.a).abs() < 0.3, "{:?} {:?}", fit, truth);
            prop_assert!((own.curve.b - wanted.b).abs() < 0.5, "{:?} {:?}", fit, truth);
        }
    }

    #[test]
    fn slopes_lie_between_the_groups_own_and_the_common_one(
        slopes in proptest::collection::vec(0.3..2.0_f64, 2..5), rows in 200..2000_usize, seed in any::<u64>(),
    ) {
        let rows = drawn(&curves(&slopes), rows, seed);
        let fit = GroupedPlatt::fit(&rows, slopes.len() - 1).unwrap();
        for (at, group) in fit.groups.iter().enumerate() {
            let own: Vec<Example> = rows.iter().filter(|row| row.1 == Some(at)).map(|row| row.0).collect();
            if let Ok(own) = slope(&own) {
                let (low, high) = (own.value.min(fit.common.a), own.value.max(fit.common.a));
                prop_assert!((low - 1e-9..=high + 1e-9).contains(&group.curve.a), "{:?}", fit);
            }
        }
    }
}
