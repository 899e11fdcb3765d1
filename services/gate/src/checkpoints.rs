//! Checkpoints: a stream that lasts is saved now and then, so that whoever takes over need not read it
//! from its first chunk.
//!
//! ```text
//! tick: pinned for 5 s --save--> Batch --its verdicts are delivered--> topic --acknowledged--> unpinned
//!       last verdict delivered --> tombstone
//! given back: all that are pinned --save--> topic --acknowledged--> unpinned, before the next owner begins
//! assigned: oldest one needed .. end of the topic --last by stream--> restored, before any chunk is judged
//! ```
//!
//! Two ledgers: the lane's says which chunks must be read again, the one here which checkpoints.

mod words;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use weir_bus::{BusError, Committer, InRecord, InputRef, Ledger, Linger, Log, LogReader};
use weir_bus::{OutRecord, Publisher};
use weir_registry::Ids;
use weir_telemetry::{CheckpointResult, GateMetrics};
use weir_types::Micros;
use weir_wire::Checkpoint;

use crate::clock::Clock;
use crate::config::GateConfig;
use crate::judge::Judge;
use crate::outbox::Outbox;
use words::{EPOCH_HEADER, Last, checkpoint, last_words, saved_stream};

/// A stream that has to be read again from one chunk on is saved after so long. Reading 5 s again takes
/// a new owner a fraction of what it takes to notice that it is one.
const SAVE_AFTER: Micros = Micros::from_millis(5000);
/// Streams saved at once: at some 30 µs each the lane stands still for a millisecond.
const MOST_AT_ONCE: usize = 32;
/// A state above this is not written: the topic takes 2 MiB a record. It is that of a stream with most
/// of a megabyte held back, or waiting behind a gap.
const MAX_STATE_BYTES: usize = 1 << 20;
/// How long the group's coordinator may take to say where to begin...
const BEGIN_PATIENCE: Duration = Duration::from_secs(2);
/// ... and how long reading from there on may take; streams wait for both.
const READ_PATIENCE: Duration = Duration::from_secs(5);
/// How long schema ids that are new to this process may take to be looked up.
const SCHEMAS_PATIENCE: Duration = Duration::from_secs(2);
/// How often it is committed where to begin reading.
const COMMIT_EVERY: Duration = Duration::from_secs(1);

/// The checkpoints of one lane's streams.
#[derive(Debug)]
pub(crate) struct Checkpoints {
    topic: String,
    reader: LogReader,
    publisher: Publisher<Token>,
    /// Whether the topic could be read: what nobody will read is not written.
    on: bool,
    /// Of checkpoints' offsets: those that a new owner needs are open.
    ledger: Ledger,
    last_commit: Instant,
    streams: HashMap<u64, Known>,
    /// Those that are open, by id.
    numbers: HashMap<Arc<str>, u64>,
    next_number: u64,
    batch: Option<Batch>,
    ids: Ids,
    metrics: GateMetrics,
}

/// A stream that was saved.
#[derive(Debug)]
struct Known {
    stream_id: Arc<str>,
    /// Its partition and owner.
    owner: Owner,
    /// Its last checkpoint that was acknowledged.
    written: Option<InputRef>,
    /// A checkpoint waits to be sent or acknowledged.
    saving: bool,
    /// Chunks that need not be read again once it is.
    pins: Vec<InputRef>,
    /// Its last verdict was acknowledged.
    is_over: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    partition: i32,
    epoch: i64,
}

/// What a record is recognised by.
#[derive(Debug, Clone, Copy)]
struct Token {
    number: u64,
    owner: Owner,
    is_tombstone: bool,
}

/// Checkpoints that wait. A state does not hold what verdicts told, masks among it: they must have been
/// delivered before a new owner may go on from it.
#[derive(Debug)]
struct Batch {
    /// All that was sent before this number.
    after: u64,
    /// Streams' numbers and their records.
    records: Vec<(u64, Vec<u8>)>,
}

impl Checkpoints {
    pub(crate) fn new(config: &GateConfig, metrics: &GateMetrics) -> Result<Self, BusError> {
        Ok(Self {
            topic: config.topics.checkpoints.clone(),
            reader: LogReader::new(&config.bus, &config.topics.checkpoints)?,
            // One producer, since a tombstone must not overtake a checkpoint.
            publisher: Publisher::new(&config.bus, Linger::Always)?,
            on: false,
            ledger: Ledger::default(),
            last_commit: Instant::now(),
            streams: HashMap::new(),
            numbers: HashMap::new(),
            next_number: 0,
            batch: None,
            ids: config.schemas.clone(),
            metrics: metrics.clone(),
        })
    }

