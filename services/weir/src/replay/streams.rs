//! A part of the topic of chunks through the lane.
//!
//! Each chunk is answered by itself, and time goes by as the records' timestamps say. When a replay is to be what was
//! recorded, chunks are answered together where they were, and time does to a stream what it did: the ids of the recorded
//! verdicts tell, for they name the chunks that each covers. A stream that changed owners is judged once for each, since the
//! next one read it again and took other chunks together.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use anyhow::Result;
use weir_bus::InRecord;
use weir_gate::{Clock, Judge, read_chunk};
use weir_lane::{ChunkInput, StreamJudged, Taken, Timed};
use weir_registry::Ids;
use weir_types::{Source, Stage, derive_verdict_id};

use super::part::{Progress, Rows, Setup};
use super::recorded::{Recorded, StreamLog};
use super::row::{Change, Kind, Outcome, Row};

/// Streams that are over and still known, as in the lane.
const REMEMBERED: usize = 65_536;
/// Bytes of a stream's text that a row holds at most.
const TEXT_BYTES: usize = 64 << 10;

pub(crate) struct Streams<'a> {
    setup: &'a Setup,
    judges: Vec<Judge>,
    recorded: Option<Recorded>,
    topic: Arc<str>,
    ids: Ids,
    pub(crate) progress: Progress,
    open: HashMap<String, Open>,
    /// Streams that are over, oldest first.
    over: VecDeque<String>,
    known_over: HashSet<String>,
    begun_before: HashSet<String>,
    /// Recorded verdicts that the replay gave, too.
    given: HashSet<String>,
    /// Streams whose original was decided by time somewhere.
    by_time: HashSet<String>,
}

/// A stream that is being judged.
struct Open {
    first: Source,
    timestamp_ms: i64,
    request_id: String,
    tenant: String,
    language: String,
    text: Vec<u8>,
    /// What each arm has come to.
    outcomes: Vec<Option<Outcome>>,
    closed: Vec<bool>,
}

impl<'a> Streams<'a> {
    pub(crate) fn new(
        setup: &'a Setup,
        judges: Vec<Judge>,
        recorded: Option<Recorded>,
        topic: Arc<str>,
        ids: Ids,
        mut progress: Progress,
    ) -> Self {
        progress.account.streams.get_or_insert_default();
        Self {
            setup,
            judges,
            recorded,
            topic,
            ids,
            progress,
            open: HashMap::new(),
            over: VecDeque::new(),
            known_over: HashSet::new(),
            begun_before: HashSet::new(),
            given: HashSet::new(),
            by_time: HashSet::new(),
        }
    }

    pub(crate) fn take(&mut self, records: &[InRecord], rows: &mut Rows<'_>) -> Result<()> {
        for record in records {
            self.progress.advance(record);
            self.tick(rows)?;
            self.one(record, rows)?;
        }
        Ok(())
    }

    /// The range is over: what is still open is told as far as it has come.
    /// `all`: the partition never held anything else.
    pub(crate) fn finish(&mut self, all: bool, rows: &mut Rows<'_>) -> Result<()> {
        self.fall_silent(rows)?;
        let mut open: Vec<_> = self.open.drain().collect();
        open.sort_unstable_by_key(|(_, stream)| stream.first.offset);
        for (id, stream) in open {
            if stream.closed.contains(&true) {
                self.count(|it| it.complete += 1);
            } else {
                self.count(|it| it.open_at_end += 1);
            }
            let complete = stream.closed.contains(&true);
            if let Some(row) = self.row(&id, stream, complete) {
                rows(row)?;
            }
        }
        self.count_missed(all);
        Ok(())
    }

    fn one(&mut self, record: &InRecord, rows: &mut Rows<'_>) -> Result<()> {
        self.ids.wait_long(record.payload.as_deref())?;
        let source = Source {
            topic: Arc::clone(&self.topic),
            partition: record.partition,
            offset: record.offset,
        };
        let arrival = self.progress.arrival(record);
        let now = self.progress.now();
        match read_chunk(record, source, 0, arrival, &self.ids) {
            Ok(chunk) => self.chunk(&chunk, record.timestamp_ms, rows),
            Err(rejected) => {
                let reasons = &mut self.progress.account.poison;
                *reasons
                    .entry(rejected.reason.as_str().to_owned())
                    .or_default() += 1;
                let Some(request_id) = rejected.request_id else {
                    return Ok(());
                };
                for arm in 0..self.judges.len() {
                    for judged in self.judges[arm].unreadable_chunk(&request_id, now) {
                        self.hear(arm, judged, rows)?;
                    }
                }
                Ok(())
            }
        }
    }

