//! Thresholds for a target, and old ones on the new scale. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_policy::{Curve, NEVER, Tiers};
use weir_stats::{Example, Target, WeightedShare, threshold};
use weir_types::{Action, Category, logistic};

use super::fit::FEWEST;
use super::row::{Labelled, Scale};
use crate::shadow::report::{ENOUGH, ROUNDING};

/// What a category's threshold is to keep.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Goal {
    pub(crate) tier: Action,
    pub(crate) target: Target,
}

impl Goal {
    pub(crate) fn describe(&self) -> String {
        match self.target {
            Target::FalsePositiveRate(rate) => format!("FPR at most {rate}"),
            Target::Recall(rate) => format!("recall at least {rate}"),
        }
    }
}

/// A class's rows, by weight.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rate {
    pub(crate) rows: u64,
    pub(crate) share: Option<f64>,
    pub(crate) interval: Option<[f64; 2]>,
}

/// What a threshold gets right and wrong.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Rates {
    pub(crate) fpr: Rate,
    pub(crate) recall: Rate,
}

/// Labelled rows of one category, on a scale.
pub(crate) fn examples(rows: &[&Labelled], category: Category, scale: &Scale) -> Vec<Example> {
    rows.iter()
        .filter_map(|row| {
            Some(Example {
                score: scale.probability(category, row),
                positive: row.truth[category.index()]?,
                weight: row.weight,
            })
        })
        .collect()
}

/// The threshold for a goal, or why there is none.
pub(crate) fn choose(examples: &[Example], goal: &Goal) -> Result<f32, String> {
    let (class, what, enough) = match goal.target {
        // No false alarm among 3 / rate harmless texts bounds the rate at 95 % (the rule of three).
        Target::FalsePositiveRate(rate) => (false, "negatives", 3.0 / rate),
        Target::Recall(_) => (true, "positives", ENOUGH),
    };
    let mut members = WeightedShare::default();
    let mut count = 0;
    for example in examples.iter().filter(|one| one.positive == class) {
        count += u64::from(members.add(true, example.weight).is_ok());
    }
    let size = members.effective_size().unwrap_or(0.0);
    if size < enough - ROUNDING || count < FEWEST {
        return Err(format!(
            "{} takes at least {enough:.0} {what} by effective size, and there are {size:.1}",
            goal.describe()
        ));
    }
    let found = threshold(examples, goal.target)
        .ok_or_else(|| format!("no threshold gives {}", goal.describe()))?;
    // To the side on which the goal is kept.
    let at = match goal.target {
        Target::FalsePositiveRate(_) => (found * 1e6).ceil() / 1e6,
        Target::Recall(_) => (found * 1e6).floor() / 1e6,
    };
    Ok(narrow(at.clamp(0.0, 1.0)))
}

/// Rates at a threshold.
pub(crate) fn rates(examples: &[Example], threshold: f32) -> Rates {
    let rate = |class: bool| {
        let mut share = WeightedShare::default();
        let mut rows = 0;
        for example in examples.iter().filter(|one| one.positive == class) {
            let reaches = example.score >= f64::from(threshold);
            rows += u64::from(share.add(reaches, example.weight).is_ok());
        }
        Rate {
            rows,
            share: share.share(),
            interval: share.interval_95().map(|it| [it.low, it.high]),
        }
    };
    Rates {
        fpr: rate(false),
        recall: rate(true),
    }
}

/// By what weight rows are of each locale.
pub(crate) fn mix(rows: &[&Labelled], category: Category) -> BTreeMap<&'static str, f64> {
    let mut mix = BTreeMap::new();
    for row in rows
        .iter()
        .filter(|row| row.truth[category.index()].is_some())
    {
        *mix.entry(row.locale).or_default() += row.weight;
    }
    mix
}

/// The tiers on another scale. A tier begins at the same raw score as before in a locale where both curves say so; as it is
/// one number for all locales, whose curves may differ in slope, it is the mean by `mix` of the logits at which each
/// locale's would be. That keeps the order of tiers, and is exact where there is one locale.
pub(crate) fn translated(
    tiers: &Tiers,
    from: &Curve,
    to: &Curve,
    mix: &BTreeMap<&'static str, f64>,
) -> Tiers {
    let all: f64 = mix.values().sum();
    let translate = |at: f32| {
        if at <= 0.0 || at >= 1.0 || all <= 0.0 {
            return at;
        }
        let p = f64::from(at);
        let logit = (p / (1.0 - p)).ln();
        let moved = mix.iter().map(|(locale, weight)| {
            let ((slope, offset), (new_slope, new_offset)) = (from.line(locale), to.line(locale));
            weight / all * (new_slope * ((logit - offset) / slope) + new_offset)
        });
        let there = f64::from(logistic(moved.sum()));
        // 0 would be reached by every text.
        narrow(((there * 1e6).round() / 1e6).max(1e-6))
    };
    Tiers {
        warn: translate(tiers.warn),
        attenuate: translate(tiers.attenuate),
        block: translate(tiers.block),
    }
}

/// Where a tier begins.
pub(crate) fn tier(tiers: &Tiers, tier: Action) -> f32 {
    match tier {
        Action::Warn => tiers.warn,
        Action::Attenuate => tiers.attenuate,
        Action::Block => tiers.block,
        Action::Allow => NEVER,
    }
}

/// Tiers of which one begins at `at`; milder ones no later, stricter ones no earlier.
pub(crate) fn with_tier(mut tiers: Tiers, tier: Action, at: f32) -> Tiers {
    for (action, begins) in [
        (Action::Warn, &mut tiers.warn),
        (Action::Attenuate, &mut tiers.attenuate),
        (Action::Block, &mut tiers.block),
    ] {
        if *begins >= NEVER {
            continue;
        }
        *begins = match action.cmp(&tier) {
            std::cmp::Ordering::Less => begins.min(at),
            std::cmp::Ordering::Equal => at,
            std::cmp::Ordering::Greater => begins.max(at),
        };
    }
    tiers
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "scores are no more precise"
)]
fn narrow(value: f64) -> f32 {
    value as f32
}
