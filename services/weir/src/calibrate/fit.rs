//! Fitting a category's curve, or saying why not. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_policy::{Curve, Local};
use weir_stats::{Example, GroupedPlatt, NoSlope, WeightedShare};
use weir_types::Category;

use super::row::Labelled;
use crate::shadow::report::{ALL, ENOUGH, ROUNDING};

/// Positives, and negatives, that a cell has at least.
pub(crate) const FEWEST: u64 = 100;
/// The locale of languages that Weir does not tell apart.
const OTHER: &str = "other";

/// What there is to fit on in one locale, or in all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Cell {
    pub(crate) locale: &'static str,
    pub(crate) positives: u64,
    pub(crate) negatives: u64,
    /// Kish's.
    pub(crate) effective_size: Option<f64>,
    /// Why nothing is fitted here; null: it is.
    pub(crate) refused: Option<String>,
    /// Why a locale that is fitted has the common slope; null: it has its own, or nothing is fitted.
    pub(crate) common_slope: Option<String>,
    /// It could not have its own: its scores are less to be trusted than those of others.
    #[serde(skip)]
    pub(crate) doubtful: bool,
}

/// A category's curve, and what it rests on.
#[derive(Debug, Clone)]
pub(crate) struct Fit {
    pub(crate) category: Category,
    /// All locales together first.
    pub(crate) cells: Vec<Cell>,
    /// Why there is none: the one in force stays.
    pub(crate) curve: Result<Curve, String>,
}

#[derive(Debug, Default)]
struct Count {
    positives: u64,
    negatives: u64,
    share: WeightedShare,
}

impl Count {
    fn add(&mut self, positive: bool, weight: f64) {
        // Weights are checked when rows are read.
        if self.share.add(positive, weight).is_ok() {
            *(if positive {
                &mut self.positives
            } else {
                &mut self.negatives
            }) += 1;
        }
    }

    fn cell(&self, locale: &'static str) -> Cell {
        let mut lacks = Vec::new();
        for (count, what) in [(self.positives, "positives"), (self.negatives, "negatives")] {
            if count < FEWEST {
                lacks.push(format!("{count} {what} of at least {FEWEST}"));
            }
        }
        let effective_size = self.share.effective_size();
        if effective_size.is_none_or(|size| size < ENOUGH - ROUNDING) {
            let size = effective_size.unwrap_or(0.0);
            lacks.push(format!(
                "an effective size of {size:.1}, at least {ENOUGH:.0}"
            ));
        }
        if locale == OTHER {
            lacks.push("languages that are not told apart".to_owned());
        }
        Cell {
            locale,
            positives: self.positives,
            negatives: self.negatives,
            effective_size,
            refused: (!lacks.is_empty()).then(|| lacks.join(", ")),
            common_slope: None,
            doubtful: false,
        }
    }
}

/// Fits on the rows that are labelled for the category.
pub(crate) fn fit(rows: &[&Labelled], category: Category) -> Fit {
    let known = || {
        rows.iter()
            .filter_map(move |row| Some((row, row.truth[category.index()]?)))
    };
    let mut all = Count::default();
    let mut counts: BTreeMap<&'static str, Count> = BTreeMap::new();
    for (row, positive) in known() {
        all.add(positive, row.weight);
        let own = counts.entry(row.locale).or_default();
        own.add(positive, row.weight);
    }
    let whole = all.cell(ALL);
    let mut locales: Vec<Cell> = counts
        .iter()
        .map(|(locale, count)| count.cell(locale))
        .collect();
    let named: Vec<&'static str> = locales
        .iter()
        .filter(|cell| cell.refused.is_none())
        .map(|cell| cell.locale)
        .collect();
    let curve = match &whole.refused {
        Some(why) => Err(why.clone()),
        None => curve(
            known().map(|(row, positive)| {
                let example = Example {
                    score: f64::from(row.raw[category.index()]),
                    positive,
                    weight: row.weight,
                };
                (
                    example,
                    named.iter().position(|locale| *locale == row.locale),
                )
            }),
            &named,
            &mut locales,
        ),
    };
    let cells = std::iter::once(whole).chain(locales).collect();
    Fit {
        category,
        cells,
        curve,
    }
}

/// The curve; `locales` are told which of them have the common slope.
fn curve(
    rows: impl Iterator<Item = (Example, Option<usize>)>,
    named: &[&'static str],
    locales: &mut [Cell],
) -> Result<Curve, String> {
    let rows: Vec<_> = rows.collect();
    let fit = GroupedPlatt::fit(&rows, named.len()).map_err(|error| error.to_string())?;
    let (slope, intercept) = (rounded(fit.common.a), rounded(fit.common.b));
    if slope <= 0.0 {
        return Err(format!(
            "a slope of {slope}: texts with higher scores are not more often positive"
        ));
    }
    let mut own: BTreeMap<&str, Local> = BTreeMap::new();
    for (locale, group) in named.iter().zip(&fit.groups) {
        let steep = rounded(group.curve.a);
        let local = Local {
            // What rounds to 0 is not above it.
            slope: (group.no_slope.is_none() && steep > 0.0).then_some(steep),
            shift: rounded(group.curve.b - fit.common.b),
        };
        own.insert(locale, local);
        for cell in locales.iter_mut().filter(|cell| cell.locale == *locale) {
            cell.common_slope = group.no_slope.map(|why| why.to_string());
            cell.doubtful = group.no_slope.is_some_and(|why| why != NoSlope::Alike);
        }
    }
    // Where a shorter tag has its own (hi), a longer one that has nothing (hi-Latn) must say so.
    for cell in locales.iter().filter(|cell| cell.refused.is_some()) {
        let parent = cell.locale.split_once('-').map(|(parent, _)| parent);
        if parent.is_some_and(|parent| own.contains_key(parent)) {
            own.insert(cell.locale, Local::default());
        }
    }
    let own = own.into_iter().map(|(tag, local)| (tag.to_owned(), local));
    Ok(Curve::new(slope, intercept, own))
}

/// As it is written: what is measured is what is shipped.
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
