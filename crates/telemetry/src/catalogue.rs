//! Every metric's name, help, unit, buckets and labels. Nothing else may spell a metric name.

use std::fmt::Write as _;

/// What kind of series a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// Only grows; its name ends in `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of observations per bucket.
    Histogram,
}

impl MetricKind {
    /// The word that the exposition format uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// What a metric's value counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Seconds, fractional.
    Seconds,
    /// Bytes.
    Bytes,
    /// Kafka records.
    Records,
    /// Whatever the name says, counted.
    Count,
    /// 0 or 1.
    Flag,
    /// Always 1; the labels are the information.
    Info,
}

impl Unit {
    /// The word that the name must end with (before `_total`), if the unit has one.
    #[must_use]
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Seconds => Some("seconds"),
            Self::Bytes => Some("bytes"),
            Self::Records => Some("records"),
            Self::Info => Some("info"),
            Self::Count | Self::Flag => None,
        }
    }

    /// The word shown in the catalogue.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Bytes => "bytes",
            Self::Records => "records",
            Self::Count => "count",
            Self::Flag => "0 or 1",
            Self::Info => "always 1",
        }
    }
}

/// One metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MetricSpec {
    /// Name as scraped, `weir_<noun>_<unit>[_total]`.
    pub name: &'static str,
    /// Kind.
    pub kind: MetricKind,
    /// Unit of the value.
    pub unit: Unit,
    /// Label names, in order; every one has a bounded set of values.
    pub labels: &'static [&'static str],
    /// Upper bounds of a histogram's buckets, ascending, in `unit`; empty for other kinds.
    pub buckets: &'static [f64],
    /// One sentence for the person on call.
    pub help: &'static str,
}

/// Fine between 0.25 ms and 1 s, with an edge at each figure that the design promises
/// (25, 50, 60 and 120 ms), so that those shares are counted and not interpolated.
const END_TO_END_BUCKETS: &[f64] = &[
    0.000_25, 0.000_5, 0.000_75, 0.001, 0.001_5, 0.002, 0.003, 0.004, 0.005, 0.007_5, 0.01, 0.015,
    0.02, 0.025, 0.03, 0.04, 0.05, 0.06, 0.075, 0.1, 0.12, 0.15, 0.2, 0.25, 0.3, 0.5, 0.75, 1.0,
    2.5, 5.0, 10.0,
];

/// Rules take microseconds, a full queue a second.
const STAGE_BUCKETS: &[f64] = &[
    0.000_002, 0.000_005, 0.000_01, 0.000_025, 0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001,
    0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
];

/// Edges at the promised gaps: 0.5 s after SIGTERM, 8 s after a kill.
const REBALANCE_BUCKETS: &[f64] = &[
    0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 60.0,
];

/// A rescorer that keeps up takes a second; one that has an outage to make good, hours.
const SECOND_LOOK_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0, 14_400.0, 86_400.0,
];

