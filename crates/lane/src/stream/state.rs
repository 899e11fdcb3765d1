//! One stream: what came of its chunks so far.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use weir_detect::{Detector, Match, Required, Scanner};
use weir_policy::Policy;
use weir_types::{
    Action, FailMode, FingerprintKey, Micros, OnExpiry, Source, Unjudged, UnjudgedCause,
};

use super::input::{ChunkInput, OpeningInput, StreamEnd, Taken};
use super::suspicion::Suspicion;
use super::text::Text;
use crate::assemble::{CLASSIFIER, Findings, RULES};
use crate::input::Arrival;
use crate::language::SpokenIn;

/// Chunks that wait for one before them, at most.
const MAX_WAITING: usize = 64;
/// The language is looked at again after so many bytes more.
const LANGUAGE_EVERY: usize = 32;

/// What a stream is opened with.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) policy: Arc<Policy>,
    pub(super) detector: Arc<Detector>,
    pub(super) required: Arc<Required>,
}

/// A stream that is open.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) terms: Terms,
    pub(super) contract: Contract,
    pub(super) identity: StreamIdentity,
    pub(super) text: Text,
    pub(super) suspicion: Suspicion,
    /// `None` when the text is over, or nobody looks at it any more.
    pub(super) scanner: Option<Scanner<Arc<Detector>>>,
    pub(super) next_seq: i64,
    /// Chunks that came before their turn, by seq.
    pub(super) waiting: Vec<ChunkInput>,
    /// Until when the chunk is waited for that comes before those.
    pub(super) gap_until: Option<Micros>,
    /// From where on it must be read again if its owner fails. `None`: all of it is in a checkpoint.
    pub(super) pin: Option<Pin>,
    /// It is in the list of those to be answered.
    pub(super) is_due: bool,
    /// What no verdict has told yet. Most streams have none at most times, and it is large.
    pub(super) news: Option<Box<News>>,
    /// What the last verdict covered.
    pub(super) told: Covered,
    /// Everything before has been looked at.
    pub(super) checked_to: i64,
    pub(super) released_to: i64,
    /// What the first so many bytes are in.
    pub(super) language: Option<(usize, SpokenIn)>,
    /// Where the text is cut. Once set it only goes down.
    pub(super) truncate_at: Option<i64>,
    /// The strictest action of any verdict so far.
    pub(super) strictest: Action,
    pub(super) hold_expired: bool,
    pub(super) end: Option<StreamEnd>,
    pub(super) last_seen: Micros,
    /// It was restored, and no chunk of it has come since: perhaps it ended after it was saved. Then a
    /// block, which clients obey whenever it comes, would be of a text that went on.
    pub(super) may_have_ended: bool,
}

/// Whose stream it is.
#[derive(Debug)]
pub(super) struct StreamIdentity {
    pub(super) request_id: String,
    pub(super) stream_id: String,
    pub(super) tenant: String,
    pub(super) worker_id: String,
    pub(super) owner_epoch: i64,
    pub(super) locale_hint: Option<String>,
}

/// The first chunk that is in no checkpoint.
#[derive(Debug)]
pub(super) struct Pin {
    pub(super) source: Source,
    /// When it came, or a checkpoint was last thought of.
    pub(super) since: Micros,
}

/// What holds for the stream: the client's wishes, or the policy's.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Contract {
    pub(super) budget: Micros,
    pub(super) hold_chars: usize,
    pub(super) hold: Micros,
    pub(super) on_expiry: OnExpiry,
    pub(super) fail_mode: FailMode,
}

impl Contract {
    fn of(policy: &Policy, opening: Option<&OpeningInput>) -> Self {
        let stream = &policy.stream;
        // A worker that was not told the contract names no budget: its modes are guesses then.
        let told = opening.filter(|opening| opening.budget.is_some());
        Self {
            budget: opening.and_then(|o| o.budget).unwrap_or(policy.budget),
            hold_chars: opening
                .and_then(|o| o.hold_chars)
                .unwrap_or(stream.hold_chars),
            hold: opening.and_then(|o| o.hold).unwrap_or(stream.hold),
            on_expiry: told.map_or(stream.on_expiry, |o| o.on_expiry),
            fail_mode: told.map_or(policy.fail_mode, |o| o.fail_mode),
        }
    }
}

