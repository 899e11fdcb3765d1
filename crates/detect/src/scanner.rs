//! Scans a text that comes in pieces.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::detector::Detector;
use crate::injection;
use crate::island::{Islands, Opened};
use crate::matched::{self, Match};
use crate::normal::{Normaliser, Unit, Window};
use crate::pii;
use crate::rules::{Hit, Hits, Position};
use crate::saved::{self, StateError};
use crate::secrets;
use crate::skeleton::Skeleton;
use crate::view::{self, View};
use crate::word;

/// How far before its first byte a finding in the clean text may depend on the text, in clean bytes.
const BEHIND: usize = 512;
/// How far after its first byte: the longest API keys and private keys.
const AHEAD: usize = 2048;

const _: () = {
    let reaches = [
        (injection::BEHIND, injection::AHEAD),
        (pii::card::BEHIND, pii::card::AHEAD),
        (pii::email::BEHIND, pii::email::AHEAD),
        (pii::iban::BEHIND, pii::iban::AHEAD),
        (pii::national_id::BEHIND, pii::national_id::AHEAD),
        (pii::passport::BEHIND, pii::passport::AHEAD),
        (pii::phone::BEHIND, pii::phone::AHEAD),
        (pii::ip::BEHIND, pii::ip::AHEAD),
        (secrets::api_key::BEHIND, secrets::api_key::AHEAD),
        (secrets::private_key::BEHIND, secrets::private_key::AHEAD),
        (secrets::jwt::BEHIND, secrets::jwt::AHEAD),
        (secrets::entropy::BEHIND, secrets::entropy::AHEAD),
    ];
    let mut at = 0;
    while at < reaches.len() {
        assert!(BEHIND >= reaches[at].0 && AHEAD >= reaches[at].1);
        at += 1;
    }
};

/// A scan that is under way. The pieces may be cut anywhere, also inside a character: what is found
/// is what [`Detector::scan`] finds in the whole text, but not merged and not sorted:
/// [`crate::settle`] does that.
///
/// Literals are found as they are completed, by state that is carried. What reads the clean text
/// runs over a window of it whenever 2,048 bytes after a place are known: work for a piece is
/// proportional to the piece and that window. Memory is bounded by the rules and the window, whatever
/// the text's length.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    detector: &'a Detector,
    /// Where the automaton of literals is; follows from the skeleton.
    position: Position,
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
    /// Clean bytes from the beginning of the text before which findings have been handed over.
    decided: usize,
}

impl<'a> Scanner<'a> {
    /// A scan of a text whose first byte is byte `base` of the judged text.
    #[must_use]
    pub fn new(detector: &'a Detector, base: i64) -> Self {
        Self::with(detector, base, Some(Islands::default()))
    }

    /// A scan of what an island holds.
    pub(crate) fn inside(detector: &'a Detector) -> Self {
        Self::with(detector, 0, None)
    }

    fn with(detector: &'a Detector, base: i64, islands: Option<Islands>) -> Self {
        let literals = &detector.rules.literals;
        Self {
            detector,
            position: literals.start(),
            state: State {
                base,
                normaliser: Normaliser::default(),
                window: Window::default(),
                skeleton: Skeleton::new(literals.longest()),
                hits: Hits::default(),
                islands,
                decided: 0,
            },
        }
    }

