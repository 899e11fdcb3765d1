//! Weir's own clients in somebody else's Kafka: beside a registry, whose ids they write and read and no others, and over TLS
//! with a login, as the role that workers have.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::process::Command;
use std::time::Duration;

use weir_client::{ClientError, Worker};
use weir_testkit::{kafka_or_skip, own_secured_kafka_or_skip, registry_or_skip};
use weir_wire::{SchemaIds as _, Subject, schema_id};

use common::answers::{self, Model, ask, connect};
use common::cluster::Cluster;
use common::gate::{Gate, command_under};
use common::registered::{ids, register};
use common::repository;
use common::roles::{as_user, bus_of, topics};
use common::tool::{finish, weir};

const ANSWER: &str = "Pay with 4111 1111 1111 1111, please.";
const MASKED: &str = "Pay with **** **** **** 1111, please.";

/// Every id on the topic is this one.
fn assert_written_under(id: u32, cluster: &Cluster, topic: &str) {
    let all = cluster.everything(topic);
    let frames: Vec<_> = all
        .iter()
        .map(|record| schema_id(record.payload.as_deref().unwrap()))
        .collect();
    assert!(!frames.is_empty());
    assert_eq!(frames, vec![Ok(id); frames.len()]);
}

/// What the example in Python shows of the card in its second answer.
fn guard_in_python(arguments: &[&str]) {
    let mut python = Command::new(repository().join("scripts/python-client"));
    python.args(["run", "clients/python/examples/guard_tokens.py"]);
    let done = finish(python.args(arguments).current_dir(repository()));
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let masked = "the card is **** **** **** 1111, and";
    assert!(done.stdout.contains(masked), "{}", done.stdout);
}

#[test]
fn workers_in_rust_and_python_guard_answers_under_registered_ids() {
    let (Some(kafka), Some(registry)) = (kafka_or_skip(), registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    let refused = connect(&cluster, Some(&url)).unwrap_err();
    assert!(matches!(refused, ClientError::Registry(_)), "{refused}");
    assert!(refused.to_string().contains("weir schemas register"));

    register(&cluster, &url);
    let ids = ids(&cluster, &url);
    let dir = tempfile::tempdir().unwrap();
    let mut gate = command_under(&cluster, answers::policies(dir.path()));
    let gate = Gate::spawn(gate.args(["--registry", &url]));
    gate.wait_until_ready();

    let seen = answers::runtime().block_on(async {
        // Within the runtime, as an inference worker would.
        let worker = connect(&cluster, Some(&url)).unwrap();
        ask(
            worker,
            "What?",
            Model::new(ANSWER, 4, Duration::from_millis(5)),
        )
        .await
    });
    assert_eq!(seen.text, MASKED);

    let topics = [&cluster.prompts, &cluster.chunks, &cluster.verdicts].map(String::as_str);
    let topics = [&["--topics"], &topics[..]].concat();
    let place = ["--brokers", &cluster.bus.brokers, "--registry", &url];
    guard_in_python(&[&place[..], &topics].concat());
    assert_written_under(ids.id_of(Subject::Prompt), &cluster, &cluster.prompts);
    assert_written_under(ids.id_of(Subject::Chunk), &cluster, &cluster.chunks);
    gate.stop();
}

#[test]
fn a_worker_whose_registry_is_away_says_so() {
    let Some(kafka) = kafka_or_skip() else {
        return;
    };
    let cluster = Cluster::on(kafka);
    let away = connect(&cluster, Some("http://user:hidden@127.0.0.1:1")).unwrap_err();
    assert!(matches!(away, ClientError::Registry(_)), "{away}");
    assert!(!away.to_string().contains("hidden"));
}

#[test]
fn workers_in_rust_and_python_guard_answers_over_tls_with_a_login() {
    let Some(kafka) = own_secured_kafka_or_skip(&["gate", "worker"]) else {
        return;
    };
    let (folder, policies) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let principals = folder.path().join("principals.yaml");
    let text = "gate: [\"User:gate\"]\nworker: [\"User:worker\"]\n";
    std::fs::write(&principals, text).unwrap();
    let applied = topics("apply", &kafka, &principals);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let mut gate = weir(["gate", "--admin", "127.0.0.1:0", "--model", "models/fast"]);
    gate.args(["--policies", answers::policies(policies.path())]);
    as_user(&mut gate, &kafka, "gate");
    let gate = Gate::spawn(&mut gate);
    gate.wait_until_ready();

    let worker = Worker::connect(answers::patient(bus_of(&kafka, "worker"))).unwrap();
    let model = || Model::new(ANSWER, 4, Duration::from_millis(5));
    let seen = answers::runtime().block_on(async { ask(worker, "What?", model()).await });
    assert_eq!(seen.text, MASKED);

    let secured = kafka.secured().unwrap();
    let options = folder.path().join("worker.properties");
    let lines = secured.options("worker").into_iter();
    let lines: String = lines
        .map(|(name, value)| format!("{name}={value}\n"))
        .collect();
    std::fs::write(&options, lines).unwrap();
    let options = options.display().to_string();
    guard_in_python(&["--brokers", &secured.sasl(), "--kafka-options", &options]);
    gate.stop();
}
