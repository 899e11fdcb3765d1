//! The rules of a policy and the built-in detectors, compiled.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use weir_policy::LiteralRule;

use crate::api_key::{self, KeyDetector};
use crate::card::CardDetector;
use crate::email::EmailDetector;
use crate::literal::{self, CompileError, Rule, Spelling};
use crate::matched::{self, Match};
use crate::view::View;
use crate::work::spend;

/// Above this many bytes of patterns the automaton is a contiguous NFA, below it a DFA.
///
/// A DFA wins only while all of it stays in the first-level cache. Per prompt of the example
/// `bench_detect`: with the key prefixes alone 280 ns (38 kB) against an NFA's 340 ns (8 kB), but with
/// 100 rules 725 ns (4.6 MB) against 560 ns (170 kB), and other work shares the cache.
const MAX_DFA_BYTES: usize = 1 << 10;

/// Compiled rules, ready to scan. Cheap to share by reference; cloning copies the rules, not
/// the automaton.
#[derive(Clone)]
pub struct Detector {
    /// All spellings of all literals, then the prefixes of API keys, ASCII case ignored.
    ///
    /// One automaton, so the text is read once. Overlapping matches, not leftmost-longest: the
    /// longest hit may fail at a word boundary where a shorter one stands, and rules must not
    /// hide one another (`kill` of one rule inside `kill yourself` of another). Hits of one rule
    /// are merged afterwards.
    automaton: AhoCorasick,
    spellings: Vec<Spelling>,
    rules: Vec<Rule>,
    cards: CardDetector,
    emails: EmailDetector,
    keys: KeyDetector,
}

impl std::fmt::Debug for Detector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The automaton's own output runs to megabytes.
        f.debug_struct("Detector")
            .field("rules", &self.rules.len())
            .field("spellings", &self.spellings.len())
            .finish_non_exhaustive()
    }
}

impl Detector {
    /// Compiles the literal rules of a policy; cards, addresses and API keys are always looked for.
    ///
    /// # Errors
    ///
    /// When two rules share an id, a literal is empty (or white space only), a literal has more
    /// than 4,096 bytes, or all of them together with their case variants more than 1 MiB. The
    /// error names the rule.
    pub fn compile(rules: &[LiteralRule]) -> Result<Self, CompileError> {
        let spelled = literal::spell(rules)?;
        let prefixes = api_key::FORMATS.iter().map(|format| format.prefix);
        let patterns = || {
            spelled
                .texts
                .iter()
                .map(String::as_str)
                .chain(prefixes.clone())
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
            .map_err(|error| CompileError::Automaton {
                rule: largest(rules),
                cause: error.to_string(),
            })?;
        Ok(Self {
            automaton,
            spellings: spelled.spellings,
            rules: spelled.rules,
            cards: CardDetector::default(),
            emails: EmailDetector::default(),
            keys: KeyDetector::default(),
        })
    }

    /// Appends what is found in `text` to `out`, sorted by start, then end, detector, rule.
    ///
    /// `text` may be any bytes. `base` is the position of its first byte in the judged text and
    /// is added to every span. Matches of one rule do not overlap; matches of different rules may.
    /// What was in `out` before stays as it is.
    pub fn scan(&self, text: &[u8], base: i64, out: &mut Vec<Match>) {
        let view = View::new(text, base);
        let from = out.len();
        self.scan_automaton(&view, from, out);
        self.cards.scan(&view, out);
        self.emails.scan(&view, out);
        matched::settle(out, from);
    }

    fn scan_automaton(&self, view: &View<'_>, from: usize, out: &mut Vec<Match>) {
        spend(view.text.len());
        for hit in self.automaton.find_overlapping_iter(view.text) {
            spend(1);
            let pattern = hit.pattern().as_usize();
            if let Some(spelling) = self.spellings.get(pattern) {
                if spelling.stands_alone(view.text, hit.start(), hit.end()) {
                    let rule = &self.rules[spelling.rule];
                    let found = Match {
                        detector: "literal",
                        rule: rule.id.clone(),
                        category: rule.category,
                        span: view.original(hit.start()..hit.end()),
                        score: rule.score,
                        severity: rule.severity,
                    };
                    matched::push(out, from, found);
                }
            } else if let Some(found) =
                self.keys
                    .check(view, hit.start(), pattern - self.spellings.len())
            {
                matched::push(out, from, found);
            }
        }
    }
}

fn largest(rules: &[LiteralRule]) -> String {
    let bytes = |rule: &&LiteralRule| rule.literals.iter().map(String::len).sum::<usize>();
    rules
        .iter()
        .max_by_key(bytes)
        .map(|rule| rule.id.clone())
        .unwrap_or_default()
}