/// What has happened since the last verdict.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) findings: Findings,
    pub(super) unjudged: Vec<Unjudged>,
    /// Chunks taken in: from the first one's seq to the last one.
    pub(super) covers: Option<Covered>,
}

/// The chunks that the next verdict answers.
#[derive(Debug, Clone)]
pub(super) struct Covered {
    pub(super) seq_from: i64,
    pub(super) seq_to: i64,
    /// The last of their records.
    pub(super) source: Source,
    pub(super) arrival: Arrival,
    pub(super) taken_up: Micros,
}

impl Stream {
    /// The stream that a chunk opens; the chunk itself is still to be taken in.
    pub(super) fn open(input: &ChunkInput, terms: Terms, now: Micros) -> Self {
        let opening = input.opening.as_ref();
        let contract = Contract::of(&terms.policy, opening);
        let scanner =
            Scanner::requiring(Arc::clone(&terms.detector), Arc::clone(&terms.required), 0);
        Self {
            contract,
            identity: StreamIdentity {
                request_id: input.request_id.clone(),
                stream_id: input.stream_id.clone(),
                tenant: input.tenant.clone(),
                worker_id: input.worker_id.clone(),
                owner_epoch: input.owner_epoch,
                locale_hint: opening.and_then(|opening| opening.locale_hint.clone()),
            },
            terms,
            text: Text::default(),
            suspicion: Suspicion::after_prompt(
                opening.map_or(&[], |opening| opening.prompt_categories.as_slice()),
            ),
            scanner: Some(scanner),
            next_seq: 0,
            waiting: Vec::new(),
            gap_until: None,
            pin: None,
            is_due: false,
            news: None,
            told: Covered::none(input.source.clone(), input.arrival, now),
            checked_to: 0,
            released_to: 0,
            language: None,
            truncate_at: None,
            strictest: Action::Allow,
            hold_expired: false,
            end: None,
            last_seen: now,
            may_have_ended: false,
        }
    }

    /// Takes in a chunk.
    pub(super) fn take(&mut self, input: ChunkInput, key: &FingerprintKey, now: Micros) -> Taken {
        if self.was_told_of(&input) {
            return Taken::Duplicate;
        }
        self.last_seen = now;
        self.may_have_ended = false;
        if input.seq < self.next_seq {
            self.cover(&input, now);
            return Taken::Duplicate;
        }
        if input.seq > self.next_seq {
            return self.put_aside(input, now);
        }
        self.accept(&input, key, now);
        while let Some(place) = self
            .waiting
            .iter()
            .position(|next| next.seq == self.next_seq)
        {
            let next = self.waiting.swap_remove(place);
            self.accept(&next, key, now);
        }
        if self.waiting.is_empty() {
            self.gap_until = None;
        }
        Taken::New
    }

    /// Whether a verdict covered this very record before the stream was saved: its new owner reads on from where the
    /// partition's other streams need it. It neither tells that the stream goes on nor wants an answer.
    fn was_told_of(&self, input: &ChunkInput) -> bool {
        let told = &self.told.source;
        input.seq < self.next_seq
            && input.source.partition == told.partition
            && input.source.offset <= told.offset
    }

    fn put_aside(&mut self, input: ChunkInput, now: Micros) -> Taken {
        if self.waiting.iter().any(|known| known.seq == input.seq) {
            return Taken::Duplicate;
        }
        let deadline = input.arrival.received.plus(self.contract.budget);
        self.gap_until.get_or_insert(deadline);
        self.waiting.push(input);
        if self.waiting.len() > MAX_WAITING {
            self.gap_until = Some(now);
        }
        Taken::New
    }

    /// Takes in the chunk whose turn it is.
    fn accept(&mut self, input: &ChunkInput, key: &FingerprintKey, now: Micros) {
        self.cover(input, now);
        self.next_seq = input.seq + 1;
        let expected = i64::try_from(self.text.len()).unwrap_or(i64::MAX);
        if input.byte_start != expected {
            // Whatever the sender counts, it is not what came here.
            self.give_up(RULES, UnjudgedCause::Missing);
        }
        self.read(&input.text, key);
        if self.end.is_none() {
            self.end = input.end;
        }
        if self.end.is_some() {
            self.finish(key);
        }
    }

