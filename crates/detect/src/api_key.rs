//! API keys: a prefix of the issuer, then its format, then its checksum where it has one.
//!
//! | issuer | format | score |
//! |---|---|---|
//! | `github` | `gh[pousr]_` + 30 base62 + CRC-32 in base62 (6), source 1 | 1.0 |
//! | | `ghr_` + 76 base62 | 0.9, or 1.0 with the same checksum |
//! | | `ghs_` + app id + `_` + JWT (since April 2026), source 2 | 0.95 |
//! | | `github_pat_` + 22 base62 + `_` + 59 base62 | 0.95 |
//! | `npm` | `npm_` + 30 base62 + CRC-32 in base62 (6), source 3 | 1.0 |
//! | `gitlab` | `glpat-` + 27..=300 base64url + `.` version and length + CRC-32 in base36 (7), source 4 | 1.0 |
//! | | `glpat-` + 20 base64url | 0.9 |
//! | `aws` | `AKIA` or `ASIA` + 16 base32 | 0.9 |
//! | `google` | `AIza` + 35 base64url | 0.9 |
//! | `slack` | `xox[abeoprs]-` + 1 to 3 numbers + secret; `xapp-` + digit, id, number, 64 hex | 0.9 |
//! | `stripe` | `sk_live_` or `rk_live_` + 24..=128 base62 | 0.9 |
//! | `openai` | `sk-`, `sk-proj-`, `sk-svcacct-`, `sk-admin-` with `T3BlbkFJ` in the middle | 0.95 |
//! | `anthropic` | `sk-ant-` + kind and version + `-` + 93 base64url + `AA` | 0.95 |
//! | `pypi` | `pypi-` + macaroon that opens with the index's name + 50..=1000 base64url | 0.95 |
//!
//! A key that should carry a checksum and does not pass it is no key. Scores below 1 order how
//! telling the format is; they are not calibrated. Keys of which only the format speaks must have
//! at least [`MIN_DISTINCT`] different characters, so that the `AKIAXXXX...` of documentation
//! is not taken for one.
//! Prefixes are case-sensitive and must not be glued to a letter, digit or `_` before them.
//!
//! Lengths not given by the issuers follow the rules of gitleaks 8. Sources:
//!
//! 1. <https://github.blog/2021-04-05-behind-githubs-new-authentication-token-formats/>
//! 2. <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>
//! 3. <https://github.blog/2021-09-23-announcing-npms-new-access-token-format/>
//! 4. <https://handbook.gitlab.com/handbook/engineering/architecture/design-documents/cells/routable_tokens/>
//!    and `lib/authn/token_field/generator/routable_token.rb` in gitlab-org/gitlab

use std::sync::Arc;

use weir_types::{Category, Severity};

use crate::checksum::{crc32, parse_base};
use crate::matched::Match;
use crate::view::View;
use crate::word::{glued_after, glued_before};
use crate::work::spend;

const CHECKED: f32 = 1.0;
const TELLING: f32 = 0.95;
const PLAIN: f32 = 0.9;

/// Fewest different characters in a key without a checksum. Of 16 random base32 characters fewer
/// than 7 differ once in some 100,000 keys.
const MIN_DISTINCT: u32 = 7;

