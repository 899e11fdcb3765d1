//! [`Item`]s in 12 bytes each: every open stream keeps some seventy.

use serde::{Deserialize, Serialize};

use super::{Gap, Item, fold};

/// Bits of a character.
const LETTER: u32 = 0x1f_ffff;
const UPPER: u32 = 1 << 21;
const SIGN: u32 = 1 << 22;
const COLON: u32 = 1 << 23;
/// It is the first item of a cell.
const CELL: u32 = 1 << 24;
/// Where the gap stands.
const GAP: u32 = 25;
/// Where the count stands, above the length.
const COUNT: u32 = 24;
/// Bits of a length, and the longest one.
const LENGTH: u32 = (1 << COUNT) - 1;

/// An item, its bytes counted from an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Letter, flags, gap.
    letter: u32,
    start: u32,
    /// Bytes, count.
    length: u32,
}

impl Packed {
    pub(super) fn new(item: &Item, origin: usize) -> Self {
        let flag = |set, bit| if set { bit } else { 0 };
        Self {
            letter: u32::from(item.letter)
                | flag(item.upper, UPPER)
                | flag(item.sign, SIGN)
                | flag(item.colon, COLON)
                | (item.before as u32) << GAP,
            start: offset(item.start, origin),
            length: length(item.start, item.end) | u32::from(item.count) << COUNT,
        }
    }

    pub(super) fn item(&self, origin: usize) -> Item {
        let start = origin + self.start as usize;
        Item {
            letter: self.letter(),
            symbol: self.symbol(),
            sign: self.letter & SIGN != 0,
            upper: self.letter & UPPER != 0,
            count: self.count(),
            before: match self.letter >> GAP {
                0 => Gap::None,
                1 => Gap::Apostrophe,
                2 => Gap::Punctuation,
                3 => Gap::Space,
                _ => Gap::Break,
            },
            colon: self.letter & COLON != 0,
            start,
            end: start + (self.length & LENGTH) as usize,
        }
    }

    pub(super) fn begins_cell(&self) -> bool {
        self.letter & CELL != 0
    }

    /// A cell begins with it.
    pub(super) fn begin_cell(&mut self) {
        self.letter |= CELL;
    }

    fn letter(&self) -> char {
        // What was packed was a character.
        char::from_u32(self.letter & LETTER).unwrap_or(char::REPLACEMENT_CHARACTER)
    }

    pub(super) fn symbol(&self) -> char {
        fold::symbol_of(self.letter())
    }

    fn count(&self) -> u8 {
        u8::try_from(self.length >> COUNT).unwrap_or(u8::MAX)
    }

    /// Whether it is this letter, in this case.
    pub(super) fn is(&self, letter: char, upper: bool) -> bool {
        self.letter & LETTER == u32::from(letter) && (self.letter & UPPER != 0) == upper
    }

    /// It reaches as far as `end`.
    pub(super) fn extend(&mut self, end: usize, origin: usize) {
        let start = origin + self.start as usize;
        self.length = self.length & !LENGTH | length(start, end);
    }

    /// The letter comes `count` times more.
    pub(super) fn repeat(&mut self, count: u8, end: usize, origin: usize) {
        let count = u32::from(self.count().saturating_add(count));
        self.length = self.length & LENGTH | count << COUNT;
        self.extend(end, origin);
    }
}

/// Moves the origin up to the first item, when that is far.
pub(super) fn rebase(items: &mut [Packed], origin: &mut usize) {
    let by = items.first().map_or(0, |first| first.start);
    if by > u32::MAX / 2 {
        *origin += by as usize;
        for item in items {
            item.start -= by;
        }
    }
}

/// Distances above 4 GiB, which only that many marks on seventy letters make, are taken as that.
fn offset(at: usize, origin: usize) -> u32 {
    u32::try_from(at - origin).unwrap_or(u32::MAX)
}

/// The marks of a letter that lie beyond 16 MiB are not counted as part of it.
fn length(start: usize, end: usize) -> u32 {
    u32::try_from(end - start).map_or(LENGTH, |length| length.min(LENGTH))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn item() -> impl Strategy<Value = Item> {
        let gap = prop_oneof![
            Just(Gap::None),
            Just(Gap::Apostrophe),
            Just(Gap::Punctuation),
            Just(Gap::Space),
            Just(Gap::Break),
        ];
        let flags = any::<(bool, bool, bool)>();
        let bytes = (1_000_000_usize..2_000_000_000, 0_usize..16_000_000);
        (any::<char>(), any::<u8>(), gap, flags, bytes).prop_map(
            |(letter, count, before, (sign, upper, colon), (start, length))| Item {
                letter,
                symbol: fold::symbol_of(letter),
                sign,
                upper,
                count,
                before,
                colon,
                start,
                end: start + length,
            },
        )
    }

    proptest! {
        #[test]
        fn an_item_comes_out_as_it_went_in(item in item(), more in any::<u8>(), far in any::<bool>()) {
            let mut origin = if far { 0 } else { item.start };
            let mut packed = [Packed::new(&item, origin)];
            prop_assert_eq!(packed[0].item(origin), item);
            prop_assert!(!packed[0].begins_cell());
            packed[0].begin_cell();
            prop_assert!(packed[0].begins_cell());
            prop_assert_eq!(packed[0].item(origin), item);
            prop_assert!(packed[0].is(item.letter, item.upper));
            prop_assert!(!packed[0].is(item.letter, !item.upper));
            packed[0].repeat(more, item.end + 7, origin);
            let longer = Item { count: item.count.saturating_add(more), end: item.end + 7, ..item };
            prop_assert_eq!(packed[0].item(origin), longer);
            rebase(&mut packed, &mut origin);
            prop_assert_eq!(packed[0].item(origin), longer);
        }
    }
}
