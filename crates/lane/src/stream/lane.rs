//! All streams of a lane.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use weir_detect::{Detector, Required, StateError};
use weir_policy::{Policy, PolicySet};
use weir_types::{Action, Micros, ModelScores, Source, UnjudgedCause};

use super::answer;
use super::input::{ChunkInput, StreamJudged, StreamStep, Taken, Timed};
use super::saved::SavedStream;
use super::state::{Pin, Stream, Terms};
use super::suspicion::Opinion;
use crate::assemble::{CLASSIFIER, RECORD};
use crate::input::{Completion, JobId};
use crate::lane::{Lane, Refusal};

/// Streams that are over and still remembered, so that what comes late is known to.
const REMEMBERED: usize = 65_536;

type StreamId = Arc<str>;

/// All streams of a lane.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    /// Boxed, since up to half of a map's places are empty.
    open: HashMap<StreamId, Box<Stream>>,
    /// Streams that took something in since they were last answered, in order.
    due: Vec<StreamId>,
    /// Windows that the classifier is asked about.
    asked: HashMap<JobId, StreamId>,
    /// When to look at which stream; may be too early, never too late.
    alarms: BTreeSet<(Micros, StreamId)>,
    closed: HashSet<StreamId>,
    /// The same in the order in which they may be forgotten.
    closing: VecDeque<(Micros, StreamId)>,
    /// Streams that must be read again from a chunk on, by when that came. May hold some that need not
    /// any more.
    pinned: VecDeque<(Micros, StreamId)>,
    /// What streams under a policy are judged by, by the policy's hash.
    terms: HashMap<String, Terms>,
}

impl Streams {
    /// What streams under each policy wait for is worked out now, not at the first chunk.
    pub(crate) fn new(policies: &PolicySet, detector: &Arc<Detector>) -> Self {
        let terms = policies
            .tenants()
            .map(|(tenant, _)| {
                let policy = policies.for_tenant(tenant);
                (policy.hash.clone(), terms(policy, detector))
            })
            .collect();
        Self {
            terms,
            ..Self::default()
        }
    }

    fn terms(&self, policy: &Arc<Policy>, detector: &Arc<Detector>) -> Terms {
        let known = self.terms.get(&policy.hash).cloned();
        known.unwrap_or_else(|| terms(policy, detector))
    }

    /// Takes up a stream, and will look at it when its time comes.
    fn open(&mut self, id: &StreamId, stream: Stream) {
        let idle = stream.last_seen.plus(stream.terms.policy.stream.idle);
        self.set_alarm(id, idle);
        self.open.insert(Arc::clone(id), Box::new(stream));
    }

    fn set_alarm(&mut self, id: &StreamId, at: Micros) {
        self.alarms.insert((at, Arc::clone(id)));
    }

    fn forget(&mut self, id: &StreamId, until: Micros) {
        self.open.remove(id);
        if self.closed.insert(Arc::clone(id)) {
            self.closing.push_back((until, Arc::clone(id)));
        }
        if self.closing.len() > REMEMBERED
            && let Some((_, oldest)) = self.closing.pop_front()
        {
            self.closed.remove(&oldest);
        }
    }
}

fn terms(policy: &Arc<Policy>, detector: &Arc<Detector>) -> Terms {
    Terms {
        policy: Arc::clone(policy),
        detector: Arc::clone(detector),
        required: Arc::new(required_on_streams(policy, detector)),
    }
}

/// What streams under a policy wait for: what it requires, as far as it would do something.
#[must_use]
pub fn required_on_streams(policy: &Policy, detector: &Detector) -> Required {
    detector.require(|name, rule, score| {
        policy.stream.required.iter().any(|known| known == name)
            && policy.applies_to_streams(rule)
            && policy.action_for_finding(name, rule, score) >= Action::Attenuate
    })
}

