//! The words that a model knows as wholes.
//!
//! N-grams tell spelling, and only what training has seen of it. Beside them a model has rows for words
//! whose meaning a larger one told (`models/train/words.py`), seen in training or not.

use super::hash;
use super::script::{self, Class};

/// Hashes whose upper bits are alike are neighbours: this many bits lead to them.
const PREFIX_BITS: u32 = 16;

/// Longest piece of an unspaced run that can be a word, in characters.
pub(super) const LONGEST_GRAM: usize = 3;

/// A list of words, each with its number.
#[derive(Debug, Clone)]
pub struct Words {
    /// By the upper bits of a hash: where in `keys` those hashes begin; one more at the end.
    starts: Vec<u32>,
    /// Hashes, ascending.
    keys: Vec<u64>,
    /// The words' numbers, in the order of `keys`.
    numbers: Vec<i32>,
}

impl Words {
    /// Reads a list with a word a line; words are numbered from 0.
    ///
    /// A word is what the featuriser sees as one: lower case, at most [`super::MAX_TOKEN_CHARS`] letters of a
    /// script with spaces or 3 characters of one without.
    ///
    /// # Errors
    /// The first line that is no such word or was there before, in words.
    pub fn parse(list: &str) -> Result<Self, String> {
        let mut keyed = Vec::new();
        for (number, word) in (0_i32..).zip(list.lines()) {
            let key = key(word)
                .ok_or_else(|| format!("line {}: {word:?} is not one word", number + 1))?;
            keyed.push((key, number));
        }
        keyed.sort_unstable();
        if let Some(pair) = keyed.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return Err(format!("line {} has been there before", pair[1].1 + 1));
        }
        let keys: Vec<u64> = keyed.iter().map(|(key, _)| *key).collect();
        let count = |prefix: u64| keys.partition_point(|key| key >> (64 - PREFIX_BITS) < prefix);
        let starts = (0..=1 << PREFIX_BITS)
            .map(|prefix| u32::try_from(count(prefix)).map_err(|_| "too many words".to_owned()))
            .collect::<Result<_, _>>()?;
        let numbers = keyed.iter().map(|(_, number)| *number).collect();
        Ok(Self {
            starts,
            keys,
            numbers,
        })
    }

    /// Whether `word` could stand in a list.
    #[must_use]
    pub fn accepts(word: &str) -> bool {
        key(word).is_some()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The number of the word with that hash.
    #[inline]
    pub(super) fn number(&self, key: u64) -> Option<i32> {
        // 16 bits are left.
        #[allow(clippy::cast_possible_truncation)]
        let prefix = (key >> (64 - PREFIX_BITS)) as usize;
        let from = self.starts[prefix] as usize;
        let to = self.starts[prefix + 1] as usize;
        let at = self.keys[from..to].iter().position(|known| *known == key)?;
        self.numbers.get(from + at).copied()
    }
}

/// The hash of a word as the featuriser makes it; `None` if it is no word.
fn key(word: &str) -> Option<u64> {
    let mut letters = word.chars();
    let first = script::class(letters.next()?);
    let alike = letters.all(|c| script::class(c) == first);
    let (seed, longest) = match first {
        Class::Letter => (hash::WORD, super::MAX_TOKEN_CHARS),
        Class::Unspaced => (hash::RUN, LONGEST_GRAM),
        _ => return None,
    };
    if !alike || word.chars().count() > longest || word.to_lowercase() != word {
        return None;
    }
    Some(
        word.chars()
            .fold(seed, |hash, c| hash::step(hash, u64::from(c))),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_have_the_numbers_of_their_lines() {
        let words = Words::parse("kill\nпривет\n你好\nस्वयं\n").unwrap();
        assert_eq!(words.len(), 4);
        for (number, word) in (0..).zip(["kill", "привет", "你好", "स्वयं"]) {
            assert_eq!(words.number(key(word).unwrap()), Some(number), "{word}");
        }
        assert_eq!(words.number(key("kills").unwrap()), None);
        let none = Words::parse("").unwrap();
        assert!(none.is_empty());
        assert_eq!(none.number(0), None);
        assert_eq!(none.number(u64::MAX), None);
    }

    #[test]
    fn what_is_no_word_is_named_by_line() {
        assert!(Words::accepts("good"));
        for bad in ["two words", "Upper", "你好吗呢", "mixed你", "!", ""] {
            assert!(!Words::accepts(bad));
            let error = Words::parse(&format!("good\n{bad}\n")).unwrap_err();
            assert_eq!(error, format!("line 2: {bad:?} is not one word"));
        }
        let long = "a".repeat(super::super::MAX_TOKEN_CHARS + 1);
        assert!(Words::parse(&long).is_err());
        let error = Words::parse("a\nb\na\n").unwrap_err();
        assert_eq!(error, "line 3 has been there before");
    }
}
