//! Characters around a position, and whether they make a word with their neighbour.

/// The character that starts at byte `at`, with its length in bytes; `None` at the end and where
/// the bytes are not UTF-8.
pub(crate) fn char_after(text: &[u8], at: usize) -> Option<(char, usize)> {
    let lead = *text.get(at)?;
    let length = match lead {
        0x00..=0x7f => return Some((char::from(lead), 1)),
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return None,
    };
    let bytes = text.get(at..at + length)?;
    let decoded = std::str::from_utf8(bytes).ok()?;
    decoded.chars().next().map(|c| (c, length))
}

/// The character that ends just before byte `at`, with its length in bytes; `None` at the start
/// and where the bytes are not UTF-8.
pub(crate) fn char_before(text: &[u8], at: usize) -> Option<(char, usize)> {
    (1..=4.min(at))
        .find_map(|back| char_after(text, at - back).filter(|&(_, length)| length == back))
}

/// Where the character that holds byte `at` begins, in valid UTF-8.
pub(crate) fn boundary_before(text: &[u8], at: usize) -> usize {
    (0..=at)
        .rev()
        .find(|&at| text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80))
        .unwrap_or(0)
}

/// Whether `c` joins with its neighbours to words that spaces part.
///
/// False for scripts written without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar, Tibetan), and
/// for Hangul: Korean has spaces, but particles attach to the noun, so a noun in a rule would
/// match almost nowhere. True for the marks of the Indic blocks, viramas included, and for
/// combining diacritics, although Unicode does not call all of them alphabetic.
#[must_use]
pub fn is_word(c: char) -> bool {
    match u32::from(c) {
        0x00..=0x7f => c.is_ascii_alphanumeric(),
        0x0300..=0x036f => true,
        0x0964 | 0x0965 => false, // danda, the full stop of Devanagari
        0x0900..=0x0dff => true,
        0x0e00..=0x0fff | 0x1000..=0x109f | 0x1780..=0x17ff => false,
        0x1100..=0x11ff | 0x2e80..=0x2fdf | 0x3005..=0x9fff => false,
        0xac00..=0xd7ff | 0xf900..=0xfaff | 0xff66..=0xffdc | 0x20000..=0x3ffff => false,
        _ => c.is_alphanumeric(),
    }
}

/// Whether an ASCII token (a number, a key) that starts at `at` is glued to what is before it.
///
/// Escapes do not glue: prompts quote JSON and code, where a line break is a backslash and a letter.
pub(crate) fn glued_before(text: &[u8], at: usize) -> bool {
    let Some(&before) = at.checked_sub(1).and_then(|i| text.get(i)) else {
        return false;
    };
    let escaped = matches!(before, b'n' | b'r' | b't') && at >= 2 && text[at - 2] == b'\\';
    !escaped && (before.is_ascii_alphanumeric() || before == b'_')
}

/// Whether an ASCII token that ends before `at` is glued to what follows.
pub(crate) fn glued_after(text: &[u8], at: usize) -> bool {
    text.get(at)
        .is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_forwards_and_backwards() {
        let text = "aé字🙂".as_bytes();
        let mut at = 0;
        for c in ['a', 'é', '字', '🙂'] {
            assert_eq!(char_after(text, at), Some((c, c.len_utf8())));
            at += c.len_utf8();
            assert_eq!(char_before(text, at), Some((c, c.len_utf8())));
        }
        assert_eq!(char_after(text, at), None);
        assert_eq!(char_before(text, 0), None);
    }

    #[test]
    fn broken_bytes_are_no_characters() {
        for bytes in [
            &b"\xff"[..],
            b"\x80",
            b"\xc3",
            b"\xe5\xad",
            b"\xc0\x80",
            b"\xed\xa0\x80",
        ] {
            assert_eq!(char_after(bytes, 0), None, "{bytes:?}");
            assert_eq!(char_before(bytes, bytes.len()), None, "{bytes:?}");
        }
    }

    #[test]
    fn scripts() {
        for c in [
            'a', 'Z', '7', 'é', 'Ж', 'λ', 'ا', 'ש', 'क', '\u{94d}', '\u{301}', 'Ａ',
        ] {
            assert!(is_word(c), "{c:?}");
        }
        for c in [
            ' ', '_', '-', '。', '字', 'か', 'カ', 'ー', 'ก', 'ຂ', 'ក', 'မ', '한', '।', '🙂',
        ] {
            assert!(!is_word(c), "{c:?}");
        }
    }

    #[test]
    fn escapes_do_not_glue() {
        assert!(glued_before(b"x1", 1));
        assert!(glued_before(b"_1", 1));
        assert!(!glued_before(br"\n1", 2));
        assert!(!glued_before(b"1", 0));
        assert!(glued_after(b"1x", 1));
        assert!(!glued_after(b"1-", 1));
        assert!(!glued_after(b"1", 1));
    }
}
