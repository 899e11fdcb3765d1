//! Masks: what `attenuate` puts in place of findings, in the original bytes.
//!
//! | mask | `4111 1111 1111 1111` becomes | `Bob@example.org` becomes |
//! |---|---|---|
//! | `last_four` | `**** **** **** 1111` | `***@******e.org` |
//! | `format_preserving` | `9999 9999 9999 9999` | `Xxx@xxxxxxx.xxx` |
//! | `label` | `[card]` | `[email]` |
//! | `full` | `*******************` | `***************` |
//!
//! That is the order from mildest to strictest.
//!
//! - **`full`**: one `*` for each visible character. Spaces are masked too, so the output tells the
//!   length and nothing else.
//! - **`label`**: the finding's label in brackets, whatever its length.
//! - **`format_preserving`**: every digit becomes `9`, upper-case letters of any script `X`, all other
//!   letters `x`; separators stay. 9 and not 0, because a number of nines is seldom a valid one:
//!   there is no byte 999 in an address, no country code 99 and no issuer with such cards, and 16
//!   nines fail the Luhn test.
//! - **`last_four`**: `*` for all but the last four letters and digits, and never more than a third
//!   of them are shown: three of nine, none of two. Separators stay.
//!
//! The last two keep separators, so for a password with punctuation take one of the first two.
//! A separator is ASCII punctuation, a space or line break, or their look-alikes (`chars.rs`); what is not
//! known to be one is masked like a letter: symbols, emoji, broken bytes. Invisible characters
//! (zero-width, combining, direction, tags) leave nothing behind in any mask, since data hides
//! in them.
//!
//! # Overlapping spans
//!
//! Spans that overlap or touch are masked as one, with the strictest mask among them; of several
//! labels the first one stands. Joining those that touch costs a little legibility, and keeps
//! `last_four` from showing four of each part where a text was found in parts.
//!
//! # Bytes
//!
//! Spans are clamped to the text and widened to whole characters. Combining marks, joiners and
//! variation selectors that follow a span belong to its last character and go with it. Bytes outside
//! are copied as they are, broken UTF-8 included; what is put inside is always UTF-8.
//!
//! Masking the output of `full`, `label` or `format_preserving` again in the same place changes nothing;
//! doing so with `last_four` shows fewer characters or the same ones.
//!
//! Takes O(n + m log m) steps for `n` bytes and `m` spans.

mod chars;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use std::ops::Range;

pub use weir_types::Mask;
use weir_types::Span;

use crate::work::spend;

/// A part of a text and how to mask it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Masked<'a> {
    /// Which bytes of the judged text. Empty and inverted spans mask nothing.
    pub span: Span,
    /// How.
    pub mask: Mask,
    /// What [`Mask::Label`] writes between brackets, e.g. `card`; it must not come from the text.
    pub label: &'a str,
}

/// A copy of `original`, whose first byte is byte `base` of the judged text, with `spans` masked.
///
/// Spans may come in any order, overlap and reach beyond the text.
#[must_use]
pub fn apply(original: &[u8], base: i64, spans: &[Masked<'_>]) -> Vec<u8> {
    apply_with(original, base, spans, |_| {})
}

/// Where a mask stands, in bytes from the start of the text that was given and of what came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What was masked.
    pub original: Range<usize>,
    /// What stands there instead; may be empty.
    pub masked: Range<usize>,
}

