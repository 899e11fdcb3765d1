//! Agreement beyond chance. Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and
//! Psychological Measurement 20 (1960).

/// Cohen's kappa of two raters who say yes or no, `-1..=1`: 1 where they always agree, 0 where they agree as often as they
/// would by chance, given how often each says yes. The four counts may be weighted.
///
/// `(po - pe) / (1 - pe)`, here as `2(ad - bc) / ((a+b)(b+d) + (a+c)(c+d))`. `None` where chance alone would always
/// agree, both always saying the same, and for counts that are negative or too large.
#[must_use]
pub fn cohen_kappa(both: f64, first_only: f64, second_only: f64, neither: f64) -> Option<f64> {
    let counts = [both, first_only, second_only, neither];
    let whole: f64 = counts.iter().sum();
    if !counts.iter().all(|count| *count >= 0.0) || !whole.is_finite() || whole <= 0.0 {
        return None;
    }
    // As shares, whose products neither overflow nor vanish together.
    let [a, b, c, d] = counts.map(|count| count / whole);
    let chance = (a + b) * (b + d) + (a + c) * (c + d);
    (chance > 0.0).then(|| 2.0 * (a * d - b * c) / chance)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_values() {
        // 50 applications read by two: 20 both, 5 the first alone, 10 the second alone, 15 neither.
        // po = 0.7, pe = 0.5 * 0.6 + 0.5 * 0.4 = 0.5, kappa = 0.2 / 0.5.
        let kappa = cohen_kappa(20.0, 5.0, 10.0, 15.0).unwrap();
        assert!((kappa - 0.4).abs() < 1e-12, "{kappa}");
        assert_eq!(cohen_kappa(3.0, 0.0, 0.0, 5.0), Some(1.0));
        assert_eq!(cohen_kappa(0.0, 4.0, 4.0, 0.0), Some(-1.0));
        assert_eq!(cohen_kappa(1.0, 1.0, 1.0, 1.0), Some(0.0));
    }

    #[test]
    fn what_is_not_defined_is_none() {
        for counts in [
            [0.0; 4],
            [0.0, 0.0, 0.0, 9.0],
            [9.0, 0.0, 0.0, 0.0],
            [1.0, -1.0, 1.0, 1.0],
            [1.0, f64::NAN, 1.0, 1.0],
            [1.0, f64::INFINITY, 1.0, 1.0],
        ] {
            let [a, b, c, d] = counts;
            assert_eq!(cohen_kappa(a, b, c, d), None, "{counts:?}");
        }
    }

    proptest! {
        #[test]
        fn is_what_the_definition_says(
            a in 0.1..100.0_f64, b in 0.1..100.0_f64, c in 0.1..100.0_f64, d in 0.1..100.0_f64
        ) {
            let whole = a + b + c + d;
            let observed = (a + d) / whole;
            let by_chance = ((a + b) * (a + c) + (c + d) * (b + d)) / (whole * whole);
            let expected = (observed - by_chance) / (1.0 - by_chance);
            prop_assert!((cohen_kappa(a, b, c, d).unwrap() - expected).abs() < 1e-9);
        }
    }
}
