//! Text to hashed n-gram features.
//!
//! A text becomes a sequence of tokens, and each token a few bucket numbers:
//!
//! | token | features |
//! |---|---|
//! | word (letters, digits, marks) | the word, the pair with the token before it, its character 3- to 5-grams with `<` and `>` around it |
//! | run without spaces (Han, Kana, Hangul, Thai, ...) | its character 1-, 2- and 3-grams |
//! | punctuation mark, symbol, emoji | the mark, the pair with the token before it |
//! | none at all (an empty text, only spaces) | one that stands for nothing |
//!
//! Letters are lower-cased. Digits count as `0` in character n-grams and pairs, so that a telephone
//! number has one shape whatever its digits; the word itself keeps them. Words and runs longer than
//! [`MAX_TOKEN_CHARS`] are cut into pieces of that length.
//!
//! Words, and pieces of runs, that a model has in its list ([`Words`]) are noted beside the features.
//!
//! Model files depend on every detail here: a change needs [`VERSION`] raised and the models
//! trained again.

mod hash;
mod script;
mod words;

use std::ops::Range;
use std::sync::Arc;

use script::Class;

pub use words::Words;

/// Version of the mapping from text to buckets; a model names the one that it was trained with.
pub const VERSION: u32 = 1;

/// Longest word or unspaced run, in characters, that is kept in one piece.
pub const MAX_TOKEN_CHARS: usize = 32;

/// Most features that one token can have: 3 n-grams a position, the word, its pair and its shape.
pub const MAX_TOKEN_FEATURES: usize = 3 * (MAX_TOKEN_CHARS + 2) + 3;

/// Fewest and most bucket bits that a model may use.
pub const BUCKET_BITS: std::ops::RangeInclusive<u32> = 8..=24;

/// The features of one or more texts, reused from call to call.
#[derive(Debug, Default, Clone)]
pub struct Features {
    /// Bucket numbers, `0..2^bits`, in text order.
    pub ids: Vec<i32>,
    /// Where in `ids` each token starts: where a window may end.
    pub token_starts: Vec<usize>,
    /// Words of the list, in text order.
    pub words: Vec<Known>,
}

/// A word of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// Where in [`Features::ids`] its token starts.
    pub at: usize,
    /// Its number in the list.
    pub number: i32,
}

impl Features {
    /// Forgets the features, keeps the memory.
    pub fn clear(&mut self) {
        self.ids.clear();
        self.token_starts.clear();
        self.words.clear();
    }

    /// The words of the list in a range of `ids` that begins and ends with a token.
    #[must_use]
    pub fn words_in(&self, ids: &Range<usize>) -> &[Known] {
        let from = self.words.partition_point(|word| word.at < ids.start);
        let length = self.words[from..].partition_point(|word| word.at < ids.end);
        &self.words[from..from + length]
    }
}

/// Turns texts into [`Features`] without allocating once its buffers have grown.
#[derive(Debug, Clone)]
pub struct Featuriser {
    shift: u32,
    /// The token being built: lower-cased, with `<` in front.
    token: Vec<u32>,
    words: Arc<Words>,
}

/// The state that goes from token to token.
struct Walk {
    /// Hash of the token before, for pairs.
    previous: u64,
    /// What is in the token buffer.
    class: Class,
    /// Whether the token buffer has a digit.
    digits: bool,
}

impl Featuriser {
    /// A featuriser for `2^bits` buckets and a list of words.
    ///
    /// # Panics
    /// When `bits` is outside [`BUCKET_BITS`].
    #[must_use]
    pub fn new(bits: u32, words: Arc<Words>) -> Self {
        assert!(
            BUCKET_BITS.contains(&bits),
            "bucket bits must be 8 to 24, not {bits}"
        );
        let mut token = Vec::with_capacity(MAX_TOKEN_CHARS + 2);
        token.push(u32::from(b'<'));
        Self {
            shift: u64::BITS - bits,
            token,
            words,
        }
    }

    /// Appends the features of `text` to `out`, at most `cap` of them. Returns whether all of the
    /// text was covered; when not, what lies beyond the first `cap - MAX_TOKEN_FEATURES` or so
    /// features had no say.
    ///
    /// Any text will do; one that a normaliser has been over (NFKC, confusables, spacing tricks) is
    /// seen for what it says. Lower-casing is done here in any case.
    pub fn append(&mut self, text: &str, cap: usize, out: &mut Features) -> bool {
        let start = out.ids.len();
        let end = start + cap;
        let mut walk = Walk {
            previous: hash::WORD,
            class: Class::Letter,
            digits: false,
        };
        for c in text.chars() {
            if c.is_ascii() {
                let class = script::class(c);
                let lower = c.to_ascii_lowercase();
                if !self.take(lower, class, end, &mut walk, out) {
                    return false;
                }
            } else {
                for lower in c.to_lowercase() {
                    if !self.take(lower, script::class(lower), end, &mut walk, out) {
                        return false;
                    }
                }
            }
        }
        if !self.flush(end, &mut walk, out) {
            return false;
        }
        if out.ids.len() > start {
            return true;
        }
        let fits = room(end, out);
        if fits {
            out.token_starts.push(start);
            out.ids.push(hash::bucket(hash::NOTHING, self.shift));
        }
        fits
    }