/// [`apply`], which also tells where each mask stands, in order.
pub fn apply_with(
    original: &[u8],
    base: i64,
    spans: &[Masked<'_>],
    mut tell: impl FnMut(Place),
) -> Vec<u8> {
    let mut parts: Vec<Part<'_>> = spans
        .iter()
        .filter_map(|masked| Part::of(original, base, masked))
        .collect();
    parts.sort_by_key(|part| part.range.start);
    let mut out = Vec::with_capacity(original.len());
    let mut copied = 0;
    let mut parts = parts.into_iter().peekable();
    while let Some(mut part) = parts.next() {
        part.range.end = chars::cluster_end(original, part.range.end);
        while let Some(next) = parts.next_if(|next| next.range.start <= part.range.end) {
            if next.range.end > part.range.end {
                part.range.end = chars::cluster_end(original, next.range.end);
            }
            if next.mask > part.mask {
                (part.mask, part.label) = (next.mask, next.label);
            }
        }
        out.extend_from_slice(&original[copied..part.range.start]);
        copied = part.range.end;
        let begin = out.len();
        write(
            &original[part.range.clone()],
            part.mask,
            part.label,
            &mut out,
        );
        tell(Place {
            original: part.range,
            masked: begin..out.len(),
        });
    }
    out.extend_from_slice(&original[copied..]);
    spend(original.len() + out.len());
    out
}

/// A [`Masked`] in positions of the text at hand.
struct Part<'a> {
    range: Range<usize>,
    mask: Mask,
    label: &'a str,
}

impl<'a> Part<'a> {
    fn of(text: &[u8], base: i64, masked: &Masked<'a>) -> Option<Self> {
        let place = |at: i64| {
            let at = at.saturating_sub(base).max(0);
            usize::try_from(at).map_or(text.len(), |at| at.min(text.len()))
        };
        let (start, end) = (place(masked.span.start), place(masked.span.end));
        (start < end).then(|| Self {
            range: chars::floor(text, start)..chars::ceil(text, end),
            mask: masked.mask,
            label: masked.label,
        })
    }
}

fn write(inside: &[u8], mask: Mask, label: &str, out: &mut Vec<u8>) {
    match mask {
        Mask::Full => {
            for _ in symbols(inside).filter(|symbol| *symbol != Symbol::Invisible) {
                out.push(b'*');
            }
        }
        Mask::Label => {
            out.push(b'[');
            out.extend_from_slice(if label.is_empty() { "masked" } else { label }.as_bytes());
            out.push(b']');
        }
        Mask::FormatPreserving => {
            for symbol in symbols(inside) {
                match symbol {
                    Symbol::Invisible => {}
                    Symbol::Separator(c) => push(c, out),
                    Symbol::Alphanumeric(c) if c.is_numeric() => out.push(b'9'),
                    Symbol::Alphanumeric(c) if c.is_uppercase() => out.push(b'X'),
                    Symbol::Alphanumeric(_) | Symbol::Other => out.push(b'x'),
                }
            }
        }
        Mask::LastFour => {
            let is_alphanumeric = |symbol: &Symbol| matches!(symbol, Symbol::Alphanumeric(_));
            let all = symbols(inside).filter(is_alphanumeric).count();
            let mut hidden = all - (all / 3).min(4);
            for symbol in symbols(inside) {
                match symbol {
                    Symbol::Invisible => {}
                    Symbol::Separator(c) => push(c, out),
                    Symbol::Alphanumeric(c) if hidden == 0 => push(c, out),
                    Symbol::Alphanumeric(_) => {
                        hidden -= 1;
                        out.push(b'*');
                    }
                    Symbol::Other => out.push(b'*'),
                }
            }
        }
    }
}

fn push(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

/// What masks tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Symbol {
    /// Takes no room on a screen.
    Invisible,
    /// Says nothing by itself.
    Separator(char),
    /// A letter or digit.
    Alphanumeric(char),
    /// Any other character, or bytes that are none.
    Other,
}

fn symbols(inside: &[u8]) -> impl Iterator<Item = Symbol> {
    spend(inside.len());
    inside.utf8_chunks().flat_map(|chunk| {
        let broken = (!chunk.invalid().is_empty()).then_some(Symbol::Other);
        chunk.valid().chars().map(symbol).chain(broken)
    })
}

fn symbol(c: char) -> Symbol {
    if chars::is_separator(c) {
        Symbol::Separator(c)
    } else if chars::is_invisible(c) {
        Symbol::Invisible
    } else if c.is_alphanumeric() {
        Symbol::Alphanumeric(c)
    } else {
        Symbol::Other
    }
}
