//! What happens to prompts when gates and brokers die: nothing. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, Instant};

use common::cluster::{Answered, Cluster, PARTITIONS};
use common::gate::Gate;
use common::load::{Load, Verdicts};
use common::{PATIENCE, wait_until};
use weir_bus::{Event, Linger, OutRecord, Publisher, Reader};
use weir_testkit::{kafka_or_skip, own_kafka_or_skip};

#[test]
fn a_killed_gate_is_made_good_by_the_next() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let verdicts = Verdicts::follow(&cluster);
    let mut gate = Gate::start(&cluster);
    let load = Load::start(&cluster);
    verdicts.wait_for_more(1500);
    gate.process.kill9().unwrap();
    load.wait_for_more(600);

    let gate = Gate::start(&cluster);
    verdicts.wait_for_more(600);
    let sent = load.finish();
    verdicts.wait_for_all(&sent);
    gate.stop();

    let all = cluster.all_verdicts();
    assert_each_answered_under_one_id(&all, &sent);
    // Two owners, and the second is known by its higher epoch wherever it answered.
    for (partition, epochs) in epochs(&all) {
        assert!(epochs.is_sorted(), "partition {partition}: {epochs:?}");
        assert_eq!(epochs.len(), 2, "partition {partition}: {epochs:?}");
    }
}

#[test]
fn a_gate_outlives_its_broker() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::on(&kafka);
    let verdicts = Verdicts::follow(&cluster);
    let mut gate = Gate::start(&cluster);
    let load = Load::start(&cluster);
    verdicts.wait_for_more(600);

    kafka.restart().unwrap();
    verdicts.wait_for_more(600);
    assert!(gate.is_alive());

    kafka.kill().unwrap();
    kafka.restart().unwrap();
    verdicts.wait_for_more(600);
    assert!(gate.is_alive());

    let sent = load.finish();
    verdicts.wait_for_all(&sent);
    gate.stop();
    assert_each_answered_under_one_id(&cluster.all_verdicts(), &sent);
}

#[test]
fn a_gate_stops_without_its_broker() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::on(&kafka);
    let gate = Gate::start(&cluster);
    let load = Load::start(&cluster);
    Verdicts::follow(&cluster).wait_for_more(600);
    kafka.kill().unwrap();
    gate.stop();

    // What it could not commit is there for the next.
    kafka.restart().unwrap();
    let next = Gate::start(&cluster);
    let sent = load.finish();
    Verdicts::follow(&cluster).wait_for_all(&sent);
    next.stop();
    assert_each_answered_under_one_id(&cluster.all_verdicts(), &sent);
}

#[test]
fn a_frozen_gate_does_no_harm_when_it_wakes() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let verdicts = Verdicts::follow(&cluster);
    let mut frozen = Gate::start(&cluster);
    let load = Load::start(&cluster);
    verdicts.wait_for_more(600);
    let before = highest_epochs(&verdicts.so_far());

    frozen.signal("STOP");
    let other = Gate::start(&cluster);
    other.wait_for_partitions(f64::from(2 * PARTITIONS));
    verdicts.wait_for_more(600);
    frozen.signal("CONT");

    // It sees that it is out and joins again; both work on.
    for gate in [&frozen, &other] {
        gate.wait_for_partitions(f64::from(PARTITIONS));
    }
    verdicts.wait_for_more(600);
    assert!(frozen.is_alive());
    let sent = load.finish();
    verdicts.wait_for_all(&sent);
    frozen.stop();
    other.stop();

    let all = cluster.all_verdicts();
    assert_each_answered_under_one_id(&all, &sent);
    // Whatever it said on waking is outranked by what was said in the meantime.
    for (partition, epoch) in highest_epochs(&all) {
        assert!(epoch > before[&partition], "partition {partition}");
    }
}

#[test]
fn nothing_is_committed_whose_verdict_the_broker_has_not_taken() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::without_verdicts_on(kafka);
    let mut gate = Gate::start(&cluster);
    let load = Load::start(&cluster);
    load.wait_for_more(600);
    // Commits are made every 250 ms; by now there were some.
    wait_until("verdicts wait for the broker", || {
        gate.metric("weir_oldest_pinned_offset_age_seconds") > 2.0 * f64::from(PARTITIONS)
    });
    gate.process.kill9().unwrap();
    let sent = load.finish();

    cluster.make_verdicts();
    let next = Gate::start(&cluster);
    Verdicts::follow(&cluster).wait_for_all(&sent);
    next.stop();
    let all = cluster.all_verdicts();
    assert_each_answered_under_one_id(&all, &sent);
    assert_eq!(all.len(), sent.len(), "none was taken before");
}

#[test]
fn a_second_gate_shares_the_work_and_takes_it_over() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let verdicts = Verdicts::follow(&cluster);
    let first = Gate::start(&cluster);
    let load = Load::start(&cluster);
    verdicts.wait_for_more(300);

    let second = Gate::start(&cluster);
    for gate in [&first, &second] {
        gate.wait_for_partitions(f64::from(PARTITIONS));
    }
    verdicts.wait_for_more(600);

    first.stop();
    second.wait_for_partitions(f64::from(2 * PARTITIONS));
    verdicts.wait_for_more(600);
    let sent = load.finish();
    verdicts.wait_for_all(&sent);
    second.stop();
    assert_each_answered_under_one_id(&cluster.all_verdicts(), &sent);
}

