//! What the second look tightens reaches the worker through rebalances and a kill. On Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use common::process::rescorer;
use common::{Cluster, PARTITIONS, PATIENCE, frame};
use weir_bus::{BusConfig, Tail, TailFrom};
use weir_testkit::own_kafka_or_skip;
use weir_types::{Action, Verdict};
use weir_wire::Moderation;

const RECORDS: usize = 4_000;

/// Not a test of its own: what [`rescorer`] runs in another process.
#[test]
fn rescorer_of_another_process() {
    common::process::run();
}

fn id(number: usize) -> String {
    format!("{number:032x}")
}

fn partition(number: usize) -> i32 {
    i32::try_from(number).unwrap() % PARTITIONS
}

/// Every fifth confirms.
fn tightens(number: usize) -> bool {
    !number.is_multiple_of(5)
}

/// The example of a moderation record, made one that blocks what verdict `number` let pass, or confirms it.
fn moderation(number: usize) -> Moderation {
    let example =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/examples/moderation.json");
    let mut record: Moderation =
        serde_json::from_str(&std::fs::read_to_string(example).unwrap()).unwrap();
    record.verdict_id = id(number);
    record.moderation_id = format!("m{number:031x}");
    record.supersedes = tightens(number).then(|| id(number));
    record.heavy_action = Action::Block;
    record.source.partition = partition(number);
    record
}

#[test]
fn every_tightening_record_has_its_verdict_through_rebalances_and_a_kill() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::at(BusConfig::new(kafka.bootstrap()));
    cluster.make();
    let verdicts =
        Tail::start(&cluster.bus, &cluster.topics.verdicts, TailFrom::Beginning).unwrap();
    let mut superseding = BTreeMap::new();
    let wait_for = |superseding: &mut BTreeMap<String, (String, i32)>, number: usize| {
        let deadline = Instant::now() + PATIENCE;
        while superseding.len() < number {
            assert!(
                Instant::now() < deadline,
                "{} of {number}",
                superseding.len()
            );
            let Some(record) = verdicts.next(Duration::from_millis(50)) else {
                continue;
            };
            let verdict: Verdict = weir_wire::decode(&record.payload.unwrap()).unwrap();
            let this = (verdict.verdict_id, record.partition);
            let known = superseding.insert(verdict.supersedes.unwrap(), this.clone());
            // A repeat is the same verdict, on the same partition.
            assert!(known.is_none_or(|known| known == this));
        }
    };
    let send = |from: usize, to: usize| {
        let records = (from..to).map(|number| (partition(number), frame(&moderation(number))));
        cluster.send(&cluster.topics.moderation, records);
    };
    let tightened = |to: usize| (0..to).filter(|number| tightens(*number)).count();

    let mut first = rescorer(&cluster);
    send(0, RECORDS / 4);
    wait_for(&mut superseding, 10);
    // One joins in the middle of the work, and one of the two is killed in the middle of its.
    let mut second = rescorer(&cluster);
    send(RECORDS / 4, RECORDS / 2);
    wait_for(&mut superseding, tightened(RECORDS / 4));
    first.kill9().unwrap();
    send(RECORDS / 2, RECORDS);
    let mut third = rescorer(&cluster);
    wait_for(&mut superseding, tightened(RECORDS));

    let wanted = (0..RECORDS).filter(|number| tightens(*number));
    let found = superseding
        .into_iter()
        .map(|(of, (_, partition))| (of, partition));
    assert!(found.eq(wanted.map(|number| (id(number), partition(number)))));
    second.kill9().unwrap();
    third.kill9().unwrap();
}
