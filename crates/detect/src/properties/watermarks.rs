//! What a scan says is clear is so, whatever follows.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;

use super::detector;
use super::text::text_of;
use crate::reader::Reader;
use crate::testing::cases;
use crate::{Match, Required, Scanner};

/// Everything that a policy may wait for, by the name that findings give it.
static EACH: LazyLock<Vec<(&str, Required)>> = LazyLock::new(|| {
    let readers = Reader::ALL.into_iter().filter_map(Reader::detector);
    readers
        .chain(["literal", "pattern", "api_key"])
        .map(|name| (name, detector().require(|wanted, _, _| wanted == name)))
        .collect()
});

/// Whether every byte before `clear` of the findings of a detector had been handed over.
fn clear_before(
    clear: usize,
    name: &str,
    handed_over: &[Match],
    whole: &[Match],
) -> Result<(), String> {
    let clear = i64::try_from(clear).unwrap();
    for found in whole.iter().filter(|found| found.detector == name) {
        let end = found.span.end.min(clear);
        let covered = (found.span.start..end).all(|byte| {
            handed_over.iter().any(|early| {
                early.detector == found.detector
                    && early.rule == found.rule
                    && (early.span.start..early.span.end).contains(&byte)
            })
        });
        if !covered {
            return Err(format!("clear of {name} to {clear}, but then: {found:?}"));
        }
    }
    Ok(())
}

/// Pushes the pieces and checks after each that what is clear of each detector is so whatever follows.
fn check(text: &[u8], cuts: &[usize]) -> Result<(), TestCaseError> {
    let required = Arc::new(detector().require(|_, _, _| true));
    let mut whole = Vec::new();
    detector().scan_requiring(&required, text, 0, &mut whole);
    let mut scanner = Scanner::requiring(detector(), required, 0);
    let (mut out, mut from, mut settled) = (Vec::new(), 0, 0);
    for cut in cuts {
        scanner.push(&text[from..*cut], &mut out);
        from = *cut;
        prop_assert!(settled <= scanner.settled());
        settled = scanner.settled();
        prop_assert!(settled <= i64::try_from(from).unwrap());
        for (name, required) in EACH.iter() {
            let clear = scanner.clear_of(required);
            if let Err(leak) = clear_before(clear, name, &out, &whole) {
                let text = String::from_utf8_lossy(text);
                return Err(TestCaseError::fail(format!("{leak} at {cut} of {text:?}")));
            }
        }
    }
    scanner.push(&text[from..], &mut out);
    scanner.finish(&mut out);
    crate::settle(&mut out, 0);
    prop_assert_eq!(out, whole);
    Ok(())
}

proptest! {
    #![proptest_config(cases(512))]

    /// Every cut in two, and byte by byte.
    #[test]
    fn nothing_begins_in_what_is_settled(text in text_of(0..6)) {
        for cut in 0..=text.len() {
            check(&text, &[cut])?;
        }
        check(&text, &(0..=text.len()).collect::<Vec<_>>())?;
    }
}