    /// Lets the rules read on.
    fn read(&mut self, text: &[u8], key: &FingerprintKey) {
        if self.is_cut() {
            // Nobody will see it.
            self.text.skip_to(self.text.len() + text.len());
            return;
        }
        let limit = self.terms.policy.max_text_bytes;
        let room = limit.saturating_sub(self.text.len());
        let (readable, beyond) = text.split_at(room.min(text.len()));
        self.text.push(readable, self.released_to);
        if let Some(scanner) = &mut self.scanner {
            let mut found = Vec::new();
            scanner.push(readable, &mut found);
            self.note(&found, key);
            self.checked_to = position(self.text.len());
        }
        if !beyond.is_empty() {
            if self.scanner.is_some() {
                self.finish(key);
                self.give_up(RULES, UnjudgedCause::Truncated);
            }
            self.text.push(beyond, self.released_to);
        }
    }

    /// Nothing more will be read: what the rules still hold back is decided.
    pub(super) fn finish(&mut self, key: &FingerprintKey) {
        if let Some(scanner) = self.scanner.take() {
            let mut found = Vec::new();
            scanner.finish(&mut found);
            self.note(&found, key);
        }
    }

    /// Whatever reads the text is not to be trusted any more.
    pub(super) fn stop_reading(&mut self) {
        self.scanner = None;
    }

    /// A detector cannot judge what comes here: if the policy requires it, the fail mode decides.
    pub(super) fn give_up(&mut self, detector: &str, cause: UnjudgedCause) {
        self.note_unjudged(detector, cause);
        let required = self.terms.policy.required;
        let required = match detector {
            CLASSIFIER => required.classifier,
            _ => required.rules,
        };
        if required && self.contract.fail_mode == FailMode::Closed {
            self.release_settled();
            self.cut_at(self.released_to);
        }
    }

    /// The hold on suspicion is over, by time or by length.
    pub(super) fn expire_hold(&mut self) {
        match self.contract.on_expiry {
            OnExpiry::Hold => {}
            OnExpiry::Cut => {
                self.cut_at(self.released_to);
                // Decided, so that the verdict need not wait for another chunk.
                self.suspicion.release();
            }
            OnExpiry::Release => {
                self.suspicion.release();
                self.hold_expired = true;
            }
        }
    }

    /// Whether more characters are held on suspicion than the contract allows.
    pub(super) fn holds_too_much(&self) -> bool {
        let Some(from) = self.suspicion.holds_from() else {
            return false;
        };
        let (kept, base) = self.text.kept();
        let from = usize::try_from(from).unwrap_or(0).saturating_sub(base);
        let held = kept.get(from..).unwrap_or_default();
        // Every byte but those inside a character.
        held.iter().filter(|byte| **byte & 0xc0 != 0x80).count() > self.contract.hold_chars
    }

    /// What the text is in, as far as it tells. `exactly`: as far as the text has come; else what was
    /// found a few words ago will do: nobody needs it at every token.
    pub(super) fn language(&mut self, exactly: bool) -> &SpokenIn {
        let told = self.text.head().len();
        let is_new = |bytes: usize| exactly && bytes != told || told >= bytes + LANGUAGE_EVERY;
        if self
            .language
            .as_ref()
            .is_none_or(|(bytes, _)| is_new(*bytes))
        {
            let claim = self.identity.locale_hint.clone();
            let spoken = SpokenIn::of(&[self.text.head().to_vec()], claim);
            self.language = Some((told, spoken));
        }
        &self
            .language
            .get_or_insert_with(|| (0, SpokenIn::of(&[], None)))
            .1
    }

    /// The missing chunk is given up: what waits for it goes on without it, if the fail mode lets it.
    pub(super) fn give_up_gap(&mut self, key: &FingerprintKey, now: Micros) {
        self.gap_until = None;
        self.waiting.sort_unstable_by_key(|chunk| chunk.seq);
        self.finish(key);
        self.give_up(RULES, UnjudgedCause::Missing);
        let waiting = std::mem::take(&mut self.waiting);
        for next in waiting {
            if next.seq > self.next_seq {
                let start = usize::try_from(next.byte_start).unwrap_or(0);
                self.text.skip_to(start.max(self.text.len()));
                self.resume();
            }
            self.accept(&next, key, now);
        }
    }

