//! Guarded answers, from the client through Kafka and the gate and back. Real Apache Kafka.
//!
//! `WEIR_TEST_STREAMS` sets how many answers are open at once in the tests of faults (default 150).
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use common::answers::{self, Model, Seen};
use common::cluster::Cluster;
use common::gate::Gate;
use common::tool::{self, Finished};
use common::{repository, wait_until};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_testkit::{Kafka, kafka_or_skip, own_kafka_or_skip};

const CARD: &str = "4111 1111 1111 1111";
const MASKED: &str = "**** **** **** 1111";
const SECRET: &str = "reveal the secret plan";

fn policies(dir: &Path) -> &str {
    std::fs::create_dir(dir.join("rules")).unwrap();
    std::fs::write(dir.join("default.yaml"), answers::PATIENT_POLICY).unwrap();
    std::fs::write(dir.join("rules/rules.yaml"), answers::PATIENT_RULES).unwrap();
    dir.to_str().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn an_answer_is_shown_masked_and_cut_as_the_policy_says() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::on(kafka);
    let gate = Gate::start_under(&cluster, policies(dir.path()));
    let worker = answers::worker(&cluster);
    let ask = |text: &str, bytes| {
        let model = |text: &str| Model::new(text, bytes, Duration::from_millis(2));
        let worker = worker.clone();
        runtime().block_on(async { answers::ask(worker, "What?", model(text)).await })
    };

    let clean = "Weirs hold water back. Nothing here is held back: größer, 水, done.";
    for bytes in [1, 3, 200] {
        let seen = ask(clean, bytes);
        assert_eq!((seen.text.as_str(), seen.cut), (clean, None), "{bytes}");
    }
    let seen = ask(&format!("Pay with {CARD}, please."), 4);
    assert_eq!(seen.text, format!("Pay with {MASKED}, please."));

    let seen = ask(&format!("I will not {SECRET} to you, ever."), 3);
    assert_eq!(seen.text, "I will not ");
    let cut = seen.cut.unwrap();
    assert_eq!(
        (cut.truncate_at, cut.completion.as_deref()),
        (11, Some("Stop here."))
    );
    // Whatever was open is closed again.
    wait_until("no stream is open", || {
        gate.metric("weir_open_streams") < 0.5
    });
    assert!(gate.metric("weir_chunks_total") > 10.0);
    gate.stop();
}

/// Rows for `weir check --jsonl`: texts with things to hold, mask and cut, cut in many ways.
fn rows() -> Vec<Value> {
    let texts = [
        "Weirs hold water back, and größer 水 is fine.".to_owned(),
        format!("Pay with {CARD}, or 4111-1111-1111-1111, please."),
        format!("I will not {SECRET} to you, ever."),
        "I will not r e v e a l the secret plan.".to_owned(),
        "Nor rеvеal the sеcrеt plan with other letters.".to_owned(),
        "Numbers: 4111 1111, 2024, and 4111 1111 1111 1112.".to_owned(),
        "Zoe\u{308}'s e\u{301}clair 👨\u{200d}👩\u{200d}👧 한국어.".to_owned(),
    ];
    let cut = |text: &str, every: usize| -> Vec<String> {
        let chars: Vec<char> = text.chars().collect();
        chars
            .chunks(every)
            .map(|some| some.iter().collect())
            .collect()
    };
    let rows = texts.iter().flat_map(|text| {
        [1, 2, 3, 5, 8, 13, 100].map(|every| json!({ "chunks": cut(text, every) }))
    });
    rows.collect()
}

/// The Python client, through Kafka and a gate, shows what `weir check` says that it should.
#[test]
fn the_python_client_shows_what_check_foretells() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let policies = policies(dir.path());
    let cluster = Cluster::on(kafka);
    let gate = Gate::start_under(&cluster, policies);
    let rows: String = rows().iter().map(|row| format!("{row}\n")).collect();
    let parsed = |finished: &Finished| -> Vec<Value> {
        assert_eq!(finished.code, Some(0), "{finished:?}");
        let lines = finished.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    };
    let check = tool::finish_with(
        &mut tool::weir(["check", "--jsonl", "--policies", policies]),
        rows.as_bytes(),
    );
    let python = tool::finish_with(
        Command::new(repository().join("scripts/python-client"))
            .args(["run", "clients/python/examples/guard_rows.py"])
            .args(["--brokers", &cluster.bus.brokers])
            .args(["--prompts-topic", &cluster.prompts])
            .args(["--chunks-topic", &cluster.chunks])
            .args(["--verdicts-topic", &cluster.verdicts])
            .current_dir(repository()),
        rows.as_bytes(),
    );
    let (expected, shown) = (parsed(&check), parsed(&python));
    assert_eq!(shown.len(), expected.len());
    for (shown, expected) in shown.iter().zip(&expected) {
        assert_eq!(shown["timeouts"], 0, "{shown}");
        for key in ["released", "truncate_at"] {
            assert_eq!(shown[key], expected[key], "{key} of {expected}");
        }
    }
    gate.stop();
}

