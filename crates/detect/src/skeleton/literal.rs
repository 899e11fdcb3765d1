//! A literal as letters and gaps.

use super::fold::{self, Class};
use crate::normal::Normaliser;
use crate::word::is_word;

/// One letter of a literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) letter: char,
    pub(crate) symbol: char,
    /// Something stands before it in the literal, so it begins a word of its own.
    pub(crate) parted: bool,
    /// An apostrophe stands before it, which need not be there in the text.
    pub(crate) elided: bool,
    /// Joins with its neighbours to words that spaces part.
    pub(crate) word: bool,
}

/// A literal ready to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) letters: Box<[Letter]>,
    /// How many words they make.
    pub(crate) words: usize,
    /// It ends with a colon, which must follow: `my password is:` announces one.
    pub(crate) colon: bool,
}

impl Shape {
    /// `None`: the literal has no letters, or has signs that a skeleton does not keep (`c++`, `</s>`),
    /// so it must be looked for as it is spelt.
    pub(crate) fn of(literal: &str) -> Option<Self> {
        let mut letters: Vec<Letter> = Vec::new();
        let mut parted = false;
        let mut elided = false;
        let mut plain = true;
        let mut colon = false;
        let mut take = |unit: crate::normal::Unit| match fold::class(unit.c) {
            Class::Word(folded) => {
                colon = false;
                let letter = Letter {
                    letter: folded.letter,
                    symbol: folded.symbol,
                    parted: parted && !letters.is_empty(),
                    elided,
                    word: is_word(folded.letter),
                };
                (parted, elided) = (false, false);
                letters.push(letter);
                if folded.double {
                    letters.push(Letter {
                        parted: false,
                        elided: false,
                        ..letter
                    });
                }
            }
            Class::Space => parted = true,
            Class::Apostrophe => elided = true,
            Class::Mark => {}
            Class::Punctuation if unit.c == ':' => (parted, colon) = (true, true),
            // What is written between words; its absence changes no meaning.
            Class::Sign(_) if unit.c == '!' => parted = true,
            Class::Punctuation
                if matches!(
                    unit.c,
                    '-' | '‐'
                        | '–'
                        | ','
                        | '.'
                        | '?'
                        | ';'
                        | '"'
                        | '_'
                        | '('
                        | ')'
                        | '¿'
                        | '。'
                        | '、'
                        | '،'
                        | '؟'
                        | '।'
                        | '«'
                        | '»'
                        | '“'
                        | '”'
                        | '„'
                ) =>
            {
                parted = true;
            }
            Class::Sign(_) | Class::Punctuation => plain = false,
        };
        let mut normaliser = Normaliser::default();
        normaliser.push(literal.as_bytes(), &mut take);
        normaliser.finish(&mut take);
        if !plain || letters.is_empty() {
            return None;
        }
        let words = 1 + letters.iter().filter(|letter| letter.parted).count();
        Some(Self {
            letters: letters.into_boxed_slice(),
            words,
            colon,
        })
    }

    /// Its symbols, repeats as one.
    pub(crate) fn symbols(&self) -> Vec<char> {
        let mut symbols: Vec<char> = self.letters.iter().map(|letter| letter.symbol).collect();
        symbols.dedup();
        symbols
    }
}
