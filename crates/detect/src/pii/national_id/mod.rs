//! National numbers of persons, and tax numbers: form, dates, check digits, words around them.
//!
//! A candidate is one to eight groups of ASCII letters and digits, with one space, dot, slash or
//! hyphen between two groups, of which at least one has a digit (`candidate.rs`). The lengths of
//! the groups and the separators between them decide which formats are tried; `Format` says what
//! each takes for evidence:
//!
//! - a *word* near it (`context.rs`), in the languages of its country or in English;
//! - its *own* punctuation, as in `123.456.789-09`;
//! - the number *alone*, where letters, dates or strong check digits leave little to chance.
//!
//! A number that begins with a letter, in small letters, counts only after a word that names it.
//!
//! Without a word, the likes of `order` or `invoice` near it speak against it. Numbers that are
//! never issued (blocked ranges, one digit repeated) are refused.
//!
//! | rule | form | of random numbers in that form pass | reported |
//! |---|---|---|---|
//! | `us_ssn` | 9 digits, areas and groups in use | 9 in 10 | word, `-` |
//! | `us_itin` | 9 digits, 9xx and groups in use | 1 in 23 | word, `-` |
//! | `br_cpf` | 11 digits, two mod 11 | 1 in 100 | word, `.-` |
//! | `br_cnpj` | 12 letters or digits, 2 digits, two mod 11 | 1 in 100 | word, `./-` |
//! | `mx_curp` | 18 with date, state, mod 10 | 1 in 200,000 | alone |
//! | `es_dni` | 8 digits, letter mod 23 | 1 in 26 | alone in capitals |
//! | `es_nie` | X/Y/Z, 7 digits, letter mod 23 | 1 in 26 | alone in capitals |
//! | `fr_nir` | 13 + 2, month, department, mod 97 | 1 in 4,200 | alone |
//! | | the same with temporary numbers and unknown months | 1 in 330 | word, own spaces |
//! | `de_steuer_id` | 11 digits, repetition, mod 11,10 | 1 in 300 | word |
//! | `de_personalausweis` | 9 + 1, mod 10 (7-3-1) | 1 in 10 | word |
//! | `it_codice_fiscale` | 16 with date, letter mod 26 | 1 in 90 | alone |
//! | `nl_bsn` | 9 digits, mod 11 | 1 in 11 | word |
//! | `pt_nif` | 9 digits, first digits in use, mod 11 | 1 in 14 | word |
//! | `uk_nhs_number` | 10 digits, mod 11 | 1 in 11 | word |
//! | `uk_nino` | 2 letters, 6 digits, A to D | 1 in 12 | alone in capitals, low |
//! | `pl_pesel` | 11 digits, date, mod 10 | 1 in 55 | word |
//! | `pl_nip` | 10 digits, mod 11 | 1 in 11 | word |
//! | `ru_snils` | 9 + 2, mod 101 | 1 in 100 | word, `- ` |
//! | `ru_inn` | 10 or 12 digits, mod 11 once or twice | 1 in 10, 1 in 100 | word |
//! | `cn_resident_id` | 18 with province, date, mod 11-2 | 1 in 39,000 | alone |
//! | `in_aadhaar` | 12 digits, Verhoeff | 1 in 12 | word |
//! | `in_pan` | 5 letters, 4 digits, letter | 2 in 5 | word |
//! | `jp_my_number` | 12 digits, mod 11 | 1 in 10 | word |
//! | `kr_rrn` | 13 with date, mod 11 | 1 in 270 | word, `-` |
//! | | the same without the check digit, which new numbers lack | 1 in 27 | word and `-` |
//! | `tr_tckn` | 11 digits, two mod 10 | 1 in 110 | word |
//! | `sa_national_id` | 10 digits, 1 or 2 first, Luhn | 1 in 50 | word |
//! | `ae_emirates_id` | 784, year, Luhn | 1 in 500,000 | alone; `-` without Luhn |
//! | `eg_national_id` | 14 with date, governorate | 1 in 500 | word |
//!
//! The numbers in the third column follow from the rules. Sources stand with each format. In 236 MB
//! of source code and documentation all of this, IBANs and passports found one number: a test's
//! `123-45-6789` next to `ssn`.

mod americas;
mod asia;
mod candidate;
mod checks;
mod eastern_europe;
mod format;
mod middle_east;
mod northern_europe;
mod open;
mod southern_europe;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use weir_types::Category;

use crate::context;
use crate::matched::Match;
use crate::view::View;
use crate::work::spend;

use crate::pii::words::{self, Meanings, OTHER_NUMBERS, Words};
use candidate::Candidate;
use format::{Format, NEVER, layout_key};

/// Bytes before a number on which its finding depends.
pub(crate) const BEHIND: usize = context::BEFORE;
/// Bytes from its start on: the longest printed form and the words after it.
pub(crate) const AHEAD: usize = candidate::MAX_BYTES + context::AFTER;

