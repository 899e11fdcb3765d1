//! By how much more, or less, of the traffic would be blocked. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_stats::{Interval, WeightedShare};
use weir_types::Action;

use super::row::{Scored, Terms};
use crate::shadow::report::ALL;

/// Of one locale, or of all.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Impact {
    pub(crate) locale: &'static str,
    pub(crate) texts: u64,
    pub(crate) effective_size: Option<f64>,
    pub(crate) blocked: Change,
    /// Acted upon at all: warn or stricter.
    pub(crate) acted_upon: Change,
}

/// Shares of the traffic, by weight.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Change {
    pub(crate) before: Option<f64>,
    pub(crate) after: Option<f64>,
    pub(crate) change: Option<f64>,
    /// 95 %.
    pub(crate) interval: Option<[f64; 2]>,
    /// Texts.
    pub(crate) newly: u64,
    pub(crate) no_longer: u64,
}

#[derive(Debug, Clone, Default)]
struct Count {
    before: WeightedShare,
    newly: WeightedShare,
    no_longer: WeightedShare,
    texts: [u64; 2],
}

impl Count {
    fn add(&mut self, before: bool, after: bool, weight: f64) {
        let [newly, no_longer] = [after && !before, before && !after];
        for (share, hit) in [
            (&mut self.before, before),
            (&mut self.newly, newly),
            (&mut self.no_longer, no_longer),
        ] {
            // Weights are checked when rows are read.
            let _ = share.add(hit, weight);
        }
        self.texts[0] += u64::from(newly);
        self.texts[1] += u64::from(no_longer);
    }

    fn change(&self) -> Change {
        let both = self.newly.share().zip(self.no_longer.share());
        let change = both.map(|(newly, no_longer)| newly - no_longer);
        let before = self.before.share();
        Change {
            before,
            after: before.zip(change).map(|(before, change)| before + change),
            change,
            interval: difference(&self.newly, &self.no_longer),
            newly: self.texts[0],
            no_longer: self.texts[1],
        }
    }
}

/// A 95 % interval of the difference between two shares from those of each (square-and-add: Newcombe, "Interval estimation
/// for the difference between independent proportions", Statistics in Medicine 17, 1998, method 10; that no text can be
/// in both is left out, which is of no account where both are rare).
fn difference(more: &WeightedShare, less: &WeightedShare) -> Option<[f64; 2]> {
    let (a, b) = (more.share()?, less.share()?);
    let (Interval { low: al, high: au }, Interval { low: bl, high: bu }) =
        (more.interval_95()?, less.interval_95()?);
    let reach = |one: f64, other: f64| (one * one + other * other).sqrt();
    Some([a - b - reach(a - al, bu - b), a - b + reach(au - a, b - bl)])
}

/// What is expected of a change, all locales first.
pub(crate) fn impact(traffic: &[Scored], before: &Terms, after: &Terms) -> Vec<Impact> {
    let mut counts: BTreeMap<Option<&'static str>, (u64, [Count; 2])> = BTreeMap::new();
    for text in traffic {
        let (old, new) = (before.action(text), after.action(text));
        for locale in [None, Some(text.locale)] {
            let (texts, levels) = counts.entry(locale).or_default();
            *texts += 1;
            for (count, level) in levels.iter_mut().zip([Action::Block, Action::Warn]) {
                count.add(old >= level, new >= level, text.weight);
            }
        }
    }
    let one =
        |(locale, (texts, [blocked, acted_upon])): (Option<&'static str>, (u64, [Count; 2]))| {
            Impact {
                locale: locale.unwrap_or(ALL),
                texts,
                effective_size: blocked.before.effective_size(),
                blocked: blocked.change(),
                acted_upon: acted_upon.change(),
            }
        };
    counts.into_iter().map(one).collect()
}