    fn chunk(&mut self, chunk: &ChunkInput, timestamp_ms: i64, rows: &mut Rows<'_>) -> Result<()> {
        let id = chunk.stream_id.clone();
        let owners = self.owners(&id);
        if !self.open.contains_key(&id) && (owners.is_empty() || !self.known_over.contains(&id)) {
            if self.known_over.contains(&id) {
                self.count(|it| it.chunks_late += 1);
                return Ok(());
            }
            // At the topic's very beginning there is no before: then it is missing.
            if chunk.seq > 0 && self.progress.account.start > 0 {
                let new = u64::from(self.begun_before.insert(id));
                self.count(|it| {
                    it.begun_before += new;
                    it.chunks_of_begun_before += 1;
                });
                return Ok(());
            }
            self.open
                .insert(id.clone(), Open::of(chunk, timestamp_ms, self.judges.len()));
        }
        if self.setup.with_text
            && let Some(open) = self.open.get_mut(&id)
        {
            let room = TEXT_BYTES
                .saturating_sub(open.text.len())
                .min(chunk.text.len());
            open.text.extend_from_slice(&chunk.text[..room]);
        }
        self.progress.account.judged += 1;
        if owners.is_empty() {
            return self.by_itself(&id, chunk, rows);
        }
        let mut taken = Taken::Late;
        for epoch in owners {
            let as_owner = self.as_owner(epoch, &id, chunk, rows)?;
            if as_owner != Taken::Late {
                taken = as_owner;
            }
        }
        self.count_chunk(taken);
        Ok(())
    }

    /// Each arm takes the chunk in and answers.
    fn by_itself(&mut self, id: &str, chunk: &ChunkInput, rows: &mut Rows<'_>) -> Result<()> {
        let now = self.progress.now();
        let own = name(None, id);
        let mut fate = Taken::Late;
        for arm in 0..self.judges.len() {
            let judge = &mut self.judges[arm];
            judge.set_clock(Clock::standing(now));
            let chunk = ChunkInput {
                stream_id: own.clone(),
                ..chunk.clone()
            };
            let judged = match judge.take_chunk(chunk, now) {
                Ok(Taken::Late) => None,
                Ok(taken) => {
                    fate = taken;
                    judge.answer_stream(&own, None, now)
                }
                Err(failed) => {
                    self.progress.account.panicked += 1;
                    failed.map(|it| *it)
                }
            };
            if let Some(judged) = judged {
                self.hear(arm, judged, rows)?;
            }
        }
        self.count_chunk(fate);
        Ok(())
    }

    /// The chunk is taken in as this owner did, under a name of its own, and answered if the owner answered then.
    fn as_owner(
        &mut self,
        epoch: i64,
        id: &str,
        chunk: &ChunkInput,
        rows: &mut Rows<'_>,
    ) -> Result<Taken> {
        let owner = self.log(id).and_then(|log| log.owners.get(&epoch));
        if owner.is_none_or(|owner| chunk.seq > owner.last) {
            // It never came to it.
            return Ok(Taken::Late);
        }
        let now = self.progress.now();
        let own = name(Some(epoch), id);
        self.hurry(epoch, id, false, rows)?;
        let (source, request_id) = (chunk.source.clone(), chunk.request_id.clone());
        let chunk = ChunkInput {
            stream_id: own.clone(),
            owner_epoch: epoch,
            ..chunk.clone()
        };
        let judge = &mut self.judges[0];
        judge.set_clock(Clock::standing(now));
        let taken = match judge.take_chunk(chunk, now) {
            Ok(taken) => taken,
            Err(failed) => {
                self.progress.account.panicked += 1;
                if let Some(judged) = failed {
                    self.hear(0, *judged, rows)?;
                }
                return Ok(Taken::New);
            }
        };
        let Some((verdict_id, seq_to)) = self.judges[0].due_verdict(&own) else {
            return Ok(taken);
        };
        let Some(log) = self.log(id) else {
            return Ok(taken);
        };
        let range = seq_to + 1..=seq_to;
        let untimely = derive_verdict_id(&request_id, &source, range, Stage::Fast);
        let took_over = log.took_over(epoch, &verdict_id, seq_to, &untimely);
        if !took_over && !log.gave(epoch, &verdict_id) {
            return Ok(taken);
        }
        let restores = took_over && log.goes_on_after(epoch, seq_to, &untimely);
        let by_time = log.gave(epoch, &untimely);
        let refusal = log.without(epoch, &verdict_id);
        if by_time {
            self.by_time.insert(id.to_owned());
        }
        if let Some(judged) = self.judges[0].answer_stream(&own, refusal, now) {
            self.hear(0, judged, rows)?;
        }
        if restores {
            // As the owner did, which had nothing but this.
            let saved = self.judges[0].save_stream(&own, now)?;
            if let Some(saved) = saved
                && let Err(error) = self.judges[0].restore_stream(saved, epoch, now)
            {
                tracing::warn!(error, "a stream cannot be gone on with as its owner did");
            }
        }
        Ok(taken)
    }

