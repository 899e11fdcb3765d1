//! Streams that are saved and gone on with elsewhere.

use super::*;
use crate::SavedStream;
use weir_detect::StateError;

const ID: &str = "r/0/0/content";

/// The verdicts on all that was taken in. Windows with `hate` in them score as such.
fn answers(lane: &mut Lane, now: Micros) -> Vec<StreamJudged> {
    let steps = lane.answer(now);
    let judged = steps.into_iter().map(|step| match step {
        StreamStep::Verdict(judged) => *judged,
        StreamStep::Judge(job) => {
            let hateful = job.texts[0].contains("hate");
            let completion = scored(&job, if hateful { 0.95 } else { 0.1 });
            lane.on_window(&completion, now).unwrap()
        }
    });
    judged.collect()
}

/// A lane, and by how much its clock is ahead.
struct Clocked(Lane, u64);

impl Clocked {
    fn now(&self, now: Micros) -> Micros {
        now.plus(Micros(self.1))
    }

    /// Takes a chunk and tells what becomes of it; before that, what time has brought about.
    fn take(&mut self, mut input: ChunkInput, now: Micros) -> (bool, Vec<Verdict>) {
        let now = self.now(now);
        let mut judged = self.0.on_stream_tick(now);
        input.arrival.received = now;
        let taken = self.0.on_chunk(input, now);
        judged.extend(answers(&mut self.0, now));
        (
            matches!(taken, Taken::New | Taken::Pins),
            judged.into_iter().map(|it| it.judged.verdict).collect(),
        )
    }

    /// The same streams in a lane that knows nothing else, whose clock began at another time.
    fn moved(&self, now: Micros) -> Self {
        let mut other = Self(lane_with(true), self.1 * 3 % 50_000_000 + 1_000_000);
        if let Some(saved) = self.0.save_stream(ID, self.now(now)).unwrap() {
            other.0.restore_stream(saved, 5, other.now(now)).unwrap();
        }
        other
    }
}

