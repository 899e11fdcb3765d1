//! JSON Web Tokens (RFC 7519) in compact form: a header, a payload and a signature in base64url.
//!
//! A token starts with `eyJ`, which is base64url of `{"`. Its header must decode to a JSON object
//! with a member `alg` (RFC 7515, section 4.1.1) and end within [`MAX_HEADER_BYTES`]; payload and
//! signature must have at least [`MIN_PAYLOAD`] and [`MIN_SIGNATURE`] characters. Where the payload
//! goes on past [`AHEAD`] nothing is asked of what follows, and the span ends there. Encrypted
//! tokens (RFC 7516), which have five parts, are covered to their end.
//!
//! Not reported: tokens without a signature (`alg` `none`, which open nothing), and the three words
//! with dots (`eyJhbGciOi...`) of documentation. Not found: headers that hold certificate chains,
//! JSON with white space after its brace, tokens glued to a word.
//!
//! False positives: none that decodes by chance; published examples are found like any other.

mod open;

use std::sync::Arc;

use memchr::memmem;
use weir_types::{Category, Severity};

use super::{is_base64url, run};
use crate::matched::Match;
use crate::view::View;
use crate::word::glued_before;
use crate::work::spend;

/// How far before a finding bytes decide about it: a byte that must not be of a longer token, or the
/// escape of a line break.
pub(crate) const BEHIND: usize = 2;
/// How far from a finding's start bytes decide about it and its span.
pub(crate) const AHEAD: usize = 512;

/// base64url of `{"`.
const OPENING: &[u8] = b"eyJ";
/// Longest header. Those with an algorithm, a type and a key id have some 50 to 130 characters.
const MAX_HEADER_BYTES: usize = 256;
/// Fewest characters of a payload: `{"a":1}` has ten.
const MIN_PAYLOAD: usize = 10;
/// Fewest characters of a signature: HS256 has 43; half of that for those cut by who pasted them.
const MIN_SIGNATURE: usize = 20;
const SCORE: f32 = 0.95;

#[derive(Debug, Clone)]
pub(crate) struct JwtDetector {
    name: Arc<str>,
    opening: memmem::Finder<'static>,
}

impl Default for JwtDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl JwtDetector {
    pub(crate) fn new() -> Self {
        Self {
            name: "jwt".into(),
            opening: memmem::Finder::new(OPENING),
        }
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        spend(text.len());
        for start in self.opening.find_iter(text) {
            if is_joined(text, start) {
                continue;
            }
            let Some(length) = token_length(&text[start..text.len().min(start + AHEAD)]) else {
                continue;
            };
            out.push(Match {
                detector: "jwt",
                rule: self.name.clone(),
                category: Category::Pii,
                span: view.original(start..start + length),
                score: SCORE,
                severity: Severity::Critical,
            });
        }
    }
}

/// Whether what begins at `start` is part of something longer. A full stop joins, since the payload of a
/// token starts like a header.
fn is_joined(text: &[u8], start: usize) -> bool {
    let before = start.checked_sub(1).and_then(|before| text.get(before));
    matches!(before, Some(b'-' | b'.')) || glued_before(text, start)
}

/// The length of the token that `text` starts with, as far as it goes in `text`.
fn token_length(text: &[u8]) -> Option<usize> {
    let header = run(text, 0, MAX_HEADER_BYTES + 1, is_base64url);
    if header > MAX_HEADER_BYTES || text.get(header) != Some(&b'.') {
        return None;
    }
    let payload = header + 1 + run(text, header + 1, AHEAD, is_base64url);
    if payload - header - 1 < MIN_PAYLOAD || !is_header(&text[..header]) {
        return None;
    }
    if payload == AHEAD {
        return Some(payload);
    }
    if text.get(payload) != Some(&b'.') {
        return None;
    }
    let mut end = payload + 1 + run(text, payload + 1, AHEAD, is_base64url);
    if end - payload - 1 < MIN_SIGNATURE && end < AHEAD {
        // Encrypted tokens have short parts in the middle.
        if text.get(end) != Some(&b'.') || run(text, end + 1, AHEAD, is_base64url) < MIN_SIGNATURE {
            return None;
        }
    }
    for _ in 0..2 {
        if text.get(end) == Some(&b'.') && text.get(end + 1).is_some_and(|&b| is_base64url(b)) {
            let part = run(text, end + 1, AHEAD, is_base64url);
            // A sentence after the token, glued to its full stop.
            if part < MIN_SIGNATURE
                && end + 1 + part < AHEAD
                && text.get(end + 1 + part) != Some(&b'.')
            {
                break;
            }
            end += 1 + part;
        }
    }
    Some(end)
}

