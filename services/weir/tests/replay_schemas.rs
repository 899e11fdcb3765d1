//! A range whose records were written with several versions of their schemas. Real Apache Kafka, and a real registry.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use common::cluster::{Cluster, frame, prompt};
use common::registered::{
    foreign, frame_under, ids, newer_frame, next_version, older_frame, register, with_field,
    without_field,
};
use common::replay::{json, replay};
use serde_json::{Value, json};
use weir_bus::OutRecord;
use weir_registry::Client;
use weir_testkit::{kafka_or_skip, registry_or_skip};
use weir_types::{Action, Source, Stage, Verdict, derive_verdict_id};
use weir_wire::{Chunk, End, SchemaIds as _, Subject};

/// Writes to partition 0, so that offsets are places in the list.
fn write(cluster: &Cluster, topic: &str, frames: &[(&str, Vec<u8>)]) {
    let sent = frames.iter().map(|(key, payload)| OutRecord {
        topic,
        partition: Some(0),
        key: Some(key.as_bytes()),
        payload,
        header: None,
    });
    let records: Vec<_> = sent.collect();
    cluster.produce(&records);
}

/// A chunk of one letter, of three.
fn chunk(seq: i64) -> Chunk {
    let example = include_str!("../../../schemas/examples/chunk.json");
    let example: Chunk = serde_json::from_str(example).unwrap();
    Chunk {
        request_id: "stream".to_owned(),
        seq,
        byte_start: seq,
        text: b"a".to_vec(),
        end: if seq == 2 { End::Complete } else { End::None },
        opening: example.opening.filter(|_| seq == 0),
        policy_hash: String::new(),
        enc: None,
        ..example
    }
}

/// The verdict that was recorded on the prompt at an offset.
fn recorded(cluster: &Cluster, request_id: &str, offset: i64) -> Verdict {
    let example = include_str!("../../../schemas/examples/verdict.json");
    let example: Verdict = serde_json::from_str(example).unwrap();
    let source = Source {
        topic: cluster.prompts.as_str().into(),
        partition: 0,
        offset,
    };
    Verdict {
        verdict_id: derive_verdict_id(request_id, &source, 0..=0, Stage::Fast),
        request_id: request_id.to_owned(),
        stream_id: None,
        supersedes: None,
        action: Action::Block,
        contract: None,
        ..example
    }
}

/// The references of rows that could not be read.
fn unreadable(dir: &Path) -> Vec<String> {
    let rows = std::fs::read_to_string(dir.join("results.jsonl")).unwrap();
    let rows = rows.lines().map(|line| serde_json::from_str(line).unwrap());
    rows.filter(|row: &Value| row["after"]["unjudged"].to_string().contains("malformed"))
        .map(|row| row["ref"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn all_versions_of_a_schema_are_replayed_and_those_that_nobody_knows_are_named() {
    let (Some(kafka), Some(registry)) = (kafka_or_skip(), registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    register(&cluster, &url);
    let ids = ids(&cluster, &url);
    let client = Client::new(&url).unwrap();
    // What is written now, and a version after and one before it.
    let versions = |subject: Subject, topic: &str, last: &str| {
        [
            ids.id_of(subject),
            next_version(&client, subject, topic, with_field("added")),
            next_version(&client, subject, topic, without_field(last)),
        ]
    };
    let prompts = versions(Subject::Prompt, &cluster.prompts, "enc");
    let chunks = versions(Subject::Chunk, &cluster.chunks, "enc");
    let verdicts = versions(Subject::Verdict, &cluster.verdicts, "contract");
    let foreign = foreign(&client);

    let hello = |id: &str| prompt(id, "Hello.");
    write(
        &cluster,
        &cluster.prompts,
        &[
            ("now", frame_under(prompts[0], &hello("now"))),
            ("compiled-in", frame(&hello("compiled-in"))),
            ("newer", newer_frame(prompts[1], &hello("newer"))),
            ("nobody's", frame_under(999_999, &hello("nobody's"))),
            ("older", older_frame(prompts[2], &hello("older"))),
            (
                "a verdict's",
                frame_under(verdicts[0], &hello("a verdict's")),
            ),
            ("foreign", frame_under(foreign, &hello("foreign"))),
        ],
    );
    let unknown = [1, 3, 5, 6].map(|offset| format!("{}-0-{offset}", cluster.prompts));
    write(
        &cluster,
        &cluster.chunks,
        &[
            ("stream", older_frame(chunks[2], &chunk(0))),
            ("stream", frame_under(chunks[0], &chunk(1))),
            ("stream", newer_frame(chunks[1], &chunk(2))),
        ],
    );
    let its = |name: &'static str, offset| recorded(&cluster, name, offset);
    write(
        &cluster,
        &cluster.verdicts,
        &[
            ("now", frame_under(verdicts[0], &its("now", 0))),
            ("newer", newer_frame(verdicts[1], &its("newer", 2))),
            ("older", older_frame(verdicts[2], &its("older", 4))),
            ("lost", frame(&its("lost", 0))),
        ],
    );

    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().to_str().unwrap();
    let common = ["--rules-only", "--json", "--partition", "0"];
    let registered = ["--registry", &url, "--out", out];
    let report = json(&replay(&cluster, &[&common[..], &registered].concat()));
    let records = &report["records"];
    assert_eq!(
        [&records["read"], &records["judged"], &records["poison"]],
        [&json!(10), &json!(6), &json!(4)]
    );
    let [of_prompts, of_chunks] = report["parts"].as_array().unwrap().as_slice() else {
        panic!("{report}")
    };
    assert_eq!(
        of_prompts["poison"],
        json!({"undecodable": 2, "unknown_schema": 2})
    );
    let once = |ids: &[u32]| -> Value {
        let counts = ids.iter().map(|id| (id.to_string(), json!(1)));
        Value::Object(counts.collect())
    };
    let others = [Subject::Prompt.id(), 999_999, verdicts[0], foreign];
    assert_eq!(
        of_prompts["schemas"],
        once(&[&prompts[..], &others].concat())
    );
    assert_eq!(of_chunks["schemas"], once(&chunks));
    let streams = &of_chunks["streams"];
    assert_eq!(
        (&streams["complete"], &streams["chunks_new"]),
        (&1.into(), &3.into())
    );
    assert_eq!(unreadable(dir.path()), unknown);
    // Recorded verdicts of every version stand beside their prompts: they blocked.
    let found = &report["verdicts"];
    assert_eq!(
        (&found["read"], &found["undecodable"]),
        (&4.into(), &1.into())
    );
    let rows = &report["rows"];
    assert_eq!(
        (&rows["compared"], &rows["changes"]["released"]),
        (&3.into(), &3.into())
    );

    // Without the registry its ids are nobody's: all that is left is the one with a compiled-in id.
    let finished = replay(&cluster, &[&common[..], &["--only", "prompts"]].concat());
    let report = json(&finished);
    assert_eq!(
        report["parts"][0]["poison"],
        json!({"unknown_schema": 6}),
        "{report}"
    );
    assert_eq!(report["records"]["judged"], 1);

    let for_people = replay(
        &cluster,
        &["--rules-only", "--only", "prompts", "--registry", &url],
    );
    let line = format!("{}: records by schema id: ", cluster.prompts);
    assert!(for_people.stdout.contains(&line), "{for_people:?}");
}
