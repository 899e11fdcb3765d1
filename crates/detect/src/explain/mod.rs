//! Why a text has the findings that it has, for people: slow, and apart from the scan.
//!
//! [`Detector::explain`] scans the text as [`Detector::scan`] does, then once more with each literal
//! and pattern of the rules that were found as a rule of its own. What the scan looked past is told
//! by comparing: the clean text with the original (`normal/changes.rs`), and letters with the
//! literal's (`skeleton/disguise.rs`).
//!
//! | file | tells |
//! |---|---|
//! | `layer.rs` | a text as the scan sees it: clean text, changes, letters |
//! | `sought.rs` | which literal or pattern of a rule it was |
//! | `disguise.rs` | what changes of the text are called |
//! | `check.rs` | what the built-in detectors check |

mod check;
mod disguise;
mod layer;
mod sought;
#[cfg(test)]
mod tests;

use std::ops::Range;

use weir_types::Span;

use crate::detector::Detector;
use crate::island::{self, Opened};
use crate::matched::{self, Match};
use crate::normal::Change;
use crate::scanner::Scanner;
use crate::work::spend;
use layer::Layer;
use sought::Piece;

/// What a scan of a text made of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The text as detectors read it: valid UTF-8, invisible characters dropped, one spelling.
    pub clean: String,
    /// Where it differs from the original, in order.
    pub changes: Vec<Change>,
    /// What literals are searched for in: letters that look alike are one symbol, repeats are one.
    /// Gaps are a space for white space, `.` for punctuation, `'` for an apostrophe, and ` | ` where
    /// so much stands between two letters that no literal goes on.
    pub skeleton: String,
    /// Texts hidden as base64, which are scanned as well.
    pub base64: Vec<Decoded>,
    /// The findings of [`Detector::scan`], in its order.
    pub findings: Vec<Explained>,
}

/// A text that was hidden as base64.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decoded {
    /// Its base64, in bytes of the original text.
    pub original: Range<usize>,
    /// What it says.
    pub text: String,
}

/// A finding and its reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Explained {
    /// What was found; its span counts from the beginning of the explained text.
    pub found: Match,
    /// Each literal and pattern of the rule that matched, or what a built-in detector checked: by
    /// position, the longest first, each once. At least one.
    pub because: Vec<Because>,
}

/// Why there is a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Because {
    /// What was looked for.
    pub sought: Sought,
    /// The clean text that is it; of text in characters that nobody sees, what it spells. Empty if
    /// there is no such text.
    pub text: String,
    /// What it was hidden by, in words: `1 for l`, `spaces between the letters`. Empty: nothing.
    pub disguises: Vec<String>,
    /// It stands in this one of [`Explanation::base64`].
    pub base64: Option<usize>,
}

/// What a detector looks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sought {
    /// A literal of the rule.
    Literal(String),
    /// A pattern of the rule.
    Pattern(String),
    /// A form and its checks: `16 digits in Visa's range, Luhn holds`.
    Check(String),
}

/// A match in the text or in what an island holds.
struct Located {
    found: Match,
    /// The literal or pattern; `None`: a built-in detector's.
    piece: Option<usize>,
    layer: usize,
    /// Bytes of the layer.
    local: Range<usize>,
    /// Bytes of the original text.
    original: Range<usize>,
}

impl Detector {
    /// Scans `text`, which may be any bytes, and says why it found what it found.
    ///
    /// The findings are those of [`Detector::scan`] with `base` 0. Linear in the text as a scan is, but
    /// it keeps every character of the text at hand and compiles the rules that were found anew: for
    /// people who ask about one text.
    #[must_use]
    pub fn explain(&self, text: &[u8]) -> Explanation {
        let mut findings = Vec::new();
        self.scan(text, 0, &mut findings);
        let outer = Layer::of(text);
        let islands = island::open(&outer.window);
        let layers: Vec<Layer<'_>> = std::iter::once(outer)
            .chain(islands.iter().map(|island| Layer::of(&island.text)))
            .collect();
        let pieces = sought::pieces(&self.sources, &findings);
        let located = self.locate(&layers, &islands, &pieces);
        let findings = findings
            .into_iter()
            .map(|found| Explained {
                because: because(&found, &located, &layers, &pieces),
                found,
            })
            .collect();
        let base64 = islands
            .iter()
            .map(|island| Decoded {
                original: island.range(),
                text: String::from_utf8_lossy(&island.text).into_owned(),
            })
            .collect();
        let outer = layers.into_iter().next().unwrap_or_else(|| Layer::of(&[]));
        Explanation {
            skeleton: outer.skeleton(),
            clean: outer.text,
            changes: outer.changes,
            base64,
            findings,
        }
    }

