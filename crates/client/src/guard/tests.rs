use std::sync::Arc;

use weir_types::{Disposition, FailMode, Micros, OnExpiry, StreamContract};

use super::Guard;
use crate::effect::{ChunkParts, Effect};
use crate::prompt::PromptCheck;
use crate::text::MAX_STREAM_BYTES;

fn bypassed() -> Guard {
    let contract = StreamContract {
        budget_us: 1,
        hold_chars: 0,
        hold_ms: 0,
        on_expiry: OnExpiry::Hold,
        fail_mode: FailMode::Open,
        disposition: Disposition::Keep,
        completion: None,
    };
    Guard::new(PromptCheck::bypassed(Arc::new(contract)))
}

/// Many streams are open at once: what one takes beyond its text is in the documentation.
#[test]
fn a_stream_takes_less_than_a_kibibyte() {
    assert!(size_of::<Guard>() <= 1024, "{}", size_of::<Guard>());
}

#[test]
fn nothing_that_is_printed_shows_the_text() {
    let mut guard = bypassed();
    let effects = guard.push(b"hush", Micros::ZERO).unwrap();
    let chunk = Effect::Send(ChunkParts {
        seq: 0,
        byte_start: 0,
        text: b"hush".to_vec(),
        end: weir_wire::End::None,
        opening: None,
    });
    let bytes = "104, 117, 115, 104";
    for shown in [
        format!("{effects:?}"),
        format!("{guard:?}"),
        format!("{chunk:?}"),
    ] {
        assert!(!shown.contains("hush") && !shown.contains(bytes), "{shown}");
    }
}

#[test]
fn what_is_refused_changes_nothing_and_says_how_much_there_was() {
    let mut guard = bypassed();
    guard.push(b"abc", Micros::ZERO).unwrap();
    let error = guard
        .push(&vec![b'x'; MAX_STREAM_BYTES - 2], Micros::ZERO)
        .unwrap_err();
    let wanted = "a stream's text may have 1048576 bytes, and these 1048574 come after 3";
    assert_eq!(error.to_string(), wanted);
    assert!(
        guard
            .push(&vec![b'x'; MAX_STREAM_BYTES - 3], Micros::ZERO)
            .is_ok()
    );
}
