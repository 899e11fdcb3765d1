//! All terms in one automaton, and what each one means.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, MatchKind};

use super::openings::Openings;
use super::phrases;
use super::terms::LANGUAGES;
use crate::word;
use crate::work::spend;

/// What a term is in a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    // Of a language, see `Terms`.
    Verb,
    SoftVerb,
    Object,
    SoftObject,
    Prior,
    Whole,
    Everything,
    Demand,
    Reveal,
    Secret,
    // Of no language.
    Send,
    Data,
    Address,
    Decode,
    Scheme,
    Execute,
    Order,
    Jailbreak,
    Persona,
    /// A delimiter of chat templates; the index into [`super::marks::MARKS`].
    Mark(u8),
    /// `system:` in its spellings.
    SystemLabel,
    /// `"role"`.
    JsonKey,
    /// `](`, the middle of a markdown link.
    Link,
    /// `<img`.
    Image,
}

impl Role {
    /// Whether a rule begins at such a cue; the others only bear on those.
    fn is_trigger(self) -> bool {
        match self {
            Self::Verb
            | Self::SoftVerb
            | Self::Secret
            | Self::Data
            | Self::Decode
            | Self::Jailbreak
            | Self::Persona
            | Self::Mark(_)
            | Self::SystemLabel
            | Self::JsonKey
            | Self::Link
            | Self::Image => true,
            Self::Object
            | Self::SoftObject
            | Self::Prior
            | Self::Whole
            | Self::Everything
            | Self::Demand
            | Self::Reveal
            | Self::Send
            | Self::Address
            | Self::Scheme
            | Self::Execute
            | Self::Order => false,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Pattern {
    role: Role,
    language: u8,
    /// The term is a word there, so no letter may join it.
    word_start: bool,
    word_end: bool,
    /// The term is the stem of a word that goes on.
    stem: bool,
}

/// How many bytes of a word may follow its stem.
const SUFFIX_BYTES: usize = 24;

/// A term in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cue {
    pub(super) role: Role,
    /// Index into [`LANGUAGES`]; 0 for roles of no language.
    pub(super) language: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

#[derive(Clone)]
pub(super) struct Cues {
    automaton: AhoCorasick,
    patterns: Vec<Pattern>,
    openings: Openings,
    /// The patterns of the openings.
    triggers: Vec<usize>,
}

impl Cues {
    pub(super) fn new() -> Result<Self, BuildError> {
        let mut texts = Vec::new();
        let mut patterns = Vec::new();
        let mut add = |list: &str, role: Role, language: usize| {
            for term in list.split('|') {
                let inner = term.trim_start_matches('*').trim_end_matches('*');
                for text in spellings(inner) {
                    let is_word = |c: Option<char>| c.is_some_and(word::is_word);
                    // A line's first words may follow an escaped line break, see `roles`.
                    let opens_word = !term.starts_with('*') && role != Role::SystemLabel;
                    patterns.push(Pattern {
                        role,
                        stem: term.ends_with('*'),
                        language: u8::try_from(language).unwrap_or_default(),
                        word_start: opens_word && is_word(text.chars().next()),
                        word_end: !term.ends_with('*') && is_word(text.chars().next_back()),
                    });
                    texts.push(text);
                }
            }
        };
        for (language, terms) in LANGUAGES.iter().enumerate() {
            add(terms.verbs, Role::Verb, language);
            add(terms.soft_verbs, Role::SoftVerb, language);
            add(terms.objects, Role::Object, language);
            add(terms.soft_objects, Role::SoftObject, language);
            add(terms.prior, Role::Prior, language);
            add(terms.whole, Role::Whole, language);
            add(terms.everything, Role::Everything, language);
            add(terms.demands, Role::Demand, language);
            add(terms.reveal, Role::Reveal, language);
            add(terms.secrets, Role::Secret, language);
        }
        for (list, role) in [
            (phrases::SEND, Role::Send),
            (phrases::DATA, Role::Data),
            (phrases::ADDRESS, Role::Address),
            (phrases::DECODE, Role::Decode),
            (phrases::SCHEME, Role::Scheme),
            (phrases::EXECUTE, Role::Execute),
            (phrases::ORDER, Role::Order),
            (phrases::JAILBREAK, Role::Jailbreak),
            (phrases::PERSONA, Role::Persona),
            ("system:|system :|系统:|系統:", Role::SystemLabel),
            ("\"role\"|'role'", Role::JsonKey),
            ("](", Role::Link),
            ("<img", Role::Image),
        ] {
            add(list, role, 0);
        }
        for (index, mark) in (0..).zip(&super::marks::MARKS) {
            // A mark may hold the `|` that parts terms.
            patterns.push(Pattern {
                role: Role::Mark(index),
                stem: false,
                language: 0,
                word_start: false,
                word_end: false,
            });
            texts.push(mark.text.to_owned());
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            // With this many first bytes a prefilter stops at every other byte.
            .prefilter(false)
            .build(&texts)?;
        let is_trigger = |pattern: &Pattern| pattern.role.is_trigger();
        let triggers: Vec<usize> = (0..patterns.len())
            .filter(|&index| is_trigger(&patterns[index]))
            .collect();
        let openings: Vec<(&str, bool)> = triggers
            .iter()
            .map(|&index| (texts[index].as_str(), patterns[index].word_start))
            .collect();
        Ok(Self {
            openings: Openings::new(&openings)?,
            automaton,
            patterns,
            triggers,
        })
    }

    /// The cues of all of `text` at which rules begin, in order of their ends.
    pub(super) fn triggers<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = Cue> + 'a {
        self.openings.find(text).into_iter().filter_map(|hit| {
            let pattern = *self.triggers.get(hit.term)?;
            self.cue(text, pattern, hit.start..hit.end)
        })
    }

    /// The cues that lie in `text[from..to]`, in order of their ends. Words are judged by what is
    /// beside them in all of `text`.
    pub(super) fn within<'a>(
        &'a self,
        text: &'a [u8],
        from: usize,
        to: usize,
    ) -> impl Iterator<Item = Cue> + 'a {
        let to = to.min(text.len());
        let from = from.min(to);
        spend(to - from);
        let input = Input::new(text).span(from..to);
        self.automaton
            .find_overlapping_iter(input)
            .filter_map(|hit| self.cue(text, hit.pattern().as_usize(), hit.range()))
    }

    /// What a pattern found at `range` is, unless a letter joins it that may not.
    fn cue(&self, text: &[u8], pattern: usize, range: Range<usize>) -> Option<Cue> {
        spend(1);
        let pattern = self.patterns.get(pattern)?;
        let joins = |beside: Option<(char, usize)>| beside.is_some_and(|(c, _)| word::is_word(c));
        let joined = pattern.word_start && joins(word::char_before(text, range.start))
            || pattern.word_end && joins(word::char_after(text, range.end));
        (!joined).then_some(Cue {
            role: pattern.role,
            language: usize::from(pattern.language),
            start: range.start,
            end: if pattern.stem {
                word_end(text, range.end)
            } else {
                range.end
            },
        })
    }
}

/// Where the word goes on to whose stem ends at `at`.
fn word_end(text: &[u8], at: usize) -> usize {
    let mut end = at;
    while end - at < SUFFIX_BYTES
        && let Some((c, length)) = word::char_after(text, end)
        && word::is_word(c)
    {
        spend(length);
        end += length;
    }
    end
}

/// A term as people write it: with either apostrophe, and outside ASCII, whose case the automaton
/// does not fold, in lower, upper and sentence case.
fn spellings(term: &str) -> Vec<String> {
    let mut out = vec![term.to_owned()];
    if term.contains('\'') {
        out.push(term.replace('\'', "’"));
    }
    if !term.is_ascii() {
        out.push(term.to_uppercase());
        let mut chars = term.chars();
        if let Some(first) = chars.next() {
            out.push(first.to_uppercase().chain(chars).collect());
        }
    }
    out.sort_unstable();
    out.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::tests::DETECTOR_OF_TESTS;
    use super::*;

    fn text() -> impl Strategy<Value = String> {
        let words = LANGUAGES
            .iter()
            .flat_map(|terms| [terms.verbs, terms.objects, terms.secrets])
            .chain([phrases::DATA, phrases::DECODE, phrases::JAILBREAK])
            .flat_map(|list| list.split('|'))
            .map(|term| term.trim_matches('*'))
            .chain([
                "](", "<img", "\"role\"", "System:", "\\n", "'", "-", "é", "指", "<|",
            ]);
        let words: Vec<&str> = words.collect();
        let piece = prop_oneof![
            4 => proptest::sample::select(words).prop_map(str::to_owned),
            2 => Just(" ".to_owned()),
            1 => "\\PC{0,3}",
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        /// Both searches find the same, in the same order.
        #[test]
        fn triggers_are_the_cues_at_which_rules_begin(text in text(), upper in any::<bool>()) {
            let text = if upper { text.to_uppercase() } else { text };
            let cues = &DETECTOR_OF_TESTS.cues;
            let all = cues.within(text.as_bytes(), 0, text.len());
            let expected: Vec<Cue> = all.filter(|cue| cue.role.is_trigger()).collect();
            let found: Vec<Cue> = cues.triggers(text.as_bytes()).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
