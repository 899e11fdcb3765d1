//! Masks on any bytes and any spans: what lies outside stays, what was inside goes.

#![no_main]

use libfuzzer_sys::fuzz_target;
use weir_detect::mask::{self, Mask, Masked};
use weir_types::Span;

/// Most spans made of an input.
const SPANS: usize = 8;

// A byte for the number of spans, three a span (start, length, mask), then the text.
fuzz_target!(|data: &[u8]| {
    let Some((&count, rest)) = data.split_first() else {
        return;
    };
    let count = usize::from(count) % (SPANS + 1);
    let Some((choices, text)) = rest.split_at_checked(3 * count) else {
        return;
    };
    let spans: Vec<Masked<'_>> = choices
        .chunks_exact(3)
        .map(|choice| {
            // Spans may begin before the text, end beyond it and be inverted.
            let start = i64::from(choice[0]) - 2;
            Masked {
                span: Span {
                    start,
                    end: start + i64::from(choice[1]) - 2,
                },
                mask: Mask::ALL[usize::from(choice[2]) % Mask::ALL.len()],
                label: "x",
            }
        })
        .collect();
    let out = mask::apply(text, 0, &spans);

    // Bytes before and after all spans are as they were; a span moves its edges by less than a
    // character at the front and by marks at the back.
    let real = || {
        spans
            .iter()
            .filter(|s| s.span.start < s.span.end && s.span.end > 0)
    };
    let first = real()
        .map(|s| s.span.start.max(0))
        .min()
        .unwrap_or(i64::MAX);
    let first = usize::try_from(first).map_or(text.len(), |first| first.min(text.len()));
    let kept = if first == text.len() {
        first
    } else {
        first.saturating_sub(3)
    };
    assert!(
        out.starts_with(&text[..kept]),
        "bytes before the spans changed"
    );

    assert!(
        std::str::from_utf8(text).is_err() || std::str::from_utf8(&out).is_ok(),
        "UTF-8 became something else"
    );

    let alone = |mask| {
        let span = Span {
            start: 0,
            end: i64::MAX,
        };
        mask::apply(
            text,
            0,
            &[Masked {
                span,
                mask,
                label: "x",
            }],
        )
    };
    assert!(alone(Mask::Full).iter().all(|byte| *byte == b'*'));
    assert!(text.is_empty() || alone(Mask::Label) == b"[x]");
    assert!(
        !alone(Mask::FormatPreserving)
            .iter()
            .any(|byte| byte.is_ascii_alphanumeric() && !b"9Xx".contains(byte))
    );
    let shown = alone(Mask::LastFour);
    assert!(
        shown
            .iter()
            .filter(|byte| byte.is_ascii_alphanumeric())
            .count()
            <= 4
    );
});
