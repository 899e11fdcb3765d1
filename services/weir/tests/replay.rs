//! What gates judged live, judged again; and what a replay does with its inputs and outputs. Real Apache Kafka.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::cluster::{Cluster, PARTITIONS, frame, prompt};
use common::gate::Gate;
use common::mixed::{Mixed, send};
use common::tool::{self, Finished};
use common::{PATIENCE, repository, wait_until};
use serde_json::Value;
use weir_bus::{Linger, LogReader, OutRecord, Publisher};
use weir_testkit::{Process, kafka_or_skip};
use weir_types::{Action, Verdict};
use weir_wire::Prompt;

/// `weir replay` of the cluster's topics.
fn command(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = tool::weir(["replay", "--brokers", &cluster.bus.brokers]);
    command
        .args(["--prompts-topic", &cluster.prompts])
        .args(["--chunks-topic", &cluster.chunks])
        .args(["--verdicts-topic", &cluster.verdicts])
        .args(arguments);
    command
}

fn replay(cluster: &Cluster, arguments: &[&str]) -> Finished {
    tool::finish(&mut command(cluster, arguments))
}

fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
}

/// Next offsets of every topic that a replay reads or could write to.
fn ends(cluster: &Cluster) -> BTreeMap<String, Vec<i64>> {
    let topics = [
        &cluster.prompts,
        &cluster.chunks,
        &cluster.verdicts,
        &cluster.checkpoints,
        &cluster.flagged,
        &cluster.dead_letters,
    ];
    let ends = |topic: &&String| {
        let reader = LogReader::new(&cluster.bus, topic).unwrap();
        let extents = reader.extents(None, None, None, PATIENCE).unwrap();
        let ends = extents.iter().map(|extent| extent.high).collect();
        ((*topic).clone(), ends)
    };
    topics.iter().map(ends).collect()
}

/// One of Kafka's own tools.
fn kafka_tool(class: &str, cluster: &Cluster, arguments: &[&str]) -> String {
    let finished = tool::finish(
        Command::new(repository().join("scripts/kafka"))
            .args(["tool", class, "--bootstrap-server", &cluster.bus.brokers])
            .args(arguments),
    );
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

fn groups(cluster: &Cluster) -> String {
    kafka_tool("consumer.group.ConsumerGroupCommand", cluster, &["--list"])
}

/// Deletes what lies before an offset.
fn delete(cluster: &Cluster, topic: &str, partition: i64, before: i64) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("offsets.json");
    let one = serde_json::json!({"topic": topic, "partition": partition, "offset": before});
    let content = serde_json::json!({"partitions": [one], "version": 1});
    std::fs::write(&file, content.to_string()).unwrap();
    let file = file.to_str().unwrap();
    kafka_tool(
        "DeleteRecordsCommand",
        cluster,
        &["--offset-json-file", file],
    );
}

/// A run of prompts and streams with a gate that is killed in it, then the replay that must give the same verdicts.
fn live_then_again(cluster: &Cluster, time: Duration) -> Value {
    let mut gate = Gate::start(cluster);
    let mut load = Mixed::new(cluster);
    load.run(time / 2);
    gate.process.kill9().unwrap();
    load.run(time / 20);
    let gate = Gate::start(cluster);
    load.run(time / 2);
    let (prompts, streams) = load.finish();
    wait_until("the gate has answered all", || {
        gate.metric("weir_open_streams") < 0.5 && gate.metric("weir_lag_records") < 0.5
    });
    gate.stop();

    let before = (ends(cluster), groups(cluster));
    let finished = tool::finish_within(
        &mut command(cluster, &["--verify", "--json"]),
        PATIENCE + time,
    );
    let report = json(&finished);
    eprintln!(
        "{prompts} prompts, {streams} streams: {}",
        report["verification"]
    );
    eprintln!("{}", report["records"]);
    assert_eq!(finished.code, Some(0), "{}", report["verification"]);
    let after = (ends(cluster), groups(cluster));
    assert_eq!(after, before, "a replay writes nothing and joins no group");
    assert_eq!(report["rows"]["streams"], streams);
    report
}

/// `make soak`: the same for as long as `WEIR_SOAK_SECONDS` says.
#[test]
#[ignore = "long: make soak"]
fn soak() {
    let Some(kafka) = kafka_or_skip() else { return };
    let seconds = std::env::var("WEIR_SOAK_SECONDS").map_or(600, |it| it.parse().unwrap());
    live_then_again(&Cluster::on(kafka), Duration::from_secs(seconds));
}

