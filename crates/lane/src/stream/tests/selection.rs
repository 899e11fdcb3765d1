//! Which windows of streams the rescorer gets to see.

use weir_types::SelectionReason;

use super::*;
use crate::JudgedText;

fn lane_looking(second_look: &str) -> Lane {
    lane_under(&format!("{POLICY}second_look: {second_look}\n"), RULES)
}

/// What is selected of a stream of these chunks, the last of which ends it.
fn selected(lane: &mut Lane, chunks: &[&str]) -> Vec<Option<(SelectionReason, JudgedText)>> {
    let mut start = 0;
    let mut told = Vec::new();
    for (seq, text) in chunks.iter().enumerate() {
        let last = seq + 1 == chunks.len();
        let seq = i64::try_from(seq).unwrap();
        if lane.on_chunk(chunk("", seq, start, text.as_bytes(), last), Micros::ZERO) == Taken::Late
        {
            break;
        }
        start += text.len();
        let judged = answer(lane, Micros::ZERO);
        let reason = judged.judged.selected.map(|it| it.reason);
        assert_eq!(reason.is_some(), judged.text.is_some());
        told.push(reason.zip(judged.text));
    }
    told
}

fn text(byte_start: i64, text: &str) -> JudgedText {
    JudgedText {
        byte_start,
        bytes: text.as_bytes().to_vec(),
    }
}

#[test]
fn a_finding_is_looked_at_once_and_a_cut_as_a_whole() {
    let chunks = [
        "It says some words, ",
        "and goes on. ",
        "Quietly. ",
        "To kill him, yes. ",
        "No more.",
    ];
    let told = selected(&mut lane_looking("{ sample: 0 }"), &chunks);
    let flagged = |chunks: &[&str]| Some((SelectionReason::Flagged, text(0, &chunks.concat())));
    // What follows may still be part of a word, so the first finding comes with the second chunk.
    let expected = [None, flagged(&chunks[..2]), None, flagged(&chunks[..4])];
    assert_eq!(told, expected);
}

#[test]
fn without_a_classifier_a_sampled_stream_is_looked_at_when_it_is_over() {
    let chunks = ["Nothing ", "to see ", "here."];
    let told = selected(&mut lane_looking("{ sample: 1 }"), &chunks);
    let whole = Some((SelectionReason::Sample, text(0, "Nothing to see here.")));
    assert_eq!(told, [None, None, whole.clone()]);
    // The same stream again draws the same.
    assert_eq!(selected(&mut lane_looking("{ sample: 1 }"), &chunks), told);
    assert_eq!(
        selected(&mut lane_looking("{ sample: 0 }"), &chunks),
        [None, None, None]
    );
    let policy = selected(&mut lane_looking("{ all: true }"), &chunks)
        .pop()
        .unwrap();
    assert_eq!(policy.unwrap().0, SelectionReason::Policy);
    // Of an empty stream there is nothing to look at.
    assert_eq!(selected(&mut lane_looking("{ all: true }"), &[""]), [None]);
}

#[test]
fn each_window_of_a_selected_stream_is_looked_at() {
    let policy = format!("{POLICY}second_look: {{ uncertain: 0.1 }}\n");
    let mut lane = lane_under(&policy, RULES);
    lane.config.classifier = Some(ModelRef {
        name: "test".to_owned(),
        hash: "00".repeat(32),
    });
    let mut reasons = Vec::new();
    for (seq, hate) in [0.1, 0.45, 0.55, 0.2].into_iter().enumerate() {
        let sentence =
            "Words without an end that go on and on and on, and then some more of them, yes. "
                .repeat(4);
        let (at, seq) = (seq * sentence.len(), i64::try_from(seq).unwrap());
        lane.on_chunk(chunk("", seq, at, sentence.as_bytes(), false), Micros::ZERO);
        let Some(StreamStep::Judge(job)) = lane.answer(Micros::ZERO).pop() else {
            panic!("the classifier was not asked");
        };
        let completion = scored(&job, hate);
        let judged = lane.on_window(&completion, Micros::ZERO).unwrap();
        reasons.push(judged.judged.selected.map(|it| it.reason));
        if let Some(text) = judged.text {
            let end = text.byte_start + i64::try_from(text.bytes.len()).unwrap();
            assert_eq!(end, i64::try_from(at + sentence.len()).unwrap());
        }
    }
    use SelectionReason::{Flagged, Uncertain};
    assert_eq!(reasons, [None, Some(Uncertain), Some(Flagged), None]);
}
