//! What a comparison in skeletons looked past: letters drawn for others, gaps, repeats. For
//! explanations, on hits that `align.rs` has accepted.

use super::fold::{self, Class};
use super::literal::Letter;
use super::{Gap, Item, Shape};

/// How the `items` of a hit differ from the literal, in words; in the order in which it comes up.
///
/// `literal` and `text` are what `shape` and `items` were made of.
pub(crate) fn disguises(shape: &Shape, literal: &str, items: &[Item], text: &str) -> Vec<String> {
    let mut told = Told::default();
    let mut letters: &[Letter] = &shape.letters;
    let mut items = items;
    let mut first = true;
    while let Some(symbol) = letters.first().map(|letter| letter.symbol) {
        let run = letters.iter().take_while(|l| l.symbol == symbol).count();
        let cell = items.iter().take_while(|i| i.symbol == symbol).count();
        let (own, seen) = (&letters[..run], &items[..cell]);
        (letters, items) = (&letters[run..], &items[cell..]);
        if seen.is_empty() {
            // Several hits in one, of which the rest is not compared.
            break;
        }
        told.cell(own, seen, first, plain(literal));
        first = false;
    }
    told.accents(literal, text);
    told.list
}

#[derive(Debug, Default)]
struct Told {
    list: Vec<String>,
}

impl Told {
    fn say(&mut self, what: impl Into<String>) {
        let what = what.into();
        if !self.list.contains(&what) {
            self.list.push(what);
        }
    }

    /// Compares the letters of one symbol; `first`: nothing of the literal stands before them.
    fn cell(&mut self, own: &[Letter], seen: &[Item], first: bool, plain: bool) {
        let copies: usize = seen.iter().map(|item| usize::from(item.count)).sum();
        let even = copies == own.len();
        if copies > own.len() {
            self.say("letters repeated");
        }
        let mut at = 0;
        let mut begun = false;
        for item in seen {
            for copy in 0..item.count {
                if begun && let Some(next) = own.get(at + 1) {
                    let again = own[at].letter == item.letter && next.letter != item.letter;
                    if even || !again {
                        at += 1;
                    }
                }
                let Some(letter) = own.get(at) else {
                    return;
                };
                if copy == 0 && (begun || !first) {
                    self.gap(item.before, letter, plain);
                } else if copy > 0 && letter.parted && even {
                    self.gap(Gap::None, letter, plain);
                }
                begun = true;
                if item.letter != letter.letter {
                    self.say(drawn(item, letter.letter));
                }
            }
        }
    }

    fn gap(&mut self, gap: Gap, letter: &Letter, plain: bool) {
        match (gap, letter.parted) {
            (Gap::None | Gap::Apostrophe, true) => self.say("words run together"),
            (Gap::Punctuation, true) if plain => self.say("punctuation between the words"),
            (Gap::Space, false) => self.say("spaces between the letters"),
            (Gap::Punctuation, false) => self.say("punctuation between the letters"),
            (Gap::Apostrophe, false) if !letter.elided => {
                self.say("apostrophes between the letters");
            }
            (Gap::None, false) if letter.elided => self.say("an apostrophe left out"),
            _ => {}
        }
    }

    fn accents(&mut self, literal: &str, text: &str) {
        let (own, seen) = (accented(literal), accented(text));
        if seen.len() > own.len() {
            self.say("accents");
        } else if seen.len() < own.len() {
            self.say("accents left out");
        }
    }
}

/// `1 for l`, `Cyrillic а for a`.
fn drawn(item: &Item, letter: char) -> String {
    let c = if item.upper {
        item.letter.to_uppercase().next().unwrap_or(item.letter)
    } else {
        item.letter
    };
    match u32::from(c) {
        0x00..=0x7f => format!("{c} for {letter}"),
        0x370..=0x3ff | 0x1f00..=0x1fff => format!("Greek {c} for {letter}"),
        0x400..=0x52f | 0x1c80..=0x1c8f | 0xa640..=0xa69f => format!("Cyrillic {c} for {letter}"),
        0x530..=0x58f => format!("Armenian {c} for {letter}"),
        0x13a0..=0x13ff | 0xab70..=0xabbf => format!("Cherokee {c} for {letter}"),
        code => format!("{c} (U+{code:04X}) for {letter}"),
    }
}

/// Whether nothing but spaces and apostrophes stands between the letters.
fn plain(literal: &str) -> bool {
    !literal
        .chars()
        .any(|c| matches!(fold::class(c), Class::Punctuation | Class::Sign(_)))
}

/// The letters that a skeleton takes accents or marks from, and marks by themselves.
fn accented(text: &str) -> Vec<char> {
    text.chars()
        .filter(|&c| match fold::class(c) {
            Class::Mark => true,
            Class::Word(folded) => {
                let lower = c.to_lowercase().next().unwrap_or(c);
                folded.letter != lower && !folded.double && lower != 'ς'
            }
            _ => false,
        })
        .collect()
}
