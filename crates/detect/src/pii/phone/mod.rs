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
//! Of ten to twelve random digits after a `+` one in five to eleven is valid, so the `+` carries
//! most of the evidence; arithmetic, offsets from UTC and coordinates fail by their length or
//! separators. Of nine or ten random digits nine in ten are a valid national number of some
//! supported region, and of eleven three in ten, so the form alone says nothing: they need a word
//! such as `phone`. (A test measures both.) Words such as `call`, which computers do too, tell only
//! with a number grouped like one. Words such as `order` nearby lower the score, and outvote
//! `call`.
//!
//! In 2 GB of program sources and manuals, to which some of the rules were adjusted, 1,540
//! different findings: 1,429 in one table of Brazilian prefixes, and of the others (nearly all of
//! them examples) some one in twenty was no telephone number.
//!
//! # Not found
//!
//! Where a plan's numbers have no fixed length (Germany, Austria), digits after a number may count
//! as its last group.
//!
//! Numbers without an area code, national numbers of other regions, extensions (the span
//! ends before them), letters for digits (`1-800-FLOWERS`), two numbers with only a space between
//! them, digits printed one by one, `wa.me/` links (no `+`).

mod chain;
mod open;
mod plan;
mod shape;
mod vocabulary;
mod words;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::{Arc, LazyLock};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberType, PhoneNumberUtil, Region};
use weir_types::{Category, Severity};

use self::chain::{Chain, chain_at};
use self::shape::Grouping;
use self::words::{Nearby, PhoneWords};
use crate::context;
use crate::matched::Match;
use crate::pii::digits::next_digit;
use crate::view::View;
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
/// Fewest digits with the country code after `00` without a word for telephones: tables have zeros
/// in front too, as in `0069 0307 0300`.
const MIN_AFTER_EXIT_CODE: usize = 11;
/// Fewest digits of a national number with its area code, and most.
const NATIONAL: std::ops::RangeInclusive<usize> = 7..=15;
/// Fewest digits of an ungrouped number with a trunk prefix that a word such as `call` speaks for.
const MIN_UNGROUPED: usize = 9;
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
    words: PhoneWords,
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

/// The metadata, with the patterns of all regions compiled, which the library puts off until they
/// are used: the first numbers shall cost no more than later ones.
static LOADED: LazyLock<&'static PhoneNumberUtil> = LazyLock::new(|| {
    let util: &'static PhoneNumberUtil = &PHONE_NUMBER_UTIL;
    for region in util.get_supported_regions() {
        for kind in [PhoneNumberType::FixedLine, PhoneNumberType::Mobile] {
            if let Ok(example) = util.get_example_number_for_type_and_region(region, kind) {
                util.is_valid_number_for_region(&example, region);
            }
        }
    }
    util
});

/// A finding's end is told by how many groups of the chain it has.
struct Phone {
    groups: usize,
    region: Region,
    score: f32,
}

impl PhoneDetector {
    /// Loads the metadata unless that has been done.
    pub(crate) fn new() -> Self {
        Self {
            util: *LOADED,
            words: PhoneWords::new(),
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
            let near = |range: &Range<usize>| self.words.near(view.text, range);
            if let Some(phone) = self.check(view.text, &chain, near) {
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

    /// What the chain is, given what the words near a range say.
    fn check(
        &self,
        text: &[u8],
        chain: &Chain,
        near: impl Fn(&Range<usize>) -> Nearby,
    ) -> Option<Phone> {
        if chain.plus {
            return self.international(text, chain, 0, near);
        }
        if chain.cut {
            return None;
        }
        if chain.digits(1).starts_with(b"00") {
            return self.international(text, chain, 2, near);
        }
        self.national(text, chain, near)
    }

    /// With the country code, after a `+` or the `skip` digits of an exit code.
    fn international(
        &self,
        text: &[u8],
        chain: &Chain,
        skip: usize,
        near: impl Fn(&Range<usize>) -> Nearby,
    ) -> Option<Phone> {
        if shape::looks_like_coordinates(chain) {
            return None;
        }
        let fewest = chain.groups.saturating_sub(MAX_DROPPED).max(1);
        for groups in (fewest..=chain.groups).rev() {
            let end = chain.range(groups).end;
            let (digits, count) = chain.international(groups, skip);
            if !(MIN_INTERNATIONAL..=MAX_INTERNATIONAL).contains(&count)
                || digits[0] == b'0'
                || shape::ends_inside_a_word(text, end)
                || (groups == chain.groups && chain.cut)
                || (skip > 0 && shape::stands_in_something_else(text, chain.start, end))
            {
                continue;
            }
            let Some(region) = self.region_of(&digits[..count]) else {
                continue;
            };
            let near = near(&chain.range(groups));
            // `+1.2125550123` is how domain registries write numbers, and how sums look.
            let decimal = chain.separators.dot && groups <= 2;
            // `16960.00 35295.00 64462.00`, cut after a full stop of another script.
            let amounts = chain.separators.dot && chain.separators.space;
            let bare = skip > 0 && (groups < 2 || count < MIN_AFTER_EXIT_CODE || amounts);
            if (bare || decimal) && !near.phone {
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

    fn national(
        &self,
        text: &[u8],
        chain: &Chain,
        near: impl Fn(&Range<usize>) -> Nearby,
    ) -> Option<Phone> {
        let digits = chain.digits(chain.groups);
        let range = chain.range(chain.groups);
        if !NATIONAL.contains(&digits.len())
            || plan::regions(digits, 0).next().is_none()
            || shape::is_date(chain)
            || shape::is_dotted_quad(chain)
            || shape::looks_like_coordinates(chain)
            || !shape::grouped_like_a_phone(chain)
            || shape::stands_in_something_else(text, range.start, range.end)
        {
            return None;
        }
        let telling = shape::telling_groups(text, chain);
        let near = near(&range);
        let score = score_of(
            near,
            telling.is_some(),
            chain.groups > 1 || digits[0] == b'0' && digits.len() >= MIN_UNGROUPED,
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

/// What findings of the regions with a plan are called.
#[cfg(test)]
pub(in crate::pii) fn rules() -> impl Iterator<Item = String> {
    plan::all().map(|plan| rule(plan.region).to_string())
}

/// The library calls numbers of no region "001", the world.
fn rule(region: Region) -> Arc<str> {
    if region == Region::World {
        return "international".into();
    }
    region.to_string().to_ascii_lowercase().into()
}
