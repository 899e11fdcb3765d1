//! The skeleton of a text: its letters alone, look-alikes as one, repeats as one.
//!
//! Rules are searched for in skeletons, because there `k i l l`, `K1LL`, `k.i.l.l`, `kіll` with a
//! Cyrillic letter and `kiiill` are one. That says too much (`kil`, `ask, I'll`), so a hit is only a
//! candidate, and `align.rs` decides by the letters and gaps, which a [`Skeleton`] keeps as
//! [`Item`]s for as long as a literal can reach back.
//!
//! Skeletons are built a character at a time and need [`LOOK_AHEAD`] more characters to tell a sign
//! that is a letter (`k!ll`) from one that parts letters (`k!i!l!l`).

mod align;
mod disguise;
mod fold;
mod literal;
mod packed;

use std::collections::VecDeque;

use crate::normal::Unit;
use fold::{Class, Folded};
use packed::Packed;
use serde::{Deserialize, Serialize};

pub(crate) use align::{begins, matches};
pub(crate) use disguise::disguises;
pub(crate) use literal::Shape;

/// Characters after a sign that decide what it is.
const LOOK_AHEAD: usize = 2;
/// A gap of more characters than this is never inside a rule.
const LONGEST_GAP: u8 = 16;
/// Most items of one cell; a longer one is cut in two.
const CELL_ITEMS: usize = 32;

/// Items and cells that are made room for at once: those of a short prompt.
const FEW: usize = 160;
/// Fewest cells that are dropped together.
const SPARE: usize = 16;

/// What stands between a letter and the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Gap {
    /// Nothing.
    None,
    /// An apostrophe, which parts `he'll` but no two words.
    Apostrophe,
    /// Punctuation.
    Punctuation,
    /// White space, with or without punctuation.
    Space,
    /// So much that no rule goes on.
    Break,
}

/// A letter, or the same letter several times with nothing between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) letter: char,
    pub(crate) symbol: char,
    /// A digit or sign, which may be drawn for a letter; or a sign only.
    pub(crate) sign: bool,
    pub(crate) upper: bool,
    /// How often, at most 255.
    pub(crate) count: u8,
    /// What stands before it.
    pub(crate) before: Gap,
    /// A colon is part of that.
    pub(crate) colon: bool,
    /// Original bytes.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// What became of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    /// The last cell is complete.
    Closed(char),
    /// Nothing before can belong with anything after.
    Broken,
}

/// The skeleton of a text, as far back as rules reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Skeleton {
    items: Vec<Packed>,
    /// The original byte from which on items count theirs.
    origin: usize,
    /// How many cells the items make: of one symbol, one after the other, with or without gaps. The first
    /// item of each says so.
    cells: usize,
    /// The place of the last cell's first item, and its symbol.
    last_cell: Option<(usize, char)>,
    /// How many complete cells are kept.
    keep: usize,
    gap: Gap,
    gap_length: u8,
    /// A colon stands in the gap.
    colon: bool,
    /// Characters that wait for what follows them; the first is a sign.
    waiting: VecDeque<Unit>,
}

impl Skeleton {
    /// A skeleton that keeps the last `keep` cells.
    pub(crate) fn new(keep: usize) -> Self {
        let room = most_cells(keep).min(FEW);
        Self {
            items: Vec::with_capacity(room),
            origin: 0,
            cells: 0,
            last_cell: None,
            keep,
            gap: Gap::Break,
            gap_length: 0,
            colon: false,
            waiting: VecDeque::new(),
        }
    }

    /// The letters since the text last broke off, as far as they are kept.
    pub(crate) fn items(&self) -> impl Iterator<Item = Item> {
        self.items.iter().map(|packed| packed.item(self.origin))
    }

    /// The place of the first item of each cell and its symbol, from the last cell on backwards.
    fn cells_backwards(&self) -> impl Iterator<Item = (usize, char)> {
        let items = self.items.iter().enumerate().rev();
        items
            .filter(|(_, item)| item.begins_cell())
            .map(|(place, item)| (place, item.symbol()))
    }

    /// Where the last `cells` cells begin, if there are so many.
    fn first_of(&self, cells: usize) -> Option<usize> {
        match cells.checked_sub(1) {
            Some(before) => self.cells_backwards().nth(before).map(|(place, _)| place),
            None => Some(self.items.len()),
        }
    }

