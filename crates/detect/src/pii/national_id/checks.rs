//! Arithmetic that several countries share.

/// The values of exactly `N` digits.
pub(super) fn digits<const N: usize>(chars: &[u8]) -> Option<[u8; N]> {
    let chars: &[u8; N] = chars.try_into().ok()?;
    chars
        .iter()
        .all(u8::is_ascii_digit)
        .then(|| chars.map(|byte| byte - b'0'))
}

/// Whether not all values are the same.
pub(super) fn varied(digits: &[u8]) -> bool {
    digits.iter().any(|digit| *digit != digits[0])
}

/// The sum of digits times weights, as far as both go.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits
        .iter()
        .zip(weights)
        .map(|(&digit, weight)| u32::from(digit) * weight)
        .sum()
}

/// The number that digits spell; at most nine of them.
pub(super) fn number(digits: &[u8]) -> u32 {
    digits
        .iter()
        .fold(0, |value, &digit| value * 10 + u32::from(digit))
}

/// ISO/IEC 7064 mod 11,10, check digit last.
pub(super) fn mod_11_10(digits: &[u8]) -> bool {
    let Some((&last, body)) = digits.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, &digit| {
        let sum = (product + u32::from(digit)) % 10;
        let sum = if sum == 0 { 10 } else { sum };
        sum * 2 % 11
    });
    (product + u32::from(last)) % 10 == 1
}

/// Verhoeff's check over the dihedral group of ten elements, check digit last (J. Verhoeff,
/// "Error detecting decimal codes", 1969).
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    const PERMUTATION: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let product = digits
        .iter()
        .rev()
        .enumerate()
        .fold(0, |product, (place, &digit)| {
            let moved = (0..place % 8).fold(digit, |digit, _| PERMUTATION[usize::from(digit)]);
            times(product, moved)
        });
    product == 0
}

/// The product of two elements: 0 to 4 are rotations, 5 to 9 reflections.
fn times(left: u8, right: u8) -> u8 {
    match (left < 5, right < 5) {
        (true, true) => (left + right) % 5,
        (true, false) => (left + right - 5) % 5 + 5,
        (false, true) => (left - right) % 5 + 5,
        (false, false) => (5 + left - right) % 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<u8> {
        text.bytes().map(|byte| byte - b'0').collect()
    }

    #[test]
    fn published_checks() {
        // Verhoeff's example 236 with check digit 3; the example of ISO/IEC 7064 for mod 11,10.
        for (check, good) in [
            (verhoeff as fn(&[u8]) -> bool, "2363"),
            (mod_11_10, "07945"),
        ] {
            assert!(check(&values(good)), "{good}");
            for at in 0..good.len() {
                for change in 1..10 {
                    let mut bad = values(good);
                    bad[at] = (bad[at] + change) % 10;
                    assert!(!check(&bad), "{bad:?}");
                }
            }
        }
        // Verhoeff catches every swap of neighbours.
        assert!(!verhoeff(&values("2336")) && !verhoeff(&values("3263")));
    }

    #[test]
    fn group_table() {
        // Rows 0 and 5 of the table in "Error detecting decimal codes", and associativity.
        let row = |left| (0..10).map(|right| times(left, right)).collect::<Vec<_>>();
        assert_eq!(row(0), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        assert_eq!(row(5), [5, 9, 8, 7, 6, 0, 4, 3, 2, 1]);
        for a in 0..10 {
            for b in 0..10 {
                for c in 0..10 {
                    assert_eq!(times(times(a, b), c), times(a, times(b, c)));
                }
            }
        }
    }
}