const BATCH_BUCKETS: &[f64] = &[
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

const fn counter(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricSpec {
    MetricSpec {
        name,
        kind: MetricKind::Counter,
        unit,
        labels,
        buckets: &[],
        help,
    }
}

const fn gauge(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    help: &'static str,
) -> MetricSpec {
    MetricSpec {
        name,
        kind: MetricKind::Gauge,
        unit,
        labels,
        buckets: &[],
        help,
    }
}

const fn histogram(
    name: &'static str,
    unit: Unit,
    labels: &'static [&'static str],
    buckets: &'static [f64],
    help: &'static str,
) -> MetricSpec {
    MetricSpec {
        name,
        kind: MetricKind::Histogram,
        unit,
        labels,
        buckets,
        help,
    }
}

/// How long prompts take.
pub const END_TO_END: MetricSpec = histogram(
    "weir_end_to_end_seconds",
    Unit::Seconds,
    &[],
    END_TO_END_BUCKETS,
    "From the record's timestamp to its verdict handed to the producer; the timestamp has 1 ms resolution and the sender's clock.",
);
pub(crate) const STAGE: MetricSpec = histogram(
    "weir_stage_seconds",
    Unit::Seconds,
    &["stage"],
    STAGE_BUCKETS,
    "Time of a record in one stage: queue, decode, rules or classify (waiting for its batch included).",
);
pub(crate) const BATCH: MetricSpec = histogram(
    "weir_batch_records",
    Unit::Records,
    &[],
    BATCH_BUCKETS,
    "How many records were judged together.",
);
pub(crate) const REBALANCE: MetricSpec = histogram(
    "weir_rebalance_seconds",
    Unit::Seconds,
    &[],
    REBALANCE_BUCKETS,
    "From the start of a rebalance to the new assignment being served.",
);
/// Verdicts.
pub const VERDICTS: MetricSpec = counter(
    "weir_verdicts_total",
    Unit::Count,
    &["action"],
    "Verdicts, by the action that the inference layer must obey.",
);
/// What was not judged.
pub const UNJUDGED: MetricSpec = counter(
    "weir_unjudged_total",
    Unit::Count,
    &["detector", "cause"],
    "Times that a detector did not judge (all of) a text, by cause.",
);
/// What was shed.
pub const SHED: MetricSpec = counter(
    "weir_shed_total",
    Unit::Count,
    &[],
    "Records of which at least one detector was skipped to shed load.",
);
/// Dead letters.
pub const DEAD_LETTERS: MetricSpec = counter(
    "weir_dead_letters_total",
    Unit::Count,
    &["reason"],
    "Records sent to the dead letters, by reason.",
);
pub(crate) const FLAGGED: MetricSpec = counter(
    "weir_flagged_total",
    Unit::Count,
    &["reason"],
    "Texts sent to the rescorer, by why they were selected.",
);
/// Records taken.
pub const RECORDS: MetricSpec = counter(
    "weir_records_total",
    Unit::Records,
    &["topic"],
    "Records taken from a topic.",
);
pub(crate) const CHUNKS: MetricSpec = counter(
    "weir_chunks_total",
    Unit::Count,
    &["fate"],
    "Chunks of streams: new, duplicate (answered again) or late (their stream was over).",
);
/// Open streams.
pub const OPEN_STREAMS: MetricSpec = gauge(
    "weir_open_streams",
    Unit::Count,
    &[],
    "Streams that have begun and not ended.",
);
pub(crate) const HOLDS: MetricSpec = counter(
    "weir_holds_total",
    Unit::Count,
    &[],
    "Verdicts on streams that held text back until a later one.",
);
pub(crate) const PARKED: MetricSpec = gauge(
    "weir_parked_records",
    Unit::Records,
    &[],
    "Records that wait until the schema registry tells what their schema id means.",
);
pub(crate) const CHECKPOINTS: MetricSpec = counter(
    "weir_checkpoints_total",
    Unit::Count,
    &["result"],
    "Checkpoints of long streams: written, restored by a new owner, or refused: too large to write, or not to be gone on with.",
);
pub(crate) const RESTORE: MetricSpec = histogram(
    "weir_checkpoint_restore_seconds",
    Unit::Seconds,
    &[],
    REBALANCE_BUCKETS,
    "Time from partitions of chunks being assigned to their streams being restored from checkpoints.",
);
pub(crate) const PANICS: MetricSpec = counter(
    "weir_panics_total",
    Unit::Count,
    &[],
    "Panics caught while judging a record.",
);
pub(crate) const DELIVERY_FAILURES: MetricSpec = counter(
    "weir_delivery_failures_total",
    Unit::Count,
    &[],
    "Outputs whose delivery failed and that were published again or given up with their partition.",
);
pub(crate) const CLASSIFIER_CPU: MetricSpec = counter(
    "weir_classifier_cpu_seconds_total",
    Unit::Seconds,
    &[],
    "Processor time of the classifier.",
);
pub(crate) const LANE_CPU: MetricSpec = counter(
    "weir_lane_cpu_seconds_total",
    Unit::Seconds,
    &[],
    "Processor time of the lane threads.",
);
pub(crate) const LAG_RECORDS: MetricSpec = gauge(
    "weir_lag_records",
    Unit::Records,
    &["topic", "partition"],
    "Records between the partition's end and the last one judged.",
);
pub(crate) const LAG_SECONDS: MetricSpec = gauge(
    "weir_lag_seconds",
    Unit::Seconds,
    &["topic", "partition"],
    "Age of the oldest record of the partition that is not judged yet; 0 when none waits.",
);
/// Records that wait for a lane.
pub const QUEUE_DEPTH: MetricSpec = gauge(
    "weir_queue_depth_records",
    Unit::Records,
    &[],
    "Records read and waiting for the lane.",
);
/// What holds commits back.
pub const PINNED_AGE: MetricSpec = gauge(
    "weir_oldest_pinned_offset_age_seconds",
    Unit::Seconds,
    &["topic", "partition"],
    "How long the partition's oldest record in hand has kept offsets from being committed; 0 when none does.",
);
/// Partitions owned.
pub const ASSIGNED_PARTITIONS: MetricSpec = gauge(
    "weir_assigned_partitions",
    Unit::Count,
    &[],
    "Partitions that this process owns.",
);
/// The classifier's circuit.
pub const CIRCUIT_OPEN: MetricSpec = gauge(
    "weir_circuit_open",
    Unit::Flag,
    &[],
    "1 while the classifier's circuit is open and verdicts are rules-only.",
);
/// The build.
pub const BUILD_INFO: MetricSpec = gauge(
    "weir_build_info",
    Unit::Info,
    &["version", "commit"],
    "The running build.",
);
// The two names that every Prometheus client uses, so that common dashboards work.
/// Processor time.
pub const PROCESS_CPU: MetricSpec = counter(
    "process_cpu_seconds_total",
    Unit::Seconds,
    &[],
    "Processor time of the process, user and system, in steps of 10 ms; absent off Linux.",
);
/// Memory.
pub const PROCESS_RESIDENT: MetricSpec = gauge(
    "process_resident_memory_bytes",
    Unit::Bytes,
    &[],
    "Resident memory of the process; absent off Linux.",
);

/// Moderation records.
pub const MODERATION: MetricSpec = counter(
    "weir_moderation_total",
    Unit::Count,
    &["outcome"],
    "Moderation records written, by what the second look made of the first.",
);
pub(crate) const AGREEMENT_WEIGHT: MetricSpec = counter(
    "weir_rescore_agreement_weight_total",
    Unit::Count,
    &["category", "language", "agreement"],
    "Texts for which the moderation records written stand (each for 1 / inclusion_probability), by which of the two models the policy acts upon (both, fast_only, heavy_only, neither). Either model may be wrong: disagreement is no error rate.",
);
pub(crate) const COMPARED: MetricSpec = counter(
    "weir_rescore_compared_total",
    Unit::Count,
    &["category", "language", "agreement"],
    "Moderation records behind weir_rescore_agreement_weight_total, each counted once: few of them with much weight prove little, and the weight alone does not show it.",
);
/// How long second looks take.
pub const FLAGGED_TO_MODERATION: MetricSpec = histogram(
    "weir_flagged_to_moderation_seconds",
    Unit::Seconds,
    &[],
    SECOND_LOOK_BUCKETS,
    "From a text being flagged to its moderation record being there.",
);
pub(crate) const SUPERSEDED: MetricSpec = counter(
    "weir_superseded_total",
    Unit::Count,
    &[],
    "Superseding verdicts that were acknowledged.",
);
pub(crate) const FLAGGED_TO_SUPERSEDED: MetricSpec = histogram(
    "weir_flagged_to_superseded_seconds",
    Unit::Seconds,
    &[],
    SECOND_LOOK_BUCKETS,
    "From a text being flagged to its superseding verdict being there.",
);
pub(crate) const RESCORE_BATCH: MetricSpec = histogram(
    "weir_rescore_batch_texts",
    Unit::Count,
    &[],
    BATCH_BUCKETS,
    "Texts that the heavy model scored together.",
);
pub(crate) const RESCORE_SECONDS: MetricSpec = counter(
    "weir_rescore_score_seconds_total",
    Unit::Seconds,
    &[],
    "Time that scoring by the heavy model took.",
);
pub(crate) const RESCORE_REPEATED: MetricSpec = counter(
    "weir_rescore_repeated_total",
    Unit::Count,
    &[],
    "Flagged records left out because their text had been looked at.",
);
pub(crate) const RESCORE_ABORTED: MetricSpec = counter(
    "weir_rescore_aborted_total",
    Unit::Count,
    &[],
    "Transactions that were aborted and tried again.",
);
pub(crate) const RESCORE_DEAD_LETTERS: MetricSpec = counter(
    "weir_rescore_dead_letters_total",
    Unit::Count,
    &[],
    "Flagged records that could not be read.",
);
/// What waits for its second look.
pub const RESCORE_LAG: MetricSpec = gauge(
    "weir_rescore_lag_records",
    Unit::Records,
    &["partition"],
    "Flagged records that wait for their second look.",
);

static CATALOGUE: [MetricSpec; 41] = [
    END_TO_END,
    STAGE,
    BATCH,
    VERDICTS,
    UNJUDGED,
    SHED,
    DEAD_LETTERS,
    FLAGGED,
    RECORDS,
    CHUNKS,
    OPEN_STREAMS,
    HOLDS,
    PARKED,
    CHECKPOINTS,
    RESTORE,
    PANICS,
    DELIVERY_FAILURES,
    LAG_RECORDS,
    LAG_SECONDS,
    QUEUE_DEPTH,
    PINNED_AGE,
    REBALANCE,
    ASSIGNED_PARTITIONS,
    CIRCUIT_OPEN,
    CLASSIFIER_CPU,
    LANE_CPU,
    BUILD_INFO,
    PROCESS_CPU,
    PROCESS_RESIDENT,
    MODERATION,
    AGREEMENT_WEIGHT,
    COMPARED,
    FLAGGED_TO_MODERATION,
    SUPERSEDED,
    FLAGGED_TO_SUPERSEDED,
    RESCORE_BATCH,
    RESCORE_SECONDS,
    RESCORE_REPEATED,
    RESCORE_ABORTED,
    RESCORE_DEAD_LETTERS,
    RESCORE_LAG,
];

/// Every metric that a gate or a rescorer exposes.
pub fn catalogue() -> impl Iterator<Item = &'static MetricSpec> {
    CATALOGUE.iter()
}

