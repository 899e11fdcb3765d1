//! Guarded answers, from the client through Kafka and the gate and back. Real Apache Kafka.
//!
//! `WEIR_TEST_STREAMS` sets how many answers are open at once in the tests of faults (default 150).
#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests")]

mod common;

use std::process::Command;
use std::time::Duration;

use common::answers::{self, Model, Seen};
use common::cluster::{Cluster, PARTITIONS, frame};
use common::gate::Gate;
use common::tool::{self, Finished};
use common::{PATIENCE, repository, wait_until};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use weir_bus::{LogReader, OutRecord, Reader};
use weir_gate::{Clock, Judges, chunk_input};
use weir_lane::Arrival;
use weir_testkit::{Kafka, kafka_or_skip, own_kafka_or_skip};

const CARD: &str = "4111 1111 1111 1111";
const MASKED: &str = "**** **** **** 1111";
const SECRET: &str = "reveal the secret plan";

#[test]
fn an_answer_is_shown_masked_and_cut_as_the_policy_says() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::on(kafka);
    let gate = Gate::start_under(&cluster, answers::policies(dir.path()));
    let worker = answers::worker(&cluster);
    let ask = |text: &str, bytes| {
        let model = |text: &str| Model::new(text, bytes, Duration::from_millis(2));
        let worker = worker.clone();
        answers::runtime().block_on(async { answers::ask(worker, "What?", model(text)).await })
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
    let policies = answers::policies(dir.path());
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

fn stream_count() -> usize {
    std::env::var("WEIR_TEST_STREAMS").map_or(150, |count| count.parse().unwrap())
}

/// In every third answer nothing is planted, in the others a number or a secret.
const PLANTED: usize = 3;
const NOTHING: usize = 0;

/// The texts of many answers, and what is to be seen of each: `fillers` sentences, something else, and as
/// many again.
fn many(fillers: usize) -> Vec<(String, String)> {
    (0..stream_count())
        .map(|at| {
            let filler =
                format!("Answer {at} goes on and on about nothing at all. ").repeat(fillers);
            let (planted, seen) = match at % PLANTED {
                NOTHING => (String::new(), None),
                1 => (
                    format!("Pay with {CARD}. "),
                    Some(format!("Pay with {MASKED}. ")),
                ),
                _ => (format!("Now {SECRET}. "), None),
            };
            let text = format!("{filler}{planted}{filler}");
            let shown = match (at % PLANTED, seen) {
                (2, _) => format!("{filler}Now "),
                (_, Some(seen)) => format!("{filler}{seen}{filler}"),
                (_, None) => text.clone(),
            };
            (text, shown)
        })
        .collect()
}

/// Streams answers of some 6 s, does `meanwhile`, and compares what was seen.
fn while_streaming<T: Send + 'static>(
    cluster: &Cluster,
    meanwhile: impl FnOnce() -> T + Send + 'static,
) -> T {
    while_streaming_texts(cluster, &many(4), meanwhile)
}

/// The same with these texts, 70 bytes a second, and what is to be seen of each.
fn while_streaming_texts<T: Send + 'static>(
    cluster: &Cluster,
    texts: &[(String, String)],
    meanwhile: impl FnOnce() -> T + Send + 'static,
) -> T {
    let worker = answers::worker(cluster);
    let (seen, kept): (Vec<(usize, Seen)>, T) = answers::runtime().block_on(async {
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
        // A number is held until its last digit has come, whatever happens meanwhile.
        if at % PLANTED == NOTHING {
            longest.push(seen.longest_pause);
        }
    }
    longest.sort_unstable();
    let of = |share: usize| longest[(longest.len() - 1) * share / 100];
    eprintln!(
        "{} answers; longest pause of those with nothing to hold: median {:?}, P99 {:?}, most {:?}",
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
    let (cluster, mut one, other) = two_gates(kafka, answers::policies(dir.path()));
    while_streaming(&cluster, move || {
        one.process.kill9().unwrap();
    });
    other.stop();
}

#[test]
fn a_gate_that_is_stopped_hands_its_streams_over() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (cluster, one, other) = two_gates(kafka, answers::policies(dir.path()));
    while_streaming(&cluster, move || {
        one.stop();
    });
    // However young they were.
    assert!(other.metric(RESTORED) > 1.0);
    other.stop();
}

#[test]
fn streams_outlive_their_broker() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::on(&kafka);
    let gate = Gate::start_under(&cluster, answers::policies(dir.path()));
    // Given back, or it would be stopped as soon as it has restarted.
    let _kafka = while_streaming(&cluster, move || {
        kafka.restart().unwrap();
        kafka
    });
    gate.stop();
}

const WRITTEN: &str = "weir_checkpoints_total{result=\"written\"}";
const RESTORED: &str = "weir_checkpoints_total{result=\"restored\"}";
const REFUSED: &str = "weir_checkpoints_total{result=\"refused\"}";

