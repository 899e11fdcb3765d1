//! Secrets without a format of their own, told by what they are assigned to and by their entropy.
//!
//! | context | example |
//! |---|---|
//! | a key named like a secret, then `=` or `:` | `DB_PASSWORD="..."`, `api_key: ...`, `"token": "..."` |
//! | an authorization header | `Authorization: Bearer ...` |
//! | a connection string | `scheme://user:password@host` |
//!
//! The value is what counts as the finding, without its quotes; of values longer than [`MAX_VALUE`]
//! bytes the first so many. What a value must be is in `value.rs`, with the measurement that the
//! thresholds rest on. What a key must be called is in `key.rs`.
//!
//! # Not reported
//!
//! Placeholders (`xxxx`, `<your key>`, `changeme`, `${VAR}`, anything with `example` in it), code
//! (`get_token()`, `config.token`), UUIDs, file names and addresses of pages, keys that name
//! something about a secret (`token_type`, `password_file`), and hexadecimal digests near words
//! such as `commit`.
//!
//! # How far to trust it
//!
//! In 2 GB of program sources and manuals, to which some of the rules were adjusted, 130 different
//! findings; of 60 drawn from them eight were names, dates or placeholders, the others random,
//! though mostly examples. How many secrets are missed this does not tell.
//!
//! # Not found
//!
//! Secrets that nothing is assigned to (`the password is ...`), passwords of letters only, values
//! of fewer than eight characters, values in other scripts.

mod key;
mod open;
mod value;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr2_iter;
use weir_types::{Category, Severity};

use self::key::{Key, Keys};
use crate::context;
use crate::matched::Match;
use crate::view::View;
use crate::work::spend;

/// How far before a finding bytes decide about it: a key, what stands between key and value, or a
/// connection string's scheme and user; or the words around it.
pub(crate) const BEHIND: usize = key::MAX_BYTES + 3 * MAX_GAP + MAX_SCHEME_WORD + 3;
/// How far from a finding's start bytes decide about it and its span.
pub(crate) const AHEAD: usize = MAX_VALUE + context::AFTER;

const _: () = assert!(BEHIND >= context::BEFORE && BEHIND >= MAX_USER + 4);

/// Longest value looked at. Keys of cloud providers have 40 to 88 characters.
const MAX_VALUE: usize = 128;
/// Most spaces and quotes between a key and its sign, or that and the value.
const MAX_GAP: usize = 6;
/// `Bearer` and its like between a header's colon and its value.
const MAX_SCHEME_WORD: usize = 8;
/// Longest user of a connection string.
const MAX_USER: usize = 64;

/// The password of a connection string stands where nothing else can.
const SCORE_CONNECTION: f32 = 0.85;
/// An authorization header, or a quoted value.
const SCORE_CLEAR: f32 = 0.8;
const SCORE: f32 = 0.7;

/// Words that hexadecimal values near them are digests of.
const DIGEST_WORDS: [&str; 12] = [
    "commit", "git", "sha", "sha1", "sha256", "md5", "checksum", "digest", "revision", "merge",
    "rebase", "etag",
];

#[derive(Debug, Clone)]
pub(crate) struct EntropyDetector {
    name: Arc<str>,
    keys: Keys,
}

impl Default for EntropyDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl EntropyDetector {
    pub(crate) fn new() -> Self {
        Self {
            name: "assignment".into(),
            keys: Keys::new(),
        }
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        spend(text.len());
        for sign in memchr2_iter(b'=', b':', text) {
            let found = if text[sign..].starts_with(b"://") {
                connection(text, sign)
            } else {
                assignment(&self.keys, text, sign)
            };
            let Some((range, score)) = found else {
                continue;
            };
            out.push(Match {
                detector: "secret",
                rule: self.name.clone(),
                category: Category::Pii,
                span: view.original(range),
                score,
                severity: Severity::High,
            });
        }
    }
}

fn is_gap(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'"' | b'\'' | b'`' | b'\\' | b'*' | b']'
    )
}

/// What a key that is named like a secret is given.
struct Assigned {
    key: Key,
    /// Where the value begins.
    start: usize,
    /// What it is quoted with.
    quote: Option<u8>,
}

