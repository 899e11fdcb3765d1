//! What the second look changes for the worker: committed moderation records in, superseding verdicts out.
//!
//! A group of its own reads what transactions have committed, so that no verdict rests on a record that is never seen. Verdicts
//! are written by an idempotent producer, never in a transaction, which would stall their readers; an offset is committed when
//! its verdict is acknowledged. A repeat has the same id.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flume::RecvTimeoutError;
use weir_bus::{BusError, Event, InRecord, InputRef, Ledger, Linger, OutRecord, Publisher, Reader};
use weir_policy::PolicySet;
use weir_registry::Ids;
use weir_types::{Action, Provenance, Stage, StageTimes, Verdict, derive_id};
use weir_wire::Moderation;

use crate::config::RescoreConfig;
use crate::shared::Shared;

/// How long the loop sleeps when nothing comes.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// Records that wait in memory at most for the schema registry, before no more are taken from the reader.
const WAITING_RECORDS: usize = 4096;
/// How often progress is committed. A crash repeats at most this much, under the same ids.
const COMMIT_EVERY: Duration = Duration::from_millis(250);
/// How long acknowledgements are waited for when partitions are given back, and at the end.
const DELIVERY_PATIENCE: Duration = Duration::from_millis(1500);
/// After a failure that takes a new start.
const RESTART_AFTER: Duration = Duration::from_secs(1);
/// As what the heavy model stands in `judged_by`.
const HEAVY: &str = "heavy";

/// The verdict that a record asks for; `None` if it asks for none.
pub(crate) fn verdict(moderation: &Moderation, policies: &PolicySet) -> Option<Verdict> {
    let superseded = moderation.supersedes.clone()?;
    let policy = policies.for_tenant(&moderation.tenant);
    let blocks = moderation.heavy_action == Action::Block;
    // Of a prompt all is taken back, of a stream what was looked at.
    let cut = match moderation.stream_id {
        Some(_) => moderation.span.start,
        None => 0,
    };
    let completion = policy.completion(&moderation.language).map(str::to_owned);
    Some(Verdict {
        verdict_id: derive_id(&["superseding", &moderation.moderation_id]),
        // Its writer owns no partition.
        owner_epoch: 0,
        request_id: moderation.request_id.clone(),
        stream_id: moderation.stream_id.clone(),
        tenant: moderation.tenant.clone(),
        worker_id: moderation.worker_id.clone(),
        seq_from: 0,
        seq_to: 0,
        supersedes: Some(superseded),
        is_final: false,
        action: moderation.heavy_action,
        would_action: moderation.heavy_action,
        enforced: true,
        checked_to: moderation.span.end,
        released_to: if blocks { cut } else { moderation.released_to },
        truncate_at: blocks.then_some(cut),
        hold_from: None,
        findings: Vec::new(),
        scores: moderation.heavy_scores.clone(),
        risk: moderation.risk,
        judged_by: vec![HEAVY.to_owned()],
        unjudged: moderation.unjudged.clone(),
        fail_mode: policy.fail_mode,
        provenance: Provenance {
            policy_id: policy.id.clone(),
            policy_version: policy.version.clone(),
            policy_hash: moderation.heavy_policy_hash.clone(),
            models: vec![moderation.model.clone()],
            language: moderation.language.clone(),
            language_confidence: 0.0,
            arm: "live".to_owned(),
            stage: Stage::Heavy,
        },
        times: StageTimes::default(),
        hold_expired: false,
        disposition: blocks.then_some(policy.stream.disposition),
        completion: completion.filter(|_| blocks),
        contract: None,
    })
}

/// Runs until it is asked to stop; whatever else ends it, it starts anew from what is committed.
pub(crate) fn supervise(config: &RescoreConfig, policies: &PolicySet, shared: &Shared) {
    while !shared.stop.load(Ordering::Acquire) {
        match Feedback::start(config, policies, shared).and_then(Feedback::run) {
            Ok(()) => return,
            Err(reason) => tracing::error!(reason, "the feedback failed; starting anew"),
        }
        shared.ready.not_ok("starting anew after a failure");
        shared.heartbeat.beat();
        std::thread::sleep(RESTART_AFTER);
    }
}

