//! The Luhn check digit, which cards and some national numbers carry.

use crate::work::spend;

/// Whether `digits` (values `0..=9`, check digit last) pass the Luhn test of ISO/IEC 7812-1.
///
/// Of random numbers one in ten does.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    spend(digits.len());
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, digit) {
            (0, _) => u32::from(digit),
            (_, 0..=4) => u32::from(digit) * 2,
            _ => u32::from(digit) * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors() {
        // ISO/IEC 7812-1, annex B; every change of one digit breaks it.
        let good = [7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3];
        assert!(luhn(&good));
        for place in 0..good.len() {
            let mut bad = good;
            bad[place] = (bad[place] + 1) % 10;
            assert!(!luhn(&bad), "{place}");
        }
    }
}