    /// Takes a character. `sink` sees the skeleton as it was when the event came about.
    pub(crate) fn push(&mut self, unit: Unit, sink: &mut impl FnMut(&Self, Event)) {
        if self.waiting.is_empty() {
            match fold::class(unit.c) {
                Class::Word(folded) => self.letter(unit, folded, false, sink),
                Class::Sign(_) => self.waiting.push_back(unit),
                Class::Space => self.part(Gap::Space, sink),
                Class::Apostrophe => self.part(Gap::Apostrophe, sink),
                Class::Punctuation => {
                    self.colon |= unit.c == ':';
                    self.part(Gap::Punctuation, sink);
                }
                Class::Mark => {
                    // It belongs to the letter, if only to be masked with it.
                    if let (Gap::None, Some(last)) = (self.gap, self.items.last_mut()) {
                        last.extend(unit.end, self.origin);
                    }
                }
            }
            return;
        }
        self.waiting.push_back(unit);
        if self.waiting.len() > LOOK_AHEAD {
            self.settle(sink);
        }
    }

    /// The text ends: what waits is decided, the last cell is complete.
    pub(crate) fn finish(&mut self, sink: &mut impl FnMut(&Self, Event)) {
        while !self.waiting.is_empty() {
            self.settle(sink);
        }
        self.break_off(sink);
    }

    /// Decides on the sign that waits, and on what follows until the next sign.
    fn settle(&mut self, sink: &mut impl FnMut(&Self, Event)) {
        if let Some(unit) = self.waiting.pop_front()
            && let Class::Sign(folded) = fold::class(unit.c)
        {
            let next = self.waiting.front().map(|unit| unit.c);
            let after = self.waiting.get(1).map(|unit| unit.c);
            if self.is_letter(unit.c, next, after) {
                self.letter(unit, folded, true, sink);
            } else {
                self.part(Gap::Punctuation, sink);
            }
        }
        while let Some(unit) = self.waiting.pop_front() {
            if matches!(fold::class(unit.c), Class::Sign(_)) {
                self.waiting.push_front(unit);
                // It may have all that it needs already.
                if self.waiting.len() > LOOK_AHEAD {
                    self.settle(sink);
                }
                return;
            }
            let waiting = std::mem::take(&mut self.waiting);
            self.push(unit, sink);
            self.waiting = waiting;
        }
    }

    /// Whether a sign is drawn for a letter: it touches one, and is no divider (`a!b!c`).
    fn is_letter(&self, sign: char, next: Option<char>, after: Option<char>) -> bool {
        let word = |c: char| matches!(fold::class(c), Class::Word(_));
        let follows = self.gap == Gap::None && !self.items.is_empty();
        let leads = next.is_some_and(word);
        let divides = after == Some(sign) && leads;
        match sign {
            '!' | '|' | '+' | '¡' => follows && leads && !divides,
            _ => (follows || leads || next == Some(sign)) && !divides,
        }
    }

    fn part(&mut self, gap: Gap, sink: &mut impl FnMut(&Self, Event)) {
        self.gap = self.gap.max(gap);
        self.gap_length = self.gap_length.saturating_add(1);
        if self.gap_length == LONGEST_GAP + 1 {
            self.break_off(sink);
        }
    }

    fn break_off(&mut self, sink: &mut impl FnMut(&Self, Event)) {
        self.gap = Gap::Break;
        if let Some((_, symbol)) = self.last_cell {
            sink(self, Event::Closed(symbol));
        }
        sink(self, Event::Broken);
        self.items.clear();
        self.cells = 0;
        self.last_cell = None;
    }

    fn letter(
        &mut self,
        unit: Unit,
        folded: Folded,
        sign: bool,
        sink: &mut impl FnMut(&Self, Event),
    ) {
        let before = std::mem::replace(&mut self.gap, Gap::None);
        let colon = std::mem::take(&mut self.colon);
        self.gap_length = 0;
        let upper = unit.c.is_uppercase();
        let sign = sign || folded.letter.is_ascii_digit();
        let count = if folded.double { 2 } else { 1 };
        if before == Gap::None
            && let Some(last) = self.items.last_mut()
            // `il` may be written `iI`.
            && last.is(folded.letter, upper)
        {
            last.repeat(count, unit.end, self.origin);
            return;
        }
        let last_cell = self.last_cell;
        let place = self.items.len();
        if place == 0 {
            self.origin = unit.start;
        }
        let item = Item {
            letter: folded.letter,
            symbol: folded.symbol,
            sign,
            upper,
            count,
            before,
            colon,
            start: unit.start,
            end: unit.end,
        };
        // Whoever asks what follows the last cell sees the item that closed it.
        push_tightly(&mut self.items, Packed::new(&item, self.origin));
        let goes_on = last_cell
            .is_some_and(|(first, symbol)| symbol == folded.symbol && place - first < CELL_ITEMS);
        if goes_on {
            return;
        }
        if let Some((_, symbol)) = last_cell {
            sink(self, Event::Closed(symbol));
        }
        if let Some(first) = self.items.last_mut() {
            first.begin_cell();
        }
        self.cells += 1;
        self.last_cell = Some((place, folded.symbol));
        if self.cells >= most_cells(self.keep) {
            self.forget();
        }
    }