impl Lane {
    /// Takes in a chunk: the rules read on. [`Lane::answer`] says what comes of it.
    pub fn on_chunk(&mut self, input: ChunkInput, now: Micros) -> Taken {
        let id: StreamId = input.stream_id.as_str().into();
        if self.streams.closed.contains(&id) {
            return Taken::Late;
        }
        if !self.streams.open.contains_key(&id) {
            let policy = self.policies.for_tenant(&input.tenant);
            if input.seq > 0 && self.is_stale(&input, policy) {
                return Taken::Late;
            }
            let terms = self.streams.terms(policy, &self.detector);
            let stream = Stream::open(&input, terms, now);
            self.streams.open(&id, stream);
        }
        let Some(stream) = self.streams.open.get_mut(&id) else {
            return Taken::Late;
        };
        let source = input.source.clone();
        let was_restored = stream.may_have_ended;
        let mut taken = stream.take(input, &self.config.fingerprint_key, now);
        if taken == Taken::New && stream.pin.is_none() {
            stream.pin = Some(Pin { source, since: now });
            self.streams.pinned.push_back((now, Arc::clone(&id)));
            taken = Taken::Pins;
        }
        let gap_until = stream.gap_until();
        if stream.covers().is_some() && !stream.is_due {
            stream.is_due = true;
            self.streams.due.push(Arc::clone(&id));
        }
        let held = was_restored.then(|| stream.suspicion.expires(stream.contract.hold));
        for at in gap_until.into_iter().chain(held.flatten()) {
            self.streams.set_alarm(&id, at);
        }
        taken
    }

    /// Whether a chunk is older than anybody waits: the rest of a stream that ended before this lane
    /// took over.
    fn is_stale(&self, input: &ChunkInput, policy: &Policy) -> bool {
        let age = input.arrival.received_at_ms - input.arrival.produced_at_ms;
        let age = Micros::from_millis(u64::try_from(age).unwrap_or(0));
        input.arrival.produced_at_ms > 0 && age > policy.budget
    }

    /// Answers every stream that took something in since it was last answered.
    pub fn answer(&mut self, now: Micros) -> Vec<StreamStep> {
        let due = std::mem::take(&mut self.streams.due);
        due.into_iter()
            .filter_map(|id| self.answer_one(&id, None, now))
            .collect()
    }

    /// Answers one stream alone, if it took something in: a replay answers where its original did. `refusal`: the
    /// classifier is not asked, for this reason.
    pub fn answer_stream(
        &mut self,
        stream_id: &str,
        refusal: Option<Refusal>,
        now: Micros,
    ) -> Option<StreamStep> {
        // Nearly always the last: what is answered just took something in.
        let place = self.streams.due.iter().rposition(|id| **id == *stream_id)?;
        let id = self.streams.due.remove(place);
        self.answer_one(&id, refusal, now)
    }

    /// What a verdict on the stream would cover now: its id, and the last seq of its range. `None` if it took nothing in
    /// since the last one.
    #[must_use]
    pub fn due_verdict(&self, stream_id: &str) -> Option<(String, i64)> {
        let stream = self.streams.open.get(stream_id)?;
        let covered = stream.covers()?;
        let id = answer::verdict_id(&stream.identity.request_id, covered);
        Some((id, covered.seq_to))
    }

    fn answer_one(
        &mut self,
        id: &StreamId,
        refusal: Option<Refusal>,
        now: Micros,
    ) -> Option<StreamStep> {
        let stream = self.streams.open.get_mut(id)?;
        stream.is_due = false;
        let ended = stream.end.is_some();
        if !stream.is_cut() && stream.suspicion.is_due(&stream.text, ended) {
            let arrival = stream.covers().map(|covered| covered.arrival);
            let arrival = arrival.unwrap_or_default();
            let deadline = arrival.received.plus(stream.contract.budget);
            let required = stream.terms.policy.required.classifier;
            let refusal =
                refusal.or_else(|| self.refusal(required, arrival.queued_behind, deadline, now));
            let stream = self.streams.open.get_mut(id)?;
            match refusal {
                None => {
                    let text = stream.suspicion.window(&stream.text);
                    let job = self.new_job(vec![text], deadline);
                    self.streams.asked.insert(job.id, Arc::clone(id));
                    return Some(StreamStep::Judge(job));
                }
                Some(Refusal::NotInstalled) => {}
                Some(Refusal::Because(cause)) => {
                    stream.suspicion.pass(&stream.text);
                    stream.give_up(CLASSIFIER, cause);
                }
            }
        }
        self.close_or_go_on(id, None, now)
            .map(|judged| StreamStep::Verdict(Box::new(judged)))
    }

