//! Tables, and the cost of hostile texts.

use super::*;
use crate::work;

pub(super) fn at(start: i64, end: i64, mask: Mask) -> Masked<'static> {
    Masked {
        span: Span { start, end },
        mask,
        label: "card",
    }
}

/// All of `text`, masked.
fn whole(text: &str, mask: Mask) -> String {
    let out = apply(text.as_bytes(), 0, &[at(0, i64::MAX, mask)]);
    String::from_utf8(out).unwrap()
}

#[test]
fn names_round_trip_from_mildest_to_strictest() {
    for mask in Mask::ALL {
        assert_eq!(mask.as_str().parse(), Ok(mask));
        assert_eq!(mask.to_string(), mask.as_str());
    }
    assert!(Mask::ALL.is_sorted());
    assert_eq!(
        "Full".parse::<Mask>(),
        Err(weir_types::UnknownMask("Full".into()))
    );
}

#[test]
fn masks_tell_where_they_stand() {
    let text = "pay 4111 1111 1111 1111, ab\u{301}c";
    let spans = [at(4, 23, Mask::Label), at(25, 27, Mask::Full)];
    let mut places = Vec::new();
    let out = apply_with(text.as_bytes(), 0, &spans, |place| places.push(place));
    assert_eq!(out, apply(text.as_bytes(), 0, &spans));
    let stands: Vec<(&str, &[u8])> = places
        .into_iter()
        .map(|place| (&text[place.original], &out[place.masked]))
        .collect();
    assert_eq!(
        stands,
        [
            ("4111 1111 1111 1111", &b"[card]"[..]),
            ("ab\u{301}", &b"**"[..])
        ]
    );
}

#[test]
fn what_masks_look_like() {
    use Mask::{FormatPreserving, Full, Label, LastFour};
    for (text, mask, masked) in [
        ("4111 1111 1111 1111", LastFour, "**** **** **** 1111"),
        ("4111111111111111", LastFour, "************1111"),
        (
            "4111 1111 1111 1111",
            FormatPreserving,
            "9999 9999 9999 9999",
        ),
        ("4111 1111 1111 1111", Label, "[card]"),
        ("4111 1111 1111 1111", Full, "*******************"),
        ("Bob@example.org", LastFour, "***@******e.org"),
        ("Bob@example.org", FormatPreserving, "Xxx@xxxxxxx.xxx"),
        // At most a third is shown.
        ("", LastFour, ""),
        ("12", LastFour, "**"),
        ("123", LastFour, "**3"),
        ("12-345", LastFour, "**-**5"),
        ("123456789", LastFour, "******789"),
        ("12345678901", LastFour, "********901"),
        ("123456789012", LastFour, "********9012"),
        // Other scripts, and look-alikes of separators.
        ("Ёлка ٣٤-字", FormatPreserving, "Xxxx 99-x"),
        ("４１１１－１１１１", FormatPreserving, "9999－9999"),
        ("४१११ ११११ ११११", LastFour, "**** **** ११११"),
        ("é①🙂字", Full, "****"),
        // Escapes are letters and digits of the text.
        ("%34%31%31%31", LastFour, "%**%**%**%31"),
        ("&#52;&#49;&#49;", LastFour, "&#**;&#**;&#49;"),
        // Symbols are masked, invisible characters go.
        ("a🙂b©c", FormatPreserving, "xxxxx"),
        ("a🙂b©cdef", LastFour, "******ef"),
        ("4\u{200b}1\u{300}\u{301}1\u{ad}1", Full, "****"),
        ("4\u{200b}1\u{300}11\u{202e}11", LastFour, "****11"),
        ("a\u{e0041}\u{e0042}1\u{0}", FormatPreserving, "x9"),
        ("\u{200b}", Full, ""),
        ("12\n34\r\n56", FormatPreserving, "99\n99\r\n99"),
        (
            "1\u{a0}2\u{2011}3＠4",
            FormatPreserving,
            "9\u{a0}9\u{2011}9＠9",
        ),
        ("two words", Full, "*********"),
    ] {
        assert_eq!(whole(text, mask), masked, "{mask} of {text:?}");
    }
}

#[test]
fn spans_count_from_the_base_and_are_clamped() {
    let text = b"abcdef";
    for (base, start, end, masked) in [
        (0, 1, 3, "a**def"),
        (100, 101, 103, "a**def"),
        (100, 0, 102, "**cdef"),
        (0, 4, 99, "abcd**"),
        (0, -5, 1, "*bcdef"),
        (0, i64::MIN, i64::MAX, "******"),
        (-3, -3, -1, "**cdef"),
        (i64::MIN, i64::MIN, i64::MIN + 1, "*bcdef"),
        (i64::MAX, 0, 5, "abcdef"),
        (0, 3, 3, "abcdef"),
        (0, 4, 2, "abcdef"),
        (0, 6, 9, "abcdef"),
        (0, i64::MAX, i64::MIN, "abcdef"),
    ] {
        let out = apply(text, base, &[at(start, end, Mask::Full)]);
        assert_eq!(out, masked.as_bytes(), "{base} {start} {end}");
    }
    assert_eq!(apply(b"", 0, &[at(0, 1, Mask::Label)]), b"");
    assert_eq!(apply(text, 0, &[]), text);
}

