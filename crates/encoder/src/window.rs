//! How long texts are cut.

use std::ops::Range;

/// Sizes of windows. Training calibrates with the same ones: they are part of the model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windowing {
    /// Most tokens of a window, marks and prefix included.
    pub tokens: usize,
    /// Tokens of text that neighbouring windows share.
    pub overlap: usize,
    /// Most windows of a text (0 counts as 1); what lies beyond is not looked at, and that is said.
    pub most: usize,
}

impl Windowing {
    /// Most tokens of text that are looked at when a window holds `room` of them.
    pub(crate) fn cap(self, room: usize) -> usize {
        let stride = room - self.overlap;
        room.saturating_add(stride.saturating_mul(self.most.max(1) - 1))
    }

    /// Cuts `length` tokens into windows of at most `room` (more than the overlap) tokens. A last
    /// window is longer than the overlap, so each has something of its own; no text is one empty
    /// window.
    pub(crate) fn cut(self, length: usize, room: usize) -> impl Iterator<Item = Range<usize>> {
        let stride = room - self.overlap;
        let seen = length.min(self.cap(room));
        let windows = 1 + seen.saturating_sub(room).div_ceil(stride);
        (0..windows).map(move |window| {
            let start = window * stride;
            start..seen.min(start + room)
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn windows_cover_and_overlap(
            length in 0_usize..3000,
            (room, overlap) in (1_usize..300).prop_flat_map(|room| (Just(room), 0..room)),
            most in 0_usize..12,
        ) {
            let windowing = Windowing { tokens: 0, overlap, most };
            let windows: Vec<_> = windowing.cut(length, room).collect();
            prop_assert!(windows.len() <= most.max(1));
            prop_assert_eq!(windows[0].start, 0);
            let end = windows[windows.len() - 1].end;
            prop_assert_eq!(end, length.min(windowing.cap(room)));
            prop_assert!(end == length || windows.len() == most.max(1));
            for pair in windows.windows(2) {
                prop_assert_eq!(pair[0].end - pair[1].start, overlap);
                prop_assert_eq!(pair[0].len(), room);
                prop_assert!(pair[1].len() > overlap && pair[1].len() <= room);
            }
        }
    }
}
