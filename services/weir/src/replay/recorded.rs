//! What gates wrote on the topic of verdicts, by what it is about. Held in memory, a partition at a time.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use weir_lane::{Refusal, Timed};
use weir_types::{Stage, Unjudged, UnjudgedCause, Verdict};

use super::part::went_without;
use super::row::{Kind, Outcome};

/// What a partition of verdicts held.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) read: u64,
    pub(crate) undecodable: u64,
    /// By a rescorer: no gate's word.
    pub(crate) superseding: u64,
    /// Of an id that was read before; the highest epoch counts, of equal ones the last.
    pub(crate) repeated: u64,
}

/// What is known of one partition.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) found: Found,
    /// Of prompts, by verdict id.
    pub(crate) prompts: HashMap<String, Verdict>,
    /// By stream id.
    pub(crate) streams: HashMap<String, StreamLog>,
}

/// All that was said of one stream.
#[derive(Debug, Default)]
pub(crate) struct StreamLog {
    /// By verdict id, the highest epoch.
    pub(crate) verdicts: HashMap<String, Verdict>,
    /// Who said what: a successor reads again from further back, and takes other chunks together.
    pub(crate) owners: BTreeMap<i64, Owner>,
}

/// What one owner of the partition said of a stream.
#[derive(Debug, Default)]
pub(crate) struct Owner {
    said: HashMap<String, Said>,
    /// The first chunk that any of it covers; before that it stood on what its predecessors said.
    pub(crate) first: i64,
    /// The last one.
    pub(crate) last: i64,
}

/// What was a matter of time in one owner's verdict. A successor may give the verdict of the same id and have had the time
/// that this one lacked, or lack it: what is read again after an outage is past its budget.
#[derive(Debug, Clone, Copy)]
struct Said {
    without: Option<Refusal>,
    /// A chunk was given up.
    missing: bool,
}

impl Recorded {
    /// Takes in a verdict; only those on what is replayed are kept.
    pub(crate) fn take(&mut self, verdict: Verdict, kind: Kind) {
        self.found.read += 1;
        if verdict.supersedes.is_some() || verdict.provenance.stage != Stage::Fast {
            self.found.superseding += 1;
            return;
        }
        let verdicts = match (&verdict.stream_id, kind) {
            (None, Kind::Prompt) => &mut self.prompts,
            (Some(stream), Kind::Stream) => {
                let log = self.streams.entry(stream.clone()).or_default();
                log.owner(&verdict);
                &mut log.verdicts
            }
            _ => return,
        };
        self.found.repeated += u64::from(keep_higher(verdicts, verdict));
    }

    pub(crate) const fn undecodable(&mut self) {
        self.found.read += 1;
        self.found.undecodable += 1;
    }

    /// What was made of a stream in the end.
    pub(crate) fn of_stream(&self, id: &str) -> Option<Outcome> {
        let log = self.streams.get(id)?;
        // By id, so that it does not depend on the order of a map; all that counts is commutative.
        let mut verdicts = log.verdicts.values().map(Outcome::recorded);
        let first = verdicts.next()?;
        Some(verdicts.fold(first, |mut whole, one| {
            whole.and(one);
            whole
        }))
    }
}

/// Whether there was one.
fn keep_higher(verdicts: &mut HashMap<String, Verdict>, verdict: Verdict) -> bool {
    match verdicts.get_mut(&verdict.verdict_id) {
        Some(known) => {
            if known.owner_epoch <= verdict.owner_epoch {
                *known = verdict;
            }
            true
        }
        None => {
            verdicts.insert(verdict.verdict_id.clone(), verdict);
            false
        }
    }
}

impl StreamLog {
    fn owner(&mut self, verdict: &Verdict) {
        let owner = self
            .owners
            .entry(verdict.owner_epoch)
            .or_insert_with(|| Owner {
                first: verdict.seq_from,
                ..Owner::default()
            });
        owner.first = owner.first.min(verdict.seq_from);
        owner.last = owner.last.max(verdict.seq_to);
        let missing = |it: &Unjudged| it.cause == UnjudgedCause::Missing;
        let said = Said {
            without: went_without(verdict),
            missing: verdict.unjudged.iter().any(missing),
        };
        owner.said.insert(verdict.verdict_id.clone(), said);
    }

    /// Whether this owner gave the verdict of this id.
    pub(crate) fn gave(&self, epoch: i64, id: &str) -> bool {
        let owner = self.owners.get(&epoch);
        owner.is_some_and(|owner| owner.said.contains_key(id))
    }

    /// Why the classifier was not heard on the verdict of this id, as this owner gave it, or the last before it that did.
    pub(crate) fn without(&self, epoch: i64, id: &str) -> Option<Refusal> {
        let mut owners = self.owners.range(..=epoch).rev();
        owners.find_map(|(_, owner)| owner.said.get(id))?.without
    }

    /// Whether time brought about this verdict of the owner's.
    pub(crate) fn timed(&self, epoch: i64, timed: &Timed) -> bool {
        let owner = self.owners.get(&epoch);
        let said = owner.and_then(|owner| owner.said.get(&timed.verdict_id));
        said.is_some_and(|said| !timed.gives_up || said.missing)
    }

