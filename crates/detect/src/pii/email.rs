//! Mail addresses: a pragmatic subset of RFC 5321, found from each `@` outwards.
//!
//! Local part: 1 to 64 bytes of ASCII letters, digits, `. _ % + - ' &` and letters of other
//! scripts that space words; starts with a letter, digit or `_`, has no dot at the end or two in a
//! row. Domain: at least two labels of 1 to 63 letters, digits and inner hyphens, the last of at
//! least two letters (or `xn--`). At most 254 bytes in all (RFC 3696, erratum 1690).
//!
//! Not taken for addresses: `@handle@server` (fediverse), `scheme://user:password@host`,
//! `git@host:path`, `user@host:/path` (scp), `logo@2x.png`. Quoted local parts, address literals
//! and domains in other scripts than ASCII are not found. `user@host.tld` in an ssh command is an
//! address as far as its form goes, and is found.
//!
//! # How far to trust it
//!
//! Random text of letters, digits and signs has such a form all the time, so what counts is how seldom
//! people write an `@` for anything else. Of 27 findings in the 128,445 harmless rows of
//! `evals/rules`, 22 were addresses, four patterns of addresses (`name@` ...), and one an address to
//! which the next word was glued. Whether the mailbox exists and is a person's the form does not tell.

mod open;

use std::sync::Arc;

use memchr::memchr_iter;
use weir_types::{Category, Severity};

use crate::matched::Match;
use crate::view::View;
use crate::word;
use crate::work::spend;

const MAX_LOCAL_BYTES: usize = 64;
const MAX_LABEL_BYTES: usize = 63;
const MAX_ADDRESS_BYTES: usize = 254;
/// How many quotes, dashes and the like may stand before the local part.
const MAX_QUOTE_BYTES: usize = 8;
/// How far before an address a URL's `://` is looked for.
const MAX_USERINFO_BYTES: usize = 64;
/// Bytes before an address that decide about it: what looks like more of its local part, one
/// letter more than that may be long, and an `@`; or a URL's `://`.
pub(crate) const BEHIND: usize = MAX_LOCAL_BYTES + MAX_QUOTE_BYTES + 4 + 1;
/// Bytes from its start on: a domain is read up to the label that makes it too long, and the two bytes
/// after it.
pub(crate) const AHEAD: usize = MAX_LOCAL_BYTES + MAX_ADDRESS_BYTES + MAX_LABEL_BYTES + 5;
const _: () = assert!(BEHIND >= MAX_USERINFO_BYTES);

/// The form is right; whether the mailbox exists nobody can tell from the text.
const SCORE: f32 = 0.9;

/// File name extensions that are no delegated top-level domains and turn up after an
/// `@`, as in `logo@2x.png`. Extensions that are one too (`zip`, `md`, `py`, `sh`) stay.
const NOT_TLDS: [&str; 21] = [
    "png", "jpg", "jpeg", "gif", "webp", "svg", "bmp", "ico", "css", "js", "jsx", "mjs", "ts",
    "tsx", "json", "html", "htm", "xml", "yaml", "yml", "txt",
];

#[derive(Debug, Clone)]
pub(crate) struct EmailDetector {
    name: Arc<str>,
}

impl Default for EmailDetector {
    fn default() -> Self {
        Self {
            name: "email".into(),
        }
    }
}

impl EmailDetector {
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        spend(view.text.len());
        for at in memchr_iter(b'@', view.text) {
            let Some((start, end)) = address_around(view.text, at) else {
                continue;
            };
            out.push(Match {
                detector: "email",
                rule: self.name.clone(),
                category: Category::Pii,
                span: view.original(start..end),
                score: SCORE,
                severity: Severity::Medium,
            });
        }
    }
}

