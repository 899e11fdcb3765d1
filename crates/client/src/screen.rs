//! What the user has seen of a stream: where a place in its text is found among what was shown.

use std::ops::Range;

use weir_detect::mask::Place;

/// Most masks that are told apart. Beyond it, the last ones count as one: a cut between them takes
/// back a little more.
const MAX_PLACES: usize = 1024;

/// Counts what was shown, in bytes as shown.
#[derive(Debug, Default)]
pub(crate) struct Screen {
    /// How far the text was shown.
    text: usize,
    /// How long that was.
    shown: usize,
    /// How much of it stands.
    standing: usize,
    /// Where shown and original text differ, in order.
    places: Vec<Place>,
}

impl Screen {
    /// Takes in that the text was shown up to `text`, as `shown` more bytes.
    pub(crate) fn add(&mut self, text: usize, shown: usize, places: Vec<Place>) {
        let shift = |range: &Range<usize>, by: usize| range.start + by..range.end + by;
        for place in places {
            let place = Place {
                original: shift(&place.original, self.text),
                masked: shift(&place.masked, self.shown),
            };
            let full = self.places.len() >= MAX_PLACES;
            match self.places.last_mut() {
                Some(last) if full => {
                    last.original.end = place.original.end;
                    last.masked.end = place.masked.end;
                }
                _ => self.places.push(place),
            }
        }
        self.text = text;
        self.shown += shown;
        self.standing = self.shown;
    }

    /// How many bytes of what was shown stand for the text before `at`, no mask shown in part.
    pub(crate) fn before(&self, at: usize) -> usize {
        let at = at.min(self.text);
        let following = self
            .places
            .partition_point(|place| place.original.start <= at);
        let Some(place) = following.checked_sub(1).map(|index| &self.places[index]) else {
            return at;
        };
        if at < place.original.end {
            place.masked.start
        } else {
            place.masked.end + (at - place.original.end)
        }
    }

    /// Takes back all but the first `keep` bytes; whether there was anything to take back.
    pub(crate) fn take_back(&mut self, keep: usize) -> bool {
        let less = keep < self.standing;
        self.standing = self.standing.min(keep);
        less
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(original: Range<usize>, masked: Range<usize>) -> Place {
        Place { original, masked }
    }

    #[test]
    fn places_in_the_text_are_found_among_what_was_shown() {
        let mut screen = Screen::default();
        screen.add(4, 4, Vec::new());
        // 10 bytes shown as 6: two, four masked by one, four.
        screen.add(14, 7, vec![place(2..6, 2..3)]);
        let found = [0, 4, 6, 7, 9, 10, 12, 14, 99].map(|at| screen.before(at));
        assert_eq!(found, [0, 4, 6, 6, 6, 7, 9, 11, 11]);
    }

    #[test]
    fn something_is_taken_back_only_once() {
        let mut screen = Screen::default();
        screen.add(10, 10, Vec::new());
        assert!(!screen.take_back(10));
        assert!(screen.take_back(6));
        assert!(!screen.take_back(8));
        assert!(screen.take_back(0));
    }

    #[test]
    fn too_many_masks_count_as_one() {
        let mut screen = Screen::default();
        for index in 1..=MAX_PLACES + 5 {
            screen.add(3 * index, 3, vec![place(0..1, 0..1)]);
        }
        assert_eq!(screen.places.len(), MAX_PLACES);
        let last = 3 * (MAX_PLACES - 1);
        assert_eq!(screen.before(last + 7), last);
        assert_eq!(screen.before(3 * (MAX_PLACES + 5)), 3 * (MAX_PLACES + 5));
    }
}
