//! Personal data with a checksum or a form of its own: bank accounts, national numbers, passports.

mod digits;
pub(crate) mod iban;
pub(crate) mod national_id;
pub(crate) mod passport;

#[cfg(test)]
pub(crate) mod testing {
    use weir_types::Category;

    use crate::matched::{self, Match};
    use crate::view::View;
    use crate::work;

    /// What `scan` finds in `text`: rule and the text found, by position.
    pub(crate) fn found(
        scan: impl Fn(&View<'_>, &mut Vec<Match>),
        text: &str,
    ) -> Vec<(String, String)> {
        let mut out = Vec::new();
        scan(&View::new(text.as_bytes(), 0), &mut out);
        matched::settle(&mut out, 0);
        out.into_iter()
            .map(|m| {
                assert_eq!(m.category, Category::Pii);
                assert!((0.0..=1.0).contains(&m.score), "{}", m.score);
                let range =
                    usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
                (m.rule.to_string(), text[range].to_owned())
            })
            .collect()
    }

    /// Asserts that each unit, repeated to 1 MB, costs at most `per_byte` steps a byte and twice
    /// as much at 2 MB.
    pub(crate) fn assert_linear(
        scan: impl Fn(&View<'_>, &mut Vec<Match>),
        per_byte: usize,
        units: &[&str],
    ) {
        for unit in units {
            let steps = |bytes: usize| {
                let text: Vec<u8> = unit.bytes().cycle().take(bytes).collect();
                let mut out = Vec::new();
                work::count(|| scan(&View::new(&text, 0), &mut out))
            };
            let (small, large) = (steps(1_000_000), steps(2_000_000));
            assert!(large <= small * 22 / 10, "{unit:?}: {small}, then {large}");
            assert!(
                large <= per_byte * 2_000_000,
                "{unit:?}: {large} steps for 2 MB"
            );
        }
    }
}
