//! The handles behind the catalogue's names.

use prometheus::core::Collector;
use prometheus::{
    Counter, Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec,
    IntGauge, IntGaugeVec, Opts, Registry,
};
use weir_types::{Action, DeadLetterReason, SelectionReason, UnjudgedCause};

use crate::catalogue::{self as names, MetricSpec};
use crate::labels::{CheckpointResult, ChunkFate, Detector, GateStage};
use crate::lane::LaneMetrics;
use crate::process::ProcessCollector;

/// A metric that could not be registered; in practice, metrics registered twice on one registry.
#[derive(Debug, thiserror::Error)]
#[error("cannot register metric {name}: {source} (register GateMetrics once per registry)")]
pub struct MetricsError {
    /// The metric.
    pub name: &'static str,
    /// What the metrics library said.
    pub source: prometheus::Error,
}

/// Which build runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BuildInfo<'a> {
    /// Version, e.g. `0.1.0`.
    pub version: &'a str,
    /// Commit id, or `unknown`.
    pub commit: &'a str,
}

/// The gauges of one assigned partition.
#[derive(Debug, Clone)]
pub struct PartitionMetrics {
    /// Records between the partition's end and the last one judged.
    pub lag_records: IntGauge,
    /// Age in seconds of the oldest record not judged yet.
    pub lag_seconds: Gauge,
    /// Seconds for which its oldest record in hand has kept offsets from being committed.
    pub pinned_age: Gauge,
}

/// Every metric of a gate. Clones share their values.
///
/// Label values are resolved when this is made, so an observation is one atomic operation (a
/// few for a histogram) and never a hash lookup or an allocation; only [`GateMetrics::topic`],
/// [`GateMetrics::partition`] and [`GateMetrics::forget_partition`] look up, and those are
/// for start and rebalances. The lane thread uses [`GateMetrics::lane`] instead.
#[derive(Debug, Clone)]
pub struct GateMetrics {
    /// Seconds from the record's timestamp to its verdict handed to the producer.
    pub end_to_end: Histogram,
    /// Records judged together.
    pub batch_records: Histogram,
    /// Seconds from the start of a rebalance to the new assignment being served.
    pub rebalance: Histogram,
    /// Records of which at least one detector was skipped to shed load.
    pub shed: IntCounter,
    /// Verdicts on streams that held text back until a later one.
    pub holds: IntCounter,
    /// Panics caught while judging a record.
    pub panics: IntCounter,
    /// Outputs whose delivery failed.
    pub delivery_failures: IntCounter,
    /// Seconds of processor time of the classifier (see [`crate::CpuMeter`]).
    pub classifier_cpu: Counter,
    /// Seconds of processor time of the lane threads (see [`crate::CpuMeter`]).
    pub lane_cpu: Counter,
    /// Records read and waiting for the lane. With several lanes use `add` and `sub`.
    pub queue_depth: IntGauge,
    /// Partitions that this process owns.
    pub assigned_partitions: IntGauge,
    /// 1 while the classifier's circuit is open.
    pub circuit_open: IntGauge,
    /// Streams that have begun and not ended. With several lanes use `add` and `sub`.
    pub open_streams: IntGauge,
    /// Records that wait for the schema registry. With several lanes use `add` and `sub`.
    pub parked: IntGauge,
    /// Seconds that restoring streams took at an assignment.
    pub restore: Histogram,
    checkpoints: [IntCounter; CheckpointResult::ALL.len()],
    chunks: [IntCounter; ChunkFate::ALL.len()],
    stages: [Histogram; GateStage::ALL.len()],
    verdicts: [IntCounter; Action::ALL.len()],
    unjudged: [[IntCounter; UnjudgedCause::ALL.len()]; Detector::ALL.len()],
    dead_letters: [IntCounter; DeadLetterReason::ALL.len()],
    flagged: [IntCounter; SelectionReason::ALL.len()],
    records: IntCounterVec,
    lag_records: IntGaugeVec,
    lag_seconds: GaugeVec,
    pinned_age: GaugeVec,
}

