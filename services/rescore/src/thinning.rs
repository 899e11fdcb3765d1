//! What is left out when the rescorer is far behind. Pure.
//!
//! First the sample goes, then the uncertain, never what was flagged or what a policy asks for. What stays is drawn by a
//! keyed hash of its id, apart from the draw that selected it, so that its probability is the product of the two.

use weir_types::{FingerprintKey, SelectionReason};
use weir_wire::Flagged;

/// How much more must wait before the uncertain are thinned too.
const UNCERTAIN_LATER: i64 = 4;

/// Shares of what stays, `0.0..=1.0`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Thinning {
    sample: f64,
    uncertain: f64,
}

impl Thinning {
    /// With so many records waiting: as much as would bring them back to `above`.
    pub(crate) fn for_lag(waiting: i64, above: i64) -> Self {
        // Lags are far below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let share = |above: i64| {
            if waiting <= above {
                1.0
            } else {
                above.max(0) as f64 / waiting as f64
            }
        };
        Self {
            sample: share(above),
            uncertain: share(above.saturating_mul(UNCERTAIN_LATER)),
        }
    }

    /// Whether the text stays; its probability becomes that of both draws.
    pub(crate) fn keeps(&self, flagged: &mut Flagged, key: &FingerprintKey) -> bool {
        let share = match flagged.selection_reason {
            SelectionReason::Sample => self.sample,
            SelectionReason::Uncertain => self.uncertain,
            SelectionReason::Flagged | SelectionReason::Policy | SelectionReason::Other => 1.0,
        };
        if share >= 1.0 {
            return true;
        }
        flagged.inclusion_probability *= share;
        let id = flagged.stream_id.as_ref().unwrap_or(&flagged.verdict_id);
        key.draw(&format!("thin\0{id}")) < share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judgement::tests::flagged;

    #[test]
    fn the_sample_goes_first_and_what_was_flagged_never() {
        let calm = Thinning::for_lag(1000, 1000);
        assert_eq!((calm.sample, calm.uncertain), (1.0, 1.0));
        let busy = Thinning::for_lag(2000, 1000);
        assert_eq!((busy.sample, busy.uncertain), (0.5, 1.0));
        let drowning = Thinning::for_lag(40_000, 1000);
        assert_eq!((drowning.sample, drowning.uncertain), (0.025, 0.1));

        let key = FingerprintKey::new(b"test");
        let kept = |reason, thinning: Thinning| {
            (0..2000)
                .filter(|number| {
                    let mut flagged = flagged(&format!("{number:032x}"));
                    flagged.selection_reason = reason;
                    flagged.inclusion_probability = 0.5;
                    let kept = thinning.keeps(&mut flagged, &key);
                    let share = match reason {
                        SelectionReason::Sample => thinning.sample,
                        SelectionReason::Uncertain => thinning.uncertain,
                        _ => 1.0,
                    };
                    assert!((flagged.inclusion_probability - 0.5 * share).abs() < 1e-12);
                    kept
                })
                .count()
        };
        assert_eq!(kept(SelectionReason::Flagged, drowning), 2000);
        assert_eq!(kept(SelectionReason::Policy, drowning), 2000);
        let sample = kept(SelectionReason::Sample, busy);
        assert!((850..1150).contains(&sample), "{sample}");
        let uncertain = kept(SelectionReason::Uncertain, drowning);
        assert!((130..280).contains(&uncertain), "{uncertain}");
    }
}
