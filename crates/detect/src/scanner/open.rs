//! How far a text is clear while more of it is to come.
//!
//! # The character that is held
//!
//! The last character of a piece is known only when the next one is: `e` becomes `é` if U+0301 follows.
//! The normaliser holds it back, but text cannot wait for what may never come. So readers see it as it
//! is (`Window::with`), nothing that begins at it is decided, and whatever is decided must be so
//! whether it stays or becomes another (`Scanner::open_from`): the places are worked out for both, and
//! the findings before them must be the same. `0301234567e` is no number, `0301234567é` is one.

use std::ops::{Deref, Range};

use super::{Scanner, State};
use crate::detector::{Detector, Required};
use crate::matched::Match;
use crate::normal::{Unit, Window, may_become};
use crate::pii::next_digit;
use crate::reader::Reader;
use crate::rules::Role;
use crate::secrets::api_key;
use crate::view::{self, View};
use crate::word;

impl<D: Deref<Target = Detector>> Scanner<D> {
    /// From where on what a reader finds is open, whatever follows, and whatever that makes of the last
    /// character, which begins at `fixed`: one of `changes`, perhaps. The text's length if nothing is.
    pub(super) fn open_from(
        &self,
        reader: Reader,
        text: &[u8],
        from: usize,
        fixed: usize,
        changes: &[char],
    ) -> usize {
        let mut first = self.detector.open_from(reader, text, from);
        let changes = if self.detector.tells_changes_apart(reader) {
            changes
        } else {
            &changes[..changes.len().min(1)]
        };
        let mut changed = Vec::new();
        for c in changes {
            changed.clear();
            changed.extend_from_slice(&text[..fixed]);
            changed.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            let open = self.detector.open_from(reader, &changed, from);
            if open < changed.len() {
                first = first.min(open);
            }
        }
        if changed.is_empty() {
            return first;
        }
        first.min(self.first_difference(reader, text, &changed, from..fixed))
    }

    /// Where the first finding begins that a reader makes in one of two texts only and in that
    /// range; the length of `text` if there is none.
    fn first_difference(
        &self,
        reader: Reader,
        text: &[u8],
        changed: &[u8],
        range: Range<usize>,
    ) -> usize {
        let none = text.len();
        if !reader.tells_ascii() || reader.needs_digit() && next_digit(text, range.start).is_none()
        {
            return none;
        }
        let behind = range.start.saturating_sub(reader.reach().0);
        let behind = word::boundary_before(text, behind);
        let findings = |text: &[u8]| {
            let mut found = Vec::new();
            self.detector
                .read(reader, &View::of(&text[behind..]), &mut found, &mut |_| {});
            found
        };
        let (one, other) = (findings(text), findings(changed));
        let apart = |these: &[Match], those: &[Match]| {
            let starts = these.iter().filter(|found| !those.contains(found));
            starts
                .filter_map(|found| usize::try_from(found.span.start).ok())
                .map(|start| behind + start)
                .filter(|start| range.contains(start))
                .min()
        };
        let first = [apart(&one, &other), apart(&other, &one)];
        first.into_iter().flatten().min().unwrap_or(none)
    }

    /// Whether what findings of a reader begin with is not waited for. Accents in literals with signs would take
    /// a look at all that the last letter may become, and are rare.
    pub(super) fn shows_beginnings(&self, reader: Reader) -> bool {
        reader.has_public_beginnings()
            && self.required.readers[reader as usize]
            && !(reader == Reader::Spelt && self.detector.tells_changes_apart(reader))
    }

    /// From where on is held what may begin at `open`.
    pub(super) fn held_from(&self, reader: Reader, text: &[u8], open: usize) -> usize {
        if reader == Reader::Spelt {
            let exact = &self.detector.rules.exact;
            let literal = exact.literals_open_from(text, open);
            literal.min(self.detector.builtin.keys.held_from(exact, text, open))
        } else {
            behind_letters(text, open)
        }
    }

