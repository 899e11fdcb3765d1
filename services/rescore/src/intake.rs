//! From a record to a flagged text, or to the dead letter that says why not.

use std::sync::Arc;

use weir_bus::{InRecord, unix_ms};
use weir_registry::Ids;
use weir_types::{DeadLetterReason, Source};
use weir_wire::{DeadLetter, Flagged, Header};

/// Decodes a record.
pub(crate) fn flagged(
    topic: &Arc<str>,
    record: &InRecord,
    ids: &Ids,
) -> Result<Flagged, Box<DeadLetter>> {
    let refuse = |reason, detail: String| Box::new(dead_letter(topic, record, reason, detail));
    let Some(payload) = &record.payload else {
        let detail = "the record has no value".to_owned();
        return Err(refuse(DeadLetterReason::Invalid, detail));
    };
    let flagged: Flagged = weir_wire::decode_with(ids, payload)
        .map_err(|error| refuse(error.dead_letter_reason(), error.to_string()))?;
    let probability = flagged.inclusion_probability;
    let detail = if flagged.enc.is_some() {
        "the text is encrypted and this rescorer holds no keys"
    } else if !(probability > 0.0 && probability <= 1.0) {
        "inclusion_probability is outside 0..1"
    } else if flagged.byte_start < 0 {
        "byte_start begins at 0"
    } else {
        return Ok(flagged);
    };
    Err(refuse(DeadLetterReason::Invalid, detail.to_owned()))
}

fn dead_letter(
    topic: &Arc<str>,
    record: &InRecord,
    reason: DeadLetterReason,
    detail: String,
) -> DeadLetter {
    let header = |(name, value): &(String, Option<Vec<u8>>)| Header {
        name: name.clone(),
        value: value.clone(),
    };
    DeadLetter {
        source: Source {
            topic: Arc::clone(topic),
            partition: record.partition,
            offset: record.offset,
        },
        source_timestamp_ms: (record.timestamp_ms > 0).then_some(record.timestamp_ms),
        key: record.key.clone(),
        payload: record.payload.clone(),
        headers: record.headers.iter().map(header).collect(),
        reason,
        detail,
        stage: "rescore.decode".to_owned(),
        failed_at_ms: unix_ms(),
    }
    .fitting()
}
