//! Limits that figures must keep: `weir eval --gates`.

use std::path::Path;

use anyhow::{Context as _, bail};
use serde::Deserialize;

use super::figures::{Figures, Point};
use super::report::Report;
use super::subject::Subject;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    gates: Vec<Gate>,
}

/// One limit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Gate {
    category: String,
    locale: String,
    metric: String,
    #[serde(default)]
    min: Option<f64>,
    #[serde(default)]
    max: Option<f64>,
}

/// Reads limits and checks that each can be kept at all.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Gate>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("{} cannot be read", path.display()))?;
    parse(&text).with_context(|| format!("{} is no file of gates", path.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<Gate>> {
    let File { gates } = serde_saphyr::from_str(text)?;
    if gates.is_empty() {
        bail!("it has no gates, and would pass whatever the figures are");
    }
    for gate in &gates {
        gate.check()
            .with_context(|| format!("gate {} {} {}", gate.category, gate.locale, gate.metric))?;
    }
    Ok(gates)
}

/// What each gate that fails says.
pub(crate) fn failures(gates: &[Gate], report: &Report) -> Vec<String> {
    gates
        .iter()
        .filter_map(|gate| {
            let figures = report.find(&gate.category, &gate.locale);
            let value = figures.and_then(|figures| metric(figures, &gate.metric).flatten());
            let problem = gate.problem(value)?;
            let Gate {
                category,
                locale,
                metric,
                ..
            } = gate;
            Some(format!("{category} {locale} {metric}: {problem}"))
        })
        .collect()
}

impl Gate {
    fn check(&self) -> anyhow::Result<()> {
        if !Subject::all().any(|subject| subject.as_str() == self.category) {
            let known: Vec<_> = Subject::all().map(Subject::as_str).collect();
            bail!("unknown category (known: {})", known.join(", "));
        }
        if !METRICS.contains(&self.metric.as_str()) {
            bail!("unknown metric (known: {})", METRICS.join(", "));
        }
        match (self.min, self.max) {
            (None, None) => bail!("it has neither min nor max"),
            (min, max) if min.into_iter().chain(max).any(|limit| !limit.is_finite()) => {
                bail!("min and max must be numbers")
            }
            (Some(min), Some(max)) if min > max => bail!("min is above max: nothing can pass"),
            _ => Ok(()),
        }
    }

    /// What is not measured does not pass: a set that lost its rows must not go unnoticed.
    fn problem(&self, value: Option<f64>) -> Option<String> {
        let Some(value) = value else {
            return Some("not measured: too few rows, or no such locale or threshold".to_owned());
        };
        let short = self.min.filter(|min| value < *min);
        let over = self.max.filter(|max| value > *max);
        if let Some(min) = short {
            return Some(format!("{value:.4} is {:.4} below {min}", min - value));
        }
        over.map(|max| format!("{value:.4} is {:.4} above {max}", value - max))
    }
}

/// All metrics of [`metric`].
const METRICS: [&str; 22] = [
    "positives",
    "negatives",
    "scores.auroc",
    "scores.auprc",
    "scores.recall_at_fpr",
    "scores.ece",
    "model.warn.precision",
    "model.warn.recall",
    "model.warn.fpr",
    "model.warn.fpr_upper",
    "model.block.precision",
    "model.block.recall",
    "model.block.fpr",
    "model.block.fpr_upper",
    "actions.warn.precision",
    "actions.warn.recall",
    "actions.warn.fpr",
    "actions.warn.fpr_upper",
    "actions.block.precision",
    "actions.block.recall",
    "actions.block.fpr",
    "actions.block.fpr_upper",
];

/// A figure by its place in the report; `None`: there is no such place. `Some(None)`: it was not measured.
fn metric(figures: &Figures, name: &str) -> Option<Option<f64>> {
    let scores = figures.scores.as_ref();
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts[..] {
        ["positives"] => Some(figures.positives as f64),
        ["negatives"] => Some(figures.negatives as f64),
        ["scores", "auroc"] => scores.and_then(|scores| scores.auroc),
        ["scores", "auprc"] => scores.and_then(|scores| scores.auprc),
        ["scores", "recall_at_fpr"] => scores.and_then(|scores| scores.recall_at_fpr),
        ["scores", "ece"] => scores.and_then(|scores| scores.ece),
        ["model", level, name] => at(level, &figures.model, name)?,
        ["actions", level, name] => at(level, &figures.actions, name)?,
        _ => return None,
    })
}

fn at(level: &str, points: &super::figures::Points, name: &str) -> Option<Option<f64>> {
    let point = match level {
        "warn" => points.warn.as_ref(),
        "block" => points.block.as_ref(),
        _ => return None,
    };
    let read: fn(&Point) -> Option<f64> = match name {
        "precision" => |point| point.precision,
        "recall" => |point| point.recall,
        "fpr" => |point| point.fpr,
        "fpr_upper" => |point| point.fpr_upper,
        _ => return None,
    };
    Some(point.and_then(read))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::figures::Points;

    fn gate(min: Option<f64>, max: Option<f64>) -> Gate {
        Gate {
            category: "hate".to_owned(),
            locale: "all".to_owned(),
            metric: "scores.auroc".to_owned(),
            min,
            max,
        }
    }

    #[test]
    fn limits_belong_to_what_passes() {
        assert_eq!(gate(Some(0.5), Some(0.5)).problem(Some(0.5)), None);
        let low = gate(Some(0.5), None).problem(Some(0.375)).unwrap();
        assert_eq!(low, "0.3750 is 0.1250 below 0.5");
        let high = gate(None, Some(0.5)).problem(Some(0.75)).unwrap();
        assert_eq!(high, "0.7500 is 0.2500 above 0.5");
        assert!(
            gate(None, Some(1.0))
                .problem(None)
                .unwrap()
                .starts_with("not measured")
        );
    }

    #[test]
    fn every_metric_has_a_place() {
        let figures = Figures {
            category: "hate",
            locale: "all".to_owned(),
            positives: 3,
            negatives: 4,
            fpr_claims: "unproven",
            scores: None,
            model: Points::default(),
            actions: Points::default(),
        };
        for name in METRICS {
            assert!(metric(&figures, name).is_some(), "{name}");
        }
        assert_eq!(metric(&figures, "negatives"), Some(Some(4.0)));
        for name in [
            "",
            "scores",
            "scores.f1",
            "model.warn",
            "model.pass.recall",
            "model.warn.f1",
        ] {
            assert_eq!(metric(&figures, name), None, "{name}");
        }
    }

    #[test]
    fn gates_that_mean_nothing_are_refused() {
        for (text, why) in [
            ("gates: []", "it has no gates"),
            ("limits: []", "limits"),
            (
                "gates: [{category: hate, locale: all, metric: scores.auroc}]",
                "neither min nor max",
            ),
            (
                "gates: [{category: hat, locale: all, metric: scores.auroc, min: 0}]",
                "unknown category (known: self_harm",
            ),
            (
                "gates: [{category: hate, locale: all, metric: auroc, min: 0}]",
                "unknown metric (known: positives",
            ),
            (
                "gates: [{category: hate, locale: all, metric: scores.auroc, min: 1, max: 0}]",
                "nothing can pass",
            ),
            (
                "gates: [{category: hate, locale: all, metric: scores.auroc, min: .nan}]",
                "must be numbers",
            ),
            (
                "gates: [{category: hate, locale: all, metric: scores.auroc, minimum: 1}]",
                "minimum",
            ),
        ] {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
