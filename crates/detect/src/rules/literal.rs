//! Literals of letters: one automaton over skeletons.

use std::collections::HashMap;
use std::ops::Range;

use aho_corasick::MatchKind;
use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::nfa::contiguous::NFA;
use aho_corasick::{Anchored, nfa};

use super::{CompileError, Entry, Role};
use crate::skeleton::{self, Event, Shape, Skeleton};
use crate::work::spend;

/// A literal of letters.
#[derive(Debug, Clone)]
struct Literal {
    rule: u32,
    role: Role,
    shape: Shape,
}

/// All literals of letters. Several may share a skeleton; the automaton knows each skeleton once.
#[derive(Debug, Clone)]
pub(crate) struct Literals {
    automaton: NFA,
    start: StateID,
    /// Ordered by skeleton.
    literals: Vec<Literal>,
    /// For each skeleton: its cells and its literals.
    skeletons: Vec<(usize, Range<usize>)>,
    /// The symbols of each skeleton, sorted.
    symbols: Vec<Box<[char]>>,
    /// For each state: how many cells of a skeleton it stands for at most.
    depths: HashMap<StateID, usize>,
    /// Cells of the longest skeleton.
    longest: usize,
}

/// Where the automaton is in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Position(StateID);

/// A literal that was found: rule, role, original bytes.
pub(crate) type Found = (u32, Role, Range<usize>);