/// Whether `encoded` is base64url of a JSON object with a string member `alg`.
fn is_header(encoded: &[u8]) -> bool {
    let mut decoded = [0; MAX_HEADER_BYTES];
    let Some(length) = decode(encoded, &mut decoded) else {
        return false;
    };
    is_object_with_alg(&decoded[..length])
}

/// Decodes base64url without padding (RFC 4648, section 5) and returns how many bytes it gave.
fn decode(encoded: &[u8], to: &mut [u8]) -> Option<usize> {
    spend(encoded.len());
    let (mut bits, mut held, mut length) = (0_u32, 0_u32, 0);
    for &byte in encoded {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        held += 6;
        if held >= 8 {
            held -= 8;
            let [.., low] = (bits >> held).to_be_bytes();
            *to.get_mut(length)? = low;
            length += 1;
        }
    }
    Some(length)
}

/// Whether `json` is one object, as far as its strings and brackets tell, with a string member
/// `alg` of its own.
fn is_object_with_alg(json: &[u8]) -> bool {
    spend(json.len());
    if std::str::from_utf8(json).is_err() {
        return false;
    }
    let mut depth = 0_usize;
    let mut alg = false;
    let mut at = 0;
    while at < json.len() {
        match json[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return alg && json[at + 1..].iter().all(u8::is_ascii_whitespace);
                }
            }
            b'"' => {
                let Some(end) = string_end(json, at + 1) else {
                    return false;
                };
                let after = skip_space(json, end + 1);
                if depth == 1 && json[at + 1..end] == *b"alg" && json.get(after) == Some(&b':') {
                    alg |= json.get(skip_space(json, after + 1)) == Some(&b'"');
                }
                at = end;
            }
            byte if byte < b' ' && !byte.is_ascii_whitespace() => return false,
            _ if depth == 0 => return false,
            _ => {}
        }
        at += 1;
    }
    false
}

/// Where the closing quote is of the string whose first byte is at `from`.
fn string_end(json: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        match json.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            byte if *byte < b' ' => return None,
            _ => at += 1,
        }
    }
}

