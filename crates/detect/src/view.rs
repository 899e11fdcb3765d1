//! What detectors read, and the way back to the bytes that the user sent.

use std::ops::Range;

use weir_types::Span;

use crate::normal::Window;

/// A stretch of clean text, and what it stands for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// What detectors look at: valid UTF-8, normalised (`normal/`), case kept.
    pub(crate) text: &'a [u8],
    /// `None`: the text is the original.
    window: Option<&'a Window>,
    /// Where in the window the text begins.
    from: usize,
    base: i64,
}

impl<'a> View<'a> {
    /// A view of clean text by itself: what is found counts from its beginning.
    pub(crate) fn of(text: &'a [u8]) -> Self {
        Self {
            text,
            window: None,
            from: 0,
            base: 0,
        }
    }

    /// A view of the original `text`, whose first byte is byte `base` of the judged text.
    #[cfg(test)]
    pub(crate) fn new(text: &'a [u8], base: i64) -> Self {
        Self {
            base,
            ..Self::of(text)
        }
    }

    /// A view of a range of a window, which begins and ends where characters do; `base` is added to all
    /// original positions.
    pub(crate) fn part(window: &'a Window, range: Range<usize>, base: i64) -> Self {
        Self {
            text: &window.text()[range.clone()],
            window: Some(window),
            from: range.start,
            base,
        }
    }

    /// The bytes of the judged text that `range` of this view stands for; saturates at `i64::MAX`.
    pub(crate) fn original(&self, range: Range<usize>) -> Span {
        span(&self.place(&range), self.base)
    }

    /// The same, not counted from the base.
    pub(crate) fn place(&self, range: &Range<usize>) -> Range<usize> {
        match self.window {
            Some(window) => window.original(&(self.from + range.start..self.from + range.end)),
            None => range.clone(),
        }
    }
}

/// The span of `range`, whose bytes count from `base`.
pub(crate) fn span(range: &Range<usize>, base: i64) -> Span {
    let place = |at| base.saturating_add(i64::try_from(at).unwrap_or(i64::MAX));
    Span {
        start: place(range.start),
        end: place(range.end),
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
