//! What the metrics of a gate or rescorer say between two looks. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_telemetry::{
    ASSIGNED_PARTITIONS, BUILD_INFO, CIRCUIT_OPEN, DEAD_LETTERS, END_TO_END, FLAGGED_TO_MODERATION,
    MODERATION, MetricSpec, OPEN_STREAMS, PINNED_AGE, PROCESS_CPU, PROCESS_RESIDENT, QUEUE_DEPTH,
    RECORDS, RESCORE_LAG, SHED, UNJUDGED, VERDICTS,
};

use super::scrape::Scrape;

/// Of one process, or of several together. What it does not expose is `None`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(crate) struct Vitals {
    pub(crate) version: Option<String>,
    /// Seconds between the two looks.
    pub(crate) over_s: f64,
    pub(crate) records_per_s: Option<f64>,
    pub(crate) verdicts_per_s: Option<f64>,
    pub(crate) verdicts_per_s_by_action: BTreeMap<String, f64>,
    /// Times that a detector did not judge.
    pub(crate) unjudged_per_s: Option<f64>,
    pub(crate) unjudged_per_s_by_cause: BTreeMap<String, f64>,
    /// Since the start, for each verdict.
    pub(crate) unjudged_per_verdict: Option<f64>,
    pub(crate) shed_per_s: Option<f64>,
    pub(crate) dead_letters_per_s: Option<f64>,
    pub(crate) moderation_per_s: Option<f64>,
    /// A gate's from prompt to verdict, a rescorer's from flagged text to moderation record; between the two looks.
    pub(crate) latency: Option<Quantiles>,
    /// The same since the start.
    pub(crate) latency_since_start: Option<Quantiles>,
    pub(crate) queued_records: Option<f64>,
    pub(crate) waiting_flagged_records: Option<f64>,
    pub(crate) assigned_partitions: Option<f64>,
    pub(crate) open_streams: Option<f64>,
    /// How long the oldest uncommitted offset has been held back; of several the sum.
    pub(crate) held_back_s: Option<f64>,
    /// How many have their classifier's circuit open.
    pub(crate) open_circuits: Option<f64>,
    /// Processor cores in use.
    pub(crate) cores: Option<f64>,
    pub(crate) resident_bytes: Option<f64>,
}

/// Seconds, as far as a histogram's buckets tell: between two bounds by straight line, above the highest that bound.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50_s: f64,
    pub(crate) p95_s: f64,
    pub(crate) p99_s: f64,
}

impl Vitals {
    pub(crate) fn between(older: &Scrape, newer: &Scrape) -> Self {
        let over_s = newer.at.saturating_duration_since(older.at).as_secs_f64();
        let per_s = |before: f64, after: f64| increase(before, after) / over_s.max(f64::EPSILON);
        let rate = |metric: &MetricSpec| {
            let after = newer.sum(metric)?;
            Some(per_s(older.sum(metric).unwrap_or(0.0), after))
        };
        let rates = |metric: &MetricSpec, label: &str| {
            let before = older.by(metric, label);
            let rate = |(value, after): (String, f64)| {
                let before = before.get(&value).copied().unwrap_or(0.0);
                (value, per_s(before, after))
            };
            newer.by(metric, label).into_iter().map(rate).collect()
        };
        // A rescorer has no END_TO_END.
        let histogram = [END_TO_END, FLAGGED_TO_MODERATION]
            .into_iter()
            .find(|metric| !newer.buckets(metric).is_empty());
        let latency = |since: Option<&Scrape>| {
            let metric = histogram.as_ref()?;
            let before = since.map_or_else(Vec::new, |older| older.buckets(metric));
            quantiles(&before, &newer.buckets(metric))
        };
        let verdicts = newer.sum(&VERDICTS).filter(|count| *count > 0.0);
        Self {
            version: newer.label(&BUILD_INFO, "version").map(str::to_owned),
            over_s,
            records_per_s: rate(&RECORDS),
            verdicts_per_s: rate(&VERDICTS),
            verdicts_per_s_by_action: rates(&VERDICTS, "action"),
            // A counter that never counted has no series.
            unjudged_per_s: rate(&UNJUDGED).or_else(|| newer.sum(&VERDICTS).map(|_| 0.0)),
            unjudged_per_s_by_cause: rates(&UNJUDGED, "cause"),
            unjudged_per_verdict: verdicts
                .map(|verdicts| newer.sum(&UNJUDGED).unwrap_or(0.0) / verdicts),
            shed_per_s: rate(&SHED),
            dead_letters_per_s: rate(&DEAD_LETTERS),
            moderation_per_s: rate(&MODERATION),
            latency: latency(Some(older)),
            latency_since_start: latency(None),
            queued_records: newer.sum(&QUEUE_DEPTH),
            waiting_flagged_records: newer.sum(&RESCORE_LAG),
            assigned_partitions: newer.sum(&ASSIGNED_PARTITIONS),
            open_streams: newer.sum(&OPEN_STREAMS),
            held_back_s: newer.sum(&PINNED_AGE),
            open_circuits: newer.sum(&CIRCUIT_OPEN),
            cores: rate(&PROCESS_CPU),
            resident_bytes: newer.sum(&PROCESS_RESIDENT),
        }
    }
}