impl Literals {
    /// Takes the literals that skeletons can tell apart, and returns the rest as they are.
    pub(crate) fn split<'a>(entries: &[Entry<'a>]) -> Result<(Self, Vec<Entry<'a>>), CompileError> {
        let mut rest = Vec::new();
        let mut shaped: Vec<(Vec<char>, Literal)> = Vec::new();
        for entry in entries {
            let Some(shape) = Shape::of(entry.text) else {
                rest.push(*entry);
                continue;
            };
            let literal = Literal {
                rule: entry.rule,
                role: entry.role,
                shape,
            };
            shaped.push((literal.shape.symbols(), literal));
        }
        // Stable: literals of one skeleton stay in the order of the rules.
        shaped.sort_by(|a, b| a.0.cmp(&b.0));
        let mut texts: Vec<String> = Vec::new();
        let mut distinct: Vec<Box<[char]>> = Vec::new();
        let mut skeletons: Vec<(usize, Range<usize>)> = Vec::new();
        for (at, (symbols, _)) in shaped.iter().enumerate() {
            match skeletons.last_mut() {
                Some((_, range)) if shaped[range.start].0 == *symbols => range.end = at + 1,
                _ => {
                    texts.push(symbols.iter().collect());
                    distinct.push(symbols.as_slice().into());
                    skeletons.push((symbols.len(), at..at + 1));
                }
            }
        }
        let automaton = nfa::contiguous::Builder::new()
            .match_kind(MatchKind::Standard)
            .prefilter(false)
            .build(&texts)
            .map_err(automaton_error)?;
        let start = automaton
            .start_state(Anchored::No)
            .map_err(automaton_error)?;
        let mut literals = Self {
            automaton,
            start,
            symbols: distinct,
            depths: HashMap::new(),
            longest: skeletons.iter().map(|(cells, _)| *cells).max().unwrap_or(0),
            literals: shaped.into_iter().map(|(_, literal)| literal).collect(),
            skeletons,
        };
        literals.depths = literals.measure();
        Ok((literals, rest))
    }

    /// The depth of every state: a state stands for the longest skeleton's beginning that the text
    /// ends with, and walking a skeleton meets the states of its beginnings.
    fn measure(&self) -> HashMap<StateID, usize> {
        let mut depths = HashMap::new();
        for skeleton in &self.symbols {
            let mut position = self.start();
            for (at, symbol) in skeleton.iter().enumerate() {
                self.advance(&mut position, *symbol);
                depths.insert(position.0, at + 1);
            }
        }
        depths
    }

    /// How many of the last complete cells may begin a literal.
    pub(crate) fn depth(&self, position: &Position) -> usize {
        self.depths.get(&position.0).copied().unwrap_or(0)
    }

    /// Where the first literal begins that is not finished, in original bytes: with what follows it may be
    /// found from there on. `position` stands after all complete cells of `skeleton`; only literals that
    /// `counts` knows are considered.
    pub(crate) fn open_from(
        &self,
        position: &Position,
        skeleton: &Skeleton,
        counts: impl Fn(u32, Role) -> bool + Copy,
    ) -> Option<usize> {
        let symbols: Vec<char> = skeleton.open_symbols(self.depth(position) + 1).collect();
        let begun = (0..symbols.len())
            .filter_map(|from| self.begun(&symbols[from..], skeleton, counts))
            .min();
        // A sign, or what waits behind it, may be the first letter.
        begun.into_iter().chain(skeleton.waits_from()).min()
    }

    /// Where the literals begin of which the last cells of the skeleton, with these symbols, may be
    /// the beginning.
    fn begun(
        &self,
        symbols: &[char],
        skeleton: &Skeleton,
        counts: impl Fn(u32, Role) -> bool + Copy,
    ) -> Option<usize> {
        let tail = skeleton.open_tail(symbols.len())?;
        self.with_beginning(symbols)
            .filter(|literal| counts(literal.rule, literal.role))
            .filter_map(|literal| {
                spend(1);
                skeleton::begins(&literal.shape, &tail)
            })
            .min()
    }

    /// The literals whose skeletons begin with these symbols; none if there are no symbols.
    fn with_beginning(&self, symbols: &[char]) -> impl Iterator<Item = &Literal> {
        let from = self.symbols.partition_point(|known| **known < *symbols);
        let count = self.symbols[from..].partition_point(|known| known.starts_with(symbols));
        let known = if symbols.is_empty() { 0 } else { count };
        self.skeletons[from..from + known]
            .iter()
            .flat_map(|(_, literals)| &self.literals[literals.clone()])
    }

    /// Cells of the longest literal.
    pub(crate) fn longest(&self) -> usize {
        self.longest
    }

    /// Where a text begins.
    pub(crate) fn start(&self) -> Position {
        Position(self.start)
    }

    /// Goes on by what became of a character, and hands over the literals that end there.
    pub(crate) fn step(
        &self,
        position: &mut Position,
        skeleton: &Skeleton,
        event: Event,
        found: &mut impl FnMut(Found),
    ) {
        let symbol = match event {
            Event::Broken => {
                *position = self.start();
                return;
            }
            Event::Closed(symbol) => symbol,
        };
        self.advance(position, symbol);
        spend(1);
        let state = position.0;
        if !self.automaton.is_match(state) {
            return;
        }
        for index in 0..self.automaton.match_len(state) {
            let pattern = self.automaton.match_pattern(state, index);
            let (cells, literals) = &self.skeletons[pattern.as_usize()];
            let Some(tail) = skeleton.tail(*cells) else {
                continue;
            };
            for literal in &self.literals[literals.clone()] {
                spend(1);
                if let Some(range) = skeleton::matches(&literal.shape, &tail) {
                    found((literal.rule, literal.role, range));
                }
            }
        }
    }

    /// Goes on by a symbol.
    pub(crate) fn advance(&self, position: &mut Position, symbol: char) {
        let mut next = |byte| {
            position.0 = self.automaton.next_state(Anchored::No, position.0, byte);
        };
        match u8::try_from(symbol) {
            Ok(byte) if byte.is_ascii() => next(byte),
            _ => symbol.encode_utf8(&mut [0; 4]).bytes().for_each(next),
        }
    }
}

/// Only sizes beyond 2^31 states fail, which the limit on bytes rules out.
pub(crate) fn automaton_error(error: impl std::fmt::Display) -> CompileError {
    CompileError::Automaton {
        cause: error.to_string(),
    }
}
