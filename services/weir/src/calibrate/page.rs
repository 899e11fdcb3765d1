//! The report as one page that needs nothing else: no script, no font, no request.

use std::fmt::Write as _;

use super::fit::Cell;
use super::propose::Proposed;
use super::report::Report;
use super::table;
use crate::eval::html::{begin, escape, facts, head, reliability, reliability_rows};

pub(crate) fn page(report: &Report) -> String {
    let mut out = begin("Weir calibration");
    run_facts(&mut out, report);
    let mut text = Vec::new();
    // Writing to memory does not fail.
    let _ = table::print(&mut text, report);
    let _ = write!(
        out,
        "<h2>The whole proposal</h2><div class=\"wide\"><pre>{}</pre></div>",
        escape(&String::from_utf8_lossy(&text))
    );
    for category in &report.categories {
        section(&mut out, category);
    }
    if let Some(patch) = &report.patch {
        let _ = write!(
            out,
            "<h2>The patch</h2><div class=\"wide\"><pre>{}</pre></div>",
            escape(patch)
        );
    }
    out += "</body></html>\n";
    out
}

fn run_facts(out: &mut String, report: &Report) {
    let (run, target) = (&report.run, &report.target);
    let files: Vec<String> = run
        .files
        .iter()
        .map(|file| format!("{} {}", file.name, file.sha256))
        .collect();
    facts(
        out,
        "The run",
        &[
            (
                "target",
                format!("{} ({}): {}", target.kind, target.name, target.note),
            ),
            ("commit", run.commit.to_owned()),
            ("date", run.date.clone()),
            (
                "policy",
                format!(
                    "{} {} {}",
                    run.policy.id, run.policy.version, run.policy.hash
                ),
            ),
            ("model", format!("{} {}", run.model.name, run.model.hash)),
            ("source", run.source.clone()),
            ("files", files.join(", ")),
            (
                "bootstrap",
                format!("{} resamples, seed {}", run.bootstrap, run.seed),
            ),
        ],
    );
}

fn section(out: &mut String, one: &Proposed) {
    let name = one.category;
    let _ = write!(out, "<h2 id=\"{name}\">{name}</h2>");
    if let Some(why) = &one.kept_because {
        let _ = write!(out, "<p>Keeps the curve in force: {}.</p>", escape(why));
        return;
    }
    out.push_str("<div class=\"plots\">");
    for (when, bins) in ["present", "proposed"].into_iter().zip(&one.reliability) {
        let drawn = reliability(
            &format!("{name}-{when}"),
            &format!("Reliability of {name}, {when}"),
            ", of rows that had no part in the fit",
            bins,
        );
        let _ = write!(
            out,
            "<figure><figcaption>{when}</figcaption>{drawn}</figure>"
        );
        head(
            out,
            &format!("Reliability, {when}"),
            &["mean score", "positives", "rows"],
        );
        reliability_rows(out, bins);
        out.push_str("</tbody></table></div>");
    }
    out.push_str("</div>");
    cells(out, one);
}

fn cells(out: &mut String, one: &Proposed) {
    head(
        out,
        "By locale",
        &[
            "locale",
            "positives",
            "negatives",
            "effective size",
            "slope",
            "shift",
            "ECE present",
            "proposed",
            "change",
            "95 %",
        ],
    );
    for cell in &one.cells {
        let (slope, shift) = own(one, cell);
        let size = cell
            .effective_size
            .map_or_else(|| "-".to_owned(), |size| format!("{size:.1}"));
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{size}</td><td>{slope}</td><td>{shift}</td>",
            cell.locale, cell.positives, cell.negatives
        );
        match one
            .errors
            .iter()
            .find(|errors| errors.locale == cell.locale)
        {
            None => out.push_str("<td>-</td><td>-</td><td>-</td><td></td></tr>"),
            Some(errors) => {
                let interval = errors.interval.map_or_else(String::new, |[low, high]| {
                    format!("{low:+.4} to {high:+.4}")
                });
                let _ = write!(
                    out,
                    "<td>{:.4}</td><td>{:.4}</td><td>{:+.4}</td><td>{interval}</td></tr>",
                    errors.before, errors.after, errors.difference
                );
            }
        }
    }
    out.push_str("</tbody></table></div>");
}

/// What is fitted in a cell, or why nothing is.
fn own(one: &Proposed, cell: &Cell) -> (String, String) {
    let (None, Some(curve)) = (&cell.refused, &one.curve) else {
        let why = cell.refused.as_deref().unwrap_or_default();
        return (String::new(), format!("refused: {}", escape(why)));
    };
    let tag = cell.locale.to_ascii_lowercase();
    let slope = match (&cell.common_slope, curve.slopes.get(&tag)) {
        (Some(why), _) => format!("common: {}", escape(why)),
        (None, own) => format!("{:.3}", own.unwrap_or(&curve.slope)),
    };
    let shift = curve.shifts.get(&tag);
    let shift = shift.map_or_else(String::new, |shift| format!("{shift:+.3}"));
    (slope, shift)
}