    /// Takes in what the classifier said of a stream's window.
    pub fn on_window(&mut self, completion: &Completion, now: Micros) -> Option<StreamJudged> {
        self.circuit.record(completion.scores.is_some(), now);
        let id = self.streams.asked.remove(&completion.id)?;
        let stream = self.streams.open.get_mut(&id)?;
        let policy = Arc::clone(&stream.terms.policy);
        let scores = completion.scores.as_ref().map(|scores| {
            // Telling the language takes microseconds: only who calibrates needs it at each window.
            if policy.calibration.is_none() {
                return *scores;
            }
            // Exactly: the verdict is to name the language that this went by.
            let language = stream.language(true);
            self.config.calibrated(scores, &policy, language)
        });
        match &scores {
            None => stream.give_up(CLASSIFIER, UnjudgedCause::Failed),
            Some(scores) => {
                let ended = stream.end.is_some();
                match stream.suspicion.take(scores, &policy, ended, now) {
                    Opinion::Clear => {}
                    Opinion::Suspect if ended => stream.suspicion.release(),
                    Opinion::Suspect => {
                        if let Some(expires) = stream.suspicion.expires(stream.contract.hold) {
                            self.streams.set_alarm(&id, expires);
                        }
                    }
                    Opinion::Certain(from) => stream.cut_at(from),
                }
            }
        }
        let mut judged = self.close_or_go_on(&id, scores.as_ref(), now)?;
        judged.judged.verdict.times.rules_us = completion.rules_us;
        judged.judged.verdict.times.classify_us = completion.classify_us;
        Some(judged)
    }

    /// The verdict on a stream as it stands. It closes the stream if that has ended or is cut.
    fn close_or_go_on(
        &mut self,
        id: &StreamId,
        scores: Option<&ModelScores>,
        now: Micros,
    ) -> Option<StreamJudged> {
        let stream = self.streams.open.get_mut(id)?;
        if stream.holds_too_much() {
            stream.expire_hold();
        }
        if !stream.is_cut() {
            stream.release_settled();
        }
        let closed = stream.end.is_some() || stream.is_cut();
        let model = self.config.classifier.as_ref();
        let key = &self.config.fingerprint_key;
        let judged = answer::verdict(stream, scores, model, key, closed, now);
        let remember = now.plus(stream.terms.policy.stream.idle);
        if closed {
            self.streams.forget(id, remember);
        }
        Some(judged)
    }

    /// When [`Lane::on_stream_tick`] next has something to do; perhaps nothing then.
    #[must_use]
    pub fn next_stream_deadline(&self) -> Option<Micros> {
        let alarm = self.streams.alarms.first().map(|(at, _)| *at);
        let forget = self.streams.closing.front().map(|(at, _)| *at);
        alarm.into_iter().chain(forget).min()
    }

    /// Ends what has lasted too long: gaps, holds on suspicion, silence.
    pub fn on_stream_tick(&mut self, now: Micros) -> Vec<StreamJudged> {
        while let Some((until, _)) = self.streams.closing.front()
            && *until <= now
            && let Some((_, id)) = self.streams.closing.pop_front()
        {
            self.streams.closed.remove(&id);
        }
        let mut judged = Vec::new();
        while let Some((at, _)) = self.streams.alarms.first()
            && *at <= now
            && let Some((_, id)) = self.streams.alarms.pop_first()
        {
            judged.extend(self.ring(&id, now));
        }
        judged
    }

