//! A text as a scan sees it, all of it at once.

use std::ops::Range;

use crate::normal::{self, Change, Normaliser, Unit, Window};
use crate::skeleton::{self, Event, Gap, Item, Shape, Skeleton};
use crate::work::spend;

/// Cells that a skeleton is to keep: all of them.
const ALL: usize = usize::MAX / 8;

/// The text, or what an island in it holds.
pub(super) struct Layer<'a> {
    pub(super) bytes: &'a [u8],
    /// The clean text.
    pub(super) text: String,
    /// From the bytes to the clean text.
    pub(super) changes: Vec<Change>,
    /// The clean text and the way back, as islands want it.
    pub(super) window: Window,
    /// Its characters, and where each begins in the clean text.
    units: Vec<(Unit, usize)>,
    /// Its letters, in bytes of the clean text.
    items: Vec<Item>,
}

impl<'a> Layer<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        let mut units: Vec<Unit> = Vec::new();
        let mut normaliser = Normaliser::default();
        normaliser.push(bytes, &mut |unit| units.push(unit));
        normaliser.finish(&mut |unit| units.push(unit));
        let mut layer = Self {
            bytes,
            text: String::with_capacity(bytes.len()),
            changes: normal::changes(bytes, &units),
            window: Window::default(),
            units: Vec::with_capacity(units.len()),
            items: Vec::new(),
        };
        let mut skeleton = Skeleton::new(ALL);
        let items = &mut layer.items;
        let mut keep = |skeleton: &Skeleton, event| {
            if event == Event::Broken {
                items.extend(skeleton.items());
            }
        };
        for unit in units {
            let at = layer.text.len();
            layer.text.push(unit.c);
            layer.window.push(unit);
            layer.units.push((unit, at));
            let in_clean = Unit {
                start: at,
                end: layer.text.len(),
                ..unit
            };
            skeleton.push(in_clean, &mut keep);
        }
        skeleton.finish(&mut keep);
        layer
    }

    /// The clean text that stands for `range` of the bytes.
    pub(super) fn clean(&self, range: &Range<usize>) -> &str {
        self.text.get(self.clean_range(range)).unwrap_or_default()
    }

    fn clean_range(&self, range: &Range<usize>) -> Range<usize> {
        let at = |index: usize| self.units.get(index).map_or(self.text.len(), |unit| unit.1);
        let first = self
            .units
            .partition_point(|(unit, _)| unit.start < range.start);
        let last = self
            .units
            .partition_point(|(unit, _)| unit.start < range.end);
        at(first)..at(last.max(first))
    }

    /// The changes that touch `range` of the bytes.
    pub(super) fn changes_in(&self, range: &Range<usize>) -> &[Change] {
        let from = self
            .changes
            .partition_point(|change| change.original.end <= range.start);
        let to = self
            .changes
            .partition_point(|change| change.original.start < range.end);
        self.changes.get(from..to).unwrap_or_default()
    }

    /// What the letters in `range` of the bytes differ in from a literal that was found there.
    pub(super) fn compare(&self, literal: &str, range: &Range<usize>) -> Vec<String> {
        // What has no shape is looked for as it is spelt.
        let Some(shape) = Shape::of(literal) else {
            return Vec::new();
        };
        let clean = self.clean_range(range);
        let from = self.items.partition_point(|item| item.start < clean.start);
        let to = self.items.partition_point(|item| item.end <= clean.end);
        let items = self.items.get(from..to).unwrap_or_default();
        let text = self.text.get(clean).unwrap_or_default();
        spend(text.len());
        skeleton::disguises(&shape, literal, items, text)
    }

    pub(super) fn skeleton(&self) -> String {
        let mut out = String::new();
        let mut last = None;
        for item in &self.items {
            if item.before == Gap::None && last == Some(item.symbol) {
                continue;
            }
            out.push_str(match item.before {
                Gap::None => "",
                Gap::Apostrophe => "'",
                Gap::Punctuation => ".",
                Gap::Space => " ",
                Gap::Break if last.is_none() => "",
                Gap::Break => " | ",
            });
            out.push(item.symbol);
            last = Some(item.symbol);
        }
        out
    }
}
