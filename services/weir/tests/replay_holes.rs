//! Offsets without a record, by compaction and by transactions: a replay ends, reads what there is, and calls none of them a
//! loss. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use common::cluster::{Cluster, PARTITIONS, finish, frame, prompt};
use common::replay::{json, records, replay, unjudged_rounds};
use common::{PATIENCE, wait_until};
use serde_json::{Value, json};
use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{Event, Linger, OutRecord, Publisher, Reader, TransactionError, Transactor};
use weir_testkit::{kafka_or_skip, unique_name};

const ALONE: [&str; 3] = ["--alone", "--rules-only", "--json"];

/// A topic of which only the last record of each key is kept, and that soon.
fn make_compacted(cluster: &Cluster, name: &str) -> String {
    let topic = unique_name(name);
    let config = [
        ("cleanup.policy", "compact"),
        ("min.cleanable.dirty.ratio", "0.0"),
        // The segment that is written to is never compacted.
        ("segment.ms", "100"),
    ];
    let config = config.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let spec = TopicSpec {
        name: topic.clone(),
        partitions: PARTITIONS,
        replication: 1,
        config: config.into(),
    };
    make_topics(&cluster.bus, [spec]).unwrap();
    topic
}

/// The offsets at which a topic has a record, by partition.
type Present = BTreeMap<i64, Vec<i64>>;

fn present(cluster: &Cluster, topic: &str) -> Present {
    let mut present = Present::new();
    for record in records(&cluster.bus, topic) {
        let offsets = present.entry(record.partition.into()).or_default();
        offsets.push(record.offset);
    }
    present
}

/// Writes a record to every partition, over and over, until the beginning of each is gone.
fn wait_for_the_cleaner(cluster: &Cluster, topics: &[&String]) {
    let mut publisher = Publisher::new(&cluster.bus, Linger::Never).unwrap();
    let payload = frame(&prompt("tick", "Time goes on."));
    wait_until("the beginning of every partition is compacted away", || {
        for topic in topics {
            for partition in 0..PARTITIONS {
                let tick = OutRecord {
                    topic,
                    partition: Some(partition),
                    key: Some(b"tick"),
                    payload: &payload,
                    header: None,
                };
                publisher.send(&tick, ()).unwrap();
            }
        }
        finish(&mut publisher);
        // Longer than a segment lasts.
        std::thread::sleep(Duration::from_millis(200));
        let is_gone = |offsets: &Vec<i64>| offsets[0] > 0;
        topics
            .iter()
            .all(|topic| present(cluster, topic).values().all(is_gone))
    });
}

/// What an account must say of the offsets below `end`, if these have a record.
fn gaps(present: &[i64], end: i64) -> Vec<Value> {
    let mut gaps = Vec::new();
    let mut next = 0;
    for offset in present.iter().copied().chain([end]) {
        if offset > next {
            gaps.push(json!({"first": next, "last": offset - 1, "why": "no_record"}));
        }
        next = offset + 1;
    }
    gaps
}

