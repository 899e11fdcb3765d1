//! Secrets that are not finished at the end of a text.
//!
//! A finding is the value alone, so nothing is held before a value begins: not the key, nor the sign.

use memchr::memchr2_iter;

use super::{
    AHEAD, Assigned, BEHIND, DIGEST_WORDS, EntropyDetector, MAX_VALUE, assigned, userinfo_password,
    value,
};
use crate::context;
use crate::work::spend;

impl EntropyDetector {
    /// Where in `text`, from `from` on, the first value begins that what follows may complete, undo or
    /// lengthen; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        let signs = from.saturating_sub(BEHIND);
        spend(text.len() - signs);
        memchr2_iter(b'=', b':', &text[signs..])
            .filter_map(|at| self.open_value(text, signs + at))
            .filter(|start| *start >= from)
            .min()
            .unwrap_or(text.len())
    }

    /// Where the value begins that goes with the sign at `sign`, if it is open.
    fn open_value(&self, text: &[u8], sign: usize) -> Option<usize> {
        if text[sign..].starts_with(b"://") {
            let password = userinfo_password(text, sign)?;
            let open = password.len() <= MAX_VALUE
                && match &text[password.end..] {
                    [] => true,
                    // The host's first letter.
                    [b'@'] => value::is_password(&text[password.clone()]),
                    _ => false,
                };
            return open.then_some(password.start);
        }
        let value = assigned(&self.keys, text, sign)?;
        is_open(text, &value).then_some(value.start)
    }
}

/// Whether what follows the text bears on a value.
fn is_open(text: &[u8], value: &Assigned) -> bool {
    let Assigned { key, start, quote } = *value;
    let run = value::run_end(text, start, quote);
    // No secret has a space in it, or a letter of another script.
    if !text[start..run].iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let end = value::end(text, start, quote);
    // One more `=` of base64, perhaps, or a parenthesis that makes it a call.
    let unpadded = quote.is_none() && text[run..] == *b"=";
    if run == text.len() || end == text.len() || unpadded {
        return true;
    }
    let held = &text[start..end];
    value::is_secret(held, key, quote.is_some(), text.get(end).copied())
        && value::is_hexadecimal(held)
        && end + context::AFTER >= text.len()
        && !context::before(text, start, &DIGEST_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        &text[EntropyDetector::new().open_from(text.as_bytes(), 0)..]
    }

    #[test]
    fn values_under_way_are_open() {
        let key = ["password", "="].concat();
        let digest = "da39a3ee5e6b4b0d3255bfef";
        let long = "x".repeat(MAX_VALUE);
        for (text, expected) in [
            (key.clone(), ""),
            (format!("{key} \""), ""),
            (format!("{key} \"hT7"), "hT7"),
            (format!("{key} \"hT7#kq0Zv2\""), ""),
            (format!("{key} hT7#kq0Zv2"), "hT7#kq0Zv2"),
            (format!("{key} hT7#kq0Zv2."), "hT7#kq0Zv2."),
            (format!("{key} hT7#kq0Zv2 "), ""),
            (format!("{key}hT7#kq0Zv2="), "hT7#kq0Zv2="),
            (format!("{key}hT7#kq0Zv2=="), "hT7#kq0Zv2=="),
            (format!("{key}hT7#kq0Zv2==,"), ""),
            (format!("{key}h==T7"), ""),
            (format!("{key}{long}"), &long),
            (format!("{key}{long} "), ""),
            ("password: the".into(), "the"),
            ("password: the one".into(), ""),
            ("password: \"the one".into(), ""),
            ("the passwords are".into(), ""),
            ("a note: the".into(), ""),
            ("Authorization: Bear".into(), "Bear"),
            ("Authorization: Bearer ".into(), ""),
            ("Authorization: Bearer abc".into(), "abc"),
            (format!("token: {digest} is"), "da39a3ee5e6b4b0d3255bfef is"),
            (
                format!("token: {digest} is what somebody once wanted to have"),
                "",
            ),
            (format!("git token: {digest} is"), ""),
            ("postgres:".into(), ""),
            ("postgres://".into(), ""),
            ("postgres://admin".into(), ""),
            ("postgres://admin:".into(), ""),
            ("postgres://admin:Xq7z".into(), "Xq7z"),
            ("postgres://admin:Xq7zP0wT@".into(), "Xq7zP0wT@"),
            ("postgres://admin:Xq7z@".into(), ""),
            ("postgres://admin:Xq7zP0wT@db".into(), ""),
            ("postgres://admin:Xq7z/".into(), ""),
            (format!("postgres://admin:{long}"), &long),
            (format!("postgres://admin:{long}x"), ""),
        ] {
            assert_eq!(open(&text), expected, "{text:?}");
        }
    }
}
