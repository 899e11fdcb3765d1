//! The report for a terminal: who would be treated otherwise.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use super::report::Report;
use super::row::Change;
use super::tally::{Group, Tally};
use crate::marks::shown;

/// Lines of a table, those with the most changes; the rest is in JSON.
const LINES: usize = 15;

pub(crate) fn changes(out: &mut impl Write, report: &Report) -> Result<()> {
    let rows = &report.rows;
    let after: Vec<_> = rows
        .after
        .iter()
        .map(|(action, count)| format!("{action} {count}"))
        .collect();
    writeln!(out, "now        {}", after.join(", "))?;
    if report.before == "nothing" || rows.compared == 0 {
        return writeln!(
            out,
            "Nothing to compare with: give two policies or models, or a topic of recorded verdicts."
        );
    }
    let whom = match report.before {
        "verdicts" => "the recorded verdicts",
        _ => "the first policy and model",
    };
    writeln!(out, "{} rows compared with {whom}", rows.compared)?;
    if rows.changes.is_empty() {
        return writeln!(out, "No action would change.");
    }
    for change in Change::ALL {
        if let Some(count) = rows.changes.get(&change) {
            let examples = rows.examples.get(&change).map_or(&[][..], Vec::as_slice);
            let some: Vec<_> = examples.iter().take(3).map(|it| shown(it)).collect();
            writeln!(
                out,
                "{count:>10} {:<14} e.g. {}",
                change.as_str(),
                some.join(" ")
            )?;
        }
    }
    for (whose, groups) in groups(rows) {
        table(out, whose, groups)?;
    }
    Ok(())
}

/// The tables, by what they group.
pub(crate) fn groups(rows: &Tally) -> [(&'static str, &BTreeMap<String, Group>); 4] {
    [
        ("tenant", &rows.by_tenant),
        ("language", &rows.by_language),
        ("category", &rows.by_category),
        ("rule", &rows.by_rule),
    ]
}

/// Those that change, the most changed first.
pub(crate) fn most_changed(groups: &BTreeMap<String, Group>) -> Vec<(&String, &Group)> {
    let mut changed: Vec<_> = groups
        .iter()
        .filter(|(_, group)| group.changed() > 0)
        .collect();
    changed.sort_by_key(|(_, group)| std::cmp::Reverse(group.changed()));
    changed
}

fn table(out: &mut impl Write, whose: &str, groups: &BTreeMap<String, Group>) -> Result<()> {
    let changed = most_changed(groups);
    if changed.is_empty() {
        return Ok(());
    }
    write!(out, "\n{whose:<32} {:>10}", "rows")?;
    for change in Change::ALL {
        write!(out, " {:>13}", change.as_str())?;
    }
    writeln!(out)?;
    for (name, group) in changed.iter().take(LINES) {
        write!(out, "{:<32} {:>10}", shown(name), group.rows)?;
        for change in Change::ALL {
            let count = group.changes.get(&change).copied().unwrap_or(0);
            write!(out, " {count:>13}")?;
        }
        writeln!(out)?;
    }
    if changed.len() > LINES {
        writeln!(out, "and {} more: --json", changed.len() - LINES)?;
    }
    Ok(())
}
