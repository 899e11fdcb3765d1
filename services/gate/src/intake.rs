//! From a record to a prompt or chunk that the lane can judge, or to the reason why not.

use std::sync::Arc;

use weir_bus::InRecord;
use weir_lane::{Arrival, ChunkInput, OpeningInput, PromptInput, StreamEnd};
use weir_registry::Ids;
use weir_types::{DeadLetterReason, Micros, Source};
use weir_wire::{Chunk, End, Opening, Prompt};

/// Ids and names are short. Longer ones would come back in the verdict and might make it larger
/// than its topic takes; and a longer key is no request id.
const MAX_NAME_BYTES: usize = 1024;

/// A record that cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Under what a dead letter is filed.
    pub reason: DeadLetterReason,
    /// The reason in words, without anything of the text.
    pub detail: String,
    /// The request, if the key tells it: then it gets an error verdict.
    pub request_id: Option<String>,
}

impl Rejected {
    pub(crate) fn panicked() -> Self {
        Self {
            reason: DeadLetterReason::Panicked,
            detail: "judging the record panicked".to_owned(),
            request_id: None,
        }
    }
}

/// Decodes a prompt record. A record without a key is judged all the same if its value decodes:
/// the value names the request.
///
/// # Errors
/// Why it cannot be judged.
pub fn prompt(
    record: &InRecord,
    source: Source,
    owner_epoch: i64,
    arrival: Arrival,
    ids: &Ids,
) -> Result<PromptInput, Rejected> {
    let reject = |reason, detail: String| Rejected {
        reason,
        detail,
        request_id: request_id(record),
    };
    let Some(payload) = &record.payload else {
        return Err(reject(
            DeadLetterReason::Invalid,
            "the record has no value".to_owned(),
        ));
    };
    let prompt: Prompt = weir_wire::decode_with(ids, payload)
        .map_err(|error| reject(error.dead_letter_reason(), error.to_string()))?;
    let names = [&prompt.request_id, &prompt.tenant, &prompt.worker_id];
    if let Some(detail) = bad_names(names.map(String::as_str), prompt.locale_hint.as_deref()) {
        return Err(reject(DeadLetterReason::Invalid, detail));
    }
    if prompt.enc.is_some() {
        let detail = "the text is encrypted and this gate holds no keys".to_owned();
        return Err(Rejected {
            request_id: Some(prompt.request_id),
            ..reject(DeadLetterReason::Invalid, detail)
        });
    }
    Ok(PromptInput {
        source,
        owner_epoch,
        request_id: prompt.request_id,
        tenant: prompt.tenant,
        worker_id: prompt.worker_id,
        locale_hint: prompt.locale_hint,
        // A negative budget is a spent one.
        budget: prompt
            .budget_us
            .map(|budget| Micros(u64::try_from(budget).unwrap_or(0))),
        segments: prompt
            .segments
            .into_iter()
            .map(|segment| segment.text)
            .collect(),
        arrival,
    })
}

/// Decodes a chunk record, which needs no key either.
///
/// # Errors
/// Why it cannot be judged.
pub fn chunk(
    record: &InRecord,
    source: Source,
    owner_epoch: i64,
    arrival: Arrival,
    ids: &Ids,
) -> Result<ChunkInput, Rejected> {
    let reject = |reason, detail: String| Rejected {
        reason,
        detail,
        request_id: request_id(record),
    };
    let Some(payload) = &record.payload else {
        let detail = "the record has no value".to_owned();
        return Err(reject(DeadLetterReason::Invalid, detail));
    };
    let chunk: Chunk = weir_wire::decode_with(ids, payload)
        .map_err(|error| reject(error.dead_letter_reason(), error.to_string()))?;
    let hint = chunk
        .opening
        .as_ref()
        .and_then(|opening| opening.locale_hint.as_deref());
    let names = [&chunk.request_id, &chunk.tenant, &chunk.worker_id];
    if let Some(detail) = bad_names(names.map(String::as_str), hint) {
        return Err(reject(DeadLetterReason::Invalid, detail));
    }
    let detail = if chunk.enc.is_some() {
        Some("the text is encrypted and this gate holds no keys")
    } else if chunk.seq < 0 || chunk.byte_start < 0 {
        Some("seq and byte_start begin at 0")
    } else {
        None
    };
    if let Some(detail) = detail {
        return Err(Rejected {
            request_id: Some(chunk.request_id),
            ..reject(DeadLetterReason::Invalid, detail.to_owned())
        });
    }
    Ok(chunk_input(chunk, source, owner_epoch, arrival))
}

