//! What makes a value a secret: enough characters, of enough kinds, with enough entropy.
//!
//! Shannon entropy of the characters of one value, in bits per character. Measured by a test on
//! 2,000 random values of each kind, and on values that stand where secrets do:
//!
//! | values | lowest | median | threshold | reach it | reported |
//! |---|---|---|---|---|---|
//! | base62, 8 characters, for a password | 2.16 | 3.00 | 2.5 | 99 % | 74 % |
//! | base62, 16 characters, for a token | 3.20 | 3.75 | 3.0 | 100 % | 93 % |
//! | base62, 32 characters | 4.05 | 4.56 | 3.0 | 100 % | 99 % |
//! | hexadecimal, 32 digits | 3.12 | 3.62 | 3.0 | 100 % | 100 % |
//! | 40 names and words in code, 16 to 40 characters | 3.04 | 3.57 | 3.0 | 100 % | 0 % |
//!
//! So entropy tells padding, runs and repeats (`aaaa1111aaaa1111`) from secrets, but not names,
//! whatever the threshold: it lies just under what random values have. Names are told by what they
//! are made of: a secret has letters and digits, which some random ones lack (the last column), and
//! is no chain of words (`is_words`).

use memchr::memmem;

use super::key::Key;
use super::{MAX_VALUE, is_gap};
use crate::work::spend;

/// Least entropy of a token, in bits per character.
const MIN_TOKEN_BITS: f32 = 3.0;
/// Least entropy of a password; of eight characters that all differ it is 3.
const MIN_PASSWORD_BITS: f32 = 2.5;
/// Fewest characters of a token.
const MIN_TOKEN: usize = 16;
/// Fewest characters of a password (NIST SP 800-63B asks for as many).
const MIN_PASSWORD: usize = 8;

/// What a value holds, in lower case, when somebody is to put the real one in its place, or when it
/// is plainly made up.
const PLACEHOLDERS: [&[u8]; 25] = [
    b"example",
    b"change",
    b"your",
    b"placeholder",
    b"dummy",
    b"sample",
    b"redacted",
    b"insert",
    b"replace",
    b"xxx",
    b"***",
    b"...",
    b"fake",
    b"mock",
    b"secret",
    b"password",
    b"passwd",
    b"token",
    b"apikey",
    b"api_key",
    b"123456",
    b"abcdef",
    b"qwerty",
    b"lorem",
    b"process.env",
];

/// Where the value that starts at `start` comes upon what cannot be in it: its quote or, without one,
/// what parts values.
pub(super) fn run_end(text: &[u8], start: usize, quote: Option<u8>) -> usize {
    let length = text[start..]
        .iter()
        .take(MAX_VALUE)
        .take_while(|&&byte| match quote {
            Some(quote) => byte != quote && byte != b'\n' && byte != b'\\',
            None => {
                byte.is_ascii_graphic()
                    && !is_gap(byte)
                    && !matches!(
                        byte,
                        b',' | b';'
                            | b'='
                            | b'<'
                            | b'>'
                            | b'('
                            | b')'
                            | b'['
                            | b'{'
                            | b'}'
                            | b'&'
                            | b'|'
                    )
            }
        })
        .count();
    spend(length + 1);
    start + length
}

/// Where the value ends that starts at `start`, with its padding and without the end of a sentence.
pub(super) fn end(text: &[u8], start: usize, quote: Option<u8>) -> usize {
    let end = run_end(text, start, quote);
    if quote.is_some() {
        return end;
    }
    // The padding of base64; any other `=` starts something else.
    let padding = text[end..]
        .iter()
        .take(2)
        .take_while(|byte| **byte == b'=')
        .count();
    if padding > 0 {
        return end + padding;
    }
    // The end of a sentence is not the value's.
    text[start..end]
        .iter()
        .rposition(|byte| !matches!(byte, b'.' | b'?' | b':'))
        .map_or(start, |last| start + last + 1)
}

/// Whether `value` is a secret, given what its key announces and the byte after it.
pub(super) fn is_secret(value: &[u8], key: Key, quoted: bool, next: Option<u8>) -> bool {
    let call = !quoted && matches!(next, Some(b'(' | b'[' | b'{' | b'<'));
    !call
        && match key {
            Key::Password => is_password(value),
            Key::Token | Key::Header => is_random(value, MIN_TOKEN, MIN_TOKEN_BITS),
        }
}

/// Whether `value` is a password that nobody would mistake for a placeholder.
pub(super) fn is_password(value: &[u8]) -> bool {
    is_random(value, MIN_PASSWORD, MIN_PASSWORD_BITS)
}

/// The checks from the cheapest to the dearest.
fn is_random(value: &[u8], least: usize, bits: f32) -> bool {
    value.len() >= least
        && is_mixed(value)
        && entropy(value) >= bits
        && !is_words(value)
        && !is_uuid(value)
        && !is_place(value)
        && !is_placeholder(value)
}