/// More words that say that a number counts something else.
const MORE_OTHERS: [&str; 12] = [
    "version",
    "part",
    "model",
    "build",
    "commit",
    "item",
    "article",
    "batch",
    "shipment",
    "booking",
    "protocolo",
    "artikel",
];
/// What is left of a score near one of them.
const NEAR_OTHER: f32 = 0.5;
/// Scores below are not reported.
const MIN_SCORE: f32 = 0.4;

const FORMATS: [&[Format]; 6] = [
    &americas::FORMATS,
    &southern_europe::FORMATS,
    &northern_europe::FORMATS,
    &eastern_europe::FORMATS,
    &asia::FORMATS,
    &middle_east::FORMATS,
];

/// What its findings are called.
#[cfg(test)]
pub(in crate::pii) fn rules() -> Vec<&'static str> {
    let formats = FORMATS.iter().flat_map(|formats| formats.iter());
    formats.map(|format| format.rule).collect()
}

/// A printed form of a format.
#[derive(Debug, Clone, Copy)]
struct Layout {
    /// Lengths of the groups and separators, see [`layout_key`].
    key: u64,
    format: usize,
    /// Whether the separators are the number's own.
    own: bool,
}

#[derive(Debug, Clone)]
pub(crate) struct NationalIdDetector {
    formats: Vec<(&'static Format, Arc<str>)>,
    /// Sorted by key.
    layouts: Vec<Layout>,
    /// By separator after it (none first), the lengths of first groups, as bits.
    first: [u32; format::SEPARATORS.len() + 1],
    /// Bit `n` is format `n`.
    words: Words,
}

impl Default for NationalIdDetector {
    fn default() -> Self {
        let formats: Vec<(&'static Format, Arc<str>)> = FORMATS
            .iter()
            .flat_map(|formats| formats.iter())
            .map(|format| (format, format.rule.into()))
            .collect();
        let mut layouts = Vec::new();
        let mut first = [0; format::SEPARATORS.len() + 1];
        for (number, (format, _)) in formats.iter().enumerate() {
            for (spelled, own) in [(format.plain, false), (format.own, true)] {
                for layout in spelled {
                    let (key, length, separator) = layout_key(layout);
                    first[separator] |= 1 << length;
                    layouts.push(Layout {
                        key,
                        format: number,
                        own,
                    });
                }
            }
        }
        layouts.sort_by_key(|layout| layout.key);
        let named = formats.iter().zip(0..).flat_map(|((format, _), bit)| {
            let mean = move |word: &&'static str| (*word, 1 << bit);
            format.words.iter().map(mean)
        });
        let others = OTHER_NUMBERS
            .iter()
            .chain(&MORE_OTHERS)
            .map(|word| (*word, words::OTHER));
        let words = Words::new(named.chain(others));
        Self {
            words,
            formats,
            layouts,
            first,
        }
    }
}

impl NationalIdDetector {
    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        candidate::each(view.text, &self.first, false, |candidate| {
            let from = self
                .layouts
                .partition_point(|layout| layout.key < candidate.key);
            // Looked up for the first format that fits, if one does.
            let mut meanings = None;
            for layout in &self.layouts[from..] {
                spend(1);
                if layout.key != candidate.key {
                    break;
                }
                let (format, name) = &self.formats[layout.format];
                spend(candidate.chars().len());
                if !(format.check)(candidate.chars()) {
                    continue;
                }
                debug_assert!(format.begins_with(candidate.chars()));
                let meanings = *meanings.get_or_insert_with(|| self.meanings(view.text, candidate));
                let named = meanings >> layout.format & 1 == 1;
                if candidate.is_wordlike() && !named {
                    continue;
                }
                let other = meanings & words::OTHER != 0;
                if let Some(score) = score(candidate, format, layout.own, named, other) {
                    out.push(Match {
                        detector: "national_id",
                        rule: name.clone(),
                        category: Category::Pii,
                        span: view.original(candidate.range.clone()),
                        score,
                        severity: format.severity,
                    });
                }
            }
        });
    }
}

impl NationalIdDetector {
    /// What the words near the candidate speak of. Where it begins like a word, only those before it:
    /// else a stream would have to hold every word.
    fn meanings(&self, text: &[u8], candidate: &Candidate) -> Meanings {
        if candidate.is_wordlike() {
            self.words.before(text, candidate.range.start)
        } else {
            self.words.near(text, &candidate.range)
        }
    }
}

/// How much speaks for `candidate`, which passes the checks of `format`, if enough does: its own
/// printing, words that name it, words that name other numbers.
fn score(
    candidate: &Candidate,
    format: &Format,
    own: bool,
    named: bool,
    other: bool,
) -> Option<f32> {
    if named {
        return Some(format.with_word);
    }
    let bare = if own {
        format.own_printing.max(format.alone)
    } else if candidate.lower && format.alone < format::STRONG {
        NEVER
    } else {
        format.alone
    };
    let left = if other { bare * NEAR_OTHER } else { bare };
    (left >= MIN_SCORE).then_some(left)
}
