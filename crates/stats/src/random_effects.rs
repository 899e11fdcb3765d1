//! One quantity in several groups: how much it differs between them beyond chance, and what that says of each.

/// A group's estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Estimate {
    pub(crate) value: f64,
    /// Of sampling, above 0.
    pub(crate) variance: f64,
}

/// Groups' true values have this mean and this variance between them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RandomEffects {
    pub(crate) mean: f64,
    /// 0: chance explains all differences.
    pub(crate) between: f64,
}

impl RandomEffects {
    /// By moments: DerSimonian and Laird, "Meta-analysis in clinical trials", Controlled Clinical Trials 7 (1986).
    /// With weights `w = 1 / variance`, `Q = sum(w (value - mean)^2)` and k groups, the variance between them is
    /// `max(0, (Q - (k - 1)) / (sum(w) - sum(w^2) / sum(w)))`; their mean is then that by `1 / (variance + between)`.
    /// One group tells nothing of differences. `None` without groups.
    pub(crate) fn of(groups: &[Estimate]) -> Option<Self> {
        let freedom = groups.len().checked_sub(1)? as f64;
        let mean = |between: f64| {
            let weight = |group: &Estimate| 1.0 / (group.variance + between);
            let sum = groups.iter().map(|group| weight(group) * group.value);
            sum.sum::<f64>() / groups.iter().map(weight).sum::<f64>()
        };
        let weights: f64 = groups.iter().map(|group| 1.0 / group.variance).sum();
        // The formula's divisor, so that rounding does not leave 0 of it.
        let rest = |group: &Estimate| (1.0 - 1.0 / group.variance / weights) / group.variance;
        let divisor: f64 = groups.iter().map(rest).sum();
        let fixed = mean(0.0);
        let apart = |group: &Estimate| (group.value - fixed).powi(2) / group.variance;
        let excess = groups.iter().map(apart).sum::<f64>() - freedom;
        let between = if freedom > 0.0 {
            (excess / divisor).max(0.0)
        } else {
            0.0
        };
        Some(Self {
            mean: mean(between),
            between,
        })
    }

    /// What a group's true value is expected to be: its estimate, drawn towards the mean the more, the less is known of
    /// it (Morris, "Parametric empirical Bayes inference", Journal of the American Statistical Association 78, 1983).
    pub(crate) fn shrunk(&self, group: &Estimate) -> f64 {
        (self.between * group.value + group.variance * self.mean) / (self.between + group.variance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimates(groups: &[(f64, f64)]) -> Vec<Estimate> {
        let one = |(value, variance): &(f64, f64)| Estimate {
            value: *value,
            variance: *variance,
        };
        groups.iter().map(one).collect()
    }

    #[test]
    fn published_values() {
        // The thirteen trials of the BCG vaccine (Colditz et al., Journal of the American Medical Association 271, 1994):
        // log relative risks and their variances. By DerSimonian and Laird 0.3088 and -0.7141.
        let trials = estimates(&[
            (-0.8893, 0.3256),
            (-1.5854, 0.1946),
            (-1.3481, 0.4154),
            (-1.4416, 0.0200),
            (-0.2175, 0.0512),
            (-0.7861, 0.0069),
            (-1.6209, 0.2230),
            (0.0120, 0.0040),
            (-0.4694, 0.0564),
            (-1.3713, 0.0730),
            (-0.3394, 0.0124),
            (0.4459, 0.5325),
            (-0.0173, 0.0714),
        ]);
        let found = RandomEffects::of(&trials).unwrap();
        assert!((found.between - 0.3088).abs() < 2e-3, "{found:?}");
        assert!((found.mean + 0.7141).abs() < 2e-3, "{found:?}");
    }

    #[test]
    fn what_chance_explains_is_no_difference() {
        // Q = 2 of one degree of freedom: (2 - 1) / (2 - 1) = 1.
        let apart = estimates(&[(0.0, 1.0), (2.0, 1.0)]);
        let found = RandomEffects::of(&apart).unwrap();
        assert_eq!((found.mean, found.between), (1.0, 1.0));
        assert_eq!(found.shrunk(&apart[1]), 1.5);
        // Q = 0.5.
        let alike = estimates(&[(0.0, 1.0), (1.0, 1.0)]);
        let found = RandomEffects::of(&alike).unwrap();
        assert_eq!((found.mean, found.between), (0.5, 0.0));
        assert_eq!(found.shrunk(&alike[1]), 0.5);
    }

    #[test]
    fn one_group_is_itself_and_none_is_nothing() {
        let one = estimates(&[(3.0, 0.5)]);
        let found = RandomEffects::of(&one).unwrap();
        assert_eq!((found.mean, found.between), (3.0, 0.0));
        assert_eq!(RandomEffects::of(&[]), None);
    }

    #[test]
    fn what_is_known_well_moves_little() {
        let groups = estimates(&[(0.0, 0.01), (2.0, 0.01), (3.0, 4.0)]);
        let found = RandomEffects::of(&groups).unwrap();
        assert!((found.shrunk(&groups[1]) - 2.0).abs() < 0.02, "{found:?}");
        let moved = groups[2].value - found.shrunk(&groups[2]);
        assert!(moved > 0.5 * (3.0 - found.mean), "{found:?}");
    }
}
