//! API keys: a prefix of the issuer, then its format, then its checksum where it has one.
//!
//! | issuer | format | score |
//! |---|---|---|
//! | `github` | `gh[pousr]_` + 30 base62 + CRC-32 in base62 (6), source 1 | 1.0 |
//! | | `ghr_` + 76 base62 | 0.9, or 1.0 with the same checksum |
//! | | `ghs_` + app id + `_` + JWT (since April 2026), source 2 | 0.95 |
//! | | `github_pat_` + 22 base62 + `_` + 59 base62 | 0.95 |
//! | `npm` | `npm_` + 30 base62 + CRC-32 in base62 (6), source 3 | 1.0 |
//! | `gitlab` | `glpat-` + 27..=300 base64url + `.` version and length + CRC-32 in base36 (7), source 4 | 1.0 |
//! | | `glpat-` + 20 base64url | 0.9 |
//! | `aws` | `AKIA` or `ASIA` + 16 base32 | 0.9 |
//! | `google` | `AIza` + 35 base64url | 0.9 |
//! | `slack` | `xox[abeoprs]-` + 1 to 3 numbers + secret; `xapp-` + digit, id, number, 64 hex | 0.9 |
//! | `stripe` | `sk_live_` or `rk_live_` + 24..=128 base62 | 0.9 |
//! | `openai` | `sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-` with `T3BlbkFJ` in the middle | 0.95 |
//! | `anthropic` | `sk-ant-` + kind and version + `-` + 93 base64url + `AA` | 0.95 |
//! | `pypi` | `pypi-` + macaroon that opens with the index's name + 50..=1000 base64url | 0.95 |
//!
//! A key that should carry a checksum and does not pass it is no key. Scores below 1 order how
//! telling the format is; they are not calibrated. Keys of which only the format speaks must have
//! at least seven different characters, so that the `AKIAXXXX...` of documentation is not taken for
//! one. Prefixes are case-sensitive and must not be glued to a letter, digit or `_` before them.
//!
//! # How far to trust it
//!
//! Random text of the right form passes a CRC-32 once in 4 billion. The form alone that chance meets
//! most easily is that of AWS: of random identifiers of exactly 20 capitals and digits from 2 to 7 two in
//! a million have its prefix. What is left are keys that somebody made up for a manual and that
//! vary. None in the 128,445 harmless rows of `evals/rules`.
//!
//! Not found: keys of other issuers (the `secret` detector finds those that are assigned to something),
//! keys that are cut or broken over lines, Slack's and Stripe's test keys.
//!
//! # Sources
//!
//! Lengths not given by the issuers follow the rules of gitleaks 8.
//!
//! 1. <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>
//! 2. <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>
//! 3. <https://github.blog/2021-09-23-announcing-npms-new-access-token-format/>
//! 4. <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>
//!    and `lib/authn/token_field/generator/routable_token.rb` in gitlab-org/gitlab

mod checks;
pub(crate) mod checksum;
mod formats;

#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;

use weir_types::{Category, Severity};

pub(crate) use self::formats::FORMATS;
use self::formats::Format;
use crate::matched::Match;
use crate::rules::{Exact, Spotted};
use crate::view::View;
use crate::word::glued_before;
use crate::work::spend;

/// How far from its start bytes decide about a key: the longest are the 1,000 characters of a macaroon
/// after `pypi-` and what opens it, and a JWT of three parts after a number.
pub(crate) const AHEAD: usize = 2048;

/// What keys are made of, all formats together.
fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// What its findings are called.
#[cfg(test)]
pub(crate) fn rules() -> Vec<&'static str> {
    FORMATS.iter().map(|format| format.issuer).collect()
}

#[derive(Debug, Clone)]
pub(crate) struct KeyDetector {
    /// Issuers in the order of [`FORMATS`].
    issuers: [Arc<str>; FORMATS.len()],
}

impl Default for KeyDetector {
    fn default() -> Self {
        Self {
            issuers: FORMATS.each_ref().map(|format| format.issuer.into()),
        }
    }
}

/// The first place, by format and start, of the keys in `text` from `from` on that run to its end; the end if
/// none does.
fn first_open(
    prefixes: &Exact,
    text: &[u8],
    from: usize,
    place: impl Fn(usize, usize) -> usize,
) -> usize {
    let from = from.max(text.len().saturating_sub(AHEAD));
    let run = text[from..]
        .iter()
        .rev()
        .take_while(|byte| is_key_byte(**byte));
    let run = text.len() - run.count();
    spend(text.len() - run);
    let mut first = text.len();
    prefixes.scan(&text[from..], &mut |spotted| {
        if let Spotted::KeyPrefix(format, start) = spotted {
            let start = from + start;
            if run <= start && !glued_before(text, start) {
                first = first.min(place(format, start));
            }
        }
    });
    first
}

/// The place behind the prefix of the key that begins at `start`: the shortest one if it has several.
pub(crate) fn behind_prefix(text: &[u8], start: usize) -> usize {
    let prefixes = FORMATS.iter().map(|format| format.prefix.as_bytes());
    let begins = prefixes.filter(|prefix| text[start..].starts_with(prefix));
    start + begins.map(<[u8]>::len).min().unwrap_or(0)
}

impl KeyDetector {
    /// Where in `text`, from `from` on, the first key begins that runs to the end of the text; the end if
    /// none does. `prefixes` finds where keys may begin.
    pub(crate) fn open_from(&self, prefixes: &Exact, text: &[u8], from: usize) -> usize {
        first_open(prefixes, text, from, |_, start| start)
    }

    /// The same behind the key's prefix, which its issuer has published.
    pub(crate) fn held_from(&self, prefixes: &Exact, text: &[u8], from: usize) -> usize {
        first_open(prefixes, text, from, |format, start| {
            start + FORMATS[format].prefix.len()
        })
    }

    /// The key at `start`, where the automaton found the prefix of `FORMATS[format]` in some case.
    pub(crate) fn check(&self, view: &View<'_>, start: usize, format: usize) -> Option<Match> {
        let Format { prefix, check, .. } = &FORMATS[format];
        let text = view.text.get(start..)?;
        if glued_before(view.text, start) || !text.starts_with(prefix.as_bytes()) {
            return None;
        }
        let (length, score) = check(prefix, text)?;
        Some(Match {
            detector: "api_key",
            rule: self.issuers[format].clone(),
            category: Category::Pii,
            span: view.original(start..start + length),
            score,
            severity: Severity::Critical,
        })
    }
}
