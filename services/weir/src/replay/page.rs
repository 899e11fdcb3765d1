//! The report as one page that needs nothing else: no script, no font, no request.

use std::fmt::Write as _;

use super::finish::{PARQUET, ROWS};
use super::page_beside;
use super::report::Report;
use super::row::Change;
use super::table_changes::{groups, most_changed};
use crate::eval::html::{begin, escape, facts, head};
use crate::eval::svg::{self, Bar, Labels};

/// Lines of a table; the rest is in `summary.json`.
const LINES: usize = 200;
/// Bars of a diagram.
const BARS: usize = 12;

pub(crate) fn page(report: &Report) -> String {
    let mut out = begin("Weir replay");
    run_facts(&mut out, report);
    changes(&mut out, report);
    verification(&mut out, report);
    if let Some(labels) = &report.labels {
        page_beside::labels(&mut out, labels);
    }
    if let (Some(looks), Some(heavy)) = (&report.moderation, &report.heavy) {
        page_beside::heavy(&mut out, looks, heavy);
    }
    account(&mut out, report);
    // Writing to a string does not fail, here and below.
    let _ = writeln!(
        out,
        "<p class=\"faint\">All rows: {ROWS}, {PARQUET}. All figures: summary.json.</p></body></html>"
    );
    out
}

fn run_facts(out: &mut String, report: &Report) {
    let mut rows: Vec<(&str, String)> = Vec::new();
    let mut fact = |name, value: &str| rows.push((name, value.to_owned()));
    fact("commit", report.commit);
    fact("range", &report.asked["range"].to_string());
    for arm in &report.arms {
        let model = arm.model.as_ref();
        let model = model.map_or_else(
            || "rules only".to_owned(),
            |it| format!("{} {}", it.name, it.hash),
        );
        fact("judged by", &format!("{}: {model}", arm.policies));
    }
    let before = match report.before {
        "verdicts" => "the recorded verdicts",
        "policy" => "the first policy and model",
        _ => "nothing",
    };
    fact("compared with", before);
    let (all, judged) = (&report.records, &report.rows);
    fact(
        "records",
        &format!("{} read, {} judged", all.read, all.judged),
    );
    fact(
        "rows",
        &format!(
            "{} prompts, {} streams, {} compared",
            judged.prompts, judged.streams, judged.compared
        ),
    );
    facts(out, "The replay", &rows);
}

fn changes(out: &mut String, report: &Report) {
    let rows = &report.rows;
    out.push_str("<h2>Changes</h2>");
    if rows.changes.is_empty() {
        out.push_str("<p>No action would change.</p>");
        return;
    }
    head(
        out,
        "Who would be treated otherwise",
        &["change", "rows", "for example"],
    );
    for change in Change::ALL {
        let count = rows.changes.get(&change).copied().unwrap_or(0);
        let examples = rows
            .examples
            .get(&change)
            .map_or_else(String::new, |it| it.join(", "));
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{count}</td><td style=\"text-align:left\">{}</td></tr>",
            change.as_str(),
            escape(&examples)
        );
    }
    out.push_str("</tbody></table></div>");
    for (whose, groups) in groups(rows) {
        let changed = most_changed(groups);
        if changed.is_empty() {
            continue;
        }
        let bars: Vec<Bar> = changed
            .iter()
            .take(BARS)
            .map(|(name, group)| Bar {
                name: escape(&short(name)),
                value: group.changed() as f64,
                interval: None,
            })
            .collect();
        let most = bars.iter().map(|bar| bar.value).fold(1.0, f64::max);
        let drawn = svg::bars(
            &Labels {
                id: whose,
                title: &format!("Changes by {whose}"),
                description: "Rows whose action would change. The table below has the numbers.",
                x: "",
                y: "",
            },
            &bars,
            most,
        );
        let _ = write!(out, "<h2>By {whose}</h2><figure>{drawn}</figure>");
        let mut columns = vec![whose, "rows"];
        columns.extend(Change::ALL.map(Change::as_str));
        head(out, &format!("Changes by {whose}"), &columns);
        for (name, group) in changed.iter().take(LINES) {
            let name = escape(name);
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{name}</th><td>{}</td>",
                group.rows
            );
            for change in Change::ALL {
                let count = group.changes.get(&change).copied().unwrap_or(0);
                let _ = write!(out, "<td>{count}</td>");
            }
            out.push_str("</tr>");
        }
        out.push_str("</tbody></table></div>");
    }
}

fn verification(out: &mut String, report: &Report) {
    let Some(found) = &report.verification else {
        return;
    };
    out.push_str("<h2>Beside the recorded verdicts</h2>");
    head(out, "Verdicts", &["", "verdicts", "for example"]);
    let mut line = |name: &str, count: u64, examples: &[String]| {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{count}</td><td style=\"text-align:left\">{}</td></tr>",
            escape(name),
            escape(&examples.join(", "))
        );
    };
    line("compared", found.compared, &[]);
    line("reproduced", found.reproduced, &[]);
    line("action at a threshold", found.at_threshold, &[]);
    line("differing", found.differing, &[]);
    for (field, differing) in &found.fields {
        line(
            &format!("differing in {field}"),
            differing.count,
            &differing.examples,
        );
    }
    for (name, differing) in [
        ("not given by the replay", &found.not_reproduced),
        ("the same, decided by time", &found.by_time),
    ] {
        line(name, differing.count, &differing.examples);
    }
    line("not recorded", found.not_recorded, &[]);
    line("under other policies", found.other_policy, &[]);
    line("with another model", found.other_model, &[]);
    out.push_str("</tbody></table></div>");
}

fn account(out: &mut String, report: &Report) {
    out.push_str("<h2>What was replayed</h2>");
    head(
        out,
        "Partitions",
        &[
            "partition",
            "from",
            "to",
            "read",
            "judged",
            "dead letters",
            "deleted",
            "no record",
            "streams complete",
            "open at the end",
            "begun before",
        ],
    );
    for part in &report.parts {
        let deleted = part.deleted();
        let absent = part.absent + part.deleted_before.unsigned_abs();
        let poison: u64 = part.poison.values().sum();
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}-{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{poison}</td><td>{deleted}</td><td>{}</td>",
            escape(&part.topic),
            part.partition,
            part.start,
            part.end,
            part.read,
            part.judged,
            absent.saturating_sub(deleted)
        );
        let streams = part
            .streams
            .map(|it| [it.complete, it.open_at_end, it.begun_before]);
        for at in 0..3 {
            let _ = match streams {
                Some(streams) => write!(out, "<td>{}</td>", streams[at]),
                None => write!(out, "<td>-</td>"),
            };
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// As much of a name as stands beside a bar.
fn short(name: &str) -> String {
    name.chars().take(10).collect()
}