fn skip_space(json: &[u8], from: usize) -> usize {
    let rest = json.get(from..).unwrap_or_default();
    from + rest
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::random;
    use crate::work;

    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    fn encode(text: &str) -> String {
        let mut out = String::new();
        for chunk in text.as_bytes().chunks(3) {
            let bits = (0..3).fold(0_u32, |bits, at| {
                bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0))
            });
            for at in 0..=chunk.len() {
                out.push(char::from(ALPHABET[(bits >> (18 - 6 * at) & 63) as usize]));
            }
        }
        out
    }

    fn token(header: &str, payload: &str, signature: usize) -> String {
        let signature = random(ALPHABET, signature, 7);
        format!("{}.{}.{signature}", encode(header), encode(payload))
    }

    fn found(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        JwtDetector::new().scan(&View::new(text.as_bytes(), 0), &mut out);
        out.into_iter()
            .map(|m| {
                assert_eq!((m.detector, &*m.rule), ("jwt", "jwt"));
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                text[range].to_owned()
            })
            .collect()
    }

    const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    const PAYLOAD: &str = r#"{"sub":"17","exp":1}"#;

    #[test]
    fn positives() {
        for (header, payload, signature) in [
            (HEADER, PAYLOAD, 43),
            (r#"{"typ":"JWT","alg":"RS256"}"#, PAYLOAD, 86),
            (r#"{"typ": "JWT", "alg" : "ES256"}"#, PAYLOAD, 86),
            (r#"{"kid":"a-b\"c","alg":"HS512"}"#, r#"{"a":1}"#, 86),
            (
                r#"{"jwk":{"alg":"x","k":["1"]},"alg":"HS256"}"#,
                PAYLOAD,
                43,
            ),
            (r#"{"alg":"EdDSA"}"#, "not JSON at all", 86),
        ] {
            let token = token(header, payload, signature);
            assert!(token.len() < AHEAD);
            for text in [
                token.clone(),
                format!("Bearer {token}"),
                format!("{token}."),
                format!("{token}. Then"),
                format!("\"{token}\","),
                format!("token={token}&x=1"),
                format!(r"\n{token}\n"),
                format!("令牌{token}。"),
            ] {
                let expected = token.trim_end_matches('\\');
                assert_eq!(found(&text), [expected.to_owned()], "{text:?}");
            }
        }
    }

    #[test]
    fn long_and_encrypted_tokens_are_covered_as_far_as_seen() {
        let long = token(HEADER, &"x".repeat(900), 43);
        assert_eq!(found(&long), [long[..AHEAD].to_owned()]);
        let signature_cut = token(HEADER, &"x".repeat(320), 86);
        assert_eq!(found(&signature_cut), [signature_cut[..AHEAD].to_owned()]);
        let parts: Vec<String> = [86, 16, 40, 22]
            .iter()
            .map(|&length| random(ALPHABET, length, length as u64))
            .collect();
        let encrypted = format!(
            "{}.{}",
            encode(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#),
            parts.join(".")
        );
        assert_eq!(found(&encrypted), [encrypted]);
    }

    #[test]
    fn negatives() {
        let good = token(HEADER, PAYLOAD, 43);
        let parts: Vec<&str> = good.split('.').collect();
        for text in [
            "eyJ".to_owned(),
            "eyJhbGciOi...".into(),
            "eyJhbGciOiJIUzI1NiJ9".into(),
            "eyJhbGciOiJIUzI1NiJ9.payload.signature".into(),
            "eyJhbGciOiJIUzI1NiJ9.eyJ...".into(),
            format!("{}.{}", parts[0], parts[1]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.short", parts[0], parts[1]),
            format!("{}.{}", parts[1], parts[2]),
            format!("x{good}"),
            format!("_{good}"),
            format!(".{good}"),
            token(r#"{"typ":"JWT"}"#, PAYLOAD, 43),
            token(r#"{"typ":"alg"}"#, PAYLOAD, 43),
            token(r#"{"alg":1}"#, PAYLOAD, 43),
            token(r#"{"a":{"alg":"HS256"}}"#, PAYLOAD, 43),
            token(r#"{"alg":"HS256""#, PAYLOAD, 43),
            token(r#"{"alg":"HS256"}}"#, PAYLOAD, 43),
            token(r#"{"alg":"HS256"#, PAYLOAD, 43),
            token("{\"alg\":\"HS\u{1}256\"}", PAYLOAD, 43),
            token(HEADER, "{}", 43),
            token(
                &format!(r#"{{"alg":"x","x5c":"{}"}}"#, "M".repeat(300)),
                PAYLOAD,
                43,
            ),
            good.replace("eyJ", "eyK"),
            good.replace('.', ","),
            good.replace('.', ". "),
            "they.eyJust.look-the-same-but-are-not".into(),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709".into(),
            "com.example.package.ClassName".into(),
        ] {
            assert_eq!(found(&text), [] as [&str; 0], "{text:?}");
        }
    }

    #[test]
    fn cost_is_linear_on_hostile_texts() {
        let header = format!("{}.", encode(HEADER));
        let spaced = format!(" {header}eyJaaaaaaaaa");
        let pair = format!(" {header}aaaaaaaaaaaaaa.");
        for unit in ["eyJ", " eyJ", "eyJ.", "(eyJ-", &header, &spaced, &pair] {
            let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
            let mut out = Vec::new();
            let steps = work::count(|| JwtDetector::new().scan(&View::new(&text, 0), &mut out));
            assert!(steps <= 64 * text.len(), "{unit:?}: {steps}");
        }
    }
}
