//! What a clean character counts as in a skeleton.

use std::sync::OnceLock;

use unicode_normalization::char::decompose_canonical;
use unicode_security::confusable_detection::skeleton;

use crate::word::is_word;

/// How a character takes part in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// A letter or digit.
    Word(Folded),
    /// A sign that is drawn like a letter: a letter among letters, else punctuation.
    Sign(Folded),
    /// White space.
    Space,
    /// An apostrophe.
    Apostrophe,
    /// Any other character: parts words.
    Punctuation,
    /// A mark that is dropped.
    Mark,
}

/// A letter, digit or sign in one case, without its accents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Folded {
    /// The letter itself.
    pub(crate) letter: char,
    /// What it shares with all that look like it: `l` stands for `i`, `l`, `1`, `!` and `|`.
    pub(crate) symbol: char,
    /// Stands for two of itself, as `ß` does.
    pub(crate) double: bool,
}

impl Folded {
    const fn new(letter: char, symbol: char) -> Self {
        Self {
            letter,
            symbol,
            double: false,
        }
    }
}

/// The class of `c`.
pub(crate) fn class(c: char) -> Class {
    if let Some(class) = ASCII.get(c as usize) {
        return *class;
    }
    let (page, place) = (u32::from(c) >> 8, u32::from(c) & 0xff);
    match PAGES.get(page as usize) {
        Some(cell) => cell.get_or_init(|| page_of(page))[place as usize],
        None => class_of(c),
    }
}

/// The symbol of a folded letter or sign.
pub(crate) fn symbol_of(letter: char) -> char {
    match class(letter) {
        Class::Word(folded) | Class::Sign(folded) => folded.symbol,
        _ => letter,
    }
}

/// Planes 0 to 3, made page by page when a text first needs one.
static PAGES: [OnceLock<Box<[Class; 256]>>; 0x400] = [const { OnceLock::new() }; 0x400];

fn page_of(number: u32) -> Box<[Class; 256]> {
    let mut page = Box::new([Class::Punctuation; 256]);
    for place in 0..256 {
        if let Some(c) = char::from_u32(number << 8 | place) {
            page[place as usize] = class_of(c);
        }
    }
    page
}

const ASCII: [Class; 128] = {
    let mut table = [Class::Punctuation; 128];
    let mut code: u8 = 0;
    while code < 128 {
        let c = code as char;
        let index = code as usize;
        if c.is_ascii_alphanumeric() {
            let letter = c.to_ascii_lowercase();
            table[index] = Class::Word(Folded::new(letter, symbol(letter)));
        } else if matches!(c, '@' | '$' | '!' | '|' | '+') {
            table[index] = Class::Sign(Folded::new(c, symbol(c)));
        } else if c == '\'' {
            table[index] = Class::Apostrophe;
        } else if matches!(c, ' ' | '\t' | '\n' | '\r') {
            table[index] = Class::Space;
        }
        code += 1;
    }
    table
};

/// The symbol of an ASCII letter, digit or sign: digits and signs are drawn for letters.
const fn symbol(c: char) -> char {
    match c {
        'i' | '1' | '!' | '|' => 'l',
        '0' => 'o',
        '2' => 'z',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '6' | '9' => 'g',
        '7' | '+' => 't',
        '8' => 'b',
        _ => c,
    }
}

/// Whether the digit or sign `drawn` is written for the ASCII letter `meant`.
pub(crate) fn stands_for(drawn: char, meant: char) -> bool {
    matches!(
        (drawn, meant),
        ('0', 'o')
            | ('1' | '!' | '|', 'i' | 'l')
            | ('2', 'z')
            | ('3', 'e')
            | ('4' | '@', 'a')
            | ('5' | '$' | '§', 's')
            | ('6' | '9', 'g')
            | ('7' | '+', 't')
            | ('8', 'b')
            | ('€', 'e')
            | ('¡' | '£', 'l' | 'i')
    )
}

fn class_of(c: char) -> Class {
    match c {
        '’' | '‘' | 'ʼ' | '`' | '´' => return Class::Apostrophe,
        '€' => return Class::Sign(Folded::new(c, 'e')),
        '§' => return Class::Sign(Folded::new(c, 's')),
        '¡' | '£' => return Class::Sign(Folded::new(c, 'l')),
        // Two letters in one, which only their folding tells.
        'ß' | 'ẞ' => {
            return Class::Word(Folded {
                letter: 's',
                symbol: 's',
                double: true,
            });
        }
        _ => {}
    }
    if c.is_whitespace() {
        return Class::Space;
    }
    if ignored_mark(c) {
        return Class::Mark;
    }
    if !is_word(c) && !c.is_alphanumeric() {
        return Class::Punctuation;
    }
    let letter = base(c);
    Class::Word(Folded::new(letter, look(letter)))
}

