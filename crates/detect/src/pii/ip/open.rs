//! Addresses that are not finished at the end of a text.

use super::{
    ADDRESS_WORDS, AHEAD, CLOSING, IpDetector, MAX_V4_BYTES, MAX_V6_BYTES, byte, clean_before,
    count, v4_at, v4_end, v6_at, v6_end,
};
use crate::context;
use crate::pii::next_digit;

impl IpDetector {
    /// Where in `text`, from `from` on, the first address begins that what follows may complete, undo or
    /// score otherwise; the end if none does.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        let mut at = from.max(text.len().saturating_sub(AHEAD));
        while let Some(digit) = next_digit(text, at) {
            if clean_before(text, digit) && (v4_is_open(text, digit) || v6_is_open(text, digit)) {
                return digit;
            }
            at = digit + 1;
        }
        text.len()
    }
}

fn v4_is_open(text: &[u8], start: usize) -> bool {
    let (end, run) = v4_end(text, start);
    if run == text.len() && run - start <= MAX_V4_BYTES {
        return may_be_v4(&text[start..end], run - end);
    }
    // A word after it may yet speak for it, unless one before it does.
    let decided_by = || {
        if context::before(text, start, &ADDRESS_WORDS) {
            CLOSING
        } else {
            context::AFTER
        }
    };
    v4_at(text, start, end).is_some() && end + decided_by() >= text.len()
}

/// Whether a quad may begin with `parts` and so many full stops.
fn may_be_v4(parts: &[u8], stops: usize) -> bool {
    let mut count = 0;
    let octets = parts.split(|byte| *byte == b'.').all(|part| {
        count += 1;
        let value = part
            .iter()
            .take(4)
            .fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
        !part.is_empty() && (part == b"0" || part[0] != b'0') && value <= 255
    });
    octets && (count < 4 && stops <= 1 || count == 4)
}

fn v6_is_open(text: &[u8], start: usize) -> bool {
    if !matches!(text[start], b'2' | b'3') || byte(text, start.checked_sub(1)) == Some(b':') {
        return false;
    }
    let first = count(text, start, 5, |byte| byte.is_ascii_hexdigit());
    if start + first == text.len() {
        return first <= 4;
    }
    if first != 4 || text[start + first] != b':' {
        return false;
    }
    let (end, run) = v6_end(text, start);
    run == text.len() && run - start <= MAX_V6_BYTES
        || v6_at(text, start, end) && end + CLOSING >= text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        &text[IpDetector::open_from(text.as_bytes(), 0)..]
    }

    #[test]
    fn what_may_become_an_address_is_open() {
        for (text, expected) in [
            ("from 7", "7"),
            ("from 77.", "77."),
            ("from 77.91", "77.91"),
            ("from 77.91.3.", "77.91.3."),
            ("from 77.91.3.250", "77.91.3.250"),
            ("from 77.91.3.250...", "77.91.3.250..."),
            ("from 77.91.3.250, whose", "77.91.3.250, whose"),
            ("from 77.91.3.250, whose owner nobody ever knew of", ""),
            ("server 77.91.3.250-9", "77.91.3.250-9"),
            ("server 77.91.3.250, the one", ""),
            ("version 77.91.3.250, whose", ""),
            ("10.0.0.1, whose", ""),
            ("from 300", "300"),
            ("from 400", ""),
            ("from 1234", ""),
            ("from 09", ""),
            ("pi is 3.14 ", ""),
            ("x7", ""),
            ("in 2024", "2024"),
            ("in 2024,", ""),
            ("in 20249", ""),
            ("2a02", "2a02"),
            ("2a02:", "2a02:"),
            (
                "2a02:8070:d1c4:0:1c2b:33aa:ff01:17",
                "2a02:8070:d1c4:0:1c2b:33aa:ff01:17",
            ),
            (
                "2a02:8070:d1c4:0:1c2b:33aa:ff01:17 ",
                "2a02:8070:d1c4:0:1c2b:33aa:ff01:17 ",
            ),
            ("2a02:8070:d1c4:0:1c2b:33aa:ff01:17 is one", ""),
            ("1a02:", ""),
            ("23:41", "41"),
            ("at 23:30 ", ""),
            ("", ""),
        ] {
            assert_eq!(open(text), expected, "{text:?}");
        }
    }
}