/// The catalogue as two Markdown tables (metrics, buckets), for the documentation.
#[must_use]
pub fn catalogue_markdown() -> String {
    let mut out = String::from(
        "| metric | kind | unit | labels | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for spec in catalogue() {
        let labels: Vec<String> = spec.labels.iter().map(|name| format!("`{name}`")).collect();
        // Writing into a `String` cannot fail.
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} | {} |",
            spec.name,
            spec.kind.as_str(),
            spec.unit.as_str(),
            labels.join(", "),
            spec.help,
        );
    }
    out.push_str("\n| histogram | bucket upper bounds |\n| --- | --- |\n");
    for spec in catalogue().filter(|spec| spec.kind == MetricKind::Histogram) {
        let bounds: Vec<String> = spec.buckets.iter().map(f64::to_string).collect();
        let _ = writeln!(out, "| `{}` | {} |", spec.name, bounds.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_follow_the_rules() {
        for spec in catalogue() {
            let name = spec.name;
            assert!(
                name.starts_with("weir_")
                    || [PROCESS_CPU.name, PROCESS_RESIDENT.name].contains(&name),
                "{name}: prefix"
            );
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_') && !name.contains("__"),
                "{name}: characters"
            );
            let stem = name.strip_suffix("_total");
            assert_eq!(
                stem.is_some(),
                spec.kind == MetricKind::Counter,
                "{name}: _total"
            );
            let stem = stem.unwrap_or(name);
            if let Some(suffix) = spec.unit.suffix() {
                assert!(
                    stem.ends_with(&format!("_{suffix}")),
                    "{name}: unit {suffix}"
                );
            }
            for scaled in ["_ms", "_us", "_millis", "_micros", "_kb", "_mb", "_percent"] {
                assert!(!stem.ends_with(scaled), "{name}: not a base unit");
            }
            assert!(
                spec.help.ends_with('.') && !spec.help.contains('|'),
                "{name}: help"
            );
        }
        let names: BTreeSet<_> = catalogue().map(|spec| spec.name).collect();
        assert_eq!(names.len(), catalogue().count(), "names repeat");
    }

    #[test]
    fn labels_come_from_bounded_sets() {
        let bounded = [
            "stage",
            "action",
            "detector",
            "cause",
            "reason",
            "fate",
            "outcome",
            "category",
            "language",
            "agreement",
            "result",
            "topic",
            "partition",
            "version",
            "commit",
        ];
        for spec in catalogue() {
            for label in spec.labels {
                assert!(bounded.contains(label), "{}: label {label}", spec.name);
            }
        }
    }

    #[test]
    fn histograms_and_only_they_have_ascending_buckets() {
        for spec in catalogue() {
            assert_eq!(
                spec.buckets.is_empty(),
                spec.kind != MetricKind::Histogram,
                "{}",
                spec.name
            );
            assert!(
                spec.buckets.windows(2).all(|pair| pair[0] < pair[1]),
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn markdown_names_every_metric() {
        let markdown = catalogue_markdown();
        for spec in catalogue() {
            assert!(markdown.contains(&format!("| `{}` |", spec.name)));
        }
        assert!(markdown.contains("| `weir_batch_records` | 1, 2, 4, "));
    }
}
