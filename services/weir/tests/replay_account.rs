//! What was replayed of a range, and what was not, and why: deleted records and damaged ones. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use common::cluster::{Cluster, PARTITIONS, frame, prompt};
use common::mixed::send;
use common::replay::{command, delete, json, replay, unjudged};
use common::{tool, wait_until};
use serde_json::Value;
use weir_bus::{Linger, Publisher};
use weir_testkit::{Process, kafka_or_skip};
use weir_wire::Prompt;

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
