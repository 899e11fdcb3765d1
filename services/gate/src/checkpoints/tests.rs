use weir_bus::{EmbeddedBroker, Reader};
use weir_lane::{Arrival, ChunkInput};
use weir_telemetry::{BuildInfo, Registry};
use weir_types::{FingerprintKey, Source};

use super::*;
use crate::config::Topics;
use crate::gate::Judges;
use crate::outbox::Sent;

const OWNER: Owner = Owner {
    partition: 1,
    epoch: 4,
};

/// Checkpoints of a partition that is owned, the ledger of its chunks, and what keeps them going.
fn owned() -> (Checkpoints, Ledger, EmbeddedBroker) {
    let topics = Topics::default();
    let broker = EmbeddedBroker::start(topics.all().map(|name| (name, 2))).unwrap();
    let config = GateConfig {
        bus: broker.config(),
        group: "test".to_owned(),
        topics,
        schemas: Ids::compiled_in(),
        policies: "policies".into(),
        model: None,
        lanes: 1,
        shed_above: 1,
        fingerprint_key: FingerprintKey::new(b"test"),
    };
    let build = BuildInfo {
        version: "0",
        commit: "test",
    };
    let metrics = GateMetrics::register(&Registry::new(), build).unwrap();
    let mut checkpoints = Checkpoints::new(&config, &metrics).unwrap();
    let mut chunks = Ledger::default();
    for ledger in [&mut checkpoints.ledger, &mut chunks] {
        ledger.assign(OWNER.partition, OWNER.epoch);
    }
    (checkpoints, chunks, broker)
}

/// A stream whose chunk at `offset` is to be let go by a checkpoint that waits.
fn saving(checkpoints: &mut Checkpoints, chunks: &mut Ledger, offset: i64) -> Token {
    let number = checkpoints.number("s", OWNER);
    let pin = chunks.begin(OWNER.partition, offset, 0).unwrap();
    let known = checkpoints.streams.get_mut(&number).unwrap();
    known.pins.push(pin);
    known.saving = true;
    Token {
        number,
        owner: OWNER,
        is_tombstone: false,
    }
}

#[test]
fn a_checkpoint_lets_chunks_go_and_the_one_before_it() {
    let (mut checkpoints, mut chunks, _broker) = owned();
    let token = saving(&mut checkpoints, &mut chunks, 10);
    assert_eq!(chunks.open_total(), 1);
    checkpoints.on_written(token, Some(3), &mut chunks).unwrap();
    assert_eq!(chunks.take_commits(), [(1, 4, 11)]);
    // It is needed until the next one is there.
    assert_eq!(checkpoints.ledger.take_commits(), []);
    let token = saving(&mut checkpoints, &mut chunks, 20);
    checkpoints.on_written(token, Some(8), &mut chunks).unwrap();
    assert_eq!(checkpoints.ledger.take_commits(), [(1, 4, 4)]);
    assert_eq!(chunks.take_commits(), [(1, 4, 21)]);
    // The stream ends: a tombstone, and then nothing is needed.
    let number = checkpoints.ends("s").unwrap();
    checkpoints.on_ended(number, &mut chunks).unwrap();
    assert_eq!(checkpoints.publisher.in_flight(), 1);
    let tombstone = Token {
        is_tombstone: true,
        ..token
    };
    checkpoints.on_tombstone(tombstone, Some(9));
    assert_eq!(checkpoints.ledger.take_commits(), [(1, 4, 10)]);
    assert!(checkpoints.streams.is_empty() && checkpoints.numbers.is_empty());
}

#[test]
fn a_checkpoint_that_no_broker_takes_lets_nothing_go_until_the_stream_ends() {
    let (mut checkpoints, mut chunks, _broker) = owned();
    let token = saving(&mut checkpoints, &mut chunks, 10);
    checkpoints.on_written(token, None, &mut chunks).unwrap();
    assert_eq!(chunks.open_total(), 1);
    let refused = checkpoints.metrics.checkpoints(CheckpointResult::Refused);
    assert_eq!(refused.get(), 1);
    let number = checkpoints.ends("s").unwrap();
    checkpoints.on_ended(number, &mut chunks).unwrap();
    assert_eq!(chunks.take_commits(), [(1, 4, 11)]);
    // There is nothing to take back.
    assert_eq!(checkpoints.publisher.in_flight(), 0);
    assert!(checkpoints.streams.is_empty());
}

#[test]
fn a_stream_that_ends_while_its_checkpoint_waits_is_not_saved() {
    let (mut checkpoints, mut chunks, _broker) = owned();
    let token = saving(&mut checkpoints, &mut chunks, 10);
    checkpoints.batch = Some(Batch {
        after: 0,
        records: vec![(token.number, b"state".to_vec())],
    });
    checkpoints.on_ended(token.number, &mut chunks).unwrap();
    assert_eq!(chunks.open_total(), 0);
    let batch = checkpoints.batch.take().unwrap();
    checkpoints.send(&batch.records).unwrap();
    assert_eq!(checkpoints.publisher.in_flight(), 0);
}

