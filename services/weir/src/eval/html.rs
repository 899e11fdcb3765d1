//! The report as one page that needs nothing else: no script, no font, no request.

use std::fmt::Write as _;

use super::figures::{Curves, Figures, Point};
use super::report::Report;
use super::subject::Subject;
use super::svg::{self, Bar, Labels};
use super::table::{at_prevalence, points, share};

/// Both colour schemes; contrasts are at least 4.5 to 1 for text.
const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1b1b1f;--paper:#fff;--faint:#6a6a72;--line:#d0d0d6;--mark:#0b5cad}
@media(prefers-color-scheme:dark){:root{--ink:#e8e8ec;--paper:#16161a;--faint:#9c9ca6;--line:#3c3c44;--mark:#6db3f8}}
body{font:15px/1.45 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:72rem;margin:2rem auto;padding:0 1rem}
h2{margin-top:2.2em;border-bottom:1px solid var(--line)}
table{border-collapse:collapse;font-size:13px;margin:.8em 0}
caption{text-align:left;font-weight:600;padding:.2em 0}
th,td{padding:.15em .6em;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
th:first-child,td:first-child{text-align:left}
.plots{display:flex;flex-wrap:wrap;gap:1.5rem;align-items:flex-start}
.wide{overflow-x:auto}
.faint,figcaption{color:var(--faint)}
figure{margin:0}
svg{max-width:100%;height:auto}
svg text{font:11px system-ui,sans-serif;fill:var(--ink)}
.frame{fill:none;stroke:var(--line)}
.guide{stroke:var(--faint);stroke-dasharray:4 4}
.curve{fill:none;stroke:var(--mark);stroke-width:2}
.dot,.bar{fill:var(--mark)}
.bar{opacity:.55}
.whisker{stroke:var(--ink);fill:none;stroke-width:1.3}
";

/// The beginning of a page.
pub(crate) fn begin(title: &str) -> String {
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>"
    )
}

/// A table of what a report is of.
pub(crate) fn facts(out: &mut String, caption: &str, facts: &[(&str, String)]) {
    let _ = write!(out, "<table><caption>{caption}</caption><tbody>");
    for (name, value) in facts {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{name}</th><td style=\"text-align:left;overflow-wrap:anywhere\">{}</td></tr>",
            escape(value)
        );
    }
    out.push_str("</tbody></table>");
}

/// A reliability diagram: mean score, share of positives and rows of each bin. `whose` says of which rows, for who cannot
/// see it.
pub(crate) fn reliability(id: &str, title: &str, whose: &str, bins: &[(f64, f64, u64)]) -> String {
    let points: Vec<[f64; 2]> = bins.iter().map(|bin| [bin.0, bin.1]).collect();
    svg::square(
        &Labels {
            id,
            title,
            description: &format!(
                "Share of positives over mean score, by bin{whose}; on the dashed diagonal scores mean what they say. The table beside it has the numbers."
            ),
            x: "mean score",
            y: "share of positives",
        },
        &points,
        true,
    )
}

/// The rows of its table.
pub(crate) fn reliability_rows(out: &mut String, bins: &[(f64, f64, u64)]) {
    for (mean, observed, rows) in bins {
        let _ = write!(
            out,
            "<tr><td>{mean:.4}</td><td>{observed:.4}</td><td>{rows}</td></tr>"
        );
    }
}

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let mut out = begin("Weir evaluation");
    run_facts(&mut out, report);
    for subject in Subject::all() {
        section(&mut out, report, subject);
    }
    if let Some(errors) = &report.errors {
        out += "<h2>Worst rows</h2>";
        for misses in errors {
            let list = |ids: &[String]| escape(&ids.join(", "));
            let (missed, alarms) = (list(&misses.missed), list(&misses.false_alarms));
            let _ = write!(
                out,
                "<p>{}: missed {missed}; false alarms {alarms}</p>",
                misses.category
            );
        }
    }
    out += "</body></html>\n";
    out
}

