//! Literal rules: which spellings go into the automaton, and where a hit counts as a word.

use std::collections::HashSet;
use std::sync::Arc;

use weir_policy::LiteralRule;
use weir_types::{Category, Severity};

use crate::word;
use crate::work::spend;

/// Longest literal, in bytes.
pub(crate) const MAX_LITERAL_BYTES: usize = 4096;

/// Most bytes of spellings, over all rules: some 10,000 rules, a few MB of automaton.
pub(crate) const MAX_TOTAL_BYTES: usize = 1 << 20;

/// Rules that cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompileError {
    /// Two rules share an id, so a finding would not say which one it is of.
    #[error("literal rule \"{rule}\" is defined twice: give each rule its own id")]
    DuplicateRule {
        /// The id.
        rule: String,
    },
    /// A literal is empty or white space only and would match everywhere.
    #[error(
        "literal rule \"{rule}\": literal number {number} is empty: remove it or write what it should match"
    )]
    EmptyLiteral {
        /// The rule's id.
        rule: String,
        /// Which literal of the rule, from 1.
        number: usize,
    },
    /// A literal is longer than 4,096 bytes.
    #[error(
        "literal rule \"{rule}\": literal number {number} has {bytes} bytes, the most is {limit}: shorten it"
    )]
    LiteralTooLong {
        /// The rule's id.
        rule: String,
        /// Which literal of the rule, from 1.
        number: usize,
        /// Its length.
        bytes: usize,
        /// The most bytes in a literal.
        limit: usize,
    },
    /// All literals together, case variants included, are more than 1 MiB.
    #[error(
        "literal rule \"{rule}\" brings the literals to {bytes} bytes (case variants included), the most is {limit}: remove literals from it or from the rules before it"
    )]
    TooLarge {
        /// The rule that crossed the limit.
        rule: String,
        /// The bytes up to and including the literal that crossed it.
        bytes: usize,
        /// The most bytes in all literals.
        limit: usize,
    },
    /// The automaton could not be built.
    #[error("cannot compile the literals: {cause} (largest rule: \"{rule}\")")]
    Automaton {
        /// The rule with the most literal bytes.
        rule: String,
        /// What the automaton's builder said.
        cause: String,
    },
}

/// What a hit of a rule is worth.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) id: Arc<str>,
    pub(crate) category: Category,
    pub(crate) severity: Severity,
    pub(crate) score: f32,
}

/// One spelling of a literal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelling {
    /// Index of its rule.
    pub(crate) rule: usize,
    /// Its first character is part of a word, so the one before a hit must not be.
    pub(crate) word_start: bool,
    /// Its last character is part of a word, so the one after a hit must not be.
    pub(crate) word_end: bool,
}

impl Spelling {
    fn new(rule: usize, text: &str) -> Self {
        Self {
            rule,
            word_start: text.chars().next().is_some_and(word::is_word),
            word_end: text.chars().next_back().is_some_and(word::is_word),
        }
    }

    /// Whether `text[start..end]` stands as a word (or need not).
    pub(crate) fn stands_alone(&self, text: &[u8], start: usize, end: usize) -> bool {
        spend(2);
        let joins = |beside: Option<(char, usize)>| beside.is_some_and(|(c, _)| word::is_word(c));
        let joined = self.word_start && joins(word::char_before(text, start))
            || self.word_end && joins(word::char_after(text, end));
        !joined
    }
}

/// Rules taken apart.
#[derive(Debug, Default)]
pub(crate) struct Spelled {
    pub(crate) rules: Vec<Rule>,
    /// All spellings of all literals.
    pub(crate) spellings: Vec<Spelling>,
    /// Their texts, in the same order: the automaton's first patterns.
    pub(crate) texts: Vec<String>,
}