    /// Drops what no rule reaches back to, now and then; one cell more stays, for the letter before
    /// a rule.
    fn forget(&mut self) {
        let needed = self.keep + 2;
        if let Some(unneeded) = self.first_of(needed) {
            self.items.drain(..unneeded);
            self.cells = needed;
            let moved = |(first, symbol)| (first - unneeded, symbol);
            self.last_cell = self.last_cell.map(moved);
        }
        packed::rebase(&mut self.items, &mut self.origin);
    }

    /// The symbols of the complete cells that are kept.
    pub(crate) fn closed(&self) -> impl Iterator<Item = char> {
        let complete = self.cells.saturating_sub(1);
        let first = self.items.iter().filter(|item| item.begins_cell());
        first.take(complete).map(Packed::symbol)
    }

    /// The items of the last `cells` cells when the last one has just been closed, the item before
    /// them and the one after.
    pub(crate) fn tail(&self, cells: usize) -> Option<Tail<'_>> {
        let first = self.first_of(cells)?;
        // On `Closed` the item that closed the cell is there already, unless the text broke off.
        let closed_by_item = self.gap == Gap::None;
        let end = self.items.len() - usize::from(closed_by_item);
        Some(Tail {
            skeleton: self,
            first,
            end,
            open: false,
        })
    }

    /// The items of the last `cells` cells, the unfinished one among them.
    pub(crate) fn open_tail(&self, cells: usize) -> Option<Tail<'_>> {
        Some(Tail {
            skeleton: self,
            first: self.first_of(cells)?,
            end: self.items.len(),
            open: true,
        })
    }

    /// The symbols of the last `cells` cells, the unfinished one among them; nothing if the text has
    /// broken off since.
    pub(crate) fn open_symbols(&self, cells: usize) -> impl Iterator<Item = char> {
        let cells = match self.gap {
            Gap::Break => 0,
            _ => cells.min(self.cells),
        };
        let from = self.first_of(cells).unwrap_or(self.items.len());
        let first = self.items[from..].iter().filter(|item| item.begins_cell());
        first.map(Packed::symbol)
    }

    /// Where the sign begins that waits to be told a letter from a divider, in original bytes.
    pub(crate) fn waits_from(&self) -> Option<usize> {
        self.waiting.front().map(|sign| sign.start)
    }

    /// A copy of the last `cells` cells, to try out what a character would do.
    pub(crate) fn recent(&self, cells: usize) -> Self {
        let first = self
            .first_of(cells.min(self.cells))
            .unwrap_or(self.items.len());
        // The item before the first cell tells whether that begins a word.
        let items = self.items[first.saturating_sub(1)..].to_vec();
        let dropped = self.items.len() - items.len();
        let last_cell = self
            .last_cell
            .and_then(|(place, symbol)| Some((place.checked_sub(dropped)?, symbol)));
        Self {
            cells: items.iter().filter(|item| item.begins_cell()).count(),
            last_cell,
            items,
            origin: self.origin,
            keep: self.keep,
            gap: self.gap,
            gap_length: self.gap_length,
            colon: self.colon,
            waiting: self.waiting.clone(),
        }
    }
}

/// Cells that pile up before those that nobody needs are dropped: a stream keeps so many for as long as it is
/// open, and each dropping moves those that stay.
fn most_cells(keep: usize) -> usize {
    let needed = keep + 2;
    needed + (needed / 4).max(SPARE)
}

/// Pushes without making room for as much again: a stream keeps that for as long as it is open.
fn push_tightly<T>(list: &mut Vec<T>, value: T) {
    if list.len() == list.capacity() {
        list.reserve_exact(SPARE);
    }
    list.push(value);
}

/// A candidate's items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tail<'a> {
    skeleton: &'a Skeleton,
    first: usize,
    end: usize,
    open: bool,
}

impl Tail<'_> {
    pub(crate) fn len(&self) -> usize {
        self.end - self.first
    }

    /// Whether what follows is not known yet.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// What has come since the last item of the skeleton.
    pub(crate) fn gap(&self) -> Gap {
        self.skeleton.gap
    }

    /// The item at a place; also just before the first and just after the last.
    pub(crate) fn get(&self, place: usize) -> Option<Item> {
        self.at(self.first + place)
    }

    fn at(&self, place: usize) -> Option<Item> {
        let packed = self.skeleton.items.get(place);
        packed.map(|packed| packed.item(self.skeleton.origin))
    }

    /// Whether a colon stands between the item at a place and the next one, or what follows so far.
    pub(crate) fn colon_after(&self, place: usize) -> bool {
        self.get(place + 1)
            .map_or(self.skeleton.colon, |next| next.colon)
    }

    pub(crate) fn before(&self, place: usize) -> Option<Item> {
        self.at((self.first + place).checked_sub(1)?)
    }
}
