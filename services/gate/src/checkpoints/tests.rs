use weir_bus::EmbeddedBroker;
use weir_telemetry::{BuildInfo, Registry};
use weir_types::FingerprintKey;

use super::*;
use crate::config::Topics;

const OWNER: Owner = Owner {
    partition: 1,
    epoch: 4,
};

/// Checkpoints of a partition that is owned, the ledger of its chunks, and what keeps them going.
fn owned() -> (Checkpoints, Ledger, EmbeddedBroker) {
    let topics = Topics::default();
    let broker = EmbeddedBroker::start([(topics.checkpoints.as_str(), 2)]).unwrap();
    let config = GateConfig {
        bus: broker.config(),
        group: "test".to_owned(),
        topics,
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
    checkpoints.send(&batch).unwrap();
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
