//! From labelled rows to curves and thresholds, and what they come to on rows that had no part in it. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_policy::{Curve, NEVER};
use weir_stats::{Bootstrap, Target};
use weir_types::{Action, Category, derive_id};

use super::choose::{self, Goal, Rates};
use super::fit::{self, Cell, Fit};
use super::measure::{self, Errors};
use super::row::{Labelled, Scale, Terms};

/// Goals by category.
#[derive(Debug, Clone, Default)]
pub(crate) struct Goals {
    /// Of categories that are not named.
    pub(crate) usual: Option<Target>,
    pub(crate) named: Vec<(Category, Target)>,
    pub(crate) tier: Action,
}

impl Goals {
    fn of(&self, category: Category) -> Option<Goal> {
        let named = self.named.iter().find(|(name, _)| *name == category);
        let target = named.map(|(_, target)| *target).or(self.usual)?;
        Some(Goal {
            tier: self.tier,
            target,
        })
    }
}

/// Rows to fit and choose on, and rows to report on: no row is in both.
#[derive(Debug, Default)]
pub(crate) struct Parts {
    pub(crate) fit: Vec<Labelled>,
    pub(crate) report: Vec<Labelled>,
}

impl Parts {
    /// Halves, by a hash of the request's id: the same rows fall the same way every time.
    pub(crate) fn halves(rows: Vec<Labelled>) -> Self {
        let (fit, report) = rows.into_iter().partition(|row| {
            let hash = derive_id(&["calibrate", &row.id]);
            hash.as_bytes().first().is_some_and(|digit| digit % 2 == 0)
        });
        Self { fit, report }
    }
}

/// A category of the report.
#[derive(Debug, Serialize)]
pub(crate) struct Proposed {
    pub(crate) category: &'static str,
    /// Null: the curve in force stays.
    pub(crate) curve: Option<CurveOut>,
    pub(crate) present: CurveOut,
    /// Why the curve in force stays.
    pub(crate) kept_because: Option<String>,
    pub(crate) cells: Vec<Cell>,
    /// On the rows to report on.
    pub(crate) errors: Vec<Errors>,
    pub(crate) threshold: Option<Threshold>,
    /// On the rows to report on: mean score, share of positives, rows.
    pub(crate) reliability: [Vec<(f64, f64, u64)>; 2],
}

/// `p = 1 / (1 + exp(-(slope * raw + intercept + shift)))`, with the locale's slope where it has its own.
#[derive(Debug, Serialize)]
pub(crate) struct CurveOut {
    pub(crate) slope: f64,
    pub(crate) intercept: f64,
    pub(crate) shifts: BTreeMap<String, f64>,
    /// Of locales with their own.
    pub(crate) slopes: BTreeMap<String, f64>,
}

impl CurveOut {
    fn of(curve: &Curve) -> Self {
        Self {
            slope: curve.slope,
            intercept: curve.intercept,
            shifts: (curve.locales())
                .map(|(tag, own)| (tag.to_owned(), own.shift))
                .collect(),
            slopes: (curve.locales())
                .filter_map(|(tag, own)| Some((tag.to_owned(), own.slope?)))
                .collect(),
        }
    }
}

/// A threshold that was, or was not, chosen.
#[derive(Debug, Serialize)]
pub(crate) struct Threshold {
    pub(crate) tier: &'static str,
    pub(crate) goal: String,
    /// On the scale in force.
    pub(crate) before: Option<f32>,
    /// On the new one.
    pub(crate) after: Option<f32>,
    /// Milder tiers began later, or stricter ones earlier, and now begin here too.
    pub(crate) displaces: bool,
    /// Why none was chosen.
    pub(crate) kept_because: Option<String>,
    /// On the rows that it was chosen on.
    pub(crate) chosen_on: Option<Rates>,
    /// On the rows to report on: of what is in force, and of what is proposed.
    pub(crate) reported_before: Option<Rates>,
    pub(crate) reported_after: Option<Rates>,
}

/// Everything proposed.
#[derive(Debug)]
pub(crate) struct Proposal {
    pub(crate) terms: Terms,
    /// Categories with a new curve.
    pub(crate) fitted: Vec<Category>,
    pub(crate) categories: Vec<Proposed>,
}

