//! Frames from someone who means harm: every one decodes or gives an error, and costs little.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use weir_types::{DeadLetterReason, Source, Verdict};
use weir_wire::{
    Checkpoint, Chunk, DatumFault, DeadLetter, DecodeError, Enc, Flagged, HEADER_BYTES, Header,
    Prompt, Role, Segment, Subject, decode, encode,
};

fn golden(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/../../schemas/examples/{name}.hex",
        env!("CARGO_MANIFEST_DIR")
    );
    let hex = std::fs::read_to_string(path).unwrap().replace('\n', "");
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn header(subject: Subject) -> Vec<u8> {
    let mut frame = vec![0];
    frame.extend_from_slice(&subject.id().to_be_bytes());
    frame
}

fn prompt_frame(datum: &[u8]) -> Vec<u8> {
    [&header(Subject::Prompt)[..], datum].concat()
}

/// Decodes as every type; whatever decodes must encode again.
fn decode_as_all(frame: &[u8]) {
    let mut out = Vec::new();
    if let Ok(record) = decode::<Prompt>(frame) {
        encode(&record, &mut out).unwrap();
    }
    if let Ok(record) = decode::<Chunk>(frame) {
        encode(&record, &mut out).unwrap();
    }
    if let Ok(record) = decode::<Verdict>(frame) {
        encode(&record, &mut out).unwrap();
    }
    if let Ok(record) = decode::<Flagged>(frame) {
        encode(&record, &mut out).unwrap();
    }
    if let Ok(record) = decode::<DeadLetter>(frame) {
        encode(&record, &mut out).unwrap();
    }
    if let Ok(record) = decode::<Checkpoint>(frame) {
        encode(&record, &mut out).unwrap();
    }
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn arbitrary_bytes_never_panic(frame in prop::collection::vec(any::<u8>(), 0..200)) {
        decode_as_all(&frame);
    }

    #[test]
    fn arbitrary_datums_never_panic(
        which in 0..Subject::ALL.len(),
        datum in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        decode_as_all(&[&header(Subject::ALL[which])[..], &datum].concat());
    }

    #[test]
    fn mutated_records_never_panic(
        which in 0..6_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
    ) {
        let names = ["prompt", "chunk", "verdict", "flagged", "dead-letter", "checkpoint"];
        let mut frame = golden(names[which]);
        for (index, byte, edit) in edits {
            // The header stays, or nearly no frame would get past it.
            let at = HEADER_BYTES + index.index(frame.len() - HEADER_BYTES);
            match edit {
                0 => frame[at] = byte,
                1 => frame.insert(at, byte),
                2 if frame.len() > HEADER_BYTES + 1 => drop(frame.remove(at)),
                _ => frame.truncate(at + 1),
            }
        }
        decode_as_all(&frame);
    }

    #[test]
    fn any_prompt_round_trips(
        ids in any::<[String; 3]>(),
        optional in any::<(Option<String>, Option<String>, Option<i64>)>(),
        texts in prop::collection::vec((any::<Option<String>>(), bytes()), 0..4),
        enc in prop::option::of((any::<String>(), bytes())),
    ) {
        let [request_id, tenant, worker_id] = ids;
        let (subject_id, locale_hint, budget_us) = optional;
        let segment = |(name, text)| Segment { role: Role::Assistant, name, text };
        let prompt = Prompt {
            request_id, tenant, subject_id, worker_id, locale_hint, budget_us,
            segments: texts.into_iter().map(segment).collect(),
            enc: enc.map(|(key_id, nonce)| Enc { key_id, nonce }),
        };
        let mut frame = Vec::new();
        encode(&prompt, &mut frame).unwrap();
        prop_assert_eq!(decode::<Prompt>(&frame), Ok(prompt.clone()));
        let json = serde_json::to_string(&prompt).unwrap();
        prop_assert_eq!(serde_json::from_str::<Prompt>(&json).unwrap(), prompt);
    }

    #[test]
    fn any_dead_letter_round_trips(
        place in any::<(String, i32, i64)>(),
        times in any::<(Option<i64>, i64)>(),
        original in prop::array::uniform2(prop::option::of(bytes())),
        headers in prop::collection::vec((any::<String>(), prop::option::of(bytes())), 0..3),
        words in any::<[String; 2]>(),
    ) {
        let [key, payload] = original;
        let [detail, stage] = words;
        let letter = DeadLetter {
            source: Source { topic: place.0.into(), partition: place.1, offset: place.2 },
            source_timestamp_ms: times.0,
            key, payload,
            headers: headers.into_iter().map(|(name, value)| Header { name, value }).collect(),
            reason: DeadLetterReason::Panicked,
            detail, stage,
            failed_at_ms: times.1,
        };
        let mut frame = Vec::new();
        encode(&letter, &mut frame).unwrap();
        prop_assert_eq!(decode::<DeadLetter>(&frame), Ok(letter.clone()));
        let json = serde_json::to_string(&letter).unwrap();
        prop_assert_eq!(serde_json::from_str::<DeadLetter>(&json).unwrap(), letter);
    }
}

