//! [`Item`]s in 16 bytes each: every open stream keeps some seventy.

use serde::{Deserialize, Serialize};

use super::{Gap, Item};

/// Bits of a character.
const LETTER: u32 = 0x1f_ffff;
const UPPER: u32 = 1 << 21;
const SIGN: u32 = 1 << 22;
const COLON: u32 = 1 << 23;
/// Where the gap stands.
const GAP: u32 = 24;
/// Where the count stands, above the symbol.
const COUNT: u32 = 21;

/// An item, its bytes counted from an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Letter, flags, gap.
    letter: u32,
    /// Symbol, count.
    symbol: u32,
    start: u32,
    end: u32,
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
            symbol: u32::from(item.symbol) | u32::from(item.count) << COUNT,
            start: offset(item.start, origin),
            end: offset(item.end, origin),
        }
    }

    pub(super) fn item(&self, origin: usize) -> Item {
        Item {
            letter: character(self.letter),
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
            start: origin + self.start as usize,
            end: origin + self.end as usize,
        }
    }

    pub(super) fn symbol(&self) -> char {
        character(self.symbol)
    }

    fn count(&self) -> u8 {
        u8::try_from(self.symbol >> COUNT).unwrap_or(u8::MAX)
    }

    /// Whether it is this letter, in this case.
    pub(super) fn is(&self, letter: char, upper: bool) -> bool {
        self.letter & LETTER == u32::from(letter) && (self.letter & UPPER != 0) == upper
    }

    /// It reaches as far as `end`.
    pub(super) fn extend(&mut self, end: usize, origin: usize) {
        self.end = offset(end, origin);
    }

    /// The letter comes `count` times more.
    pub(super) fn repeat(&mut self, count: u8, end: usize, origin: usize) {
        let count = u32::from(self.count().saturating_add(count));
        self.symbol = self.symbol & LETTER | count << COUNT;
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
            item.end -= by;
        }
    }
}

/// Distances above 4 GiB, which only that many marks on seventy letters make, are taken as that.
fn offset(at: usize, origin: usize) -> u32 {
    u32::try_from(at - origin).unwrap_or(u32::MAX)
}

/// What was packed was a character.
fn character(bits: u32) -> char {
    char::from_u32(bits & LETTER).unwrap_or(char::REPLACEMENT_CHARACTER)
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
        let bytes = (1_000_000_usize..2_000_000_000, 0_usize..1_000_000_000);
        (any::<char>(), any::<char>(), any::<u8>(), gap, flags, bytes).prop_map(
            |(letter, symbol, count, before, (sign, upper, colon), (start, length))| Item {
                letter,
                symbol,
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
