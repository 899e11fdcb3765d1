//! The report for a terminal: what was replayed, and how it compares with what others say.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use super::compare::Comparison;
use super::plan::Part;
use super::report::{Labels, Report};
use super::table_changes::changes;
use crate::eval::share;
use crate::marks::shown;

/// What `--dry-run` says.
pub(crate) fn dry_run(out: &mut impl Write, parts: &[Part]) -> Result<()> {
    let [topic, partition, from, to] = ["topic", "partition", "from", "to"];
    writeln!(
        out,
        "{topic:<24} {partition:>9} {from:>12} {to:>12} {:>12}  note",
        "records"
    )?;
    for part in parts {
        let deleted = (part.low.min(part.high) - part.asked).max(0);
        let note = if deleted > 0 {
            format!("  {deleted} asked for are deleted")
        } else if part.start == part.end {
            "  nothing".to_owned()
        } else {
            String::new()
        };
        writeln!(
            out,
            "{:<24} {:>9} {:>12} {:>12} {:>12}{note}",
            shown(&part.topic),
            part.partition,
            part.start,
            part.end,
            part.end - part.start
        )?;
    }
    let sum: i64 = parts.iter().map(|part| part.end - part.start).sum();
    // Both topics' partitions of a number have their verdicts on one.
    let verdicts = parts
        .iter()
        .filter_map(|part| Some((part.partition, part.verdicts?)));
    let verdicts: BTreeMap<i32, (i64, i64)> = verdicts.collect();
    let verdicts: i64 = verdicts.values().map(|(start, end)| end - start).sum();
    writeln!(
        out,
        "{sum} records at most (offsets may be without one), beside them {verdicts} recorded verdicts read"
    )
}

pub(crate) fn print(out: &mut impl Write, report: &Report) -> Result<()> {
    account(out, report)?;
    if let Some(verification) = &report.verification {
        verify(out, verification, report.fingerprints)?;
    } else {
        changes(out, report)?;
    }
    if let Some(labels) = &report.labels {
        figures(out, labels)?;
    }
    if let (Some(looks), Some(heavy)) = (&report.moderation, &report.heavy) {
        writeln!(
            out,
            "\n{} moderation records: {} beside prompts that were replayed; left out: {} of other prompts, {} of windows of \
             streams, {} repeats, {} not decodable",
            looks.read,
            looks.joined,
            looks.not_replayed,
            looks.of_streams,
            looks.repeated,
            looks.undecodable
        )?;
        writeln!(
            out,
            "Agreement with the heavy model, of prompts that it looked at, the fast model's part as replayed:"
        )?;
        crate::shadow::table::print(out, heavy)?;
    }
    Ok(())
}

fn account(out: &mut impl Write, report: &Report) -> Result<()> {
    let all = &report.records;
    writeln!(
        out,
        "{} records read in {} partitions, {} judged: {} prompts, {} streams",
        all.read,
        report.parts.len(),
        all.judged,
        report.rows.prompts,
        report.rows.streams
    )?;
    for (count, what) in [
        (all.poison, "records cannot be judged (dead letters)"),
        (all.panicked, "records whose judging panicked"),
        (all.deleted, "offsets of the range are deleted"),
        (
            all.no_record,
            "offsets without a record (compacted, or marks of transactions)",
        ),
        (
            all.out_of_order,
            "records older than one before them: time stood still for them",
        ),
        (
            all.streams.begun_before,
            "streams begun before the range: not judged",
        ),
        (
            all.streams.open_at_end,
            "streams open at the end of the range: judged so far",
        ),
        (all.streams.chunks_repeated, "chunks repeated"),
        (
            all.streams.chunks_late,
            "chunks came after their stream was over",
        ),
        (
            report.verdicts.undecodable,
            "recorded verdicts cannot be read",
        ),
    ] {
        if count > 0 {
            writeln!(out, "{count:>10} {what}")?;
        }
    }
    for (unjudged, count) in &report.rows.unjudged {
        writeln!(out, "{count:>10} rows not judged: {unjudged}")?;
    }
    schemas(out, report)
}

/// Where records of one topic were not all written with the same schema.
fn schemas(out: &mut impl Write, report: &Report) -> Result<()> {
    let mut topics: BTreeMap<&str, BTreeMap<u32, u64>> = BTreeMap::new();
    for part in &report.parts {
        let ids = topics.entry(&part.topic).or_default();
        for (id, count) in &part.schemas {
            *ids.entry(*id).or_default() += count;
        }
    }
    for (topic, ids) in topics.iter().filter(|(_, ids)| ids.len() > 1) {
        let ids: Vec<_> = ids
            .iter()
            .map(|(id, count)| format!("{id} {count}"))
            .collect();
        writeln!(
            out,
            "{}: records by schema id: {}",
            shown(topic),
            ids.join(", ")
        )?;
    }
    Ok(())
}

fn verify(out: &mut impl Write, found: &Comparison, fingerprints: bool) -> Result<()> {
    writeln!(
        out,
        "{} recorded verdicts compared: {} reproduced, {} differing, {} with an action at a threshold (score within 1e-4)",
        found.compared, found.reproduced, found.differing, found.at_threshold
    )?;
    for (field, differing) in &found.fields {
        let some = differing.examples.join(" ");
        writeln!(
            out,
            "{:>10} differ in {field}, e.g. {some}",
            differing.count
        )?;
    }
    for (differing, what) in [
        (
            &found.not_reproduced,
            "recorded verdicts were not given by the replay",
        ),
        (
            &found.by_time,
            "the same on streams that time decided (gaps, holds, silence)",
        ),
    ] {
        if differing.count > 0 {
            let some: Vec<_> = differing.examples.iter().map(|it| shown(it)).collect();
            writeln!(
                out,
                "{:>10} {what}, e.g. {}",
                differing.count,
                some.join(" ")
            )?;
        }
    }
    for (count, what) in [
        (
            found.not_recorded,
            "verdicts of the replay have no recorded one",
        ),
        (
            found.other_policy,
            "recorded under other policies: not compared",
        ),
        (
            found.other_model,
            "recorded with another model: not compared",
        ),
    ] {
        if count > 0 {
            writeln!(out, "{count:>10} {what}")?;
        }
    }
    if !fingerprints {
        writeln!(
            out,
            "Fingerprints were not compared: WEIR_FINGERPRINT_KEY, which they depend on, is not set."
        )?;
    }
    Ok(())
}

fn figures(out: &mut impl Write, labels: &Labels) -> Result<()> {
    writeln!(
        out,
        "\n{} rows with labels by people; precision where {} of the traffic is positive",
        labels.rows, labels.prevalence
    )?;
    let [recall, fpr, precision, ece] = ["recall", "FPR", "precision", "ECE"];
    writeln!(
        out,
        "{:<20} {:>6} {:>7} {recall:>20} {fpr:>20} {precision:>20} {ece:>20}",
        "category", "pos", "neg"
    )?;
    for one in &labels.categories {
        let with = |value: Option<f64>, ends: Option<[f64; 2]>| match ends {
            Some([low, high]) => format!("{} [{low:.3}, {high:.3}]", share(value)),
            None => share(value),
        };
        writeln!(
            out,
            "{:<20} {:>6} {:>7} {:>20} {:>20} {:>20} {:>20}",
            one.category,
            one.positives,
            one.negatives,
            with(one.recall, one.recall_interval),
            with(one.false_positive_rate, one.false_positive_rate_interval),
            with(one.precision, one.precision_interval),
            with(one.ece, one.ece_interval)
        )?;
    }
    Ok(())
}
