//! What the rescorer gets to see.

use weir_bus::InRecord;
use weir_lane::{Judged, StreamJudged};
use weir_registry::Ids;
use weir_types::Selected;
use weir_wire::{Flagged, Prompt};

/// A prompt that was selected. Its text is in its record still; it was judged, so that decodes.
pub(crate) fn of_prompt(
    record: &InRecord,
    ids: &Ids,
    judged: &Judged,
    selected: Selected,
) -> Option<Flagged> {
    let prompt: Prompt = weir_wire::decode_with(ids, record.payload.as_ref()?).ok()?;
    // Spans of the verdict count in the segments' text as one.
    let segments = prompt.segments.into_iter();
    let text = segments.flat_map(|segment| segment.text).collect();
    Some(Flagged {
        subject_id: prompt.subject_id,
        locale_hint: prompt.locale_hint,
        ..flagged(judged, selected, text, 0)
    })
}

/// What was judged of a stream, if it was selected.
pub(crate) fn of_stream(judged: &StreamJudged) -> Option<Flagged> {
    let (selected, text) = (judged.judged.selected?, judged.text.as_ref()?);
    let bytes = text.bytes.clone();
    Some(flagged(&judged.judged, selected, bytes, text.byte_start))
}

fn flagged(judged: &Judged, selected: Selected, text: Vec<u8>, byte_start: i64) -> Flagged {
    let verdict = &judged.verdict;
    Flagged {
        verdict_id: verdict.verdict_id.clone(),
        request_id: verdict.request_id.clone(),
        stream_id: verdict.stream_id.clone(),
        tenant: verdict.tenant.clone(),
        subject_id: None,
        worker_id: verdict.worker_id.clone(),
        policy_hash: verdict.provenance.policy_hash.clone(),
        text,
        byte_start,
        source: judged.source.clone(),
        // A text that is cut is shown up to there.
        released_to: verdict.released_to.max(verdict.truncate_at.unwrap_or(0)),
        selection_reason: selected.reason,
        inclusion_probability: selected.probability,
        fast_action: verdict.action,
        fast_scores: verdict.scores.clone(),
        locale_hint: None,
        language: verdict.provenance.language.clone(),
        enc: None,
    }
}
