//! What engines write in a benchmark: texts cut into tokens, and what of them must not be shown.

use std::ops::Range;
use std::sync::Arc;

use anyhow::bail;
use serde::Deserialize;
use weir_detect::Detector;
use weir_gate::Judges;
use weir_policy::{Policy, PolicySet};
use weir_types::Action;

use super::tokens::tokens;
use crate::args::random_bytes;

/// Answers as a model may give them, written for this: what they begin with decides how soon text is shown.
const ANSWERS: &str = include_str!("../../../../../evals/streams/answers.jsonl");
/// Different texts of a locale.
const A_LOCALE: usize = 4;

/// An answer, token by token.
#[derive(Debug)]
pub(crate) struct Script {
    text: Vec<u8>,
    /// Where tokens end.
    ends: Vec<usize>,
    pub(crate) forbidden: Forbidden,
}

/// What the policy keeps from the user, by what the rules find in the whole text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Forbidden {
    /// Nothing from here on is to be shown.
    pub(crate) block_at: Option<usize>,
    /// To be shown masked, in order.
    pub(crate) masked: Vec<Range<usize>>,
}

/// What streams are made of.
#[derive(Debug)]
pub(crate) struct Scripts {
    harmless: Vec<Arc<Script>>,
    /// A card number, an API key or a blocked phrase is in each.
    planted: Vec<Arc<Script>>,
    /// One stream in so many is planted.
    planted_every: u64,
}

impl Scripts {
    /// Texts of `tokens` tokens. Those planted differ in every run: nothing in this program spells a
    /// secret out.
    pub(crate) fn make(judges: &Judges, tokens: usize, planted_every: u64) -> anyhow::Result<Self> {
        let policy = judges.policies().for_tenant("bench");
        let plants = plants(judges.policies(), policy)?;
        let locales = by_locale()?;
        // Neighbours are of different locales, so that few streams are as mixed as many.
        let harmless = (0..A_LOCALE)
            .flat_map(|nth| locales.iter().map(move |texts| (nth, texts)))
            .map(|(nth, texts)| {
                let text = long_enough(texts, nth * texts.len() / A_LOCALE, tokens);
                Script::new(&text, tokens, policy, judges.detector())
            });
        let mut planted = Vec::new();
        // Without any, the texts may be too short for one.
        let some = if planted_every > 0 { &locales[..] } else { &[] };
        for texts in some {
            // Near the middle, between two characters.
            let text = long_enough(texts, 0, tokens);
            let middle = text.len() / 2;
            let at = (middle..).find(|at| text.is_char_boundary(*at));
            let (before, after) = text.split_at(at.unwrap_or(0));
            for plant in &plants {
                let text = format!("{before} {plant} {after}");
                let script = Script::new(&text, tokens, policy, judges.detector());
                if script.forbidden == Forbidden::default() {
                    bail!("the policy does not forbid what is planted: use one that does");
                }
                planted.push(script);
            }
        }
        Ok(Self {
            harmless: harmless.map(Arc::new).collect(),
            planted: planted.into_iter().map(Arc::new).collect(),
            planted_every,
        })
    }

    /// What the stream of this number is made of.
    pub(crate) fn of(&self, stream: u64) -> Arc<Script> {
        let is_planted = self.planted_every > 0 && stream % self.planted_every == 1;
        let (list, nth) = if is_planted {
            (&self.planted, stream / self.planted_every)
        } else {
            (&self.harmless, stream)
        };
        let nth = usize::try_from(nth).unwrap_or(0) % list.len();
        Arc::clone(&list[nth])
    }
}

impl Script {
    fn new(text: &str, most: usize, policy: &Policy, detector: &Detector) -> Self {
        let ends: Vec<usize> = tokens(text).iter().take(most).map(|it| it.end).collect();
        let text = text.as_bytes()[..ends.last().copied().unwrap_or(0)].to_vec();
        let forbidden = forbidden(&text, policy, detector);
        Self {
            text,
            ends,
            forbidden,
        }
    }

    pub(crate) fn tokens(&self) -> usize {
        self.ends.len()
    }

    /// Tokens `range` as one piece.
    pub(crate) fn piece(&self, range: Range<usize>) -> &[u8] {
        let begin = range.start.checked_sub(1).map_or(0, |at| self.ends[at]);
        &self.text[begin..self.ends[range.end - 1]]
    }

