//! Telephone numbers, held to the numbering plans in Google's libphonenumber metadata.
//!
//! | form | example | reported when |
//! |---|---|---|
//! | international (ITU-T E.164) | `+49 30 ...` | valid |
//! | with the exit code `00` | `0049 30 ...` | valid, and grouped or near a word for telephones |
//! | national | `030 ...`, `(212) ...` | valid in a region of the supported locales, written as there, and near such a word or grouped as nothing else is |
//!
//! The rule is the region in lower case, or `international` for numbers of no region (`+800`).
//! Several regions may fit a national number; that of the language of the words nearby counts, and
//! otherwise the first of a fixed list (`plan.rs`).
//!
//! # How far to trust it
//!
//! Of ten to twelve random digits after a `+` one in five to eleven is valid, so the `+` carries most
//! of the evidence; arithmetic, offsets from UTC and coordinates fail by their length or separators.
//! Of nine or ten random digits nine in ten are a valid national number of some supported region,
//! and of eleven three in ten, so the form alone says nothing: they need a word such as `phone`. (A test measures
//! both.) Words such as `call`, which computers do too, tell only with a number grouped like one.
//! Words such as `order` nearby lower the score, and outvote `call`.
//!
//! # Not found
//!
//! Where a plan's numbers have no fixed length (Germany, Austria), digits after a number may count as
//! its last group.
//!
//! Numbers without an area code, national numbers of other regions, extensions (the span
//! ends before them), letters for digits (`1-800-FLOWERS`), two numbers with only a space between
//! them, digits printed one by one, `wa.me/` links (no `+`).

mod chain;
mod plan;
mod words;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType, PhoneNumberUtil, Region};
use weir_types::{Category, Severity};

use self::chain::{Chain, Separators, chain_at, next_digit};
use self::words::{Nearby, Words};
use crate::context;
use crate::matched::Match;
use crate::view::View;
use crate::word::glued_after;
use crate::work::spend;

/// How far before a finding bytes decide about it.
pub(crate) const BEHIND: usize = if context::BEFORE > chain::BEFORE {
    context::BEFORE
} else {
    chain::BEFORE
};
/// How far from a finding's start bytes decide about it: the chain, the digits that would
/// overfill it, and the words after it.
pub(crate) const AHEAD: usize = chain::MAX_BYTES + 20 + context::AFTER;

/// Fewest digits with the country code. Some islands have seven; so do offsets and sums.
const MIN_INTERNATIONAL: usize = 8;
/// Most digits with the country code (ITU-T E.164).
const MAX_INTERNATIONAL: usize = 15;
/// Fewest digits of a national number with its area code, and most.
const NATIONAL: std::ops::RangeInclusive<usize> = 7..=15;
/// How many groups at the end of a chain may belong to something else, as in `+1 212 ... 20 km`.
const MAX_DROPPED: usize = 2;

/// Valid, with a `+` and a word for telephones.
const SCORE_SURE: f32 = 0.95;
/// Valid, with a `+`.
const SCORE_PLUS: f32 = 0.9;
/// National, with a word for telephones.
const SCORE_WORD: f32 = 0.85;
/// National or with `00`, by its grouping alone.
const SCORE_GROUPED: f32 = 0.7;
/// Whatever speaks for it, a word for another kind of number is near too.
const SCORE_CONTESTED: f32 = 0.5;

#[derive(Clone)]
pub(crate) struct PhoneDetector {
    /// One for all detectors, loaded by the first.
    util: &'static PhoneNumberUtil,
    words: Words,
}

impl std::fmt::Debug for PhoneDetector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PhoneDetector").finish_non_exhaustive()
    }
}

impl Default for PhoneDetector {
    fn default() -> Self {
        Self::new()
    }
}

/// A finding's end is told by how many groups of the chain it has.
struct Phone {
    groups: usize,
    region: Region,
    score: f32,
}

impl PhoneDetector {
    /// Loads the metadata and has the library compile the patterns of all regions, which it puts
    /// off until they are used: the first numbers shall cost no more than later ones.
    pub(crate) fn new() -> Self {
        let util: &'static PhoneNumberUtil = &PHONE_NUMBER_UTIL;
        for region in util.get_supported_regions() {
            for kind in [PhoneNumberType::FixedLine, PhoneNumberType::Mobile] {
                if let Ok(example) = util.get_example_number_for_type_and_region(region, kind) {
                    util.is_valid_number_for_region(&example, region);
                }
            }
        }
        Self {
            util,
            words: Words::new(),
        }
    }

    pub(crate) fn scan(&self, view: &View<'_>, out: &mut Vec<Match>) {
        let mut at = 0;
        while let Some(digit) = next_digit(view.text, at) {
            let chain = match chain_at(view.text, digit) {
                Ok(chain) => chain,
                Err(next) => {
                    at = next;
                    continue;
                }
            };
            at = chain.next;
            if let Some(phone) = self.check(view.text, &chain) {
                out.push(Match {
                    detector: "phone",
                    rule: rule(phone.region),
                    category: Category::Pii,
                    span: view.original(chain.range(phone.groups)),
                    score: phone.score,
                    severity: Severity::Medium,
                });
            }
        }
    }

