//! No role can do what it should not: everything that is not in its table below is tried, on a real Apache Kafka under
//! the ACLs that `weir topics apply` grants, and must be refused by the broker. What is in the table must work by the
//! same means, or a refusal would say nothing.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::PATIENCE;
use common::roles::{ROLES, USERS, as_user, bus_of, everybody, topics};
use common::tool::{finish, weir};
use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{BusConfig, Linger, LogReader, OutRecord, Publisher, Transactor};
use weir_testkit::{Kafka, Process, own_secured_kafka_or_skip};

const TOPICS: [&str; 7] = [
    "prompts",
    "chunks",
    "verdicts",
    "checkpoints",
    "flagged",
    "moderation",
    "dead-letters",
];
/// Of the pipeline: who is in them takes records from those who should have them.
const GROUPS: [&str; 4] = [
    "weir-gate",
    "weir-gate-streams",
    "weir-rescore",
    "weir-rescore-feedback",
];
/// Begins as the rescorer's do.
const TRANSACTIONAL_ID: &str = "weir-rescore-of-another";

/// All that a role may do.
struct May {
    read: &'static [&'static str],
    write: &'static [&'static str],
    join: &'static [&'static str],
    transact: bool,
}

fn may(role: &str) -> May {
    let (read, write, join, transact): (&[&str], &[&str], &[&str], bool) = match role {
        "worker" => (&["verdicts"], &["prompts", "chunks"], &[], false),
        "gate" => (
            &["prompts", "chunks", "checkpoints"],
            &["verdicts", "checkpoints", "flagged", "dead-letters"],
            &["weir-gate", "weir-gate-streams"],
            false,
        ),
        "rescorer" => (
            &["flagged", "moderation"],
            &["verdicts", "moderation", "dead-letters"],
            &["weir-rescore", "weir-rescore-feedback"],
            true,
        ),
        "trust-and-safety" => (&["moderation"], &[], &[], false),
        "data" => (
            &["prompts", "chunks", "verdicts", "moderation"],
            &[],
            &[],
            false,
        ),
        "operator" => (&["dead-letters"], &[], &[], false),
        other => panic!("{other} is no role"),
    };
    May {
        read,
        write,
        join,
        transact,
    }
}

#[test]
fn a_worker_is_held_to_its_role() {
    held_to("worker");
}

#[test]
fn a_gate_is_held_to_its_role() {
    held_to("gate");
}

#[test]
fn a_rescorer_is_held_to_its_role() {
    held_to("rescorer");
}

#[test]
fn trust_and_safety_is_held_to_its_role() {
    held_to("trust-and-safety");
}

#[test]
fn data_is_held_to_its_role() {
    held_to("data");
}

#[test]
fn an_operator_is_held_to_its_role() {
    held_to("operator");
    let Some(kafka) = kafka() else { return };
    // It may see ACLs, so that it could come as far as granting some.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("principals.yaml");
    fs::write(&file, "gate: [\"User:operator\"]\n").unwrap();
    let mut command = weir(["topics", "apply", "--principals"]);
    command.arg(&file);
    as_user(&mut command, kafka, "operator");
    let apply = finish(&mut command);
    assert_eq!(apply.code, Some(1), "{apply:?}");
    for word in ["granting ACLs", "ClusterAuthorizationFailed"] {
        assert!(apply.stderr.contains(word), "{apply:?}");
    }
}

/// One for all, with the declared topics and ACLs, and a record on each topic.
fn kafka() -> Option<&'static Kafka> {
    static SHARED: OnceLock<Option<Kafka>> = OnceLock::new();
    SHARED
        .get_or_init(|| {
            let kafka = own_secured_kafka_or_skip(&USERS)?;
            let folder = tempfile::tempdir().unwrap();
            let applied = topics("apply", &kafka, &everybody(folder.path()));
            assert_eq!(applied.code, Some(0), "{applied:?}");
            for topic in TOPICS {
                write(&BusConfig::new(kafka.bootstrap()), topic).unwrap();
            }
            Some(kafka)
        })
        .as_ref()
}

