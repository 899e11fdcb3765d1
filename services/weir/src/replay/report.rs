//! All that a replay has to say.

use std::collections::BTreeMap;

use serde::Serialize;
use weir_types::ModelRef;

use super::account::{Account, StreamAccount};
use super::compare::Comparison;
use super::joined::Figures;
use super::part::{Arm, Progress};
use super::recorded::Found;
use super::tally::Tally;
use crate::shadow::report::Report as Heavy;

/// `summary.json`, and `--json`.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) commit: &'static str,
    /// What was asked for.
    pub(crate) asked: serde_json::Value,
    /// What rows were compared with: `policy`, or `verdicts`, or `nothing`.
    pub(crate) before: &'static str,
    pub(crate) arms: Vec<ArmReport>,
    pub(crate) records: Totals,
    pub(crate) parts: Vec<Account>,
    /// What was read on the topic of verdicts.
    pub(crate) verdicts: Found,
    pub(crate) rows: Tally,
    /// Of `--verify`.
    pub(crate) verification: Option<Comparison>,
    /// Fingerprints of findings were compared, too.
    pub(crate) fingerprints: bool,
    pub(crate) labels: Option<Labels>,
    /// Agreement with the heavy model, of prompts that both judged.
    pub(crate) heavy: Option<Heavy>,
}

#[derive(Debug, Serialize)]
pub(crate) struct ArmReport {
    pub(crate) policies: String,
    /// By tenant.
    pub(crate) hashes: BTreeMap<String, String>,
    pub(crate) model: Option<ModelRef>,
}

/// What people's labels say.
#[derive(Debug, Serialize)]
pub(crate) struct Labels {
    pub(crate) rows: usize,
    /// Share of the traffic that is positive, as stated; precision is told at it.
    pub(crate) prevalence: f64,
    pub(crate) categories: Vec<Figures>,
}

/// All parts together.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Totals {
    pub(crate) read: u64,
    pub(crate) judged: u64,
    pub(crate) poison: u64,
    pub(crate) panicked: u64,
    /// Offsets asked for that had been deleted, before or while they were read.
    pub(crate) deleted: u64,
    /// Offsets without a record for another reason.
    pub(crate) no_record: u64,
    pub(crate) out_of_order: u64,
    pub(crate) streams: StreamAccount,
}

impl ArmReport {
    pub(crate) fn of(arm: &Arm) -> Self {
        let tenants = arm.judges.policies().tenants();
        let hash = |(tenant, policy): (&str, &weir_policy::Policy)| {
            (tenant.to_owned(), policy.hash.clone())
        };
        Self {
            policies: arm.policies.display().to_string(),
            hashes: tenants.map(hash).collect(),
            model: arm.model.clone(),
        }
    }
}

impl Totals {
    pub(crate) fn of(parts: &[Account]) -> Self {
        let mut all = Self::default();
        for part in parts {
            let deleted = part.deleted();
            all.read += part.read;
            all.judged += part.judged;
            all.poison += part.poison.values().sum::<u64>();
            all.panicked += part.panicked;
            all.deleted += deleted;
            let absent = part.absent + part.deleted_before.unsigned_abs();
            all.no_record += absent.saturating_sub(deleted);
            all.out_of_order += part.out_of_order;
            if let Some(streams) = &part.streams {
                all.streams.complete += streams.complete;
                all.streams.open_at_end += streams.open_at_end;
                all.streams.begun_before += streams.begun_before;
                all.streams.chunks_new += streams.chunks_new;
                all.streams.chunks_repeated += streams.chunks_repeated;
                all.streams.chunks_late += streams.chunks_late;
                all.streams.chunks_of_begun_before += streams.chunks_of_begun_before;
            }
        }
        all
    }
}

/// What was read of verdicts, and how they compare.
pub(crate) fn verdicts(parts: &[Progress]) -> (Found, Comparison) {
    let mut found = Found::default();
    let mut comparison = Comparison::default();
    for part in parts {
        found.read += part.verdicts.read;
        found.undecodable += part.verdicts.undecodable;
        found.superseding += part.verdicts.superseding;
        found.repeated += part.verdicts.repeated;
        comparison.merge(part.comparison.clone());
    }
    (found, comparison)
}
