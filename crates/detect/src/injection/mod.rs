//! Prompt injection, by its words and signs.
//!
//! | rule | looks for |
//! |---|---|
//! | `override.<language>` | a verb of disregard near the instructions that it is to cancel |
//! | `role_forgery` | delimiters of chat templates, `System:` and an order, `"role": "system"` |
//! | `exfiltration` | asking for the hidden prompt; data to an address; links to be filled with data |
//! | `encoded` | decode this and do what it says |
//! | `invisible` | text in characters that nobody sees |
//! | `persona` | phrases of jailbreaks |
//!
//! A score of 0.8 and more says that the text is explicit, 0.5 to 0.8 that an attack is likely,
//! less that there is a hint. The score of a rule says how complete the evidence is: that the
//! instructions are the previous ones, or all of them, or yours; that the verb is an order rather
//! than told, asked or negated; that a demand follows. A phrase inside quotation marks keeps 65 %
//! of its score, and 45 % where words before them say that it is mentioned.
//!
//! One automaton holds the terms of all languages. The scan acts on verbs and signs only, which
//! prose seldom has, and looks for the rest in a bounded window around each.
//!
//! # How often
//!
//! Share of development rows of public sets, by their highest score; the terms were written while
//! looking at other rows of the same sets, some of them near-duplicates, so expect less elsewhere:
//!
//! | set | rows | from 0.5 | from 0.8 |
//! |---|---|---|---|
//! | deepset prompt injections, injected | 20 | 25 % | 5 % |
//! | jailbreaks in the wild | 35 | 57 % | 17 % |
//! | PyRIT jailbreak templates | 37 | 46 % | 5 % |
//! | BIPIA e-mails and tables, injected | 24 | 0 % | 0 % |
//! | CLINC out-of-scope, XQuAD, AmbigQA and Alpaca, benign | 10,558 | 0 % | 0 % |
//!
//! None in 10,558 bounds the false positives below 1 in 3,500 (95 %). BIPIA's attacks are plain
//! tasks in a foreign text, without a word that tells. Most of the jailbreaks are `persona` only,
//! which stays below 0.7 by design. A scan takes about 0.8 us for prompts of 140 bytes.
//!
//! # Not found
//!
//! Instructions of which nothing says that they are earlier ones, when the verb does not open a
//! sentence: `bypassing all policy rules` reads like `the driver ignored all instructions`.
//! Attacks without such words: a story, a role, a second task that simply follows the first.
//! Words that are cut by spaces or line breaks inside a phrase of several words. Misspellings.

mod cues;
mod encoded;
mod exfiltration;
mod invisible;
mod marks;
mod nearby;
mod openings;
mod overrides;
mod persona;
mod phrases;
mod roles;
mod terms;

use std::sync::Arc;

use aho_corasick::BuildError;
use weir_types::{Category, Severity};

use crate::matched::{self, Match};
use crate::view::View;
use cues::{Cues, Role};
pub(crate) use invisible::invisible;

/// The name of this detector in findings.
const DETECTOR: &str = "injection";

/// How many bytes before a finding may bear on it: quotation marks and words that mention, or the
/// sentence before a verb at its end.
pub(crate) const BEHIND: usize = 72;
/// How many bytes from the start of a finding may bear on it: an object, a verb after it, a demand
/// after that, and a closing quotation mark.
pub(crate) const AHEAD: usize = 352;

/// The last character of a text, which marks may change.
const LONGEST_CHARACTER: usize = 4;

/// Below this a finding says too little to be told.
const MIN_SCORE: f32 = 0.2;

/// What a rule found, in bytes of the view.
#[derive(Debug, Clone, Copy)]
struct Found {
    rule: &'static str,
    start: usize,
    end: usize,
    score: f32,
}

/// Finds prompt injection in clean views.
#[derive(Clone)]
pub(crate) struct InjectionDetector {
    cues: Cues,
    names: Vec<Arc<str>>,
}

impl std::fmt::Debug for InjectionDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The automaton's own output is long.
        f.debug_struct("InjectionDetector").finish_non_exhaustive()
    }
}

impl InjectionDetector {
    /// Builds the automaton: some milliseconds.
    pub(crate) fn new() -> Result<Self, BuildError> {
        let mut names: Vec<Arc<str>> = terms::LANGUAGES
            .iter()
            .map(|language| language.rule)
            .chain(["role_forgery", "exfiltration", "encoded", "persona"])
            .map(Arc::from)
            .collect();
        names.dedup();
        Ok(Self {
            cues: Cues::new()?,
            names,
        })
    }

    /// From where in `text`, not before `from`, findings may depend on what follows it: all of
    /// [`AHEAD`], whatever stands there. A policy that makes streams wait for injection holds as much of
    /// every answer.
    ///
    /// Nothing less is certain by looking at the end alone: a finding may begin with `all`, `your` or
    /// `show`, and many words may stand between that and the verb or noun that makes it one.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        from.max(text.len().saturating_sub(AHEAD + LONGEST_CHARACTER))
    }

    /// Appends what is found, overlapping findings of one rule apart; `matched::settle` merges them.
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        let from = out.len();
        // The best reading of the last verb: several languages may spell it alike.
        let mut verb: Option<(usize, Found)> = None;
        for cue in self.cues.triggers(text) {
            let found = match cue.role {
                Role::Verb | Role::SoftVerb => {
                    let Some(found) = overrides::judge(&self.cues, text, cue) else {
                        continue;
                    };
                    match &mut verb {
                        Some((start, best)) if *start == cue.start => {
                            if best.score < found.score {
                                *best = found;
                            }
                        }
                        _ => {
                            if let Some((_, found)) = verb.replace((cue.start, found)) {
                                self.report(view, found, from, out);
                            }
                        }
                    }
                    continue;
                }
                Role::Mark(_) | Role::SystemLabel | Role::JsonKey => {
                    roles::judge(&self.cues, text, cue)
                }
                Role::Secret | Role::Data | Role::Link | Role::Image => {
                    exfiltration::judge(&self.cues, text, cue)
                }
                Role::Decode => encoded::judge(&self.cues, text, cue),
                Role::Jailbreak | Role::Persona => persona::judge(&self.cues, text, cue),
                _ => None,
            };
            if let Some(found) = found {
                self.report(view, found, from, out);
            }
        }
        if let Some((_, found)) = verb {
            self.report(view, found, from, out);
        }
    }

    fn report(&self, view: &View<'_>, found: Found, from: usize, out: &mut Vec<Match>) {
        let Found {
            rule,
            start,
            end,
            score,
        } = found;
        let name = self.names.iter().find(|name| &***name == rule);
        let (Some(name), true) = (name, score >= MIN_SCORE) else {
            return;
        };
        let found = Match {
            detector: DETECTOR,
            rule: name.clone(),
            category: Category::PromptInjection,
            span: view.original(start..end),
            score,
            severity: match score {
                0.8.. => Severity::High,
                0.5.. => Severity::Medium,
                _ => Severity::Low,
            },
        };
        matched::push(out, from, found);
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
