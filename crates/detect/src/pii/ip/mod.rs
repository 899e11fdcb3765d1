//! IP addresses that name a device on the public internet.
//!
//! IPv4 (rule `ipv4`): four decimal octets without leading zeros, as `std::net` reads them. IPv6
//! (rule `ipv6`): RFC 4291 text, at least three groups, in the global unicast block 2000::/3. An
//! address in a reserved block tells nothing about anybody and is not reported: private,
//! loopback, link-local, shared, documentation, benchmarking, multicast, broadcast and the rest of
//! IANA's special-purpose registries (RFC 6890), and the resolvers that everybody uses.
//! Networks (`/24`) are no devices either.
//!
//! # False positives
//!
//! Of random quads some 86 % are public unicast addresses, so what is no address must be told by
//! what stands around it. Not reported: quads with more or fewer parts, after `v`, `version`,
//! `section`, `Chrome/` and the like (up to two words away), before `-beta`; and, unless a word
//! such as `IP` or `server` is near, quads of parts below 64, of which one in 256 addresses is and
//! most section numbers and versions are. For IPv6 the block does it: of `a::b`, `12:30:45` and MAC
//! addresses none starts with four digits of which the first is 2 or 3.
//!
//! In 2 GB of program sources and manuals, to which some of the rules were adjusted, 627 different
//! findings, nearly all examples; of 40 drawn from them four were versions, object identifiers or
//! times.
//!
//! # Not found
//!
//! IPv4 in hexadecimal or octal, IPv6 with less than three groups, what is glued to a word.

mod blocks;
mod open;

#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::Range;
use std::sync::Arc;

use memchr::memchr2_iter;
use weir_types::{Category, Severity};

use self::blocks::{is_public_v4, is_public_v6};
use crate::context;
use crate::matched::Match;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

/// How far after an address its end is judged by: `-`, four digits and a full stop.
const CLOSING: usize = 6;
/// How far before a finding bytes decide about it.
pub(crate) const BEHIND: usize = context::BEFORE;
/// How far from a finding's start bytes decide about it.
pub(crate) const AHEAD: usize = MAX_V6_BYTES + 5 + context::AFTER;

/// `255.255.255.255`.
const MAX_V4_BYTES: usize = 15;
/// Eight groups of four, or six and an IPv4 address (RFC 4291, section 2.2).
const MAX_V6_BYTES: usize = 45;

/// Parts that are all below this count versions and sections rather than hosts.
const MAX_SMALL: u8 = 64;

/// Public, and a word for addresses is near.
const SCORE_WORD: f32 = 0.9;
/// Public, and nothing around it says what it is.
const SCORE_ALONE: f32 = 0.7;
/// IPv6 in the global unicast block: nothing else looks like it.
const SCORE_V6: f32 = 0.9;

/// Words that say that a quad is an address.
const ADDRESS_WORDS: [&str; 26] = [
    "ip",
    "ips",
    "ipv4",
    "address",
    "addr",
    "host",
    "server",
    "client",
    "ping",
    "traceroute",
    "ssh",
    "subnet",
    "gateway",
    "dns",
    "login",
    "logged",
    "firewall",
    "proxy",
    "vpn",
    "адрес",
    "сервер",
    "adresse",
    "dirección",
    "indirizzo",
    "地址",
    "服务器",
];
/// Words before a quad that say that it counts versions or sections.
const VERSION_WORDS: [&[u8]; 30] = [
    b"v",
    b"ver",
    b"vers",
    b"version",
    b"versions",
    b"release",
    b"rel",
    b"rev",
    b"revision",
    b"build",
    b"firmware",
    b"driver",
    b"update",
    b"updated",
    b"upgrade",
    b"upgraded",
    b"downgrade",
    b"patch",
    b"section",
    b"sec",
    b"chapter",
    b"clause",
    b"paragraph",
    b"appendix",
    b"figure",
    b"table",
    b"kapitel",
    b"abschnitt",
    b"oid",
    b"requires",
];
/// Resolvers open to everybody, as their operators publish them (Google, Cloudflare, Quad9,
/// OpenDNS).
const RESOLVERS: [Ipv4Addr; 8] = [
    Ipv4Addr::new(8, 8, 8, 8),
    Ipv4Addr::new(8, 8, 4, 4),
    Ipv4Addr::new(1, 1, 1, 1),
    Ipv4Addr::new(1, 0, 0, 1),
    Ipv4Addr::new(9, 9, 9, 9),
    Ipv4Addr::new(149, 112, 112, 112),
    Ipv4Addr::new(208, 67, 222, 222),
    Ipv4Addr::new(208, 67, 220, 220),
];