    /// Begins to read anew after a gap.
    fn resume(&mut self) {
        let start = position(self.text.len());
        self.checked_to = self.checked_to.max(start);
        self.scanner = Some(self.scanner_from(start));
    }

    /// Reads what is kept of the text by other rules than before. What is shown already was decided by
    /// those.
    pub(super) fn read_anew(&mut self, key: &FingerprintKey) {
        let (kept, base) = self.text.kept();
        let mut scanner = self.scanner_from(position(base));
        let mut found = Vec::new();
        scanner.push(kept, &mut found);
        found.retain(|found| found.span.end > self.released_to);
        self.scanner = Some(scanner);
        self.note(&found, key);
    }

    fn scanner_from(&self, start: i64) -> Scanner<Arc<Detector>> {
        let (detector, required) = (&self.terms.detector, &self.terms.required);
        Scanner::requiring(Arc::clone(detector), Arc::clone(required), start)
    }

    /// Until when a missing chunk is waited for.
    pub(super) fn gap_until(&self) -> Option<Micros> {
        self.gap_until
    }

    /// Cuts the text, not later than it is cut already. What something else still holds back is cut off
    /// as well: nobody will look at the rest of it.
    pub(super) fn cut_at(&mut self, at: i64) {
        let clear = self.settled().max(self.released_to);
        let at = self.truncate_at.unwrap_or(i64::MAX).min(at).min(clear);
        if self.terms.policy.enforce {
            self.truncate_at = Some(at);
        }
        self.strictest = Action::Block;
    }

    /// Whether the text was cut.
    pub(super) fn is_cut(&self) -> bool {
        self.truncate_at.is_some()
    }

    /// Whether a verdict has told all that came of it so far, and another will follow.
    pub(super) fn is_at_rest(&self) -> bool {
        !self.is_due && self.covers().is_none() && self.end.is_none() && !self.is_cut()
    }

    /// The chunks that came since the last verdict.
    pub(super) fn covers(&self) -> Option<&Covered> {
        self.news.as_ref()?.covers.as_ref()
    }

    fn note(&mut self, found: &[Match], key: &FingerprintKey) {
        let policy = &self.terms.policy;
        let mut applying = found
            .iter()
            .filter(|found| policy.applies_to_streams(&found.rule))
            .peekable();
        if applying.peek().is_none() {
            return;
        }
        let (kept, base) = self.text.kept();
        let news = self.news.get_or_insert_default();
        for found in applying {
            news.findings.add(found, kept, base, policy, key);
        }
        if let Some(at) = news.findings.block_at {
            self.cut_at(at);
        }
    }

    pub(super) fn note_unjudged(&mut self, detector: &str, cause: UnjudgedCause) {
        let known = |known: &Unjudged| known.detector == detector && known.cause == cause;
        let news = self.news.get_or_insert_default();
        if !news.unjudged.iter().any(known) {
            news.unjudged.push(Unjudged {
                detector: detector.to_owned(),
                cause,
            });
        }
    }

    /// Releases what the rules have settled, as far as it goes in whole characters and nothing else
    /// holds it.
    pub(super) fn release_settled(&mut self) {
        let end = position(self.text.len());
        let settled = self.settled();
        let needs_windows = self.terms.policy.required.classifier && self.terms.policy.enforce;
        let seen = needs_windows.then(|| self.suspicion.asked_to());
        let most = [self.truncate_at, self.suspicion.holds_from(), seen]
            .into_iter()
            .flatten()
            .fold(settled, i64::min);
        let over = self.scanner.is_none();
        let cut = if over && most >= end {
            end
        } else {
            let whole_words = self.terms.policy.stream.whole_words && !over;
            self.text.cut_back(most, self.released_to, whole_words)
        };
        self.released_to = self.released_to.max(cut);
        self.checked_to = self.checked_to.max(self.released_to);
    }

    /// How far the rules are done with the text.
    fn settled(&self) -> i64 {
        let end = position(self.text.len());
        self.scanner.as_ref().map_or(end, Scanner::settled)
    }

    fn cover(&mut self, input: &ChunkInput, now: Micros) {
        let covers = &mut self.news.get_or_insert_default().covers;
        *covers = Some(Covered::with(covers.as_ref(), input, now));
    }
}

fn position(bytes: usize) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