#[test]
fn a_stopped_gate_has_committed_exactly_what_it_answered() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let gate = Gate::start(&cluster);
    let load = Load::start(&cluster);
    Verdicts::follow(&cluster).wait_for_more(1500);
    gate.stop();
    load.wait_for_more(300);
    let mut sent = load.finish();

    // A record more for each partition, so that each has one that was not answered.
    for partition in 0..PARTITIONS {
        let id = format!("after-{partition}");
        let payload = common::cluster::frame(&common::cluster::prompt(&id, "One more."));
        cluster.produce(&[OutRecord {
            topic: &cluster.prompts,
            partition: Some(partition),
            key: Some(id.as_bytes()),
            payload: &payload,
            header: None,
        }]);
        sent.insert(id);
    }
    let committed = committed(&cluster);
    let resumed = Gate::start(&cluster);
    Verdicts::follow(&cluster).wait_for_all(&sent);
    resumed.stop();

    // The prompts' offsets have no gaps, so as many verdicts as the offset says is exact.
    let all = cluster.all_verdicts();
    let first_owner: HashMap<i32, i64> = epochs(&all)
        .into_iter()
        .map(|(partition, epochs)| (partition, epochs[0]))
        .collect();
    for partition in 0..PARTITIONS {
        let by_first_owner = all
            .iter()
            .filter(|answered| answered.partition == partition)
            .filter(|answered| answered.verdict.owner_epoch == first_owner[&partition])
            .count();
        assert_eq!(
            i64::try_from(by_first_owner).unwrap(),
            committed[&partition],
            "partition {partition}: answered and committed"
        );
    }
    assert_each_answered_under_one_id(&all, &sent);
    assert_eq!(all.len(), sent.len(), "none is answered twice");
}

/// Every request has a verdict, and all verdicts on it say the same under the same id.
/// Records that pile up while the broker is away, sparse ones and then dense ones, come in their order.
#[test]
fn nothing_is_overtaken_because_the_broker_was_away() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::on(&kafka);
    let mut publisher = Publisher::new(&cluster.bus, Linger::ByLoad).unwrap();
    publisher.prepare(&[&cluster.verdicts]).unwrap();
    let send = |publisher: &mut Publisher<u32>, number: u32| {
        let record = OutRecord {
            topic: &cluster.verdicts,
            partition: Some(0),
            key: None,
            payload: &number.to_be_bytes(),
            header: None,
        };
        publisher.send(&record, number).unwrap();
    };
    send(&mut publisher, 0);
    publisher.flush(PATIENCE).unwrap();
    kafka.stop().unwrap();
    for number in 1..1000 {
        send(&mut publisher, number);
        if number < 4 {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
    kafka.restart().unwrap();
    publisher.flush(PATIENCE).unwrap();
    let records = cluster.everything(&cluster.verdicts).into_iter();
    let numbers = records.map(|record| record.payload.unwrap().try_into().unwrap());
    let numbers: Vec<u32> = numbers.map(u32::from_be_bytes).collect();
    assert_eq!(numbers.len(), 1000);
    assert!(numbers.is_sorted(), "{numbers:?}");
}

fn assert_each_answered_under_one_id(all: &[Answered], sent: &HashSet<String>) {
    let mut ids: HashMap<&str, &Answered> = HashMap::new();
    for answered in all {
        let verdict = &answered.verdict;
        let first = ids.entry(&verdict.request_id).or_insert(answered);
        assert_eq!(first.verdict.verdict_id, verdict.verdict_id);
        assert_eq!(first.partition, answered.partition);
    }
    let answered: HashSet<String> = ids.keys().map(|id| (*id).to_owned()).collect();
    assert!(
        answered == *sent,
        "{} sent, {} answered",
        sent.len(),
        answered.len()
    );
    let distinct: HashSet<&str> = ids.values().map(|it| &*it.verdict.verdict_id).collect();
    assert_eq!(distinct.len(), ids.len(), "no two requests share an id");
}

/// Each partition's epochs in the order in which its verdicts were written, without runs.
fn epochs(all: &[Answered]) -> BTreeMap<i32, Vec<i64>> {
    let mut epochs: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for answered in all {
        let known = epochs.entry(answered.partition).or_default();
        if known.last() != Some(&answered.verdict.owner_epoch) {
            known.push(answered.verdict.owner_epoch);
        }
    }
    epochs
}

/// Each partition's highest epoch.
fn highest_epochs(all: &[Answered]) -> BTreeMap<i32, i64> {
    let mut highest = BTreeMap::new();
    for answered in all {
        let epoch = answered.verdict.owner_epoch;
        let known = highest.entry(answered.partition).or_insert(epoch);
        *known = epoch.max(*known);
    }
    highest
}

/// The group's committed offsets: where a fresh member of it begins to read. Each partition must
/// hold a record from there on.
fn committed(cluster: &Cluster) -> HashMap<i32, i64> {
    let reader = Reader::start(&cluster.bus, &cluster.group, &cluster.prompts).unwrap();
    let mut first = HashMap::new();
    let deadline = Instant::now() + PATIENCE;
    while first.len() < usize::try_from(PARTITIONS).unwrap() {
        assert!(Instant::now() < deadline, "only {first:?} known");
        if let Ok(Event::Records(batch)) = reader.events().recv_timeout(Duration::from_millis(200))
        {
            for record in &batch.records {
                first.entry(record.partition).or_insert(record.offset);
            }
        }
    }
    reader.close();
    first
}