/// Given a key's prefix and all text from its start on, the key's length in bytes and score.
type Check = fn(&'static str, &[u8]) -> Option<(usize, f32)>;

/// A prefix and what must follow it.
pub(crate) struct Format {
    /// What the automaton looks for; at least three bytes, so that it is rare.
    pub(crate) prefix: &'static str,
    issuer: &'static str,
    check: Check,
}

const fn format(prefix: &'static str, issuer: &'static str, check: Check) -> Format {
    Format {
        prefix,
        issuer,
        check,
    }
}

/// All formats; the automaton's patterns after the literals are their prefixes in this order.
pub(crate) const FORMATS: [Format; 28] = [
    format("ghp_", "github", base62_crc),
    format("gho_", "github", base62_crc),
    format("ghu_", "github", base62_crc),
    format("ghs_", "github", github_installation),
    format("ghr_", "github", github_refresh),
    format("github_pat_", "github", github_fine_grained),
    format("npm_", "npm", base62_crc),
    format("glpat-", "gitlab", gitlab),
    format("AKIA", "aws", aws),
    format("ASIA", "aws", aws),
    format("AIza", "google", google),
    format("xoxa-", "slack", slack),
    format("xoxb-", "slack", slack),
    format("xoxe-", "slack", slack),
    format("xoxo-", "slack", slack),
    format("xoxp-", "slack", slack),
    format("xoxr-", "slack", slack),
    format("xoxs-", "slack", slack),
    format("xapp-", "slack", slack_app),
    format("sk_live_", "stripe", stripe),
    format("rk_live_", "stripe", stripe),
    format("sk-", "openai", openai_legacy),
    format("sk-proj-", "openai", openai),
    format("sk-svcacct-", "openai", openai),
    format("sk-admin-", "openai", openai),
    format("sk-ant-", "anthropic", anthropic),
    // The first bytes of a macaroon with the index, or its test instance, as location.
    format("pypi-AgEIcHlwaS5vcmc", "pypi", pypi),
    format("pypi-AgENdGVzdC5weXBpLm9yZw", "pypi", pypi),
];

#[derive(Debug, Clone)]
pub(crate) struct KeyDetector {
    /// Issuers in the order of [`FORMATS`].
    issuers: [Arc<str>; FORMATS.len()],
}

impl Default for KeyDetector {
    fn default() -> Self {
        Self {
            issuers: FORMATS.each_ref().map(|format| format.issuer.into()),
        }
    }
}

impl KeyDetector {
    /// The key at `start`, where the automaton found the prefix of `FORMATS[format]` in some case.
    pub(crate) fn check(&self, view: &View<'_>, start: usize, format: usize) -> Option<Match> {
        let Format { prefix, check, .. } = &FORMATS[format];
        let text = view.text.get(start..)?;
        if glued_before(view.text, start) || !text.starts_with(prefix.as_bytes()) {
            return None;
        }
        let (length, score) = check(prefix, text)?;
        Some(Match {
            detector: "api_key",
            rule: self.issuers[format].clone(),
            category: Category::Pii,
            span: view.original(start..start + length),
            score,
            severity: Severity::Critical,
        })
    }
}

fn is_base62(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Length of the run of `class` that starts at `from`, at most `most`.
fn run(text: &[u8], from: usize, most: usize, class: fn(u8) -> bool) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    let length = rest
        .iter()
        .take(most)
        .take_while(|byte| class(**byte))
        .count();
    spend(length + 1);
    length
}

/// Whether the run of `class` that starts at `from` is exactly `length` bytes long.
fn runs_exactly(text: &[u8], from: usize, length: usize, class: fn(u8) -> bool) -> bool {
    run(text, from, length + 1, class) == length
}

fn has_variety(body: &[u8]) -> bool {
    spend(body.len());
    let seen = body
        .iter()
        .fold(0_u128, |seen, byte| seen | 1 << (byte & 0x7f));
    seen.count_ones() >= MIN_DISTINCT
}

/// Whether the last 6 bytes are the base62 CRC-32 of the others.
fn base62_crc_holds(body: &[u8]) -> bool {
    body.split_last_chunk::<6>()
        .is_some_and(|(random, check)| parse_base(check, 62) == Some(crc32(random)))
}

fn base62_crc(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let end = prefix.len() + 36;
    let holds = runs_exactly(text, prefix.len(), 36, is_base62)
        && base62_crc_holds(&text[prefix.len()..end]);
    holds.then_some((end, CHECKED))
}

/// Classic, or `ghs_<app id>_<JWT>`. GitHub asks not to look into the JWT; its form is enough.
fn github_installation(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    if let Some(found) = base62_crc(prefix, text) {
        return Some(found);
    }
    let app = run(text, prefix.len(), 20, |byte| byte.is_ascii_digit());
    let mut end = prefix.len() + app;
    // `eyJ` is base64 for `{"`.
    if app == 0 || !text[end..].starts_with(b"_eyJ") {
        return None;
    }
    end += 1;
    for part in 0..3 {
        if part > 0 {
            if text.get(end) != Some(&b'.') {
                return None;
            }
            end += 1;
        }
        // Headers are short, and a short bound keeps text made of prefixes cheap.
        let most = if part == 0 { 256 } else { 1024 };
        let length = run(text, end, most, is_base64url);
        if length < 16 {
            return None;
        }
        end += length;
    }
    Some((end, TELLING))
}

fn github_refresh(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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

fn github_fine_grained(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let middle = prefix.len() + 22;
    let end = middle + 1 + 59;
    let fits = runs_exactly(text, prefix.len(), 22, is_base62)
        && text.get(middle) == Some(&b'_')
        && runs_exactly(text, middle + 1, 59, is_base62)
        && has_variety(&text[middle + 1..end]);
    fits.then_some((end, TELLING))
}

/// Routable (since 2024, with a version field since 2025) or the classic 20 characters.
fn gitlab(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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
fn aws(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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

fn google(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let end = prefix.len() + 35;
    let fits =
        runs_exactly(text, prefix.len(), 35, is_base64url) && has_variety(&text[prefix.len()..end]);
    fits.then_some((end, PLAIN))
}

/// `xoxb-<team>-<bot>-<secret>` and its like: numbers of 8 to 14 digits, then the secret.
fn slack(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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
fn slack_app(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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

fn stripe(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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

fn openai_legacy(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    openai_sides(prefix, text, 20, is_base62)
}

/// Keys of 2024 had 20 characters on either side of the mark, later ones 58 or 74.
fn openai(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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
fn anthropic(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
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

fn pypi(prefix: &'static str, text: &[u8]) -> Option<(usize, f32)> {
    let length = run(text, prefix.len(), 1001, is_base64url);
    let end = prefix.len() + length;
    let fits = (50..=1000).contains(&length) && has_variety(&text[prefix.len()..end]);
    fits.then_some((end, TELLING))
}

/// Keys for tests are made at run time: written out they would trip secret scanners.
#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::Detector;

    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// `length` varied characters of `alphabet`.
    fn random(alphabet: &[u8], length: usize, seed: u64) -> String {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                char::from(alphabet[usize::try_from(state >> 33).unwrap() % alphabet.len()])
            })
            .collect()
    }

    fn base62(length: usize, seed: u64) -> String {
        random(BASE62, length, seed)
    }

    fn digits(length: usize, seed: u64) -> String {
        random(b"123456789", length, seed)
    }

    fn encode(mut value: u32, base: u32, length: usize) -> String {
        let alphabet = if base == 62 {
            &BASE62[..]
        } else {
            b"0123456789abcdefghijklmnopqrstuvwxyz"
        };
        let mut out = Vec::new();
        for _ in 0..length {
            out.push(alphabet[usize::try_from(value % base).unwrap()]);
            value /= base;
        }
        out.reverse();
        String::from_utf8(out).unwrap()
    }

    /// `prefix` + random base62 + checksum; `body` characters after the prefix.
    pub(crate) fn checked(prefix: &str, body: usize, seed: u64) -> String {
        let random = base62(body - 6, seed);
        format!(
            "{prefix}{random}{}",
            encode(crc32(random.as_bytes()), 62, 6)
        )
    }

    fn routable(middle: &str, seed: u64) -> String {
        let body = format!("{}-{}{middle}", ["glp", "at"].concat(), base62(28, seed));
        format!("{body}{}", encode(crc32(body.as_bytes()), 36, 7))
    }

    fn openai_key(prefix: &str, side: usize) -> String {
        let mark = ["T3Blb", "kFJ"].concat();
        format!("{prefix}-{}{mark}{}", base62(side, 3), base62(side, 4))
    }

    fn found(text: &str) -> Vec<(String, String, f32)> {
        let mut out = Vec::new();
        Detector::compile(&[])
            .unwrap()
            .scan(text.as_bytes(), 0, &mut out);
        out.into_iter()
            .filter(|found| found.detector == "api_key")
            .map(|m| {
                assert_eq!(
                    (m.category, m.severity),
                    (Category::Pii, Severity::Critical)
                );
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned(), m.score)
            })
            .collect()
    }

    fn keys() -> Vec<(&'static str, String, f32)> {
        let hex64 = random(b"0123456789abcdef", 64, 9);
        vec![
            ("github", checked(&["gh", "p_"].concat(), 36, 1), CHECKED),
            ("github", checked(&["gh", "o_"].concat(), 36, 2), CHECKED),
            ("github", checked(&["gh", "u_"].concat(), 36, 3), CHECKED),
            ("github", checked(&["gh", "s_"].concat(), 36, 4), CHECKED),
            ("github", checked(&["gh", "r_"].concat(), 36, 5), CHECKED),
            ("github", checked(&["gh", "r_"].concat(), 76, 5), CHECKED),
            ("github", format!("{}_{}", "ghr", base62(76, 6)), PLAIN),
            (
                "github",
                format!(
                    "{}_12345_eyJ{}.eyJ{}.{}",
                    "ghs",
                    base62(33, 1),
                    base62(200, 2),
                    base62(86, 3)
                ),
                TELLING,
            ),
            (
                "github",
                format!("{}_pat_{}_{}", "github", base62(22, 7), base62(59, 8)),
                TELLING,
            ),
            ("npm", checked(&["np", "m_"].concat(), 36, 9), CHECKED),
            ("gitlab", routable(".0s", 10), CHECKED),
            ("gitlab", routable(".01.0s", 11), CHECKED),
            ("gitlab", format!("{}-{}", "glpat", base62(20, 12)), PLAIN),
            (
                "aws",
                format!(
                    "{}{}",
                    "AKIA",
                    random(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, 13)
                ),
                PLAIN,
            ),
            (
                "aws",
                format!(
                    "{}{}",
                    "ASIA",
                    random(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16, 14)
                ),
                PLAIN,
            ),
            ("google", format!("{}{}", "AIza", base62(35, 15)), PLAIN),
            (
                "slack",
                format!(
                    "{}-{}-{}-{}",
                    "xoxb",
                    digits(12, 1),
                    digits(13, 2),
                    base62(24, 16)
                ),
                PLAIN,
            ),
            (
                "slack",
                format!("{}-{}-{}", "xoxb", digits(11, 1), base62(24, 17)),
                PLAIN,
            ),
            (
                "slack",
                format!(
                    "{}-{}-{}-{}-{}",
                    "xoxp",
                    digits(12, 1),
                    digits(12, 2),
                    digits(12, 3),
                    base62(32, 18)
                ),
                PLAIN,
            ),
            (
                "slack",
                format!("{}-1-A{}-{}-{hex64}", "xapp", digits(10, 4), digits(13, 5)),
                PLAIN,
            ),
            ("stripe", format!("{}_live_{}", "sk", base62(24, 19)), PLAIN),
            ("stripe", format!("{}_live_{}", "rk", base62(99, 20)), PLAIN),
            ("openai", openai_key("sk", 20), TELLING),
            ("openai", openai_key("sk-proj", 20), TELLING),
            ("openai", openai_key("sk-proj", 58), TELLING),
            ("openai", openai_key("sk-proj", 74), TELLING),
            ("openai", openai_key("sk-svcacct", 58), TELLING),
            ("openai", openai_key("sk-admin", 74), TELLING),
            (
                "anthropic",
                format!("{}-ant-api03-{}AA", "sk", base62(93, 21)),
                TELLING,
            ),
            (
                "anthropic",
                format!("{}-ant-admin01-{}AA", "sk", base62(93, 22)),
                TELLING,
            ),
            (
                "pypi",
                format!("{}-AgEIcHlwaS5vcmc{}", "pypi", base62(140, 23)),
                TELLING,
            ),
            (
                "pypi",
                format!("{}-AgENdGVzdC5weXBpLm9yZw{}", "pypi", base62(140, 24)),
                TELLING,
            ),
        ]
    }

    #[test]
    fn positives() {
        for (issuer, key, score) in keys() {
            for text in [
                key.clone(),
                format!("use {key} now"),
                format!("{key}."),
                format!("token={key};"),
                format!("\"{key}\""),
                format!(r"key:\n{key}\n"),
                format!("--key={key}"),
                format!("https://x:{key}@example.com/"),
                format!("密钥{key}。"),
                format!("{key}\n{key}"),
            ] {
                let copies = text.matches(&key).count();
                let expected = vec![(issuer.to_owned(), key.clone(), score); copies];
                assert_eq!(found(&text), expected, "{text:?}");
            }
        }
    }

    #[test]
    fn no_key_survives_being_glued_cut_or_in_another_case() {
        for (_, key, _) in keys() {
            let cut = &key[..key.len() - 1];
            let flipped: String = key
                .chars()
                .map(|c| {
                    if c.is_ascii_uppercase() {
                        c.to_ascii_lowercase()
                    } else {
                        c.to_ascii_uppercase()
                    }
                })
                .collect();
            for text in [
                format!("x{key}"),
                format!("_{key}"),
                format!("9{key}"),
                flipped,
            ] {
                assert_eq!(found(&text), [], "{text:?}");
            }
            // Keys of variable length still fit when cut.
            let variable = ["xox", "sk_l", "rk_l", "pypi", "ghs_12345"];
            if !variable.iter().any(|prefix| key.starts_with(prefix)) {
                assert_eq!(found(cut), [], "{cut:?}");
            }
        }
    }

    #[test]
    fn any_changed_character_breaks_a_checksum() {
        for (_, key, _) in keys().iter().filter(|(_, _, score)| *score >= CHECKED) {
            // The long refresh token is reported on its format alone.
            if key.len() == 80 {
                continue;
            }
            for at in key.find(['_', '-']).unwrap() + 1..key.len() {
                let old = key.as_bytes()[at];
                if !old.is_ascii_alphanumeric() {
                    continue;
                }
                let new = if old == b'7' { "8" } else { "7" };
                let text = format!("{}{new}{}", &key[..at], &key[at + 1..]);
                assert_eq!(found(&text), [], "{text:?}");
            }
        }
    }

    #[test]
    fn negatives() {
        let gh = ["gh", "p_"].concat();
        let upper = |length| random(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", length, 1);
        for text in [
            gh.clone(),
            format!("{gh}{}", base62(36, 1)),    // checksum
            format!("{}x", checked(&gh, 36, 1)), // too long
            format!("{gh}{}", "x".repeat(36)),
            format!("{}_{}", "npm", base62(36, 2)), // checksum
            "npm_config_registry=https://registry.example.org".into(),
            "npm_package_json_with_a_very_long_name_indeed".into(),
            format!("{}_{}", "ghs", digits(36, 1)),
            format!("{}_1_eyJ{}", "ghs", base62(40, 1)), // no JWT
            format!("{}_pat_{}", "github", base62(82, 1)), // no inner `_`
            format!("{}_pat_{}_{}", "github", base62(22, 1), "0".repeat(59)),
            format!("{}-{}.0s{}", "glpat", base62(28, 1), "0abc123"), // checksum
            format!("{}-{}", "glpat", base62(19, 1)),
            format!("{}-{}", "glpat", base62(21, 1)),
            format!("{}-{}", "glpat", "x".repeat(20)),
            format!("{}IOSFODNN7EXAMPLE", "AKIA"), // AWS's documentation
            format!("{}{}", "AKIA", "X".repeat(16)),
            format!("{}{}", "AKIA", upper(15)),
            format!("{}{}", "AKIA", upper(17)),
            format!("{}{}", "AKIA", upper(16).to_lowercase()),
            format!("{}{}1", "AKIA", upper(15)), // 1 is no base32
            "SLOVAKIAABCDEFGHIJKLMNOP".into(),
            format!("{}{}", "AIza", base62(34, 1)),
            format!("{}{}", "AIza", base62(36, 1)),
            format!("{}{}", "AIza", "a".repeat(35)),
            format!("{}-your-token-here", "xoxb"),
            format!("{}-123-456-{}", "xoxb", base62(24, 1)),
            format!(
                "{}-{}-{}-{}",
                "xoxb",
                digits(12, 1),
                digits(12, 2),
                "x".repeat(24)
            ),
            format!("{}_test_{}", "sk", base62(24, 1)),
            format!("{}_live_{}", "sk", base62(23, 1)),
            format!("{}_live_...", "sk"),
            format!("{}-{}", "sk", base62(48, 1)), // no mark
            format!("{}-proj-{}", "sk", base62(48, 1)),
            "task-risk-ask-based sk-learn".into(),
            format!("{}-ant-api03-{}AB", "sk", base62(93, 1)),
            format!("{}-ant-api03-{}AA", "sk", base62(92, 1)),
            format!("{}-ant-{}AA", "sk", base62(93, 1)),
            format!("{}-AgEIcHlwaS5vcmc", "pypi"),
            format!("{}-{}", "pypi", base62(150, 1)),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709".into(),
            "550e8400-e29b-41d4-a716-446655440000".into(),
        ] {
            assert_eq!(found(&text), [], "{text:?}");
        }
    }

    #[test]
    fn random_keys_have_variety() {
        for seed in 0..10_000 {
            assert!(
                has_variety(random(&BASE62[..36], 16, seed + 1).as_bytes()),
                "{seed}"
            );
        }
    }
}