    /// [`Lane::on_stream_tick`], but what time does to a stream it does only where `happened` knows of the verdict that comes
    /// of it, on the stream of an id: a replay lets happen what happened.
    pub fn on_stream_tick_if(
        &mut self,
        now: Micros,
        happened: impl Fn(&str, &Timed) -> bool,
    ) -> Vec<StreamJudged> {
        let mut judged = Vec::new();
        while let Some((at, _)) = self.streams.alarms.first()
            && *at <= now
            && let Some((_, id)) = self.streams.alarms.pop_first()
        {
            let Some(stream) = self.streams.open.get(&id) else {
                continue;
            };
            if answer::timed(stream, now).is_some_and(|timed| happened(&id, &timed)) {
                judged.extend(self.ring(&id, now));
                continue;
            }
            let idle = stream.last_seen.plus(stream.terms.policy.stream.idle);
            if idle > now {
                self.streams.set_alarm(&id, idle);
            }
        }
        judged
    }

    /// Lets a gap or a hold of this stream end, whatever the time, if `happened` knows of the verdict that comes of
    /// it: a replay's original had waited long enough. `silence`: no chunk will come, either.
    pub fn hurry_stream(
        &mut self,
        stream_id: &str,
        silence: bool,
        happened: impl Fn(&Timed) -> bool,
    ) -> Option<StreamJudged> {
        let id: StreamId = stream_id.into();
        let stream = self.streams.open.get(&id)?;
        let hold = stream.suspicion.expires(stream.contract.hold);
        let idle = stream.last_seen.plus(stream.terms.policy.stream.idle);
        let ends = [stream.gap_until(), hold, silence.then_some(idle)];
        let mut ends: Vec<Micros> = ends.into_iter().flatten().collect();
        ends.sort_unstable();
        let known = |at: &Micros| answer::timed(stream, *at).is_some_and(|timed| happened(&timed));
        let due = ends.into_iter().find(known)?;
        self.ring(&id, due)
    }

    /// Looks at a stream whose alarm has gone off.
    fn ring(&mut self, id: &StreamId, now: Micros) -> Option<StreamJudged> {
        let stream = self.streams.open.get_mut(id)?;
        let idle = stream.last_seen.plus(stream.terms.policy.stream.idle);
        let over = |at: Option<Micros>| at.is_some_and(|at| at <= now);
        let silent = idle <= now;
        if stream.may_have_ended {
            // It is closed as it stands, what is held undecided.
            if silent {
                stream.end = Some(super::StreamEnd::Error);
                return self.close_or_go_on(id, None, now);
            }
            self.streams.set_alarm(id, idle);
            return None;
        }
        let gap = over(stream.gap_until());
        let hold = over(stream.suspicion.expires(stream.contract.hold));
        // What came since the last verdict is answered first: the classifier may think better of it.
        let awaits_answer = hold && !gap && !silent && stream.covers().is_some();
        let hold = hold && !awaits_answer;
        let key = &self.config.fingerprint_key;
        if gap {
            stream.give_up_gap(key, now);
        }
        if hold {
            stream.expire_hold();
        }
        if silent {
            stream.finish(key);
            stream.suspicion.release();
            stream.end.get_or_insert(super::StreamEnd::Error);
        } else {
            let next = stream
                .suspicion
                .expires(stream.contract.hold)
                .filter(|at| *at > now)
                .into_iter()
                .chain(awaits_answer.then(|| now.plus(Micros(1))))
                .chain(stream.gap_until())
                .fold(idle, Micros::min);
            self.streams.set_alarm(id, next);
        }
        let kept = hold && self.streams.open.get(id)?.suspicion.holds_from().is_some();
        if gap || silent || hold && !kept {
            return self.close_or_go_on(id, None, now);
        }
        None
    }

    /// A chunk of this request came that cannot be read: it is missing at once from each of its streams.
    pub fn on_unreadable_chunk(&mut self, request_id: &str, now: Micros) -> Vec<StreamJudged> {
        let open = self.streams.open.iter();
        let ids: Vec<StreamId> = open
            .filter(|(_, stream)| stream.identity.request_id == request_id)
            .map(|(id, _)| Arc::clone(id))
            .collect();
        ids.into_iter()
            .filter_map(|id| {
                let stream = self.streams.open.get_mut(&id)?;
                stream.give_up(RECORD, UnjudgedCause::Malformed);
                self.close_or_go_on(&id, None, now)
            })
            .collect()
    }

