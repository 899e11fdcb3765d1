//! Words that say that a number is a telephone's, or something else's.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use super::vocabulary::{LANGUAGES, OTHER};
use crate::context;
use crate::word::{char_after, char_before, is_word};
use crate::work::spend;

/// What one word says; languages are bits, these come above them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// The number is a telephone's.
    Phone,
    /// Somebody is reached, perhaps by telephone: tells only with a number grouped like one.
    Reach,
    /// The number is something else's.
    Other,
}

/// What the words near a number say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Nearby {
    pub(super) phone: bool,
    pub(super) reach: bool,
    pub(super) other: bool,
    /// The languages of those for [`Nearby::phone`] and [`Nearby::reach`], a bit each.
    pub(super) languages: u32,
}

/// All the words, in one automaton: a hostile text asks about every few bytes.
#[derive(Debug, Clone)]
pub(super) struct Words {
    automaton: Option<AhoCorasick>,
    /// What the patterns say, in their order.
    meanings: Vec<(Says, u32)>,
}

impl Words {
    pub(super) fn new() -> Self {
        let mut patterns: Vec<String> = Vec::new();
        let mut meanings: Vec<(Says, u32)> = Vec::new();
        let mut add = |word: &str, says: Says, languages: u32| {
            for spelling in spellings(word) {
                let known = patterns.iter().position(|pattern| *pattern == spelling);
                match known {
                    Some(index) if meanings[index].0 == says => meanings[index].1 |= languages,
                    _ => {
                        patterns.push(spelling);
                        meanings.push((says, languages));
                    }
                }
            }
        };
        for (index, language) in LANGUAGES.iter().enumerate() {
            for word in language.phone {
                add(word, Says::Phone, 1 << index);
            }
            for word in language.reach {
                add(word, Says::Reach, 1 << index);
            }
        }
        for word in OTHER {
            add(word, Says::Other, 0);
        }
        // Building fails only beyond what its state ids can count, millions of times this size;
        // a test holds it to being there.
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .build(&patterns)
            .ok();
        Self {
            automaton,
            meanings,
        }
    }

    /// What the words within [`context::BEFORE`] and [`context::AFTER`] bytes of `range` say.
    pub(super) fn near(&self, text: &[u8], range: &Range<usize>) -> Nearby {
        let mut found = Nearby::default();
        let Some(automaton) = &self.automaton else {
            return found;
        };
        let sides = [
            range.start.saturating_sub(context::BEFORE)..range.start,
            range.end..text.len().min(range.end + context::AFTER),
        ];
        for side in sides {
            let window = &text[side];
            spend(window.len());
            for hit in automaton.find_overlapping_iter(window) {
                if !stands_alone(window, hit.start(), hit.end()) {
                    continue;
                }
                let (says, languages) = self.meanings[hit.pattern().as_usize()];
                match says {
                    Says::Phone => found.phone = true,
                    Says::Reach => found.reach = true,
                    Says::Other => found.other = true,
                }
                found.languages |= languages;
            }
        }
        found
    }
}

/// The cases that a word is written in. The automaton folds ASCII letters itself.
fn spellings(word: &str) -> Vec<String> {
    let mut all = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut letters = word.chars();
        let title: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        all.extend([title, word.to_uppercase()]);
        all.dedup();
    }
    all
}

fn stands_alone(text: &[u8], start: usize, end: usize) -> bool {
    let joins = |own: Option<(char, usize)>, neighbour: Option<(char, usize)>| {
        own.is_some_and(|(c, _)| is_word(c)) && neighbour.is_some_and(|(c, _)| is_word(c))
    };
    !joins(char_after(text, start), char_before(text, start))
        && !joins(char_before(text, end), char_after(text, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(text: &str) -> Nearby {
        let at = text.find("42").unwrap();
        Words::new().near(text.as_bytes(), &(at..at + 2))
    }

    #[test]
    fn tells_languages_and_meanings() {
        assert_eq!(near("My PHONE: 42").languages, 1 << 1);
        assert_eq!(near("ТЕЛЕФОН 42").languages, 1 << 9);
        assert_eq!(near("Téléphone 42").languages, 1 << 3);
        assert_eq!(near("请打手机42").languages, 1 << 10);
        assert!(near("fax: 42").languages.count_ones() > 3);
        assert!(near("call 42").reach && !near("call 42").phone);
        assert!(near("order 42").other);
        assert_eq!(near("telephones and ordering 42"), Nearby::default());
        assert_eq!(near("42"), Nearby::default());
    }

    #[test]
    fn edges_inside_letters_do_no_harm() {
        let text = format!("{}42{}", "é".repeat(99), "é".repeat(99));
        assert_eq!(near(&text), Nearby::default());
    }
}