    /// Moves [`Scanner::settled`] on.
    pub(super) fn settle(&mut self) {
        let settled = self.clear_of(&self.required);
        self.state.settled = self.state.settled.max(settled);
    }

    /// Original bytes before which nothing that is `required` can begin any more. Of readers only those that
    /// the scan was told to wait for know better than what lies their reach back.
    pub(crate) fn clear_of(&self, required: &Required) -> usize {
        let rule = |rule: u32| required.rules.get(rule as usize).copied().unwrap_or(false);
        let mut clear = self.state.normaliser.decoded();
        for reader in Reader::ALL {
            if required.readers[reader as usize] {
                clear = clear.min(self.clear_of_reader(reader));
            }
        }
        if required.rules.contains(&true) {
            clear = clear
                .min(self.literals_open_from(|of, role| role == Role::Finding && rule(of)))
                .min(self.state.hits.open_from(rule).unwrap_or(usize::MAX));
        }
        if required.readers[Reader::Injection as usize] {
            let run = self.state.normaliser.hidden.open_from();
            clear = clear.min(run.unwrap_or(usize::MAX));
        }
        if let Some(islands) = &self.state.islands {
            let open = islands.open_from(&self.state.window, self.state.normaliser.held());
            clear = clear.min(open.unwrap_or(usize::MAX));
        }
        clear
    }

    /// Original bytes before which nothing that a reader finds can begin any more.
    pub(super) fn clear_of_reader(&self, reader: Reader) -> usize {
        let decoded = self.state.normaliser.decoded();
        decoded.saturating_sub(self.open[reader as usize] as usize)
    }

    /// Where the first literal begins that is not finished, in original bytes; `usize::MAX` if none is.
    pub(super) fn literals_open_from(&self, counts: impl Fn(u32, Role) -> bool + Copy) -> usize {
        let literals = &self.detector.rules.literals;
        let State {
            normaliser,
            skeleton,
            ..
        } = &self.state;
        let Some(held) = normaliser.held() else {
            let open = literals.open_from(&self.position, skeleton, counts);
            return open.unwrap_or(usize::MAX);
        };
        // Skeletons drop accents, so that only syllables become others by what joins them.
        let syllables: &[char] = match held.c {
            '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' => may_become(held.c),
            _ => &[],
        };
        let mut first = usize::MAX;
        for c in syllables.iter().copied().chain([held.c]) {
            let mut position = self.position;
            let mut with_last = skeleton.recent(literals.depth(&position) + 2);
            let mut found = |(rule, role, span): (u32, Role, Range<usize>)| {
                if counts(rule, role) {
                    first = first.min(span.start);
                }
            };
            with_last.push(Unit { c, ..held }, &mut |skeleton, event| {
                literals.step(&mut position, skeleton, event, &mut found);
            });
            let open = literals.open_from(&position, &with_last, counts);
            first = first.min(open.unwrap_or(usize::MAX));
        }
        first
    }
}

/// Letters at the beginning of a number that are shown: as many as those of an Italian tax code. Capitals that
/// go on behind them are a name on the way into a machine-readable zone.
const LETTERS_SHOWN: usize = 6;

/// The place behind the letters at `from` that are shown.
fn behind_letters(text: &[u8], from: usize) -> usize {
    let letters = text[from..].iter().take(LETTERS_SHOWN);
    from + letters
        .take_while(|byte| byte.is_ascii_alphabetic())
        .count()
}

/// Lets a reader's findings begin behind what is shown of them.
pub(super) fn leave_beginnings_out(
    reader: Reader,
    found: &mut [Match],
    window: &Window,
    base: i64,
) {
    let text = window.text();
    let place = |at: usize| view::span(&window.original(&(at..at)), base).start;
    for Match { span, .. } in found {
        let (mut start, mut end) = (0, text.len());
        while start < end {
            let middle = start.midpoint(end);
            if place(middle) < span.start {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        let shown_to = if reader == Reader::Spelt {
            api_key::behind_prefix(text, start)
        } else {
            behind_letters(text, start)
        };
        span.start = place(shown_to).clamp(span.start, span.end - 1);
    }
}
