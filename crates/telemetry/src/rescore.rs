//! The handles of a rescorer.

use prometheus::{
    Counter, CounterVec, Histogram, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Registry,
};
use weir_types::{Agreement, Category, Outcome};

use crate::catalogue as names;
use crate::labels::language_label;
use crate::metrics::{BuildInfo, MetricsError, Registrar, opts};

/// Every metric of a rescorer. Clones share their values.
#[derive(Debug, Clone)]
pub struct RescoreMetrics {
    /// Seconds from a text being flagged to its moderation record being there.
    pub flagged_to_moderation: Histogram,
    /// Superseding verdicts acknowledged.
    pub superseded: IntCounter,
    /// Seconds from a text being flagged to its superseding verdict being there.
    pub flagged_to_superseded: Histogram,
    /// Texts scored together.
    pub batch_texts: Histogram,
    /// Seconds that scoring took.
    pub score_seconds: Counter,
    /// Flagged records left out because their text had been looked at.
    pub repeated: IntCounter,
    /// Transactions aborted.
    pub aborted: IntCounter,
    /// Flagged records that could not be read.
    pub dead_letters: IntCounter,
    moderation: [IntCounter; Outcome::ALL.len()],
    agreement_weight: CounterVec,
    compared: IntCounterVec,
    lag: IntGaugeVec,
}

impl RescoreMetrics {
    /// Makes a rescorer's metrics on `registry`, beside a gate's if that has any.
    ///
    /// # Errors
    /// [`MetricsError`] when `registry` already holds one of the names.
    pub fn register(registry: &Registry) -> Result<Self, MetricsError> {
        let to = Registrar(registry);
        let moderation = to.int_counters(&names::MODERATION)?;
        Ok(Self {
            flagged_to_moderation: to.histogram(&names::FLAGGED_TO_MODERATION)?,
            superseded: to.int_counter(&names::SUPERSEDED)?,
            flagged_to_superseded: to.histogram(&names::FLAGGED_TO_SUPERSEDED)?,
            batch_texts: to.histogram(&names::RESCORE_BATCH)?,
            score_seconds: to.add(&names::RESCORE_SECONDS, |s| Counter::with_opts(opts(s)))?,
            repeated: to.int_counter(&names::RESCORE_REPEATED)?,
            aborted: to.int_counter(&names::RESCORE_ABORTED)?,
            dead_letters: to.int_counter(&names::RESCORE_DEAD_LETTERS)?,
            moderation: Outcome::ALL
                .map(|outcome| moderation.with_label_values(&[outcome.as_str()])),
            agreement_weight: to.add(&names::AGREEMENT_WEIGHT, |s| {
                CounterVec::new(opts(s), s.labels)
            })?,
            compared: to.int_counters(&names::COMPARED)?,
            lag: to.add(&names::RESCORE_LAG, |s| IntGaugeVec::new(opts(s), s.labels))?,
        })
    }

    /// The same in a process of its own, with what is known of the process and the build.
    ///
    /// # Errors
    /// As [`RescoreMetrics::register`].
    pub fn register_alone(registry: &Registry, build: BuildInfo<'_>) -> Result<Self, MetricsError> {
        Registrar(registry).process(build)?;
        Self::register(registry)
    }

    /// Moderation records with this outcome.
    #[must_use]
    pub const fn moderation(&self, outcome: Outcome) -> &IntCounter {
        &self.moderation[outcome as usize]
    }

    /// Counts a moderation record in one category: what came of comparing the models, and for how many texts it stands, 1
    /// or more. `language` is a BCP 47 tag, of which a bounded number are told apart. Series are made when first met: most
    /// of the 1,044 that there can be of each metric never are.
    pub fn compared(&self, category: Category, language: &str, agreement: Agreement, weight: f64) {
        let labels = [
            category.as_str(),
            language_label(language),
            agreement.as_str(),
        ];
        self.agreement_weight
            .with_label_values(&labels)
            .inc_by(weight);
        self.compared.with_label_values(&labels).inc();
    }

    /// Records of a partition that wait.
    #[must_use]
    pub fn lag(&self, partition: i32) -> IntGauge {
        self.lag.with_label_values(&[&partition.to_string()])
    }

    /// Takes a partition's gauge out of the exposition.
    pub fn forget_partition(&self, partition: i32) {
        // The only error is "no such series", which is what the caller wants.
        let _ = self.lag.remove_label_values(&[&partition.to_string()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compared_counts_once_and_by_its_weight() {
        let metrics = RescoreMetrics::register(&Registry::new()).unwrap();
        for (language, weight) in [("de-AT", 100.0), ("de", 2.5), ("made up by a client", 1.0)] {
            metrics.compared(Category::Hate, language, Agreement::HeavyOnly, weight);
        }
        for (language, weight, records) in [("de", 102.5, 2), ("other", 1.0, 1)] {
            let labels = ["hate", language, "heavy_only"];
            let counted = metrics.agreement_weight.with_label_values(&labels);
            assert!((counted.get() - weight).abs() < 1e-9);
            assert_eq!(metrics.compared.with_label_values(&labels).get(), records);
        }
    }
}
