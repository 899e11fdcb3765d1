//! The report for people.

use std::io::{Result, Write};

use super::report::{ALL, ENOUGH, NOTE, Report, Represents, Row};
use super::tally::Cell;
use crate::eval::share;
use crate::marks::shown;

pub(crate) fn print(out: &mut impl Write, report: &Report) -> Result<()> {
    head(out, report)?;
    if report.records.counted == 0 {
        writeln!(
            out,
            "\nThere is nothing to compare yet: moderation records are what `weir rescore` writes."
        )?;
    } else {
        if report.represents == Represents::SelectedOnly {
            writeln!(
                out,
                "No record was drawn at random: all figures speak of texts that were flagged or uncertain, not of all traffic."
            )?;
        }
        for (whose, all) in [("all locales", true), ("by locale", false)] {
            let rows = report.agreement.iter();
            agreement(out, whose, rows.filter(|row| (row.language == ALL) == all))?;
        }
        if !report.not_compared.is_empty() {
            let categories = report.not_compared.iter();
            let list: Vec<_> = categories
                .map(|(category, records)| format!("{category} {records}"))
                .collect();
            writeln!(
                out,
                "\nRecords without a comparison (a score is missing, or the policy never acts): {}",
                list.join(", ")
            )?;
        }
        two_way(
            out,
            ["fast action", "heavy action"],
            report
                .actions
                .iter()
                .map(|row| ([row.fast_action, row.heavy_action], row.cell)),
        )?;
        two_way(
            out,
            ["selected as", "outcome"],
            report
                .outcomes
                .iter()
                .map(|row| ([row.selection_reason, row.outcome], row.cell)),
        )?;
    }
    writeln!(
        out,
        "\nA record stands for 1 / inclusion_probability texts (\"texts\", both, fast only, ...: estimates). \"eff.\": effective \
         sample size\n(Kish). 95 %: Wilson on that size; too narrow where windows of one stream resemble one another. \
         Unproven: below {ENOUGH:.0}.\n{NOTE}"
    )
}

fn head(out: &mut impl Write, report: &Report) -> Result<()> {
    let (asked, records) = (&report.asked, &report.records);
    let since = asked
        .since_seconds
        .map_or_else(String::new, |seconds| format!(" of the last {seconds} s"));
    let tenant = asked
        .tenant
        .as_ref()
        .map_or_else(String::new, |tenant| format!(", tenant {}", shown(tenant)));
    writeln!(
        out,
        "{}{since}{tenant}: {} records read, {} counted; left out: {} repeats, {} of other tenants, {} refused (id or \
         inclusion probability), {} not decodable",
        shown(&asked.topic),
        records.read,
        records.counted,
        records.repeated,
        records.other_tenants,
        records.refused,
        records.undecodable,
    )?;
    writeln!(
        out,
        "{} judged by both models ({} windows of streams, {} only in part); not compared: {} without scores of the heavy \
         model,\n{} of the fast one (rules alone), {} of either",
        records.judged_by_both,
        records.of_streams,
        records.judged_in_part,
        records.not_judged_by_heavy,
        records.not_judged_by_fast,
        records.judged_by_neither,
    )?;
    for (model, count) in &report.models {
        writeln!(out, "heavy model {}: {count} records", shown(model))?;
    }
    if report.models.len() > 1 {
        writeln!(out, "The figures put these models together.")?;
    }
    Ok(())
}

fn agreement<'a>(
    out: &mut impl Write,
    whose: &str,
    rows: impl Iterator<Item = &'a Row>,
) -> Result<()> {
    let [records, both, fast, heavy] = ["records", "both", "fast only", "heavy only"];
    let [agreement, interval] = ["agreement", "95 %"];
    writeln!(
        out,
        "\n{whose:<26} {records:>8} {:>8} {both:>10} {fast:>10} {heavy:>10} {:>12} {agreement:>10} {interval:>13} {:>7}",
        "eff.", "neither", "kappa"
    )?;
    for row in rows {
        let name = if row.language == ALL {
            row.category.to_owned()
        } else {
            format!("{} {}", row.category, row.language)
        };
        let size = row
            .effective_size
            .map_or_else(|| "-".to_owned(), |size| format!("{size:.1}"));
        let interval = row.interval.map_or_else(
            || "-".to_owned(),
            |[low, high]| format!("{low:.3}-{high:.3}"),
        );
        let kappa = row
            .kappa
            .map_or_else(|| "-".to_owned(), |kappa| format!("{kappa:.3}"));
        let texts = |name| row.table.get(name).map_or(0.0, |cell| cell.weight);
        let unproven = if row.unproven { " unproven" } else { "" };
        writeln!(
            out,
            "{name:<26} {:>8} {size:>8} {:>10.1} {:>10.1} {:>10.1} {:>12.1} {:>10} {interval:>13} {kappa:>7}{unproven}",
            row.records,
            texts("both"),
            texts("fast_only"),
            texts("heavy_only"),
            texts("neither"),
            share(row.agreement),
        )?;
    }
    Ok(())
}

fn two_way(
    out: &mut impl Write,
    [row, column]: [&str; 2],
    cells: impl Iterator<Item = ([&'static str; 2], Cell)>,
) -> Result<()> {
    let [records, texts] = ["records", "texts"];
    writeln!(out, "\n{row:<13} {column:<13} {records:>8} {texts:>12}")?;
    for ([row, column], cell) in cells {
        writeln!(
            out,
            "{row:<13} {column:<13} {:>8} {:>12.1}",
            cell.records, cell.weight
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shadow::report::tests::report;
    use crate::shadow::tally::Tally;
    use crate::shadow::testing::moderation;

    fn printed(tally: Tally) -> String {
        let mut out = Vec::new();
        print(&mut out, &report(tally)).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cell_that_proves_little_says_so() {
        let mut tally = Tally::default();
        for number in 0..150 {
            let language = if number < 120 { "de" } else { "fr" };
            tally.take(&moderation(number, 0.01, language, 0.1, 0.1));
        }
        let text = printed(tally);
        let line = |name: &str| {
            let found = text.lines().find(|line| line.starts_with(name));
            found.unwrap_or_else(|| panic!("{name}\n{text}"))
        };
        assert!(!line("hate  ").contains("unproven"), "{text}");
        assert!(!line("hate de").contains("unproven"), "{text}");
        assert!(line("hate fr").ends_with("unproven"), "{text}");
        assert!(line("hate fr").contains(" 3000.0 "), "{text}");
        assert!(line("Records without").contains(" violence 150"), "{text}");
        assert!(text.trim_end().ends_with(NOTE), "{text}");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        let text = printed(Tally::default());
        assert!(text.contains("0 records read, 0 counted"), "{text}");
        assert!(text.contains("nothing to compare yet"), "{text}");
        assert!(!text.contains("kappa"), "{text}");
    }

    #[test]
    fn disagreement_is_called_nothing_else() {
        let mut tally = Tally::default();
        tally.take(&moderation(1, 1.0, "de", 0.9, 0.1));
        let text = printed(tally).replace(NOTE, "").to_lowercase();
        for word in ["false", "positive", "fpr", "precision", "accuracy", "error"] {
            assert!(!text.contains(word), "{word}\n{text}");
        }
    }
}
