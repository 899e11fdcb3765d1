//! What replaying prompts and streams has in common.

use std::path::PathBuf;

use anyhow::Result;
use serde::{Deserialize, Serialize};
use weir_bus::InRecord;
use weir_gate::Judges;
use weir_lane::{Arrival, Refusal};
use weir_types::{Micros, ModelRef, UnjudgedCause, Verdict};

use super::account::Account;
use super::compare::{Comparison, Terms};
use super::recorded::Found;
use super::row::Row;

/// Records judged together; the production lane's number.
pub(crate) const TOGETHER: usize = 32;

/// One way to judge.
#[derive(Debug)]
pub(crate) struct Arm {
    pub(crate) policies: PathBuf,
    pub(crate) judges: Judges,
    pub(crate) model_folder: Option<PathBuf>,
    /// `None`: rules only.
    pub(crate) model: Option<ModelRef>,
}

/// What holds for all parts.
#[derive(Debug)]
pub(crate) struct Setup {
    /// One, or the one before and the one after.
    pub(crate) arms: Vec<Arm>,
    /// Judge as it was recorded, and compare.
    pub(crate) verify: bool,
    pub(crate) with_text: bool,
    /// The key of fingerprints is known.
    pub(crate) fingerprints: bool,
}

/// Where rows go.
pub(crate) type Rows<'a> = dyn FnMut(Row) -> Result<()> + 'a;

/// How far a part has come, and what it has come to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) account: Account,
    pub(crate) comparison: Comparison,
    pub(crate) verdicts: Found,
    /// Recorded verdicts on prompts that were met.
    pub(crate) met: u64,
    /// The next offset to be read.
    pub(crate) next: i64,
    /// The virtual clock: the youngest record so far, Unix milliseconds.
    pub(crate) now_ms: i64,
    /// Bytes of rows.
    pub(crate) bytes: u64,
    pub(crate) finished: bool,
}

impl Setup {
    /// Compares where policy and model are those that were recorded; the rest is counted.
    pub(crate) fn compare(
        &self,
        comparison: &mut Comparison,
        recorded: &Verdict,
        replayed: &Verdict,
        place: &str,
    ) {
        let Some(arm) = self.arms.last() else { return };
        let policy = arm.judges.policies().for_tenant(&recorded.tenant);
        let models = recorded.provenance.models.iter();
        if recorded.provenance.policy_hash != policy.hash {
            comparison.other_policy += 1;
        } else if models
            .into_iter()
            .any(|model| Some(model) != arm.model.as_ref())
        {
            comparison.other_model += 1;
        } else {
            let terms = Terms {
                policy,
                fingerprints: self.fingerprints,
            };
            comparison.take(recorded, replayed, terms, place);
        }
    }
}

impl Progress {
    /// Takes note of a record; time goes on with it.
    pub(crate) fn advance(&mut self, record: &InRecord) {
        self.account.read += 1;
        self.account.skipped(self.next, record.offset);
        self.account.schema(record.payload.as_deref());
        self.next = record.offset + 1;
        self.account.out_of_order += u64::from(record.timestamp_ms < self.now_ms);
        self.now_ms = self.now_ms.max(record.timestamp_ms);
    }

    pub(crate) fn now(&self) -> Micros {
        Micros::from_millis(u64::try_from(self.now_ms).unwrap_or(0))
    }

    /// It came this moment, has not aged, and nothing waits behind it: what depends on load is no part of a replay.
    pub(crate) fn arrival(&self, record: &InRecord) -> Arrival {
        Arrival {
            received: self.now(),
            received_at_ms: record.timestamp_ms,
            produced_at_ms: record.timestamp_ms,
            decode_us: 0,
            queued_behind: 0,
        }
    }

    pub(crate) fn place(&self, offset: i64) -> String {
        format!("{}-{}-{offset}", self.account.topic, self.account.partition)
    }
}

/// Why a recorded verdict went without the classifier, where that was a matter of time, load or a failure.
pub(crate) fn went_without(recorded: &Verdict) -> Option<Refusal> {
    use UnjudgedCause::{Expired, Failed, Shed};
    let mut unjudged = recorded.unjudged.iter();
    let cause = unjudged
        .find(|one| one.detector == "classifier" && matches!(one.cause, Expired | Shed | Failed));
    if let Some(one) = cause {
        return Some(Refusal::Because(one.cause));
    }
    let asked = recorded.judged_by.iter().any(|name| name == "classifier");
    // On streams most verdicts come between two windows.
    (!asked && recorded.stream_id.is_none()).then_some(Refusal::NotInstalled)
}