/// Start and end of the address whose `@` is at `at`.
fn address_around(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let start = local_start(text, at)?;
    let end = domain(text, at).end?;
    let is_path = text.get(end) == Some(&b':')
        && (text[start..at].eq_ignore_ascii_case(b"git")
            || matches!(text.get(end + 1), Some(b'/' | b'~')));
    (end - start <= MAX_ADDRESS_BYTES && !is_path && !is_userinfo(text, start))
        .then_some((start, end))
}

/// Where the local part begins that ends before the `@` at `at`.
fn local_start(text: &[u8], at: usize) -> Option<usize> {
    local_begins(text, at).filter(|_| text[at - 1] != b'.')
}

/// Where a local part begins that goes on at least to `at`, which may be where the text ends.
fn local_begins(text: &[u8], at: usize) -> Option<usize> {
    let mut start = at;
    while let Some(&byte) = start.checked_sub(1).and_then(|before| text.get(before)) {
        spend(1);
        let length = match byte {
            b'.' if text.get(start) == Some(&b'.') => break,
            b'.' | b'_' | b'%' | b'+' | b'-' | b'\'' | b'&' => 1,
            0x80.. => match word::char_before(text, start) {
                Some((c, length)) if word::is_word(c) => length,
                _ => break,
            },
            _ if byte.is_ascii_alphanumeric() => 1,
            _ => break,
        };
        start -= length;
        if at - start > MAX_LOCAL_BYTES + MAX_QUOTE_BYTES {
            return None;
        }
    }
    let handle = start.checked_sub(1).and_then(|before| text.get(before)) == Some(&b'@');
    let opens = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || *byte >= 0x80;
    // The letter of an escaped line break is not the address's: prompts quote JSON.
    if text[..start].ends_with(b"\\") && matches!(text.get(start), Some(b'n' | b'r' | b't')) {
        start += 1;
    }
    let skipped = text.get(start..at)?.iter().position(opens)?;
    start += skipped;
    (!handle && at - start <= MAX_LOCAL_BYTES).then_some(start)
}

/// What stands after an `@`.
struct Domain {
    /// Where it ends, if it is one.
    end: Option<usize>,
    /// The text ends in it: it may go on.
    cut: bool,
}

fn domain(text: &[u8], at: usize) -> Domain {
    let mut start = at + 1;
    let mut end = None;
    let mut labels = 0;
    let whole = |end| Domain { end, cut: false };
    loop {
        let length = text[start..]
            .iter()
            .take(MAX_LABEL_BYTES + 1)
            .take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-')
            .count();
        spend(length + 1);
        let label = &text[start..start + length];
        if length > MAX_LABEL_BYTES || label.starts_with(b"-") {
            return whole(end);
        }
        let cut = start + length == text.len();
        if label.is_empty() {
            return Domain { end, cut };
        }
        labels += 1;
        if labels >= 2
            && let Some(tld) = top_level(label)
        {
            end = Some(start + tld);
        }
        start += length;
        if label.ends_with(b"-") || text.get(start) != Some(&b'.') {
            return Domain { end, cut };
        }
        if start - at > MAX_ADDRESS_BYTES {
            return whole(None);
        }
        start += 1;
    }
}

/// How many bytes of `label` can be a top-level domain: letters up to a hyphen (a dash glued to an
/// address), or a whole `xn--` label.
fn top_level(label: &[u8]) -> Option<usize> {
    if label.len() > 4 && label[..4].eq_ignore_ascii_case(b"xn--") {
        return label
            .iter()
            .rposition(|byte| *byte != b'-')
            .map(|last| last + 1);
    }
    let tld = label.split(|byte| *byte == b'-').next()?;
    let is_file = || {
        NOT_TLDS
            .iter()
            .any(|name| tld.eq_ignore_ascii_case(name.as_bytes()))
    };
    (tld.len() >= 2 && tld.iter().all(u8::is_ascii_alphabetic) && !is_file()).then_some(tld.len())
}