impl GateMetrics {
    /// Makes a gate's metrics on `registry`, those of the process included.
    ///
    /// # Errors
    ///
    /// [`MetricsError`] when `registry` already holds one of the names.
    pub fn register(registry: &Registry, build: BuildInfo<'_>) -> Result<Self, MetricsError> {
        let to = Registrar(registry);

        to.process(build)?;

        let stages: HistogramVec = to.add(&names::STAGE, |s| {
            HistogramVec::new(histogram_opts(s), s.labels)
        })?;
        let verdicts = to.int_counters(&names::VERDICTS)?;
        let unjudged = to.int_counters(&names::UNJUDGED)?;
        let dead_letters = to.int_counters(&names::DEAD_LETTERS)?;
        let flagged = to.int_counters(&names::FLAGGED)?;

        let chunks: IntCounterVec = to.int_counters(&names::CHUNKS)?;
        let checkpoints: IntCounterVec = to.int_counters(&names::CHECKPOINTS)?;

        Ok(Self {
            open_streams: to.int_gauge(&names::OPEN_STREAMS)?,
            parked: to.int_gauge(&names::PARKED)?,
            chunks: ChunkFate::ALL.map(|fate| chunks.with_label_values(&[fate.as_str()])),
            restore: to.histogram(&names::RESTORE)?,
            checkpoints: CheckpointResult::ALL
                .map(|result| checkpoints.with_label_values(&[result.as_str()])),
            end_to_end: to.histogram(&names::END_TO_END)?,
            batch_records: to.histogram(&names::BATCH)?,
            rebalance: to.histogram(&names::REBALANCE)?,
            shed: to.int_counter(&names::SHED)?,
            holds: to.int_counter(&names::HOLDS)?,
            panics: to.int_counter(&names::PANICS)?,
            delivery_failures: to.int_counter(&names::DELIVERY_FAILURES)?,
            classifier_cpu: to.add(&names::CLASSIFIER_CPU, |s| Counter::with_opts(opts(s)))?,
            lane_cpu: to.add(&names::LANE_CPU, |s| Counter::with_opts(opts(s)))?,
            queue_depth: to.int_gauge(&names::QUEUE_DEPTH)?,
            assigned_partitions: to.int_gauge(&names::ASSIGNED_PARTITIONS)?,
            circuit_open: to.int_gauge(&names::CIRCUIT_OPEN)?,
            stages: GateStage::ALL.map(|stage| stages.with_label_values(&[stage.as_str()])),
            verdicts: Action::ALL.map(|action| verdicts.with_label_values(&[action.as_str()])),
            unjudged: Detector::ALL.map(|detector| {
                UnjudgedCause::ALL
                    .map(|cause| unjudged.with_label_values(&[detector.as_str(), cause.as_str()]))
            }),
            dead_letters: DeadLetterReason::ALL
                .map(|reason| dead_letters.with_label_values(&[reason.as_str()])),
            flagged: SelectionReason::ALL
                .map(|reason| flagged.with_label_values(&[reason.as_str()])),
            records: to.int_counters(&names::RECORDS)?,
            lag_records: to.add(&names::LAG_RECORDS, |s| IntGaugeVec::new(opts(s), s.labels))?,
            lag_seconds: to.add(&names::LAG_SECONDS, |s| GaugeVec::new(opts(s), s.labels))?,
            pinned_age: to.add(&names::PINNED_AGE, |s| GaugeVec::new(opts(s), s.labels))?,
        })
    }

    /// Seconds that records spent in `stage`.
    #[must_use]
    pub const fn stage(&self, stage: GateStage) -> &Histogram {
        &self.stages[stage as usize]
    }

    /// Verdicts with this action.
    #[must_use]
    pub const fn verdicts(&self, action: Action) -> &IntCounter {
        &self.verdicts[action as usize]
    }

    /// Chunks that met this fate.
    #[must_use]
    pub const fn chunks(&self, fate: ChunkFate) -> &IntCounter {
        &self.chunks[fate as usize]
    }

    /// Checkpoints that came to this.
    #[must_use]
    pub const fn checkpoints(&self, result: CheckpointResult) -> &IntCounter {
        &self.checkpoints[result as usize]
    }

    /// Times that `detector` did not judge for `cause`.
    #[must_use]
    pub const fn unjudged(&self, detector: Detector, cause: UnjudgedCause) -> &IntCounter {
        &self.unjudged[detector as usize][cause as usize]
    }