/// Works it out; `done` is called after each category.
pub(crate) fn propose(
    parts: &Parts,
    present: &Terms,
    goals: &Goals,
    bootstrap: &Bootstrap,
    done: impl Fn(),
) -> Proposal {
    let rows: Vec<&Labelled> = parts.fit.iter().collect();
    let held_out: Vec<&Labelled> = parts.report.iter().collect();
    let mut terms = present.clone();
    let mut fitted = Vec::new();
    let mut categories = Vec::new();
    for category in Category::ALL {
        let fit = fit::fit(&rows, category);
        let threshold = match &fit.curve {
            Ok(curve) => {
                fitted.push(category);
                let mix = choose::mix(&rows, category);
                adopt(&mut terms, present, category, curve, &mix);
                goals
                    .of(category)
                    .map(|goal| threshold(&rows, &held_out, category, &goal, present, &mut terms))
            }
            Err(_) => None,
        };
        categories.push(describe(
            fit, &held_out, present, &terms, threshold, bootstrap,
        ));
        done();
    }
    if !fitted.is_empty() {
        keep_band_above_zero(&mut terms);
    }
    Proposal {
        terms,
        fitted,
        categories,
    }
}

/// Takes a curve over, and moves all thresholds of the category to its scale.
fn adopt(
    terms: &mut Terms,
    present: &Terms,
    category: Category,
    curve: &Curve,
    mix: &BTreeMap<&'static str, f64>,
) {
    let (at, old) = (category.index(), present.scale.curve(category));
    terms.tiers[at] = choose::translated(&present.tiers[at], old, curve, mix);
    terms.stream_tiers[at] = choose::translated(&present.stream_tiers[at], old, curve, mix);
    terms.scale.set(category, curve.clone());
}

fn threshold(
    rows: &[&Labelled],
    held_out: &[&Labelled],
    category: Category,
    goal: &Goal,
    present: &Terms,
    terms: &mut Terms,
) -> Threshold {
    let at = category.index();
    let before = choose::tier(&present.tiers[at], goal.tier);
    let mut told = Threshold {
        tier: goal.tier.as_str(),
        goal: goal.describe(),
        before: None,
        after: None,
        displaces: false,
        kept_because: None,
        chosen_on: None,
        reported_before: None,
        reported_after: None,
    };
    if before >= NEVER {
        // Some are never blocked on a model's word for a reason (whoever asks for help must get an answer).
        told.kept_because = Some(format!("the policy has no {} here", goal.tier));
        return told;
    }
    told.before = Some(before);
    let examples = choose::examples(rows, category, &terms.scale);
    match choose::choose(&examples, goal) {
        Ok(found) => {
            let moved = terms.tiers[at];
            let tiers = choose::with_tier(moved, goal.tier, found);
            told.displaces = Action::ALL
                .into_iter()
                .filter(|tier| *tier != goal.tier)
                .any(|tier| choose::tier(&moved, tier) != choose::tier(&tiers, tier));
            terms.tiers[at] = tiers;
            told.chosen_on = Some(choose::rates(&examples, found));
        }
        Err(why) => told.kept_because = Some(why),
    }
    let after = choose::tier(&terms.tiers[at], goal.tier);
    told.after = Some(after);
    let reported = |scale: &Scale, threshold| {
        choose::rates(&choose::examples(held_out, category, scale), threshold)
    };
    told.reported_before = Some(reported(&present.scale, before));
    told.reported_after = Some(reported(&terms.scale, after));
    told
}

/// The band of uncertain texts must not reach down to 0, or every text would be in it.
fn keep_band_above_zero(terms: &mut Terms) {
    let lowest = terms.tiers.iter().map(weir_policy::Tiers::lowest);
    let lowest = lowest.fold(NEVER, f32::min);
    if terms.uncertain > 0.0 && terms.uncertain >= lowest {
        terms.uncertain = (lowest / 2.0 * 1e6).floor() / 1e6;
    }
}

fn describe(
    fit: Fit,
    held_out: &[&Labelled],
    present: &Terms,
    terms: &Terms,
    threshold: Option<Threshold>,
    bootstrap: &Bootstrap,
) -> Proposed {
    let category = fit.category;
    let reliability =
        [&present.scale, &terms.scale].map(|scale| measure::reliability(held_out, category, scale));
    let fitted = fit.curve.is_ok();
    let mut errors = Vec::new();
    for locale in fit.cells.iter().map(|cell| cell.locale).filter(|_| fitted) {
        errors.extend(measure::errors(
            held_out, category, locale, present, terms, bootstrap,
        ));
    }
    Proposed {
        category: category.as_str(),
        present: CurveOut::of(present.scale.curve(category)),
        cells: fit.cells,
        errors,
        threshold,
        reliability,
        curve: fit.curve.as_ref().ok().map(CurveOut::of),
        kept_because: fit.curve.err(),
    }
}
