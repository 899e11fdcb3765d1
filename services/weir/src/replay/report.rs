//! All that a replay has to say.

use std::collections::BTreeMap;

use anyhow::Result;
use serde::Serialize;
use weir_types::ModelRef;

use super::account::{Account, StreamAccount};
use super::args::ReplayArgs;
use super::compare::Comparison;
use super::figures::{Figures, figures};
use super::joined::Looks;
use super::part::{Arm, Progress, Setup};
use super::recorded::Found;
use super::tally::Tally;
use crate::shadow::report::{Asked as HeavyAsked, Report as Heavy};
use crate::shadow::tally::Tally as HeavyTally;

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
    /// What was read on the topic of moderation.
    pub(crate) moderation: Option<Looks>,
    /// Agreement with the heavy model, of prompts that both judged.
    pub(crate) heavy: Option<Heavy>,
}

impl Report {
    /// What a replay has come to, part by part; `looks`: what there was of moderation.
    ///
    /// # Errors
    /// A score that labels are compared with is no number.
    pub(crate) fn of(
        args: &ReplayArgs,
        setup: &Setup,
        progress: &[Progress],
        tally: Tally,
        looks: Looks,
    ) -> Result<Self> {
        let parts: Vec<_> = progress.iter().map(|it| it.account.clone()).collect();
        let (verdicts, comparison) = verdicts(progress);
        let labels = match &args.labels {
            Some(_) => Some(Labels {
                rows: tally.labelled.len(),
                prevalence: args.prevalence,
                categories: figures(&tally.labelled, args.prevalence)?,
            }),
            None => None,
        };
        let moderation = args
            .moderation
            .then(|| looks.with_joined(tally.moderated.len() as u64));
        let heavy = args.moderation.then(|| {
            let mut counted = HeavyTally::new(None);
            for record in &tally.moderated {
                counted.take(record);
            }
            let asked = HeavyAsked {
                topic: args.moderation_topic.clone(),
                since_seconds: None,
                tenant: None,
            };
            Heavy::of(counted, asked)
        });
        Ok(Report {
            commit: env!("WEIR_COMMIT"),
            asked: args.asked(setup),
            before: match (setup.arms.len(), args.alone) {
                (2, _) => "policy",
                (_, false) => "verdicts",
                (_, true) => "nothing",
            },
            arms: setup.arms.iter().map(ArmReport::of).collect(),
            records: Totals::of(&parts),
            parts,
            verdicts,
            rows: tally,
            verification: setup.verify.then_some(comparison),
            fingerprints: setup.fingerprints,
            labels,
            moderation,
            heavy,
        })
    }
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

/// What was read of verdicts, and how they compare. Prompts and chunks of a partition's number have their verdicts on one
/// partition, which is read for each of them and counts once.
pub(crate) fn verdicts(parts: &[Progress]) -> (Found, Comparison) {
    let mut partitions: BTreeMap<i32, Found> = BTreeMap::new();
    let mut comparison = Comparison::default();
    for part in parts {
        let found = partitions.entry(part.account.partition).or_default();
        found.read = found.read.max(part.verdicts.read);
        found.undecodable = found.undecodable.max(part.verdicts.undecodable);
        found.superseding = found.superseding.max(part.verdicts.superseding);
        // Of ids of its own kind.
        found.repeated += part.verdicts.repeated;
        comparison.merge(part.comparison.clone());
    }
    let mut all = Found::default();
    for found in partitions.values() {
        all.read += found.read;
        all.undecodable += found.undecodable;
        all.superseding += found.superseding;
        all.repeated += found.repeated;
    }
    (all, comparison)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replay::account::Account;

    #[test]
    fn a_partition_of_verdicts_counts_once_for_prompts_and_chunks() {
        let part = |partition, read, repeated| Progress {
            account: Account {
                partition,
                ..Account::default()
            },
            verdicts: Found {
                read,
                repeated,
                undecodable: 1,
                superseding: 2,
            },
            ..Progress::default()
        };
        let (found, _) = verdicts(&[part(0, 10, 1), part(1, 20, 0), part(0, 10, 3)]);
        let expected = Found {
            read: 30,
            repeated: 4,
            undecodable: 2,
            superseding: 4,
        };
        assert_eq!(found, expected);
    }
}
