//! Private keys in text armour: a header line and base64 after it.
//!
//! | rule | header | source |
//! |---|---|---|
//! | `pem` | `-----BEGIN PRIVATE KEY-----`, also with `RSA`, `EC`, `DSA`, `ENCRYPTED` and the like | RFC 7468, sections 10 and 11, and OpenSSL's traditional names |
//! | `openssh` | `-----BEGIN OPENSSH PRIVATE KEY-----` | OpenSSH, PROTOCOL.key |
//! | `pgp` | `-----BEGIN PGP PRIVATE KEY BLOCK-----` | RFC 9580, section 6.2 |
//!
//! The header alone is what documentation talks about. It counts when within
//! [`MAX_PREAMBLE_BYTES`] a run of at least [`MIN_RUN`] base64 characters of some variety follows:
//! armour wraps at 64 to 76 characters, and no word is that long. Line breaks may be escaped
//! (`\n`), as in JSON. Encrypted keys count too; their passphrases are seldom better kept.
//!
//! The span begins after the header's first dashes, which begin much else: no stream waits for what may follow
//! one. It goes to the end of the footer, or as far as the block goes within [`AHEAD`]. That is all
//! of an elliptic or Ed25519 key and of an RSA key of 2,048 bits (1,704 bytes in PKCS #8), and the
//! first 2,048 of the some 3,270 bytes of one of 4,096 bits: who masks by spans leaves the tail of that
//! standing, and without its head no key can be put together from it.
//!
//! False positives: a made-up block with 32 characters that vary, which prose never holds. None in the
//! 128,445 harmless rows of `evals/rules`.

use std::sync::Arc;

use memchr::memmem;
use weir_types::{Category, Severity};

use super::is_varied;
use crate::matched::Match;
use crate::view::View;
use crate::work::spend;

/// Bytes before a finding that decide about it: the dashes of its header.
pub(crate) const BEHIND: usize = DASHES.len();
/// How far from a finding's start bytes decide about it and its span.
pub(crate) const AHEAD: usize = 2048;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
/// Longest label; `PGP PRIVATE KEY BLOCK` and `ENCRYPTED PRIVATE KEY` have half of that.
const MAX_LABEL_BYTES: usize = 40;
/// How far after the header its base64 may start: `Proc-Type` and `DEK-Info` (RFC 1421), or
/// `Version` and `Comment` of OpenPGP, indented.
const MAX_PREAMBLE_BYTES: usize = 256;
/// Fewest base64 characters in a row; an Ed25519 key of RFC 8410 has 64 in all.
const MIN_RUN: usize = 32;
/// Fewest of them that differ. Of 32 random ones some 25 do; of `xxxx...` one.
const MIN_DISTINCT: u32 = 12;
/// Fewest characters of a further line of a block whose end is not in sight, so that prose after
/// a cut block is not taken in.
const MIN_LINE: usize = 24;

/// What a finding is called, by the kind of its armour.
pub(crate) const RULES: [&str; 3] = ["pem", "openssh", "pgp"];

#[derive(Debug, Clone)]
pub(crate) struct PrivateKeyDetector {
    /// In the order of [`RULES`].
    names: [Arc<str>; RULES.len()],
    begin: memmem::Finder<'static>,
}

impl Default for PrivateKeyDetector {
    fn default() -> Self {
        Self::new()
    }
}

impl PrivateKeyDetector {
    pub(crate) fn new() -> Self {
        Self {
            names: RULES.map(Into::into),
            begin: memmem::Finder::new(BEGIN),
        }
    }