#[test]
fn what_gates_judged_is_judged_the_same_again() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let report = live_then_again(&cluster, Duration::from_secs(8));
    let verification = &report["verification"];
    assert_eq!(verification["not_recorded"], 0, "{verification}");
    assert_eq!(verification["other_policy"], 0, "{verification}");
    assert!(report["records"]["poison"].as_u64().unwrap() > 0);
    let expired = &report["rows"]["unjudged"]["classifier/expired"];
    assert!(
        expired.as_u64().unwrap() > 0,
        "{}",
        report["rows"]["unjudged"]
    );

    // A verdict that nobody would have given: what outranks the real one differs from the replay.
    let reader = LogReader::new(&cluster.bus, &cluster.verdicts).unwrap();
    let log = reader.read(&[(0, None)], PATIENCE).unwrap();
    let verdicts = log.records.iter();
    let mut verdicts =
        verdicts.map(|it| weir_wire::decode::<Verdict>(it.payload.as_ref().unwrap()));
    let allowed = |it: &Verdict| it.action == Action::Allow && it.stream_id.is_none();
    let mut planted = verdicts.find_map(|it| it.ok().filter(allowed)).unwrap();
    planted.action = Action::Block;
    planted.would_action = Action::Block;
    planted.owner_epoch += 1_000_000;
    cluster.produce(&[OutRecord {
        topic: &cluster.verdicts,
        partition: Some(0),
        key: Some(planted.request_id.as_bytes()),
        payload: &frame(&planted),
        header: None,
    }]);
    let finished = replay(&cluster, &["--verify", "--json", "--only", "prompts"]);
    assert_eq!(finished.code, Some(3), "{finished:?}");
    let found = &json(&finished)["verification"];
    assert_eq!(
        (&found["differing"], &found["fields"]["action"]["count"]),
        (&1.into(), &1.into())
    );
    // And one policy beside what was recorded calls it what it is.
    let finished = replay(&cluster, &["--json", "--only", "prompts"]);
    let changes = &json(&finished)["rows"]["changes"];
    assert_eq!(
        (finished.code, &changes["released"]),
        (Some(0), &1.into()),
        "{changes}"
    );
}

/// Other policies than those that are shipped: they block what those warn of.
fn strict_policies(dir: &Path) -> String {
    std::fs::create_dir(dir.join("rules")).unwrap();
    let policy = "id: strict\nversion: \"1\"\ntenants: [\"*\"]\ndetectors:\n  email: { action: block, min_score: 0.5 }\n";
    std::fs::write(dir.join("default.yaml"), policy).unwrap();
    let rules = "rules:\n  - {id: bread, category: illicit, score: 0.9, action: block, literals: [banana bread]}\n";
    std::fs::write(dir.join("rules/rules.yaml"), rules).unwrap();
    dir.to_str().unwrap().to_owned()
}

/// Records to replay, of which no gate ever took notice.
fn unjudged(cluster: &Cluster) -> (usize, usize) {
    let mut load = Mixed::new(cluster);
    for _ in 0..250 {
        load.round();
    }
    load.finish()
}

fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    entries
        .filter(|path| path.is_file())
        .map(|path| (name(&path), std::fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn the_same_comes_out_however_many_threads_and_interruptions_there_are() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let (_, streams) = unjudged(&cluster);
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("policies")).unwrap();
    let strict = strict_policies(&dir.path().join("policies"));
    let arguments = [
        "--policy",
        "policies",
        "--policy",
        &strict,
        "--note-every",
        "64",
    ];
    let run = |name: &str, more: &[&str]| {
        let out = dir.path().join(name);
        let mut arguments = arguments.to_vec();
        arguments.extend(["--out", out.to_str().unwrap()]);
        arguments.extend(more);
        (out.clone(), command(&cluster, &arguments))
    };
    let before = ends(&cluster);

    let (one, mut by_one) = run("one", &["--threads", "1"]);
    assert_eq!(tool::finish(&mut by_one).code, Some(0));
    let (four, mut by_four) = run("four", &["--threads", "4", "--json"]);
    let report = json(&tool::finish(&mut by_four));
    assert_eq!(report["rows"]["streams"], streams);
    assert!(
        report["rows"]["by_rule"]["literal/bread"]["changes"]["newly_blocked"].as_u64() > Some(0)
    );
    let expected = files(&one);
    let names: Vec<_> = expected.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "report.html",
            "results.jsonl",
            "results.parquet",
            "state.json",
            "summary.json"
        ]
    );
    assert!(files(&four) == expected, "threads make a difference");

    let (again, mut interrupted) = run("again", &["--threads", "1"]);
    let mut process = Process::spawn(&mut interrupted).unwrap();
    let begun = again.join("parts/prompt-1.json");
    wait_until("part of it is done", || begun.exists());
    process.kill9().unwrap();
    assert!(!again.join("summary.json").exists(), "it was interrupted");
    let (_, mut resumed) = run("again", &["--threads", "2"]);
    let finished = tool::finish(&mut resumed);
    assert!(finished.stderr.contains("going on"), "{finished:?}");
    assert!(
        files(&again) == expected,
        "an interruption makes a difference"
    );

    // Finished, and another one: neither is written over.
    let (_, mut finished) = run("one", &[]);
    assert_eq!(tool::finish(&mut finished).code, Some(1));
    let (_, mut other) = run("one", &["--only", "prompts"]);
    let other = tool::finish(&mut other);
    assert!(other.stderr.contains("another replay"), "{other:?}");
    assert!(files(&one) == expected);

    // No text but where it is asked for.
    let text = "anana bread";
    let holds = |files: &BTreeMap<String, Vec<u8>>| {
        let mut files = files.values();
        files.any(|file| String::from_utf8_lossy(file).contains(text))
    };
    assert!(!holds(&expected));
    let (_, mut with_text) = run("text", &["--with-text", "--only", "prompts"]);
    assert_eq!(tool::finish(&mut with_text).code, Some(0));
    assert!(holds(&files(&dir.path().join("text"))));
    assert_eq!(ends(&cluster), before);
}