    /// What time brought about of this owner's on the stream where it stands now comes about, if it has not yet.
    fn hurry(&mut self, epoch: i64, id: &str, silence: bool, rows: &mut Rows<'_>) -> Result<()> {
        let given = &self.given;
        let log = self.recorded.as_ref().and_then(|it| it.streams.get(id));
        let due = |timed: &Timed| {
            log.is_some_and(|log| log.timed(epoch, timed)) && !given.contains(&timed.verdict_id)
        };
        let judged = self.judges[0].hurry_stream(&name(Some(epoch), id), silence, due);
        match judged {
            Some(judged) => self.hear(0, judged, rows),
            None => Ok(()),
        }
    }

    /// No more chunks come: what fell silent then does so now.
    fn fall_silent(&mut self, rows: &mut Rows<'_>) -> Result<()> {
        let Some(recorded) = self.recorded.as_ref().filter(|_| self.setup.verify) else {
            return Ok(());
        };
        let logs = recorded.streams.iter();
        let owners = logs.flat_map(|(id, log)| log.owners.keys().map(move |epoch| (*epoch, id)));
        let mut owners: Vec<(i64, String)> =
            owners.map(|(epoch, id)| (epoch, id.clone())).collect();
        owners.sort_unstable();
        for (epoch, id) in owners {
            self.hurry(epoch, &id, true, rows)?;
        }
        Ok(())
    }

    /// Time goes by.
    fn tick(&mut self, rows: &mut Rows<'_>) -> Result<()> {
        let now = self.progress.now();
        for arm in 0..self.judges.len() {
            let Some(due) = self.judges[arm].next_stream_deadline() else {
                continue;
            };
            if due > now {
                continue;
            }
            let judged = if self.setup.verify {
                let recorded = self.recorded.as_ref();
                self.judges[arm].tick_streams_if(now, |own, timed| {
                    let (epoch, id) = parts(own);
                    let Some(epoch) = epoch else { return true };
                    let log = recorded.and_then(|it| it.streams.get(id));
                    log.is_some_and(|log| log.timed(epoch, timed))
                })
            } else {
                self.judges[arm].tick_streams(now)
            };
            for judged in judged {
                self.hear(arm, judged, rows)?;
            }
        }
        Ok(())
    }

    /// An arm says something of a stream.
    fn hear(&mut self, arm: usize, mut judged: StreamJudged, rows: &mut Rows<'_>) -> Result<()> {
        let own = judged.judged.verdict.stream_id.take().unwrap_or_default();
        let (epoch, id) = parts(&own);
        judged.judged.verdict.stream_id = Some(id.to_owned());
        if self.setup.verify {
            self.verify(epoch, id, &judged);
        }
        let last_owner = self.log(id).and_then(|log| log.owners.last_key_value());
        let is_last = last_owner.map(|(epoch, _)| *epoch) == epoch;
        let policies = self.setup.arms[arm].judges.policies();
        let outcome = Outcome::of(&judged.judged, policies);
        let Some(open) = self.open.get_mut(id) else {
            return Ok(());
        };
        match &mut open.outcomes[arm] {
            Some(whole) => whole.and(outcome),
            none => *none = Some(outcome),
        }
        let language = judged.judged.verdict.provenance.language;
        open.language = language;
        open.closed[arm] |= judged.closed;
        if is_last
            && open.closed.iter().all(|closed| *closed)
            && let Some(open) = self.open.remove(id)
        {
            self.count(|it| it.complete += 1);
            self.remember(id);
            if let Some(row) = self.row(id, open, true) {
                rows(row)?;
            }
        }
        Ok(())
    }