    /// Where in `text`, from `from` on, the first block begins that what follows may complete or
    /// lengthen; the end if none does.
    pub(crate) fn open_from(&self, text: &[u8], from: usize) -> usize {
        let from = from
            .saturating_sub(DASHES.len())
            .max(text.len().saturating_sub(AHEAD));
        let whole = self
            .begin
            .find_iter(&text[from..])
            .map(|at| from + at)
            .find(|&at| is_open(&text[at..]));
        let cut = (from.max(text.len().saturating_sub(BEGIN.len() - 1))..text.len())
            .find(|&at| BEGIN.starts_with(&text[at..]));
        spend(text.len() - from);
        let begins = whole.or(cut).map(|at| at + DASHES.len());
        begins.unwrap_or(text.len()).min(text.len())
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        spend(view.text.len());
        let [pem, openssh, pgp] = &self.names;
        for start in self.begin.find_iter(view.text) {
            let block = &view.text[start..];
            let block = &block[..block.len().min(AHEAD)];
            let Some((label, body)) = header(block) else {
                continue;
            };
            let Some(length) = block_length(block, body) else {
                continue;
            };
            let rule = match label {
                b"OPENSSH PRIVATE KEY" => openssh,
                b"PGP PRIVATE KEY BLOCK" => pgp,
                _ => pem,
            };
            out.push(Match {
                detector: "private_key",
                rule: rule.clone(),
                category: Category::Pii,
                span: view.original(start + DASHES.len()..start + length),
                score: 0.95,
                severity: Severity::Critical,
            });
        }
    }
}

/// Whether a block that starts with [`BEGIN`] goes on beyond what is there.
fn is_open(block: &[u8]) -> bool {
    if block.len() >= AHEAD {
        return false;
    }
    let Some((_, body)) = header(block) else {
        // Nothing but a label, and perhaps some of the dashes that end it.
        let rest = &block[BEGIN.len()..];
        let label = rest
            .iter()
            .position(|byte| *byte == b'-')
            .unwrap_or(rest.len());
        let named = rest[..label]
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b' ');
        return named && label <= MAX_LABEL_BYTES && DASHES.starts_with(&rest[label..]);
    };
    // The dashes that end the body, and those that end the footer.
    let Some(dashes) = memmem::find(&block[body..], DASHES) else {
        return true;
    };
    let footer = &block[body + dashes..];
    if !footer.starts_with(END) {
        return END.starts_with(footer);
    }
    let label = &footer[END.len()..];
    label.len() < MAX_LABEL_BYTES + DASHES.len() && memmem::find(label, DASHES).is_none()
}

