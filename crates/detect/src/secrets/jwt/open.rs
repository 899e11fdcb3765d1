//! Tokens that are not finished at the end of a text.

use super::{
    AHEAD, JwtDetector, MAX_HEADER_BYTES, MIN_PAYLOAD, MIN_SIGNATURE, OPENING, is_header, is_joined,
};
use crate::secrets::{is_base64url, run};
use crate::work::spend;

impl JwtDetector {
    /// Where in `text`, from `from` on, the first token begins that what follows may complete or
    /// lengthen; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        spend(text.len() - from);
        let begun = self
            .opening
            .find_iter(&text[from..])
            .map(|at| from + at)
            .find(|&start| !is_joined(text, start) && is_open(&text[start..]));
        let cut = from.max(text.len().saturating_sub(OPENING.len() - 1));
        let cut = (cut..text.len())
            .find(|&start| OPENING.starts_with(&text[start..]) && !is_joined(text, start));
        begun.or(cut).unwrap_or(text.len())
    }
}

/// Whether a token that `text` starts with depends on what follows the text. Goes by what
/// `token_length` looks at.
fn is_open(text: &[u8]) -> bool {
    if text.len() >= AHEAD {
        return false;
    }
    let part = |from: usize| from + run(text, from, AHEAD, is_base64url);
    let stop = |at: usize| text.get(at) == Some(&b'.');
    let header = part(0);
    if header > MAX_HEADER_BYTES {
        return false;
    }
    if header == text.len() {
        return true;
    }
    if !stop(header) || !is_header(&text[..header]) {
        return false;
    }
    let payload = part(header + 1);
    if payload == text.len() {
        return true;
    }
    if payload - header - 1 < MIN_PAYLOAD || !stop(payload) {
        return false;
    }
    let mut end = part(payload + 1);
    if end == text.len() {
        return true;
    }
    if end - payload - 1 < MIN_SIGNATURE {
        if !stop(end) {
            return false;
        }
        let next = part(end + 1);
        if next == text.len() {
            return true;
        }
        if next - end - 1 < MIN_SIGNATURE {
            return false;
        }
    }
    // The further parts of encrypted tokens.
    for _ in 0..2 {
        if !stop(end) {
            return false;
        }
        end = part(end + 1);
        if end == text.len() {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        &text[JwtDetector::new().open_from(text.as_bytes(), 0)..]
    }

    #[test]
    fn what_may_become_a_token_is_open() {
        let header = ["eyJhbGciOi", "JIUzI1NiJ9"].concat();
        let payload = format!("{header}.{}", "x".repeat(20));
        let signed = format!("{payload}.{}", "y".repeat(30));
        let other = ["eyJ0eXAiOi", "JKV1QifQ"].concat();
        let long = format!("eyJ{}", "a".repeat(MAX_HEADER_BYTES));
        let cut = format!("{header}.{}", "x".repeat(AHEAD));
        let last = signed.clone() + ".a.b.c";
        for text in [
            "e",
            "ey",
            "eyJ",
            &header,
            &format!("{header}."),
            &payload,
            &format!("{payload}."),
            &format!("{payload}.short"),
            &format!("{payload}.short."),
            &signed,
            &format!("{signed}."),
            &format!("{signed}.a"),
            &format!("{signed}.a.b"),
            &long[..MAX_HEADER_BYTES],
            &cut[..AHEAD - 1],
        ] {
            let before = format!("a token {text}");
            assert_eq!(open(&before), text, "{text:?}");
        }
        for text in [
            "the",
            "they",
            "eyJ ",
            "xeyJ",
            "-eyJ",
            &format!("{header} "),
            &format!("{header}.short."),
            &format!("{other}.{}", "x".repeat(20)),
            &format!("{payload} "),
            &format!("{payload}.short "),
            &format!("{payload}.short.a "),
            &format!("{signed} "),
            &last,
            &long,
            &cut[..AHEAD],
        ] {
            assert_eq!(open(text), "", "{text:?}");
        }
    }
}
