//! What must follow each prefix: given the prefix and all text from its start on, a key's length in
//! bytes and its score.

use super::AHEAD;
use super::checksum::{crc32, parse_base};
use crate::secrets::{is_base64url, is_varied, run};
use crate::word::glued_after;
use crate::work::spend;

pub(super) const CHECKED: f32 = 1.0;
pub(super) const TELLING: f32 = 0.95;
pub(super) const PLAIN: f32 = 0.9;

/// Fewest different characters in a key without a checksum. Of 16 random base32 characters fewer
/// than 7 differ once in some 100,000 keys.
const MIN_DISTINCT: u32 = 7;

fn is_base62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether the run of `class` that starts at `from` is exactly `length` bytes long.
fn runs_exactly(text: &[u8], from: usize, length: usize, class: fn(u8) -> bool) -> bool {
    run(text, from, length + 1, class) == length
}

pub(super) fn has_variety(body: &[u8]) -> bool {
    is_varied(body, MIN_DISTINCT)
}

/// Whether the last 6 bytes are the base62 CRC-32 of the others.
fn base62_crc_holds(body: &[u8]) -> bool {
    body.split_last_chunk::<6>()
        .is_some_and(|(random, check)| parse_base(check, 62) == Some(crc32(random)))
}

pub(super) fn base62_crc(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let end = prefix.len() + 36;
    let holds = runs_exactly(text, prefix.len(), 36, is_base62)
        && base62_crc_holds(&text[prefix.len()..end]);
    holds.then_some((end, CHECKED))
}

const MAX_APP_ID: usize = 20;
/// Longest header, payload and signature of a JWT. Headers are short, and a short bound keeps text
/// made of prefixes cheap; a signature by the longest RSA keys in use has 683 characters.
const MAX_JWT_PARTS: [usize; 3] = [256, 1024, 700];
const _: () = assert!(
    4 + MAX_APP_ID + 1 + MAX_JWT_PARTS[0] + 1 + MAX_JWT_PARTS[1] + 1 + MAX_JWT_PARTS[2] < AHEAD
);

