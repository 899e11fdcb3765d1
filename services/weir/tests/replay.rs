//! What gates judged live, judged again; and that the same comes out each time. Real Apache Kafka.
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use common::cluster::{Cluster, frame};
use common::gate::Gate;
use common::mixed::Mixed;
use common::replay::{command, ends, groups, json, replay, unjudged};
use common::tool;
use common::{PATIENCE, wait_until};
use serde_json::Value;
use weir_bus::{LogReader, OutRecord};
use weir_testkit::{Process, kafka_or_skip};
use weir_types::{Action, Verdict};

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