    /// Judging a chunk of this stream panicked: nobody reads on, and the fail mode decides.
    pub fn fail_stream(&mut self, stream_id: &str, now: Micros) -> Option<StreamJudged> {
        let id: StreamId = stream_id.into();
        let stream = self.streams.open.get_mut(&id)?;
        stream.stop_reading();
        stream.give_up(RECORD, UnjudgedCause::Failed);
        self.close_or_go_on(&id, None, now)
    }

    /// Somebody else owns this partition now: its streams are theirs.
    pub fn forget_partition(&mut self, partition: i32) {
        self.streams
            .open
            .retain(|_, stream| stream.told.source.partition != partition);
    }

    /// Streams that have had to be read again from the same chunk on for `pinned_for`, since it came or
    /// since this was last said of them: at most `most`, longest first.
    pub fn streams_to_save(
        &mut self,
        now: Micros,
        pinned_for: Micros,
        most: usize,
    ) -> Vec<Arc<str>> {
        let mut found = Vec::new();
        while found.len() < most
            && let Some((since, id)) = self.streams.pinned.front()
            && since.plus(pinned_for) <= now
        {
            let pinned = self.streams.open.get_mut(id).filter(|stream| {
                let pin = stream.pin.as_ref();
                pin.is_some_and(|pin| pin.since == *since)
            });
            if let Some(stream) = pinned {
                if !stream.is_at_rest() {
                    // What it took in is told first, and soon.
                    break;
                }
                if let Some(pin) = &mut stream.pin {
                    pin.since = now;
                }
                found.push(Arc::clone(id));
            }
            self.streams.pinned.pop_front();
        }
        let again = found.iter().map(|id| (now, Arc::clone(id)));
        self.streams.pinned.extend(again);
        found
    }

    /// Streams of these partitions that have to be read again from some chunk on.
    #[must_use]
    pub fn pinned_streams(&self, partitions: &[i32]) -> Vec<Arc<str>> {
        let open = self.streams.open.iter();
        open.filter(|(_, stream)| {
            let pin = stream.pin.as_ref();
            pin.is_some_and(|pin| partitions.contains(&pin.source.partition))
        })
        .map(|(id, _)| Arc::clone(id))
        .collect()
    }

    /// The stream as another lane can go on with it. `None` if it is not open, or took something in that
    /// no verdict has told yet.
    ///
    /// # Errors
    /// When the state cannot be written, which memory alone could cause.
    pub fn save_stream(&self, id: &str, now: Micros) -> Result<Option<SavedStream>, StateError> {
        let stream = self.streams.open.get(id);
        let at_rest = stream.filter(|stream| stream.is_at_rest());
        at_rest.map(|stream| stream.save(id, now)).transpose()
    }

    /// The stream need not be read again from this chunk on any more, once what was saved of it is safe.
    /// The next chunk that it takes in will be the one.
    pub fn unpin_stream(&mut self, id: &str) -> Option<Source> {
        let stream = self.streams.open.get_mut(id)?;
        stream.pin.take().map(|pin| pin.source)
    }

    /// Goes on with a stream that was saved, here or elsewhere, as its owner since `owner_epoch`: under the
    /// policy that it was judged by, or, if that is none of this lane's, under its tenant's.
    ///
    /// # Errors
    /// Damaged, or saved in another format. What comes of it then is judged as after a gap.
    pub fn restore_stream(
        &mut self,
        saved: SavedStream,
        owner_epoch: i64,
        now: Micros,
    ) -> Result<(), StateError> {
        let known = self.streams.terms.get(&saved.policy_hash).cloned();
        let terms = known.unwrap_or_else(|| {
            let policy = self.policies.for_tenant(&saved.tenant);
            self.streams.terms(policy, &self.detector)
        });
        let id: StreamId = saved.stream_id.as_str().into();
        let key = &self.config.fingerprint_key;
        let stream = Stream::restore(saved, terms, owner_epoch, key, now)?;
        // Whether its last verdict ever left is not known.
        self.streams.closed.remove(&id);
        self.streams.open(&id, stream);
        Ok(())
    }

    /// Streams that are open.
    #[must_use]
    pub fn open_streams(&self) -> usize {
        self.streams.open.len()
    }
}