#[test]
fn compacted_topics_are_read_to_their_end() {
    let Some(kafka) = kafka_or_skip() else { return };
    let mut cluster = Cluster::on(kafka);
    cluster.prompts = make_compacted(&cluster, "prompts");
    cluster.chunks = make_compacted(&cluster, "chunks");
    // The second time all keys are there already.
    unjudged_rounds(&cluster, 10);
    let (prompts, streams) = unjudged_rounds(&cluster, 10);
    let topics = [&cluster.prompts, &cluster.chunks];
    wait_for_the_cleaner(&cluster, &topics);

    // The cleaner may not have done yet: what was there before the replay must be there after it.
    let (there, report) = (0..20)
        .find_map(|_| {
            let before = topics.map(|topic| present(&cluster, topic));
            let report = json(&replay(&cluster, &ALONE));
            let after = topics.map(|topic| present(&cluster, topic));
            (before == after).then_some((before, report))
        })
        .expect("the cleaner comes to an end");
    let mut absent = 0;
    for part in report["parts"].as_array().unwrap() {
        let topic = topics.iter().position(|topic| part["topic"] == **topic);
        let offsets = &there[topic.unwrap()][&part["partition"].as_i64().unwrap()];
        let end = part["end"].as_i64().unwrap();
        assert_eq!(part["read"], offsets.len(), "{part}");
        assert_eq!(
            (&part["start"], &part["deleted_before"]),
            (&0.into(), &0.into())
        );
        let gaps = gaps(offsets, end);
        assert!(!gaps.is_empty() && gaps.len() < 100, "{part}");
        assert_eq!(part["gaps"], Value::Array(gaps));
        absent += end - i64::try_from(offsets.len()).unwrap();
    }
    let records = &report["records"];
    assert_eq!(
        (&records["deleted"], &records["no_record"]),
        (&0.into(), &absent.into())
    );
    // Every prompt once, and each partition's tick.
    let of_prompts: usize = there[0].values().map(Vec::len).sum();
    assert!(of_prompts >= prompts, "{of_prompts} {prompts}");
    assert_eq!(
        records["judged"].as_u64().unwrap() + records["poison"].as_u64().unwrap(),
        records["read"].as_u64().unwrap()
    );
    // Of streams only their ends are left: that the rest is missing is said of each.
    assert_eq!(report["rows"]["unjudged"]["rules/missing"], streams);
    assert_eq!(report["rows"]["streams"], streams);

    // A range that begins and ends where nothing is.
    let first = there[0][&0][0].to_string();
    let within = [
        "--only",
        "prompts",
        "--partition",
        "0",
        "--from",
        "0",
        "--to",
        &first,
    ];
    let report = json(&replay(&cluster, &[&ALONE[..], &within].concat()));
    assert_eq!(
        (&report["records"]["read"], &report["records"]["no_record"]),
        (&0.into(), &there[0][&0][0].into())
    );
}

/// Writes prompts to partition 0 in a transaction.
fn commit(
    cluster: &Cluster,
    transactor: &mut Transactor,
    member: &weir_bus::Membership,
    numbers: Range<u32>,
) -> Result<(), TransactionError> {
    let prompts = numbers.map(|number| {
        let id = format!("prompt-{number}");
        let payload = frame(&prompt(&id, "Hello."));
        (id, payload)
    });
    let prompts: Vec<_> = prompts.collect();
    let sent = prompts.iter().map(|(id, payload)| OutRecord {
        topic: &cluster.prompts,
        partition: Some(0),
        key: Some(id.as_bytes()),
        payload,
        header: None,
    });
    let records: Vec<_> = sent.collect();
    transactor.commit(&records, &[(0, 0)], member)
}

#[test]
fn marks_of_transactions_are_no_losses() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let reader = Reader::start(&cluster.bus, &cluster.group, &cluster.flagged).unwrap();
    let assigned = reader.events().recv_timeout(PATIENCE).unwrap();
    assert!(matches!(assigned, Event::Assigned(_)), "{assigned:?}");
    let member = reader.committer().membership().unwrap();
    let mut transactor = Transactor::new(&cluster.bus, &unique_name("replay")).unwrap();
    let mut commit = |numbers| commit(&cluster, &mut transactor, &member, numbers);
    for numbers in [0..5, 5..10, 10..15] {
        commit(numbers).unwrap();
    }
    // Whoever has left the group is refused: what was written is there, and aborted.
    reader.close();
    let aborted = commit(15..20);
    assert!(
        matches!(aborted, Err(TransactionError::Aborted(_))),
        "{aborted:?}"
    );

    let only = ["--only", "prompts", "--partition", "0"];
    let all = [&ALONE[..], &only].concat();
    let report = json(&replay(&cluster, &all));
    let [part] = report["parts"].as_array().unwrap().as_slice() else {
        panic!("{report}")
    };
    // Five prompts, a mark, and so on. Gates read what was aborted, too.
    let marks = [5, 11, 17, 23];
    let mark = |at| json!({"first": at, "last": at, "why": "no_record"});
    assert_eq!(part["end"], 24, "{part}");
    assert_eq!(part["gaps"], Value::Array(marks.map(mark).into()), "{part}");
    assert_eq!((&part["read"], &part["judged"]), (&20.into(), &20.into()));
    let records = &report["records"];
    assert_eq!(
        (&records["deleted"], &records["no_record"]),
        (&0.into(), &4.into())
    );

    // Nothing but a mark, in the middle and at the end.
    for (from, to) in [("11", "12"), ("23", "24")] {
        let report = json(&replay(
            &cluster,
            &[&all[..], &["--from", from, "--to", to]].concat(),
        ));
        let records = &report["records"];
        assert_eq!(
            (&records["read"], &records["no_record"]),
            (&0.into(), &1.into())
        );
    }
}
