//! What `weir eval` reports; `evals/README.md` describes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use weir_policy::Policy;
use weir_types::ModelRef;

use super::data::{DataFile, RowCounts};
use super::figures::{
    CONFIDENCE, Curves, Draws, ENOUGH_HARMLESS, FALSE_POSITIVE_RATE, Figures, PREVALENCES, Slice,
};
use super::misses::{Misses, worst};
use super::outcome::Outcomes;
use super::subject::Subject;
use crate::bench::report::{Machine, date, machine};
use crate::stage::Stage;

/// Name of the slice of all rows.
pub(crate) const ALL: &str = "all";

/// Version of the report's shape; a number goes up when a key changes its meaning or goes.
const FORMAT: u32 = 1;

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) format: u32,
    pub(crate) run: Run,
    pub(crate) rows: Rows,
    pub(crate) locales: Vec<Locale>,
    pub(crate) figures: Vec<Figures>,
    pub(crate) curves: Vec<Curves>,
    /// Only if asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<Misses>>,
}

/// What was run, on what, where and when.
#[derive(Debug, Serialize)]
pub(crate) struct Run {
    pub(crate) commit: &'static str,
    pub(crate) date: String,
    pub(crate) machine: Machine,
    pub(crate) stage: &'static str,
    pub(crate) policy: PolicyRef,
    pub(crate) model: Option<ModelRef>,
    pub(crate) data: Vec<DataFile>,
    pub(crate) split: Option<String>,
    pub(crate) seed: u64,
    pub(crate) bootstrap: usize,
    pub(crate) confidence: f64,
    pub(crate) prevalences: [f64; 3],
    pub(crate) recall_at_fpr: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct PolicyRef {
    pub(crate) id: String,
    pub(crate) version: String,
    pub(crate) hash: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Rows {
    #[serde(flatten)]
    pub(crate) counts: RowCounts,
    pub(crate) judged: usize,
    /// By `detector/cause`.
    pub(crate) unjudged: BTreeMap<String, usize>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Locale {
    pub(crate) locale: String,
    pub(crate) rows: usize,
    pub(crate) harmless: usize,
    pub(crate) fpr_claims: &'static str,
}

/// What the caller knows of a run.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) stage: Stage,
    pub(crate) split: Option<String>,
    pub(crate) draws: Draws,
    /// How many ids to list.
    pub(crate) errors: Option<usize>,
}

impl Report {
    /// Works everything out; `done` is called after each subject in each locale.
    pub(crate) fn of(
        files: Vec<DataFile>,
        counts: RowCounts,
        outcomes: Outcomes,
        policy: &Policy,
        asked: Asked,
        done: impl Fn(),
    ) -> anyhow::Result<Self> {
        let slices = slices(&outcomes);
        let mut figures = Vec::new();
        for subject in Subject::all() {
            for slice in &slices {
                figures.extend(slice.figures(subject, policy, asked.draws)?);
                done();
            }
        }
        let all = slices.first();
        let curves = Subject::all().filter_map(|subject| all.map(|all| all.curves(subject)));
        let curves = curves.collect::<anyhow::Result<_>>()?;
        let errors = asked.errors.map(|most| {
            let misses = Subject::all().map(|subject| worst(&outcomes.rows, subject, most));
            misses.filter(|misses| !misses.is_empty()).collect()
        });
        Ok(Self {
            format: FORMAT,
            locales: slices.iter().map(Locale::of).collect(),
            run: Run {
                commit: env!("WEIR_COMMIT"),
                date: date()?,
                machine: machine(),
                stage: asked.stage.as_str(),
                policy: PolicyRef {
                    id: policy.id.clone(),
                    version: policy.version.clone(),
                    hash: policy.hash.clone(),
                },
                model: outcomes.model,
                data: files,
                split: asked.split,
                seed: asked.draws.seed,
                bootstrap: asked.draws.resamples,
                confidence: CONFIDENCE,
                prevalences: PREVALENCES,
                recall_at_fpr: FALSE_POSITIVE_RATE,
            },
            rows: Rows {
                counts,
                judged: outcomes.rows.len(),
                unjudged: outcomes.unjudged,
            },
            figures,
            curves,
            errors,
        })
    }

    /// Of one subject in one locale.
    pub(crate) fn find(&self, category: &str, locale: &str) -> Option<&Figures> {
        self.figures
            .iter()
            .find(|figures| figures.category == category && figures.locale == locale)
    }
}

impl Locale {
    fn of(slice: &Slice<'_>) -> Self {
        let harmless = slice.harmless();
        Self {
            locale: slice.locale.to_owned(),
            rows: slice.rows.len(),
            harmless,
            fpr_claims: if harmless >= ENOUGH_HARMLESS {
                "supported"
            } else {
                "unproven"
            },
        }
    }
}

/// How many subjects in how many locales there are to be worked out.
pub(crate) fn groups(outcomes: &Outcomes) -> usize {
    slices(outcomes).len() * Subject::all().count()
}

/// All rows first, then each locale.
fn slices(outcomes: &Outcomes) -> Vec<Slice<'_>> {
    let rows = &outcomes.rows;
    let locales: BTreeSet<&str> = rows.iter().map(|row| row.locale.as_str()).collect();
    let one = |locale| Slice {
        locale,
        rows: rows.iter().filter(|row| row.locale == locale).collect(),
    };
    let all = Slice {
        locale: ALL,
        rows: rows.iter().collect(),
    };
    std::iter::once(all)
        .chain(locales.into_iter().map(one))
        .collect()
}
