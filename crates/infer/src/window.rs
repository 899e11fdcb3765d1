//! Long texts are judged in windows, each small enough for the model to see something specific.

use std::ops::Range;

use crate::features::MAX_TOKEN_FEATURES;

/// How a text is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windowing {
    features: usize,
    most: usize,
}

impl Windowing {
    /// Windows of at most `features` features each (at least twice [`MAX_TOKEN_FEATURES`], which
    /// smaller numbers are raised to), at most `most` (at least 1) of one text.
    #[must_use]
    pub fn new(features: usize, most: usize) -> Self {
        Self {
            features: features.max(2 * MAX_TOKEN_FEATURES),
            most: most.max(1),
        }
    }

    /// Most features of one text that are looked at.
    #[must_use]
    pub fn cap(self) -> usize {
        self.most * self.usable()
    }

    /// What every window is sure to hold when it ends at the end of a token.
    fn usable(self) -> usize {
        self.features - MAX_TOKEN_FEATURES
    }

    /// Cuts `ids` (a range of positions, at most [`Self::cap`] long) at token starts into windows of
    /// about equal length, so that no short tail is judged by itself. An empty text is one empty
    /// window. `token_starts` are ascending and those of the range are among them.
    pub fn cut(
        self,
        ids: Range<usize>,
        token_starts: &[usize],
    ) -> impl Iterator<Item = Range<usize>> {
        let length = ids.len();
        let windows = if length <= self.features {
            1
        } else {
            length.div_ceil(self.usable())
        };
        let target = length.div_ceil(windows);
        let mut start = Some(ids.start);
        std::iter::from_fn(move || {
            let from = start?;
            let next = token_starts.partition_point(|at| *at < from + target);
            let to = token_starts.get(next).copied().filter(|to| *to < ids.end);
            start = to;
            Some(from..to.unwrap_or(ids.end))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WINDOWING: Windowing = Windowing {
        features: 512,
        most: 8,
    };

    proptest! {
        #[test]
        fn windows_tile_the_text_within_bounds(
            before in 0_usize..100,
            tokens in proptest::collection::vec(1..=MAX_TOKEN_FEATURES, 0..300),
        ) {
            let mut starts = vec![];
            let mut at = before;
            for token in tokens {
                if at + token - before > WINDOWING.cap() {
                    break;
                }
                starts.push(at);
                at += token;
            }
            let windows: Vec<_> = WINDOWING.cut(before..at, &starts).collect();
            prop_assert!(!windows.is_empty() && windows.len() <= WINDOWING.most);
            prop_assert_eq!(windows[0].start, before);
            prop_assert_eq!(windows[windows.len() - 1].end, at);
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].end, pair[1].start);
                prop_assert!(starts.contains(&pair[1].start));
            }
            prop_assert!(windows.iter().all(|window| window.len() <= WINDOWING.features));
            prop_assert!(windows.len() == 1 || windows.iter().all(|window| !window.is_empty()));
        }
    }
}
