//! Keys for tests are made at run time: written out they would trip secret scanners.

use super::checks::{CHECKED, PLAIN, TELLING, has_variety};
use super::checksum::crc32;
use super::*;
use crate::Detector;
use crate::secrets::tests::random;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

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
        "order AKIA-2024-0517-000042".into(),
        "tracking 1Z999AA10123456784".into(),
        "npm_v10.2.4 of 2024-05-17".into(),
        "sk-48.8583701-2.2944813".into(),
        "ISBN 978-0-306-40615-7".into(),
        format!("sha256:{}", random(b"0123456789abcdef", 64, 7)),
        format!("integrity sha512-{}==", base62(86, 7)),
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
