//! The calendar, which dates of birth in numbers are held to.

/// Whether there is such a day. Of a year given by two digits, 00 counts as a leap year: 2000 was.
pub(in crate::pii) fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        2 => 28 + u32::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (year, month, day, good) in [
            (2024, 2, 29, true),
            (2023, 2, 29, false),
            (1900, 2, 29, false),
            (0, 2, 29, true),
            (99, 12, 31, true),
            (99, 4, 31, false),
            (99, 13, 1, false),
            (99, 0, 1, false),
            (99, 1, 0, false),
        ] {
            assert_eq!(is_date(year, month, day), good, "{year} {month} {day}");
        }
    }
}