fn run_facts(out: &mut String, report: &Report) {
    let run = &report.run;
    let model = run.model.as_ref().map_or_else(
        || "none: rules only".to_owned(),
        |model| format!("{} {}", model.name, model.hash),
    );
    let files: Vec<String> = run
        .data
        .iter()
        .map(|file| format!("{} {}", file.name, file.sha256))
        .collect();
    let counts = &report.rows.counts;
    let rows = format!(
        "{} read, {} judged; left out: {} of another split, {} without labels, {} bad",
        counts.read, report.rows.judged, counts.other_split, counts.unlabelled, counts.bad
    );
    let machine = &run.machine;
    let policy = &run.policy;
    facts(
        out,
        "The run",
        &[
            ("commit", run.commit.to_owned()),
            ("date", run.date.clone()),
            (
                "machine",
                format!("{}, {} cores, {}", machine.cpu, machine.cores, machine.os),
            ),
            (
                "policy",
                format!("{} {} {}", policy.id, policy.version, policy.hash),
            ),
            ("model", model),
            ("data", files.join(", ")),
            ("rows", rows),
            (
                "bootstrap",
                format!("{} resamples, seed {}", run.bootstrap, run.seed),
            ),
        ],
    );
    out.push_str(
        "<p class=\"faint\">Brackets are 95 % intervals: Clopper-Pearson of rates, \
         bootstrap of the rest. \"At most\" is the one-sided 95 % bound of the false positive rate. \
         Unproven: fewer than 1,500 harmless rows. \"P at\" is the precision where that share \
         of the traffic is harmful, in round brackets with the false positive rate at its bound. A dash: not defined, or of too few rows.</p>",
    );
}

fn section(out: &mut String, report: &Report, subject: Subject) {
    let name = subject.as_str();
    let by_locale: Vec<&Figures> = report
        .figures
        .iter()
        .filter(|figures| figures.category == name)
        .collect();
    if by_locale.is_empty() {
        return;
    }
    let _ = write!(out, "<h2 id=\"{name}\">{name}</h2>");
    if let Some(curves) = report.curves.iter().find(|curves| curves.category == name) {
        plots(out, curves);
    }
    rate_bars(out, name, &by_locale);
    scores(out, &by_locale);
    decisions(out, &by_locale);
}