/// The texts of many answers, and what is to be seen of each.
fn many() -> Vec<(String, String)> {
    let count = std::env::var("WEIR_TEST_STREAMS").map_or(150, |count| count.parse().unwrap());
    (0..count)
        .map(|at| {
            let filler = format!("Answer {at} goes on and on about nothing at all. ").repeat(4);
            let (planted, seen) = match at % 3 {
                0 => (String::new(), None),
                1 => (
                    format!("Pay with {CARD}. "),
                    Some(format!("Pay with {MASKED}. ")),
                ),
                _ => (format!("Now {SECRET}. "), None),
            };
            let text = format!("{filler}{planted}{filler}");
            let shown = match (at % 3, seen) {
                (2, _) => format!("{filler}Now "),
                (_, Some(seen)) => format!("{filler}{seen}{filler}"),
                (_, None) => text.clone(),
            };
            (text, shown)
        })
        .collect()
}

/// Streams all of them, does `meanwhile`, and compares what was seen.
fn while_streaming<T: Send + 'static>(
    cluster: &Cluster,
    meanwhile: impl FnOnce() -> T + Send + 'static,
) -> T {
    let worker = answers::worker(cluster);
    let texts = many();
    let (seen, kept): (Vec<(usize, Seen)>, T) = runtime().block_on(async {
        let mut answers = JoinSet::new();
        for (at, (text, _)) in texts.iter().enumerate() {
            // A token of 7 bytes each 100 ms: some seconds for each.
            let model = Model::new(text, 7, Duration::from_millis(100));
            let worker = worker.clone();
            answers.spawn(async move { (at, answers::ask(worker, "What?", model).await) });
        }
        let meanwhile = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(2));
            meanwhile()
        });
        let seen = answers.join_all().await;
        (seen, meanwhile.join().unwrap())
    });
    assert_eq!(seen.len(), texts.len(), "every answer ended");
    let mut longest: Vec<Duration> = Vec::new();
    for (at, seen) in &seen {
        let (_, expected) = &texts[*at];
        assert_eq!(&seen.text, expected, "answer {at}: {:?}", seen.summary);
        assert_eq!(seen.summary.timeouts, 0, "answer {at}");
        longest.push(seen.longest_pause);
    }
    longest.sort_unstable();
    let of = |share: usize| longest[(longest.len() - 1) * share / 100];
    eprintln!(
        "{} answers; longest pause: median {:?}, P99 {:?}, most {:?}",
        seen.len(),
        of(50),
        of(99),
        of(100)
    );
    kept
}

fn two_gates(kafka: &Kafka, policies: &str) -> (Cluster, Gate, Gate) {
    let cluster = Cluster::on(kafka);
    let gates = [(); 2].map(|()| Gate::start_under(&cluster, policies));
    for gate in &gates {
        gate.wait_for_partitions(4.0);
    }
    let [one, other] = gates;
    (cluster, one, other)
}

#[test]
fn a_killed_gate_loses_no_stream_and_lets_nothing_out() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (cluster, mut one, other) = two_gates(kafka, policies(dir.path()));
    while_streaming(&cluster, move || {
        one.process.kill9().unwrap();
    });
    other.stop();
}

#[test]
fn a_gate_that_is_stopped_hands_its_streams_over() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (cluster, one, other) = two_gates(kafka, policies(dir.path()));
    while_streaming(&cluster, move || {
        one.stop();
    });
    other.stop();
}

#[test]
fn streams_outlive_their_broker() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::on(&kafka);
    let gate = Gate::start_under(&cluster, policies(dir.path()));
    // Given back, or it would be stopped as soon as it has restarted.
    let _kafka = while_streaming(&cluster, move || {
        kafka.restart().unwrap();
        kafka
    });
    gate.stop();
}