/// The letter in lower case without accents.
fn base(c: char) -> char {
    let lower = c.to_lowercase().next().unwrap_or(c);
    let mut base = None;
    decompose_canonical(lower, |part| {
        if base.is_none() && !ignored_mark(part) {
            base = Some(part);
        }
    });
    match base.unwrap_or(lower) {
        // Stroked and dotless letters do not decompose.
        'ı' => 'i',
        'ł' => 'l',
        'ø' => 'o',
        'đ' => 'd',
        'ħ' => 'h',
        'ŧ' => 't',
        // One sound, two spellings; final forms.
        'ς' => 'σ',
        other => other,
    }
}

/// Accents and vowel points that a word reads the same without. Vowel signs of Indic scripts, which are
/// letters in all but name, stay.
fn ignored_mark(c: char) -> bool {
    matches!(u32::from(c),
        0x300..=0x36f | 0x483..=0x489 | 0x591..=0x5bd | 0x5bf | 0x5c1..=0x5c2 | 0x5c4..=0x5c5 | 0x5c7
        | 0x610..=0x61a | 0x640 | 0x64b..=0x65f | 0x670 | 0x6d6..=0x6dc | 0x6df..=0x6e4 | 0x6e7..=0x6e8
        | 0x6ea..=0x6ed | 0x93c | 0x1ab0..=0x1aff | 0x1dc0..=0x1dff | 0x20d0..=0x20ff | 0xfe20..=0xfe2f)
}

/// The ASCII letter that a letter of another script is drawn like, by Unicode's table of
/// confusables (UTS #39), in lower case or, failing that, in upper case; else the letter itself.
fn look(letter: char) -> char {
    let upper = letter.to_uppercase().next().unwrap_or(letter);
    prototype(letter)
        .or_else(|| prototype(upper))
        .unwrap_or(letter)
}

fn prototype(c: char) -> Option<char> {
    let mut buffer = [0; 4];
    let mut drawn = skeleton(c.encode_utf8(&mut buffer)).filter(|part| !ignored_mark(*part));
    let letter = match (drawn.next()?, drawn.next()) {
        (letter, None) => letter,
        // The table's prototype of `m`.
        ('r', Some('n')) if drawn.next().is_none() => 'm',
        _ => return None,
    };
    letter
        .is_ascii_alphanumeric()
        .then(|| symbol(letter.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(text: &str) -> String {
        text.chars()
            .filter_map(|c| match class(c) {
                Class::Word(folded) | Class::Sign(folded) => Some(folded.symbol),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn looks_alike() {
        for (text, plain) in [
            ("kіll", "kill"),
            ("кill", "kill"),
            ("ραssword", "password"),
            ("ΚΙLL", "kill"),
            ("pаѕѕwоrd", "password"),
            ("p@$$w0rd", "password"),
            ("h4t3", "hate"),
            ("ﬂ", "ﬂ"),
            ("été", "ete"),
            ("ВОР", "вор"),
            ("ёж", "еж"),
            ("أحمد", "احمد"),
            ("قَتَلَ", "قتل"),
        ] {
            assert_eq!(symbols(text), symbols(plain), "{text:?}");
        }
        assert_ne!(symbols("सत"), symbols("सूत"));
    }

    #[test]
    fn a_folded_letter_tells_its_symbol() {
        for c in '\0'..=char::MAX {
            if let Class::Word(folded) | Class::Sign(folded) = class(c) {
                assert_eq!(symbol_of(folded.letter), folded.symbol, "{c:?}");
            }
        }
    }

    #[test]
    fn case_does_not_change_the_symbol() {
        for c in ('\u{80}'..'\u{3000}').filter(|c| c.is_lowercase()) {
            let mut upper = c.to_uppercase();
            if let (Some(upper), None) = (upper.next(), upper.next())
                && upper.to_lowercase().eq([c])
                && c != 'ß'
            {
                assert_eq!(class(c), class(upper), "{c:?} {upper:?}");
            }
        }
    }
}
