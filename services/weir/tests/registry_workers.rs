//! Weir's own clients beside a registry: they write its ids and no others, and read verdicts that carry them.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::process::Command;
use std::time::Duration;

use weir_client::ClientError;
use weir_testkit::{kafka_or_skip, registry_or_skip};
use weir_wire::{SchemaIds as _, Subject, schema_id};

use common::answers::{self, Model, ask, connect};
use common::cluster::Cluster;
use common::gate::{Gate, command_under};
use common::registered::{ids, register};
use common::repository;
use common::tool::finish;

const ANSWER: &str = "Pay with 4111 1111 1111 1111, please.";

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

#[test]
fn workers_in_rust_and_python_guard_answers_under_a_registrys_ids() {
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
    assert_eq!(seen.text, "Pay with **** **** **** 1111, please.");

    let mut python = Command::new(repository().join("scripts/python-client"));
    python.args(["run", "clients/python/examples/guard_tokens.py"]);
    python.args(["--brokers", &cluster.bus.brokers, "--registry", &url]);
    python.args([
        "--topics",
        &cluster.prompts,
        &cluster.chunks,
        &cluster.verdicts,
    ]);
    let done = finish(python.current_dir(repository()));
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    assert!(
        done.stdout.contains("the card is **** **** **** 1111, and"),
        "{}",
        done.stdout
    );
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
