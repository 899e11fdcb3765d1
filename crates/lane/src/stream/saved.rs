//! A stream as bytes: what its next owner goes on from. Under other policies or rules than those that it
//! was judged by, what is kept of its text is read again under the new ones: all that has not been
//! released, and some before it.
//!
//! Times are those of the lane's clock, which begins somewhere else in every process: they are carried
//! over by how far they lay from the moment of saving.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_detect::{Scanner, StateError, saved};
use weir_types::{Action, FingerprintKey, Micros, Source};

use super::input::{ChunkInput, StreamEnd};
use super::state::{Contract, Covered, Stream, StreamIdentity, Terms};
use super::suspicion::Suspicion;
use super::text::Text;
use crate::input::Arrival;
use crate::language::SpokenIn;

/// To be raised whenever [`State`] changes, or anything in it its meaning.
const FORMAT: u8 = 2;
/// What is saved refers to no rules; the scan within it does, and says so itself.
const NO_RULES: u64 = 0;

/// A stream as another lane can go on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedStream {
    /// The stream: `request/attempt/choice/channel`.
    pub stream_id: String,
    /// The request.
    pub request_id: String,
    /// Whose policy applies.
    pub tenant: String,
    /// The policy that it is judged by.
    pub policy_hash: String,
    /// Its owner's epoch when it was saved.
    pub owner_epoch: i64,
    /// The chunk that goes on from here, `0..`.
    pub next_seq: i64,
    /// The last chunk that a verdict covered.
    pub source: Source,
    /// All the rest. Holds some of the text.
    pub state: Vec<u8>,
}

/// What is saved of a stream that is at rest: it has no news, no end and no cut.
#[derive(Serialize, Deserialize)]
struct State {
    saved_at: Micros,
    contract: Contract,
    worker_id: String,
    locale_hint: Option<String>,
    text: Text,
    suspicion: Suspicion,
    scanner: Option<Vec<u8>>,
    waiting: Vec<Waiting>,
    gap_until: Option<Micros>,
    told: Told,
    checked_to: i64,
    released_to: i64,
    language: Option<(usize, SpokenIn)>,
    strictest: Action,
    hold_expired: bool,
    last_seen: Micros,
}

/// A chunk that waits for one before it. What opens a stream has been read from it already.
#[derive(Serialize, Deserialize)]
struct Waiting {
    offset: i64,
    seq: i64,
    byte_start: i64,
    text: Vec<u8>,
    end: Option<StreamEnd>,
    arrival: Arrival,
}

/// What the last verdict covered; its source is [`SavedStream::source`].
#[derive(Serialize, Deserialize)]
struct Told {
    seq_from: i64,
    seq_to: i64,
    arrival: Arrival,
    taken_up: Micros,
}

impl Stream {
    /// The stream as another lane can go on with it; it must be at rest.
    pub(super) fn save(&self, id: &str, now: Micros) -> Result<SavedStream, StateError> {
        let waiting = self.waiting.iter().map(|chunk| Waiting {
            offset: chunk.source.offset,
            seq: chunk.seq,
            byte_start: chunk.byte_start,
            text: chunk.text.clone(),
            end: chunk.end,
            arrival: chunk.arrival,
        });
        let state = State {
            saved_at: now,
            contract: self.contract,
            worker_id: self.identity.worker_id.clone(),
            locale_hint: self.identity.locale_hint.clone(),
            text: self.text.clone(),
            suspicion: self.suspicion.clone(),
            scanner: self.scanner.as_ref().map(Scanner::save).transpose()?,
            waiting: waiting.collect(),
            gap_until: self.gap_until,
            told: Told {
                seq_from: self.told.seq_from,
                seq_to: self.told.seq_to,
                arrival: self.told.arrival,
                taken_up: self.told.taken_up,
            },
            checked_to: self.checked_to,
            released_to: self.released_to,
            language: self.language.clone(),
            strictest: self.strictest,
            hold_expired: self.hold_expired,
            last_seen: self.last_seen,
        };
        Ok(SavedStream {
            stream_id: id.to_owned(),
            request_id: self.identity.request_id.clone(),
            tenant: self.identity.tenant.clone(),
            policy_hash: self.terms.policy.hash.clone(),
            owner_epoch: self.identity.owner_epoch,
            next_seq: self.next_seq,
            source: self.told.source.clone(),
            state: saved::save(FORMAT, NO_RULES, &state)?,
        })
    }

    /// The stream that was saved, by this lane's clock. What it was judged by counts if `terms` are the
    /// same, else they do from here on.
    pub(super) fn restore(
        saved: SavedStream,
        terms: Terms,
        owner_epoch: i64,
        key: &FingerprintKey,
        now: Micros,
    ) -> Result<Self, StateError> {
        let state: State = saved::restore(FORMAT, NO_RULES, &saved.state)?;
        let time = |at: Micros| {
            let ago = state.saved_at.since(at);
            // Not before this clock began: then it lasts the longer.
            Micros(now.0.saturating_sub(ago.0)).plus(at.since(state.saved_at))
        };
        let arrival = |arrival: Arrival| Arrival {
            received: time(arrival.received),
            ..arrival
        };
        let same_policy = saved.policy_hash == terms.policy.hash;
        let scan = state.scanner.as_deref().filter(|_| same_policy);
        let scanner = scan.and_then(|bytes| {
            let (detector, required) = (Arc::clone(&terms.detector), Arc::clone(&terms.required));
            Scanner::restore(detector, required, bytes).ok()
        });
        let reads_anew = state.scanner.is_some() && scanner.is_none();
        let waiting = state.waiting.into_iter().map(|chunk| ChunkInput {
            source: Source {
                offset: chunk.offset,
                ..saved.source.clone()
            },
            owner_epoch,
            request_id: saved.request_id.clone(),
            stream_id: saved.stream_id.clone(),
            seq: chunk.seq,
            byte_start: chunk.byte_start,
            text: chunk.text,
            end: chunk.end,
            tenant: saved.tenant.clone(),
            worker_id: state.worker_id.clone(),
            opening: None,
            arrival: arrival(chunk.arrival),
        });
        let waiting = waiting.collect();
        let mut suspicion = state.suspicion;
        suspicion.translate(time);
        let mut stream = Self {
            contract: state.contract,
            identity: StreamIdentity {
                request_id: saved.request_id,
                stream_id: saved.stream_id,
                tenant: saved.tenant,
                worker_id: state.worker_id,
                owner_epoch,
                locale_hint: state.locale_hint,
            },
            text: state.text,
            suspicion,
            scanner,
            next_seq: saved.next_seq,
            waiting,
            gap_until: state.gap_until.map(time),
            pin: None,
            is_due: false,
            news: None,
            told: Covered {
                seq_from: state.told.seq_from,
                seq_to: state.told.seq_to,
                source: saved.source,
                arrival: arrival(state.told.arrival),
                taken_up: time(state.told.taken_up),
            },
            checked_to: state.checked_to,
            released_to: state.released_to,
            language: state.language,
            truncate_at: None,
            strictest: state.strictest,
            hold_expired: state.hold_expired,
            end: None,
            last_seen: time(state.last_seen),
            may_have_ended: true,
            terms,
        };
        if reads_anew {
            stream.read_anew(key);
        }
        Ok(stream)
    }
}
