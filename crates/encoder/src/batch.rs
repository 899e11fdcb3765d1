//! Which texts go through the network together.

use std::ops::Range;

/// Splits texts into passes of at most `budget` tokens, in order; a text that is longer goes alone.
///
/// Nothing is padded, so only the sum counts: it bounds the memory of a pass (a token takes about
/// `4 * (hidden * 6 + inner)` bytes) and how long it lasts. Order is kept, as sorting by length
/// would gain nothing.
pub fn plan(lengths: &[usize], budget: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut start = 0;
    std::iter::from_fn(move || {
        let mut end = start;
        let mut tokens: usize = 0;
        while let Some(length) = lengths.get(end) {
            tokens = tokens.saturating_add(*length);
            if end > start && tokens > budget {
                break;
            }
            end += 1;
        }
        let pass = start..end;
        start = end;
        (!pass.is_empty()).then_some(pass)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_once_within_the_budget(
            lengths in proptest::collection::vec(0_usize..600, 0..100),
            budget in 0_usize..2000,
        ) {
            let passes: Vec<_> = plan(&lengths, budget).collect();
            let mut at = 0;
            for pass in &passes {
                prop_assert_eq!(pass.start, at);
                prop_assert!(!pass.is_empty());
                at = pass.end;
                let tokens: usize = lengths[pass.clone()].iter().sum();
                prop_assert!(pass.len() == 1 || tokens <= budget);
            }
            prop_assert_eq!(at, lengths.len());
            // No two neighbours would have fitted together.
            for pair in passes.windows(2) {
                let tokens: usize = lengths[pair[0].start..=pair[1].start].iter().sum();
                prop_assert!(tokens > budget);
            }
        }
    }

    #[test]
    fn lengths_beyond_counting_go_alone() {
        let passes: Vec<_> = plan(&[usize::MAX, usize::MAX, 1], 10).collect();
        assert_eq!(passes, [0..1, 1..2, 2..3]);
    }
}
