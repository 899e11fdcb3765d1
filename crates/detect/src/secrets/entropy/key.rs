//! What secrets are called where they are assigned.

use aho_corasick::AhoCorasick;

use crate::work::spend;

/// Longest key looked at; of longer ones the end.
pub(super) const MAX_BYTES: usize = 48;

/// What kind of secret a key announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Made up by people, so short and with words in it.
    Password,
    /// Made by machines.
    Token,
    /// `Authorization:`, with a scheme's name before the token.
    Header,
}

/// Names of passwords, in lower case without separators, in the languages of the supported locales
/// as far as they are used for keys. Capitals beyond ASCII are listed.
const PASSWORDS: [&str; 25] = [
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "passwort",
    "kennwort",
    "contraseña",
    "CONTRASEÑA",
    "contrasena",
    "motdepasse",
    "senha",
    "wachtwoord",
    "hasło",
    "HASŁO",
    "пароль",
    "Пароль",
    "ПАРОЛЬ",
    "密码",
    "密碼",
    "口令",
    "पासवर्ड",
    // The last words of "word of passage" and "word of secret".
    "المرور",
    "السر",
    "dbpass",
];
/// Names of tokens.
const TOKENS: [&str; 16] = [
    "secret",
    "token",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "signingkey",
    "encryptionkey",
    "masterkey",
    "licensekey",
    "credential",
    "credentials",
    "bearer",
    "connectionstring",
    "accountkey",
];
/// Fewest letters of a name that counts anywhere in a key (`PASSWORD_PROD`: the rest says where);
/// shorter ones must end it.
const MIN_INNER: usize = 6;
/// Last words of keys that tell something about a secret, and are none.
const ABOUT: [&str; 32] = [
    "file",
    "path",
    "dir",
    "url",
    "uri",
    "endpoint",
    "name",
    "id",
    "type",
    "kind",
    "length",
    "len",
    "size",
    "count",
    "limit",
    "field",
    "policy",
    "hint",
    "ttl",
    "expiry",
    "expires",
    "expiresin",
    "expiration",
    "expiresat",
    "at",
    "version",
    "hash",
    "algorithm",
    "regex",
    "pattern",
    "label",
    "ref",
];

/// The names, in one automaton: code and JSON are full of signs that are no secret's.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    automaton: Option<AhoCorasick>,
}

impl Keys {
    pub(super) fn new() -> Self {
        // Building fails only beyond what its state ids can count; a test holds it to being there.
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(PASSWORDS.iter().chain(&TOKENS))
            .ok();
        Self { automaton }
    }

    /// What the key that ends at `end` announces, if it is a secret's.
    pub(super) fn before(&self, text: &[u8], end: usize) -> Option<Key> {
        let length = text[..end]
            .iter()
            .rev()
            .take(MAX_BYTES)
            .take_while(|byte| is_key_byte(**byte))
            .count();
        spend(length + 1);
        if length < 3 {
            return None;
        }
        let key = &text[end - length..end];
        let mut folded = [0; MAX_BYTES];
        let mut size = 0;
        for &byte in key {
            if !matches!(byte, b'_' | b'-' | b'.') {
                folded[size] = byte;
                size += 1;
            }
        }
        let mut folded = &folded[..size];
        // `PASSWORD_2`.
        while let [rest @ .., b'0'..=b'9'] = folded {
            folded = rest;
        }
        self.kind(folded)
            .filter(|_| !is_about(key) && !is_page(folded))
    }

    fn kind(&self, folded: &[u8]) -> Option<Key> {
        spend(folded.len());
        let is = |name: &[u8]| folded.eq_ignore_ascii_case(name);
        if is(b"authorization") || is(b"proxyauthorization") {
            return Some(Key::Header);
        }
        if is(b"pass") {
            return Some(Key::Password);
        }
        // The last name says what it is: `secret_password`, `password_reset_token`.
        let last = self
            .automaton
            .as_ref()?
            .find_overlapping_iter(folded)
            .filter(|hit| hit.end() == folded.len() || is_long(hit.pattern().as_usize()))
            .last()?;
        Some(if last.pattern().as_usize() < PASSWORDS.len() {
            Key::Password
        } else {
            Key::Token
        })
    }
}

/// Whether the name with that number counts anywhere in a key.
fn is_long(name: usize) -> bool {
    let mut names = PASSWORDS.iter().chain(&TOKENS);
    names
        .nth(name)
        .is_some_and(|name| name.chars().count() >= MIN_INNER)
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.') || byte >= 0x80
}

/// Whether the last word of `key`, parted by a separator or a capital, is one of [`ABOUT`].
fn is_about(key: &[u8]) -> bool {
    let last = key
        .iter()
        .rposition(|byte| matches!(byte, b'_' | b'-' | b'.'))
        .map_or(0, |at| at + 1);
    // `tokenType`: the last capital after a small letter.
    let hump = (last + 1..key.len())
        .rev()
        .find(|&at| key[at].is_ascii_uppercase() && key[at - 1].is_ascii_lowercase());
    spend(key.len());
    let is = |word: &[u8]| {
        ABOUT
            .iter()
            .any(|about| word.eq_ignore_ascii_case(about.as_bytes()))
    };
    is(&key[last..]) || hump.is_some_and(|at| is(&key[at..]))
}

/// Tokens that say where the next page starts.
fn is_page(folded: &[u8]) -> bool {
    [&b"page"[..], b"continuation", b"cursor", b"max", b"next"]
        .iter()
        .any(|word| folded.len() >= word.len() && folded[..word.len()].eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let keys = Keys::new();
        for (key, expected) in [
            ("password", Some(Key::Password)),
            ("DB_PASSWORD", Some(Key::Password)),
            ("dbPassword2", Some(Key::Password)),
            ("PASSWORD_PROD", Some(Key::Password)),
            ("spring.datasource.password", Some(Key::Password)),
            ("PGPASSWORD", Some(Key::Password)),
            ("Пароль", Some(Key::Password)),
            ("密码", Some(Key::Password)),
            ("CONTRASEÑA", Some(Key::Password)),
            ("HASŁO_2", Some(Key::Password)),
            ("السر", Some(Key::Password)),
            ("السرعة", None),
            ("pwd", Some(Key::Password)),
            ("api_key", Some(Key::Token)),
            ("X-Api-Key", Some(Key::Token)),
            ("apiKey", Some(Key::Token)),
            ("SECRET_TOKEN", Some(Key::Token)),
            ("aws_secret_access_key", Some(Key::Token)),
            ("SECRET_KEY_BASE", Some(Key::Token)),
            ("clientSecret", Some(Key::Token)),
            ("Authorization", Some(Key::Header)),
            ("key", None),
            ("monkey", None),
            ("public_key", None),
            ("compass", None),
            ("token_type", None),
            ("tokenType", None),
            ("password_file", None),
            ("secret_name", None),
            ("secretId", None),
            ("token_expires", None),
            ("next_page_token", None),
            ("max_tokens", None),
            ("author", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(keys.before(key.as_bytes(), key.len()), expected, "{key:?}");
        }
    }
}
