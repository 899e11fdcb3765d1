//! Whether the letters under a skeleton's hit really spell the literal, perhaps in disguise.
//!
//! A hit has the literal's symbols, one cell each. It is the literal when
//!
//! - each letter is the literal's, or is drawn like it: another script's letter, if not all of a short
//!   literal is (`сор` is a Russian word), or a digit or sign, if a third of the letters are letters;
//! - the word gaps are there (a literal of at least [`JOINABLE`] letters may be run together), and
//!   inside a word there are none, or punctuation, or spaces between all its letters;
//! - no letter is missing, and letters too many are a clear stretch (three or more in a row) or come in
//!   a text long enough that two in a row change no meaning (`hoping` is not `hopping`);
//! - it stands as a word, in scripts that have words;
//! - a colon follows, if the literal ends with one.

use std::ops::Range;

use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use super::fold::stands_for;
use super::{Gap, Item, Shape, Tail};
use crate::skeleton::literal::Letter;
use crate::word::is_word;
use crate::work::spend;

/// Fewest letters of a literal that is found without the spaces between its words.
const JOINABLE: usize = 8;
/// Fewest letters of a one-word literal in which a doubled letter changes no meaning.
const LONG_WORD: usize = 7;
/// Fewest letters of a literal in which an `l` may stand for a capital `I` at a word's start.
const READABLE: usize = 6;
/// Combining class of the sign that joins consonants (Unicode Character Database).
const VIRAMA: u8 = 9;
/// A letter so often in a row is a stretch.
const STRETCH: u8 = 3;

/// The original bytes of the literal in a candidate's items, if it is the literal.
pub(crate) fn matches(shape: &Shape, tail: &Tail<'_>) -> Option<Range<usize>> {
    // The latest start: `all love` is not a stretched `love`.
    starts(shape, tail)
        .rev()
        .find_map(|start| match align(shape, tail, start) {
            Outcome::Spelt(range) => Some(range),
            Outcome::Failed | Outcome::Unfinished => None,
        })
}

/// Where the literal begins in original bytes, if a candidate's items may be its beginning, and what
/// follows them is not known. All of the literal is such a beginning too: it has not been handed over,
/// and more of its last letter may follow.
pub(crate) fn begins(shape: &Shape, tail: &Tail<'_>) -> Option<usize> {
    starts(shape, tail)
        .find(|&start| !matches!(align(shape, tail, start), Outcome::Failed))
        .and_then(|start| tail.get(start))
        .map(|item| item.start)
}

/// Places of the first symbol's run where the literal may start.
fn starts(shape: &Shape, tail: &Tail<'_>) -> impl DoubleEndedIterator<Item = usize> {
    let first_symbol = shape.letters.first().map(|letter| letter.symbol);
    let run = (0..tail.len())
        .take_while(|&at| tail.get(at).map(|item| item.symbol) == first_symbol)
        .count();
    (0..run).filter(|&start| may_start(shape, tail, start))
}

/// How a literal and the items from a place on go together.
enum Outcome {
    /// They spell it: its original bytes.
    Spelt(Range<usize>),
    /// The items ended first.
    Unfinished,
    Failed,
}

/// What has been seen of the text so far.
#[derive(Debug, Default, Clone, Copy)]
struct Seen {
    /// Letters in the text, repeats counted.
    letters: usize,
    own: usize,
    /// Other scripts' letters.
    foreign: usize,
    /// Digits and signs.
    drawn: usize,
    stretched: bool,
    /// Junctions inside the current word: letters that touch, letters parted by spaces.
    tight: usize,
    spaced: usize,
}

fn may_start(shape: &Shape, tail: &Tail<'_>, start: usize) -> bool {
    let (Some(letter), Some(item)) = (shape.letters.first(), tail.get(start)) else {
        return false;
    };
    !letter.word || !glued(tail.before(start), &item)
}

fn may_end(shape: &Shape, tail: &Tail<'_>, end: usize) -> bool {
    let Some(letter) = shape.letters.last() else {
        return false;
    };
    let glued = || {
        tail.get(end + 1)
            .is_some_and(|next| glued(tail.get(end), &next))
    };
    (!shape.colon || tail.colon_after(end)) && !(letter.word && glued())
}

/// Whether `item` and the one before it make a word together.
fn glued(before: Option<Item>, item: &Item) -> bool {
    item.before == Gap::None
        && is_word(item.letter)
        && before.is_some_and(|before| is_word(before.letter))
}

/// Whether `item` is part of the letter before it, as the vowel signs and conjuncts of Indic scripts
/// are: spaced letters keep these together.
fn clings(before: Option<Item>, item: &Item) -> bool {
    !item.letter.is_ascii()
        && (is_combining_mark(item.letter)
            || before.is_some_and(|before| canonical_combining_class(before.letter) == VIRAMA))
}