/// The label of the header that `block` starts with, and where its body starts.
fn header(block: &[u8]) -> Option<(&[u8], usize)> {
    let rest = &block[BEGIN.len()..];
    let length = rest
        .iter()
        .take(MAX_LABEL_BYTES + 1)
        .take_while(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || **byte == b' ')
        .count();
    spend(length);
    let label = &rest[..length];
    let private = label.ends_with(b"PRIVATE KEY") || label == b"PGP PRIVATE KEY BLOCK";
    (length <= MAX_LABEL_BYTES && private && rest[length..].starts_with(DASHES))
        .then_some((label, BEGIN.len() + length + DASHES.len()))
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// The first run of base64 of at least `least` characters in `block[from..]`: its start and end.
///
/// An escaped line break ends a run, and the letter of the escape is no part of the next one.
fn next_run(block: &[u8], from: usize, least: usize) -> Option<(usize, usize)> {
    let mut at = from;
    while at < block.len() {
        if block[at] == b'\\' {
            at += 2;
            continue;
        }
        let run = block[at..]
            .iter()
            .take_while(|byte| is_base64(**byte))
            .count();
        spend(run + 1);
        if run >= least {
            return Some((at, at + run));
        }
        at += run + 1 - usize::from(run > 0);
    }
    None
}

/// How long the block is whose body starts at `body`; `None` when no key is in it.
fn block_length(block: &[u8], body: usize) -> Option<usize> {
    // No line of a block holds dashes, so the next ones end it. To look no further keeps a text
    // made of headers cheap.
    let dashes = memmem::find(&block[body..], DASHES).map(|offset| body + offset);
    let held = &block[..dashes.unwrap_or(block.len())];
    spend(held.len());
    let footer = dashes.filter(|&dashes| block[dashes..].starts_with(END));
    let (start, mut end) = next_run(held, body, MIN_RUN)?;
    let run = &held[start..end];
    // The keys of manuals say that they are examples.
    if start - body > MAX_PREAMBLE_BYTES
        || !is_varied(run, MIN_DISTINCT)
        || memmem::find(run, b"EXAMPLE").is_some()
    {
        return None;
    }
    if let Some(footer) = footer {
        let label = footer + END.len();
        let rest = &block[label..block.len().min(label + MAX_LABEL_BYTES + DASHES.len())];
        spend(rest.len());
        return Some(
            memmem::find(rest, DASHES).map_or(footer, |offset| label + offset + DASHES.len()),
        );
    }
    while let Some((next, next_end)) = next_run(held, end, 1) {
        // Only a line break, its escape, quotes and indentation part the lines of a block; a cut
        // last line may be short.
        let cut = next_end == block.len();
        if next - end > 16 || (next_end - next < MIN_LINE && !cut) {
            break;
        }
        end = next_end;
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::tests::random;
    use crate::work;

    const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    fn found(text: &str) -> Vec<(String, String)> {
        let mut out = Vec::new();
        PrivateKeyDetector::new().scan(&View::new(text.as_bytes(), 0), &mut out);
        out.into_iter()
            .map(|m| {
                assert_eq!(
                    (m.detector, m.severity),
                    ("private_key", Severity::Critical)
                );
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned())
            })
            .collect()
    }

    /// A finding that covers a block but for its first dashes.
    fn covered(rule: &str, block: &str) -> (String, String) {
        (rule.to_owned(), block[DASHES.len()..].to_owned())
    }

    /// Dashes and label apart, so that no scanner takes this file for a key.
    fn line(word: &str, label: &str) -> String {
        format!("{0}{word} {label}{0}", "-----")
    }

    fn block(label: &str, lines: usize, width: usize, line_break: &str) -> String {
        let body: Vec<String> = (1..=lines as u64)
            .map(|seed| random(BASE64, width, seed))
            .collect();
        [
            line("BEGIN", label),
            body.join(line_break),
            line("END", label),
        ]
        .join(line_break)
    }

    #[test]
    fn positives() {
        for label in [
            "PRIVATE KEY",
            "RSA PRIVATE KEY",
            "EC PRIVATE KEY",
            "DSA PRIVATE KEY",
            "ENCRYPTED PRIVATE KEY",
            "ANY PRIVATE KEY",
        ] {
            for (lines, width) in [(1, 64), (2, 64), (5, 70), (6, 64)] {
                for line_break in ["\n", "\r\n", "\\n", "\n  ", " "] {
                    let key = block(label, lines, width, line_break);
                    for text in [key.clone(), format!("here: \"{key}\", thanks")] {
                        assert_eq!(found(&text), [covered("pem", &key)], "{text:?}");
                    }
                }
            }
        }
        let key = block("OPENSSH PRIVATE KEY", 5, 70, "\n");
        assert_eq!(found(&key), [covered("openssh", &key)]);
        let key = block("PGP PRIVATE KEY BLOCK", 5, 64, "\n");
        assert_eq!(found(&key), [covered("pgp", &key)]);
        let headers =
            "\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n";
        let text = block("RSA PRIVATE KEY", 3, 64, "\n").replacen('\n', headers, 1);
        assert_eq!(found(&text).len(), 1);
        let two = format!("{0}\n{0}", block("PRIVATE KEY", 1, 64, "\n"));
        assert_eq!(found(&two).len(), 2);
    }

    #[test]
    fn long_and_cut_blocks_are_covered_as_far_as_seen() {
        // As long as RSA keys of 2,048 and 4,096 bits.
        let key = block("RSA PRIVATE KEY", 25, 64, "\n");
        assert!((1_650..1_750).contains(&key.len()));
        assert_eq!(found(&key), [covered("pem", &key)]);
        let key = block("PRIVATE KEY", 50, 64, "\n");
        assert_eq!(found(&key), [covered("pem", &key[..AHEAD])]);
        let cut = format!(
            "{}\n{}",
            line("BEGIN", "PRIVATE KEY"),
            random(BASE64, 50, 1)
        );
        assert_eq!(found(&cut), [covered("pem", &cut)]);
        let then = format!("{cut}\nand that was all of it");
        assert_eq!(found(&then), [covered("pem", &cut)]);
    }

    #[test]
    fn negatives() {
        let body = random(BASE64, 64, 1);
        let begin = |label: &str| line("BEGIN", label);
        for text in [
            begin("PRIVATE KEY"),
            format!("It starts with {} and so on.", begin("RSA PRIVATE KEY")),
            format!("{}\n{}", begin("PRIVATE KEY"), line("END", "PRIVATE KEY")),
            format!(
                "{}\n...\n{}",
                begin("PRIVATE KEY"),
                line("END", "PRIVATE KEY")
            ),
            format!(
                "{}\n<your key here>\n{}",
                begin("PRIVATE KEY"),
                line("END", "PRIVATE KEY")
            ),
            format!(
                "{}\n{}\n{}",
                begin("PRIVATE KEY"),
                "x".repeat(64),
                line("END", "PRIVATE KEY")
            ),
            format!("{}\n{}\n", begin("PRIVATE KEY"), "abc".repeat(30)),
            format!("{}\n{}\n", begin("PRIVATE KEY"), &body[..31]),
            format!(
                "{}\n{}\n{body}",
                begin("PRIVATE KEY"),
                line("END", "PRIVATE KEY")
            ),
            format!(
                "{}\n{}\n{body}",
                begin("PRIVATE KEY"),
                "words of prose ".repeat(20)
            ),
            format!("{}\nEXAMPLE{body}", begin("PRIVATE KEY")),
            block("PUBLIC KEY", 3, 64, "\n"),
            block("RSA PUBLIC KEY", 3, 64, "\n"),
            block("CERTIFICATE", 3, 64, "\n"),
            block("CERTIFICATE REQUEST", 3, 64, "\n"),
            block("PGP PUBLIC KEY BLOCK", 3, 64, "\n"),
            block("PGP MESSAGE", 3, 64, "\n"),
            block("PGP SIGNATURE", 3, 64, "\n"),
            block("private key", 3, 64, "\n"),
            block("PRIVATE KEYS", 3, 64, "\n"),
            block(&format!("{} PRIVATE KEY", "A".repeat(40)), 3, 64, "\n"),
            format!("---BEGIN PRIVATE KEY---\n{body}"),
            format!("BEGIN PRIVATE KEY\n{body}"),
            format!("-----BEGIN PRIVATE KEY\n{body}"),
            "-----BEGIN ".into(),
            "your private key".into(),
        ] {
            assert_eq!(found(&text), [], "{text:?}");
        }
    }

    #[test]
    fn cost_is_linear_on_hostile_texts() {
        let header = line("BEGIN", "PRIVATE KEY");
        let lines = format!("{header}\nabcdefghijklmnopqrstuvwxyz0123456789\n");
        let cut = format!("{}-----BEGIN ", "A1b2C3d4E5f6G7h8".repeat(120));
        for unit in [
            "-",
            &cut,
            "-----BEGIN ",
            "-----BEGIN PRIVATE KEY",
            &header,
            &lines,
        ] {
            let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
            let mut out = Vec::new();
            let scan = || PrivateKeyDetector::new().scan(&View::new(&text, 0), &mut out);
            let steps = work::count(scan);
            assert!(steps <= 16 * text.len(), "{unit:?}: {steps}");
        }
    }
}
