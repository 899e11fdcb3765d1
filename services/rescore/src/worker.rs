//! A group member: takes records up, has them looked at, writes what comes of it.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use flume::RecvTimeoutError;
use weir_bus::{BusError, Event, InRecord, LogReader, Reader, unix_ms};
use weir_infer::Classifier;
use weir_policy::PolicySet;
use weir_wire::Moderation;

use crate::agreement;
use crate::config::RescoreConfig;
use crate::looking::{Batch, Looker, Owned};
use crate::seen::Seen;
use crate::shared::Shared;
use crate::similar::Similar;
use crate::sink::{Sink, Written};

/// Records taken up together at most, and bytes of them that are scored: some seconds of a core's work, after which
/// the group is listened to again.
const BATCH_RECORDS: usize = 64;
const BATCH_BYTES: usize = 32 << 10;
/// A longer text costs no more: the model does not look at the rest.
const MOST_SCORED_BYTES: usize = 8 << 10;
/// Records that wait in memory at most, before no more are taken from the reader.
const WAITING_RECORDS: usize = 4096;
/// How long the worker sleeps when nothing comes; also how soon it notices that it should stop.
const IDLE_WAIT: Duration = Duration::from_millis(20);
/// How long reading back what was written may take. Transactions that are open are waited for.
const READ_BACK_PATIENCE: Duration = Duration::from_secs(60);
/// How many of them are in memory at a time, about a kilobyte each.
const READ_BACK_RECORDS: i64 = 20_000;
/// Flagged records are kept for at most so long (topics/topics.yaml), and may so long be repeated.
const REMEMBER_MS: i64 = 24 * 3_600_000;
/// After a transaction that was aborted.
const RETRY_AFTER: Duration = Duration::from_millis(100);

pub(crate) struct Worker<'a> {
    config: &'a RescoreConfig,
    shared: &'a Shared,
    looker: Looker<'a>,
    reader: Reader,
    written: LogReader,
    sink: Sink,
    partitions: HashMap<i32, Owned>,
    waiting: VecDeque<InRecord>,
    /// How often partitions have been taken from us.
    revoked: u64,
}

impl<'a> Worker<'a> {
    pub(crate) fn start(
        config: &'a RescoreConfig,
        policies: &'a PolicySet,
        classifier: &'a mut dyn Classifier,
        shared: &'a Shared,
    ) -> Result<Self, String> {
        let text = |error: BusError| error.to_string();
        let committed = config.bus.read_committed();
        // Before the group is joined: it ends what a former start left open.
        let sink = Sink::new(config).map_err(text)?;
        Ok(Self {
            looker: Looker {
                config,
                policies,
                classifier,
                metrics: &shared.metrics,
                topic: config.topics.flagged.as_str().into(),
                ids: config.schemas.clone(),
                similar: Similar::default(),
            },
            written: LogReader::new(&committed, &config.topics.moderation).map_err(text)?,
            reader: Reader::start(&committed, &config.group, &config.topics.flagged)
                .map_err(text)?,
            sink,
            config,
            shared,
            partitions: HashMap::new(),
            waiting: VecDeque::new(),
            revoked: 0,
        })
    }

    pub(crate) fn run(mut self) -> Result<(), String> {
        let ended = loop {
            if self.shared.stop.load(Ordering::Acquire) {
                break Ok(());
            }
            let turned = self
                .take_events(IDLE_WAIT)
                .and_then(|()| self.work())
                .map(|()| self.update_gauges());
            self.shared.heartbeat.beat();
            if let Err(reason) = turned {
                break Err(reason);
            }
        };
        self.reader.close();
        ended
    }

