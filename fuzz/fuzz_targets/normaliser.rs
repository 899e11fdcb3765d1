//! A scan of any bytes, whole and in pieces, and of what masking left of them.
//!
//! What turns a text into its clean view and maps spans back is private to the crate. A wrong map
//! shows here as a span outside the text, one that moves with the base, or one that depends on where
//! the text was cut.
//!
//! An input is a byte that says how many cuts there are, a byte for each of them, then the text.

#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use weir_detect::mask::{self, Mask, Masked};
use weir_detect::{Detector, Match, Required, Scanner, settle};
use weir_policy::{Near, TextRule};
use weir_types::{Category, Severity};

/// Bits of the first byte that say how many cuts there are.
const CUTS: u8 = 0b111;
/// One input in so many, by a hash of it, is made longer than the scanner's window: those take about
/// fifty times as long as others, and a choice that an input makes would soon be made by most.
const LONG_OF: u32 = 256;
/// Bytes put into the middle of a long text: the window looks some 2,000 ahead and 500 back.
const FILLER_BYTES: usize = 3000;
const FILLER: &[u8] = b"~ . ";

static DETECTOR: LazyLock<Detector> = LazyLock::new(|| {
    let rule = |id: &str, literals: &[&str]| TextRule {
        id: id.to_owned(),
        category: Category::Violence,
        severity: Severity::High,
        score: 0.5,
        literals: literals.iter().map(|&literal| literal.to_owned()).collect(),
        patterns: Vec::new(),
        except: Vec::new(),
        near: None,
    };
    let rules = [
        rule("latin", &["kill", "kill you", "a", "c++", "</s>"]),
        rule("other", &["привет", "自杀", "आत्महत्या", "انتحار"]),
        TextRule {
            patterns: vec!["ba{1,3}b".to_owned(), r"\d{3}-[a-z]{2,5}".to_owned()],
            except: vec!["123-abc".to_owned()],
            ..rule("pattern", &[])
        },
        TextRule {
            except: vec!["kill the process".to_owned()],
            near: Some(Near {
                literals: vec!["you".to_owned(), "44".to_owned()],
                within: 20,
            }),
            ..rule("near", &["kill", "привет"])
        },
    ];
    Detector::compile(&rules).expect("these rules are good")
});

fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let Some((cuts, text)) = rest.split_at_checked(usize::from(count & CUTS)) else {
        return;
    };
    let mut text = text.to_vec();
    if hash(data).is_multiple_of(LONG_OF) {
        let middle = text.len() / 2;
        text.splice(
            middle..middle,
            FILLER.iter().copied().cycle().take(FILLER_BYTES),
        );
    }

    let whole = scan(&text);
    check(&text, &whole);
    let required = Arc::new(DETECTOR.require(|_, _, _| true));
    let mut streamed = Vec::new();
    DETECTOR.scan_requiring(&required, &text, 0, &mut streamed);
    assert_eq!(
        in_pieces(&text, cuts, &required, &streamed),
        streamed,
        "cuts change what is found"
    );
    if whole.is_empty() {
        return;
    }

    let spans: Vec<Masked<'_>> = whole
        .iter()
        .zip(Mask::ALL.into_iter().cycle())
        .map(|(found, mask)| Masked {
            span: found.span,
            mask,
            label: found.detector,
        })
        .collect();
    let masked = mask::apply(&text, 0, &spans);
    assert!(
        std::str::from_utf8(&text).is_err() || std::str::from_utf8(&masked).is_ok(),
        "masking broke a text that was whole"
    );
    check(&masked, &scan(&masked));
});

/// FNV-1a, its upper half.
fn hash(data: &[u8]) -> u32 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for &byte in data {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash >> 32) as u32
}

fn scan(text: &[u8]) -> Vec<Match> {
    let mut found = Vec::new();
    DETECTOR.scan(text, 0, &mut found);
    found
}

/// What a scan of the text's pieces finds, merged and in order. Its base is another one, which is
/// taken off again: a base must only shift. After each piece nothing that the `whole` text holds may
/// begin in what is settled without having been handed over.
fn in_pieces(text: &[u8], cuts: &[u8], required: &Arc<Required>, whole: &[Match]) -> Vec<Match> {
    const BASE: i64 = 1 << 40;
    let mut cuts: Vec<usize> = cuts
        .iter()
        .map(|&cut| usize::from(cut) * (text.len() + 1) / 256)
        .collect();
    cuts.push(text.len());
    cuts.sort_unstable();
    let mut found = Vec::new();
    let mut scanner = Scanner::requiring(&*DETECTOR, Arc::clone(required), BASE);
    let mut from = 0;
    let mut settled = BASE;
    for cut in cuts {
        scanner.push(&text[from..cut], &mut found);
        from = cut;
        assert!(scanner.settled() >= settled, "settled went back");
        settled = scanner.settled();
        for expected in whole {
            check_handed_over(expected, &found, BASE, settled);
        }
    }
    scanner.finish(&mut found);
    settle(&mut found, 0);
    for found in &mut found {
        found.span.start -= BASE;
        found.span.end -= BASE;
    }
    found
}

/// Every byte of a finding before `settled` must be in findings of its rule that were handed over.
fn check_handed_over(expected: &Match, found: &[Match], base: i64, settled: i64) {
    let same = |found: &&Match| found.detector == expected.detector && found.rule == expected.rule;
    let end = settled.min(base + expected.span.end);
    for byte in base + expected.span.start..end {
        let covers = |found: &Match| (found.span.start..found.span.end).contains(&byte);
        assert!(
            found.iter().filter(same).any(covers),
            "settled, but not handed over"
        );
    }
}

/// Spans lie in the text, in order, and those of one rule do not overlap.
fn check(text: &[u8], found: &[Match]) {
    let length = i64::try_from(text.len()).expect("inputs are small");
    for (at, here) in found.iter().enumerate() {
        assert!(0 <= here.span.start && here.span.start < here.span.end && here.span.end <= length);
        assert!((0.0..=1.0).contains(&here.score));
        for later in &found[at + 1..] {
            assert!(here.span.start <= later.span.start, "out of order");
            if later.span.start >= here.span.end {
                break;
            }
            let same = here.detector == later.detector && here.rule == later.rule;
            assert!(!same, "one rule found overlapping places");
        }
    }
}
