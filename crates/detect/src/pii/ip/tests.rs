//! Invented addresses, and those of the reserved blocks.

use super::*;
use crate::work;

fn found(text: &str) -> Vec<(String, String, f32)> {
    let mut out = Vec::new();
    IpDetector::new().scan(&View::new(text.as_bytes(), 0), &mut out);
    out.into_iter()
        .map(|m| {
            assert_eq!((m.detector, m.category), ("ip", Category::Pii));
            let range =
                usize::try_from(m.span.start).unwrap()..usize::try_from(m.span.end).unwrap();
            (m.rule.to_string(), text[range].to_owned(), m.score)
        })
        .collect()
}

#[test]
fn words_raise_the_score() {
    assert_eq!(found("77.91.3.250")[0].2, SCORE_ALONE);
    assert_eq!(found("IP address 77.91.3.250")[0].2, SCORE_WORD);
}

#[test]
fn nothing_found_allocates_nothing() {
    let mut out = Vec::new();
    IpDetector::new().scan(&View::new(b"At 12:30. Pi is 3.14: see 1.2.", 0), &mut out);
    assert_eq!(out.capacity(), 0);
}

#[test]
fn cost_is_linear_on_hostile_texts() {
    for unit in [
        ".",
        ":",
        "1.",
        "1.1.1.1 ",
        "77.91.3.250 ",
        "version 1.1.1.1 ",
        "2a02:",
        "2a02::",
        ": ",
        "2a02:1:1::1 ",
        "1.1.1.1/",
        "§1.1.1.1",
        "77.91.3.250-",
    ] {
        let text: Vec<u8> = unit.bytes().cycle().take(1 << 20).collect();
        let mut out = Vec::new();
        let steps = work::count(|| IpDetector::new().scan(&View::new(&text, 0), &mut out));
        assert!(steps <= 40 * text.len(), "{unit:?}: {steps}");
    }
}

#[test]
fn findings_are_local() {
    let v6 = "2a02:8070:d1c4:0:1c2b:33aa:ff01:17";
    for (text, address) in [
        ("the server 77.91.3.250 is", "77.91.3.250"),
        ("and 77.91.3.250, whose host", "77.91.3.250"),
        (v6, v6),
    ] {
        let filler = "of no note ".repeat(20);
        let long = format!("{filler}{text} {filler}");
        let spot = long.find(address).unwrap();
        let window = &long[spot - BEHIND..spot + AHEAD];
        assert_eq!(found(&long), found(window), "{text:?}");
        assert_eq!(found(window).len(), 1, "{text:?}");
    }
}