/// Whether `value` is hexadecimal, as digests are.
pub(super) fn is_hexadecimal(value: &[u8]) -> bool {
    value.iter().all(u8::is_ascii_hexdigit)
}

/// The Shannon entropy of the bytes of `value`, in bits per byte.
pub(super) fn entropy(value: &[u8]) -> f32 {
    spend(value.len());
    let mut counts = [0_u16; 256];
    for &byte in value {
        counts[usize::from(byte)] += 1;
    }
    // At most `MAX_VALUE`, so the conversions are exact.
    let total = value.iter().fold(0.0_f32, |total, _| total + 1.0);
    counts
        .iter()
        .filter(|count| **count > 0)
        .map(|&count| {
            let share = f32::from(count) / total;
            -share * share.log2()
        })
        .sum()
}

/// Letters with digits among them, or letters with marks that passwords have.
fn is_mixed(value: &[u8]) -> bool {
    spend(value.len());
    if !value.iter().all(u8::is_ascii_graphic) {
        return false;
    }
    let letters = value.iter().any(u8::is_ascii_alphabetic);
    let others = value.iter().any(|byte| {
        byte.is_ascii_digit() || matches!(byte, b'!' | b'#' | b'@' | b'^' | b'+' | b'~')
    });
    letters && others
}

fn is_placeholder(value: &[u8]) -> bool {
    spend(value.len());
    let opens = matches!(
        value.first(),
        Some(b'$' | b'{' | b'<' | b'%' | b'[' | b'@' | b'&')
    );
    let mut folded = [0; MAX_VALUE];
    let folded = &mut folded[..value.len().min(MAX_VALUE)];
    folded.copy_from_slice(&value[..folded.len()]);
    folded.make_ascii_lowercase();
    let holds = |needle: &[u8]| memmem::find(folded, needle).is_some();
    // A `$` opens passwords too, so one alone needs the form of a variable.
    let opens = opens
        && (value.first() != Some(&b'$')
            || value[1..].iter().all(|byte| {
                byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'{' | b'}' | b'(' | b')')
            }));
    let angled = value.contains(&b'<') && value.contains(&b'>');
    opens || angled || holds(b"${") || holds(b"{{") || PLACEHOLDERS.iter().any(|word| holds(word))
}

/// A page's address, a path, a file's name or a cloud's name for a resource.
fn is_place(value: &[u8]) -> bool {
    spend(value.len());
    let scheme = value.windows(3).any(|window| window == b"://");
    let path = matches!(value, [b'/', ..] | [b'.', b'/', ..] | [b'~', b'/', ..]);
    let extension = value
        .iter()
        .rposition(|byte| *byte == b'.')
        .is_some_and(|dot| {
            let after = &value[dot + 1..];
            (2..=5).contains(&after.len()) && after.iter().all(u8::is_ascii_lowercase)
        });
    scheme || path || extension || value.starts_with(b"arn:")
}

/// 8-4-4-4-12 hexadecimal digits (RFC 9562).
fn is_uuid(value: &[u8]) -> bool {
    value.len() == 36
        && value.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Whether `value` is words and numbers chained as in names: `my-service-account-2`,
/// `config.auth.tokenV2`, `SECRET_KEY_1`, `oauth2client.Credentials`, `Ec2InstanceMetadata`.
///
/// A word starts at a letter after anything else and at a capital after a small letter. In random
/// base62 words have two or three letters on average; in lower case with digits more than three, so
/// there it takes separators to tell names.
fn is_words(value: &[u8]) -> bool {
    spend(value.len());
    let (mut letters, mut words, mut separators, mut digits, mut longest) = (0, 0, 0, 0, 0);
    let (mut small, mut capitals) = (false, false);
    let mut last = b' ';
    for &byte in value {
        if byte.is_ascii_alphabetic() {
            let hump = byte.is_ascii_uppercase() && last.is_ascii_lowercase();
            words += usize::from(hump || !last.is_ascii_alphabetic());
            letters += 1;
            small |= byte.is_ascii_lowercase();
            capitals |= byte.is_ascii_uppercase();
        } else if byte.is_ascii_digit() {
            // A number between separators is as long as it likes.
            digits = if last.is_ascii_digit() { digits + 1 } else { 1 };
            longest = if last.is_ascii_alphanumeric() {
                digits.max(longest)
            } else {
                longest
            };
        } else if matches!(byte, b'_' | b'-' | b'.' | b'/' | b':' | b'@') {
            separators += 1;
        } else {
            return false;
        }
        last = byte;
    }
    let chained = separators > 0 && letters >= 3 * words && longest <= 3;
    let humps = small && capitals && letters >= 5 * words && longest <= 3;
    chained || humps
}
