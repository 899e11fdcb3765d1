//! Figures from what was summed up. Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_stats::cohen_kappa;
use weir_types::{Action, Agreement, Outcome, SelectionReason};

use super::tally::{Cell, Compared, Records, Tally};

/// The locale of all of them together.
pub(crate) const ALL: &str = "all";
/// Effective size from which on a figure is more than a hint.
pub(crate) const ENOUGH: f64 = 100.0;
/// The effective size of so many equal weights may be less by rounding.
pub(crate) const ROUNDING: f64 = 1e-6;
/// Stands in every report.
pub(crate) const NOTE: &str =
    "Either model may be wrong: disagreement is no false-positive rate, and agreement no accuracy.";

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Asked {
    pub(crate) topic: String,
    pub(crate) since_seconds: Option<u64>,
    pub(crate) tenant: Option<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) asked: Asked,
    pub(crate) records: Records,
    /// Of what the figures are estimates.
    pub(crate) represents: Represents,
    /// Heavy models: counted records.
    pub(crate) models: BTreeMap<String, u64>,
    pub(crate) agreement: Vec<Row>,
    /// Records that both judged, in which a category cannot be compared.
    pub(crate) not_compared: BTreeMap<&'static str, u64>,
    pub(crate) actions: Vec<ActionsRow>,
    pub(crate) outcomes: Vec<OutcomesRow>,
    pub(crate) note: &'static str,
}

/// Of what the records are a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Represents {
    /// Texts were also drawn whatever the fast path made of them.
    Traffic,
    /// None was: the figures speak only of texts that were flagged or uncertain.
    SelectedOnly,
}

/// Both models in one category and locale.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) category: &'static str,
    pub(crate) language: &'static str,
    pub(crate) records: u64,
    pub(crate) effective_size: Option<f64>,
    pub(crate) table: BTreeMap<&'static str, Cell>,
    pub(crate) agreement: Option<f64>,
    pub(crate) interval: Option<[f64; 2]>,
    pub(crate) kappa: Option<f64>,
    pub(crate) unproven: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct ActionsRow {
    pub(crate) fast_action: &'static str,
    pub(crate) heavy_action: &'static str,
    #[serde(flatten)]
    pub(crate) cell: Cell,
}

#[derive(Debug, Serialize)]
pub(crate) struct OutcomesRow {
    pub(crate) selection_reason: &'static str,
    pub(crate) outcome: &'static str,
    #[serde(flatten)]
    pub(crate) cell: Cell,
}

impl Report {
    pub(crate) fn of(tally: Tally, asked: Asked) -> Self {
        let drawn = [SelectionReason::Sample, SelectionReason::Policy]
            .iter()
            .flat_map(|reason| &tally.outcomes[*reason as usize])
            .any(|cell| cell.records > 0);
        let rows = tally.compared.iter();
        Self {
            asked,
            records: tally.records,
            represents: if drawn {
                Represents::Traffic
            } else {
                Represents::SelectedOnly
            },
            agreement: rows
                .map(|((category, language), compared)| {
                    Row::of(category.as_str(), language.unwrap_or(ALL), compared)
                })
                .collect(),
            not_compared: tally
                .not_compared
                .iter()
                .map(|(category, records)| (category.as_str(), *records))
                .collect(),
            actions: filled(Action::ALL, Action::ALL, &tally.actions)
                .map(|(fast, heavy, cell)| ActionsRow {
                    fast_action: fast.as_str(),
                    heavy_action: heavy.as_str(),
                    cell,
                })
                .collect(),
            outcomes: filled(SelectionReason::ALL, Outcome::ALL, &tally.outcomes)
                .map(|(reason, outcome, cell)| OutcomesRow {
                    selection_reason: reason.as_str(),
                    outcome: outcome.as_str(),
                    cell,
                })
                .collect(),
            models: tally.models,
            note: NOTE,
        }
    }
}

impl Row {
    fn of(category: &'static str, language: &'static str, compared: &Compared) -> Self {
        let [both, fast_only, heavy_only, neither] = compared.cells.map(|cell| cell.weight);
        let effective_size = compared.agreeing.effective_size();
        Self {
            category,
            language,
            records: compared.cells.iter().map(|cell| cell.records).sum(),
            effective_size,
            table: Agreement::ALL
                .map(|agreement| (agreement.as_str(), compared.cells[agreement as usize]))
                .into(),
            agreement: compared.agreeing.share(),
            interval: compared
                .agreeing
                .interval_95()
                .map(|interval| [interval.low, interval.high]),
            kappa: cohen_kappa(both, fast_only, heavy_only, neither),
            unproven: effective_size.is_none_or(|size| size < ENOUGH - ROUNDING),
        }
    }
}