#[derive(Debug, Clone)]
pub(crate) struct IpDetector {
    v4: Arc<str>,
    v6: Arc<str>,
}

impl Default for IpDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl IpDetector {
    pub(crate) fn new() -> Self {
        Self {
            v4: "ipv4".into(),
            v6: "ipv6".into(),
        }
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let text = view.text;
        spend(text.len());
        for at in memchr2_iter(b'.', b':', text) {
            let (rule, found) = if text[at] == b'.' {
                (&self.v4, v4_around(text, at))
            } else {
                (&self.v6, v6_around(text, at))
            };
            let Some((range, score)) = found else {
                continue;
            };
            out.push(Match {
                detector: "ip",
                rule: rule.clone(),
                category: Category::Pii,
                span: view.original(range),
                score,
                severity: Severity::Medium,
            });
        }
    }
}

fn byte(text: &[u8], at: Option<usize>) -> Option<u8> {
    at.and_then(|at| text.get(at)).copied()
}

fn is_digit(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_digit())
}

/// The address whose first full stop is at `dot`.
fn v4_around(text: &[u8], dot: usize) -> Option<(Range<usize>, f32)> {
    if !is_digit(byte(text, dot.checked_sub(1))) || !is_digit(byte(text, Some(dot + 1))) {
        return None;
    }
    let start = dot - count_back(text, dot, 4, |byte| byte.is_ascii_digit());
    let (end, _) = v4_end(text, start);
    if !clean_before(text, start) || !clean_after(text, end) {
        return None;
    }
    let address = v4_at(text, start, end)?;
    let range = start..end;
    let worded = context::near(text, &range, &ADDRESS_WORDS);
    let small = address.octets().iter().all(|octet| *octet < MAX_SMALL);
    if worded {
        Some((range, SCORE_WORD))
    } else {
        (!small).then_some((range, SCORE_ALONE))
    }
}

/// Where the digits and full stops end that begin at `start`, without the full stop of a sentence and
/// with it.
fn v4_end(text: &[u8], start: usize) -> (usize, usize) {
    let length = count(text, start, MAX_V4_BYTES + 1, |byte| {
        byte.is_ascii_digit() || byte == b'.'
    });
    let end = text[start..start + length]
        .iter()
        .rposition(u8::is_ascii_digit)
        .map_or(start, |last| start + last + 1);
    (end, start + length)
}

/// The address that stands there, if it may be somebody's.
fn v4_at(text: &[u8], start: usize, end: usize) -> Option<Ipv4Addr> {
    let address: Ipv4Addr = parse(&text[start..end])?;
    let nobodys = !is_public_v4(address) || RESOLVERS.contains(&address);
    (!nobodys && !after_version_word(text, start)).then_some(address)
}

/// The address whose first colon is at `colon`.
fn v6_around(text: &[u8], colon: usize) -> Option<(Range<usize>, f32)> {
    // Global unicast addresses start with four digits, none of which may be left out.
    let start = colon.checked_sub(4)?;
    let first = &text[start..colon];
    spend(first.len());
    if !matches!(first[0], b'2' | b'3') || !first.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (end, _) = v6_end(text, start);
    let clean = clean_before(text, start) && clean_after(text, end);
    if !clean || byte(text, start.checked_sub(1)) == Some(b':') {
        return None;
    }
    v6_at(text, start, end).then_some((start..end, SCORE_V6))
}