    /// Restores the streams of partitions that are ours now. Without the topic, or should it take too
    /// long, streams whose first chunks are not read again are judged as after a gap.
    pub(crate) fn assigned(
        &mut self,
        judge: &mut Judge,
        committer: &Committer,
        clock: Clock,
        partitions: &[(i32, i64)],
    ) {
        let begun = Instant::now();
        for (partition, epoch) in partitions {
            self.ledger.assign(*partition, *epoch);
        }
        let log = match self.read(committer, partitions) {
            Ok(log) => log,
            Err(error) => {
                self.on = false;
                tracing::warn!(
                    %error,
                    "streams cannot be restored and are not saved: a long one makes its next owner read \
                     as far back as it is old; see that topic {} is there, has as many partitions as the \
                     chunks' and may be read and written, then restart",
                    self.topic
                );
                return;
            }
        };
        self.on = true;
        let restored = self.restore(judge, clock, &log);
        let took = begun.elapsed();
        self.metrics.restore.observe(took.as_secs_f64());
        tracing::info!(
            restored,
            records = log.records.len(),
            ?took,
            "checkpoints read"
        );
    }

    fn read(&mut self, committer: &Committer, partitions: &[(i32, i64)]) -> Result<Log, BusError> {
        let numbers: Vec<i32> = partitions.iter().map(|(number, _)| *number).collect();
        let from = committer
            .beside(&self.topic)
            .committed(&numbers, BEGIN_PATIENCE)?;
        let log = self.reader.read(&from, READ_PATIENCE)?;
        // Of versions that are new to this process. Those that the registry does not tell in time cannot be read.
        let deadline = Instant::now() + SCHEMAS_PATIENCE;
        for record in &log.records {
            self.ids.wait(record.payload.as_deref(), deadline);
        }
        Ok(log)
    }

    /// Restores what the log says of streams that are not over; how many.
    fn restore(&mut self, judge: &mut Judge, clock: Clock, log: &Log) -> usize {
        let mut saved: Vec<(&InRecord, Box<Checkpoint>)> = Vec::new();
        for last in last_words(&log.records, &self.ids).into_values() {
            match last {
                Last::Saved(record, checkpoint) => saved.push((record, checkpoint)),
                Last::Unreadable => self.refuse(),
                Last::Over => {}
            }
        }
        // The ledger takes offsets in order.
        saved.sort_unstable_by_key(|(record, _)| record.offset);
        let mut restored = 0;
        for (record, checkpoint) in saved {
            let Some(epoch) = self.ledger.epoch(record.partition) else {
                continue;
            };
            let stream_id = checkpoint.stream_id.clone();
            let done = judge.restore_stream(saved_stream(*checkpoint), epoch, clock.now());
            if let Err(reason) = done {
                tracing::warn!(
                    partition = record.partition,
                    offset = record.offset,
                    reason,
                    "a stream cannot be restored; what comes of it is judged as after a gap"
                );
                self.refuse();
                continue;
            }
            let written = self.ledger.begin(record.partition, record.offset, 0);
            let owner = Owner {
                partition: record.partition,
                epoch,
            };
            let number = self.number(&stream_id, owner);
            if let Some(known) = self.streams.get_mut(&number) {
                known.written = written;
            }
            self.metrics.checkpoints(CheckpointResult::Restored).inc();
            restored += 1;
        }
        for (partition, end) in &log.ends {
            // What lies behind the last one needed is not to be read again either.
            if let Some(last) = self.ledger.begin(*partition, end - 1, 0) {
                self.ledger.settle(last);
            }
        }
        restored
    }

    fn refuse(&self) {
        self.metrics.checkpoints(CheckpointResult::Refused).inc();
    }

    /// Others own these partitions from now on.
    pub(crate) fn forget(&mut self, partitions: &[i32]) {
        for partition in partitions {
            self.ledger.revoke(*partition);
        }
        self.streams
            .retain(|_, known| !partitions.contains(&known.owner.partition));
        let streams = &self.streams;
        self.numbers
            .retain(|_, number| streams.contains_key(number));
        if let Some(batch) = &mut self.batch {
            batch
                .records
                .retain(|(number, _)| streams.contains_key(number));
        }
    }

