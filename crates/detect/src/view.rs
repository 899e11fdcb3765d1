//! The seam for the normaliser: detectors read a view and report through it.

use std::ops::Range;

use weir_types::Span;

/// A text to scan and how to get from its bytes back to the original ones.
///
/// Today the text is the original and the way back is adding `base`. The normaliser will hand
/// over a rewritten text and a map of positions; `original` is then the one place that changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// What detectors look at.
    pub(crate) text: &'a [u8],
    base: i64,
}

impl<'a> View<'a> {
    /// A view of `text`, whose first byte is byte `base` of the judged text.
    pub(crate) fn new(text: &'a [u8], base: i64) -> Self {
        Self { text, base }
    }

    /// The bytes of the judged text that `range` of this view stands for; saturates at `i64::MAX`.
    pub(crate) fn original(&self, range: Range<usize>) -> Span {
        let place = |at| {
            self.base
                .saturating_add(i64::try_from(at).unwrap_or(i64::MAX))
        };
        Span {
            start: place(range.start),
            end: place(range.end),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_the_base_and_saturates() {
        assert_eq!(
            View::new(b"abc", 10).original(1..3),
            Span { start: 11, end: 13 }
        );
        assert_eq!(
            View::new(b"abc", -1).original(0..1),
            Span { start: -1, end: 0 }
        );
        let end = View::new(b"abc", i64::MAX).original(0..2);
        assert_eq!(
            end,
            Span {
                start: i64::MAX,
                end: i64::MAX
            }
        );
    }
}