    /// Records sent to the dead letters for `reason`.
    #[must_use]
    pub const fn dead_letters(&self, reason: DeadLetterReason) -> &IntCounter {
        &self.dead_letters[reason as usize]
    }

    /// Texts sent to the rescorer for `reason`.
    #[must_use]
    pub const fn flagged(&self, reason: SelectionReason) -> &IntCounter {
        &self.flagged[reason as usize]
    }

    /// Records taken from `topic`. Looks up: call it once per configured topic and keep the handle.
    #[must_use]
    pub fn topic(&self, topic: &str) -> IntCounter {
        self.records.with_label_values(&[topic])
    }

    /// The gauges of a partition. Looks up: call it on assignment and keep the handles.
    #[must_use]
    pub fn partition(&self, topic: &str, partition: i32) -> PartitionMetrics {
        let labels = [topic, &partition.to_string()];
        PartitionMetrics {
            lag_records: self.lag_records.with_label_values(&labels),
            lag_seconds: self.lag_seconds.with_label_values(&labels),
            pinned_age: self.pinned_age.with_label_values(&labels),
        }
    }

    /// Takes a revoked partition's gauges out of the exposition, so that its last lag does not
    /// stand for ever. Handles still held write into the void; unknown partitions are ignored.
    pub fn forget_partition(&self, topic: &str, partition: i32) {
        let labels = [topic, &partition.to_string()];
        // The only error is "no such series", which is what the caller wants.
        let _ = self.lag_records.remove_label_values(&labels);
        let _ = self.lag_seconds.remove_label_values(&labels);
        let _ = self.pinned_age.remove_label_values(&labels);
    }

    /// Local metrics for one lane thread.
    #[must_use]
    pub fn lane(&self) -> LaneMetrics {
        LaneMetrics::new(self)
    }
}

pub(crate) struct Registrar<'a>(pub(crate) &'a Registry);

impl Registrar<'_> {
    /// What every process tells of itself.
    pub(crate) fn process(&self, build: BuildInfo<'_>) -> Result<(), MetricsError> {
        let build_info: IntGaugeVec =
            self.add(&names::BUILD_INFO, |s| IntGaugeVec::new(opts(s), s.labels))?;
        build_info
            .with_label_values(&[build.version, build.commit])
            .set(1);
        self.collector(&names::PROCESS_CPU, ProcessCollector::new)
    }

    pub(crate) fn add<M: Collector + Clone + 'static>(
        &self,
        spec: &MetricSpec,
        make: impl FnOnce(&MetricSpec) -> prometheus::Result<M>,
    ) -> Result<M, MetricsError> {
        make(spec)
            .and_then(|metric| {
                self.0.register(Box::new(metric.clone()))?;
                Ok(metric)
            })
            .map_err(|source| MetricsError {
                name: spec.name,
                source,
            })
    }

    fn collector<C: Collector + 'static>(
        &self,
        spec: &MetricSpec,
        make: impl FnOnce() -> prometheus::Result<C>,
    ) -> Result<(), MetricsError> {
        make()
            .and_then(|collector| self.0.register(Box::new(collector)))
            .map_err(|source| MetricsError {
                name: spec.name,
                source,
            })
    }

    pub(crate) fn histogram(&self, spec: &MetricSpec) -> Result<Histogram, MetricsError> {
        self.add(spec, |s| Histogram::with_opts(histogram_opts(s)))
    }

    pub(crate) fn int_counter(&self, spec: &MetricSpec) -> Result<IntCounter, MetricsError> {
        self.add(spec, |s| IntCounter::with_opts(opts(s)))
    }

    pub(crate) fn int_counters(&self, spec: &MetricSpec) -> Result<IntCounterVec, MetricsError> {
        self.add(spec, |s| IntCounterVec::new(opts(s), s.labels))
    }

    fn int_gauge(&self, spec: &MetricSpec) -> Result<IntGauge, MetricsError> {
        self.add(spec, |s| IntGauge::with_opts(opts(s)))
    }
}

pub(crate) fn opts(spec: &MetricSpec) -> Opts {
    Opts::new(spec.name, spec.help)
}