    fn verify(&mut self, epoch: Option<i64>, id: &str, judged: &StreamJudged) {
        let verdict = &judged.judged.verdict;
        let log = self.recorded.as_ref().and_then(|it| it.streams.get(id));
        let recorded = log.and_then(|log| log.verdicts.get(&verdict.verdict_id));
        let Some(recorded) = recorded else {
            self.progress.comparison.not_recorded += 1;
            return;
        };
        // Its highest epoch is what counts, and that another variant gives.
        if Some(recorded.owner_epoch) != epoch || self.given.contains(&verdict.verdict_id) {
            return;
        }
        let place = self.progress.place(judged.judged.source.offset);
        let comparison = &mut self.progress.comparison;
        self.setup.compare(comparison, recorded, verdict, &place);
        self.given.insert(verdict.verdict_id.clone());
    }

    /// Recorded verdicts on streams that were judged from their beginning, which the replay did not give.
    fn count_missed(&mut self, all: bool) {
        if !self.setup.verify {
            return;
        }
        let Some(recorded) = &self.recorded else {
            return;
        };
        let mut ids: Vec<&String> = recorded.streams.keys().collect();
        ids.sort_unstable();
        for id in ids {
            if self.begun_before.contains(id) || !all && !self.known_over.contains(id) {
                continue;
            }
            let comparison = &mut self.progress.comparison;
            let verdicts = recorded.streams[id].verdicts.keys();
            for _ in verdicts.filter(|verdict| !self.given.contains(*verdict)) {
                if self.by_time.contains(id) {
                    comparison.by_time.add(id);
                } else {
                    comparison.not_reproduced.add(id);
                }
            }
        }
    }

    /// Owners that said something of the stream; none unless the replay is to be what was recorded.
    fn owners(&self, id: &str) -> Vec<i64> {
        let log = self.log(id).filter(|_| self.setup.verify);
        log.map_or_else(Vec::new, |log| log.owners.keys().copied().collect())
    }

    fn log(&self, id: &str) -> Option<&StreamLog> {
        let recorded = self.recorded.as_ref().filter(|_| self.setup.verify)?;
        recorded.streams.get(id)
    }

    pub(crate) fn into_parts(self) -> (Vec<Judge>, Progress) {
        (self.judges, self.progress)
    }

    fn row(&self, id: &str, mut open: Open, complete: bool) -> Option<Row> {
        let after = open.outcomes.pop().flatten()?;
        let before = match open.outcomes.pop() {
            Some(before) => before,
            None => self.recorded.as_ref().and_then(|it| it.of_stream(id)),
        };
        let text = self
            .setup
            .with_text
            .then(|| String::from_utf8_lossy(&open.text).into());
        Some(Row {
            place: self.progress.place(open.first.offset),
            kind: Kind::Stream,
            timestamp_ms: open.timestamp_ms,
            request_id: open.request_id,
            verdict_id: None,
            stream_id: Some(id.to_owned()),
            tenant: open.tenant,
            language: open.language,
            complete,
            change: Change::between(before.as_ref().map(|it| it.action), after.action),
            before,
            after,
            text,
        })
    }

    fn remember(&mut self, id: &str) {
        if self.known_over.insert(id.to_owned()) {
            self.over.push_back(id.to_owned());
        }
        // All of them where each is to be accounted for.
        if self.over.len() > REMEMBERED
            && !self.setup.verify
            && let Some(oldest) = self.over.pop_front()
        {
            self.known_over.remove(&oldest);
        }
    }

    fn count_chunk(&mut self, taken: Taken) {
        self.count(|it| match taken {
            Taken::New | Taken::Pins => it.chunks_new += 1,
            Taken::Duplicate => it.chunks_repeated += 1,
            Taken::Late => it.chunks_late += 1,
        });
    }

    fn count(&mut self, change: impl FnOnce(&mut super::account::StreamAccount)) {
        change(self.progress.account.streams.get_or_insert_default());
    }
}

impl Open {
    fn of(chunk: &ChunkInput, timestamp_ms: i64, arms: usize) -> Self {
        Self {
            first: chunk.source.clone(),
            timestamp_ms,
            request_id: chunk.request_id.clone(),
            tenant: chunk.tenant.clone(),
            language: String::new(),
            text: Vec::new(),
            outcomes: vec![None; arms],
            closed: vec![false; arms],
        }
    }
}

/// The name under which a stream is judged as an owner judged it, or by itself.
fn name(epoch: Option<i64>, id: &str) -> String {
    match epoch {
        Some(epoch) => format!("{epoch}|{id}"),
        None => format!("|{id}"),
    }
}

/// The owner and the stream of such a name.
fn parts(own: &str) -> (Option<i64>, &str) {
    let (epoch, id) = own.split_once('|').unwrap_or(("", own));
    (epoch.parse().ok(), id)
}