#[test]
fn overlapping_and_touching_spans_are_one_and_the_strictest_mask_wins() {
    use Mask::{FormatPreserving, Full, Label, LastFour};
    let text = b"aa 4111111111111111 bb";
    for (spans, masked) in [
        (
            vec![at(3, 11, LastFour), at(11, 19, LastFour)],
            "aa ************1111 bb",
        ),
        (
            vec![at(3, 11, LastFour), at(12, 19, LastFour)],
            "aa ******111*****11 bb",
        ),
        (
            vec![at(3, 19, LastFour), at(5, 6, Full)],
            "aa **************** bb",
        ),
        (
            vec![at(5, 6, Full), at(3, 19, LastFour)],
            "aa **************** bb",
        ),
        (
            vec![at(3, 19, LastFour), at(10, 11, FormatPreserving)],
            "aa 9999999999999999 bb",
        ),
        (
            vec![at(3, 12, FormatPreserving), at(10, 19, Label)],
            "aa [card] bb",
        ),
        (
            vec![at(3, 12, Label), at(10, 19, Full)],
            "aa **************** bb",
        ),
        (
            vec![at(0, 2, Full), at(20, 22, Label)],
            "** 4111111111111111 [card]",
        ),
    ] {
        assert_eq!(String::from_utf8(apply(text, 0, &spans)).unwrap(), masked);
    }
    let named = |start, end, label| Masked {
        label,
        ..at(start, end, Label)
    };
    let spans = [named(5, 9, "iban"), named(3, 7, "card"), named(20, 22, "")];
    assert_eq!(apply(text, 0, &spans), b"aa [card]1111111111 [masked]");
}

#[test]
fn spans_grow_to_whole_characters_and_take_marks_with_them() {
    for (text, start, end, masked) in [
        ("aéb", 1, 2, "a*b"),
        ("aéb", 2, 3, "a*b"),
        ("aéb", 0, 2, "**b"),
        ("a🙂b", 2, 3, "a*b"),
        ("a🙂b", 4, 6, "a**"),
        ("字字", 2, 4, "**"),
        ("ae\u{301}b", 1, 2, "a*b"),
        ("ae\u{301}\u{302}\u{fe0f}\u{200d}b", 1, 2, "a*b"),
        ("a👍\u{1f3fd}b", 1, 5, "a*b"),
        // The base before a span stays, its mark does not.
        ("ae\u{301}b", 2, 4, "aeb"),
        ("אבּ ב", 0, 4, "** ב"),
    ] {
        let out = apply(text.as_bytes(), 0, &[at(start, end, Mask::Full)]);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            masked,
            "{text:?} {start}..{end}"
        );
    }
}

#[test]
fn spans_that_meet_by_growing_are_one() {
    let text = "1e\u{301}2".as_bytes();
    let out = apply(text, 0, &[at(0, 2, Mask::LastFour), at(3, 5, Mask::Label)]);
    assert_eq!(out, b"[card]");
}

#[test]
fn broken_bytes_are_masked_inside_and_kept_outside() {
    let text = b"\xff\x80 4\xff1\xe5\xad 1\xc3";
    for (mask, masked) in [
        (Mask::Full, &b"\xff\x80 **** 1\xc3"[..]),
        (Mask::FormatPreserving, b"\xff\x80 9x9x 1\xc3"),
        (Mask::LastFour, b"\xff\x80 **** 1\xc3"),
        (Mask::Label, b"\xff\x80 [card] 1\xc3"),
    ] {
        assert_eq!(apply(text, 0, &[at(3, 8, mask)]), masked, "{mask}");
    }
    // Cutting a broken sequence does not change the part outside.
    assert_eq!(
        apply(b"\xe5\xad\xe5\xad", 0, &[at(1, 3, Mask::Full)]),
        b"\xe5**\xad"
    );
}

/// Steps for `count` spans over `unit` repeated to `bytes`.
fn steps(unit: &str, bytes: usize, spans: &[Masked<'_>]) -> usize {
    let text: Vec<u8> = unit.bytes().cycle().take(bytes).collect();
    work::count(|| drop(apply(&text, 0, spans)))
}

#[test]
fn cost_is_linear_on_hostile_texts() {
    const SMALL: i64 = 1 << 19;
    // Each as many spans as bytes, over 64: nested, a staircase, all alike, far apart.
    type Shape = fn(i64, i64) -> (i64, i64);
    let shapes: [Shape; 4] = [
        |i, n| (i, n - i),
        |i, n| (i * 64, (i * 64 + 4096).min(n)),
        |_, n| (1, n),
        |i, _| (i * 64, i * 64 + 1),
    ];
    for unit in ["a\u{301}", "\u{301}", "🙂", "\u{80}"] {
        for shape in shapes {
            let cost = |bytes: i64, mask| {
                let spans: Vec<_> = (0..bytes / 64)
                    .map(|i| shape(i, bytes))
                    .map(|(start, end)| at(start, end, mask))
                    .collect();
                steps(unit, usize::try_from(bytes).unwrap(), &spans)
            };
            for mask in [Mask::LastFour, Mask::Label] {
                let (small, large) = (cost(SMALL, mask), cost(2 * SMALL, mask));
                assert!(
                    large <= small * 22 / 10,
                    "{unit:?} {mask}: {small}, {large} for twice"
                );
                assert!(
                    large <= 8 * 2 * usize::try_from(SMALL).unwrap(),
                    "{unit:?} {mask}: {large}"
                );
            }
        }
    }
}