/// Takes the rules apart, or says which one is wrong.
pub(crate) fn spell(rules: &[LiteralRule]) -> Result<Spelled, CompileError> {
    let mut ids = HashSet::new();
    let mut spelled = Spelled::default();
    let mut bytes = 0;
    for (index, rule) in rules.iter().enumerate() {
        if !ids.insert(rule.id.as_str()) {
            return Err(CompileError::DuplicateRule {
                rule: rule.id.clone(),
            });
        }
        for (place, literal) in rule.literals.iter().enumerate() {
            let (rule, number) = (rule.id.clone(), place + 1);
            if literal.trim().is_empty() {
                return Err(CompileError::EmptyLiteral { rule, number });
            }
            if literal.len() > MAX_LITERAL_BYTES {
                let (bytes, limit) = (literal.len(), MAX_LITERAL_BYTES);
                return Err(CompileError::LiteralTooLong {
                    rule,
                    number,
                    bytes,
                    limit,
                });
            }
            for variant in case_variants(literal) {
                bytes += variant.len();
                spelled.spellings.push(Spelling::new(index, &variant));
                spelled.texts.push(variant);
            }
            if bytes > MAX_TOTAL_BYTES {
                return Err(CompileError::TooLarge {
                    rule,
                    bytes,
                    limit: MAX_TOTAL_BYTES,
                });
            }
        }
    }
    spelled.rules = rules
        .iter()
        .map(|rule| Rule {
            id: rule.id.as_str().into(),
            category: rule.category,
            severity: rule.severity,
            score: rule.score,
        })
        .collect();
    Ok(spelled)
}

/// The literal and, if it is not ASCII, its lower, upper, sentence and title case.
///
/// The automaton ignores ASCII case only. These are the cases that people write, so `пРиВеТ` slips
/// through; provisional until the normaliser folds text and literals alike.
fn case_variants(literal: &str) -> Vec<String> {
    if literal.is_ascii() {
        return vec![literal.to_owned()];
    }
    let lower = literal.to_lowercase();
    let mut variants = vec![literal.to_owned(), literal.to_uppercase()];
    variants.push(capitalise(&lower, |place, _| place == 0));
    variants.push(capitalise(&lower, |_, before| {
        !before.is_some_and(char::is_alphanumeric)
    }));
    variants.push(lower);
    variants.sort_unstable();
    // ASCII letters beside others: variants that differ in nothing else are one to the automaton.
    variants.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
    variants
}