/// Whether the gates' group has gone past the first chunks of all streams, in every partition.
fn is_past_first_chunks(cluster: &Cluster) -> bool {
    let partitions: Vec<i32> = (0..PARTITIONS).collect();
    let from: Vec<_> = partitions
        .iter()
        .map(|partition| (*partition, None))
        .collect();
    let chunks = LogReader::new(&cluster.bus, &cluster.chunks)
        .unwrap()
        .read(&from, PATIENCE)
        .unwrap();
    let group = format!("{}-streams", cluster.group);
    let reader = Reader::start(&cluster.bus, &group, &cluster.chunks).unwrap();
    let committed = reader.committer().committed(&partitions, PATIENCE).unwrap();
    reader.close();
    let mut firsts = 0;
    for record in &chunks.records {
        let chunk: weir_wire::Chunk = weir_wire::decode(record.payload.as_ref().unwrap()).unwrap();
        if chunk.seq == 0 {
            firsts += 1;
            let at = committed.iter().find(|(at, _)| *at == record.partition);
            if at
                .unwrap()
                .1
                .is_none_or(|committed| committed <= record.offset)
            {
                return false;
            }
        }
    }
    assert_eq!(firsts, stream_count());
    true
}

/// Streams that have lasted for long are gone on with from checkpoints; what is forbidden in them comes
/// while nobody is there to judge it, or across the end of what had been judged.
#[test]
fn long_streams_of_a_killed_gate_go_on_from_checkpoints() {
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let policies = answers::policies(dir.path()).to_owned();
    let cluster = Cluster::on(kafka);
    let mut gate = Gate::start_under(&cluster, &policies);
    let texts = many(12);
    let meanwhile = {
        let cluster = cluster.clone();
        move || {
            let count = f64::from(u32::try_from(stream_count()).unwrap());
            wait_until("every stream is saved", || gate.metric(WRITTEN) >= count);
            // What is saved is committed within a second.
            std::thread::sleep(Duration::from_millis(1500));
            gate.process.kill9().unwrap();
            assert!(is_past_first_chunks(&cluster));
            let successor = Gate::start_under(&cluster, &policies);
            wait_until("the successor has read the checkpoints", || {
                successor.metric("weir_checkpoint_restore_seconds_count") > 0.0
            });
            assert!((successor.metric(RESTORED) - count).abs() < 0.5);
            assert!(successor.metric(REFUSED) < 0.5);
            eprintln!(
                "{count} streams restored in {:.3} s",
                successor.metric("weir_checkpoint_restore_seconds_sum")
            );
            successor
        }
    };
    let successor = while_streaming_texts(&cluster, &texts, meanwhile);
    wait_until("no stream is open", || {
        successor.metric("weir_open_streams") < 0.5
    });
    successor.stop();
    // Each is over: whoever comes next restores none.
    let next = Gate::start_under(&cluster, dir.path().to_str().unwrap());
    wait_until("the next one has read the checkpoints", || {
        next.metric("weir_checkpoint_restore_seconds_count") > 0.0
    });
    assert!(next.metric(RESTORED) < 0.5);
    next.stop();
}

#[test]
#[ignore = "prints figures"]
fn restoring_2000_streams_takes_so_long() {
    const STREAMS: i64 = 2000;
    let Some(kafka) = kafka_or_skip() else { return };
    let dir = tempfile::tempdir().unwrap();
    let policies = answers::policies(dir.path());
    let cluster = Cluster::on(kafka);
    let clock = Clock::start();
    let key = weir_types::FingerprintKey::new(b"test");
    let judges = Judges::load(dir.path(), None, key, 1000).unwrap();
    let mut judge = judges.judge_with(None, clock);
    let text = "Weirs hold water back, and of 4111 1111 nothing else is said here. ".repeat(40);
    let mut records = Vec::new();
    for at in 0..STREAMS {
        let partition = i32::try_from(at).unwrap() % PARTITIONS;
        let chunk = weir_wire::Chunk {
            request_id: format!("r{at}"),
            attempt: 0,
            choice: 0,
            channel: weir_wire::Channel::Content,
            seq: 0,
            byte_start: 0,
            text: text.clone().into_bytes(),
            end: weir_wire::End::None,
            tenant: "tests".to_owned(),
            policy_hash: String::new(),
            worker_id: "w".to_owned(),
            opening: None,
            enc: None,
        };
        let (id, source) = (chunk.stream_id(), source(&cluster.chunks, partition, at));
        let input = chunk_input(chunk, source, 1, Arrival::default());
        judge.take_chunk(input, clock.now()).unwrap();
        judge.answer_streams(|| clock.now());
        let saved = judge.save_stream(&id, clock.now()).unwrap().unwrap();
        let checkpoint = weir_wire::Checkpoint {
            stream_id: saved.stream_id,
            request_id: saved.request_id,
            tenant: saved.tenant,
            policy_hash: saved.policy_hash,
            owner_epoch: saved.owner_epoch,
            next_seq: saved.next_seq,
            source: saved.source,
            saved_at_ms: 0,
            state: saved.state,
        };
        records.push((partition, id, frame(&checkpoint)));
    }
    let bytes: usize = records.iter().map(|(.., record)| record.len()).sum();
    let out = records.iter().map(|(partition, id, record)| OutRecord {
        topic: &cluster.checkpoints,
        partition: Some(*partition),
        key: Some(id.as_bytes()),
        payload: record,
        header: None,
    });
    cluster.produce(&out.collect::<Vec<_>>());
    let gate = Gate::start_under(&cluster, policies);
    wait_until("all streams are restored", || {
        gate.metric(RESTORED) > f64::from(u32::try_from(STREAMS).unwrap()) - 0.5
    });
    eprintln!(
        "{STREAMS} streams, {bytes} bytes, restored in {:.3} s",
        gate.metric("weir_checkpoint_restore_seconds_sum")
    );
    gate.stop();
}

fn source(topic: &str, partition: i32, offset: i64) -> weir_types::Source {
    weir_types::Source {
        topic: topic.into(),
        partition,
        offset,
    }
}
