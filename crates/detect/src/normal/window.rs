//! The clean text that is still needed, and where each of its bytes comes from.

use std::ops::Range;

use super::Unit;
use serde::{Deserialize, Serialize};

/// Room is made for so many bytes at once.
const ROOM: usize = 64;

/// A window of clean text. Positions in it count from its own beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    text: Vec<u8>,
    /// In order of `at`; the first begins at or before the window.
    segments: Vec<Segment>,
    /// Clean bytes dropped so far.
    dropped: usize,
}

/// A stretch of clean text and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Segment {
    /// Where it begins, in clean bytes from the beginning of the text.
    at: usize,
    /// Original bytes.
    start: usize,
    /// `None`: the original bytes themselves, one for one. Else all of it stands for all bytes from
    /// `start` to here.
    end: Option<usize>,
}

impl Window {
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Makes room for a piece of text.
    pub(crate) fn reserve(&mut self, bytes: usize) {
        // Not for as much again: a stream keeps that for as long as it is open.
        self.text.reserve_exact(bytes.next_multiple_of(ROOM));
    }

    #[inline]
    pub(crate) fn push(&mut self, unit: Unit) {
        if unit.c.is_ascii()
            && let Some(last) = self.segments.last()
            && last.end.is_none()
            && last.start + (self.dropped + self.text.len() - last.at) == unit.start
            && unit.end - unit.start == 1
            && !unit.inner
        {
            // Most text is such. One byte long, so the cast keeps it.
            self.text.push(unit.c as u8);
            return;
        }
        self.push_any(unit);
    }

    fn push_any(&mut self, unit: Unit) {
        let at = self.dropped + self.text.len();
        let length = unit.c.len_utf8();
        self.text
            .extend_from_slice(unit.c.encode_utf8(&mut [0; 4]).as_bytes());
        // As long as the original and not part of a ligature: taken to be the same character.
        // Should it be another one, positions inside it mean nothing anyway.
        let verbatim = !unit.inner && unit.end - unit.start == length;
        if verbatim {
            let goes_on = self.segments.last().is_some_and(|last| {
                last.end.is_none() && last.start + (at - last.at) == unit.start
            });
            if !goes_on {
                self.segments.push(Segment {
                    at,
                    start: unit.start,
                    end: None,
                });
            }
        } else if !unit.inner || self.segments.is_empty() {
            self.segments.push(Segment {
                at,
                start: unit.start,
                end: Some(unit.end),
            });
        } else {
            self.ligature(at, unit);
        }
    }

    /// The character before `at` looked verbatim and is the first part of a ligature.
    fn ligature(&mut self, at: usize, unit: Unit) {
        let first = self.character_start(at.saturating_sub(1));
        let whole = Segment {
            at: first,
            start: unit.start,
            end: Some(unit.end),
        };
        match self.segments.last_mut() {
            // A later part: the segment is there already.
            Some(last) if last.end.is_some() => {}
            Some(last) if last.at == first => *last = whole,
            _ => self.segments.push(whole),
        }
    }

    /// Where the character that holds clean byte `at` begins.
    fn character_start(&self, at: usize) -> usize {
        let mut at = at;
        while at > self.dropped && (self.text[at - self.dropped] & 0xc0) == 0x80 {
            at -= 1;
        }
        at
    }

    /// The original bytes that a range of the window stands for.
    pub(crate) fn original(&self, range: &Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let at = self.place(self.dropped + range.start).start;
            return at..at;
        }
        let start = self.place(self.dropped + range.start).start;
        let end = self.place(self.dropped + range.end - 1).end;
        start..end
    }

    /// The original bytes of one clean byte.
    fn place(&self, at: usize) -> Range<usize> {
        let index = self
            .segments
            .partition_point(|segment| segment.at <= at)
            .saturating_sub(1);
        let Some(segment) = self.segments.get(index) else {
            return 0..0;
        };
        match segment.end {
            Some(end) => segment.start..end,
            None => {
                let start = segment.start + (at - segment.at);
                start..start + 1
            }
        }
    }

    /// Calls `look` with the window as it would be with one more character at its end.
    pub(crate) fn with<T>(&mut self, unit: Unit, look: impl FnOnce(&Self) -> T) -> T {
        let (bytes, segments) = (self.text.len(), self.segments.len());
        let last = self.segments.last().copied();
        self.push(unit);
        let seen = look(self);
        self.text.truncate(bytes);
        self.segments.truncate(segments);
        if let (Some(segment), Some(last)) = (self.segments.last_mut(), last) {
            *segment = last;
        }
        seen
    }

    /// Forgets the first `bytes` of the window, which end where a character does.
    pub(crate) fn drop_front(&mut self, bytes: usize) {
        self.text.drain(..bytes);
        self.dropped += bytes;
        let unneeded = self
            .segments
            .partition_point(|segment| segment.at <= self.dropped)
            .saturating_sub(1);
        self.segments.drain(..unneeded);
    }
}
