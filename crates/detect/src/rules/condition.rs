//! Which hits count: exceptions and what must be near.

use std::ops::Range;

use super::{Role, Worth};
use crate::work::spend;
use serde::{Deserialize, Serialize};

/// How far behind the text's end conditions are kept, in original bytes: longer than a hit is under way,
/// drawn out by disguises.
const KEPT: usize = 16 << 10;

/// How far before and after a hit its conditions are looked for, in original bytes.
const REACH: usize = 1024;

/// A literal or pattern that was found, in original bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hit {
    pub(crate) rule: u32,
    pub(crate) role: Role,
    pub(crate) pattern: bool,
    pub(crate) span: Range<usize>,
}

/// Hits whose conditions are not decided yet, and what decides them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hits {
    waiting: Vec<Hit>,
    /// Hits of `except` and `near`.
    conditions: Vec<Hit>,
}

impl Hits {
    /// Takes a hit; hands it over at once if nothing speaks for or against it.
    pub(crate) fn take(&mut self, worth: &[Worth], hit: Hit, counts: &mut impl FnMut(Hit)) {
        let worth = &worth[hit.rule as usize];
        match hit.role {
            Role::Finding if worth.except || worth.near.is_some() => self.waiting.push(hit),
            Role::Finding => counts(hit),
            Role::Except | Role::Near => self.conditions.push(hit),
        }
    }

    /// Decides the hits whose conditions have all been found: the literals that begin before `certain`
    /// have been, `usize::MAX` at the end of the text. `known` original bytes have been read.
    pub(crate) fn settle(
        &mut self,
        worth: &[Worth],
        known: usize,
        certain: usize,
        counts: &mut impl FnMut(Hit),
    ) {
        if self.waiting.is_empty() && self.conditions.is_empty() {
            return;
        }
        // So that those of one rule near one place are found by halving.
        self.conditions
            .sort_unstable_by_key(|condition| (condition.rule, condition.span.start));
        let conditions = &self.conditions;
        self.waiting.retain(|hit| {
            let worth = &worth[hit.rule as usize];
            // An exception begins no later than the hit, what must be near at most so far after it.
            let last = worth
                .near
                .map_or(hit.span.start, |within| hit.span.end.saturating_add(within));
            if last >= certain {
                return true;
            }
            if fulfilled(conditions, worth, hit) {
                counts(hit.clone());
            }
            false
        });
        self.conditions.retain(|hit| hit.span.end + KEPT > known);
    }

    /// Whether some hits wait for the rest of their surroundings.
    pub(crate) fn wait(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Where the first of those begins whose rule `counts`.
    pub(crate) fn open_from(&self, counts: impl Fn(u32) -> bool) -> Option<usize> {
        let waiting = self.waiting.iter().filter(|hit| counts(hit.rule));
        waiting.map(|hit| hit.span.start).min()
    }
}

fn fulfilled(conditions: &[Hit], worth: &Worth, hit: &Hit) -> bool {
    let place =
        |at| conditions.partition_point(|other| (other.rule, other.span.start) < (hit.rule, at));
    let near_by = place(hit.span.start.saturating_sub(REACH))..place(hit.span.end + REACH);
    spend(near_by.len());
    let own = |role: Role| {
        conditions[near_by.clone()]
            .iter()
            .filter(move |condition| condition.role == role)
            .map(|condition| &condition.span)
    };
    let excepted =
        own(Role::Except).any(|span| span.start <= hit.span.start && hit.span.end <= span.end);
    let distance = |span: &Range<usize>| {
        let after = span.start.saturating_sub(hit.span.end);
        after.max(hit.span.start.saturating_sub(span.end))
    };
    let near = worth
        .near
        .is_none_or(|within| own(Role::Near).any(|span| distance(span) <= within));
    near && !excepted
}
