//! Literals with signs, looked for as they are spelt, and the prefixes of API keys.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

use super::literal::automaton_error;
use super::{CompileError, Entry, Role};
use crate::secrets::api_key;
use crate::word::{self, glued_before};
use crate::work::spend;

/// Above this many bytes of patterns the automaton is a contiguous NFA, below it a DFA.
///
/// A DFA wins only while all of it stays in the first-level cache. Measured per prompt of 150 bytes,
/// before literals of letters had an automaton of their own: with the key prefixes alone 280 ns (38 kB)
/// against an NFA's 340 ns (8 kB), but with 100 rules 725 ns (4.6 MB) against 560 ns (170 kB).
const MAX_DFA_BYTES: usize = 1 << 10;

/// A literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Spelling {
    rule: u32,
    role: Role,
    /// Its first character is part of a word, so the one before a hit must not be.
    word_start: bool,
    /// Its last character is part of a word, so the one after a hit must not be.
    word_end: bool,
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sought {
    /// ASCII letters in lower case.
    folded: Box<[u8]>,
    /// A key's prefix as its issuer writes it: in another case it begins no key.
    prefix: Option<&'static str>,
}

impl Sought {
    fn new(text: &str, prefix: Option<&'static str>) -> Self {
        let folded = text.to_ascii_lowercase().into_bytes().into();
        Self { folded, prefix }
    }

    /// Whether `tail` is its beginning, or all of it.
    fn begins_with(&self, tail: &[u8]) -> bool {
        self.prefix
            .is_none_or(|prefix| prefix.as_bytes().starts_with(tail))
    }
}

/// What the automaton came upon, in bytes of the clean text.
pub(crate) enum Spotted {
    /// A literal of a rule.
    Literal(u32, Role, std::ops::Range<usize>),
    /// The prefix of an API key: which format, and where it begins.
    KeyPrefix(usize, usize),
}

/// Literals as they are spelt, ASCII case ignored, then the prefixes of API keys, in one automaton.
///
/// Overlapping matches, not leftmost-longest: the longest hit may fail at a word boundary where
/// a shorter one stands, and rules must not hide one another.
#[derive(Clone)]
pub(crate) struct Exact {
    automaton: AhoCorasick,
    spellings: Vec<Spelling>,
    /// What the automaton knows, sorted without regard to ASCII case.
    texts: Vec<Sought>,
    /// Bytes of the longest of them.
    longest: usize,
    has_accents: bool,
}

impl std::fmt::Debug for Exact {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The automaton's own output runs to megabytes.
        f.debug_struct("Exact")
            .field("spellings", &self.spellings.len())
            .finish_non_exhaustive()
    }
}

impl Exact {
    pub(super) fn compile(entries: &[Entry<'_>]) -> Result<Self, CompileError> {
        let prefixes = api_key::FORMATS.iter().map(|format| format.prefix);
        let literals = entries.iter().map(|entry| Sought::new(entry.text, None));
        let keys = prefixes
            .clone()
            .map(|prefix| Sought::new(prefix, Some(prefix)));
        let mut texts: Vec<Sought> = literals.chain(keys).collect();
        texts.sort_unstable();
        let patterns = || {
            entries
                .iter()
                .map(|entry| entry.text)
                .chain(prefixes.clone().map(|prefix| -> &str { prefix }))
        };
        let bytes: usize = patterns().map(str::len).sum();
        let kind = if bytes <= MAX_DFA_BYTES {
            AhoCorasickKind::DFA
        } else {
            AhoCorasickKind::ContiguousNFA
        };
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(kind))
            // With this many first bytes a prefilter stops at every other byte.
            .prefilter(false)
            .build(patterns())
            .map_err(automaton_error)?;
        let spelling = |entry: &Entry<'_>| Spelling {
            rule: entry.rule,
            role: entry.role,
            word_start: entry.text.chars().next().is_some_and(word::is_word),
            word_end: entry.text.chars().next_back().is_some_and(word::is_word),
        };
        Ok(Self {
            automaton,
            spellings: entries.iter().map(spelling).collect(),
            longest: texts
                .iter()
                .map(|known| known.folded.len())
                .max()
                .unwrap_or(0),
            has_accents: texts.iter().any(|known| !known.folded.is_ascii()),
            texts,
        })
    }

    /// Whether letters with accents, or of other scripts, are in what is looked for.
    pub(crate) fn has_accents(&self) -> bool {
        self.has_accents
    }

    /// Where in `text`, from `from` on, the first literal or prefix begins that what follows may
    /// complete, or join to a longer word; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        self.first_begun(text, from, |_| true)
    }

    /// The same of literals alone.
    pub(crate) fn literals_open_from(&self, text: &[u8], from: usize) -> usize {
        self.first_begun(text, from, |known| known.prefix.is_none())
    }

    fn first_begun(&self, text: &[u8], from: usize, counts: impl Fn(&Sought) -> bool) -> usize {
        (from.max(text.len().saturating_sub(self.longest))..text.len())
            .find(|&at| self.begins(text, at, &counts))
            .unwrap_or(text.len())
    }

    /// Whether all that follows `at` begins something that is looked for and counts.
    fn begins(&self, text: &[u8], at: usize, counts: &impl Fn(&Sought) -> bool) -> bool {
        spend(1);
        // Neither a key nor a literal that begins with a word's letter begins inside a word.
        let inside = text[at].is_ascii_alphanumeric()
            && glued_before(text, at)
            && word::char_before(text, at).is_some_and(|(c, _)| word::is_word(c));
        let tail = &text[at..];
        let folded = || tail.iter().map(u8::to_ascii_lowercase);
        let place = self
            .texts
            .partition_point(|known| known.folded.iter().copied().lt(folded()));
        let begun = |known: &&Sought| {
            spend(1);
            let mut same = known.folded.iter().copied().zip(folded());
            known.folded.len() >= tail.len() && same.all(|(a, b)| a == b)
        };
        let mut known = self.texts[place..].iter().take_while(begun);
        !inside && known.any(|known| counts(known) && known.begins_with(tail))
    }

    pub(crate) fn scan(&self, text: &[u8], spotted: &mut impl FnMut(Spotted)) {
        spend(text.len());
        for hit in self.automaton.find_overlapping_iter(text) {
            spend(1);
            let pattern = hit.pattern().as_usize();
            match self.spellings.get(pattern) {
                Some(spelling) => {
                    if stands_alone(*spelling, text, hit.start(), hit.end()) {
                        spotted(Spotted::Literal(
                            spelling.rule,
                            spelling.role,
                            hit.start()..hit.end(),
                        ));
                    }
                }
                None => spotted(Spotted::KeyPrefix(
                    pattern - self.spellings.len(),
                    hit.start(),
                )),
            }
        }
    }
}

/// Whether `text[start..end]` stands as a word (or need not).
fn stands_alone(spelling: Spelling, text: &[u8], start: usize, end: usize) -> bool {
    spend(2);
    let joins = |beside: Option<(char, usize)>| beside.is_some_and(|(c, _)| word::is_word(c));
    let joined = spelling.word_start && joins(word::char_before(text, start))
        || spelling.word_end && joins(word::char_after(text, end));
    !joined
}