/// A counter that is lower than before began anew.
fn increase(before: f64, after: f64) -> f64 {
    if after < before {
        after
    } else {
        after - before
    }
}

/// Of what was observed between two states of a histogram; `None`: nothing was.
fn quantiles(before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<Quantiles> {
    let total = |buckets: &[(f64, f64)]| buckets.last().map_or(0.0, |(_, count)| *count);
    let began_anew = total(after) < total(before);
    let count_before = |bound: f64| {
        let same = before.iter().find(|(one, _)| one.total_cmp(&bound).is_eq());
        same.map_or(0.0, |(_, count)| *count)
    };
    let new: Vec<(f64, f64)> = after
        .iter()
        .map(|&(bound, count)| match began_anew {
            true => (bound, count),
            false => (bound, count - count_before(bound)),
        })
        .collect();
    let of = |share: f64| quantile(&new, share);
    Some(Quantiles {
        p50_s: of(0.5)?,
        p95_s: of(0.95)?,
        p99_s: of(0.99)?,
    })
}

/// As Prometheus' `histogram_quantile`.
fn quantile(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let (_, total) = buckets.last().filter(|(_, total)| *total > 0.0)?;
    let rank = share * total;
    let mut below = (0.0, 0.0);
    for &(bound, count) in buckets {
        if count >= rank && count > below.1 {
            if bound.is_infinite() {
                return Some(below.0);
            }
            let part = (rank - below.1) / (count - below.1);
            return Some(below.0 + (bound - below.0) * part);
        }
        below = (bound, count);
    }
    None
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::scrape::tests::scrape;
    use super::*;

    fn page(allowed: u32, blocked: u32, fast: u32, slow: u32) -> Scrape {
        let (verdicts, unjudged, latency) = (VERDICTS.name, UNJUDGED.name, END_TO_END.name);
        scrape(&format!(
            "{verdicts}{{action=\"allow\"}} {allowed}\n{verdicts}{{action=\"block\"}} {blocked}\n\
             {unjudged}{{detector=\"classifier\",cause=\"shed\"}} {blocked}\n\
             {latency}_bucket{{le=\"0.001\"}} {fast}\n{latency}_bucket{{le=\"0.01\"}} {both}\n\
             {latency}_bucket{{le=\"+Inf\"}} {both}\n",
            both = fast + slow
        ))
    }

    fn between(older: &Scrape, mut newer: Scrape) -> Vitals {
        newer.at = older.at + Duration::from_secs(2);
        Vitals::between(older, &newer)
    }

    #[test]
    fn rates_are_of_the_time_between_and_shares_since_the_start() {
        let vitals = between(&page(100, 10, 10, 0), page(160, 20, 20, 10));
        assert_eq!(vitals.verdicts_per_s, Some(35.0));
        assert_eq!(vitals.verdicts_per_s_by_action["block"], 5.0);
        assert_eq!(vitals.unjudged_per_s, Some(5.0));
        assert_eq!(vitals.unjudged_per_s_by_cause["shed"], 5.0);
        assert!((vitals.unjudged_per_verdict.unwrap() - 20.0 / 180.0).abs() < 1e-9);
        assert_eq!(vitals.moderation_per_s, None);
        // 10 below 1 ms and 10 from there to 10 ms.
        let latency = vitals.latency.unwrap();
        assert!((latency.p50_s - 0.001).abs() < 1e-9);
        assert!((latency.p95_s - 0.009_1).abs() < 1e-9);
        // 20 and 10 since the start.
        assert!((vitals.latency_since_start.unwrap().p50_s - 0.000_75).abs() < 1e-9);
    }

    #[test]
    fn a_process_that_was_started_again_counts_from_nothing() {
        let vitals = between(&page(100, 10, 50, 50), page(4, 2, 6, 0));
        assert_eq!(vitals.verdicts_per_s, Some(3.0));
        assert!(vitals.latency.unwrap().p99_s < 0.001);
    }

    #[test]
    fn nothing_observed_has_no_quantiles_and_what_is_beyond_the_last_bound_is_that() {
        let vitals = between(&page(1, 0, 5, 5), page(1, 0, 5, 5));
        assert_eq!(vitals.latency, None);
        assert_eq!(vitals.verdicts_per_s, Some(0.0));
        let none = between(&scrape(""), scrape(""));
        assert_eq!(
            (none.verdicts_per_s, none.latency_since_start),
            (None, None)
        );
        assert_eq!(
            quantile(&[(1.0, 0.0), (f64::INFINITY, 3.0)], 0.5),
            Some(1.0)
        );
    }
}