    /// The state as bytes, to go on later or elsewhere. It holds some of the text: the last 2.5 KB or
    /// so, and an unfinished base64 island of up to 64 KiB.
    ///
    /// # Errors
    /// When the state cannot be written, which memory alone could cause.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        saved::save(self.detector.rules.hash, &self.state)
    }

    /// Goes on from a saved state. What comes next is found as if there had been no pause.
    ///
    /// # Errors
    /// When the bytes are no saved state, are damaged, or were saved under other rules or by another
    /// version of this crate's format: scan again from the beginning then.
    pub fn restore(detector: &'a Detector, bytes: &[u8]) -> Result<Self, StateError> {
        let state: State = saved::restore(detector.rules.hash, bytes)?;
        let literals = &detector.rules.literals;
        let mut position = literals.start();
        for symbol in state.skeleton.closed() {
            literals.advance(&mut position, symbol);
        }
        Ok(Self {
            detector,
            position,
            state,
        })
    }

    /// Takes the next piece of the text and appends what is certain now.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<Match>) {
        self.take(piece, false, out);
        self.advance(false, out);
    }

    /// The text ends: appends what is left.
    pub fn finish(mut self, out: &mut Vec<Match>) {
        self.take(&[], true, out);
        self.advance(true, out);
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
        let (detector, base) = (self.detector, *base);
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
            normaliser.finish(&mut on_unit);
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

    /// Decides what begins far enough before the end of what is known.
    fn advance(&mut self, end: bool, out: &mut Vec<Match>) {
        let text = self.state.window.text();
        let known = self.state.window.dropped() + text.len();
        let until = if end {
            known
        } else {
            let at = text.len().saturating_sub(AHEAD);
            self.state.window.dropped() + word::boundary_before(text, at)
        };
        if until > self.state.decided || end {
            self.scan_window(until, end, out);
            self.state.decided = until;
            let unneeded = until
                .saturating_sub(self.state.window.dropped())
                .saturating_sub(BEHIND);
            let unneeded = word::boundary_before(self.state.window.text(), unneeded);
            self.state.window.drop_front(unneeded);
        }
        let (detector, base) = (self.detector, self.state.base);
        self.state.hits.settle(
            &detector.rules.worth,
            self.state.normaliser.taken(),
            end,
            &mut |hit| out.push(detector.finding(&hit, base)),
        );
    }

    /// Hands over the findings of the window that begin before `until`, and not before what has
    /// been decided already.
    fn scan_window(&mut self, until: usize, end: bool, out: &mut Vec<Match>) {
        let place = |at: usize| {
            let at = at - self.state.window.dropped();
            self.state.window.original(&(at..at)).start
        };
        let low = place(self.state.decided);
        let high = if end { usize::MAX } else { place(until) };
        let view = View::of(&self.state.window, self.state.base);
        let from = out.len();
        let (detector, base, hits) = (self.detector, self.state.base, &mut self.state.hits);
        let mut certain = Vec::new();
        detector.scan_clean(&view, out, &mut |hit| {
            if (low..high).contains(&hit.span.start) {
                hits.take(&detector.rules.worth, hit, &mut |hit| {
                    certain.push(detector.finding(&hit, base));
                });
            }
        });
        // Nothing else begins outside the window's bounds, so that only its edges are cut here.
        let starts = |place: usize| base.saturating_add(i64::try_from(place).unwrap_or(i64::MAX));
        let mut kept = from;
        for at in from..out.len() {
            if (starts(low)..starts(high)).contains(&out[at].span.start) {
                out.swap(kept, at);
                kept += 1;
            }
        }
        out.truncate(kept);
        out.append(&mut certain);
    }
}

impl Detector {
    /// Appends what is found in `text` to `out`, sorted by start, then end, detector, rule.
    ///
    /// `text` may be any bytes. `base` is the position of its first byte in the judged text and
    /// is added to every span. Matches of one rule do not overlap; matches of different rules may.
    /// What was in `out` before stays as it is.
    pub fn scan(&self, text: &[u8], base: i64, out: &mut Vec<Match>) {
        let from = out.len();
        let mut scanner = Scanner::new(self, base);
        scanner.push(text, out);
        scanner.finish(out);
        matched::settle(out, from);
    }
}

/// Appends what is found in an island, by the groups that hold it.
fn scan_island(detector: &Detector, base: i64, island: &Opened, out: &mut Vec<Match>) {
    let mut found = Vec::new();
    let mut scanner = Scanner::inside(detector);
    scanner.push(&island.text, &mut found);
    scanner.finish(&mut found);
    out.extend(found.into_iter().filter_map(|mut found| {
        found.span = view::span(&island.place(&found.span)?, base);
        Some(found)
    }));
}
