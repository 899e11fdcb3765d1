//! Which characters make words, and which scripts write without spaces.

/// What a (lower-cased) character does to the token that is being built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Ends a token and vanishes.
    Space,
    /// Vanishes without ending a token: zero-width and directional marks, soft hyphen, tatweel.
    Ignored,
    /// A token by itself: punctuation, symbols, emoji.
    Symbol,
    /// Part of a word in a script that puts spaces between words.
    Letter,
    /// Part of a run in a script that does not, or (Hangul) whose words are short and inflected.
    Unspaced,
}

/// Classes of the ASCII characters, by code point.
const ASCII: [Class; 128] = {
    let mut classes = [Class::Symbol; 128];
    let mut code = 0_u8;
    while code < 128 {
        if code <= b' ' || code == 0x7F {
            classes[code as usize] = Class::Space;
        } else if code.is_ascii_alphanumeric() {
            classes[code as usize] = Class::Letter;
        }
        code += 1;
    }
    classes
};

/// The class of a character. Constant across Rust and Unicode versions: only ranges written here
/// count, and whatever they do not name is a letter (combining marks and vowel signs included).
pub(super) fn class(c: char) -> Class {
    let code = c as u32;
    if let Some(class) = ASCII.get(code as usize) {
        return *class;
    }
    match code {
        // NEL, NBSP, ogham space, en quad .. hair space, line and paragraph separators, narrow
        // NBSP, mathematical and ideographic space.
        0x80..=0xA0 | 0x1680 | 0x2000..=0x200A | 0x2028 | 0x2029 | 0x202F | 0x205F | 0x3000 => {
            Class::Space
        }
        // Soft hyphen, Arabic tatweel, zero-width and directional marks, variation selectors, BOM, tags.
        0xAD | 0x640 | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F
        | 0xFEFF | 0xE0000..=0xE01EF => Class::Ignored,
        0xA1..=0xA9
        | 0xAB..=0xB4
        | 0xB6..=0xB9
        | 0xBB..=0xBF
        | 0xD7
        | 0xF7
        // Arabic comma, semicolon, question mark, percent .. star, full stop.
        | 0x60C
        | 0x61B
        | 0x61E..=0x61F
        | 0x66A..=0x66D
        | 0x6D4
        // Danda, double danda, Devanagari abbreviation sign.
        | 0x964..=0x965
        | 0x970
        // General punctuation, superscripts, currency, arrows, mathematics, boxes, dingbats.
        | 0x2010..=0x2BFF
        | 0x3001..=0x3004
        | 0x3008..=0x3020
        | 0x3030
        | 0x30FB
        // Small, full-width and half-width forms of ASCII punctuation.
        | 0xFE30..=0xFE6F
        | 0xFF01..=0xFF0F
        | 0xFF1A..=0xFF20
        | 0xFF3B..=0xFF40
        | 0xFF5B..=0xFF65
        | 0xFFE0..=0xFFFD
        // Emoji and pictographs.
        | 0x1F000..=0x1FAFF => Class::Symbol,
        // Thai, Lao, Myanmar, Khmer; Hangul jamo.
        0xE00..=0xEFF | 0x1000..=0x109F | 0x1100..=0x11FF | 0x1780..=0x17FF
        // Iteration marks, Kana, Bopomofo, Hangul compatibility jamo, CJK compatibility.
        | 0x3005..=0x3007 | 0x3021..=0x302F | 0x3031..=0x30FA | 0x30FC..=0x33FF
        // Han, Hangul syllables, half-width Kana and Hangul, supplementary Kana and Han.
        | 0x3400..=0x9FFF | 0xA960..=0xA97F | 0xAC00..=0xD7FF | 0xF900..=0xFAFF
        | 0xFF66..=0xFFDC | 0x1B000..=0x1B16F | 0x20000..=0x3FFFF => Class::Unspaced,
        _ => Class::Letter,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_of_common_characters() {
        for c in "aZ5éßłжعहि़्ñª".chars() {
            assert_eq!(class(c), Class::Letter, "{c:?}");
        }
        for c in "你好かなカナ한글ไทย".chars() {
            assert_eq!(class(c), Class::Unspaced, "{c:?}");
        }
        for c in ".,!?@«¿،؟।。、!…–€😀".chars() {
            assert_eq!(class(c), Class::Symbol, "{c:?}");
        }
        for c in " \t\n\u{a0}\u{3000}".chars() {
            assert_eq!(class(c), Class::Space, "{c:?}");
        }
        for c in "\u{200b}\u{200d}\u{ad}\u{feff}\u{fe0f}".chars() {
            assert_eq!(class(c), Class::Ignored, "{c:?}");
        }
    }
}
