//! Where the next digit stands: prose without digits costs one pass over blocks of bytes.

use crate::work::spend;

/// Bytes that are tested at once, without a branch in between.
const BLOCK: usize = 16;

/// The first ASCII digit at or after `from`.
pub(crate) fn next_digit(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let (blocks, tail) = rest.as_chunks::<BLOCK>();
    for (number, block) in blocks.iter().enumerate() {
        spend(BLOCK);
        let any = block
            .iter()
            .fold(false, |any, byte| any | byte.is_ascii_digit());
        if any {
            let within = block.iter().position(u8::is_ascii_digit)?;
            return Some(from + number * BLOCK + within);
        }
    }
    spend(tail.len());
    let within = tail.iter().position(u8::is_ascii_digit)?;
    Some(text.len() - tail.len() + within)
}

/// Tells several readers of one text whether there are digits, and looks for them once.
#[derive(Debug, Default)]
pub(crate) struct Digits {
    /// Where one was looked for, and found.
    seen: Option<(usize, Option<usize>)>,
}

impl Digits {
    /// Whether there is a digit in `text` at or after `from`. It is the same text every time.
    pub(crate) fn any(&mut self, text: &[u8], from: usize) -> bool {
        match self.seen {
            Some((looked, None)) if looked <= from => return false,
            Some((looked, Some(found))) if (looked..=found).contains(&from) => return true,
            _ => {}
        }
        let found = next_digit(text, from);
        self.seen = Some((from, found));
        found.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_first_digit_anywhere() {
        for length in 0..70 {
            let mut text = vec![b'x'; length];
            assert_eq!(next_digit(&text, 0), None);
            assert_eq!(next_digit(&text, length + 1), None);
            for at in 0..length {
                text[at] = b'7';
                for from in 0..=length {
                    let expected = (from <= at).then_some(at);
                    assert_eq!(next_digit(&text, from), expected, "{length} {at} {from}");
                }
                let mut digits = Digits::default();
                for from in [0, at, at + 1, at / 2, length, 0] {
                    assert_eq!(digits.any(&text, from), from <= at, "{length} {at} {from}");
                }
                text[at] = b'/';
            }
        }
    }
}