/// Aligns the literal with the items from `start` on.
fn align(shape: &Shape, tail: &Tail<'_>, start: usize) -> Outcome {
    let mut seen = Seen::default();
    let mut at = start;
    let mut rest: &[Letter] = &shape.letters;
    while let Some(symbol) = rest.first().map(|letter| letter.symbol) {
        let length = rest
            .iter()
            .take_while(|letter| letter.symbol == symbol)
            .count();
        let (run, after) = rest.split_at(length);
        rest = after;
        // Letters of the run that may have been the last one spelt, a bit each.
        let mut spelt: u64 = 0;
        let mut ended = None;
        let begins = at;
        while let Some(item) = tail
            .get(at)
            .filter(|item| at < tail.len() && item.symbol == symbol)
        {
            spend(1);
            let opens = at == begins;
            // Within a run, a gap is taken for whichever the literal has.
            let here = if opens { &run[..1] } else { &run[1..] };
            let parted = here.iter().any(|letter| letter.parted)
                && (opens || item.before >= Gap::Punctuation);
            let elided = here.iter().any(|letter| letter.elided);
            let clings = item.before == Gap::None && clings(tail.before(at), &item);
            if at != start && !clings && !seen.take_gap(shape, item.before, parted, elided) {
                return Outcome::Failed;
            }
            let mut next = 0;
            for copy in 0..usize::from(item.count).min(run.len() + 1) {
                next = 0;
                for (index, letter) in run.iter().enumerate() {
                    let reached = if index == 0 {
                        opens && copy == 0
                    } else {
                        spelt >> (index - 1) & 1 == 1
                    };
                    let again = spelt >> index & 1 == 1 && (copy > 0 || item.before == Gap::None);
                    if (reached || again) && spells(shape, tail, at, &item, letter) {
                        next |= 1 << index;
                    }
                }
                spelt = next;
            }
            if next == 0 {
                return Outcome::Failed;
            }
            seen.take_letters(&item, run);
            at += 1;
            let whole = spelt >> (length - 1) & 1 == 1;
            if rest.is_empty() && whole && may_end(shape, tail, at - 1) {
                ended = Some(at - 1);
                break;
            }
        }
        if at >= tail.len() && tail.is_open() {
            // A space after the last item may rule the literal out already; other gaps can still grow.
            let parted = rest
                .first()
                .filter(|_| length == 1 && tail.gap() == Gap::Space);
            let goes_on = parted
                .is_none_or(|next| seen.take_gap(shape, Gap::Space, next.parted, next.elided));
            return if goes_on {
                Outcome::Unfinished
            } else {
                Outcome::Failed
            };
        }
        if rest.is_empty() {
            return match ended.map(|end| (tail.get(start), tail.get(end))) {
                Some((Some(first), Some(last))) if seen.convinces(shape) => {
                    Outcome::Spelt(first.start..last.end)
                }
                _ => Outcome::Failed,
            };
        }
        if spelt >> (length - 1) & 1 == 0 {
            return Outcome::Failed;
        }
    }
    Outcome::Failed
}

/// Whether the item is the letter or drawn for it.
fn spells(shape: &Shape, tail: &Tail<'_>, at: usize, item: &Item, letter: &Letter) -> bool {
    if item.letter == letter.letter {
        return true;
    }
    if item.sign {
        // The table is for ASCII; of other letters the same symbol says it: `пр0сто`.
        let drawn = !letter.letter.is_ascii() && letter.symbol.is_ascii();
        return drawn || stands_for(item.letter, letter.letter);
    }
    if letter.letter.is_ascii_digit() {
        return false;
    }
    if !(item.letter.is_ascii() && letter.letter.is_ascii()) {
        // The same symbol, so one is drawn like the other.
        return true;
    }
    match (item.letter, letter.letter) {
        // `kiII`: a capital I in the middle of small letters.
        ('i', 'l') => {
            item.upper
                && item.before == Gap::None
                && tail.before(at).is_some_and(|before| !before.upper)
        }
        // `lgnore`: a small L where a capital I could stand.
        ('l', 'i') => !item.upper && item.before != Gap::None && shape.letters.len() >= READABLE,
        _ => false,
    }
}

impl Seen {
    /// Takes what stands between two letters; `parted`: the literal has a gap there as well.
    fn take_gap(&mut self, shape: &Shape, gap: Gap, parted: bool, elided: bool) -> bool {
        match gap {
            Gap::Break => return false,
            Gap::None | Gap::Apostrophe if parted => return shape.letters.len() >= JOINABLE,
            Gap::None => self.tight += 1,
            Gap::Punctuation | Gap::Space if parted => {
                let even = self.even();
                (self.tight, self.spaced) = (0, 0);
                return even;
            }
            Gap::Apostrophe if elided => {}
            Gap::Punctuation => {}
            // `he'll` is not `hell`.
            Gap::Apostrophe | Gap::Space => self.spaced += 1,
        }
        self.even()
    }

    /// A word's letters are all parted by spaces, or none are.
    fn even(&self) -> bool {
        self.tight == 0 || self.spaced == 0
    }

    fn take_letters(&mut self, item: &Item, run: &[Letter]) {
        self.letters += usize::from(item.count);
        self.stretched |= item.count >= STRETCH;
        if item.count > 1 {
            self.tight += 1;
        }
        if run.iter().any(|letter| letter.letter == item.letter) {
            self.own += 1;
        } else if item.sign {
            self.drawn += 1;
        } else {
            self.foreign += 1;
        }
    }

    fn convinces(&self, shape: &Shape) -> bool {
        let literal = shape.letters.len();
        let own_enough = (self.own + self.foreign) * 2 >= self.drawn
            && (self.own > 0 || literal >= JOINABLE && shape.words > 1);
        let all_there = self.letters >= literal;
        let not_more =
            self.letters == literal || self.stretched || shape.words > 1 || literal >= LONG_WORD;
        own_enough && all_there && not_more && self.even()
    }
}
