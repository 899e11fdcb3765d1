//! Each flagged text gets one moderation record, whatever happens meanwhile. On Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::{Duration, Instant};

use common::process::rescorer;
use common::{Cluster, PARTITIONS, PATIENCE, flagged, frame};
use weir_bus::{BusConfig, LogReader, Stretch, Tail, TailFrom};
use weir_testkit::{Process, own_kafka_or_skip};
use weir_types::{Action, Verdict};
use weir_wire::{DeadLetter, Moderation};

const TEXTS: usize = 400;

/// Not a test of its own: what [`rescorer`] runs in another process.
#[test]
fn rescorer_of_another_process() {
    common::process::run();
}

fn signal(process: &Process, name: &str) {
    let id = process.id().to_string();
    let mut kill = Command::new("kill");
    assert!(
        kill.args([&format!("-{name}"), &id])
            .status()
            .unwrap()
            .success()
    );
}

/// Number of records by verdict id; panics if one stands in another partition than its flagged text.
fn written(tail: &Tail, counts: &mut BTreeMap<String, (i32, usize)>, wait: Duration) {
    while let Some(record) = tail.next(wait) {
        let moderation: Moderation = weir_wire::decode(&record.payload.unwrap()).unwrap();
        let known = counts
            .entry(moderation.verdict_id)
            .or_insert((record.partition, 0));
        assert_eq!(known.0, record.partition);
        known.1 += 1;
    }
}

#[test]
fn each_text_gets_one_record_through_kills_rebalances_a_stop_and_a_restart_of_the_broker() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::at(BusConfig::new(kafka.bootstrap()));
    cluster.make();
    let id = |number: usize| format!("{number:032x}");
    let partition = |number: usize| i32::try_from(number).unwrap() % PARTITIONS;
    let send = |from: usize, to: usize| {
        let records = (from..to).map(|number| {
            let hate = if number % 10 == 0 { "hate" } else { "" };
            let text = format!("text {number} slow {hate}");
            (partition(number), frame(&flagged(&id(number), &text)))
        });
        cluster.send(&cluster.topics.flagged, records);
    };
    let committed = cluster.bus.read_committed();
    let tail = Tail::start(&committed, &cluster.topics.moderation, TailFrom::Beginning).unwrap();
    let mut counts = BTreeMap::new();
    let wait_for = |counts: &mut BTreeMap<_, _>, number: usize| {
        let deadline = Instant::now() + PATIENCE;
        while counts.len() < number {
            assert!(Instant::now() < deadline, "{} of {number}", counts.len());
            written(&tail, counts, Duration::from_millis(50));
        }
    };

    let mut first = rescorer(&cluster);
    send(0, 100);
    wait_for(&mut counts, 30);
    // In the middle of its work, and the gate repeats what it had flagged.
    first.kill9().unwrap();
    send(50, 200);
    let mut second = rescorer(&cluster);
    wait_for(&mut counts, 130);
    // A rebalance in the middle of the work.
    let mut third = rescorer(&cluster);
    send(100, 300);
    wait_for(&mut counts, 230);
    kafka.restart().unwrap();
    send(250, 350);
    wait_for(&mut counts, 330);
    second.kill9().unwrap();
    // One that stands still until its partitions are another's, and then goes on with what it had in hand.
    let mut fourth = rescorer(&cluster);
    send(350, TEXTS);
    signal(&third, "STOP");
    wait_for(&mut counts, TEXTS);
    signal(&third, "CONT");
    // Everything once more, and something that is no record at all.
    send(0, TEXTS);
    cluster.send(
        &cluster.topics.flagged,
        (0..PARTITIONS).map(|at| (at, b"broken".to_vec())),
    );

    // What comes last in each partition is what is broken: all before it has been dealt with then.
    let letters = Tail::start(
        &committed,
        &cluster.topics.dead_letters,
        TailFrom::Beginning,
    )
    .unwrap();
    let mut broken = Vec::new();
    let deadline = Instant::now() + PATIENCE;
    while broken.len() < usize::try_from(PARTITIONS).unwrap() {
        assert!(Instant::now() < deadline, "{broken:?}");
        if let Some(record) = letters.next(Duration::from_millis(200)) {
            let letter: DeadLetter = weir_wire::decode(&record.payload.unwrap()).unwrap();
            assert_eq!(letter.stage, "rescore.decode");
            broken.push(letter.source.partition);
        }
    }
    broken.sort_unstable();
    assert_eq!(broken, (0..PARTITIONS).collect::<Vec<_>>());
    written(&tail, &mut counts, Duration::from_secs(2));
    // Read in pieces it is the same: some end with what is no record but the mark of a transaction.
    let log = LogReader::new(&committed, &cluster.topics.moderation).unwrap();
    let mut in_pieces = 0;
    for whole in log.stretches(None, Some(0), PATIENCE).unwrap() {
        let mut start = whole.start;
        while start < whole.end {
            let end = whole.end.min(start + 7);
            let piece = Stretch {
                start,
                end,
                ..whole
            };
            let records = log.read_stretch(piece, PATIENCE).unwrap();
            let within = |offset| (start..end).contains(&offset);
            assert!(records.iter().all(|record| within(record.offset)));
            in_pieces += records.len();
            start = end;
        }
    }
    let at_once: usize = counts.values().map(|(_, records)| records).sum();
    assert_eq!(in_pieces, at_once);
    // Every tightened text has its superseding verdict. Some may have been written twice, under one id.
    let verdicts =
        Tail::start(&cluster.bus, &cluster.topics.verdicts, TailFrom::Beginning).unwrap();
    let mut superseding = BTreeMap::new();
    let deadline = Instant::now() + PATIENCE;
    while superseding.len() < TEXTS / 10 {
        assert!(Instant::now() < deadline, "{} verdicts", superseding.len());
        if let Some(record) = verdicts.next(Duration::from_millis(200)) {
            let verdict: Verdict = weir_wire::decode(&record.payload.unwrap()).unwrap();
            assert_eq!(verdict.action, Action::Block);
            let known = superseding.insert(verdict.supersedes.unwrap(), verdict.verdict_id.clone());
            assert!(known.is_none_or(|known| known == verdict.verdict_id));
        }
    }
    assert!(
        superseding
            .keys()
            .eq((0..TEXTS).step_by(10).map(id).collect::<Vec<_>>().iter())
    );
    third.kill9().unwrap();
    fourth.kill9().unwrap();

    assert_eq!(counts.len(), TEXTS);
    for number in 0..TEXTS {
        assert_eq!(counts[&id(number)], (partition(number), 1), "{number}");
    }
}