/// `text` with those characters in upper case that `starts` picks by place and predecessor.
fn capitalise(text: &str, starts: impl Fn(usize, Option<char>) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = None;
    for (place, c) in text.chars().enumerate() {
        if starts(place, before) {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
        before = Some(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Detector, Match};

    fn rule(id: &str, literals: &[&str]) -> LiteralRule {
        LiteralRule {
            id: id.to_owned(),
            category: Category::Harassment,
            severity: Severity::Medium,
            score: 0.8,
            literals: literals.iter().map(|&literal| literal.to_owned()).collect(),
        }
    }

    fn found(rules: &[LiteralRule], text: &str) -> Vec<Match> {
        let mut out = Vec::new();
        Detector::compile(rules)
            .unwrap()
            .scan(text.as_bytes(), 0, &mut out);
        out.retain(|found| found.detector == "literal");
        out
    }

    fn places(rules: &[LiteralRule], text: &str) -> Vec<(String, String)> {
        found(rules, text)
            .into_iter()
            .map(|m| {
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned())
            })
            .collect()
    }

    #[test]
    fn positives() {
        for (literal, text, expected) in [
            ("ass", "you ass", "ass"),
            ("ass", "ASS!", "ASS"),
            ("ass", "(aSs)", "aSs"),
            ("ass", "my_ass_", "ass"),
            ("ass", "kick-ass", "ass"),
            ("ass", "你ass好", "ass"),
            ("kill yourself", "go Kill Yourself now", "Kill Yourself"),
            ("kill yourself", "kill yourself", "kill yourself"),
            ("don't", "Don't", "Don't"),
            ("привет", "Привет, мир", "Привет"),
            ("Привет", "ПРИВЕТ", "ПРИВЕТ"),
            ("ПРИВЕТ", "ну привет", "привет"),
            ("straße", "die STRASSE", "STRASSE"),
            ("été", "L'ÉTÉ", "ÉTÉ"),
            ("σκύλος", "ΣΚΎΛΟΣ", "ΣΚΎΛΟΣ"),
            ("злой пёс", "Злой Пёс", "Злой Пёс"),
            ("自杀", "他自杀了", "自杀"),
            ("死ね", "お前死ねよ", "死ね"),
            ("バカ", "このバカ野郎", "バカ"),
            ("ฆ่าตัวตาย", "อยากฆ่าตัวตายมาก", "ฆ่าตัวตาย"),
            ("자살", "자살을", "자살"),
            ("%%%", "a%%%b", "%%%"),
            ("-rf /", "rm -rf /", "-rf /"),
            ("@everyone", "hi@everyone", "@everyone"),
            ("c++", "c++11", "c++"),
            ("आत्महत्या", "वह आत्महत्या करेगा।", "आत्महत्या"),
            ("قتل", "هذا قتل!", "قتل"),
        ] {
            let expected = vec![("r".to_owned(), expected.to_owned())];
            assert_eq!(
                places(&[rule("r", &[literal])], text),
                expected,
                "{literal:?} in {text:?}"
            );
        }
    }

    #[test]
    fn negatives() {
        for (literal, text) in [
            ("ass", "class"),
            ("ass", "assess"),
            ("ass", "passage"),
            ("ass", "ass1"),
            ("ass", "1ass"),
            ("ass", "assé"),
            ("ass", "éass"),
            ("ass", "ass\u{301}"),
            ("ass", "жass"),
            ("ass", "a ss"),
            ("ass", "as s"),
            ("don't", "don't1"),
            ("hell", "hello"),
            ("hell", "shell"),
            ("привет", "приветик"),
            ("привет", "неприветливый"),
            ("привет", "пРиВеТ"), // provisional, see case_variants
            ("kill yourself", "kill  yourself"),
            ("kill yourself", "kill yourselfie"),
            ("自杀", "自 杀"),
            ("क", "क्या"),
            ("c++", "obc++"),
            ("@everyone", "@everyoneelse"),
            ("قتل", "مقتل"),
            ("ass", ""),
        ] {
            assert_eq!(
                places(&[rule("r", &[literal])], text),
                [],
                "{literal:?} in {text:?}"
            );
        }
    }

    #[test]
    fn a_longer_literal_hides_no_other() {
        // Leftmost-longest matching would find only `foo ba`, which is no word here.
        let rules = [
            rule("one", &["foo", "foo ba"]),
            rule("two", &["foo bar", "bar"]),
        ];
        let expected = [("one", "foo"), ("two", "foo bar")];
        let expected = expected.map(|(rule, text)| (rule.to_owned(), text.to_owned()));
        assert_eq!(places(&rules, "a foo bar"), expected);
    }

    #[test]
    fn hits_of_one_rule_merge_and_carry_its_worth() {
        let rules = [rule("r", &["a b", "b c", "b"])];
        let found = found(&rules, "a b c, b");
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].span.start, found[0].span.end), (0, 5));
        assert_eq!((found[1].span.start, found[1].span.end), (7, 8));
        assert_eq!(found[0].category, Category::Harassment);
        assert_eq!(found[0].severity, Severity::Medium);
        assert!((found[0].score - 0.8).abs() < f32::EPSILON);
    }

    #[test]
    fn broken_bytes_break_words() {
        let detector = Detector::compile(&[rule("r", &["ass"])]).unwrap();
        let mut out = Vec::new();
        detector.scan(b"\xffass\xc3", 0, &mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn errors_name_the_rule() {
        let error = |rules: &[LiteralRule]| Detector::compile(rules).unwrap_err();
        let twice = [rule("a", &["x"]), rule("a", &["y"])];
        assert_eq!(
            error(&twice),
            CompileError::DuplicateRule { rule: "a".into() }
        );
        for empty in ["", "  "] {
            let expected = CompileError::EmptyLiteral {
                rule: "b".into(),
                number: 2,
            };
            assert_eq!(
                error(&[rule("a", &["x"]), rule("b", &["y", empty])]),
                expected
            );
        }
        let long = "x".repeat(MAX_LITERAL_BYTES + 1);
        let message = error(&[rule("long", &[&long])]).to_string();
        assert!(
            message.contains("\"long\"") && message.contains("4097"),
            "{message}"
        );
        let many = vec!["y".repeat(MAX_LITERAL_BYTES); MAX_TOTAL_BYTES / MAX_LITERAL_BYTES];
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let message = error(&[rule("many", &many), rule("last", &["z"])]).to_string();
        assert!(message.contains("\"last\""), "{message}");
    }

    #[test]
    fn rules_without_literals_match_nothing() {
        assert_eq!(places(&[rule("r", &[])], "anything"), []);
        assert_eq!(places(&[], "anything"), []);
    }

    #[test]
    fn variants_are_few_and_distinct() {
        assert_eq!(case_variants("Foo"), ["Foo"]);
        assert_eq!(case_variants("自杀"), ["自杀"]);
        let mut variants = case_variants("злой Пёс");
        variants.sort_unstable();
        assert_eq!(
            variants,
            ["ЗЛОЙ ПЁС", "Злой Пёс", "Злой пёс", "злой Пёс", "злой пёс"]
        );
    }
}
