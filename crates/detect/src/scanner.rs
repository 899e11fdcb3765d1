//! Scans a text that comes in pieces.
//!
//! What is found in a piece is certain once nothing that follows could complete, undo or change it. So
//! each piece is dealt with in two steps: what its characters are, and what can be told of them by now.
//!
//! # Watermarks
//!
//! Each reader of the clean text (`reader.rs`) is asked for a place: findings that begin before it are the
//! same whatever text follows (`Detector::open_from`). `Call 03` is open from `03` to the readers of
//! numbers and from its end, so not at all, to that of tokens; with ` times` after it to none of them.
//! What begins before the place is handed over and never looked at again (`State::decided`); the text
//! before it is clear of that reader (`Scanner::clear_of_reader`), and what is clear of all that a policy waits for
//! is settled ([`Scanner::settled`]). Literals of letters, base64 islands and invisible runs are found as
//! characters go by and have watermarks of their own.
//!
//! To work out a place costs time and serves nobody if nothing waits for it. Readers that are mostly not
//! waited for are lazy: they stay behind by as much as a finding may depend on, and look in strides. Where
//! the text ends no reader is asked anything: all is decided.
//!
//! `scanner/open.rs` works the places out, also where the last character is not certain yet.

mod open;

use std::ops::{Deref, Range};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::detector::{Detector, Required};
use crate::injection;
use crate::island::{Islands, Opened};
use crate::matched::{self, Match};
use crate::normal::{Normaliser, Unit, Window, may_become};
use crate::pii::Digits;
use crate::reader::Reader;
use crate::rules::{Hit, Hits, Position, Role};
use crate::saved::{self, StateError};
use crate::skeleton::Skeleton;
use crate::view::{self, View};
use crate::word;

/// Readers that nothing waits for look again whenever so many clean bytes more can be decided.
const STRIDE: usize = 512;
/// Of a saved [`State`].
const FORMAT: u8 = 5;

/// A scan that is under way. The pieces may be cut anywhere, also inside a character: what is found
/// is what [`Detector::scan`] finds in the whole text, but not merged and not sorted:
/// [`crate::settle`] does that.
///
/// Findings are handed over as soon as they are certain, and [`Scanner::settled`] tells how far the
/// text is clear of anything required. Work for a piece is proportional to the piece and what is still
/// undecided before it; memory is bounded by the rules and the readers' reach, whatever the text's
/// length.
#[derive(Debug, Clone)]
pub struct Scanner<D> {
    detector: D,
    required: Arc<Required>,
    /// Where the automaton of literals is; follows from the skeleton.
    position: Position,
    /// By reader: how many of the bytes decoded so far may yet be within something that it finds.
    open: [u32; Reader::COUNT],
    state: State,
}

/// What a scan remembers of the text so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    base: i64,
    normaliser: Normaliser,
    window: Window,
    skeleton: Skeleton,
    hits: Hits,
    /// `None`: this is the inside of one.
    islands: Option<Islands>,
    /// By reader: bytes of the window before which findings have been handed over.
    decided: [u32; Reader::COUNT],
    /// Original bytes before which nothing required can begin any more.
    settled: usize,
}

impl<D: Deref<Target = Detector>> Scanner<D> {
    /// A scan of a text whose first byte is byte `base` of the judged text.
    #[must_use]
    pub fn new(detector: D, base: i64) -> Self {
        Self::with(detector, Arc::default(), base, Some(Islands::default()))
    }

    /// The same where text waits for what is `required`, which comes from the same detector.
    ///
    /// IBANs, national numbers and passports are waited for, and found, from behind their first letters, of which
    /// there are at most six: they name a country, a kind or initials, and any word in capitals might be them.
    /// API keys likewise from behind their prefix, which says whose they are.
    #[must_use]
    pub fn requiring(detector: D, required: Arc<Required>, base: i64) -> Self {
        Self::with(detector, required, base, Some(Islands::default()))
    }

    /// A scan of what an island holds.
    pub(crate) fn inside(detector: D) -> Self {
        Self::with(detector, Arc::default(), 0, None)
    }

    fn with(detector: D, required: Arc<Required>, base: i64, islands: Option<Islands>) -> Self {
        let literals = &detector.rules.literals;
        let (start, longest) = (literals.start(), literals.longest());
        Self {
            detector,
            required,
            position: start,
            open: [0; Reader::COUNT],
            state: State {
                base,
                normaliser: Normaliser::default(),
                window: Window::default(),
                skeleton: Skeleton::new(longest),
                hits: Hits::default(),
                islands,
                decided: [0; Reader::COUNT],
                settled: 0,
            },
        }
    }

