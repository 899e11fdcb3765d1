//! Groups windows of similar length, so that little of a run is padding.

use std::ops::Range;

/// Most padded features in one run: bounds the intermediate tensor (this times the width of the
/// embedding times 4 bytes) so that it stays in a core's cache.
const BUDGET: usize = 4096;

/// Padding that is always worth a saved run, in features.
const FREE_WASTE: usize = 512;

/// Splits `order` (sorted by `length`) into runs: at most [`BUDGET`] features padded (or one
/// window), of which at most a quarter or [`FREE_WASTE`] is padding.
pub(crate) fn groups<'a, T>(
    order: &'a [T],
    length: impl Fn(&T) -> usize + 'a,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut end = start;
        let mut used = 0;
        while let Some(item) = order.get(end) {
            let longest = length(item);
            let padded = longest * (end + 1 - start);
            let waste = padded - used - longest;
            if end > start && (padded > BUDGET || (waste > FREE_WASTE && waste * 4 > padded)) {
                break;
            }
            used += longest;
            end += 1;
        }
        let group = start..end;
        start = end;
        (!group.is_empty()).then_some(group)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn groups_tile_and_bound_waste(mut lengths in proptest::collection::vec(0_usize..2000, 0..200)) {
            lengths.sort_unstable();
            let mut at = 0;
            for group in groups(&lengths, |length| *length) {
                prop_assert_eq!(group.start, at);
                prop_assert!(!group.is_empty());
                at = group.end;
                let padded = lengths[group.end - 1] * group.len();
                let waste = padded - lengths[group.clone()].iter().sum::<usize>();
                prop_assert!(group.len() == 1 || padded <= BUDGET);
                prop_assert!(waste <= FREE_WASTE || waste * 4 <= padded);
            }
            prop_assert_eq!(at, lengths.len());
        }
    }
}