/// Where the groups end that begin at `start`, without what ends a sentence or starts a list, and with it.
fn v6_end(text: &[u8], start: usize) -> (usize, usize) {
    let length = count(text, start, MAX_V6_BYTES + 1, |byte| {
        byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
    });
    let mut end = start + length;
    while matches!(text[end - 1], b'.' | b':') && !text[..end].ends_with(b"::") {
        end -= 1;
    }
    (end, start + length)
}

/// Whether the address that stands there may be somebody's.
fn v6_at(text: &[u8], start: usize, end: usize) -> bool {
    let groups = text[start..end]
        .split(|byte| *byte == b':')
        .filter(|group| !group.is_empty())
        .count();
    let address: Option<Ipv6Addr> = parse(&text[start..end]);
    groups >= 3 && address.is_some_and(is_public_v6)
}

fn parse<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    spend(text.len());
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// How many bytes from `from` on are of `class`, at most `most`.
fn count(text: &[u8], from: usize, most: usize, class: fn(u8) -> bool) -> usize {
    let length = text[from..]
        .iter()
        .take(most)
        .take_while(|byte| class(**byte))
        .count();
    spend(length + 1);
    length
}

/// How many bytes before `end` are of `class`, at most `most`.
fn count_back(text: &[u8], end: usize, most: usize, class: fn(u8) -> bool) -> usize {
    let length = text[..end]
        .iter()
        .rev()
        .take(most)
        .take_while(|byte| class(**byte))
        .count();
    spend(length + 1);
    length
}

/// Not the end of a longer run of parts, not in a word, not after a product's name (`Chrome/`).
fn clean_before(text: &[u8], start: usize) -> bool {
    let before_that = byte(text, start.checked_sub(2));
    let worded = before_that.is_some_and(|byte| byte.is_ascii_alphanumeric());
    match byte(text, start.checked_sub(1)) {
        Some(b'.' | b'/') => !worded,
        // From one address to another.
        Some(b'-') => !before_that.is_some_and(|byte| byte.is_ascii_alphabetic()),
        _ => !glued_before(text, start),
    }
}

/// Not the start of a longer run of parts, no version's suffix, no network.
fn clean_after(text: &[u8], end: usize) -> bool {
    let after_that = byte(text, Some(end + 1));
    match byte(text, Some(end)) {
        Some(b'.') => !after_that.is_some_and(|byte| byte.is_ascii_alphanumeric()),
        Some(b'-') => {
            let digits = count(text, end + 1, 4, |byte| byte.is_ascii_digit());
            // `1.2.3.4-1` is a package; the last address of a range has all its parts.
            !after_that.is_some_and(|byte| byte.is_ascii_alphanumeric())
                || (1..=3).contains(&digits) && byte(text, Some(end + 1 + digits)) == Some(b'.')
        }
        Some(b'/') => {
            let digits = count(text, end + 1, 4, |byte| byte.is_ascii_digit());
            let prefix = &text[end + 1..end + 1 + digits];
            digits == 0 || digits > 3 || matches!(prefix, b"32" | b"128")
        }
        Some(b'%' | b'_') => false,
        _ => !glued_after(text, end),
    }
}

/// Whether one of the two words before `start` is for versions or sections; punctuation between
/// them is that of `version: "1.2.3.4"` and `§ 1.2.3.4`.
fn after_version_word(text: &[u8], start: usize) -> bool {
    const MAX_WORD_BYTES: usize = 12;
    let mut end = start;
    for _ in 0..2 {
        let gap = count_back(text, end, 4, |byte| {
            matches!(
                byte,
                b' ' | b':' | b'=' | b'"' | b'\'' | b'`' | b'(' | b'*' | b','
            )
        });
        end -= gap;
        // The last byte of a section sign.
        if text[..end].ends_with("§".as_bytes()) {
            return true;
        }
        let letters = count_back(text, end, MAX_WORD_BYTES + 1, |byte| {
            byte.is_ascii_alphabetic()
        });
        let word = &text[end - letters..end];
        spend(VERSION_WORDS.len());
        if VERSION_WORDS
            .iter()
            .any(|version| word.eq_ignore_ascii_case(version))
        {
            return true;
        }
        if letters == 0 || letters > MAX_WORD_BYTES {
            return false;
        }
        end -= letters;
    }
    false
}