#[test]
fn a_stream_that_ends_while_its_checkpoint_is_on_its_way_is_taken_back_after_it() {
    let (mut checkpoints, mut chunks, _broker) = owned();
    let token = saving(&mut checkpoints, &mut chunks, 10);
    checkpoints.on_ended(token.number, &mut chunks).unwrap();
    assert_eq!(
        (chunks.open_total(), checkpoints.publisher.in_flight()),
        (1, 0)
    );
    checkpoints.on_written(token, Some(3), &mut chunks).unwrap();
    assert_eq!(
        (chunks.open_total(), checkpoints.publisher.in_flight()),
        (0, 1)
    );
}

#[test]
fn what_others_own_now_is_forgotten() {
    let (mut checkpoints, mut chunks, _broker) = owned();
    let token = saving(&mut checkpoints, &mut chunks, 10);
    checkpoints.batch = Some(Batch {
        after: 0,
        records: vec![(token.number, b"state".to_vec())],
    });
    checkpoints.forget(&[OWNER.partition]);
    let batch = checkpoints.batch.take().unwrap();
    assert!(batch.records.is_empty());
    assert_eq!(checkpoints.ends("s"), None);
    // Late acknowledgements change nothing.
    checkpoints.on_written(token, Some(3), &mut chunks).unwrap();
    checkpoints.on_ended(token.number, &mut chunks).unwrap();
    assert_eq!(chunks.open_total(), 1);
}

/// A judge with a stream of one chunk, answered; the verdict.
fn judge_with_a_stream() -> (Judge, weir_types::Verdict) {
    let policies = tempfile::tempdir().unwrap();
    let policy = "id: test\nversion: \"1\"\ntenants: [\"*\"]\n";
    std::fs::write(policies.path().join("policy.yaml"), policy).unwrap();
    let judges = Judges::load(policies.path(), None, FingerprintKey::new(b"test"), 9).unwrap();
    let mut judge = judges.judge_with(None, Clock::start());
    let chunk = ChunkInput {
        source: Source {
            topic: "chunks".into(),
            partition: OWNER.partition,
            offset: 10,
        },
        owner_epoch: OWNER.epoch,
        request_id: "r".to_owned(),
        stream_id: "s".to_owned(),
        seq: 0,
        byte_start: 0,
        text: b"some text".to_vec(),
        end: None,
        tenant: "acme".to_owned(),
        worker_id: "w".to_owned(),
        opening: None,
        arrival: Arrival::default(),
    };
    judge.take_chunk(chunk, Micros::ZERO).unwrap();
    let judged = judge.answer_streams(|| Micros::ZERO).pop().unwrap();
    (judge, judged.judged.verdict)
}

#[test]
fn a_stream_is_saved_when_it_is_due_and_its_verdicts_are_delivered() {
    let (mut checkpoints, _, broker) = owned();
    let topics = Topics::default();
    let reader = Reader::start(&broker.config(), "test", &topics.chunks).unwrap();
    let committer = reader.committer().clone();
    let metrics = checkpoints.metrics.clone();
    let mut outbox = Outbox::new(
        &broker.config(),
        committer,
        topics,
        Ids::compiled_in(),
        metrics,
    )
    .unwrap();
    outbox.ledger().assign(OWNER.partition, OWNER.epoch);
    let input = outbox.ledger().begin(OWNER.partition, 10, 0).unwrap();
    let (mut judge, verdict) = judge_with_a_stream();
    outbox.verdict(&verdict, None, Sent::from(input)).unwrap();

    let mut tick = |outbox: &mut Outbox, on: bool, ms: u64| {
        checkpoints.on = on;
        let now = Micros::from_millis(ms);
        checkpoints.tick(&mut judge, outbox, now).unwrap();
        (
            checkpoints.batch.is_some(),
            checkpoints.publisher.in_flight(),
        )
    };
    assert_eq!(tick(&mut outbox, true, 4999), (false, 0));
    assert_eq!(
        tick(&mut outbox, false, 5000),
        (false, 0),
        "nobody reads it"
    );
    assert_eq!(tick(&mut outbox, true, 5000), (true, 0));
    // Its verdict is on its way, as far as is known.
    assert_eq!(tick(&mut outbox, true, 9000), (true, 0));
    let deadline = Instant::now() + Duration::from_secs(30);
    while !outbox.is_delivered(1) {
        assert!(Instant::now() < deadline, "the verdict is not acknowledged");
        outbox.poll().unwrap();
    }
    assert_eq!(outbox.ledger().open_total(), 1);
    assert_eq!(tick(&mut outbox, true, 9000), (false, 1));
    while outbox.ledger().open_total() > 0 {
        assert!(
            Instant::now() < deadline,
            "the checkpoint is not acknowledged"
        );
        tick(&mut outbox, true, 9000);
    }
    drop(outbox);
    reader.close();
}
