//! A replay lets happen what happened.

use super::*;
use crate::Refusal;

const ID: &str = "r/0/0/content";

#[test]
fn a_stream_is_answered_where_its_original_was() {
    let text = b"Pay with 4111 1111 1111 1111, please.";
    let (mut live, mut replay) = (lane_with(false), lane_with(false));
    let cuts = [0, 10, 20, 30, text.len()];
    let chunks = (0..).zip(cuts.windows(2)).map(|(seq, cut)| {
        let last = cut[1] == text.len();
        chunk("", seq, cut[0], &text[cut[0]..cut[1]], last)
    });
    // Live, the first three came together.
    let mut recorded = Vec::new();
    for input in chunks.clone() {
        let seq = input.seq;
        live.on_chunk(input, Micros::ZERO);
        if seq >= 2 {
            recorded.push(answer(&mut live, Micros::ZERO).judged.verdict);
        }
    }
    let mut given = Vec::new();
    for input in chunks {
        replay.on_chunk(input, Micros::from_millis(5));
        let (id, seq_to) = replay.due_verdict(ID).unwrap();
        if let Some(verdict) = recorded.iter().find(|verdict| verdict.verdict_id == id) {
            assert_eq!(seq_to, verdict.seq_to);
            let step = replay.answer_stream(ID, None, Micros::from_millis(5));
            let Some(StreamStep::Verdict(judged)) = step else {
                panic!("{step:?}")
            };
            given.push(judged.judged.verdict);
        }
    }
    for verdict in recorded.iter_mut().chain(&mut given) {
        verdict.times = weir_types::StageTimes::default();
    }
    assert_eq!((given.len(), given), (2, recorded));
    assert!(replay.due_verdict(ID).is_none() && replay.answer(Micros::ZERO).is_empty());
}

#[test]
fn time_does_what_it_did_and_nothing_else() {
    let with_gap = || {
        let mut lane = lane_with(false);
        lane.on_chunk(chunk("", 0, 0, b"Some ", false), Micros::ZERO);
        answer(&mut lane, Micros::ZERO);
        lane.on_chunk(chunk("", 2, 9, b"more.", false), Micros::ZERO);
        lane
    };
    let late = Micros::from_millis(900);

    let mut lane = with_gap();
    assert!(lane.on_stream_tick_if(late, |_, _| false).is_empty());
    assert_eq!(lane.open_streams(), 1);
    let silent = Micros::from_millis(5000);
    assert!(lane.on_stream_tick_if(silent, |_, _| false).is_empty());

    // The chunk behind the gap is what the verdict covers.
    let source = chunk("", 2, 9, b"", false).source;
    let expected = weir_types::derive_verdict_id("r", &source, 2..=2, weir_types::Stage::Fast);
    let missing = |verdict: &Verdict| {
        let mut unjudged = verdict.unjudged.iter();
        unjudged.any(|one| one.cause == UnjudgedCause::Missing)
    };
    let mut lane = with_gap();
    let mut judged = lane.on_stream_tick_if(late, |stream, verdict| {
        (stream, &verdict.verdict_id) == (ID, &expected)
    });
    let verdict = judged.pop().unwrap().judged.verdict;
    assert!(verdict.verdict_id == expected && missing(&verdict));

    // Before its time, by the replay's clock.
    let mut lane = with_gap();
    assert!(lane.hurry_stream(ID, true, |_| false).is_none());
    let judged = lane.hurry_stream(ID, false, |verdict| verdict.verdict_id == expected);
    let verdict = judged.unwrap().judged.verdict;
    assert!(verdict.verdict_id == expected && missing(&verdict));
    let mut lane = lane_with(false);
    lane.on_chunk(chunk("", 0, 0, b"Some ", false), Micros::ZERO);
    answer(&mut lane, Micros::ZERO);
    assert!(
        lane.hurry_stream(ID, false, |_| true).is_none(),
        "it waits for nothing"
    );
    assert!(lane.hurry_stream(ID, true, |_| true).unwrap().closed);
}

#[test]
fn a_window_is_left_out_for_the_reason_that_was_recorded() {
    let mut lane = lane_with(true);
    lane.on_chunk(chunk("", 0, 0, b"A sentence.", true), Micros::ZERO);
    let refusal = Refusal::Because(UnjudgedCause::Shed);
    let step = lane.answer_stream(ID, Some(refusal), Micros::ZERO);
    let Some(StreamStep::Verdict(judged)) = step else {
        panic!("{step:?}")
    };
    let [unjudged] = judged.judged.verdict.unjudged.as_slice() else {
        panic!("{:?}", judged.judged.verdict.unjudged)
    };
    assert_eq!(unjudged.cause, UnjudgedCause::Shed);
}