    /// Everything that is found in the layers, literal by literal, by its place in the original text.
    fn locate(
        &self,
        layers: &[Layer<'_>],
        islands: &[Opened],
        pieces: &[Piece<'_>],
    ) -> Vec<Located> {
        let alone = sought::alone(self, pieces, layers);
        let mut located = Vec::new();
        for (layer, read) in layers.iter().enumerate() {
            let built_in = direct(self, read.bytes)
                .into_iter()
                .filter(|found| !sought::by_rule(found))
                .map(|found| (None, found));
            let by_rule = alone.iter().flat_map(|alone| alone.find(read.bytes));
            for (piece, found) in by_rule.chain(built_in) {
                let local = range(&found.span);
                let original = match layer.checked_sub(1).and_then(|at| islands.get(at)) {
                    None => Some(local.clone()),
                    Some(island) => island.place(&found.span),
                };
                located.extend(original.map(|original| Located {
                    found,
                    piece,
                    layer,
                    local,
                    original,
                }));
            }
        }
        located.sort_by_key(|hit| (hit.original.start, std::cmp::Reverse(hit.original.end)));
        located
    }
}

/// The reasons for a finding among all that was located.
fn because(
    found: &Match,
    located: &[Located],
    layers: &[Layer<'_>],
    pieces: &[Piece<'_>],
) -> Vec<Because> {
    let span = range(&found.span);
    let from = located.partition_point(|hit| hit.original.start < span.start);
    let mut list: Vec<Because> = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for hit in located[from..]
        .iter()
        .take_while(|hit| hit.original.start < span.end)
        .filter(|hit| hit.original.end <= span.end)
    {
        spend(1);
        let Some(layer) = layers.get(hit.layer) else {
            continue;
        };
        let own = match hit.piece.and_then(|piece| pieces.get(piece)) {
            Some(piece) => piece.rule == &*found.rule && piece.detector() == found.detector,
            None => hit.found.detector == found.detector && hit.found.rule == found.rule,
        };
        if !own || !seen.insert((hit.piece, hit.layer)) {
            continue;
        }
        let piece = hit.piece.and_then(|piece| pieces.get(piece));
        list.push(reason(hit, layer, piece));
    }
    list
}

fn reason(hit: &Located, layer: &Layer<'_>, piece: Option<&Piece<'_>>) -> Because {
    let changes = layer.changes_in(&hit.local);
    let mut text = layer.clean(&hit.local).to_owned();
    let mut disguises = disguise::names(layer.bytes, &layer.text, changes);
    let sought = match piece {
        Some(piece) if piece.pattern => Sought::Pattern(piece.text.to_owned()),
        Some(piece) => {
            disguises.extend(layer.compare(piece.text, &hit.local));
            Sought::Literal(piece.text.to_owned())
        }
        None => {
            if text.is_empty() {
                // The characters are the finding, not its disguise.
                disguises.clear();
                text = disguise::spelt_by_tags(layer.bytes.get(hit.local.clone()).unwrap_or(&[]));
            }
            Sought::Check(check::describe(&hit.found, &text))
        }
    };
    let base64 = hit.layer.checked_sub(1);
    if base64.is_some() {
        disguises.insert(0, "base64".to_owned());
    }
    Because {
        sought,
        text,
        disguises,
        base64,
    }
}

/// What is found in `text` itself: not in its islands.
fn direct(detector: &Detector, text: &[u8]) -> Vec<Match> {
    let mut out = Vec::new();
    let mut scanner = Scanner::inside(detector);
    scanner.push(text, &mut out);
    scanner.finish(&mut out);
    matched::settle(&mut out, 0);
    out
}

/// Spans of a scan with base 0 are positions in memory.
fn range(span: &Span) -> Range<usize> {
    let at = |place| usize::try_from(place).unwrap_or(0);
    at(span.start)..at(span.end)
}