    fn check(&self, text: &[u8], chain: &Chain) -> Option<Phone> {
        if chain.plus {
            return self.international(text, chain, 0);
        }
        if chain.cut {
            return None;
        }
        if chain.digits(chain.groups).starts_with(b"00") {
            return self.international(text, chain, 2);
        }
        self.national(text, chain)
    }

    /// With the country code, after a `+` or the `skip` digits of an exit code.
    fn international(&self, text: &[u8], chain: &Chain, skip: usize) -> Option<Phone> {
        if looks_like_coordinates(chain) {
            return None;
        }
        let fewest = chain.groups.saturating_sub(MAX_DROPPED).max(1);
        for groups in (fewest..=chain.groups).rev() {
            let end = chain.range(groups).end;
            let (digits, count) = chain.international(groups, skip);
            if !(MIN_INTERNATIONAL..=MAX_INTERNATIONAL).contains(&count)
                || digits[0] == b'0'
                || ends_inside_a_word(text, end)
                || (groups == chain.groups && chain.cut)
            {
                continue;
            }
            let Some(region) = self.region_of(&digits[..count]) else {
                continue;
            };
            let near = self.words.near(text, &chain.range(groups));
            // `+1.2125550123` is how domain registries write numbers, and how sums look.
            let decimal = chain.separators.dot && groups <= 2;
            if (skip > 0 || decimal) && !near.phone && (decimal || groups < 2) {
                return None;
            }
            let score = if near.other && !near.phone {
                SCORE_CONTESTED
            } else if near.phone {
                SCORE_SURE
            } else if skip == 0 {
                SCORE_PLUS
            } else {
                SCORE_GROUPED
            };
            return Some(Phone {
                groups,
                region,
                score,
            });
        }
        None
    }

    /// The region of the valid number `digits`, which starts with a country code.
    ///
    /// Not by the library's parser: that costs several times as much as the check, for
    /// punctuation and prefixes that have been dealt with here.
    fn region_of(&self, digits: &[u8]) -> Option<Region> {
        // Country codes have one to three digits, and none is the start of another.
        let (code, code_digits) = (1..=3).find_map(|length| {
            let code = i32::try_from(value(digits.get(..length)?)).ok()?;
            self.util.get_region_for_country_code(code)?;
            Some((code, length))
        })?;
        let mut rest = &digits[code_digits..];
        // Mexico's 1 before mobile numbers, given up in 2019 and still written.
        if code == 52 && rest.len() == 11 && rest[0] == b'1' {
            rest = &rest[1..];
        }
        let number = number(code, rest);
        spend(digits.len());
        let region = self.util.get_region_for_number(&number)?;
        self.util
            .is_valid_number_for_region(&number, region)
            .then_some(region)
    }

    fn national(&self, text: &[u8], chain: &Chain) -> Option<Phone> {
        let digits = chain.digits(chain.groups);
        let range = chain.range(chain.groups);
        if !NATIONAL.contains(&digits.len())
            || plan::regions(digits, 0).next().is_none()
            || is_date(chain)
            || is_dotted_quad(chain)
            || !grouped_like_a_phone(chain)
            || stands_in_something_else(text, range.start, range.end)
        {
            return None;
        }
        let telling = telling_groups(text, chain);
        let near = self.words.near(text, &range);
        let score = score_of(
            near,
            telling.is_some(),
            chain.groups > 1 || digits[0] == b'0',
        )?;
        // A grouping speaks for its own region only.
        let held_to = telling.filter(|_| !near.phone).and_then(Grouping::code);
        let region = plan::regions(digits, near.languages).find_map(|plan| {
            if held_to.is_some_and(|code| code != plan.code) {
                return None;
            }
            spend(digits.len());
            let number = number(plan.code, plan.significant(digits));
            self.util
                .is_valid_number_for_region(&number, plan.region)
                .then_some(plan.region)
        })?;
        Some(Phone {
            groups: chain.groups,
            region,
            score,
        })
    }
}

fn value(digits: &[u8]) -> u64 {
    digits
        .iter()
        .fold(0, |value, digit| value * 10 + u64::from(digit - b'0'))
}

/// The number with country code `code` whose other digits are `rest`.
fn number(code: i32, rest: &[u8]) -> PhoneNumber {
    // The library keeps zeros in front apart from the value, by their count unless it is one.
    let significant = rest.iter().position(|digit| *digit != b'0');
    let zeros = significant.unwrap_or_default();
    PhoneNumber {
        country_code: code,
        national_number: value(rest),
        italian_leading_zero: (zeros > 0).then_some(true),
        number_of_leading_zeros: i32::try_from(zeros).ok().filter(|&zeros| zeros > 1),
        ..PhoneNumber::default()
    }
}