fn plots(out: &mut String, curves: &Curves) {
    let name = curves.category;
    if curves.roc.is_empty() {
        out.push_str("<p class=\"faint\">Too few scored rows for curves.</p>");
        return;
    }
    let reliability = reliability(
        &format!("{name}-reliability"),
        &format!("Reliability of {name}"),
        "",
        &curves.reliability,
    );
    let roc = svg::square(
        &Labels {
            id: &format!("{name}-roc"),
            title: &format!("ROC curve of {name}"),
            description: "Recall over false positive rate; the dashed diagonal is chance. The table beside it has the numbers.",
            x: "false positive rate",
            y: "recall",
        },
        &curves.roc,
        false,
    );
    let _ = write!(
        out,
        "<div class=\"plots\"><figure>{reliability}</figure><table><caption>Reliability</caption><thead><tr>\
         <th scope=\"col\">mean score</th><th scope=\"col\">positives</th><th scope=\"col\">rows</th></tr></thead><tbody>"
    );
    reliability_rows(out, &curves.reliability);
    let _ = write!(
        out,
        "</tbody></table><figure>{roc}</figure><table><caption>ROC</caption><thead><tr>\
         <th scope=\"col\">FPR at most</th><th scope=\"col\">recall</th></tr></thead><tbody>"
    );
    for limit in [0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5] {
        let reached = curves.roc.iter().filter(|point| point[0] <= limit);
        let recall = reached.map(|point| point[1]).fold(0.0, f64::max);
        let _ = write!(out, "<tr><td>{limit}</td><td>{recall:.3}</td></tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// Recall and false positive rate of the final action, by locale; the tables below have the numbers.
fn rate_bars(out: &mut String, name: &str, by_locale: &[&Figures]) {
    let bars = |value: fn(&Point) -> Option<f64>, interval: fn(&Point) -> Option<[f64; 2]>| {
        let bar = |figures: &&Figures| {
            let point = figures.actions.warn.as_ref()?;
            Some(Bar {
                name: escape(&figures.locale),
                value: value(point)?,
                interval: interval(point),
            })
        };
        by_locale.iter().filter_map(bar).collect::<Vec<_>>()
    };
    let recall = bars(|point| point.recall, |point| point.recall_interval);
    let alarms = bars(|point| point.fpr, |point| point.fpr_interval);
    // Up to the whiskers of locales with some rows; those of a handful reach 1 and would flatten the rest.
    let most = alarms.iter().map(|bar| bar.value).fold(0.005, f64::max) * 1.5;
    out.push_str("<div class=\"plots\">");
    for (id, title, bars, most) in [
        ("recall", "Recall", recall, 1.0),
        ("fpr", "False positive rate", alarms, most.min(1.0)),
    ] {
        if bars.is_empty() {
            continue;
        }
        let drawn = svg::bars(
            &Labels {
                id: &format!("{name}-{id}"),
                title: &format!("{title} of {name} by locale"),
                description: "Of rows acted upon (warn or stricter), with 95 % intervals, cut off at the end of the scale. The table below has the numbers.",
                x: "",
                y: "",
            },
            &bars,
            most,
        );
        let _ = write!(
            out,
            "<figure><figcaption>{title} by locale, acted upon</figcaption>{drawn}</figure>"
        );
    }
    out.push_str("</div>");
}

fn scores(out: &mut String, by_locale: &[&Figures]) {
    head(
        out,
        "Scores",
        &[
            "locale",
            "positives",
            "negatives",
            "AUROC",
            "AUPRC",
            "recall at 0.5 % FPR",
            "ECE",
        ],
    );
    for figures in by_locale {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>",
            escape(&figures.locale),
            figures.positives,
            figures.negatives
        );
        match &figures.scores {
            Some(scores) => {
                cell(out, scores.auroc, scores.auroc_interval);
                cell(out, scores.auprc, scores.auprc_interval);
                cell(out, scores.recall_at_fpr, scores.recall_at_fpr_interval);
                cell(out, scores.ece, scores.ece_interval);
            }
            None => out.push_str("<td>-</td><td>-</td><td>-</td><td>-</td>"),
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

fn decisions(out: &mut String, by_locale: &[&Figures]) {
    head(
        out,
        "Decisions",
        &[
            "locale",
            "by",
            "threshold",
            "precision",
            "recall",
            "FPR",
            "at most",
            "claim",
            "P at 0.1 %",
            "1 %",
            "5 %",
        ],
    );
    for figures in by_locale {
        for (by, point) in points(figures) {
            let _ = write!(
                out,
                "<tr><th scope=\"row\">{}</th><td>{by}</td><td>{}</td>",
                escape(&figures.locale),
                share(point.threshold)
            );
            cell(out, point.precision, point.precision_interval);
            cell(out, point.recall, point.recall_interval);
            cell(out, point.fpr, point.fpr_interval);
            let [p01, p1, p5] = [0, 1, 2].map(|at| at_prevalence(point, at));
            let _ = write!(
                out,
                "<td>{}</td><td>{}</td><td>{p01}</td><td>{p1}</td><td>{p5}</td></tr>",
                share(point.fpr_upper),
                figures.fpr_claims
            );
        }
    }
    out.push_str("</tbody></table></div>");
}

/// The beginning of a table that is closed by `</tbody></table></div>`.
pub(crate) fn head(out: &mut String, caption: &str, columns: &[&str]) {
    let _ = write!(
        out,
        "<div class=\"wide\"><table><caption>{caption}</caption><thead><tr>"
    );
    for column in columns {
        let _ = write!(out, "<th scope=\"col\">{column}</th>");
    }
    out.push_str("</tr></thead><tbody>");
}

fn cell(out: &mut String, value: Option<f64>, interval: Option<[f64; 2]>) {
    let value = share(value);
    let _ = match interval {
        Some([low, high]) => write!(out, "<td>{value} [{low:.3}, {high:.3}]</td>"),
        None => write!(out, "<td>{value}</td>"),
    };
}

/// For text and attribute values.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_markup_is_made_of_is_escaped() {
        assert_eq!(escape("a<b & \"c\">"), "a&lt;b &amp; &quot;c&quot;&gt;");
    }
}
