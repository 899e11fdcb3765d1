//! What `weir calibrate` reports.

use serde::Serialize;
use weir_stats::Bootstrap;
use weir_types::{Category, ModelRef};

use super::impact::Impact;
use super::input::{Counts, Target};
use super::propose::Proposed;
use crate::bench::report::{Machine, date, machine};
use crate::eval::data::DataFile;
use crate::eval::report::PolicyRef;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) format: u32,
    pub(crate) target: Target,
    pub(crate) run: Run,
    pub(crate) split: Split,
    pub(crate) rows: Counts,
    pub(crate) categories: Vec<Proposed>,
    /// What is expected of the whole proposal.
    pub(crate) impact: Vec<Impact>,
    /// The patch, YAML; null: nothing is proposed.
    pub(crate) patch: Option<String>,
    /// What to see to by hand.
    pub(crate) warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) commit: &'static str,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) source: String,
    pub(crate) files: Vec<DataFile>,
    pub(crate) policy: PolicyRef,
    pub(crate) model: ModelRef,
    pub(crate) seed: u64,
    pub(crate) bootstrap: usize,
}

/// What curves and thresholds rest on, and what they are reported on.
#[derive(Debug, Serialize)]
pub(crate) struct Split {
    pub(crate) by: &'static str,
    pub(crate) fit: usize,
    pub(crate) report: usize,
}

impl Run {
    pub(crate) fn new(
        source: String,
        files: Vec<DataFile>,
        policy: PolicyRef,
        model: ModelRef,
        bootstrap: &Bootstrap,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            commit: env!("WEIR_COMMIT"),
            date: date()?,
            machine: machine(),
            source,
            files,
            policy,
            model,
            seed: bootstrap.seed,
            bootstrap: bootstrap.resamples,
        })
    }
}

impl Report {
    /// Version of the shape; goes up when a key changes its meaning or goes.
    pub(crate) const FORMAT: u32 = 1;

    pub(crate) fn fitted(&self) -> bool {
        self.categories
            .iter()
            .any(|category| category.curve.is_some())
    }
}

impl Report {
    /// Of what weakens the figures.
    pub(crate) fn warn_of_inputs(&mut self) {
        let unknown = self.rows.of_unknown_probability;
        if unknown > 0 {
            self.warnings.push(format!(
                "{unknown} labelled texts stand for themselves only: neither the labels nor moderation say with what probability they were looked at"
            ));
        }
    }

    /// Of what the rows to report on speak against.
    pub(crate) fn warn_of_results(&mut self) {
        let mut warnings = Vec::new();
        for one in &self.categories {
            let fitted = one.cells.iter().filter(|_| one.curve.is_some());
            for cell in fitted.filter(|cell| cell.doubtful) {
                warnings.push(format!(
                    "{} in {}: keeps the common slope: {}",
                    one.category,
                    cell.locale,
                    cell.common_slope.as_deref().unwrap_or_default()
                ));
            }
            for errors in &one.errors {
                if errors.interval.is_some_and(|[low, _]| low > 0.0) {
                    warnings.push(format!(
                        "{} in {}: the proposed curve is worse than the present one (calibration error {:+.4})",
                        one.category, errors.locale, errors.difference
                    ));
                }
            }
            if let Some(threshold) = one.threshold.as_ref().filter(|it| it.displaces) {
                warnings.push(format!(
                    "{}: {} at {} displaces another tier, which now begins there too",
                    one.category,
                    threshold.tier,
                    threshold.after.unwrap_or_default()
                ));
            }
        }
        self.warnings.extend(warnings);
    }

    /// Of policies that would be measured on the new scale by thresholds of the old one.
    pub(crate) fn warn_of_left_behind(&mut self, policies: &[(String, Vec<Category>)]) {
        for (id, categories) in policies {
            let names: Vec<&str> = categories
                .iter()
                .map(|category| category.as_str())
                .collect();
            self.warnings.push(format!(
                "policy {id} inherits the calibration and has thresholds of its own for {}: calibrate it too, or move them",
                names.join(", ")
            ));
        }
    }

    /// What a reader of the patch must know, a line each.
    pub(crate) fn head(&self) -> Vec<String> {
        let Target { kind, name, note } = &self.target;
        let mut lines = vec![
            format!(
                "Proposed by weir calibrate, {}: for review, applied by nobody.",
                self.run.date
            ),
            format!("Target: {kind} ({}). {note}", one_line(name)),
            format!(
                "Fitted on {} rows, reported on {} others (parted by {}); model {}.",
                self.split.fit, self.split.report, self.split.by, self.run.model.name
            ),
        ];
        let whole = self.impact.first();
        if let Some((change, [low, high])) =
            whole.and_then(|all| Some((all.blocked.change?, all.blocked.interval?)))
        {
            lines.push(format!(
                "Expected change in block rate: {:+.3} % of texts ({:+.3} to {:+.3}).",
                change * 100.0,
                low * 100.0,
                high * 100.0
            ));
        }
        lines.extend(self.warnings.iter().map(|warning| one_line(warning)));
        lines
    }
}

/// File names may hold line breaks, which would end a comment.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