/// What the `=` or `:` at `sign` assigns to such a key.
fn assigned(keys: &Keys, text: &[u8], sign: usize) -> Option<Assigned> {
    // Most signs have no key for a secret before them.
    let key = keys.before(text, skip_gap_back(text, sign))?;
    let mut start = sign + 1;
    // `:=`, `=>`, `==` compares.
    match text.get(start) {
        Some(b'=') if text[sign] == b'=' => return None,
        Some(b'=' | b'>') => start += 1,
        _ => {}
    }
    let (mut value, mut quote) = skip_gap(text, start);
    if key == Key::Header {
        let word = text[value..]
            .iter()
            .take(MAX_SCHEME_WORD)
            .take_while(|byte| byte.is_ascii_alphabetic())
            .count();
        spend(word);
        let scheme = &text[value..value + word];
        let known = [&b"bearer"[..], b"basic", b"token", b"apikey"]
            .iter()
            .any(|known| scheme.eq_ignore_ascii_case(known));
        if known && text.get(value + word) == Some(&b' ') {
            value = skip_gap(text, value + word).0;
            quote = None;
        }
    }
    Some(Assigned {
        key,
        start: value,
        quote,
    })
}

/// The secret assigned by the `=` or `:` at `sign`.
fn assignment(keys: &Keys, text: &[u8], sign: usize) -> Option<(Range<usize>, f32)> {
    let Assigned { key, start, quote } = assigned(keys, text, sign)?;
    let end = value::end(text, start, quote);
    let held = &text[start..end];
    if !value::is_secret(held, key, quote.is_some(), text.get(end).copied()) {
        return None;
    }
    let range = start..end;
    if value::is_hexadecimal(held) && context::near(text, &range, &DIGEST_WORDS) {
        return None;
    }
    let clear = quote.is_some() || key == Key::Header;
    Some((range, if clear { SCORE_CLEAR } else { SCORE }))
}

/// The password of the connection string whose `://` is at `sign`.
fn connection(text: &[u8], sign: usize) -> Option<(Range<usize>, f32)> {
    let password = userinfo_password(text, sign)?;
    let end = password.end;
    let host = text
        .get(end + 1)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'[');
    let fits = password.len() <= MAX_VALUE
        && text.get(end) == Some(&b'@')
        && host
        && value::is_password(&text[password.clone()]);
    fits.then_some((password, SCORE_CONNECTION))
}

/// What stands where the password of a connection string does, as far as it may be one.
fn userinfo_password(text: &[u8], sign: usize) -> Option<Range<usize>> {
    let start = sign + 3;
    let scheme = sign.checked_sub(1).and_then(|at| text.get(at));
    if !scheme.is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let user = text[start..]
        .iter()
        .take(MAX_USER + 1)
        .take_while(|byte| {
            byte.is_ascii_graphic() && !matches!(byte, b':' | b'/' | b'@' | b'?' | b'#' | b'"')
        })
        .count();
    spend(user + 1);
    let password = start + user + 1;
    if user > MAX_USER || text.get(start + user) != Some(&b':') {
        return None;
    }
    let length = text[password..]
        .iter()
        .take(MAX_VALUE + 1)
        .take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'/' | b'"' | b'\''))
        .count();
    spend(length + 1);
    Some(password..password + length)
}

fn skip_gap_back(text: &[u8], from: usize) -> usize {
    let gap = text[..from]
        .iter()
        .rev()
        .take(MAX_GAP)
        .take_while(|byte| is_gap(**byte))
        .count();
    spend(gap + 1);
    from - gap
}

/// Where the value starts after spaces and an opening quote, and which quote that is.
fn skip_gap(text: &[u8], from: usize) -> (usize, Option<u8>) {
    let gap = text[from..]
        .iter()
        .take(MAX_GAP)
        .take_while(|byte| is_gap(**byte) && **byte != b']')
        .count();
    spend(gap + 1);
    let quote = text[from..from + gap]
        .iter()
        .rev()
        .find(|byte| matches!(byte, b'"' | b'\'' | b'`'));
    (from + gap, quote.copied())
}