    /// Whether the verdict of this id, which covers chunks up to `seq_to`, is one of those that this owner took over.
    /// `untimely`: the id of the one that time would bring about next.
    pub(crate) fn took_over(&self, epoch: i64, id: &str, seq_to: i64, untimely: &str) -> bool {
        let Some(owner) = self.owners.get(&epoch) else {
            return false;
        };
        let is_before =
            seq_to < owner.first || seq_to == owner.first && owner.said.contains_key(untimely);
        let mut before = self.owners.range(..epoch);
        is_before && before.any(|(_, owner)| owner.said.contains_key(id))
    }

    /// Whether what is taken over up to `seq_to` is the last of it: there the owner went on from a checkpoint.
    pub(crate) fn goes_on_after(&self, epoch: i64, seq_to: i64, untimely: &str) -> bool {
        let owner = self.owners.get(&epoch);
        owner.is_some_and(|it| seq_to + 1 == it.first || it.said.contains_key(untimely))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(id: &str, epoch: i64, stream: Option<&str>, seq: i64) -> Verdict {
        let example = include_str!("../../../../schemas/examples/verdict.json");
        let verdict: Verdict = serde_json::from_str(example).unwrap();
        let mut provenance = verdict.provenance.clone();
        provenance.stage = Stage::Fast;
        Verdict {
            verdict_id: id.to_owned(),
            owner_epoch: epoch,
            stream_id: stream.map(str::to_owned),
            seq_from: seq,
            seq_to: seq,
            supersedes: None,
            provenance,
            ..verdict
        }
    }

    #[test]
    fn the_highest_epoch_counts_in_whatever_order() {
        let mut recorded = Recorded::default();
        for epoch in [2, 3, 1] {
            recorded.take(verdict("a", epoch, None, 0), Kind::Prompt);
        }
        recorded.take(verdict("s", 9, Some("stream"), 0), Kind::Prompt);
        let later = Verdict {
            supersedes: Some("a".to_owned()),
            ..verdict("b", 9, None, 0)
        };
        recorded.take(later, Kind::Prompt);
        assert_eq!(recorded.prompts["a"].owner_epoch, 3);
        assert_eq!((recorded.prompts.len(), recorded.streams.len()), (1, 0));
        let found = recorded.found;
        assert_eq!((found.read, found.repeated, found.superseding), (5, 2, 1));
    }

    #[test]
    fn an_owner_stands_on_what_it_took_over() {
        let mut recorded = Recorded::default();
        for (id, epoch, seq) in [("a", 1, 0), ("b", 1, 3), ("c", 1, 5), ("d", 2, 4)] {
            recorded.take(verdict(id, epoch, Some("s"), seq), Kind::Stream);
        }
        let log = &recorded.streams["s"];
        assert!(log.gave(1, "a") && log.gave(1, "c") && !log.gave(1, "d"));
        assert!(log.gave(2, "d") && !log.gave(2, "a") && !log.gave(3, "a"));
        let took_over = |id, seq_to| log.took_over(2, id, seq_to, "none");
        assert!(took_over("a", 0) && took_over("b", 3));
        // What its predecessor said of what it read itself is not its own.
        assert!(!took_over("c", 5) && !log.took_over(3, "a", 0, "none"));
        assert!(log.goes_on_after(2, 3, "none") && !log.goes_on_after(2, 0, "none"));
    }

    #[test]
    fn each_owner_had_its_own_time() {
        let expired = Unjudged {
            detector: "classifier".to_owned(),
            cause: UnjudgedCause::Expired,
        };
        let mut recorded = Recorded::default();
        recorded.take(verdict("a", 1, Some("s"), 0), Kind::Stream);
        // Read again after an outage, the same text comes too late.
        let late = Verdict {
            unjudged: vec![expired],
            ..verdict("a", 2, Some("s"), 0)
        };
        recorded.take(late, Kind::Stream);
        recorded.take(verdict("b", 3, Some("s"), 1), Kind::Stream);
        let log = &recorded.streams["s"];
        let expired = Some(Refusal::Because(UnjudgedCause::Expired));
        assert_eq!(log.without(1, "a"), None);
        assert_eq!(log.without(2, "a"), expired);
        // The third took over what the second had said.
        assert_eq!(log.without(3, "a"), expired);
        assert_eq!(log.without(3, "none"), None);
    }

    #[test]
    fn silence_alone_is_heard_after_the_last_chunk_that_was_taken_over() {
        let mut recorded = Recorded::default();
        for (id, epoch, seq) in [("a", 1, 3), ("silence", 2, 3)] {
            recorded.take(verdict(id, epoch, Some("s"), seq), Kind::Stream);
        }
        let log = &recorded.streams["s"];
        assert!(log.took_over(2, "a", 3, "silence") && !log.took_over(2, "a", 3, "other"));
        assert!(log.goes_on_after(2, 3, "silence"));
    }
}
