//! Numbers that are not finished at the end of a text.

use super::candidate::{self, Begun, MAX_BYTES};
use super::format::group_key;
use super::{AHEAD, BEHIND, Layout, NationalIdDetector};
use crate::context;
use crate::pii::digits::next_digit;

impl NationalIdDetector {
    /// Where in `text`, from `from` on, the first number begins that what follows may complete, undo
    /// or score otherwise; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        let whole = self.first_whole(text, from);
        let begun = (from.max(text.len().saturating_sub(MAX_BYTES))..whole)
            .find(|&at| self.is_begun(text, at));
        begun.unwrap_or(whole)
    }

    /// The first number that is whole, but whose surroundings are not.
    fn first_whole(&self, text: &[u8], from: usize) -> usize {
        let mut first = text.len();
        if next_digit(text, from).is_none() {
            return first;
        }
        // Far enough back that no group is taken for another.
        let base = from.saturating_sub(BEHIND);
        candidate::each(&text[base..], &self.first, true, |candidate| {
            let start = base + candidate.range.start;
            let surrounded = base + candidate.range.end + context::AFTER < text.len();
            let mut fits = self
                .with_key(candidate.key)
                .filter(|layout| (self.formats[layout.format].0.check)(candidate.chars()));
            if !surrounded && start >= from && start < first && fits.next().is_some() {
                first = start;
            }
        });
        first
    }

    fn with_key(&self, key: u64) -> impl Iterator<Item = &Layout> {
        let from = self.layouts.partition_point(|layout| layout.key < key);
        self.layouts[from..]
            .iter()
            .take_while(move |layout| layout.key == key)
    }

    /// Whether all that follows `at` begins a number.
    fn is_begun(&self, text: &[u8], at: usize) -> bool {
        let Some(begun) = candidate::begun(text, at) else {
            return false;
        };
        let mut named = None;
        self.layouts.iter().any(|layout| {
            let (format, _) = &self.formats[layout.format];
            goes_on(layout.key, &begun)
                && format.begins_with(&begun.chars)
                && (!begun.is_wordlike()
                    || *named.get_or_insert_with(|| self.words.before(text, at)) >> layout.format
                        & 1
                        == 1)
        })
    }
}

/// Whether a layout begins with the groups of `begun` and has more than them.
fn goes_on(layout: u64, begun: &Begun) -> bool {
    let groups = 8 - layout.leading_zeros() / 8;
    let Some(left) = groups.checked_sub(begun.groups + 1) else {
        return false;
    };
    let head = if begun.groups == 0 {
        0
    } else {
        layout >> (8 * (left + 1))
    };
    let next = layout >> (8 * left) & 0xff;
    let length = (next >> 3) as usize;
    let more = length > begun.last || length == begun.last && next != group_key(length, 0);
    head == begun.head && more
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        let at = NationalIdDetector::default().open_from(text.as_bytes(), 0);
        &text[at..]
    }

    #[test]
    fn what_may_become_a_number_is_open() {
        for (text, expected) in [
            ("in 2024", "2024"),
            ("in 2024 we", ""),
            ("in 2024 1", "2024 1"),
            ("123-45", "123-45"),
            ("123-45-", "123-45-"),
            ("123-45-6789", "123-45-6789"),
            ("123-45-6789 of mine is", "123-45-6789 of mine is"),
            ("123-45-6789 is the number that someone once had", ""),
            ("NASA", "NASA"),
            ("nasa", ""),
            ("Nasa", ""),
            ("codice fiscale rssm", "rssm"),
            ("AB 12 3", "AB 12 3"),
            ("of the", ""),
            ("Hello", ""),
            ("", ""),
        ] {
            assert_eq!(open(text), expected, "{text:?}");
        }
    }
}
