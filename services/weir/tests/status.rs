//! `weir status` and `weir top`, against what is really there.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::process::{Command, Stdio};

use common::cluster::{Cluster, frame, prompt};
use common::gate::{Gate, printed};
use common::registered::topic_arguments;
use common::roles::{USERS, as_user, everybody, topics};
use common::tool::{finish, weir};
use common::wait_until;
use serde_json::Value;
use weir_bus::OutRecord;
use weir_testkit::{kafka_or_skip, own_secured_kafka_or_skip, unique_name};

fn on(command: &str, cluster: &Cluster, more: &[&str]) -> Command {
    let mut command = weir([command, "--brokers", &cluster.bus.brokers]);
    command.args(["--group", &cluster.group]);
    command.args(topic_arguments(cluster)).args(more);
    command
}

fn status(cluster: &Cluster, more: &[&str]) -> Value {
    let finished = finish(&mut on("status", cluster, &[&["--json"], more].concat()));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    serde_json::from_str(&finished.stdout).unwrap()
}

fn produce(cluster: &Cluster, count: usize) {
    let payload = frame(&prompt(&unique_name("r"), "good morning"));
    let key = unique_name("key");
    let record = OutRecord {
        topic: &cluster.prompts,
        partition: None,
        key: Some(key.as_bytes()),
        payload: &payload,
        header: None,
    };
    let records: Vec<OutRecord<'_>> = (0..count).map(|_| record.clone()).collect();
    cluster.produce(&records);
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let all = list.as_array().unwrap().iter();
    let found = all.clone().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {list:#}"))
}

#[test]
fn what_waits_who_reads_it_and_how_fast_are_told() {
    let Some(kafka) = kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::without_verdicts_on(kafka);
    produce(&cluster, 5);
    let before = status(&cluster, &[]);
    assert_eq!(
        named(&before["topics"], &cluster.verdicts)["partitions"],
        Value::Null
    );
    let prompts = named(&before["topics"], &cluster.prompts)["partitions"].clone();
    let held = prompts.as_array().unwrap().iter();
    let held: i64 = held.map(|one| one["end"].as_i64().unwrap()).sum();
    assert_eq!(held, 5);
    let group = named(&before["groups"], &cluster.group);
    assert_eq!(
        (&group["lag"], &group["state"]),
        (&5.into(), &"Dead".into())
    );
    assert_eq!(group["partitions"][0]["committed"], Value::Null);
    let people = finish(&mut on("status", &cluster, &[]));
    let missing = format!("topic {}: does not exist", cluster.verdicts);
    assert!(people.stdout.contains(&missing), "{people:?}");
    assert!(
        people.stdout.contains("Dead, 0 members, lag 5"),
        "{people:?}"
    );

    cluster.make_verdicts();
    let mut gate = Gate::start(&cluster);
    wait_until("the gate has committed what it read", || {
        let after = status(&cluster, &[]);
        let group = named(&after["groups"], &cluster.group).clone();
        group["lag"] == 0 && group["state"] == "Stable"
    });
    let after = status(&cluster, &["--gates", &gate.admin]);
    let members = &named(&after["groups"], &cluster.group)["members"];
    assert_eq!(members.as_array().unwrap().len(), 1);
    assert_eq!(members[0]["partitions"], serde_json::json!([0, 1, 2, 3]));
    let endpoint = &after["endpoints"][0];
    assert_eq!(endpoint["ready"], true, "{endpoint:#}");
    let vitals = &endpoint["vitals"];
    assert_eq!(vitals["assigned_partitions"], 8.0);
    assert_eq!(vitals["open_circuits"], 0.0);
    assert_eq!(vitals["unjudged_per_verdict"], 0.0);
    assert!(vitals["latency_since_start"]["p99_s"].as_f64().unwrap() > 0.0);
    assert!(vitals["resident_bytes"].as_f64().unwrap() > 1e6);

    // Rates are of what happens between two looks.
    let mut top = on("top", &cluster, &["--json", "--gates", &gate.admin]);
    let mut top = weir_testkit::Process::spawn(&mut top).unwrap();
    wait_until("a second with verdicts in it is seen", || {
        produce(&cluster, 20);
        top.lines().iter().any(|line| {
            let look: Value = serde_json::from_str(line).unwrap();
            let rate = look["total"]["verdicts_per_s_by_action"]["allow"].as_f64();
            let latency = look["endpoints"][0]["vitals"]["latency"]["p50_s"].as_f64();
            rate.is_some_and(|rate| rate > 0.0) && latency.is_some_and(|p50| p50 > 0.0)
        })
    });
    top.kill9().unwrap();

    // A gate that is gone is no reason not to look.
    let address = gate.admin.clone();
    gate.process.kill9().unwrap();
    let gone = status(&cluster, &["--gates", &address]);
    assert_eq!(gone["endpoints"][0]["ready"], false);
    let why = gone["endpoints"][0]["reasons"][0].as_str().unwrap();
    assert!(why.contains("no answer"), "{why}");
    let line = finish(&mut on(
        "top",
        &cluster,
        &["--count", "2", "--gates", &address],
    ));
    assert_eq!(line.code, Some(0), "{line:?}");
    assert_eq!(line.stdout.lines().count(), 2, "{line:?}");
    assert!(line.stdout.contains("ready 0/1"), "{line:?}");
}

#[test]
fn an_embedded_broker_tells_less_and_is_shown_all_the_same() {
    let gate = Gate::spawn(&mut weir(["up", "--rules-only", "--admin", "127.0.0.1:0"]));
    let broker = printed(&gate.process, "broker ");
    gate.wait_until_ready();
    let mut command = weir([
        "status",
        "--brokers",
        &broker,
        "--embedded-broker",
        "--json",
    ]);
    let finished = finish(command.args(["--gates", &gate.admin]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    let look: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!(look["groups"].as_array().unwrap().len(), 4);
    assert_eq!(named(&look["groups"], "weir-gate")["lag"], 0);
    assert_eq!(look["endpoints"][0]["ready"], true);
    gate.stop();
}

#[test]
fn a_cluster_that_does_not_answer_is_an_error_and_top_goes_on() {
    let port = weir_testkit::free_port().unwrap();
    let brokers = format!("127.0.0.1:{port}");
    let finished = finish(&mut weir(["status", "--brokers", &brokers]));
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(
        finished.stderr.contains("cannot be reached"),
        "{finished:?}"
    );
    let finished = finish(&mut weir(["top", "--brokers", &brokers, "--count", "1"]));
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(
        finished.stdout.contains("cannot be reached"),
        "{finished:?}"
    );
}

/// The role that is for looking is enough, and what an ACL forbids is said.
#[test]
fn an_operator_may_look() {
    let Some(kafka) = own_secured_kafka_or_skip(&USERS) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let principals = everybody(folder.path());
    assert_eq!(topics("apply", &kafka, &principals).code, Some(0));
    let mut command = weir(["status", "--json"]);
    as_user(&mut command, &kafka, "operator");
    let seen = finish(&mut command);
    assert_eq!(seen.code, Some(0), "{seen:?}");
    let look: Value = serde_json::from_str(&seen.stdout).unwrap();
    assert_eq!(look["groups"].as_array().unwrap().len(), 4);
    let mut command = weir(["status"]);
    as_user(&mut command, &kafka, "worker");
    let refused = finish(&mut command);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(
        refused.stderr.contains("by the ACLs of this client's user"),
        "{refused:?}"
    );
}

/// In a real terminal, by `script`: the screen comes, `q` leaves, and the terminal is as it was.
#[test]
fn the_terminal_is_restored() {
    let folder = tempfile::tempdir().unwrap();
    let typescript = folder.path().join("typescript");
    let port = weir_testkit::free_port().unwrap();
    // `script` has no terminal here whose size it could take over.
    let top = format!(
        "stty rows 24 cols 100; {} top --brokers 127.0.0.1:{port}",
        env!("CARGO_BIN_EXE_weir")
    );
    let mut child = Command::new("script");
    child.args(["--quiet", "--flush", "--return", "--command", &top]);
    child.arg(&typescript).stdin(Stdio::piped());
    let mut child = child.stdout(Stdio::null()).spawn().unwrap();
    let written = || fs::read_to_string(&typescript).unwrap_or_default();
    wait_until("the screen comes", || written().contains("looking..."));
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), b"q").unwrap();
    let status = child.wait().unwrap();
    assert!(status.success());
    // Into the other screen and out of it again, and the cursor is shown last.
    let written = written();
    let (entered, left) = (
        written.find("\u{1b}[?1049h"),
        written.rfind("\u{1b}[?1049l"),
    );
    assert!(entered.is_some() && left > entered, "{written:?}");
    assert!(
        written.rfind("\u{1b}[?25h") > written.rfind("\u{1b}[?25l"),
        "{written:?}"
    );
}