/// An acknowledgement's input, and when its record was flagged, Unix milliseconds.
type Token = (InputRef, i64);

struct Feedback<'a> {
    config: &'a RescoreConfig,
    policies: &'a PolicySet,
    shared: &'a Shared,
    reader: Reader,
    publisher: Publisher<Token>,
    ledger: Ledger,
    ids: Ids,
    /// From the first record on whose schema has still to be asked for.
    waiting: VecDeque<InRecord>,
    acknowledged: Vec<Token>,
    buffer: Vec<u8>,
    last_commit: Instant,
}

impl<'a> Feedback<'a> {
    fn start(
        config: &'a RescoreConfig,
        policies: &'a PolicySet,
        shared: &'a Shared,
    ) -> Result<Self, String> {
        let text = |error: BusError| error.to_string();
        let group = format!("{}-feedback", config.group);
        let committed = config.bus.read_committed();
        Ok(Self {
            reader: Reader::start(&committed, &group, &config.topics.moderation).map_err(text)?,
            publisher: Publisher::new(&config.bus, Linger::Never).map_err(text)?,
            config,
            policies,
            shared,
            ledger: Ledger::default(),
            ids: config.schemas.clone(),
            waiting: VecDeque::new(),
            acknowledged: Vec::new(),
            buffer: Vec::new(),
            last_commit: Instant::now(),
        })
    }

    fn run(mut self) -> Result<(), String> {
        let ended = loop {
            if self.shared.stop.load(Ordering::Acquire) {
                break self.hand_over();
            }
            let turned = match self.next_event() {
                Ok(event) => self.on_event(event),
                Err(RecvTimeoutError::Timeout) => Ok(()),
                Err(RecvTimeoutError::Disconnected) => Err("the reader thread ended".to_owned()),
            };
            self.shared.heartbeat.beat();
            if let Err(reason) = turned.and_then(|()| self.work()).and_then(|()| self.poll()) {
                break Err(reason);
            }
            if self.last_commit.elapsed() >= COMMIT_EVERY {
                self.last_commit = Instant::now();
                let commits = self.ledger.take_commits();
                self.reader.committer().commit(&commits);
            }
        };
        self.reader.close();
        ended
    }

