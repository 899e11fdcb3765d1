use serde::{Deserialize, Serialize};

use crate::CategoryScore;

/// Which of two models a policy acts upon in a category. Where they differ, either may be wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// Both.
    Both,
    /// The fast model alone.
    FastOnly,
    /// The heavy model alone.
    HeavyOnly,
    /// Neither.
    Neither,
}

impl Agreement {
    /// All of them; the discriminant is the position here.
    pub const ALL: [Self; 4] = [Self::Both, Self::FastOnly, Self::HeavyOnly, Self::Neither];

    /// The name used in reports and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::FastOnly => "fast_only",
            Self::HeavyOnly => "heavy_only",
            Self::Neither => "neither",
        }
    }

    /// Whether the models agree.
    #[must_use]
    pub const fn agrees(self) -> bool {
        matches!(self, Self::Both | Self::Neither)
    }

    /// Of two scores in one category; a margin of 0 or more is acted upon. `None` where there is nothing to compare: a
    /// margin is not a number, or both thresholds are above 1, so that the policy acts on nobody.
    #[must_use]
    pub fn of(fast: &CategoryScore, heavy: &CategoryScore) -> Option<Self> {
        if fast.margin.is_nan() || heavy.margin.is_nan() {
            return None;
        }
        if fast.threshold > 1.0 && heavy.threshold > 1.0 {
            return None;
        }
        Some(match (fast.margin >= 0.0, heavy.margin >= 0.0) {
            (true, true) => Self::Both,
            (true, false) => Self::FastOnly,
            (false, true) => Self::HeavyOnly,
            (false, false) => Self::Neither,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Category;

    fn score(threshold: f32, margin: f32) -> CategoryScore {
        CategoryScore {
            category: Category::Hate,
            raw: 0.0,
            calibrated: threshold + margin,
            threshold,
            margin,
        }
    }

    #[test]
    fn a_margin_of_nothing_is_acted_upon() {
        for (fast, heavy, expected) in [
            (0.0, 0.3, Agreement::Both),
            (0.1, -0.1, Agreement::FastOnly),
            (-1e-6, 0.0, Agreement::HeavyOnly),
            (-0.2, -0.5, Agreement::Neither),
        ] {
            let found = Agreement::of(&score(0.5, fast), &score(0.5, heavy)).unwrap();
            assert_eq!(found, expected);
            assert_eq!(found.agrees(), (fast >= 0.0) == (heavy >= 0.0));
        }
    }

    #[test]
    fn what_cannot_be_compared_is_not() {
        let good = score(0.5, 0.1);
        assert_eq!(Agreement::of(&good, &score(0.5, f32::NAN)), None);
        assert_eq!(Agreement::of(&score(0.5, f32::NAN), &good), None);
        let never = score(2.0, -1.9);
        assert_eq!(Agreement::of(&never, &never), None);
        // The policy has changed in between.
        let found = Agreement::of(&never, &good);
        assert_eq!(found, Some(Agreement::HeavyOnly));
    }

    #[test]
    fn discriminants_are_positions() {
        for (position, agreement) in Agreement::ALL.into_iter().enumerate() {
            assert_eq!(agreement as usize, position);
        }
    }
}
