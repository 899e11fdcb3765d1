//! Addresses that are not finished at the end of a text.

use memchr::memchr_iter;

use super::{AHEAD, EmailDetector, domain, is_userinfo, local_begins, local_start};
use crate::work::spend;

impl EmailDetector {
    /// Where in `text`, from `from` on, the first address begins that what follows may complete, undo or
    /// lengthen; the end if none does. Any word may turn out to be the local part of one, so a text that
    /// ends in a word is open from there.
    pub(crate) fn open_from(text: &[u8], from: usize) -> usize {
        let from = from.max(text.len().saturating_sub(AHEAD));
        spend(text.len() - from);
        let begun = memchr_iter(b'@', &text[from..])
            .map(|at| from + at)
            .filter(|&at| is_open(text, at))
            .find_map(|at| local_start(text, at).filter(|start| begins(text, *start, from)));
        let word = local_begins(text, text.len()).filter(|start| begins(text, *start, from));
        begun.or(word).unwrap_or(text.len())
    }
}

fn begins(text: &[u8], start: usize, from: usize) -> bool {
    start >= from && !is_userinfo(text, start)
}

/// Whether what follows the text bears on the address whose `@` is at `at`.
fn is_open(text: &[u8], at: usize) -> bool {
    let domain = domain(text, at);
    // `host:` is an address and its colon, `host:/` a path.
    let colon = |end: usize| text.get(end..) == Some(b":");
    domain.cut || domain.end.is_some_and(colon)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(text: &str) -> &str {
        &text[EmailDetector::open_from(text.as_bytes(), 0)..]
    }

    #[test]
    fn what_may_become_an_address_is_open() {
        let long = "a".repeat(65);
        for (text, expected) in [
            ("mail bob", "bob"),
            ("mail bob ", ""),
            ("mail bob,", ""),
            ("mail bob.", "bob."),
            ("mail ('bob", "bob"),
            ("mail bob.smith+x", "bob.smith+x"),
            ("mail bob..", ""),
            ("mail b..ob", "ob"),
            ("an über", "über"),
            ("a '", ""),
            (r"mail\nbob", "bob"),
            (r"mail\n", ""),
            ("mail bob@", "bob@"),
            ("mail bob@exa-", "bob@exa-"),
            ("mail bob@example.com", "bob@example.com"),
            ("mail bob@example.com.", "bob@example.com."),
            ("mail bob@example.com:", "bob@example.com:"),
            ("mail bob@example.com: ", ""),
            ("mail bob@example.com ", ""),
            ("mail bob@example.com. ", ""),
            ("mail bob@example.com, or ann", "ann"),
            ("mail bob@-", ""),
            ("by @bob", ""),
            ("https://user", ""),
            ("https://user:pass", ""),
            ("自杀", ""),
            (&long, ""),
            (&long[1..], &long[1..]),
            ("", ""),
        ] {
            assert_eq!(open(text), expected, "{text:?}");
        }
        assert_eq!(EmailDetector::open_from(b"mail bob", 6), 8);
    }
}
