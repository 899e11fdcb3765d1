//! How numbers are written inside a country, which the metadata's patterns leave open.
//!
//! The library accepts a national number with and without its trunk prefix, so that nearly every
//! run of 9 or 10 digits is valid somewhere. Written without a country code, people keep the
//! prefix where there is one; holding numbers to that is what makes them tell anything.

use std::ops::RangeInclusive;

use rlibphonenumber::Region;

/// What a number must start with in its national form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opening {
    /// The trunk prefix 0 (ITU-T, "Dialling procedures", operational bulletin 994).
    Zero,
    /// The trunk prefix 8, or a mobile's 9 of ten digits.
    Russia,
    /// The trunk prefix 0, or a mobile of ten digits that starts with 6 to 9.
    India,
    /// The trunk prefix 0, or a mobile of eleven digits that starts with 1.
    China,
    /// Ten digits, or eleven with the trunk prefix 1.
    America,
    /// Anything but 0: the plan has no trunk prefix.
    NotZero,
    /// A landline's 0, which is part of the number, or a mobile's 3.
    Italy,
    /// An area code with or without 0.
    Free,
}

/// A region and how numbers are written in it.
pub(super) struct Plan {
    pub(super) region: Region,
    /// Its country code.
    pub(super) code: i32,
    /// An index into [`super::vocabulary::LANGUAGES`].
    language: usize,
    /// The shortest and longest number with the trunk prefix; the library checks the lengths
    /// again, by type.
    lengths: RangeInclusive<usize>,
    opening: Opening,
}

impl Plan {
    /// `digits` without the trunk prefix.
    pub(super) fn significant<'a>(&self, digits: &'a [u8]) -> &'a [u8] {
        let prefix: &[u8] = match self.opening {
            Opening::America if digits.len() == 11 => b"1",
            Opening::Russia if digits.len() == 11 => b"8",
            Opening::Zero | Opening::India | Opening::China | Opening::Free => b"0",
            _ => b"",
        };
        digits.strip_prefix(prefix).unwrap_or(digits)
    }
}

const fn plan(
    region: Region,
    code: i32,
    language: usize,
    lengths: RangeInclusive<usize>,
    opening: Opening,
) -> Plan {
    Plan {
        region,
        code,
        language,
        lengths,
        opening,
    }
}

/// The regions of the supported locales; of several that fit, the first one counts, after
/// those of the language that the words nearby are in.
static PLANS: [Plan; 24] = [
    plan(Region::US, 1, 1, 10..=11, Opening::America),
    plan(Region::GB, 44, 1, 10..=11, Opening::Zero),
    plan(Region::DE, 49, 2, 7..=13, Opening::Zero),
    plan(Region::FR, 33, 3, 10..=10, Opening::Zero),
    plan(Region::ES, 34, 4, 9..=9, Opening::NotZero),
    plan(Region::IT, 39, 5, 8..=11, Opening::Italy),
    plan(Region::NL, 31, 6, 10..=10, Opening::Zero),
    plan(Region::PL, 48, 7, 9..=9, Opening::NotZero),
    plan(Region::PT, 351, 8, 9..=9, Opening::NotZero),
    plan(Region::RU, 7, 9, 10..=11, Opening::Russia),
    plan(Region::CN, 86, 10, 10..=12, Opening::China),
    plan(Region::IN, 91, 11, 10..=11, Opening::India),
    plan(Region::BR, 55, 8, 10..=12, Opening::Free),
    plan(Region::AT, 43, 2, 8..=14, Opening::Zero),
    plan(Region::CH, 41, 2, 10..=10, Opening::Zero),
    plan(Region::BE, 32, 3, 9..=10, Opening::Zero),
    plan(Region::AU, 61, 1, 10..=10, Opening::Zero),
    plan(Region::CA, 1, 1, 10..=11, Opening::America),
    plan(Region::MX, 52, 4, 10..=10, Opening::NotZero),
    plan(Region::AR, 54, 4, 10..=11, Opening::Free),
    plan(Region::SA, 966, 0, 10..=10, Opening::Zero),
    plan(Region::AE, 971, 0, 9..=10, Opening::Zero),
    plan(Region::EG, 20, 0, 9..=11, Opening::Zero),
    // Hindi and English share India.
    plan(Region::IN, 91, 1, 10..=11, Opening::India),
];

/// All of them.
#[cfg(test)]
pub(super) fn all() -> impl Iterator<Item = &'static Plan> {
    PLANS.iter()
}

/// The plans in which `digits` may be a national number, those of `languages` (a bit each) first.
pub(super) fn regions(digits: &[u8], languages: u64) -> impl Iterator<Item = &'static Plan> {
    let fits = move |plan: &&'static Plan| {
        plan.lengths.contains(&digits.len()) && opens(plan.opening, digits)
    };
    let preferred = move |plan: &&'static Plan| languages >> plan.language & 1 == 1;
    PLANS
        .iter()
        .filter(preferred)
        .chain(PLANS.iter().filter(move |plan| !preferred(plan)))
        .filter(fits)
}

fn opens(opening: Opening, digits: &[u8]) -> bool {
    let Some(&first) = digits.first() else {
        return false;
    };
    match opening {
        Opening::Zero => first == b'0',
        Opening::Russia => match digits.len() {
            10 => first == b'9',
            _ => first == b'8',
        },
        Opening::India => first == b'0' || digits.len() == 10 && matches!(first, b'6'..=b'9'),
        Opening::China => first == b'0' || digits.len() == 11 && first == b'1',
        Opening::America => (first == b'1') == (digits.len() == 11) && first != b'0',
        Opening::NotZero => first != b'0',
        Opening::Italy => matches!(first, b'0' | b'3'),
        Opening::Free => true,
    }
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::PHONE_NUMBER_UTIL;

    use super::*;
    use crate::pii::phone::vocabulary::LANGUAGES;

    #[test]
    fn languages_go_first() {
        let first =
            |digits: &[u8], languages| regions(digits, languages).next().map(|plan| plan.region);
        assert_eq!(first(b"2125550123", 0), Some(Region::US));
        assert_eq!(first(b"2125550123", 1 << 4), Some(Region::MX));
        assert_eq!(first(b"0301234567", 1 << 2), Some(Region::DE));
        assert_eq!(first(b"301", 0), None);
        assert_eq!(first(b"", 0), None);
    }

    #[test]
    fn plans_have_a_language_and_their_country_code() {
        for plan in &PLANS {
            assert!(plan.language < LANGUAGES.len());
            let code = PHONE_NUMBER_UTIL.get_country_code_for_region(plan.region);
            assert_eq!(code, Some(plan.code), "{:?}", plan.region);
        }
    }
}
