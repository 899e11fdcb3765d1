//! The report for a terminal: all rows by category, then the verdict by locale. The rest is in JSON and HTML.

use std::io::Write;

use super::figures::{Figures, Point};
use super::report::{ALL, Report};
use super::subject::Subject;

pub(crate) fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let rows = &report.rows;
    let counts = &rows.counts;
    writeln!(
        out,
        "{} rows read, {} judged; left out: {} of another split, {} without labels, {} bad",
        counts.read, rows.judged, counts.other_split, counts.unlabelled, counts.bad
    )?;
    for (what, count) in &rows.unjudged {
        writeln!(out, "{count} rows not judged by {what}")?;
    }
    let in_all: Vec<&Figures> = report
        .figures
        .iter()
        .filter(|figures| figures.locale == ALL)
        .collect();
    scores(out, &in_all)?;
    decisions_head(out, "all locales")?;
    for figures in &in_all {
        for (name, point) in points(figures) {
            decisions(out, figures.category, name, point, figures.fpr_claims)?;
        }
    }
    decisions_head(out, "verdict by locale")?;
    let verdicts = report
        .figures
        .iter()
        .filter(|figures| figures.category == Subject::Verdict.as_str() && figures.locale != ALL);
    for figures in verdicts {
        for (name, point) in points(figures) {
            decisions(out, &figures.locale, name, point, figures.fpr_claims)?;
        }
    }
    writeln!(
        out,
        "\nFPR \"at most\": one-sided 95 % bound. Unproven: fewer than 1,500 harmless rows. \
         \"P at\": precision where that share of the traffic is harmful,\nin brackets with the FPR at its bound.\n\
         Every category in every locale, with intervals: --json, --html."
    )
}

fn scores(out: &mut impl Write, figures: &[&Figures]) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<17} {:>6} {:>6} {:>7} {:>15} {:>7} {:>9} {:>7}",
        "scores", "pos", "neg", "AUROC", "95 %", "AUPRC", "R@0.5%FPR", "ECE"
    )?;
    for figures in figures {
        let (category, positives, negatives) =
            (figures.category, figures.positives, figures.negatives);
        write!(out, "{category:<17} {positives:>6} {negatives:>6} ")?;
        let Some(scores) = &figures.scores else {
            writeln!(out, "too few rows, or no scores")?;
            continue;
        };
        let interval = scores
            .auroc_interval
            .map_or_else(String::new, |[low, high]| format!("{low:.3}-{high:.3}"));
        writeln!(
            out,
            "{:>7} {interval:>15} {:>7} {:>9} {:>7}",
            share(scores.auroc),
            share(scores.auprc),
            share(scores.recall_at_fpr),
            share(scores.ece)
        )?;
    }
    Ok(())
}

fn decisions_head(out: &mut impl Write, whose: &str) -> std::io::Result<()> {
    let [precision, recall] = ["precision", "recall"];
    let [by, fpr, bound, p01, p1, p5] = ["by", "FPR", "at most", "P at 0.1 %", "1 %", "5 %"];
    writeln!(
        out,
        "\n{whose:<17} {by:<13} {precision:>9} {recall:>7} {fpr:>7} {bound:>8} {p01:>15} {p1:>13} {p5:>13}"
    )
}

fn decisions(
    out: &mut impl Write,
    whose: &str,
    name: &str,
    point: &Point,
    claims: &str,
) -> std::io::Result<()> {
    let [p01, p1, p5] = [0, 1, 2].map(|at| at_prevalence(point, at));
    let bound = share(point.fpr_upper);
    let unproven = if claims == "unproven" {
        " unproven"
    } else {
        ""
    };
    writeln!(
        out,
        "{whose:<17} {name:<13} {:>9} {:>7} {:>7} {bound:>8} {p01:>15} {p1:>13} {p5:>13}{unproven}",
        share(point.precision),
        share(point.recall),
        share(point.fpr),
    )
}

/// The operating points that there are, by name.
pub(crate) fn points(figures: &Figures) -> impl Iterator<Item = (&'static str, &Point)> {
    [
        ("model warn", &figures.model.warn),
        ("model block", &figures.model.block),
        ("action warn", &figures.actions.warn),
        ("action block", &figures.actions.block),
    ]
    .into_iter()
    .filter_map(|(name, point)| Some((name, point.as_ref()?)))
}

/// Precision at one of the prevalences, and with the false positive rate at its bound.
pub(crate) fn at_prevalence(point: &Point, at: usize) -> String {
    match point.precision_at[at] {
        None => "-".to_owned(),
        found => format!("{} ({})", share(found), share(point.precision_at_least[at])),
    }
}

/// Three places; four below 1 %. What is not 1 does not read as 1.
pub(crate) fn share(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if (0.9995..1.0).contains(&value) => ">0.999".to_owned(),
        Some(value) if value > 0.0 && value < 0.01 => format!("{value:.4}"),
        Some(value) => format!("{value:.3}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_read_as_what_they_are() {
        for (value, shown) in [
            (None, "-"),
            (Some(0.0), "0.000"),
            (Some(0.00161), "0.0016"),
            (Some(0.9), "0.900"),
            (Some(0.999_6), ">0.999"),
            (Some(1.0), "1.000"),
        ] {
            assert_eq!(share(value), shown);
        }
    }
}