/// What the lane is to know of a chunk.
#[must_use]
pub fn chunk_input(chunk: Chunk, source: Source, owner_epoch: i64, arrival: Arrival) -> ChunkInput {
    ChunkInput {
        stream_id: chunk.stream_id(),
        source,
        owner_epoch,
        request_id: chunk.request_id,
        seq: chunk.seq,
        byte_start: chunk.byte_start,
        text: chunk.text,
        end: match chunk.end {
            End::None => None,
            End::Complete => Some(StreamEnd::Complete),
            End::ClientAbort => Some(StreamEnd::ClientAbort),
            End::Error => Some(StreamEnd::Error),
        },
        tenant: chunk.tenant,
        worker_id: chunk.worker_id,
        opening: chunk.opening.map(opening),
        arrival,
    }
}

/// A negative limit is none at all, and a negative budget a spent one.
fn opening(opening: Opening) -> OpeningInput {
    let count = |limit: i32| usize::try_from(limit).ok();
    OpeningInput {
        locale_hint: opening.locale_hint,
        budget: opening
            .budget_us
            .map(|budget| Micros(u64::try_from(budget).unwrap_or(0))),
        hold_chars: opening.hold_chars.and_then(count),
        hold: opening
            .hold_ms
            .and_then(|ms| u64::try_from(ms).ok())
            .map(Micros::from_millis),
        on_expiry: opening.on_expiry,
        fail_mode: opening.fail_mode,
        // A newer worker may name categories that this gate has no model of.
        prompt_categories: opening
            .prompt_categories
            .iter()
            .filter_map(|name| name.parse().ok())
            .collect(),
    }
}

/// What is wrong with ids and names (request, tenant, worker), if anything.
fn bad_names([request, tenant, worker]: [&str; 3], locale_hint: Option<&str>) -> Option<String> {
    if request.is_empty() {
        return Some("request_id is empty".to_owned());
    }
    let names = [
        ("request_id", request.len()),
        ("tenant", tenant.len()),
        ("worker_id", worker.len()),
        ("locale_hint", locale_hint.map_or(0, str::len)),
    ];
    let (name, length) = names
        .into_iter()
        .find(|(_, length)| *length > MAX_NAME_BYTES)?;
    Some(format!(
        "{name} has {length} bytes, {MAX_NAME_BYTES} at most are taken"
    ))
}

/// Where a record stands.
pub(crate) fn source(topic: &Arc<str>, record: &InRecord) -> Source {
    Source {
        topic: Arc::clone(topic),
        partition: record.partition,
        offset: record.offset,
    }
}

fn request_id(record: &InRecord) -> Option<String> {
    let key = record.key.as_ref()?;
    let readable = std::str::from_utf8(key).ok()?;
    (!readable.is_empty() && readable.len() <= MAX_NAME_BYTES).then(|| readable.to_owned())
}

#[cfg(test)]
mod tests {
    use weir_types::{Category, FailMode, OnExpiry};
    use weir_wire::{Enc, Role, Segment};

    use super::*;

    fn record(payload: Option<Vec<u8>>, key: Option<&[u8]>) -> InRecord {
        InRecord {
            payload,
            key: key.map(<[u8]>::to_vec),
            ..InRecord::default()
        }
    }

    fn take(record: &InRecord) -> Result<PromptInput, Rejected> {
        let source = source(&"t".into(), record);
        prompt(record, source, 1, Arrival::default(), &Ids::compiled_in())
    }

    fn frame(prompt: &Prompt) -> Vec<u8> {
        let mut frame = Vec::new();
        weir_wire::encode(prompt, &mut frame).unwrap();
        frame
    }

