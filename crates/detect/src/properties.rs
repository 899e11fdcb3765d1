//! Properties that hold for every text, and the cost of hostile ones.

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use weir_policy::{Near, TextRule};

use self::text::text_of;
use crate::pii::card;
use crate::testing::{cases, rule, scan_pieces, scan_with_pauses};
use crate::{Detector, Match, Scanner, work};

mod text;
mod watermarks;

pub(crate) use self::text::text;

fn detector() -> &'static Detector {
    static DETECTOR: LazyLock<Detector> = LazyLock::new(compile);
    &DETECTOR
}

fn compile() -> Detector {
    let pattern = TextRule {
        patterns: vec!["ba{1,3}b".to_owned(), r"\d{3}-[a-z]{2,5}".to_owned()],
        ..rule("four", &[])
    };
    let near = TextRule {
        except: vec!["kill you".to_owned()],
        near: Some(Near {
            literals: vec!["44".to_owned(), "a@".to_owned()],
            within: 20,
        }),
        ..rule("five", &["kill", "привет"])
    };
    Detector::compile(&[
        rule("one", &["a", "a a", "kill", "kill you"]),
        rule("two", &["a", "you", "привет", "自杀", "44"]),
        rule("colon", &["a:", "ab a:", "né:", "<|é|>"]),
        rule("three", &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "4444", "@"]),
        pattern,
        near,
    ])
    .unwrap()
}

fn scan(text: &[u8], base: i64) -> Vec<Match> {
    let mut out = Vec::new();
    detector().scan(text, base, &mut out);
    out
}

proptest! {
    #![proptest_config(cases(512))]

    #[test]
    fn spans_lie_in_the_text_sorted_and_disjoint_within_a_rule(text in text(), base in 0_i64..1 << 40) {
        let found = scan(&text, base);
        let end = base + i64::try_from(text.len()).unwrap();
        for m in &found {
            prop_assert!(base <= m.span.start && m.span.start < m.span.end && m.span.end <= end);
            prop_assert!((0.0..=1.0).contains(&m.score));
        }
        for (at, m) in found.iter().enumerate() {
            for later in &found[at + 1..] {
                prop_assert!(m.span.start <= later.span.start);
                let same = m.detector == later.detector && m.rule == later.rule;
                prop_assert!(!same || m.span.end <= later.span.start);
            }
        }
    }

    #[test]
    fn base_only_shifts_and_earlier_matches_stay(text in text(), base in -1_000_i64..1 << 40) {
        let mut moved = scan(&text, base);
        for m in &mut moved {
            m.span.start -= base;
            m.span.end -= base;
        }
        prop_assert_eq!(&moved, &scan(&text, 0));
        let mut twice = scan(b"kill 4111111111111111", 7);
        let earlier = twice.clone();
        detector().scan(&text, 0, &mut twice);
        prop_assert_eq!(&twice[..earlier.len()], &earlier[..]);
        prop_assert_eq!(&twice[earlier.len()..], &moved[..]);
    }

    #[test]
    fn lines_are_judged_apart(lines in proptest::collection::vec(text(), 0..4)) {
        let mut apart = Vec::new();
        let mut joined = Vec::new();
        for line in &lines {
            let mut line = line.clone();
            line.retain(|byte| *byte != b'\n');
            // A key cut short may end with the text, but not with a line.
            prop_assume!(memchr::memmem::find(&line, b"PRIVATE KEY").is_none());
            // A link that is not closed ends with its line.
            line.extend(b" ~\n");
            apart.extend(scan(&line, i64::try_from(joined.len()).unwrap()));
            joined.extend(line);
            // More than a disguise may put between two letters.
            joined.extend(b" ~\n".repeat(40));
        }
        prop_assert_eq!(scan(&joined, 0), apart);
    }

    #[test]
    fn planted_cards_are_found_exactly(
        before in "[a-zA-Z ,.:]{0,40}", after in "[a-zA-Z ,.:]{0,40}", stem in "4[0-9]{14}", gap in "[ -]?",
    ) {
        let number = card::tests::card(&stem);
        prop_assume!(number.bytes().any(|byte| byte != number.as_bytes()[0]));
        let number = [&number[..4], &number[4..8], &number[8..12], &number[12..]].join(&gap);
        let text = format!("{before} {number} {after}");
        let found = scan(text.as_bytes(), 0);
        // Its last twelve digits may be a card of another scheme by themselves.
        let (visa, others): (Vec<_>, Vec<_>) = found
            .iter()
            .filter(|m| m.detector == "card")
            .partition(|m| &*m.rule == "visa");
        prop_assert_eq!(visa.len(), 1);
        let start = i64::try_from(before.len() + 1).unwrap();
        let end = start + i64::try_from(number.len()).unwrap();
        prop_assert_eq!((visa[0].span.start, visa[0].span.end), (start, end));
        prop_assert!(others.iter().all(|m| start < m.span.start && m.span.end == end));
    }

    #[test]
    fn planted_addresses_are_found_exactly(
        before in "[a-zA-Z ,.:]{0,40}", after in "[a-zA-Z ,.:]{0,40}",
        address in "[a-z0-9_][a-z0-9_+]{0,20}(\\.[a-z0-9]{1,9})?@([a-z0-9]{1,20}\\.){1,3}(com|org|de|museum)",
    ) {
        let text = format!("{before} {address} {after}");
        let found = scan(text.as_bytes(), 0);
        let emails: Vec<_> = found.iter().filter(|m| m.detector == "email").collect();
        prop_assert_eq!(emails.len(), 1);
        let start = i64::try_from(before.len() + 1).unwrap();
        prop_assert_eq!(emails[0].span.start, start);
        prop_assert_eq!(emails[0].span.end, start + i64::try_from(address.len()).unwrap());
    }
}

