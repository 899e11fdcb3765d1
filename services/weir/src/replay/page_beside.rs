//! The page's sections on what people and the heavy model say.

use std::fmt::Write as _;

use super::joined::Looks;
use super::report::Labels;
use crate::eval::html::{escape, head};
use crate::eval::share;
use crate::shadow::report::Report as Heavy;

/// What people's labels say of the replayed judgement.
pub(super) fn labels(out: &mut String, labels: &Labels) {
    // Writing to a string does not fail, here and below.
    let _ = write!(
        out,
        "<h2>Beside people's labels</h2><p>{} rows have labels. Precision is that of traffic of which {} is positive.</p>",
        labels.rows, labels.prevalence
    );
    let columns = [
        "category",
        "positives",
        "negatives",
        "recall",
        "false positive rate",
        "precision",
        "calibration error",
    ];
    head(out, "By category, with intervals of 95 %", &columns);
    for one in &labels.categories {
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td>",
            one.category, one.positives, one.negatives
        );
        for (value, interval) in [
            (one.recall, one.recall_interval),
            (one.false_positive_rate, one.false_positive_rate_interval),
            (one.precision, one.precision_interval),
            (one.ece, one.ece_interval),
        ] {
            let _ = write!(out, "<td>{}</td>", with(value, interval));
        }
        out.push_str("</tr>");
    }
    out.push_str("</tbody></table></div>");
}

/// Agreement with the heavy model.
pub(super) fn heavy(out: &mut String, looks: &Looks, heavy: &Heavy) {
    let _ = write!(
        out,
        "<h2>Agreement with the heavy model</h2><p>Of {} prompts that it looked at, the fast model's part as replayed, weighted by \
         inclusion probability. Left out of {} records on moderation: {} of other prompts, {} of windows of streams, {} repeats, \
         {} not decodable. {}</p>",
        looks.joined,
        looks.read,
        looks.not_replayed,
        looks.of_streams,
        looks.repeated,
        looks.undecodable,
        escape(heavy.note)
    );
    let columns = [
        "category",
        "language",
        "records",
        "effective size",
        "agreement",
        "Cohen's kappa",
    ];
    head(
        out,
        "By category and language; * of too few to tell",
        &columns,
    );
    for row in &heavy.agreement {
        let mark = if row.unproven { " *" } else { "" };
        let number =
            |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |it| format!("{it:.1}"));
        let _ = write!(
            out,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}{mark}</td><td>{}</td></tr>",
            row.category,
            escape(row.language),
            row.records,
            number(row.effective_size),
            with(row.agreement, row.interval),
            share(row.kappa)
        );
    }
    out.push_str("</tbody></table></div>");
}

fn with(value: Option<f64>, interval: Option<[f64; 2]>) -> String {
    let value = share(value);
    interval.map_or_else(
        || value.clone(),
        |[low, high]| format!("{value} ({low:.3} to {high:.3})"),
    )
}
