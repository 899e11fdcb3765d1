//! The rules engine: what can be decided exactly, as spans of the original bytes.
//!
//! [`Detector::compile`] takes the rules of a policy; [`Detector::scan`] looks at a text and appends what
//! it found, by position; [`Scanner`] does the same for a text that comes in pieces.
//!
//! | detector | rule | looks for | checked by |
//! |---|---|---|---|
//! | `literal` | the rule's id | the rule's literals, in any case and disguise | letters, gaps, word boundaries |
//! | `pattern` | the rule's id | the rule's patterns, in any case | their automaton |
//! | `card` | the scheme | payment card numbers | issuer range, length, Luhn |
//! | `iban` | `iban` | bank accounts of 89 countries | length, structure, mod 97 |
//! | `national_id` | country and id, e.g. `br_cpf` | national numbers | checksums, dates, context words |
//! | `passport` | the zone, e.g. `mrz_td3` | machine-readable zones | check digits (ICAO 9303) |
//! | `phone` | the region or `international` | telephone numbers | numbering plans, context words |
//! | `email` | `email` | mail addresses | an RFC 5321 subset |
//! | `ip` | `ipv4`, `ipv6` | public network addresses | their form, context |
//! | `api_key` | the issuer | keys of ten issuers | format, checksum where there is one |
//! | `private_key` | the armour | PEM, OpenSSH and PGP private keys | header and body |
//! | `jwt` | `jwt` | JSON web tokens | the decoded header |
//! | `secret` | `assignment` | passwords and tokens where one is assigned | entropy, not a placeholder |
//! | `injection` | the heuristic, e.g. `override.de` | prompt injection in twelve languages | words near one another |
//!
//! Each module says what its form is, where that is written down, and how often it errs.
//!
//! Texts are bytes. They go through three layers (`docs/adr/0006-detection.md`):
//!
//! - `normal/` turns them into *clean text*: decoded, visible, in one spelling;
//! - `skeleton/` turns that into letters alone, look-alikes as one, for literals;
//! - `view.rs` is how detectors read clean text and report original bytes.
//!
//! `rules/` compiles a policy's rules, `scanner.rs` drives everything, `matched.rs` puts findings in order.
//! [`mask`] masks findings in the original bytes; [`identify`] tells the language; [`Detector::explain`] tells
//! people why something was found.
//!
//! # Cost
//!
//! A scan of `n` bytes with `m` raw hits takes O(n + m log m) steps whatever the text, and `m` is at most
//! `n` times the number of literals that end in one another. The tests count steps on megabytes of
//! hostile input rather than time them; `weir bench detect` times ordinary ones.

mod builtin;
mod context;
mod detector;
mod explain;
mod injection;
mod island;
mod language;
pub mod mask;
mod matched;
mod normal;
mod pii;
#[cfg(test)]
mod properties;
mod reader;
mod rules;
pub mod saved;
mod scanner;
mod secrets;
mod skeleton;
#[cfg(test)]
mod testing;
mod view;
mod word;
mod work;

pub use detector::{Detector, Required};
pub use explain::{Because, Decoded, Explained, Explanation, Sought};
pub use language::{Language, identify, identify_bytes};
pub use matched::{Match, settle};
pub use normal::{Change, Why};
pub use rules::CompileError;
pub use saved::StateError;
pub use scanner::Scanner;
pub use word::is_word;