    /// The state as bytes, to go on later or elsewhere. It holds some of the text: the last 2.5 KB or
    /// so, and an unfinished base64 island of up to 64 KiB.
    ///
    /// # Errors
    /// When the state cannot be written, which memory alone could cause.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        saved::save(FORMAT, self.detector.rules.hash, &self.state)
    }

    /// Goes on from a saved state. What comes next is found as if there had been no pause.
    ///
    /// # Errors
    /// When the bytes are no saved state, are damaged, or were saved under other rules or by another
    /// version of this crate's format: scan again from the beginning then.
    pub fn restore(detector: D, required: Arc<Required>, bytes: &[u8]) -> Result<Self, StateError> {
        let state: State = saved::restore(FORMAT, detector.rules.hash, bytes)?;
        let literals = &detector.rules.literals;
        let mut position = literals.start();
        for symbol in state.skeleton.closed() {
            literals.advance(&mut position, symbol);
        }
        Ok(Self {
            detector,
            required,
            position,
            open: [u32::MAX; Reader::COUNT],
            state,
        })
    }

    /// Takes the next piece of the text and appends what is certain now.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<Match>) {
        self.take(piece, false, out);
        self.advance(false, out);
        self.settle();
    }

    /// The text ends: appends what is left.
    pub fn finish(self, out: &mut Vec<Match>) {
        self.finish_with(&[], out);
    }

    /// The same with the last piece. Of a text in one piece nothing is ever open.
    fn finish_with(mut self, piece: &[u8], out: &mut Vec<Match>) {
        self.take(piece, true, out);
        self.advance(true, out);
    }

    /// The place in the judged text up to which it is clear: whatever follows, findings of what is
    /// required that begin before it have been handed over. Never decreases, never inside a character.
    #[must_use]
    pub fn settled(&self) -> i64 {
        let settled = i64::try_from(self.state.settled).unwrap_or(i64::MAX);
        self.state.base.saturating_add(settled)
    }

    fn take(&mut self, piece: &[u8], last: bool, out: &mut Vec<Match>) {
        let State {
            base,
            normaliser,
            window,
            skeleton,
            hits,
            islands,
            ..
        } = &mut self.state;
        let position = &mut self.position;
        let (detector, base) = (&*self.detector, *base);
        let mut hidden = Vec::new();
        window.reserve(piece.len());
        let rules = &detector.rules;
        let from = out.len();
        let mut found = |(rule, role, span): (u32, _, Range<usize>)| {
            let hit = Hit {
                rule,
                role,
                pattern: false,
                span,
            };
            hits.take(&rules.worth, hit, &mut |hit| {
                matched::push(out, from, detector.finding(&hit, base));
            });
        };
        let mut on_event = |skeleton: &Skeleton, event| {
            rules.literals.step(position, skeleton, event, &mut found);
        };
        let mut on_unit = |unit: Unit| {
            window.push(unit);
            skeleton.push(unit, &mut on_event);
            if let Some(islands) = islands {
                hidden.extend(islands.push(unit, window));
            }
        };
        if last {
            normaliser.take_last(piece, &mut on_unit);
            skeleton.finish(&mut on_event);
            if let Some(islands) = islands {
                hidden.extend(islands.end());
            }
        } else {
            normaliser.push(piece, &mut on_unit);
        }
        for island in &hidden {
            scan_island(detector, base, island, out);
        }
        let unseen = normaliser.hidden.take();
        out.extend(unseen.filter_map(|run| injection::invisible(&run, base)));
    }

    /// Lets each reader decide what it can.
    fn advance(&mut self, end: bool, out: &mut Vec<Match>) {
        let held = self.state.normaliser.held();
        let mut window = std::mem::take(&mut self.state.window);
        match held {
            Some(held) => window.with(held, |window| self.read(window, Some(held), end, out)),
            None => self.read(&window, None, end, out),
        }
        let needed = Reader::ALL
            .into_iter()
            .map(|reader| self.decided(reader).saturating_sub(reader.reach().0));
        let unneeded = word::boundary_before(window.text(), needed.min().unwrap_or(0));
        window.drop_front(unneeded);
        for reader in Reader::ALL {
            self.decide(reader, self.decided(reader) - unneeded);
        }
        self.state.window = window;

        let conditions = if end {
            usize::MAX
        } else if self.state.hits.wait() {
            self.clear_of_reader(Reader::Spelt)
                .min(self.literals_open_from(|_, role| role != Role::Finding))
        } else {
            0
        };
        let (detector, base) = (&*self.detector, self.state.base);
        self.state.hits.settle(
            &detector.rules.worth,
            self.state.normaliser.taken(),
            conditions,
            &mut |hit| out.push(detector.finding(&hit, base)),
        );
    }

    fn decided(&self, reader: Reader) -> usize {
        self.state.decided[reader as usize] as usize
    }

    fn decide(&mut self, reader: Reader, until: usize) {
        // A window is a piece of text and the readers' reach before it.
        self.state.decided[reader as usize] = u32::try_from(until).unwrap_or(u32::MAX);
    }

    /// Runs the readers over a window that ends with the character `held`, which is not certain: what begins
    /// at it is not decided.
    fn read(&mut self, window: &Window, held: Option<Unit>, end: bool, out: &mut Vec<Match>) {
        let text = window.text();
        let fixed = text.len() - held.map_or(0, |held| held.c.len_utf8());
        let changes = held.map_or(&[][..], |held| may_become(held.c));
        let mut digits = Digits::default();
        for reader in Reader::ALL {
            let from = self.decided(reader);
            let undecided = if end {
                text.len()
            } else if reader.is_lazy() && !self.required.readers[reader as usize] {
                let reached = fixed.saturating_sub(reader.reach().1);
                let far = reached >= from + STRIDE;
                from.max(if far {
                    word::boundary_before(text, reached)
                } else {
                    0
                })
            } else {
                self.open_from(reader, text, from, fixed, changes)
            };
            let held_from = if self.shows_beginnings(reader) {
                self.held_from(reader, text, undecided)
            } else {
                undecided
            };
            let open = if held_from == text.len() {
                0
            } else {
                let clear = window.original(&(held_from..held_from)).start;
                self.state.normaliser.decoded() - clear
            };
            self.open[reader as usize] = u32::try_from(open).unwrap_or(u32::MAX);
            let until = undecided.min(fixed);
            if until == from && !end {
                continue;
            }
            if !reader.needs_digit() || digits.any(text, from) {
                self.read_range(reader, window, from..until, end, out);
            }
            self.decide(reader, until);
        }
    }

    /// Hands over the findings of a reader that begin in a range of the window.
    fn read_range(
        &mut self,
        reader: Reader,
        window: &Window,
        range: Range<usize>,
        end: bool,
        out: &mut Vec<Match>,
    ) {
        let place = |at: usize| window.original(&(at..at)).start;
        let low = place(range.start);
        let high = if end { usize::MAX } else { place(range.end) };
        let behind = range.start.saturating_sub(reader.reach().0);
        let (detector, base, hits) = (&*self.detector, self.state.base, &mut self.state.hits);
        let behind = word::boundary_before(window.text(), behind);
        let view = View::part(window, behind..window.text().len(), base);
        let from = out.len();
        let mut certain = Vec::new();
        detector.read(reader, &view, out, &mut |hit| {
            if (low..high).contains(&hit.span.start) {
                hits.take(&detector.rules.worth, hit, &mut |hit| {
                    certain.push(detector.finding(&hit, base));
                });
            }
        });
        // Nothing else begins outside the range's bounds, so that only its edges are cut here.
        let starts = |place: usize| base.saturating_add(i64::try_from(place).unwrap_or(i64::MAX));
        let mut kept = from;
        for at in from..out.len() {
            if (starts(low)..starts(high)).contains(&out[at].span.start) {
                out.swap(kept, at);
                kept += 1;
            }
        }
        out.truncate(kept);
        if self.shows_beginnings(reader) {
            open::leave_beginnings_out(reader, &mut out[from..], window, base);
        }
        out.append(&mut certain);
    }
}

