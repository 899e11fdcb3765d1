//! How far probabilities are from what they say, on rows that had no part in the fit. Pure.

use serde::Serialize;
use weir_stats::{Bin, Bootstrap, Paired, paired_calibration_errors, weighted_reliability};
use weir_types::Category;

use super::choose;
use super::fit::rounded;
use super::row::{Labelled, Scale, Terms};
use crate::shadow::report::ALL;

/// Of reliability diagrams and of the calibration error, as in `weir eval`.
const BINS: u32 = 15;
/// Rows below which a calibration error says nothing and is left out.
const FEWEST_ROWS: usize = 100;

/// Expected calibration errors in one locale, or in all.
#[derive(Debug, Serialize)]
pub(crate) struct Errors {
    pub(crate) locale: &'static str,
    pub(crate) rows: usize,
    pub(crate) positives: usize,
    pub(crate) before: f64,
    pub(crate) after: f64,
    /// `after - before`; below 0: better.
    pub(crate) difference: f64,
    pub(crate) interval: Option<[f64; 2]>,
}

/// Mean score, share of positives and rows of each bin.
pub(crate) fn reliability(
    held_out: &[&Labelled],
    category: Category,
    scale: &Scale,
) -> Vec<(f64, f64, u64)> {
    let bins = weighted_reliability(&choose::examples(held_out, category, scale), BINS);
    let triple = |bin: &Bin| (rounded(bin.mean_score), rounded(bin.observed), bin.rows);
    bins.iter().map(triple).collect()
}

/// `None`: of too few rows.
pub(crate) fn errors(
    held_out: &[&Labelled],
    category: Category,
    locale: &'static str,
    present: &Terms,
    terms: &Terms,
    bootstrap: &Bootstrap,
) -> Option<Errors> {
    let rows: Vec<Paired> = held_out
        .iter()
        .filter(|row| locale == ALL || row.locale == locale)
        .filter_map(|row| {
            Some(Paired {
                before: present.scale.probability(category, row),
                after: terms.scale.probability(category, row),
                positive: row.truth[category.index()]?,
                weight: row.weight,
            })
        })
        .collect();
    if rows.len() < FEWEST_ROWS {
        return None;
    }
    let found = paired_calibration_errors(&rows, BINS, bootstrap)?;
    Some(Errors {
        locale,
        rows: rows.len(),
        positives: rows.iter().filter(|row| row.positive).count(),
        before: found.before,
        after: found.after,
        difference: found.after - found.before,
        interval: found.difference.map(|it| [it.low, it.high]),
    })
}
