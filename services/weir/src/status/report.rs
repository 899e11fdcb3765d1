//! One look, for people.

use std::io::{self, Write};

use super::cluster::{Group, Topic};
use super::figures::{count, duration, mebibytes, partitions, quantiles, rate};
use super::vitals::Vitals;
use super::watcher::{Endpoint, Snapshot};

pub(super) fn write(out: &mut dyn Write, snapshot: &Snapshot) -> io::Result<()> {
    writeln!(out, "broker {}", snapshot.brokers)?;
    for topic in &snapshot.cluster.topics {
        write_topic(out, topic)?;
    }
    for group in &snapshot.cluster.groups {
        write_group(out, group)?;
    }
    for endpoint in &snapshot.endpoints {
        write_endpoint(out, endpoint)?;
    }
    Ok(())
}

fn write_topic(out: &mut dyn Write, topic: &Topic) -> io::Result<()> {
    let name = &topic.name;
    let Some(watermarks) = &topic.partitions else {
        return writeln!(out, "topic {name}: does not exist; weir doctor says more");
    };
    let held: i64 = watermarks.iter().map(|one| one.end - one.start).sum();
    let reaches: Vec<String> = watermarks
        .iter()
        .map(|one| format!("{}:{}..{}", one.partition, one.start, one.end))
        .collect();
    writeln!(
        out,
        "topic {name}: {held} records, offsets {}",
        reaches.join(" ")
    )
}

fn write_group(out: &mut dyn Write, group: &Group) -> io::Result<()> {
    let state = group.state.as_deref().unwrap_or("state not told");
    let waiting = group.partitions.iter().filter(|one| one.lag > 0);
    let waiting: Vec<String> = waiting
        .map(|one| format!("{}:{}", one.partition, one.lag))
        .collect();
    let where_ = if waiting.is_empty() {
        String::new()
    } else {
        format!(" ({})", waiting.join(" "))
    };
    writeln!(
        out,
        "group {} on {}: {state}, {} members, lag {}{where_}",
        group.name,
        group.topic,
        group.members.len(),
        group.lag
    )?;
    for member in &group.members {
        writeln!(
            out,
            "  {} at {}: partitions {}, lag {}",
            member.client,
            member.host,
            partitions(&member.partitions),
            member.lag
        )?;
    }
    Ok(())
}

fn write_endpoint(out: &mut dyn Write, endpoint: &Endpoint) -> io::Result<()> {
    let ready = if endpoint.ready {
        "ready".to_owned()
    } else {
        format!("not ready: {}", endpoint.reasons.join(", "))
    };
    writeln!(out, "gate {}: {ready}", endpoint.address)?;
    endpoint
        .vitals
        .as_ref()
        .map_or(Ok(()), |vitals| write_vitals(out, vitals))
}

fn write_vitals(out: &mut dyn Write, vitals: &Vitals) -> io::Result<()> {
    let by = |rates: &std::collections::BTreeMap<String, f64>| {
        let some = rates.iter().filter(|(_, rate)| **rate > 0.0);
        let some: Vec<String> = some
            .map(|(name, per_s)| format!("{name} {}", rate(Some(*per_s))))
            .collect();
        if some.is_empty() {
            String::new()
        } else {
            format!(" ({})", some.join(", "))
        }
    };
    writeln!(
        out,
        "  each second {} records, {} verdicts{}, {} unjudged{}, {} moderation records, {} dead letters",
        rate(vitals.records_per_s),
        rate(vitals.verdicts_per_s),
        by(&vitals.verdicts_per_s_by_action),
        rate(vitals.unjudged_per_s),
        by(&vitals.unjudged_per_s_by_cause),
        rate(vitals.moderation_per_s),
        rate(vitals.dead_letters_per_s),
    )?;
    for (what, latency) in [
        ("now", vitals.latency),
        ("since the start", vitals.latency_since_start),
    ] {
        let [p50, p95, p99] = quantiles(latency);
        writeln!(out, "  latency {what}: p50 {p50}, p95 {p95}, p99 {p99}")?;
    }
    writeln!(
        out,
        "  {} partitions, {} records queued, {} flagged waiting, {} open streams, oldest offset held back {}, open circuits {}, \
         {} cores, {}, version {}",
        count(vitals.assigned_partitions),
        count(vitals.queued_records),
        count(vitals.waiting_flagged_records),
        count(vitals.open_streams),
        vitals.held_back_s.map_or_else(|| "-".to_owned(), duration),
        count(vitals.open_circuits),
        vitals
            .cores
            .map_or_else(|| "-".to_owned(), |cores| format!("{cores:.2}")),
        mebibytes(vitals.resident_bytes),
        vitals.version.as_deref().unwrap_or("-"),
    )
}
