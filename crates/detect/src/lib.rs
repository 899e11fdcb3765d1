//! The rules engine: literal rules, validated PII and secrets, as spans of the original bytes.
//!
//! [`Detector::compile`] turns the literal rules of a policy into one automaton;
//! [`Detector::scan`] looks at a text and appends what it found, by position:
//!
//! | detector | rule | looks for | checked by |
//! |---|---|---|---|
//! | `literal` | the rule's id | the rule's literals, any case | word boundaries |
//! | `card` | the scheme, e.g. `visa` | payment card numbers | issuer range, length, Luhn |
//! | `email` | `email` | mail addresses | an RFC 5321 subset |
//! | `api_key` | the issuer, e.g. `github` | keys of ten issuers | format, checksum where there is one |
//!
//! [`identify`] tells the language of a text.
//!
//! Texts are bytes. Invalid UTF-8 is not repaired: it matches nothing and breaks words, and spans
//! still count it. A scan is a pure function of the rules and the text; it allocates nothing when
//! it finds nothing.
//!
//! # Cost
//!
//! A scan of `n` bytes with `m` raw hits takes O(n + m log m) steps whatever the text, and `m` is
//! at most `n` times the number of literals that end in one another. The tests count the steps on
//! 10 MB of hostile input rather than time them. Per part:
//!
//! - the automaton takes one transition per byte, which is most of the time on ordinary prompts;
//! - cards are looked for by probing 2 bytes in 12, and each run of digits is walked once,
//!   with at most 38 bytes of look-ahead per group of digits;
//! - an address costs at most 73 bytes before its `@` and 255 after, and neither side crosses
//!   another `@`;
//! - a key costs at most its maximal length after its prefix.
//!
//! # What is not here yet
//!
//! Look-alikes, zero-width characters, full-width digits and mixed-case non-ASCII literals slip
//! through: a normaliser will put the text into one spelling and map spans back. The scan already
//! goes through the seam that it needs (`view.rs`).

mod api_key;
mod builtin;
mod card;
mod checksum;
mod context;
mod detector;
mod email;
mod injection;
mod island;
mod language;
pub mod mask;
mod matched;
mod normal;
mod pii;
#[cfg(test)]
mod properties;
mod rules;
mod scanner;
mod secrets;
mod skeleton;
#[cfg(test)]
mod testing;
mod view;
mod word;
mod work;

pub use detector::Detector;
pub use language::{Language, identify};
pub use matched::{Match, settle};
pub use rules::CompileError;
pub use scanner::Scanner;