#[test]
fn what_is_not_there_is_accounted_for() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    unjudged(&cluster);
    delete(&cluster, &cluster.prompts, 0, 10);
    let alone = [
        "--alone",
        "--rules-only",
        "--json",
        "--partition",
        "0",
        "--from",
        "0",
    ];

    let dry = replay(&cluster, &[alone.as_slice(), &["--dry-run"]].concat());
    let parts = json(&dry);
    let [prompts, chunks] = parts.as_array().unwrap().as_slice() else {
        panic!("{dry:?}")
    };
    assert_eq!(
        (&prompts["asked"], &prompts["start"]),
        (&0.into(), &10.into())
    );
    let end = prompts["end"].as_i64().unwrap();

    // Chunks from the middle on, to before the end.
    let middle = (chunks["end"].as_i64().unwrap() / 2).to_string();
    let late = (chunks["end"].as_i64().unwrap() - 20).to_string();
    let range = ["--only", "chunks", "--from", &middle, "--to", &late];
    let report = json(&replay(&cluster, &[&alone[..5], &range].concat()));
    let streams = &report["records"]["streams"];
    for key in [
        "complete",
        "open_at_end",
        "begun_before",
        "chunks_of_begun_before",
    ] {
        assert!(streams[key].as_u64().unwrap() > 0, "{key}: {streams}");
    }

    // Interrupted, and deleted in the middle before it goes on.
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let only = ["--only", "prompts", "--out", out, "--note-every", "32"];
    let arguments = [alone.as_slice(), &only].concat();
    let mut process = Process::spawn(&mut command(&cluster, &arguments)).unwrap();
    let state = dir.path().join("parts/prompt-0.json");
    wait_until("part of it is done", || state.exists());
    process.kill9().unwrap();
    let state: Value = serde_json::from_slice(&std::fs::read(state).unwrap()).unwrap();
    let next = state["next"].as_i64().unwrap();
    assert!(next < end, "it was interrupted at {next} of {end}");
    delete(&cluster, &cluster.prompts, 0, end - 5);
    let report = json(&replay(&cluster, &arguments));
    let part = &report["parts"][0];
    let gap = serde_json::json!([{"first": next, "last": end - 6, "why": "deleted"}]);
    assert_eq!(part["gaps"], gap, "{part}");
    assert_eq!(part["deleted_before"], 10);
    assert_eq!(report["records"]["deleted"], 10 + end - 5 - next);
    assert_eq!(part["read"], next - 10 + 5);
}

#[test]
fn records_that_cannot_be_judged_are_counted_by_reason() {
    let Some(kafka) = kafka_or_skip() else { return };
    let cluster = Cluster::on(kafka);
    let mut publisher = Publisher::new(&cluster.bus, Linger::Never).unwrap();
    let mut unknown = frame(&prompt("a", "Hello."));
    unknown[4] ^= 0x55;
    let good = Prompt {
        budget_us: Some(-1),
        ..prompt("b", "Write to anna@example.org.")
    };
    for (key, payload) in [
        ("a", unknown.as_slice()),
        ("b", &frame(&good)),
        ("c", b"{}"),
        ("d", &frame(&Prompt::new("", "acme", "w"))),
    ] {
        send(&mut publisher, &cluster.prompts, key, payload);
    }
    common::cluster::finish(&mut publisher);
    let finished = replay(&cluster, &["--json", "--alone", "--only", "prompts"]);
    let report = json(&finished);
    assert_eq!(report["records"]["read"], 4);
    assert_eq!(
        (&report["records"]["judged"], &report["records"]["poison"]),
        (&1.into(), &3.into())
    );
    let parts = report["parts"].as_array().unwrap();
    assert_eq!(parts.len(), usize::try_from(PARTITIONS).unwrap());
    let count = |reason: &str| -> u64 {
        parts
            .iter()
            .filter_map(|part| part["poison"][reason].as_u64())
            .sum()
    };
    assert_eq!(
        ["unknown_schema", "malformed_frame", "invalid"].map(count),
        [1, 1, 1]
    );
    // Spent is spent, whenever it is judged.
    assert_eq!(report["rows"]["unjudged"]["classifier/expired"], 1);
    let missing = tool::finish(&mut tool::weir([
        "replay",
        "--brokers",
        &cluster.bus.brokers,
        "--alone",
        "--prompts-topic",
        "nowhere",
    ]));
    assert_eq!(missing.code, Some(1), "{missing:?}");
    assert!(missing.stderr.contains("nowhere"), "{missing:?}");
}
