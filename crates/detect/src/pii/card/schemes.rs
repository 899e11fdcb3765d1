//! Who issues which card numbers.

use std::ops::RangeInclusive;

use super::{MAX_DIGITS, MIN_DIGITS};
use crate::pii::luhn::luhn;
use crate::work::spend;

/// How much a number's first digits say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grade {
    /// The range is so wide that a tenth of the numbers in it would be taken for cards: asks for a
    /// word.
    Wide,
    /// The range is the scheme's own.
    Own,
}

pub(super) struct Scheme {
    pub(super) name: &'static str,
    pub(super) grade: Grade,
    /// Ranges of the first six digits.
    pub(super) ranges: &'static [RangeInclusive<u32>],
    pub(super) lengths: &'static [usize],
}

const fn own(
    name: &'static str,
    ranges: &'static [RangeInclusive<u32>],
    lengths: &'static [usize],
) -> Scheme {
    Scheme {
        name,
        grade: Grade::Own,
        ranges,
        lengths,
    }
}

const fn wide(
    name: &'static str,
    ranges: &'static [RangeInclusive<u32>],
    lengths: &'static [usize],
) -> Scheme {
    Scheme {
        name,
        grade: Grade::Wide,
        ranges,
        lengths,
    }
}

/// Issuer ranges and lengths as collected in Wikipedia's "Payment card number" (JCB's numbers of 15
/// digits, which are no longer issued, in its older revisions); the register of ISO/IEC 7812 itself is
/// not public. Own ranges come first and do not overlap; a number in one belongs to nobody
/// else. 622126-622925, which Discover shares, counts as UnionPay.
pub(super) const SCHEMES: [Scheme; 12] = [
    own("visa", &[400_000..=499_999], &[13, 16, 19]),
    own("mastercard", &[510_000..=559_999, 222_100..=272_099], &[16]),
    own("amex", &[340_000..=349_999, 370_000..=379_999], &[15]),
    own(
        "discover",
        &[601_100..=601_199, 644_000..=659_999],
        &[16, 17, 18, 19],
    ),
    own("jcb", &[352_800..=358_999], &[16, 17, 18, 19]),
    own("jcb", &[180_000..=180_099, 213_100..=213_199], &[15]),
    own(
        "diners",
        &[
            300_000..=305_999,
            309_500..=309_599,
            360_000..=369_999,
            380_000..=399_999,
        ],
        &[14, 15, 16, 17, 18, 19],
    ),
    own("unionpay", &[620_000..=629_999], &[16, 17, 18, 19]),
    own("mir", &[220_000..=220_499], &[16, 17, 18, 19]),
    own(
        "maestro",
        &[
            501_800..=501_899,
            502_000..=502_099,
            503_800..=503_899,
            589_300..=589_399,
            630_400..=630_499,
            675_900..=675_999,
            676_100..=676_399,
        ],
        MAESTRO_LENGTHS,
    ),
    // All that Maestro's own ranges were cut from. RuPay's 60 and 508 lie within.
    wide(
        "maestro",
        &[500_000..=509_999, 560_000..=589_999, 600_000..=699_999],
        MAESTRO_LENGTHS,
    ),
    wide("rupay", &[810_000..=829_999], &[16]),
];

const MAESTRO_LENGTHS: &[usize] = &[12, 13, 14, 15, 16, 17, 18, 19];

const _: () = assert!(MIN_DIGITS == 12 && MAX_DIGITS == 19);

/// The scheme whose range and length fit, if the digits pass Luhn and are not all the same.
pub(super) fn scheme_of(digits: &[u8]) -> Option<usize> {
    spend(SCHEMES.len());
    let issuer = digits
        .iter()
        .take(6)
        .fold(0, |value, &digit| value * 10 + u32::from(digit));
    let scheme = SCHEMES
        .iter()
        .position(|scheme| scheme.ranges.iter().any(|range| range.contains(&issuer)))
        .filter(|&scheme| SCHEMES[scheme].lengths.contains(&digits.len()))?;
    let varied = digits.iter().any(|digit| *digit != digits[0]);
    (varied && luhn(digits)).then_some(scheme)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_ranges_come_first_and_do_not_overlap() {
        assert!(SCHEMES.is_sorted_by(|a, b| a.grade >= b.grade));
        for issuer in 0..1_000_000 {
            for grade in [Grade::Own, Grade::Wide] {
                let owners = SCHEMES.iter().filter(|scheme| {
                    scheme.grade == grade
                        && scheme.ranges.iter().any(|range| range.contains(&issuer))
                });
                assert!(owners.count() <= 1, "{issuer}");
            }
        }
    }

    /// The rates that the documentation of the detector gives.
    #[test]
    fn share_of_random_numbers_that_pass() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut digit = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            u8::try_from((state >> 33) % 10).unwrap()
        };
        // Digits, and how many in 100,000 pass by an own range and by a wide one.
        for (length, own, wide) in [
            (12, 9, 1_130),
            (13, 1_009, 1_130),
            (14, 370, 1_130),
            (15, 572, 1_130),
            (16, 2_698, 1_330),
            (17, 698, 1_130),
            (18, 698, 1_130),
            (19, 1_698, 1_130),
        ] {
            let (mut owns, mut wides) = (0_i32, 0_i32);
            for _ in 0..100_000 {
                let digits: Vec<u8> = (0..length).map(|_| digit()).collect();
                match scheme_of(&digits).map(|scheme| SCHEMES[scheme].grade) {
                    Some(Grade::Own) => owns += 1,
                    Some(Grade::Wide) => wides += 1,
                    None => {}
                }
            }
            // Five times the standard deviation, which is below 55.
            assert!((owns - own).abs() < 260, "{length}: {owns}");
            assert!((wides - wide).abs() < 260, "{length}: {wides}");
        }
    }
}