/// Whether what starts at `start` is the user or password of a URL: `://`, or `://user:`, is
/// before it.
fn is_userinfo(text: &[u8], start: usize) -> bool {
    let before = &text[start.saturating_sub(MAX_USERINFO_BYTES)..start];
    if !matches!(before.last(), Some(b':' | b'/')) {
        return false;
    }
    let user = before
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b'@' | b'?'))
        .count();
    spend(user + 1);
    before[..before.len() - user].ends_with(b"://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Detector;

    fn found(text: &str) -> Vec<String> {
        let mut out = Vec::new();
        Detector::compile(&[])
            .unwrap()
            .scan(text.as_bytes(), 0, &mut out);
        out.into_iter()
            .filter(|found| found.detector == "email")
            .map(|m| {
                assert_eq!((m.category, m.severity), (Category::Pii, Severity::Medium));
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                text[range].to_owned()
            })
            .collect()
    }

    #[test]
    fn positives() {
        let long_local = format!("{}@example.com", "a".repeat(64));
        let long_label = format!("a@{}.com", "b".repeat(63));
        let longest = format!(
            "a@{}.{}.{}.{}.com",
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(63),
            "e".repeat(56)
        );
        assert_eq!(longest.len(), 254);
        for address in [
            "bob@example.com",
            "Bob.Smith@Example.COM",
            "bob+tag@example.co.uk",
            "bob_smith@mail.example.org",
            "bob-smith@my-site.example",
            "o'brien@example.ie",
            "b&b@example.com",
            "1234@example.com",
            "a@b.cd",
            "x@1.2.fr",
            "user%host@example.com",
            "_svc@example.com",
            "müller@example.de",
            "иван@example.ru",
            "bob@xn--bcher-kva.example",
            "bob@example.xn--p1ai",
            "bob@example.museum",
            "bob@3com.com",
            "bob@a.b.c.d.e.f.gh",
            "bob@example.zip",
            &long_local,
            &long_label,
            &longest,
        ] {
            for text in [
                address.to_owned(),
                format!("write to {address}."),
                format!("{address}, or"),
                format!("<{address}>"),
                format!("mailto:{address}?subject=x"),
                format!("'{address}'"),
                format!("({address})"),
                format!("a=1&mail={address}"),
                format!("wait...{address}..."),
                format!("**{address}**"),
                format!("{address}:hunter2"),
                format!("联系{address}谢谢"),
                format!("{address}- yes"),
                format!("https://x.example/u/{address}"),
                format!("https://x.example?m={address}"),
                format!("{address}@"),
            ] {
                assert_eq!(found(&text), [address.to_owned()], "{text:?}");
            }
        }
    }

    #[test]
    fn domains_end_where_they_stop_being_domains() {
        for (text, address) in [
            ("bob@example.com.", "bob@example.com"),
            ("bob@example.com.5", "bob@example.com"),
            ("bob@example.com-", "bob@example.com"),
            ("bob@example.com--see", "bob@example.com"),
            ("bob@example.com_", "bob@example.com"),
            ("bob@example.com/x.y", "bob@example.com"),
            ("bob@my-site.com", "bob@my-site.com"),
            ("bob@example.com\\nBye", "bob@example.com"),
            (".bob@example.com", "bob@example.com"),
            (r"Hi,\nbob@example.com", "bob@example.com"),
            (r"\t.bob@example.com", "bob@example.com"),
            ("-bob@example.com", "bob@example.com"),
        ] {
            assert_eq!(found(text), [address], "{text:?}");
        }
        assert_eq!(
            found("a@b.com;c@d.com e@f.com"),
            ["a@b.com", "c@d.com", "e@f.com"]
        );
    }

    #[test]
    fn longer_is_no_address() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let too_long = format!(
            "a@{}.{}.{}.{}.com",
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(63),
            "e".repeat(57)
        );
        for text in [long_local, long_label, too_long] {
            assert_eq!(found(&text), [""; 0], "{text:?}");
        }
    }
}
