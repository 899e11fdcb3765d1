//! Finds the terms at which rules begin without a step of an automaton for every byte.
//!
//! Prose has hardly any of them, so the two bytes that a term begins with are looked up at each place, and
//! only where some term begins so, one is followed from there on until no term goes on.

use aho_corasick::automaton::Automaton;
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, BuildError, MatchKind, nfa};

use crate::work::spend;

/// Places of a set with a bit for each pair of bytes.
const WORDS: usize = (1 << 16) / 64;

/// The terms that rules begin with.
#[derive(Clone)]
pub(super) struct Openings {
    terms: NFA,
    /// Pairs that terms begin with that need no word to begin there.
    inside: Pairs,
    /// Pairs that any term begins with.
    all: Pairs,
}

/// Where a term stands in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    /// Its number in the list of terms.
    pub(super) term: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Openings {
    /// `terms` have two bytes at least; the flag says that no letter or digit may stand before one.
    pub(super) fn new(terms: &[(&str, bool)]) -> Result<Self, BuildError> {
        let mut inside = Pairs::default();
        let mut all = Pairs::default();
        for (term, opens_word) in terms {
            if let [first, second, ..] = *term.to_ascii_lowercase().as_bytes() {
                all.insert(first, second);
                if !opens_word {
                    inside.insert(first, second);
                }
            }
        }
        let automaton = nfa::contiguous::Builder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .prefilter(false)
            .build(terms.iter().map(|(term, _)| term))?;
        Ok(Self {
            terms: automaton,
            inside,
            all,
        })
    }

    /// The terms in `text`, in order of their ends, the longer one first. One that is to open a word may still
    /// stand behind a letter that is no ASCII.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Hit> {
        spend(text.len());
        let mut hits = Vec::new();
        let [first, rest @ ..] = text else {
            return hits;
        };
        let mut first = first.to_ascii_lowercase();
        let mut pairs = &self.all;
        for (at, second) in rest.iter().enumerate() {
            let second = second.to_ascii_lowercase();
            if pairs.contains(first, second) {
                self.follow(text, at, &mut hits);
            }
            let letter = first.is_ascii_lowercase() || first.is_ascii_digit();
            pairs = if letter { &self.inside } else { &self.all };
            first = second;
        }
        hits.sort_by_key(|hit| (hit.end, hit.start));
        hits
    }

    /// The terms that begin at `start`. Kept out of the loop, which it would slow down.
    #[inline(never)]
    fn follow(&self, text: &[u8], start: usize, hits: &mut Vec<Hit>) {
        // It has one: only automata built for other searches lack it.
        let Ok(mut state) = self.terms.start_state(Anchored::Yes) else {
            return;
        };
        for (at, &byte) in text.iter().enumerate().skip(start) {
            spend(1);
            state = self.terms.next_state(Anchored::Yes, state, byte);
            if self.terms.is_dead(state) {
                return;
            }
            if !self.terms.is_match(state) {
                continue;
            }
            let end = at + 1;
            for index in 0..self.terms.match_len(state) {
                let term = self.terms.match_pattern(state, index);
                // The others are ends of what was followed and begin later.
                if self.terms.pattern_len(term) == end - start {
                    let term = term.as_usize();
                    hits.push(Hit { term, start, end });
                }
            }
        }
    }
}

/// Pairs of bytes, ASCII in lower case.
#[derive(Clone)]
struct Pairs(Box<[u64; WORDS]>);

impl Default for Pairs {
    fn default() -> Self {
        Self(Box::new([0; WORDS]))
    }
}

impl Pairs {
    fn place(first: u8, second: u8) -> (usize, u64) {
        let pair = u16::from_be_bytes([first, second]);
        (usize::from(pair / 64), 1 << (pair % 64))
    }

    fn insert(&mut self, first: u8, second: u8) {
        let (word, bit) = Self::place(first, second);
        self.0[word] |= bit;
    }

    fn contains(&self, first: u8, second: u8) -> bool {
        let (word, bit) = Self::place(first, second);
        self.0[word] & bit != 0
    }
}