fn histogram_opts(spec: &MetricSpec) -> HistogramOpts {
    HistogramOpts::new(spec.name, spec.help).buckets(spec.buckets.to_vec())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prometheus::proto::MetricType;
    use weir_types::{Agreement, Category};

    use super::*;
    use crate::catalogue::{MetricKind, catalogue};

    const BUILD: BuildInfo<'static> = BuildInfo {
        version: "1.2.3",
        commit: "abc",
    };

    #[test]
    fn the_registry_holds_the_catalogue_and_nothing_else() {
        let registry = Registry::new();
        let metrics = GateMetrics::register(&registry, BUILD).unwrap();
        metrics.topic("prompts").inc();
        metrics.partition("prompts", 0).lag_records.set(1);
        let rescore = crate::RescoreMetrics::register(&registry).unwrap();
        rescore.lag(0).set(1);
        rescore.compared(Category::Hate, "de", Agreement::Both, 1.0);

        let families = registry.gather();
        let found: BTreeMap<_, _> = families.iter().map(|f| (f.name(), f)).collect();
        assert_eq!(found.len(), families.len());
        let listed: BTreeMap<_, _> = catalogue().map(|spec| (spec.name, spec)).collect();
        assert!(found.keys().eq(listed.keys()), "{found:?}");

        for (name, spec) in listed {
            let family = found[name];
            assert_eq!(family.help(), spec.help);
            let kind = match family.get_field_type() {
                MetricType::COUNTER => MetricKind::Counter,
                MetricType::GAUGE => MetricKind::Gauge,
                MetricType::HISTOGRAM => MetricKind::Histogram,
                other => panic!("{name}: {other:?}"),
            };
            assert_eq!(kind, spec.kind, "{name}");
            let mut labels = spec.labels.to_vec();
            labels.sort_unstable();
            for metric in family.get_metric() {
                let mut found: Vec<_> = metric.get_label().iter().map(|l| l.name()).collect();
                found.sort_unstable();
                assert_eq!(found, labels, "{name}");
            }
        }
    }

    #[test]
    fn registering_twice_is_an_error_that_names_the_metric() {
        let registry = Registry::new();
        GateMetrics::register(&registry, BUILD).unwrap();
        let error = GateMetrics::register(&registry, BUILD).unwrap_err();
        assert_eq!(error.name, names::BUILD_INFO.name);
        assert!(error.to_string().contains("once per registry"));
    }

    #[test]
    fn a_revoked_partition_leaves_the_exposition_and_may_come_back() {
        let registry = Registry::new();
        let metrics = GateMetrics::register(&registry, BUILD).unwrap();
        let series = || {
            let families = registry.gather();
            families
                .iter()
                .filter(|f| {
                    [
                        names::LAG_RECORDS.name,
                        names::LAG_SECONDS.name,
                        names::PINNED_AGE.name,
                    ]
                    .contains(&f.name())
                })
                .map(|f| f.get_metric().len())
                .sum::<usize>()
        };
        let stale = metrics.partition("prompts", 3);
        assert_eq!(series(), 3);
        metrics.forget_partition("prompts", 3);
        metrics.forget_partition("prompts", 3);
        stale.lag_records.set(9);
        assert_eq!(series(), 0);
        assert_eq!(metrics.partition("prompts", 3).lag_records.get(), 0);
    }

    #[test]
    fn labelled_handles_reach_their_own_series() {
        let metrics = GateMetrics::register(&Registry::new(), BUILD).unwrap();
        metrics.verdicts(Action::Block).inc();
        metrics
            .unjudged(Detector::Classifier, UnjudgedCause::Failed)
            .inc();
        metrics.dead_letters(DeadLetterReason::Panicked).inc();
        metrics.stage(GateStage::Rules).observe(0.001);
        assert_eq!(metrics.clone().verdicts(Action::Block).get(), 1);
        assert_eq!(metrics.verdicts(Action::Allow).get(), 0);
        assert_eq!(
            metrics
                .unjudged(Detector::Classifier, UnjudgedCause::Failed)
                .get(),
            1
        );
        assert_eq!(
            metrics
                .unjudged(Detector::Rules, UnjudgedCause::Failed)
                .get(),
            0
        );
        assert_eq!(metrics.stage(GateStage::Rules).get_sample_count(), 1);
        assert_eq!(metrics.stage(GateStage::Queue).get_sample_count(), 0);
    }
}