fn score_of(near: Nearby, telling: bool, shaped: bool) -> Option<f32> {
    let reached = near.reach && shaped && !near.other;
    match (near.phone, near.other, telling) {
        (true, true, _) => Some(SCORE_CONTESTED),
        (true, false, false) => Some(SCORE_WORD),
        (true, false, true) => Some(SCORE_SURE),
        (false, true, _) => None,
        (false, false, true) => Some(if reached { SCORE_WORD } else { SCORE_GROUPED }),
        (false, false, false) => reached.then_some(SCORE_GROUPED),
    }
}

/// The library calls numbers of no region "001", the world.
fn rule(region: Region) -> Arc<str> {
    if region == Region::World {
        return "international".into();
    }
    region.to_string().to_ascii_lowercase().into()
}

/// ISO 6709, as in `+33.749-084.388`: full stops and hyphens do not mix in telephone numbers.
fn looks_like_coordinates(chain: &Chain) -> bool {
    chain.separators.dot && chain.separators.hyphen
}

/// `2024-01-15`, `15.01.2024`, and dates with a time's digits after them.
fn is_date(chain: &Chain) -> bool {
    let year = |index: usize| chain.size(index) == 4 && (1900..2100).contains(&chain.value(index));
    let small = |index: usize| (1..=2).contains(&chain.size(index)) && chain.value(index) <= 31;
    !chain.separators.paren
        && chain.groups >= 3
        && (year(0) && small(1) && small(2) || small(0) && small(1) && year(2))
}

/// `192.0.2.17`.
fn is_dotted_quad(chain: &Chain) -> bool {
    let only_dots = Separators {
        dot: true,
        ..Separators::default()
    };
    chain.separators == only_dots
        && chain.groups == 4
        && (0..4).all(|index| chain.size(index) <= 3 && chain.value(index) <= 255)
}

/// No group but the first has one digit.
fn grouped_like_a_phone(chain: &Chain) -> bool {
    (1..chain.groups).all(|index| chain.size(index) >= 2)
}

/// Groupings in which nothing but telephone numbers is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grouping {
    /// `(212) 555-0123`, `212-555-0123`, `212.555.0123`.
    America,
    /// `(11) 91234-5678`.
    Brazil,
    /// `(030) ...`: an area code with its trunk prefix in parentheses.
    Area,
}

impl Grouping {
    /// The country code of the one plan that prints numbers so.
    fn code(self) -> Option<i32> {
        match self {
            Self::America => Some(1),
            Self::Brazil => Some(55),
            Self::Area => None,
        }
    }
}

fn telling_groups(text: &[u8], chain: &Chain) -> Option<Grouping> {
    let size = |index| chain.size(index);
    let american = chain.groups == 3 && size(0) == 3 && size(1) == 3 && size(2) == 4;
    let Separators {
        dot,
        hyphen,
        space,
        slash,
        paren,
    } = chain.separators;
    if text[chain.start] == b'(' && text.get(chain.range(1).end) == Some(&b')') {
        let brazilian =
            chain.groups == 3 && size(0) == 2 && (4..=5).contains(&size(1)) && size(2) == 4;
        return if chain.digits(1).starts_with(b"0") {
            (2..=6).contains(&size(0)).then_some(Grouping::Area)
        } else if american {
            Some(Grouping::America)
        } else {
            (brazilian && hyphen).then_some(Grouping::Brazil)
        };
    }
    (american && (dot ^ hyphen) && !space && !slash && !paren).then_some(Grouping::America)
}

/// Glued to a letter, unless that is the `x` of an extension, or the start of a mail address.
fn ends_inside_a_word(text: &[u8], end: usize) -> bool {
    let extension = matches!(text.get(end), Some(b'x' | b'X'))
        && text.get(end + 1).is_some_and(u8::is_ascii_digit);
    text.get(end) == Some(&b'@') || (glued_after(text, end) && !extension)
}

/// A sum of money, a decimal, a path, a time, a word with hyphens: what a national number is
/// no part of.
fn stands_in_something_else(text: &[u8], start: usize, end: usize) -> bool {
    let byte = |at: Option<usize>| at.and_then(|at| text.get(at)).copied();
    let before = byte(start.checked_sub(1));
    let before_that = byte(start.checked_sub(2));
    let (after, after_that) = (byte(Some(end)), byte(Some(end + 1)));
    let digit = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_digit());
    let opened = match before {
        Some(b'#' | b'$' | b'/' | b'@' | b'-' | b'+' | b'*' | b'\\' | b'&' | b'<' | b'>') => true,
        Some(b',' | b'.' | b':') => digit(before_that),
        Some(b' ') => before_that == Some(b'$'),
        // The last byte of the signs for pounds and yen, and for euros and rupees.
        Some(0xa3 | 0xa5 | 0xac | 0xb9) => true,
        _ => false,
    };
    let closed = match after {
        Some(b'%' | b'$' | b'*' | b'+' | b'=') => true,
        Some(b',' | b'.' | b':') => digit(after_that),
        Some(b'-' | b'/') => after_that.is_some_and(|byte| byte.is_ascii_alphanumeric()),
        _ => ends_inside_a_word(text, end),
    };
    opened || closed
}