    /// Adds one lower-cased character. Returns `false` once there is no room for another token.
    #[inline(always)]
    fn take(
        &mut self,
        c: char,
        class: Class,
        end: usize,
        walk: &mut Walk,
        out: &mut Features,
    ) -> bool {
        match class {
            Class::Letter | Class::Unspaced => {
                if (walk.class != class || self.token.len() > MAX_TOKEN_CHARS)
                    && !self.flush(end, walk, out)
                {
                    return false;
                }
                walk.class = class;
                walk.digits |= c.is_ascii_digit();
                self.token.push(c as u32);
                true
            }
            Class::Space => self.flush(end, walk, out),
            Class::Ignored => true,
            Class::Symbol => {
                if !self.flush(end, walk, out) || !room(end, out) {
                    return false;
                }
                let word = hash::step(hash::WORD, u64::from(c));
                out.token_starts.push(out.ids.len());
                out.ids.push(hash::bucket(word, self.shift));
                self.pair(word, walk, out);
                true
            }
        }
    }

    /// Emits the token in the buffer, if any, and empties it.
    #[inline]
    fn flush(&mut self, end: usize, walk: &mut Walk, out: &mut Features) -> bool {
        if self.token.len() == 1 {
            return true;
        }
        let fits = room(end, out);
        if fits {
            out.token_starts.push(out.ids.len());
            if walk.class == Class::Letter {
                self.word(walk, out);
            } else {
                self.run(walk, out);
            }
        }
        walk.digits = false;
        self.token.truncate(1);
        fits
    }

    /// A word's features.
    #[inline]
    fn word(&mut self, walk: &mut Walk, out: &mut Features) {
        let mut word = hash_of(hash::WORD, &self.token[1..]);
        if let Some(number) = self.words.number(word) {
            let at = out.ids.len();
            out.words.push(Known { at, number });
        }
        out.ids.push(hash::bucket(word, self.shift));
        if walk.digits {
            for code in &mut self.token {
                if (0x30..=0x39).contains(code) {
                    *code = 0x30;
                }
            }
            word = hash_of(hash::WORD, &self.token[1..]);
            out.ids.push(hash::bucket(word, self.shift));
        }
        self.pair(word, walk, out);
        self.token.push(u32::from(b'>'));
        let shift = self.shift;
        let grams = self.token.windows(5).flat_map(|five| {
            let three = hash_of(hash::CHARS, &five[..3]);
            let four = hash::step(three, u64::from(five[3]));
            let five = hash::step(four, u64::from(five[4]));
            [three, four, five]
        });
        out.ids.extend(grams.map(|gram| hash::bucket(gram, shift)));
        // The last windows are too short for five characters.
        let length = self.token.len();
        if length >= 4 {
            let last = &self.token[length - 4..];
            let three = hash_of(hash::CHARS, &last[..3]);
            out.ids.push(hash::bucket(three, shift));
            out.ids
                .push(hash::bucket(hash::step(three, u64::from(last[3])), shift));
        }
        let last = hash_of(hash::CHARS, &self.token[length - 3..]);
        out.ids.push(hash::bucket(last, shift));
    }

    /// The features of a run in an unspaced script. It takes no part in pairs beyond being there.
    #[inline]
    fn run(&mut self, walk: &mut Walk, out: &mut Features) {
        let run = &self.token[1..];
        let at = out.ids.len();
        for start in 0..run.len() {
            let mut gram = hash::RUN;
            for code in run.iter().skip(start).take(words::LONGEST_GRAM) {
                gram = hash::step(gram, u64::from(*code));
                if let Some(number) = self.words.number(gram) {
                    out.words.push(Known { at, number });
                }
                out.ids.push(hash::bucket(gram, self.shift));
            }
        }
        walk.previous = hash::RUN;
    }

    /// The pair of the token before and this one.
    #[inline(always)]
    fn pair(&self, word: u64, walk: &mut Walk, out: &mut Features) {
        let pair = hash::step(hash::step(hash::PAIR, walk.previous), word);
        out.ids.push(hash::bucket(pair, self.shift));
        walk.previous = word;
    }
}

/// Whether one more token, however long, still fits.
#[inline(always)]
fn room(end: usize, out: &Features) -> bool {
    out.ids.len() + MAX_TOKEN_FEATURES <= end
}

/// Hash of a slice of code points.
#[inline(always)]
fn hash_of(seed: u64, codes: &[u32]) -> u64 {
    codes
        .iter()
        .fold(seed, |hash, code| hash::step(hash, u64::from(*code)))
}

#[cfg(test)]
mod tests;