fn held_to(role: &str) {
    let Some(kafka) = kafka() else { return };
    let user = USERS[ROLES.iter().position(|one| *one == role).unwrap()];
    let (bus, may) = (bus_of(kafka, user), may(role));
    for topic in TOPICS {
        let what = format!("{role} reads {topic}");
        assert_tried(&what, may.read.contains(&topic), read(&bus, topic));
        let what = format!("{role} writes {topic}");
        assert_tried(&what, may.write.contains(&topic), write(&bus, topic));
    }
    for group in GROUPS {
        if !may.join.contains(&group) {
            assert_cannot_join(kafka, user, group);
        }
    }
    let transaction = Transactor::new(&bus, TRANSACTIONAL_ID).map(drop);
    let what = format!("{role} writes in transactions of the rescorer's");
    assert_tried(&what, may.transact, said(transaction));
    let made = make(&bus, "weir.others.v1", &[]);
    assert_tried(&format!("{role} makes a topic"), false, made);
    let altered = make(&bus, "weir.verdicts.v1", &[("retention.ms", "1000")]);
    assert_tried(&format!("{role} alters a topic"), false, altered);
}

/// A refusal must be the broker's, and about what the user may do: any other trouble would look like safety.
fn assert_tried(what: &str, allowed: bool, outcome: Result<(), String>) {
    match outcome {
        Ok(()) => assert!(allowed, "{what}, and should not be able to"),
        Err(error) => {
            assert!(!allowed, "{what}, and cannot: {error}");
            let refused = error.to_lowercase().contains("authorization failed");
            assert!(refused, "{what}: not refused but failed: {error}");
        }
    }
}

fn said<E: std::fmt::Display>(outcome: Result<(), E>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
}

fn topic_of(what: &str) -> String {
    format!("weir.{what}.v1")
}

fn read(bus: &BusConfig, topic: &str) -> Result<(), String> {
    let reader = LogReader::new(bus, &topic_of(topic)).unwrap();
    let log = reader
        .read(&[(0, None)], PATIENCE)
        .map_err(|error| error.to_string())?;
    assert!(!log.records.is_empty(), "nothing was there to be read");
    Ok(())
}

fn write(bus: &BusConfig, topic: &str) -> Result<(), String> {
    let mut bus = bus.clone();
    // Else the broker may refuse the producer its id before it is asked about the topic.
    bus.options
        .insert("enable.idempotence".to_owned(), "false".to_owned());
    let mut publisher = Publisher::new(&bus, Linger::Never).unwrap();
    let record = OutRecord {
        topic: &topic_of(topic),
        partition: Some(0),
        key: Some(b"key"),
        payload: b"of a test",
        header: None,
    };
    publisher.send(&record, ()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while publisher.in_flight() > 0 && publisher.failures() == 0 && Instant::now() < deadline {
        publisher.poll(&mut Vec::new(), |()| true).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    said(publisher.flush(Duration::ZERO))
}

fn make(bus: &BusConfig, topic: &str, config: &[(&str, &str)]) -> Result<(), String> {
    let config = config
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
    let spec = TopicSpec {
        name: topic.to_owned(),
        partitions: 4,
        replication: 1,
        config: BTreeMap::from_iter(config),
    };
    said(make_topics(bus, [spec]))
}

/// A gate that would be in the group if it could; it says why it cannot, and goes on trying.
fn assert_cannot_join(kafka: &Kafka, user: &str, group: &str) {
    let mut command = weir(["gate", "--rules-only", "--admin", "127.0.0.1:0"]);
    command.args(["--group", group]);
    as_user(&mut command, kafka, user);
    let mut gate = Process::spawn(&mut command).unwrap();
    // Its lane of prompts is in that group, the one of chunks in another of a similar name.
    let refused = gate.wait_for_line(PATIENCE, |line| {
        line.contains("Group authorization failed") && line.contains("weir.prompts.v1")
    });
    assert!(refused.is_ok(), "{user} in {group}: {:#?}", gate.lines());
    gate.kill9().unwrap();
}
