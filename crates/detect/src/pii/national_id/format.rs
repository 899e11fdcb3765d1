//! What is known of one national number.

use weir_types::Severity;

/// What may stand between two groups, one at a time.
pub(super) const SEPARATORS: [u8; 4] = [b' ', b'.', b'/', b'-'];

/// Scores from here on stand without a word and in lower case.
pub(super) const STRONG: f32 = 0.85;
/// Not reported with this evidence only.
pub(super) const NEVER: f32 = 0.0;

/// One national number: how it is printed, what it must pass, and what its evidence is worth.
#[derive(Debug)]
pub(super) struct Format {
    /// Country and number, as in `us_ssn`.
    pub(super) rule: &'static str,
    /// Printed forms that could be any number's: lengths of groups and what parts them, as in
    /// `3 3 3`.
    pub(super) plain: &'static [&'static str],
    /// Printed forms that are its own.
    pub(super) own: &'static [&'static str],
    /// Its characters without separators, the longest form: `d` a digit, `a` a letter, `*` either. Says
    /// early that a text is not the beginning of the number; `check` decides.
    pub(super) shape: &'static str,
    /// Whether the characters, capitals and digits without separators, can be the number.
    pub(super) check: fn(&[u8]) -> bool,
    /// Words that name it, lower case.
    pub(super) words: &'static [&'static str],
    /// Score with one of the words near it.
    pub(super) with_word: f32,
    /// Score in its own printing.
    pub(super) own_printing: f32,
    /// Score of the number by itself.
    pub(super) alone: f32,
    pub(super) severity: Severity,
}

impl Format {
    /// Whether its characters may begin with `chars`.
    pub(super) fn begins_with(&self, chars: &[u8]) -> bool {
        let fits = |(kind, byte): (u8, &u8)| match kind {
            b'd' => byte.is_ascii_digit(),
            b'a' => byte.is_ascii_alphabetic(),
            _ => byte.is_ascii_alphanumeric(),
        };
        chars.len() <= self.shape.len() && self.shape.bytes().zip(chars).all(fits)
    }
}

/// One byte of a key: a group's length and the separator after it (0 for none).
pub(super) fn group_key(length: usize, separator: usize) -> u64 {
    (length as u64) << 3 | separator as u64
}

/// The key of a layout such as `3.3.3-2`, its first group's length, and the separator after it.
/// A byte for each group, the first group's the highest in use.
pub(super) fn layout_key(layout: &str) -> (u64, usize, usize) {
    let mut key = 0;
    let mut length = 0;
    let mut first = None;
    for byte in layout.bytes().chain([b'\n']) {
        if byte.is_ascii_digit() {
            length = length * 10 + usize::from(byte - b'0');
            continue;
        }
        let separator = SEPARATORS
            .iter()
            .position(|s| *s == byte)
            .map_or(0, |at| at + 1);
        first.get_or_insert((length, separator));
        key = key << 8 | group_key(length, separator);
        length = 0;
    }
    let (length, separator) = first.unwrap_or_default();
    (key, length, separator)
}