/// Classic, or `ghs_<app id>_<JWT>`. GitHub asks not to look into the JWT; its form is enough.
pub(super) fn github_installation(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    if let Some(found) = base62_crc(prefix, text) {
        return Some(found);
    }
    let app = run(text, prefix.len(), MAX_APP_ID, |byte| byte.is_ascii_digit());
    let mut end = prefix.len() + app;
    // `eyJ` is base64 for `{"`.
    if app == 0 || !text[end..].starts_with(b"_eyJ") {
        return None;
    }
    end += 1;
    for (part, most) in MAX_JWT_PARTS.into_iter().enumerate() {
        if part > 0 {
            if text.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        let length = run(text, end, most, is_base64url);
        if length < 16 {
            return None;
        }
        end += length;
    }
    Some((end, TELLING))
}

pub(super) fn github_refresh(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    if let Some(found) = base62_crc(prefix, text) {
        return Some(found);
    }
    let end = prefix.len() + 76;
    if !runs_exactly(text, prefix.len(), 76, is_base62) {
        return None;
    }
    let body = &text[prefix.len()..end];
    // GitHub documents the length by an example only, whose checksum does not hold.
    let score = if base62_crc_holds(body) {
        CHECKED
    } else {
        PLAIN
    };
    has_variety(body).then_some((end, score))
}

pub(super) fn github_fine_grained(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let middle = prefix.len() + 22;
    let end = middle + 1 + 59;
    let fits = runs_exactly(text, prefix.len(), 22, is_base62)
        && text.get(middle) == Some(&b'_')
        && runs_exactly(text, middle + 1, 59, is_base62)
        && has_variety(&text[middle + 1..end]);
    fits.then_some((end, TELLING))
}

/// Routable (since 2024, with a version field since 2025) or the classic 20 characters.
pub(super) fn gitlab(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let length = run(text, prefix.len(), 301, is_base64url);
    let dot = prefix.len() + length;
    if (27..=300).contains(&length) && text.get(dot) == Some(&b'.') {
        let is_base36 = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
        let versioned = text.get(dot + 3) == Some(&b'.');
        let check = dot + if versioned { 6 } else { 3 };
        let fits = (!versioned || runs_exactly(text, dot + 1, 2, is_base36))
            && runs_exactly(text, check - 2, 9, is_base36)
            && !glued_after(text, check + 7)
            && parse_base(&text[check..check + 7], 36) == Some(crc32(&text[..check]));
        return fits.then_some((check + 7, CHECKED));
    }
    (length == 20 && has_variety(&text[prefix.len()..dot])).then_some((dot, PLAIN))
}

/// Also in AWS's own documentation, whose example keys end in `EXAMPLE`.
pub(super) fn aws(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let end = prefix.len() + 16;
    let fits = runs_exactly(
        text,
        prefix.len(),
        16,
        |byte| matches!(byte, b'A'..=b'Z' | b'2'..=b'7'),
    ) && !glued_after(text, end)
        && !text[..end].ends_with(b"EXAMPLE")
        && has_variety(&text[prefix.len()..end]);
    fits.then_some((end, PLAIN))
}

pub(super) fn google(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let end = prefix.len() + 35;
    let fits =
        runs_exactly(text, prefix.len(), 35, is_base64url) && has_variety(&text[prefix.len()..end]);
    fits.then_some((end, PLAIN))
}

/// `xoxb-<team>-<bot>-<secret>` and its like: numbers of 8 to 14 digits, then the secret.
pub(super) fn slack(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let mut start = prefix.len();
    for _ in 0..3 {
        let digits = run(text, start, 15, |byte| byte.is_ascii_digit());
        if !(8..=14).contains(&digits) || text.get(start + digits) != Some(&b'-') {
            break;
        }
        start += digits + 1;
    }
    if start == prefix.len() {
        return None;
    }
    secret(text, start, 18..=64)
}

/// `xapp-1-A<app>-<number>-<64 hex>`.
pub(super) fn slack_app(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let mut start = prefix.len();
    for (least, most) in [(1, 1), (9, 12), (8, 14)] {
        let length = run(text, start, most + 1, is_base62);
        if !(least..=most).contains(&length) || text.get(start + length) != Some(&b'-') {
            return None;
        }
        start += length + 1;
    }
    secret(text, start, 64..=64)
}

pub(super) fn stripe(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    secret(text, prefix.len(), 24..=128)
}

/// A varied base62 run from `start`, of a length in `lengths`, that ends the key.
fn secret(
    text: &[u8],
    start: usize,
    lengths: std::ops::RangeInclusive<usize>,
) -> Option<(usize, f32)> {
    let length = run(text, start, lengths.end() + 1, is_base62);
    let end = start + length;
    let fits =
        lengths.contains(&length) && !glued_after(text, end) && has_variety(&text[start..end]);
    fits.then_some((end, PLAIN))
}

/// Base64 for `OpenAI`, in the middle of every key.
const OPENAI_MARK: &[u8] = b"T3BlbkFJ";

pub(super) fn openai_legacy(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    openai_sides(prefix, text, 20, is_base62)
}

/// Keys of 2024 had 20 characters on either side of the mark, later ones 58 or 74.
pub(super) fn openai(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    [20, 58, 74]
        .into_iter()
        .find_map(|side| openai_sides(prefix, text, side, is_base64url))
}

fn openai_sides(
    prefix: &'static str,
    text: &[u8],
    side: usize,
    class: fn(u8) -> bool,
) -> Option<(usize, f32)> {
    let mark = prefix.len() + side;
    spend(OPENAI_MARK.len());
    if text.get(mark..mark + OPENAI_MARK.len()) != Some(OPENAI_MARK) {
        return None;
    }
    let length = 2 * side + OPENAI_MARK.len();
    runs_exactly(text, prefix.len(), length, class).then_some((prefix.len() + length, TELLING))
}

/// `sk-ant-api03-`, `sk-ant-admin01-` and their like, then 93 characters and `AA`.
pub(super) fn anthropic(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let kind = prefix.len() + run(text, prefix.len(), 10, |byte| byte.is_ascii_lowercase());
    let version = kind + run(text, kind, 3, |byte| byte.is_ascii_digit());
    if kind == prefix.len() || version != kind + 2 || text.get(version) != Some(&b'-') {
        return None;
    }
    let start = version + 1;
    let end = start + 95;
    let fits = runs_exactly(text, start, 95, is_base64url)
        && text[..end].ends_with(b"AA")
        && has_variety(&text[start..end]);
    fits.then_some((end, TELLING))
}

/// Longest macaroon after what names the index.
const MAX_MACAROON: usize = 1000;
const _: () = assert!(MAX_MACAROON + 32 < AHEAD);

pub(super) fn pypi(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let length = run(text, prefix.len(), MAX_MACAROON + 1, is_base64url);
    let end = prefix.len() + length;
    let fits = (50..=MAX_MACAROON).contains(&length) && has_variety(&text[prefix.len()..end]);
    fits.then_some((end, TELLING))
}