#[test]
fn lying_lengths_are_refused_before_anything_is_allocated() {
    // request_id claims 2^40 bytes, then a negative number of them.
    let huge = prompt_frame(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x40]);
    assert_eq!(
        decode::<Prompt>(&huge),
        Err(DecodeError::Datum(DatumFault::Length))
    );
    assert_eq!(
        decode::<Prompt>(&prompt_frame(&[0x01])),
        Err(DecodeError::Datum(DatumFault::Length))
    );
    // 16 MiB is the most, and one more is too much.
    let most = prompt_frame(&[0x80, 0x80, 0x80, 0x10]);
    assert_eq!(
        decode::<Prompt>(&most),
        Err(DecodeError::Datum(DatumFault::Cut))
    );
    let more = prompt_frame(&[0x82, 0x80, 0x80, 0x10]);
    assert_eq!(
        decode::<Prompt>(&more),
        Err(DecodeError::Datum(DatumFault::Length))
    );
}

#[test]
fn an_array_that_claims_endless_items_ends_with_its_bytes() {
    // request r, tenant t, no subject, worker w, no hint, no budget, then 2^62 segments.
    let mut datum = b"\x02r\x02t\0\x02w\0\0".to_vec();
    datum.extend_from_slice(&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    assert_eq!(
        decode::<Prompt>(&prompt_frame(&datum)),
        Err(DecodeError::Datum(DatumFault::Cut))
    );
}

#[test]
fn each_kind_of_damage_has_its_name() {
    let frame = golden("prompt");
    let mut longer = frame.clone();
    longer.extend_from_slice(b"xyz");
    assert_eq!(
        decode::<Prompt>(&longer),
        Err(DecodeError::TrailingBytes(3))
    );
    assert_eq!(
        decode::<Prompt>(&frame[..frame.len() - 1]),
        Err(DecodeError::Datum(DatumFault::Cut))
    );
    assert_eq!(
        decode::<Chunk>(&frame),
        Err(DecodeError::WrongSchema {
            expected: Subject::Chunk,
            found: Subject::Prompt
        })
    );
    assert_eq!(
        decode::<Prompt>(b"\0\0\0\0\x01"),
        Err(DecodeError::UnknownSchema(1))
    );
    assert_eq!(decode::<Prompt>(b"{}"), Err(DecodeError::TooShort));
    assert_eq!(
        decode::<Prompt>(b"{\"text\":1}"),
        Err(DecodeError::BadMagic(b'{'))
    );
    let not_utf8 = prompt_frame(b"\x02\xff");
    assert_eq!(
        decode::<Prompt>(&not_utf8),
        Err(DecodeError::Datum(DatumFault::Utf8))
    );
    let third_variant = prompt_frame(b"\x02r\x02t\x04");
    assert_eq!(
        decode::<Prompt>(&third_variant),
        Err(DecodeError::Datum(DatumFault::Index))
    );
}

#[test]
fn messages_are_lower_case_and_hold_no_text() {
    let mut frame = golden("prompt");
    // Inside the request id, so that a string stops being UTF-8.
    frame[HEADER_BYTES + 3] = 0xff;
    let error = decode::<Prompt>(&frame).unwrap_err();
    assert_eq!(error.to_string(), "datum is invalid: a string is not utf-8");
    assert!(!format!("{error:?}").contains("7f3a"));
}