    #[test]
    fn a_good_record_needs_no_key_and_may_hold_any_bytes() {
        let prompt = Prompt {
            segments: vec![Segment {
                role: Role::User,
                name: None,
                text: vec![0xff, 0x00],
            }],
            budget_us: Some(-5),
            ..Prompt::new("r", "acme", "w")
        };
        let input = take(&record(Some(frame(&prompt)), None)).unwrap();
        assert_eq!(input.request_id, "r");
        assert_eq!(input.segments, [vec![0xff, 0x00]]);
        assert_eq!(input.budget, Some(Micros::ZERO));
    }

    #[test]
    fn categories_of_the_prompt_that_this_gate_does_not_know_are_passed_over() {
        let names = ["hate", "Hate", "", "weapons", "violence", "hate"];
        let opening = opening(Opening {
            locale_hint: None,
            budget_us: None,
            hold_chars: None,
            hold_ms: None,
            on_expiry: OnExpiry::Hold,
            fail_mode: FailMode::Open,
            prompt_verdict_id: None,
            prompt_categories: names.map(str::to_owned).to_vec(),
        });
        let known = [Category::Hate, Category::Violence, Category::Hate];
        assert_eq!(opening.prompt_categories, known);
    }

    #[test]
    fn names_that_would_swell_the_verdict_are_refused() {
        let long = "x".repeat(MAX_NAME_BYTES + 1);
        for prompt in [
            Prompt::new(&long, "acme", "w"),
            Prompt::new("r", &long, "w"),
            Prompt::new("r", "acme", &long),
            Prompt {
                locale_hint: Some(long.clone()),
                ..Prompt::new("r", "acme", "w")
            },
        ] {
            let rejected = take(&record(Some(frame(&prompt)), Some(b"r"))).unwrap_err();
            assert_eq!(rejected.reason, DeadLetterReason::Invalid);
            assert!(
                rejected.detail.contains("1025 bytes"),
                "{}",
                rejected.detail
            );
        }
    }

    #[test]
    fn bad_records_say_why_and_whose_they_are() {
        let good = frame(&Prompt::new("r", "acme", "w"));
        let mut unknown = good.clone();
        unknown[1..5].copy_from_slice(&77_777u32.to_be_bytes());
        let mut cut = good.clone();
        cut.truncate(good.len() - 3);
        let encrypted = frame(&Prompt {
            enc: Some(Enc {
                key_id: "k".to_owned(),
                nonce: vec![0; 12],
            }),
            ..Prompt::new("secret", "acme", "w")
        });
        type Case<'a> = (
            Option<Vec<u8>>,
            Option<&'a [u8]>,
            DeadLetterReason,
            Option<&'a str>,
        );
        let cases: [Case<'_>; 8] = [
            (None, Some(b"r"), DeadLetterReason::Invalid, Some("r")),
            (
                Some(vec![]),
                Some(b"r"),
                DeadLetterReason::MalformedFrame,
                Some("r"),
            ),
            (
                Some(b"{\"json\": 1}".to_vec()),
                None,
                DeadLetterReason::MalformedFrame,
                None,
            ),
            (
                Some(unknown),
                Some(b"r"),
                DeadLetterReason::UnknownSchema,
                Some("r"),
            ),
            (
                Some(cut),
                Some(b"\xff\xfe"),
                DeadLetterReason::Undecodable,
                None,
            ),
            (Some(good), Some(b""), DeadLetterReason::Invalid, None),
            (
                Some(encrypted),
                None,
                DeadLetterReason::Invalid,
                Some("secret"),
            ),
            (
                Some(frame(&Prompt::new("", "a", "w"))),
                Some(b"r"),
                DeadLetterReason::Invalid,
                Some("r"),
            ),
        ];
        for (index, (payload, key, reason, request_id)) in cases.into_iter().enumerate() {
            if index == 5 {
                // An empty key is no request id, but a good value does not need one.
                assert!(take(&record(payload, key)).is_ok());
                continue;
            }
            let rejected = take(&record(payload, key)).unwrap_err();
            assert_eq!(rejected.reason, reason, "case {index}");
            assert_eq!(rejected.request_id.as_deref(), request_id, "case {index}");
            assert!(!rejected.detail.contains("json"), "nothing of the text");
        }
    }
}