    fn on_event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Records(batch) => {
                self.reader.taken(batch.records.len());
                self.waiting.extend(batch.records);
                self.work()
            }
            Event::Assigned(partitions) => {
                for (partition, epoch) in partitions {
                    self.ledger.assign(partition, epoch);
                }
                self.shared.ready.ok();
                Ok(())
            }
            Event::Revoked { partitions, done } => {
                let handed_over = self.hand_over();
                self.forget(&partitions);
                let _ = done.send(());
                handed_over
            }
            Event::Lost(partitions) => {
                self.forget(&partitions);
                Ok(())
            }
            Event::Failed(reason) => Err(reason),
        }
    }

    /// Nothing while too much waits.
    fn next_event(&self) -> Result<Event, RecvTimeoutError> {
        if self.waiting.len() >= WAITING_RECORDS {
            std::thread::sleep(IDLE_WAIT);
            return Err(RecvTimeoutError::Timeout);
        }
        self.reader.events().recv_timeout(IDLE_WAIT)
    }

    /// Does what can be done.
    fn work(&mut self) -> Result<(), String> {
        while let Some(record) = self.waiting.pop_front() {
            if self.ids.is_waiting(record.payload.as_deref()) {
                self.waiting.push_front(record);
                break;
            }
            self.on_record(&record)?;
        }
        Ok(())
    }

    fn forget(&mut self, partitions: &[i32]) {
        self.waiting
            .retain(|record| !partitions.contains(&record.partition));
        for partition in partitions {
            self.ledger.revoke(*partition);
        }
    }

    fn on_record(&mut self, record: &InRecord) -> Result<(), String> {
        let Some(input) = self.ledger.begin(record.partition, record.offset, 0) else {
            return Ok(());
        };
        let payload = record.payload.as_deref().unwrap_or_default();
        match weir_wire::decode_with::<Moderation>(&self.ids, payload) {
            Ok(moderation) => {
                if let Some(verdict) = verdict(&moderation, self.policies) {
                    self.send(&verdict, &moderation, input)?;
                }
            }
            // Its text cannot be looked at again from here, and whoever wrote it has the record.
            Err(error) => tracing::error!(
                %error,
                partition = record.partition,
                offset = record.offset,
                "a moderation record cannot be read; it changes nothing"
            ),
        }
        self.ledger.settle(input);
        Ok(())
    }

    fn send(
        &mut self,
        verdict: &Verdict,
        moderation: &Moderation,
        input: InputRef,
    ) -> Result<(), String> {
        self.buffer.clear();
        weir_wire::encode_with(&self.ids, verdict, &mut self.buffer)
            .map_err(|error| error.to_string())?;
        let record = OutRecord {
            topic: &self.config.topics.verdicts,
            // Where the worker reads.
            partition: Some(moderation.source.partition),
            key: Some(verdict.request_id.as_bytes()),
            payload: &self.buffer,
            header: None,
        };
        self.ledger.expect_output(input);
        self.publisher
            .send(&record, (input, moderation.flagged_at_ms))
            .map_err(|error| error.to_string())
    }

    fn poll(&mut self) -> Result<(), String> {
        let ledger = &self.ledger;
        self.publisher
            .poll(&mut self.acknowledged, |(input, _)| ledger.owns(*input))
            .map_err(|error| error.to_string())?;
        for (input, flagged_at_ms) in self.acknowledged.drain(..) {
            self.ledger.settle(input);
            self.shared.metrics.superseded.inc();
            let since = weir_bus::unix_ms() - flagged_at_ms;
            let since = Duration::from_millis(since.max(0).unsigned_abs());
            let histogram = &self.shared.metrics.flagged_to_superseded;
            histogram.observe(since.as_secs_f64());
        }
        Ok(())
    }

    /// Delivers and commits what can be, so that others do not repeat it.
    fn hand_over(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + DELIVERY_PATIENCE;
        while self.publisher.in_flight() > 0 && Instant::now() < deadline {
            self.poll()?;
            std::thread::sleep(Duration::from_millis(1));
        }
        self.poll()?;
        self.reader
            .committer()
            .commit_now(&self.ledger.take_commits());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use weir_types::{Disposition, Outcome};

    use super::*;
    use crate::judgement::tests::{moderation_of, policies};

    #[test]
    fn only_what_tightens_asks_for_a_verdict() {
        let policies = policies("completions: { und: \"no\", de: \"nein\" }\n");
        let confirmed = moderation_of("0", None, 0.1);
        assert_eq!(confirmed.outcome, Outcome::Confirmed);
        assert!(verdict(&confirmed, &policies).is_none());

        let blocked = moderation_of("0", None, 0.95);
        let of_prompt = verdict(&blocked, &policies).unwrap();
        assert_eq!(
            (of_prompt.action, of_prompt.truncate_at),
            (Action::Block, Some(0))
        );
        assert_eq!(of_prompt.disposition, Some(Disposition::Retract));
        assert_eq!(of_prompt.completion.as_deref(), Some("no"));
        assert_eq!(of_prompt.supersedes.as_deref(), Some("0"));
        assert_eq!(of_prompt.provenance.stage, Stage::Heavy);
        let again = verdict(&blocked, &policies).unwrap();
        assert_eq!(of_prompt.verdict_id, again.verdict_id);
        assert_ne!(of_prompt.verdict_id, blocked.verdict_id);

        let of_stream = moderation_of("0", Some("r/0/0/content"), 0.995);
        let of_stream = verdict(&of_stream, &policies).unwrap();
        assert_eq!(
            (of_stream.truncate_at, of_stream.checked_to),
            (Some(100), 109)
        );

        let warned = moderation_of("0", None, 0.5);
        let warned = verdict(&warned, &policies).unwrap();
        assert_eq!((warned.action, warned.truncate_at), (Action::Warn, None));
        assert!(warned.disposition.is_none() && warned.completion.is_none());
    }
}
