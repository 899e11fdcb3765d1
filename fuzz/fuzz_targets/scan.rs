//! A scan of any bytes, and the masking of what it found.
//!
//! This is also the target for what turns a text into its clean view and maps spans back: both are
//! private to the crate, and a wrong map shows here as a span outside the text or one that moves with
//! the base.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use weir_detect::mask::{self, Mask, Masked};
use weir_detect::{Detector, Match};
use weir_policy::LiteralRule;
use weir_types::{Category, Severity};

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rule = |id: &str, literals: &[&str]| LiteralRule {
        id: id.to_owned(),
        category: Category::Violence,
        severity: Severity::High,
        score: 0.5,
        literals: literals.iter().map(|&literal| literal.to_owned()).collect(),
    };
    let rules = [
        rule("latin", &["kill", "kill you", "a"]),
        rule("other", &["привет", "自杀", "आत्महत्या", "انتحار"]),
    ];
    Detector::compile(&rules).expect("these rules are good")
});

fn scan(text: &[u8], base: i64) -> Vec<Match> {
    let mut found = Vec::new();
    DETECTOR.scan(text, base, &mut found);
    found
}

fuzz_target!(|text: &[u8]| {
    const BASE: i64 = 1 << 40;
    let found = scan(text, 0);
    let moved = scan(text, BASE);
    assert_eq!(found.len(), moved.len());
    let length = i64::try_from(text.len()).expect("inputs are small");
    let mut place = 0;
    for (here, there) in found.iter().zip(&moved) {
        assert!(0 <= here.span.start && here.span.start < here.span.end && here.span.end <= length);
        assert!(place <= here.span.start, "out of order");
        assert!((0.0..=1.0).contains(&here.score));
        assert_eq!(here.span.start + BASE, there.span.start);
        assert_eq!(here.span.end + BASE, there.span.end);
        place = here.span.start;
    }
    let spans: Vec<Masked<'_>> = found
        .iter()
        .map(|found| Masked {
            span: found.span,
            mask: Mask::Full,
            label: found.detector,
        })
        .collect();
    let masked = mask::apply(text, 0, &spans);
    // Masking must not break a text that was whole.
    assert!(std::str::from_utf8(text).is_err() || std::str::from_utf8(&masked).is_ok());
});