/// The cells of a table that hold something, by row and column.
fn filled<R: Copy, C: Copy, const ROWS: usize, const COLUMNS: usize>(
    rows: [R; ROWS],
    columns: [C; COLUMNS],
    cells: &[[Cell; COLUMNS]; ROWS],
) -> impl Iterator<Item = (R, C, Cell)> {
    rows.into_iter().zip(cells).flat_map(move |(row, cells)| {
        columns
            .into_iter()
            .zip(cells)
            .filter(|(_, cell)| cell.records > 0)
            .map(move |(column, cell)| (row, column, *cell))
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::shadow::testing::moderation;

    pub(crate) fn report(tally: Tally) -> Report {
        let asked = Asked {
            topic: "t".to_owned(),
            since_seconds: None,
            tenant: None,
        };
        Report::of(tally, asked)
    }

    #[test]
    fn by_hand() {
        let mut tally = Tally::default();
        // 50 that were flagged: 30 times both act, 20 times the fast model alone. 10 that were drawn, one in ten: 9 times
        // neither acts, once the heavy model alone.
        let mut number = 0;
        for (times, probability, fast, heavy) in [
            (30, 1.0, 0.9, 0.9),
            (20, 1.0, 0.9, 0.1),
            (9, 0.1, 0.1, 0.1),
            (1, 0.1, 0.1, 0.9),
        ] {
            for _ in 0..times {
                tally.take(&moderation(number, probability, "de", fast, heavy));
                number += 1;
            }
        }
        let report = report(tally);
        assert_eq!(report.represents, Represents::Traffic);
        let of: Vec<_> = report
            .agreement
            .iter()
            .map(|row| (row.category, row.language, row.records))
            .collect();
        assert_eq!(of, [("hate", "all", 60), ("hate", "de", 60)]);
        for row in &report.agreement {
            // Weights: 30, 20, 10, 90 of 150; squares 50 + 10 * 100.
            let near = |found: Option<f64>, expected: f64| {
                assert!((found.unwrap() - expected).abs() < 1e-9, "{row:?}");
            };
            near(row.agreement, 0.8);
            near(row.effective_size, 150.0 * 150.0 / 1050.0);
            // Chance: 50/150 * 40/150 + 100/150 * 110/150 = 13000/22500.
            near(row.kappa, (0.8 - 13.0 / 22.5) / (1.0 - 13.0 / 22.5));
            // Wilson's interval of 0.8 on 21.43: (0.8 + 0.08964 -+ 0.19162) / 1.17927.
            let [low, high] = row.interval.unwrap();
            assert!(
                (low - 0.5919).abs() < 5e-4 && (high - 0.9169).abs() < 5e-4,
                "{row:?}"
            );
            assert!(row.unproven);
            assert!((row.table["heavy_only"].weight - 10.0).abs() < 1e-9);
            assert_eq!(row.table["neither"].records, 9);
        }
        let actions: Vec<_> = report
            .actions
            .iter()
            .map(|row| (row.fast_action, row.heavy_action, row.cell.records))
            .collect();
        assert_eq!(
            actions,
            [
                ("allow", "allow", 9),
                ("allow", "block", 1),
                ("block", "allow", 20),
                ("block", "block", 30)
            ]
        );
    }

    #[test]
    fn a_hundred_equal_weights_are_enough() {
        for probability in [1.0, 0.3, 0.01, 0.007] {
            let mut tally = Tally::default();
            for number in 0..100 {
                let unproven = number < 99;
                tally.take(&moderation(number, probability, "de", 0.1, 0.1));
                let row = Row::of("hate", ALL, tally.compared.values().next().unwrap());
                assert_eq!(row.unproven, unproven, "{number} {probability}");
                // Neither ever acts: agreement by chance alone.
                assert_eq!((row.agreement, row.kappa), (Some(1.0), None));
            }
        }
    }

    #[test]
    fn without_a_draw_it_does_not_speak_for_all_traffic() {
        let mut flagged = moderation(1, 1.0, "de", 0.9, 0.1);
        flagged.selection_reason = SelectionReason::Flagged;
        let mut tally = Tally::default();
        tally.take(&flagged);
        assert_eq!(report(tally).represents, Represents::SelectedOnly);
    }
}
