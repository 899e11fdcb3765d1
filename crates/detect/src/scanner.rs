//! Scans a text that comes in pieces.

use std::ops::Range;

use crate::detector::Detector;
use crate::injection;
use crate::island::Islands;
use crate::matched::{self, Match};
use crate::normal::{Normaliser, Unit, Window};
use crate::pii;
use crate::rules::{Hit, Hits, Position};
use crate::secrets;
use crate::skeleton::Skeleton;
use crate::view::View;
use crate::word;

/// How far before its first byte a finding in the clean text may depend on the text, in clean bytes.
const BEHIND: usize = 512;
/// How far after its first byte: the longest API keys have a little over 1,000 bytes.
const AHEAD: usize = 2048;

const _: () = {
    let reaches = [
        (injection::BEHIND, injection::AHEAD),
        (pii::iban::BEHIND, pii::iban::AHEAD),
        (pii::national_id::BEHIND, pii::national_id::AHEAD),
        (pii::passport::BEHIND, pii::passport::AHEAD),
        (pii::phone::BEHIND, pii::phone::AHEAD),
        (pii::ip::BEHIND, pii::ip::AHEAD),
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
/// runs over a window of it whenever [`AHEAD`] bytes after a place are known: work for a piece is
/// proportional to the piece and that window. Memory is bounded by the rules and the window, whatever
/// the text's length.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    detector: &'a Detector,
    base: i64,
    normaliser: Normaliser,
    window: Window,
    skeleton: Skeleton,
    position: Position,
    hits: Hits,
    /// `None`: this is the inside of one.
    islands: Option<Islands<'a>>,
    /// Clean bytes from the beginning of the text before which findings have been handed over.
    decided: usize,
}

impl<'a> Scanner<'a> {
    /// A scan of a text whose first byte is byte `base` of the judged text.
    #[must_use]
    pub fn new(detector: &'a Detector, base: i64) -> Self {
        Self {
            islands: Some(Islands::default()),
            ..Self::inner(detector, base)
        }
    }

    /// A scan of what an island holds.
    fn inner(detector: &'a Detector, base: i64) -> Self {
        let literals = &detector.rules.literals;
        Self {
            detector,
            base,
            normaliser: Normaliser::default(),
            window: Window::default(),
            skeleton: Skeleton::new(literals.longest()),
            position: literals.start(),
            hits: Hits::default(),
            islands: None,
            decided: 0,
        }
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
        let Self {
            detector,
            base,
            normaliser,
            window,
            skeleton,
            position,
            hits,
            islands,
            ..
        } = self;
        let (detector, base) = (*detector, *base);
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
                islands.push(
                    unit,
                    window,
                    base,
                    || Scanner::inner(detector, 0),
                    &mut hidden,
                );
            }
        };
        if last {
            normaliser.finish(&mut on_unit);
            skeleton.finish(&mut on_event);
            if let Some(islands) = islands {
                islands.end(base, &mut hidden);
            }
        } else {
            normaliser.push(piece, &mut on_unit);
        }
        out.append(&mut hidden);
        let unseen = normaliser.hidden.take();
        out.extend(unseen.filter_map(|run| injection::invisible(&run, base)));
    }

    /// Decides what begins far enough before the end of what is known.
    fn advance(&mut self, end: bool, out: &mut Vec<Match>) {
        let text = self.window.text();
        let known = self.window.dropped() + text.len();
        let until = if end {
            known
        } else {
            let at = text.len().saturating_sub(AHEAD);
            self.window.dropped() + word::boundary_before(text, at)
        };
        if until > self.decided || end {
            self.scan_window(until, end, out);
            self.decided = until;
            let unneeded = until
                .saturating_sub(self.window.dropped())
                .saturating_sub(BEHIND);
            let unneeded = word::boundary_before(self.window.text(), unneeded);
            self.window.drop_front(unneeded);
        }
        let (detector, base) = (self.detector, self.base);
        self.hits.settle(
            &detector.rules.worth,
            self.normaliser.taken(),
            end,
            &mut |hit| out.push(detector.finding(&hit, base)),
        );
    }

    /// Hands over the findings of the window that begin before `until`, and not before what has
    /// been decided already.
    fn scan_window(&mut self, until: usize, end: bool, out: &mut Vec<Match>) {
        let place = |at: usize| {
            let at = at - self.window.dropped();
            self.window.original(&(at..at)).start
        };
        let low = place(self.decided);
        let high = if end { usize::MAX } else { place(until) };
        let view = View::of(&self.window, self.base);
        let from = out.len();
        let (detector, base, hits) = (self.detector, self.base, &mut self.hits);
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