    /// The stream's last verdict is sent: the number to say so under when it is acknowledged, if there
    /// are checkpoints of it.
    pub(crate) fn ends(&mut self, stream_id: &str) -> Option<u64> {
        self.numbers.remove(stream_id)
    }

    /// Saves streams that are due, and takes in what became of those that were.
    pub(crate) fn tick(
        &mut self,
        judge: &mut Judge,
        outbox: &mut Outbox,
        now: Micros,
    ) -> Result<(), BusError> {
        self.take_in(outbox)?;
        match self.batch.take() {
            Some(batch) if outbox.is_delivered(batch.after) => self.send(&batch.records)?,
            Some(batch) => self.batch = Some(batch),
            None if self.on => {
                let due = judge.streams_to_save(now, SAVE_AFTER, MOST_AT_ONCE);
                let records = self.save(judge, &due, now);
                let after = outbox.next_number();
                self.batch = (!records.is_empty()).then_some(Batch { after, records });
            }
            None => {}
        }
        if self.last_commit.elapsed() >= COMMIT_EVERY {
            self.last_commit = Instant::now();
            let commits = self.ledger.take_commits();
            outbox.committer().beside(&self.topic).commit(&commits);
        }
        Ok(())
    }

    /// Takes in what was acknowledged: last verdicts, checkpoints, tombstones.
    fn take_in(&mut self, outbox: &mut Outbox) -> Result<(), BusError> {
        for number in outbox.take_ended() {
            self.on_ended(number, outbox.ledger())?;
        }
        self.on_acknowledged(outbox.ledger())
    }

