//! The report for a terminal.

use std::io::Write;

use super::choose::Rate;
use super::impact::{Change, Impact};
use super::propose::{Proposed, Threshold};
use super::report::Report;
use crate::eval::share;
use crate::marks::shown;
use crate::shadow::report::ALL;

pub(crate) fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let (target, run, rows) = (&report.target, &report.run, &report.rows);
    writeln!(
        out,
        "target    {} ({}): {}",
        target.kind,
        shown(&target.name),
        target.note
    )?;
    writeln!(
        out,
        "policy    {} {}, model {}",
        run.policy.id, run.policy.version, run.model.name
    )?;
    writeln!(
        out,
        "read      {} from {}; {} labelled; left out: {} unreadable, {} repeated, {} of streams or second looks, {} of other policies, \
         {} of other models, {} without scores",
        rows.read,
        shown(&run.source),
        rows.labelled,
        rows.unreadable,
        rows.repeated,
        rows.of_streams,
        rows.of_other_policies,
        rows.of_other_models,
        rows.without_scores
    )?;
    if rows.without_text > 0 {
        writeln!(
            out,
            "          {} labels or moderation records belong to none of these texts",
            rows.without_text
        )?;
    }
    let split = &report.split;
    writeln!(
        out,
        "split     {} rows to fit and choose on, {} others to report on (by {})",
        split.fit, split.report, split.by
    )?;
    refused(out, &report.categories)?;
    if report.fitted() {
        curves(out, &report.categories)?;
        errors(out, &report.categories)?;
        thresholds(out, &report.categories)?;
        impact(out, report)?;
    } else {
        writeln!(out, "\nnothing is proposed")?;
    }
    for warning in &report.warnings {
        writeln!(out, "\nwarning: {warning}")?;
    }
    Ok(())
}

fn curves(out: &mut impl Write, categories: &[Proposed]) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<17} {:>18} {:>18}  by locale: shift, and slope where it has its own",
        "curves", "present a, b", "proposed a, b"
    )?;
    for one in categories {
        let Some(curve) = &one.curve else { continue };
        let shifts: Vec<String> = curve
            .shifts
            .iter()
            .map(|(tag, shift)| match curve.slopes.get(tag) {
                None => format!("{tag} {shift:+.2}"),
                Some(slope) => format!("{tag} {shift:+.2} x{slope:.2}"),
            })
            .collect();
        let present = format!("{:.3}, {:.3}", one.present.slope, one.present.intercept);
        let proposed = format!("{:.3}, {:.3}", curve.slope, curve.intercept);
        writeln!(
            out,
            "{:<17} {present:>18} {proposed:>18}  {}",
            one.category,
            shifts.join(", ")
        )?;
    }
    Ok(())
}

/// Each cell by name: silence would pass for a fit.
fn refused(out: &mut impl Write, categories: &[Proposed]) -> std::io::Result<()> {
    writeln!(out, "\nrefused")?;
    for one in categories {
        if let Some(why) = &one.kept_because {
            writeln!(
                out,
                "{:<17} all       {why}: keeps the curve in force",
                one.category
            )?;
            continue;
        }
        for cell in one.cells.iter().skip(1) {
            if let Some(why) = &cell.refused {
                writeln!(
                    out,
                    "{:<17} {:<9} {why}: keeps the category's curve",
                    one.category, cell.locale
                )?;
            }
        }
    }
    Ok(())
}

fn errors(out: &mut impl Write, categories: &[Proposed]) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<17} {:<9} {:>7} {:>6} {:>8} {:>8} {:>9}  95 %",
        "calibration error", "locale", "rows", "pos", "present", "proposed", "change"
    )?;
    for one in categories {
        for errors in &one.errors {
            let interval = errors.interval.map_or_else(String::new, |[low, high]| {
                format!("{low:+.4} to {high:+.4}")
            });
            writeln!(
                out,
                "{:<17} {:<9} {:>7} {:>6} {:>8.4} {:>8.4} {:>+9.4}  {interval}",
                one.category,
                errors.locale,
                errors.rows,
                errors.positives,
                errors.before,
                errors.after,
                errors.difference
            )?;
        }
    }
    Ok(())
}

fn thresholds(out: &mut impl Write, categories: &[Proposed]) -> std::io::Result<()> {
    if categories.iter().all(|one| one.threshold.is_none()) {
        return writeln!(
            out,
            "\nno target: thresholds move to the new scale and begin where they did (--target-fpr, --target-recall)"
        );
    }
    writeln!(
        out,
        "\n{:<17} {:<9} {:>9} {:>9} {:>24} {:>24}  goal",
        "thresholds", "tier", "present", "proposed", "FPR then", "recall then"
    )?;
    for one in categories {
        if let Some(threshold) = &one.threshold {
            line(out, one.category, threshold)?;
        }
    }
    Ok(())
}

fn line(out: &mut impl Write, category: &str, threshold: &Threshold) -> std::io::Result<()> {
    let at = |value: Option<f32>| value.map_or_else(|| "-".to_owned(), |at| at.to_string());
    let rates = threshold.reported_after;
    let (fpr, recall) = (
        rates
            .map(|rates| with_interval(&rates.fpr))
            .unwrap_or_default(),
        rates
            .map(|rates| with_interval(&rates.recall))
            .unwrap_or_default(),
    );
    let why = threshold.kept_because.as_ref();
    let why = why.map_or_else(String::new, |why| format!(": not chosen, {why}"));
    writeln!(
        out,
        "{category:<17} {:<9} {:>9} {:>9} {fpr:>24} {recall:>24}  {}{why}",
        threshold.tier,
        at(threshold.before),
        at(threshold.after),
        threshold.goal
    )
}

/// A rate as people read it.
pub(crate) fn with_interval(rate: &Rate) -> String {
    match rate.interval {
        Some([low, high]) => format!(
            "{} ({}-{})",
            share(rate.share),
            share(Some(low)),
            share(Some(high))
        ),
        None => share(rate.share),
    }
}

fn impact(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<17} {:<9} {:>9} {:>9} {:>9}  {:<19} {:>7} {:>9}",
        "expected", "locale", "before", "after", "change", "95 %", "newly", "no longer"
    )?;
    let moved = |change: &Change| change.newly + change.no_longer > 0;
    // All together, and where something moves; the rest is in JSON.
    let told = |one: &&Impact| one.locale == ALL || moved(&one.blocked) || moved(&one.acted_upon);
    for one in report.impact.iter().filter(told) {
        for (what, change) in [("blocked", &one.blocked), ("acted upon", &one.acted_upon)] {
            let Change {
                before,
                after,
                newly,
                no_longer,
                ..
            } = change;
            let percent = |value: Option<f64>| {
                value.map_or_else(|| "-".to_owned(), |it| format!("{:.3} %", it * 100.0))
            };
            let difference = change
                .change
                .map_or_else(|| "-".to_owned(), |it| format!("{:+.3} %", it * 100.0));
            let interval = change.interval.map_or_else(String::new, |[low, high]| {
                format!("{:+.3} to {:+.3}", low * 100.0, high * 100.0)
            });
            writeln!(
                out,
                "{what:<17} {:<9} {:>9} {:>9} {difference:>9}  {interval:<19} {newly:>7} {no_longer:>9}",
                one.locale,
                percent(*before),
                percent(*after)
            )?;
        }
    }
    Ok(())
}