    /// Takes in what the reader has to tell; waits for something if there is nothing to do.
    fn take_events(&mut self, wait: Duration) -> Result<(), String> {
        let mut wait = if self.waiting.is_empty() {
            wait
        } else {
            Duration::ZERO
        };
        while self.waiting.len() < WAITING_RECORDS {
            match self.reader.events().recv_timeout(wait) {
                Ok(event) => self.on_event(event)?,
                Err(RecvTimeoutError::Timeout) => return Ok(()),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the reader thread ended".to_owned());
                }
            }
            wait = Duration::ZERO;
        }
        Ok(())
    }

    /// Takes in what lies before the last revocation, however much waits already.
    fn meet_revocations(&mut self) -> Result<(), String> {
        while self.revoked < self.reader.revocations() {
            match self.reader.events().recv_timeout(IDLE_WAIT) {
                Ok(event) => self.on_event(event)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err("the reader thread ended".to_owned());
                }
            }
        }
        Ok(())
    }

    fn on_event(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Records(batch) => {
                self.reader.taken(batch.records.len());
                for record in &batch.records {
                    if let Some(owned) = self.partitions.get_mut(&record.partition) {
                        owned.next.get_or_insert(record.offset);
                    }
                }
                self.waiting.extend(batch.records);
            }
            Event::Assigned(partitions) => self.on_assigned(&partitions)?,
            Event::Revoked { partitions, done } => {
                self.revoked += 1;
                self.forget(&partitions);
                let _ = done.send(());
            }
            Event::Lost(partitions) => {
                self.revoked += 1;
                self.forget(&partitions);
            }
            Event::Failed(reason) => return Err(reason),
        }
        Ok(())
    }

    /// Reads which texts of these partitions have been looked at.
    fn on_assigned(&mut self, partitions: &[(i32, i64)]) -> Result<(), String> {
        let numbers: Vec<i32> = partitions.iter().map(|(number, _)| *number).collect();
        let since_ms = Some(unix_ms() - REMEMBER_MS);
        let stretches = self
            .written
            .stretches(Some(&numbers), since_ms, READ_BACK_PATIENCE)
            .map_err(|error| error.to_string())?;
        for (partition, epoch) in partitions {
            let owned = Owned {
                epoch: *epoch,
                seen: Seen::default(),
                next: None,
            };
            self.partitions.insert(*partition, owned);
        }
        let mut records = 0;
        for piece in stretches
            .into_iter()
            .flat_map(|one| one.pieces(READ_BACK_RECORDS))
        {
            let read = self.written.read_stretch(piece, READ_BACK_PATIENCE);
            let read = read.map_err(|error| error.to_string())?;
            records += read.len();
            for record in read {
                // What cannot be read is nothing that this version wrote.
                let payload = record.payload.as_deref().unwrap_or_default();
                let ids = &mut self.looker.ids;
                if !ids.wait(Some(payload), Instant::now() + READ_BACK_PATIENCE) {
                    return Err("the schema registry does not tell what was written".to_owned());
                }
                if let Ok(known) = weir_wire::decode_with::<Moderation>(ids, payload) {
                    self.remember(record.partition, &known, record.timestamp_ms);
                }
            }
            self.shared.heartbeat.beat();
        }
        tracing::info!(?partitions, records, "partitions assigned");
        self.shared.ready.ok();
        Ok(())
    }

    fn remember(&mut self, partition: i32, known: &Moderation, written_ms: i64) {
        if let Some(owned) = self.partitions.get_mut(&partition) {
            let before = unix_ms() - REMEMBER_MS;
            owned.seen.insert(&known.moderation_id, written_ms, before);
        }
        self.looker
            .similar
            .insert(&known.fingerprint, &known.moderation_id);
    }

    fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.partitions.remove(partition);
            self.shared.metrics.forget_partition(*partition);
        }
        self.waiting
            .retain(|record| !partitions.contains(&record.partition));
        if self.partitions.is_empty() {
            self.shared.ready.not_ok("waiting for partitions");
        }
    }

    /// Looks at what waits, one batch of it, and writes what comes of it.
    fn work(&mut self) -> Result<(), String> {
        let records = self.next_batch();
        if records.is_empty() {
            if !self.waiting.is_empty() {
                // For the schema registry.
                std::thread::sleep(IDLE_WAIT);
            }
            return Ok(());
        }
        let behind = self.behind();
        let mut batch = self.looker.look_at(&records, &self.partitions, behind);
        loop {
            // In this order: a partition that is not given back by now was ours in that generation, and one
            // that is given back later brings another.
            let Some(member) = self.reader.committer().membership() else {
                return Err("the consumer is beyond repair".to_owned());
            };
            self.meet_revocations()?;
            self.leave_out_what_is_not_ours(&mut batch);
            if batch.progress.is_empty() {
                return Ok(());
            }
            let written = self.sink.write(
                &self.config.topics,
                &batch.outputs,
                &batch.progress,
                self.reader.committer(),
                &member,
            )?;
            match written {
                Written::Done => break,
                Written::Not(reason) => {
                    tracing::warn!(reason, "nothing of the batch was written; trying again");
                    self.shared.metrics.aborted.inc();
                    self.shared.heartbeat.beat();
                    if self.shared.stop.load(Ordering::Acquire) {
                        return Ok(());
                    }
                    std::thread::sleep(RETRY_AFTER);
                }
            }
        }
        for done in &batch.progress {
            if let Some(owned) = self.partitions.get_mut(&done.partition) {
                owned.next = Some(done.next);
            }
        }
        let now = unix_ms();
        for (partition, written) in std::mem::take(&mut batch.moderations) {
            self.shared.metrics.moderation(written.outcome).inc();
            agreement::count(&self.shared.metrics, &written);
            self.shared.metrics.flagged_to_moderation.observe(
                Duration::from_millis((now - written.flagged_at_ms).max(0).unsigned_abs())
                    .as_secs_f64(),
            );
            self.remember(partition, &written, now);
        }
        Ok(())
    }

    /// (partition, records not looked at), of those whose standing is known. Not the reader's lag: librdkafka does not see
    /// what transactions commit.
    fn lag(&self) -> impl Iterator<Item = (i32, i64)> {
        let ends = self.reader.ends().into_iter();
        ends.filter_map(|(partition, end)| {
            let next = self.partitions.get(&partition)?.next?;
            // The end is as of a second ago.
            Some((partition, (end - next).max(0)))
        })
    }

    /// Records that wait behind those taken up.
    fn behind(&self) -> i64 {
        let waiting = self.waiting.len() + self.reader.depth();
        let lag: i64 = self.lag().map(|(_, lag)| lag).sum();
        lag.max(i64::try_from(waiting).unwrap_or(i64::MAX))
    }

    /// What is looked at next: up to a record whose schema has still to be asked for, behind which all others wait, since
    /// offsets are committed with what comes of them.
    fn next_batch(&mut self) -> Vec<InRecord> {
        let mut records = Vec::new();
        let mut bytes = 0;
        while records.len() < BATCH_RECORDS && bytes < BATCH_BYTES {
            let ids = &mut self.looker.ids;
            let ready = |next: &InRecord| !ids.is_waiting(next.payload.as_deref());
            if !self.waiting.front().is_some_and(ready) {
                break;
            }
            let Some(record) = self.waiting.pop_front() else {
                break;
            };
            bytes += record.bytes().min(MOST_SCORED_BYTES);
            records.push(record);
        }
        records
    }

    fn leave_out_what_is_not_ours(&self, batch: &mut Batch) {
        let lost: Vec<i32> = batch
            .progress
            .iter()
            .filter(|done| {
                let owned = self.partitions.get(&done.partition);
                owned.is_none_or(|owned| owned.epoch != done.epoch)
            })
            .map(|done| done.partition)
            .collect();
        if lost.is_empty() {
            return;
        }
        let ours = |partition: i32| !lost.contains(&partition);
        batch.progress.retain(|done| ours(done.partition));
        batch.outputs.retain(|output| ours(output.partition));
        batch.moderations.retain(|(partition, _)| ours(*partition));
    }

    fn update_gauges(&self) {
        for (partition, lag) in self.lag() {
            self.shared.metrics.lag(partition).set(lag);
        }
    }
}