impl Detector {
    /// What a stream that waits for what is `required` finds in all of `text`: as [`Detector::scan`], but that
    /// numbers and keys begin behind what is shown of them ([`Scanner::requiring`]).
    pub fn scan_requiring(
        &self,
        required: &Arc<Required>,
        text: &[u8],
        base: i64,
        out: &mut Vec<Match>,
    ) {
        let from = out.len();
        Scanner::requiring(self, Arc::clone(required), base).finish_with(text, out);
        matched::settle(out, from);
    }

    /// Appends what is found in `text` to `out`, sorted by start, then end, detector, rule.
    ///
    /// `text` may be any bytes. `base` is the position of its first byte in the judged text and
    /// is added to every span. Matches of one rule do not overlap; matches of different rules may.
    /// What was in `out` before stays as it is.
    pub fn scan(&self, text: &[u8], base: i64, out: &mut Vec<Match>) {
        let from = out.len();
        Scanner::new(self, base).finish_with(text, out);
        matched::settle(out, from);
    }
}

/// Appends what is found in an island, by the groups that hold it.
fn scan_island(detector: &Detector, base: i64, island: &Opened, out: &mut Vec<Match>) {
    let mut found = Vec::new();
    Scanner::inside(detector).finish_with(&island.text, &mut found);
    out.extend(found.into_iter().filter_map(|mut found| {
        found.span = view::span(&island.place(&found.span)?, base);
        Some(found)
    }));
}
