//! What a character becomes by itself: nothing, a plainer character, or several.

use std::sync::OnceLock;

use unicode_normalization::char::{compose, decompose_compatible};

/// Zeros of the decimal digits (Unicode 17), ASCII and the mathematical ones
/// apart, which NFKC rewrites. Each is followed by its script's other nine.
const ZEROS: [u32; 61] = [
    0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
    0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50,
    0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10,
    0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650,
    0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0, 0x16b50,
    0x1e140, 0x1e2f0, 0x1e4f0, 0x1e950, 0x1fbf0,
];

/// Whether `c` does not show: the default-ignorable code points (Unicode 17, `DerivedCoreProperties`)
/// and the controls that are no white space.
fn invisible(c: char) -> bool {
    matches!(u32::from(c),
        0x00..=0x08 | 0x0b | 0x0c | 0x0e..=0x1f | 0x7f..=0x84 | 0x86..=0x9f
        | 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x202a..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfff8 | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff)
}

/// Hands over what `c` becomes.
pub(super) fn characters(c: char, sink: &mut impl FnMut(char)) {
    if c.is_ascii() {
        if !invisible(c) {
            sink(c);
        }
        return;
    }
    let (page, place) = (u32::from(c) >> 8, u32::from(c) & 0xff);
    let Some(page) = PAGES.get(page as usize) else {
        // Beyond the tertiary plane: tags and variation selectors, private use.
        if !invisible(c) {
            sink(c);
        }
        return;
    };
    let page = page.get_or_init(|| Page::of(u32::from(c) >> 8));
    match page.becomes[place as usize] {
        Becomes::Nothing => {}
        Becomes::One(c) => sink(c),
        Becomes::Several(index) => page.several[usize::from(index)]
            .iter()
            .for_each(|&c| sink(c)),
    }
}

/// Planes 0 to 3, a page of 256 characters each, made when a text first needs it: some tens of
/// microseconds, once in the life of a process.
static PAGES: [OnceLock<Box<Page>>; 0x400] = [const { OnceLock::new() }; 0x400];

struct Page {
    becomes: [Becomes; 256],
    several: Vec<Box<[char]>>,
}

#[derive(Clone, Copy)]
enum Becomes {
    Nothing,
    One(char),
    /// An index into [`Page::several`].
    Several(u8),
}

impl Page {
    fn of(number: u32) -> Box<Self> {
        let mut page = Box::new(Self {
            becomes: [Becomes::Nothing; 256],
            several: Vec::new(),
        });
        for place in 0..256_u32 {
            let Some(c) = char::from_u32(number << 8 | place) else {
                continue;
            };
            let becomes = compatible(c);
            page.becomes[place as usize] = match *becomes {
                [] => Becomes::Nothing,
                [one] => Becomes::One(one),
                _ => {
                    let index = page.several.len();
                    page.several.push(becomes.into_boxed_slice());
                    // At most 256 of them.
                    u8::try_from(index).map_or(Becomes::One(c), Becomes::Several)
                }
            };
        }
        page
    }
}

/// NFKC of one character, without what does not show.
fn compatible(c: char) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    if invisible(c) {
        return out;
    }
    decompose_compatible(c, |part| {
        let part = plain(part);
        if invisible(part) {
            return;
        }
        match out
            .last_mut()
            .and_then(|last| Some((compose(*last, part)?, last)))
        {
            Some((both, last)) => *last = both,
            None => out.push(part),
        }
    });
    out
}

/// White space as a space or a line break, digits as ASCII.
fn plain(c: char) -> char {
    match c {
        '\u{85}' | '\u{2028}' | '\u{2029}' => return '\n',
        // A blank Braille pattern is no white space to Unicode, but looks like it.
        '\u{2800}' => return ' ',
        _ => {}
    }
    if c.is_whitespace() && !c.is_ascii() {
        return ' ';
    }
    digit(c).unwrap_or(c)
}

fn digit(c: char) -> Option<char> {
    let code = u32::from(c);
    let before = ZEROS.partition_point(|&zero| zero <= code).checked_sub(1)?;
    char::from_digit(code - ZEROS[before], 10).filter(|_| code - ZEROS[before] < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_digits() {
        assert!(ZEROS.is_sorted());
        for zero in ZEROS {
            for value in 0..10 {
                let c = char::from_u32(zero + value).unwrap();
                // Newer scripts than the standard library knows are left out of the check.
                assert_eq!(digit(c), char::from_digit(value, 10));
            }
        }
        assert_eq!(digit('a'), None);
        assert_eq!(digit('\u{66a}'), None);
    }
}