    /// How many bytes leak when the text of `range` is shown as `shown`.
    pub(crate) fn leaked(&self, range: &Range<usize>, shown: &[u8]) -> usize {
        let blocked = self.forbidden.block_at;
        let beyond = blocked.map_or(0, |at| range.end.saturating_sub(range.start.max(at)));
        let bare = self.forbidden.masked.iter().map(|span| {
            let part = span.start.max(range.start)..span.end.min(range.end);
            let spelt = !part.is_empty() && contains(shown, &self.text[part.clone()]);
            if spelt { part.len() } else { 0 }
        });
        beyond + bare.sum::<usize>()
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// As the lane's tests have it: what is required and acted upon.
fn forbidden(text: &[u8], policy: &Policy, detector: &Detector) -> Forbidden {
    let mut found = Vec::new();
    let required = Arc::new(weir_lane::required_on_streams(policy, detector));
    detector.scan_requiring(&required, text, 0, &mut found);
    let mut forbidden = Forbidden::default();
    for found in found {
        let place = |at: i64| usize::try_from(at).unwrap_or(0);
        let (start, end) = (place(found.span.start), place(found.span.end));
        let required = &policy.stream.required;
        if !required.iter().any(|name| name == found.detector)
            || !policy.applies_to_streams(&found.rule)
        {
            continue;
        }
        match policy.action_for_finding(found.detector, &found.rule, found.score) {
            Action::Block => {
                let earlier = forbidden.block_at.unwrap_or(usize::MAX);
                forbidden.block_at = Some(start.min(earlier));
            }
            Action::Attenuate => forbidden.masked.push(start..end),
            Action::Allow | Action::Warn => {}
        }
    }
    forbidden
}

/// The answers of each locale.
fn by_locale() -> anyhow::Result<Vec<Vec<String>>> {
    #[derive(Deserialize)]
    struct Answer {
        lang: String,
        text: String,
    }
    let mut locales: Vec<(String, Vec<String>)> = Vec::new();
    for line in ANSWERS.lines() {
        let Answer { lang, text } = serde_json::from_str(line)?;
        match locales.iter_mut().find(|(known, _)| *known == lang) {
            Some((_, texts)) => texts.push(text),
            None => locales.push((lang, vec![text])),
        }
    }
    Ok(locales.into_iter().map(|(_, texts)| texts).collect())
}

/// Texts from `first` on, in a circle, until they have so many tokens.
fn long_enough(texts: &[String], first: usize, most: usize) -> String {
    let mut text = String::new();
    let mut count = 0;
    for next in texts.iter().cycle().skip(first) {
        text.push_str(next);
        text.push_str("\n\n");
        count += tokens(next).len();
        if count >= most {
            break;
        }
    }
    text
}

/// A card number, an API key and, if a rule blocks one on streams, a phrase, each in a few words.
fn plants(policies: &PolicySet, policy: &Policy) -> anyhow::Result<Vec<String>> {
    let drawn: [u8; 32] = random_bytes()?;
    let key: String = drawn[..16]
        .iter()
        .map(|byte| char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from(byte % 32)]))
        .collect();
    let phrase = policies
        .rules()
        .iter()
        .filter(|rule| policy.applies_to_streams(&rule.id))
        .find(|rule| policy.action_for_finding("literal", &rule.id, rule.score) == Action::Block)
        .and_then(|rule| rule.literals.first());
    let mut plants = vec![
        format!("my credit card number is {}, thanks.", card(&drawn[16..])),
        // In two parts, so that nobody takes this line for a key.
        format!("the access key is {}{key} today.", ["AK", "IA"].concat()),
    ];
    plants.extend(phrase.map(|phrase| format!("and so: {phrase} it.")));
    Ok(plants)
}

/// A number that passes for a card's: 16 digits, the last one by Luhn's formula.
fn card(drawn: &[u8]) -> String {
    let mut digits = vec![4];
    digits.extend(drawn.iter().take(14).map(|byte| u32::from(byte % 10)));
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(at, digit)| {
            if at % 2 == 0 {
                digit * 2 / 10 + digit * 2 % 10
            } else {
                *digit
            }
        })
        .sum();
    digits.push((10 - sum % 10) % 10);
    digits
        .chunks(4)
        .map(|four| four.iter().map(u32::to_string).collect::<String>())
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(block_at: Option<usize>, masked: Vec<Range<usize>>) -> Script {
        Script {
            text: b"one 4111 two key".to_vec(),
            ends: vec![3, 5, 8, 12, 16],
            forbidden: Forbidden { block_at, masked },
        }
    }

    #[test]
    fn a_piece_is_what_its_tokens_spell() {
        let script = script(None, Vec::new());
        assert_eq!(
            (script.piece(0..1), script.piece(1..3)),
            (&b"one"[..], &b" 4111"[..])
        );
        assert_eq!((script.tokens(), script.piece(0..5)), (5, &script.text[..]));
    }

    #[test]
    fn what_is_shown_of_a_forbidden_span_leaks_unless_it_is_masked() {
        let script = script(Some(13), Vec::from([Range { start: 4, end: 8 }]));
        assert_eq!(script.leaked(&(0..4), b"one "), 0);
        assert_eq!(script.leaked(&(0..9), b"one **** "), 0);
        assert_eq!(script.leaked(&(0..9), b"one 4111 "), 4);
        assert_eq!(script.leaked(&(4..6), b"41"), 2);
        assert_eq!(script.leaked(&(9..15), b"two ke"), 2);
    }

    #[test]
    fn cards_pass_luhns_test() {
        assert_eq!(card(&[1; 14]), "4111 1111 1111 1111");
    }
}