    /// Saves the streams of partitions that are given back, all of whose verdicts must have been delivered:
    /// the next owner reads none of them again. Those that are not safe by the deadline it does.
    pub(crate) fn hand_over(
        &mut self,
        judge: &mut Judge,
        outbox: &mut Outbox,
        partitions: &[i32],
        now: Micros,
        deadline: Instant,
    ) -> Result<(), BusError> {
        self.take_in(outbox)?;
        if let Some(batch) = self.batch.take() {
            self.send(&batch.records)?;
        }
        if self.on {
            for some in judge.pinned_streams(partitions).chunks(MOST_AT_ONCE) {
                let records = self.save(judge, some, now);
                self.send(&records)?;
            }
        }
        while self.publisher.in_flight() > 0 && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
            self.on_acknowledged(outbox.ledger())?;
        }
        self.on_acknowledged(outbox.ledger())?;
        let commits = self.ledger.take_commits();
        outbox.committer().beside(&self.topic).commit_now(&commits);
        Ok(())
    }

    /// Streams as records, which let go of the chunks before them once they are acknowledged.
    fn save(&mut self, judge: &mut Judge, ids: &[Arc<str>], now: Micros) -> Vec<(u64, Vec<u8>)> {
        let mut records = Vec::new();
        for id in ids {
            let saved = match judge.save_stream(id, now) {
                Ok(Some(saved)) => saved,
                Ok(None) => continue,
                Err(error) => {
                    tracing::error!(%error, "a stream cannot be saved");
                    self.refuse();
                    continue;
                }
            };
            let owner = Owner {
                partition: saved.source.partition,
                epoch: saved.owner_epoch,
            };
            let mut record = Vec::with_capacity(saved.state.len() + 512);
            let encoded = weir_wire::encode_with(&self.ids, &checkpoint(saved), &mut record);
            if encoded.is_err() || record.len() > MAX_STATE_BYTES {
                // It is read again from where it is now.
                self.refuse();
                continue;
            }
            let Some(pin) = judge.unpin_stream(id) else {
                continue;
            };
            let number = self.number(id, owner);
            if let Some(known) = self.streams.get_mut(&number) {
                known.saving = true;
                known.pins.push(InputRef {
                    partition: pin.partition,
                    epoch: owner.epoch,
                    offset: pin.offset,
                });
            }
            records.push((number, record));
        }
        records
    }

    fn send(&mut self, records: &[(u64, Vec<u8>)]) -> Result<(), BusError> {
        for (number, record) in records {
            let Some(known) = self.streams.get(number) else {
                continue;
            };
            let token = Token {
                number: *number,
                owner: known.owner,
                is_tombstone: false,
            };
            self.publisher.send(
                &OutRecord {
                    topic: &self.topic,
                    partition: Some(known.owner.partition),
                    key: Some(known.stream_id.as_bytes()),
                    payload: record,
                    header: None,
                },
                token,
            )?;
        }
        Ok(())
    }

    fn on_acknowledged(&mut self, chunks: &mut Ledger) -> Result<(), BusError> {
        let mut acknowledged = Vec::new();
        let ledger = &self.ledger;
        self.publisher.poll_placed(
            |token| ledger.epoch(token.owner.partition) == Some(token.owner.epoch),
            |token, offset| acknowledged.push((token, offset)),
        )?;
        for (token, offset) in acknowledged {
            if token.is_tombstone {
                self.on_tombstone(token, offset);
            } else {
                self.on_written(token, offset, chunks)?;
            }
        }
        Ok(())
    }

    fn on_written(
        &mut self,
        token: Token,
        offset: Option<i64>,
        chunks: &mut Ledger,
    ) -> Result<(), BusError> {
        let Some(known) = self.streams.get_mut(&token.number) else {
            return Ok(());
        };
        known.saving = false;
        let begun = offset.and_then(|offset| self.ledger.begin(token.owner.partition, offset, 0));
        if let Some(written) = begun {
            if let Some(before) = known.written.replace(written) {
                self.ledger.settle(before);
            }
            for pin in known.pins.drain(..) {
                chunks.settle(pin);
            }
            self.metrics.checkpoints(CheckpointResult::Written).inc();
        } else {
            // The broker never takes it: the stream stays pinned until a later one is taken.
            self.refuse();
        }
        self.finish(token.number, chunks)
    }

    fn on_tombstone(&mut self, token: Token, offset: Option<i64>) {
        let Some(known) = self.streams.remove(&token.number) else {
            return;
        };
        let begun = offset.and_then(|offset| self.ledger.begin(token.owner.partition, offset, 0));
        for over in known.written.into_iter().chain(begun) {
            self.ledger.settle(over);
        }
    }

    /// The last verdict on a stream was acknowledged.
    fn on_ended(&mut self, number: u64, chunks: &mut Ledger) -> Result<(), BusError> {
        let Some(known) = self.streams.get_mut(&number) else {
            return Ok(());
        };
        known.is_over = true;
        if let Some(batch) = &mut self.batch {
            let before = batch.records.len();
            batch.records.retain(|(waiting, _)| *waiting != number);
            known.saving &= batch.records.len() == before;
        }
        self.finish(number, chunks)
    }

    /// What is left to do for a stream, if it is over and nothing of it is on its way.
    fn finish(&mut self, number: u64, chunks: &mut Ledger) -> Result<(), BusError> {
        let Some(known) = self.streams.get_mut(&number) else {
            return Ok(());
        };
        if !known.is_over || known.saving {
            return Ok(());
        }
        for pin in known.pins.drain(..) {
            chunks.settle(pin);
        }
        let (owner, stream_id) = (known.owner, known.stream_id.clone());
        if known.written.is_none() {
            self.streams.remove(&number);
            return Ok(());
        }
        let epoch = owner.epoch.to_string();
        self.publisher.send_tombstone(
            &OutRecord {
                topic: &self.topic,
                partition: Some(owner.partition),
                key: Some(stream_id.as_bytes()),
                payload: &[],
                header: Some((EPOCH_HEADER, epoch.as_bytes())),
            },
            Token {
                number,
                owner,
                is_tombstone: true,
            },
        )
    }

    /// The number of a stream that is open, a new one if it has none yet.
    fn number(&mut self, stream_id: &str, owner: Owner) -> u64 {
        if let Some(number) = self.numbers.get(stream_id) {
            return *number;
        }
        let number = self.next_number;
        self.next_number += 1;
        let stream_id: Arc<str> = stream_id.into();
        self.numbers.insert(Arc::clone(&stream_id), number);
        let known = Known {
            stream_id,
            owner,
            written: None,
            saving: false,
            pins: Vec::new(),
            is_over: false,
        };
        self.streams.insert(number, known);
        number
    }
}

#[cfg(test)]
mod tests;