/// Texts long enough for windows of the classifier, which suspects some.
fn long_text() -> impl Strategy<Value = Vec<u8>> {
    let prose = prop_oneof![
        Just("word ".repeat(30)),
        Just("words that hate. ".repeat(9)),
        Just("Nothing to see here, move on. ".repeat(5)),
    ]
    .prop_map(String::into_bytes);
    proptest::collection::vec(prop_oneof![text(), prose], 1..8).prop_map(|texts| texts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// A stream that is saved and restored after every chunk is told the same as one that never is:
    /// with chunks out of order, repeated and missing, with suspicion held and released.
    #[test]
    fn a_restored_stream_goes_on_as_if_nothing_had_happened(
        text in long_text(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..20),
        swaps in proptest::collection::vec(0..6_u8, 20),
        waits in proptest::collection::vec(prop_oneof![3 => 0_u64..9_000, 1 => 9_000_u64..60_000], 21),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
        cuts.push(text.len());
        cuts.sort_unstable();
        let mut chunks: Vec<ChunkInput> = Vec::new();
        let mut from = 0;
        for (seq, to) in cuts.iter().enumerate() {
            let last = seq + 1 == cuts.len();
            chunks.push(chunk("", i64::try_from(seq).unwrap(), from, &text[from..*to], last));
            from = *to;
        }
        let mut order: Vec<usize> = (0..chunks.len()).collect();
        for at in 1..order.len() {
            match swaps[(at - 1) % swaps.len()] {
                0 => order.swap(at - 1, at),
                1 => order[at] = order[at - 1],
                _ => {}
            }
        }
        let mut plain = Clocked(lane_with(true), 0);
        let mut moved = Clocked(lane_with(true), 500_000);
        let mut now = Micros::ZERO;
        for (at, index) in order.into_iter().enumerate() {
            now = now.plus(Micros(waits[at % waits.len()]));
            let offset = 100 + 2 * i64::try_from(at).unwrap();
            let record = sent_as(offset, chunks[index].clone());
            let expected = plain.take(record.clone(), now);
            let told = moved.take(record.clone(), now);
            prop_assert_eq!(&told, &expected, "chunk {} of {:?}", at, String::from_utf8_lossy(&text));
            if plain.0.open_streams() == 0 {
                break;
            }
            prop_assert!(moved.0.save_stream(ID, moved.now(now)).unwrap().is_some());
            moved = moved.moved(now);
            // What was taken in last is read again, and changes nothing...
            prop_assert_eq!(moved.take(record, now), (false, Vec::new()));
            // ... and sent again, which tells that the stream goes on, and time with it.
            let again = sent_as(offset + 1, chunks[index].clone());
            let expected = plain.take(again.clone(), now);
            prop_assert_eq!(moved.take(again, now), expected);
        }
        // Silence ends it, after a second.
        for wait in [20_000, 979_999, 1] {
            now = now.plus(Micros(wait));
            let end = |lane: &mut Clocked| {
                let now = lane.now(now);
                let judged = lane.0.on_stream_tick(now).into_iter();
                judged.map(|it| it.judged.verdict).collect::<Vec<_>>()
            };
            prop_assert_eq!(end(&mut moved), end(&mut plain));
        }
        prop_assert_eq!(moved.0.open_streams(), 0);
    }
}

fn seconds(seconds: u64) -> Micros {
    Micros::from_millis(1000 * seconds)
}

/// The lane with a stream of some chunks, all answered.
fn lane_with_chunks(chunks: i64) -> Lane {
    let mut lane = lane_with(false);
    for seq in 0..chunks {
        let start = usize::try_from(4 * seq).unwrap();
        lane.on_chunk(chunk("", seq, start, b"one ", false), Micros::ZERO);
        answer(&mut lane, Micros::ZERO);
    }
    lane
}

const AFTER: Micros = Micros::from_millis(5000);

#[test]
fn a_stream_is_due_to_be_saved_when_it_has_pinned_a_chunk_for_long() {
    let mut lane = lane_with(false);
    let first = chunk("", 0, 0, b"one ", false);
    assert_eq!(lane.on_chunk(first, Micros::ZERO), Taken::Pins);
    // What it took in is told first.
    assert!(lane.streams_to_save(seconds(5), AFTER, 9).is_empty());
    assert_eq!(lane.save_stream(ID, Micros::ZERO), Ok(None));
    answer(&mut lane, Micros::ZERO);
    let next = chunk("", 1, 4, b"two ", false);
    assert_eq!(lane.on_chunk(next, Micros::ZERO), Taken::New);
    answer(&mut lane, Micros::ZERO);
    assert!(lane.streams_to_save(Micros(4_999_999), AFTER, 9).is_empty());
    assert!(lane.streams_to_save(seconds(5), AFTER, 0).is_empty());
    assert_eq!(lane.streams_to_save(seconds(5), AFTER, 9), [ID.into()]);
    // Nobody saved it, so it is due again.
    assert!(lane.streams_to_save(Micros(9_999_999), AFTER, 9).is_empty());
    assert_eq!(lane.streams_to_save(seconds(10), AFTER, 9), [ID.into()]);
    let pin = lane.unpin_stream(ID).unwrap();
    assert_eq!((pin.partition, pin.offset), (1, 100));
    assert_eq!(lane.unpin_stream(ID), None);
    assert!(lane.streams_to_save(seconds(99), AFTER, 9).is_empty());
    // The next chunk is in no checkpoint, even one that has to wait.
    let later = chunk("", 3, 12, b"four", false);
    assert_eq!(lane.on_chunk(later, seconds(11)), Taken::Pins);
    let third = chunk("", 2, 8, b"3 is", true);
    assert_eq!(lane.on_chunk(third, seconds(11)), Taken::New);
    let last = answer(&mut lane, seconds(11));
    assert!(last.closed);
    assert_eq!(last.pin.unwrap().offset, 103);
    assert!(lane.streams_to_save(seconds(99), AFTER, 9).is_empty());
}

#[test]
fn what_a_checkpoint_holds_is_not_answered_again() {
    let saved = lane_with_chunks(3).save_stream(ID, Micros::ZERO).unwrap();
    let saved = saved.unwrap();
    assert_eq!((saved.next_seq, saved.source.offset), (3, 102));
    let mut lane = lane_with(false);
    lane.restore_stream(saved, 6, seconds(1)).unwrap();
    // The partition is read again from before the checkpoint.
    let again = chunk("", 2, 8, b"one ", false);
    assert_eq!(lane.on_chunk(again, seconds(1)), Taken::Duplicate);
    assert!(lane.answer(seconds(1)).is_empty());
    // It does not tell that the stream went on: it is closed as it stands.
    let closed = lane.on_stream_tick(seconds(2));
    assert!(closed[0].closed && closed[0].pin.is_none());
    let verdict = &closed[0].judged.verdict;
    assert_eq!((verdict.released_to, verdict.owner_epoch), (12, 6));
}

#[test]
fn a_chunk_sent_again_after_a_restore_is_answered_with_where_the_stream_stands() {
    let saved = lane_with_chunks(3).save_stream(ID, Micros::ZERO).unwrap();
    let mut lane = lane_with(false);
    lane.restore_stream(saved.unwrap(), 6, seconds(1)).unwrap();
    let again = sent_as(200, chunk("", 2, 8, b"one ", false));
    assert_eq!(lane.on_chunk(again, seconds(1)), Taken::Duplicate);
    let verdict = answer(&mut lane, seconds(1)).judged.verdict;
    assert_eq!(
        (verdict.seq_to, verdict.released_to, verdict.owner_epoch),
        (2, 12, 6)
    );
}

/// The stream may have ended after it was saved. Then what it held was decided by what followed, and a
/// block now would take back a text that was harmless.
#[test]
fn of_a_stream_that_may_have_ended_nothing_is_decided_by_time() {
    let text = "word ".repeat(55) + "kill him";
    let mut lane = lane_with(true);
    let mut first = chunk("", 0, 0, text.as_bytes(), false);
    first.opening.as_mut().unwrap().on_expiry = OnExpiry::Cut;
    lane.on_chunk(first, Micros::ZERO);
    let Some(StreamStep::Judge(job)) = lane.answer(Micros::ZERO).pop() else {
        panic!("the classifier was not asked");
    };
    let completion = scored(&job, 0.95);
    lane.on_window(&completion, Micros::ZERO).unwrap();
    // One that waits for a chunk before it, too.
    lane.on_chunk(chunk("", 2, 320, b"!", false), Micros::ZERO);
    let saved = lane.save_stream(ID, Micros::ZERO).unwrap().unwrap();

    let mut ended = lane_with(true);
    ended
        .restore_stream(saved.clone(), 6, Micros::ZERO)
        .unwrap();
    assert_eq!(ended.next_stream_deadline(), Some(seconds(1)));
    assert!(ended.on_stream_tick(Micros(999_999)).is_empty());
    let closed = ended.on_stream_tick(seconds(1)).pop().unwrap();
    let verdict = closed.judged.verdict;
    assert!(closed.closed && verdict.is_final && verdict.findings.is_empty());
    assert_eq!((verdict.action, verdict.truncate_at), (Action::Warn, None));
    assert_eq!((verdict.released_to, verdict.seq_to), (0, 0));

    // With the next chunk time counts again: the hold on suspicion is over.
    let mut goes_on = lane_with(true);
    goes_on.restore_stream(saved, 6, Micros::ZERO).unwrap();
    assert!(goes_on.on_stream_tick(Micros::from_millis(50)).is_empty());
    goes_on.on_chunk(
        sent_as(200, chunk("", 0, 0, text.as_bytes(), false)),
        Micros::from_millis(50),
    );
    answer(&mut goes_on, Micros::from_millis(50));
    let cut = goes_on
        .on_stream_tick(Micros::from_millis(50))
        .pop()
        .unwrap();
    assert_eq!(cut.judged.verdict.action, Action::Block);
}

/// What cannot be gone on with, and why.
fn unusable(saved: &SavedStream) -> Vec<(SavedStream, StateError)> {
    let with = |state: Vec<u8>| SavedStream {
        state,
        ..saved.clone()
    };
    let mut flipped = saved.state.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let mut newer = saved.state.clone();
    newer[0] += 1;
    let mut other_rules = saved.state.clone();
    other_rules[1] ^= 1;
    let format = StateError::Format {
        found: newer[0],
        expected: saved.state[0],
    };
    vec![
        (with(Vec::new()), StateError::Damaged),
        (with(flipped), StateError::Damaged),
        (
            with(saved.state[..saved.state.len() - 1].to_vec()),
            StateError::Damaged,
        ),
        (with(newer), format),
        (with(other_rules), StateError::OtherRules),
    ]
}

#[test]
fn what_cannot_be_restored_is_judged_as_after_a_gap() {
    let saved = lane_with_chunks(3).save_stream(ID, Micros::ZERO).unwrap();
    for (bad, reason) in unusable(&saved.unwrap()) {
        let mut lane = lane_with(false);
        assert_eq!(lane.restore_stream(bad, 6, Micros::ZERO), Err(reason));
        assert_eq!(lane.open_streams(), 0);
        // The stream goes on with the next chunk, and those before it never come.
        let next = chunk("", 3, 12, b"two ", false);
        assert_eq!(lane.on_chunk(next, Micros::ZERO), Taken::Pins);
        assert!(lane.answer(Micros::ZERO).is_empty());
        let judged = lane.on_stream_tick(Micros::from_millis(40));
        let verdict = &judged[0].judged.verdict;
        assert_eq!(verdict.unjudged[0].detector, "rules");
        assert_eq!(verdict.unjudged[0].cause, UnjudgedCause::Missing);
        assert_eq!((verdict.seq_from, verdict.seq_to), (3, 3));
        // The policy's fail mode, which is open.
        assert_eq!((verdict.action, verdict.released_to), (Action::Allow, 16));
    }
}

#[test]
fn under_another_policy_or_other_rules_what_is_not_released_is_read_again() {
    let stricter = POLICY.replace("card: { action: attenuate", "card: { action: block");
    let more_rules = RULES.replace("[some words]", "[some words, a new word]");
    let told = |lane: &mut Lane, text: &[u8]| {
        let next = chunk("", 1, START.len(), text, false);
        lane.on_chunk(next, seconds(1));
        answer(lane, seconds(1)).judged.verdict
    };
    const START: &str = "Some kill him in bits. I have a card 4111 1111 11";
    let mut lane = lane_with(false);
    // What was blocked by the old rules would have ended it.
    let start = START.replace("kill him", "talk to ");
    lane.on_chunk(chunk("", 0, 0, start.as_bytes(), false), Micros::ZERO);
    let held = answer(&mut lane, Micros::ZERO).judged.verdict;
    let from = i64::try_from(START.find("4111").unwrap()).unwrap();
    assert_eq!(held.released_to, from);
    let saved = lane.save_stream(ID, Micros::ZERO).unwrap().unwrap();

    for (policy, rules, action) in [
        (POLICY, RULES, Action::Attenuate),
        (POLICY, more_rules.as_str(), Action::Attenuate),
        (stricter.as_str(), RULES, Action::Block),
        (stricter.as_str(), more_rules.as_str(), Action::Block),
    ] {
        let mut lane = lane_under(policy, rules);
        lane.restore_stream(saved.clone(), 6, seconds(1)).unwrap();
        let verdict = told(
            &mut lane,
            b"11 1111, a new word. And so it goes on, and on, and on.",
        );
        assert_eq!(verdict.action, action);
        let card = verdict
            .findings
            .iter()
            .find(|found| found.detector == "card");
        assert_eq!(card.unwrap().span.start, from);
        let cut = (action == Action::Block).then_some(from);
        assert_eq!(verdict.truncate_at, cut);
        assert!(verdict.unjudged.is_empty());
    }
    // What was shown under the old rules stays shown: nothing is said of it.
    let forbids_shown = RULES.replace("[kill him]", "[talk to]");
    let mut lane = lane_under(POLICY, &forbids_shown);
    lane.restore_stream(saved, 6, seconds(1)).unwrap();
    let verdict = told(&mut lane, b"00, talk to me, and so on");
    assert_eq!(verdict.action, Action::Block);
    let second = i64::try_from(START.len() + "00, ".len()).unwrap();
    assert_eq!(verdict.truncate_at, Some(second));
}

/// `cargo test -p weir-lane --release -- --ignored --nocapture`: how long 2,000 streams take.
#[test]
#[ignore = "prints figures"]
#[expect(clippy::disallowed_methods, clippy::print_stderr, reason = "figures")]
fn timing_of_2000_streams() {
    use std::time::Instant;
    let mut lane = lane_with(false);
    let text = "Weirs hold water back, and nothing else is said of them here. ".repeat(40);
    for at in 0..2000 {
        let mut input = chunk("", 0, 0, text.as_bytes(), false);
        input.stream_id = format!("r{at}/0/0/content");
        lane.on_chunk(input, Micros::ZERO);
    }
    lane.answer(Micros::ZERO);
    let ids = lane.streams_to_save(AFTER, AFTER, 3000);
    assert_eq!(ids.len(), 2000);
    let begun = Instant::now();
    let saved: Vec<SavedStream> = ids
        .iter()
        .map(|id| lane.save_stream(id, AFTER).unwrap().unwrap())
        .collect();
    let save = begun.elapsed();
    let bytes: usize = saved.iter().map(|saved| saved.state.len()).sum();
    let mut other = lane_with(false);
    let begun = Instant::now();
    for saved in saved {
        other.restore_stream(saved, 6, Micros::ZERO).unwrap();
    }
    let restore = begun.elapsed();
    assert_eq!(other.open_streams(), 2000);
    eprintln!(
        "2000 streams of {} bytes each: saved in {save:?}, restored in {restore:?}",
        bytes / 2000
    );
}