proptest! {
    // Each case scans as often as it has bytes.
    #![proptest_config(cases(64))]

    #[test]
    fn cuts_change_nothing(text in text(), cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6)) {
        let detector = detector();
        let whole = scan(&text, 3);
        for cut in 0..=text.len() {
            let (left, right) = text.split_at(cut);
            prop_assert_eq!(&scan_pieces(detector, &[left, right], 3), &whole);
        }
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let starts = std::iter::once(&0).chain(&cuts);
        let pieces: Vec<&[u8]> = starts.zip(&cuts).map(|(&from, &to)| &text[from..to]).collect();
        prop_assert_eq!(&scan_with_pauses(detector, &pieces, 3), &whole);
        prop_assert_eq!(scan_pieces(detector, &pieces, 3), whole);
    }
}

proptest! {
    #![proptest_config(cases(24))]

    /// Texts longer than the window, so that it slides and drops what is behind.
    #[test]
    fn long_streams_find_what_the_whole_text_holds(
        text in text_of(200..800), lengths in proptest::collection::vec(1_usize..200, 1..8),
    ) {
        let detector = detector();
        let mut pieces = Vec::new();
        let mut rest = &text[..];
        for length in lengths.iter().cycle() {
            let (piece, after) = rest.split_at((*length).min(rest.len()));
            pieces.push(piece);
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        let (streamed, whole) = (scan_pieces(detector, &pieces, 0), scan(&text, 0));
        prop_assert_eq!(&scan_with_pauses(detector, &pieces, 0), &streamed);
        for m in &streamed {
            prop_assert!(whole.contains(m), "only in pieces: {:?} {:?}", m, around(&text, m));
        }
        for m in &whole {
            prop_assert!(streamed.contains(m), "only in the whole: {:?} {:?}", m, around(&text, m));
        }
    }
}

/// A finding and what stands around it, for the reader of a failure.
fn around(text: &[u8], m: &Match) -> String {
    let place = |at: i64| usize::try_from(at).unwrap().min(text.len());
    let range = place((m.span.start - 80).max(0))..place(m.span.end + 80);
    String::from_utf8_lossy(&text[range]).into_owned()
}

#[test]
fn nothing_found_allocates_no_list() {
    let mut out = Vec::new();
    detector().scan(b"the quick brown fox 12 jumps", 0, &mut out);
    assert_eq!(out.capacity(), 0);
}

/// Where the text is all there, to ask what is open would be work for nothing; in islands too.
#[test]
fn whole_texts_are_never_asked_what_is_open() {
    let text = b"pay bob@example.com 4111 1111 or cGxlYXNlIGtpbGwgeW91IG5vdyBraWxs";
    let mut out = Vec::new();
    let asked = work::asked(|| detector().scan(text, 0, &mut out));
    assert_eq!(asked, 0);
    assert!(out.len() > 1);
    let mut scanner = Scanner::new(detector(), 0);
    assert!(work::asked(|| scanner.push(text, &mut out)) > 0);
}

/// Steps for the first `bytes` of `unit` repeated.
fn steps(detector: &Detector, unit: &str, bytes: usize) -> usize {
    // Whole units: half an escape at the end is another character, which other detectors look at.
    let text = unit.repeat(bytes / unit.len()).into_bytes();
    let mut out = Vec::new();
    work::count(|| detector.scan(&text, 0, &mut out))
}

/// The most steps per byte on any hostile text, all detectors together; each is held to its own
/// bound beside it.
const MAX_STEPS_PER_BYTE: usize = 256;

#[test]
fn cost_is_linear_on_hostile_texts() {
    let detector = detector();
    let key = ["pypi-", "AgEIcHlwaS5vcmc"].concat();
    let spaced_key = format!("-{key}");
    let marks = ["sk-T3Blb", "kFJ"].concat();
    for unit in [
        "4",
        "4 4 4 4 ",
        "4-",
        "4444 ",
        "41111111 ",
        "4111 1111 1111 1111 ",
        "1 ",
        "@",
        "a@",
        "a@b.",
        "a.",
        ".",
        "%",
        "a",
        "a ",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ",
        "kill you ",
        "ghp_",
        " ghp_",
        "-glpat-",
        "ghs_1_eyJ",
        "-ghs_1_eyJ",
        "-ghs_1_eyJaaaaaaaaaaaaaaaa.",
        "xoxb-11111111-",
        "sk-",
        "sk-proj-",
        "sk-ant-a01-",
        &key,
        &spaced_key,
        &marks,
        "a@b.co ",
        "://a:b@c.de",
        "\u{301}",
        "\u{e0041}",
        "\u{200b}",
        "\u{202e}",
        "\u{1f3f4}\u{e0067}",
        "k\u{301}\u{301}\u{301}\u{301}\u{301}",
        "%41",
        "&#107;",
        "&",
        "k!i!l!l!",
        "k i l l ",
        "YWFhYWFhYWFhYWFh",
        "自杀",
        "ж@",
        "\u{80}",
        "é",
    ] {
        let (small, large) = (
            steps(detector, unit, 100_000),
            steps(detector, unit, 200_000),
        );
        assert!(
            large <= small * 22 / 10,
            "{unit:?}: {small} steps, {large} for twice the bytes"
        );
        assert!(
            large <= MAX_STEPS_PER_BYTE * 200_000,
            "{unit:?}: {large} steps for 200 kB"
        );
    }
}

/// Steps that a stream of such units takes, in chunks of `chunk` bytes.
fn streamed_steps(unit: &str, chunk: usize, bytes: usize) -> usize {
    let text = unit.repeat(bytes / unit.len()).into_bytes();
    let required = Arc::new(detector().require(|_, _, _| true));
    let mut scanner = Scanner::requiring(detector(), required, 0);
    let mut out = Vec::new();
    work::count(|| {
        for piece in text.chunks(chunk) {
            scanner.push(piece, &mut out);
        }
    })
}

/// What a chunk costs does not grow with the stream before it.
#[test]
fn cost_of_a_stream_is_linear() {
    for unit in [
        "4",
        "4 4 4 4 ",
        "4111 1111 1111 1111 ",
        "a",
        "A",
        "a b ",
        "kill ",
        "k i l l ",
        "ghp_",
        "@",
        "-",
        "-----BEGIN ",
        "DE89 ",
        "<",
        "%41",
        "\u{301}",
        "YWFhYWFhYWFhYWFh",
        "自杀",
        "e",
        "!",
    ] {
        let (small, large) = (
            streamed_steps(unit, 16, 20_000),
            streamed_steps(unit, 16, 40_000),
        );
        assert!(
            large <= small * 22 / 10,
            "{unit:?}: {small} steps, {large} for twice the bytes"
        );
    }
}

#[test]
fn cost_is_linear_at_ten_megabytes() {
    let detector = &Detector::compile(&[rule("r", &["kill yourself now"])]).unwrap();
    let flood = format!("k{}", "\u{301}\u{316}".repeat(500));
    for unit in [
        "4",
        "4 4 4 4 ",
        "@",
        "a@",
        "ghp_",
        "a",
        "kill yourself no ",
        "k i l l y o u r s e l f ",
        &flood,
    ] {
        let (small, large) = (
            steps(detector, unit, 5_000_000),
            steps(detector, unit, 10_000_000),
        );
        assert!(
            large <= small * 22 / 10,
            "{unit:?}: {small} steps, {large} for twice the bytes"
        );
    }
}
