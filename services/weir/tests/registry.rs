//! A gate whose schema ids are a registry's, on a real Kafka and a real registry.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::collections::HashMap;
use std::process::Command;
use std::time::Duration;

use weir_bus::{OutRecord, Tail, TailFrom};
use weir_registry::{Client, Directory, Ids, Subjects};
use weir_testkit::{Process, kafka_or_skip, own_registry_or_skip, registry_or_skip, unique_name};
use weir_types::{DeadLetterReason, Verdict};
use weir_wire::{DeadLetter, Flagged, Moderation, Record, SchemaIds as _, Subject, schema_id};

use common::cluster::{Cluster, is_end, prompt};
use common::gate::{Gate, command, printed};
use common::registered::{
    foreign, frame_under, ids, newer_frame, next_version, older_frame, register, register_with,
    with_field, without_field,
};
use common::tool::{HEAVY, HEAVY_E5, finish, weir};
use common::{PATIENCE, repository, wait_until};

fn gate_with(cluster: &Cluster, url: &str) -> Command {
    let mut command = command(cluster);
    command.args(["--registry", url]);
    command
}

fn produce(cluster: &Cluster, partition: i32, request_id: &str, payload: &[u8]) {
    cluster.produce(&[OutRecord {
        topic: &cluster.prompts,
        partition: Some(partition),
        key: Some(request_id.as_bytes()),
        payload,
        header: None,
    }]);
}

/// All of a topic, each under the one id given.
fn read_all<T: Record>(cluster: &Cluster, topic: &str, ids: &Ids) -> Vec<(Option<Vec<u8>>, T)> {
    let records = cluster.everything(topic).into_iter();
    records
        .map(|record| {
            let payload = record.payload.unwrap();
            assert_eq!(schema_id(&payload), Ok(ids.id_of(T::SUBJECT)));
            (record.key, weir_wire::decode_with(ids, &payload).unwrap())
        })
        .collect()
}

/// Waits until a verdict on each request has been seen.
struct Answers {
    tail: Tail,
    ids: Ids,
    seen: Vec<String>,
}

impl Answers {
    fn of(cluster: &Cluster, ids: Ids) -> Self {
        Self {
            tail: Tail::start(&cluster.bus, &cluster.verdicts, TailFrom::Beginning).unwrap(),
            ids,
            seen: Vec::new(),
        }
    }

    fn wait_for(&mut self, request_id: &str) {
        wait_until(request_id, || {
            while let Some(record) = self.tail.next(Duration::from_millis(50)) {
                if !is_end(&record) {
                    let read: Verdict =
                        weir_wire::decode_with(&self.ids, &record.payload.unwrap()).unwrap();
                    self.seen.push(read.request_id);
                }
            }
            self.has(request_id)
        });
    }

    fn has(&self, request_id: &str) -> bool {
        self.seen.iter().any(|seen| seen == request_id)
    }
}

#[test]
fn a_gate_writes_and_reads_registered_ids_only_and_any_compatible_version() {
    let (Some(kafka), Some(registry)) = (kafka_or_skip(), registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    let refused = finish(&mut gate_with(&cluster, &url));
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(
        refused.stderr.contains("weir schemas register"),
        "{}",
        refused.stderr
    );
    assert!(
        refused
            .stderr
            .contains(&format!("{}-value", cluster.verdicts)),
        "{}",
        refused.stderr
    );

    register(&cluster, &url);
    let ids = ids(&cluster, &url);
    let client = Client::new(&url).unwrap();
    let gate = Gate::spawn(&mut gate_with(&cluster, &url));
    gate.wait_until_ready();
    // After its start, so that it has to ask.
    let newer = next_version(
        &client,
        Subject::Prompt,
        &cluster.prompts,
        with_field("added"),
    );
    let older = next_version(
        &client,
        Subject::Prompt,
        &cluster.prompts,
        without_field("enc"),
    );
    let foreign = foreign(&client);

    let good = |name: &str, id| (name.to_owned(), frame_under(id, &prompt(name, "Hello")));
    let frames = [
        good("ours", ids.id_of(Subject::Prompt)),
        (
            "newer".to_owned(),
            newer_frame(newer, &prompt("newer", "Hello")),
        ),
        (
            "older".to_owned(),
            older_frame(older, &prompt("older", "Hello")),
        ),
        good("compiled-in", Subject::Prompt.id()),
        good("nobody's", 999_999),
        good("a verdict's", ids.id_of(Subject::Verdict)),
        good("foreign", foreign),
    ];
    let mut answers = Answers::of(&cluster, ids.clone());
    for (name, frame) in &frames {
        produce(&cluster, 0, name, frame);
    }
    for (name, _) in &frames {
        answers.wait_for(name);
    }
    gate.stop();

    let verdicts: HashMap<String, Verdict> = read_all::<Verdict>(&cluster, &cluster.verdicts, &ids)
        .into_iter()
        .map(|(_, verdict)| (verdict.request_id.clone(), verdict))
        .collect();
    let is_judged = |name: &str| verdicts[name].judged_by.iter().any(|it| it == "rules");
    assert_eq!(verdicts.len(), frames.len());
    assert!(["ours", "newer", "older"].into_iter().all(is_judged));

    let letters: HashMap<_, _> = read_all::<DeadLetter>(&cluster, &cluster.dead_letters, &ids)
        .into_iter()
        .map(|(key, letter)| (String::from_utf8(key.unwrap()).unwrap(), letter.reason))
        .collect();
    let expected = [
        ("compiled-in", DeadLetterReason::UnknownSchema),
        ("nobody's", DeadLetterReason::UnknownSchema),
        ("a verdict's", DeadLetterReason::Undecodable),
        ("foreign", DeadLetterReason::Undecodable),
    ];
    assert_eq!(
        letters,
        expected
            .map(|(key, reason)| (key.to_owned(), reason))
            .into()
    );
}

#[test]
fn without_a_registry_its_ids_are_unknown() {
    let (Some(kafka), Some(registry)) = (kafka_or_skip(), registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    register(&cluster, &url);
    let gate = Gate::start(&cluster);
    let id = ids(&cluster, &url).id_of(Subject::Prompt);
    produce(
        &cluster,
        0,
        "registered",
        &frame_under(id, &prompt("registered", "Hello")),
    );
    Answers::of(&cluster, Ids::compiled_in()).wait_for("registered");
    gate.stop();
    let letters = read_all::<DeadLetter>(&cluster, &cluster.dead_letters, &Ids::compiled_in());
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].1.reason, DeadLetterReason::UnknownSchema);
}

#[test]
fn while_the_registry_is_away_records_that_need_it_wait_and_no_offset_passes_them() {
    let (Some(kafka), Some(mut registry)) = (kafka_or_skip(), own_registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    register(&cluster, &url);
    let ids = ids(&cluster, &url);
    let client = Client::new(&url).unwrap();
    let mut gate = Gate::spawn(&mut gate_with(&cluster, &url));
    gate.wait_until_ready();
    let mut answers = Answers::of(&cluster, ids.clone());
    let [second, third] = ["second", "third"]
        .map(|name| next_version(&client, Subject::Prompt, &cluster.prompts, with_field(name)));
    let known = |name: &str| frame_under(ids.id_of(Subject::Prompt), &prompt(name, "Hello"));

    registry.stop().unwrap();
    produce(
        &cluster,
        0,
        "parked",
        &newer_frame(second, &prompt("parked", "Hello")),
    );
    produce(&cluster, 0, "flows", &known("flows"));
    answers.wait_for("flows");
    assert!(!answers.has("parked"));
    wait_until("the gate says that it is not ready, and why", || {
        let ready = gate.get("/ready");
        ready.starts_with("503 ") && ready.contains("schema registry")
    });
    wait_until("the record is counted", || {
        (gate.metric("weir_parked_records") - 1.0).abs() < 0.1
    });
    assert!(gate.is_alive());

    registry.restart().unwrap();
    answers.wait_for("parked");
    gate.wait_until_ready();
    wait_until("none is parked", || {
        gate.metric("weir_parked_records") < 0.1
    });

    // A gate that is killed with a record parked leaves it to the next, whatever came behind it.
    registry.stop().unwrap();
    produce(
        &cluster,
        0,
        "parked again",
        &newer_frame(third, &prompt("parked again", "Hello")),
    );
    produce(&cluster, 0, "behind", &known("behind"));
    answers.wait_for("behind");
    // It commits several times a second.
    std::thread::sleep(Duration::from_secs(2));
    gate.process.kill9().unwrap();
    // The next one waits for the registry before it takes anything up.
    let process = Process::spawn(&mut gate_with(&cluster, &url)).unwrap();
    process
        .wait_for_line(PATIENCE, |line| {
            line.contains("schema registry") && line.contains("Connection refused")
        })
        .unwrap();
    assert!(!answers.has("parked again"));
    registry.restart().unwrap();
    let admin = printed(&process, "admin ")
        .trim_start_matches("http://")
        .to_owned();
    let gate = Gate { process, admin };
    answers.wait_for("parked again");
    gate.wait_until_ready();
    gate.stop();
    let letters = read_all::<DeadLetter>(&cluster, &cluster.dead_letters, &ids);
    assert!(letters.is_empty(), "nothing was poison");
}

/// A text as a gate flags it.
fn flagged(name: &str) -> Flagged {
    let path = repository().join("schemas/examples/flagged.json");
    let mut flagged: Flagged =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    flagged.verdict_id = name.to_owned();
    flagged.request_id = name.to_owned();
    flagged.enc = None;
    flagged
}

#[test]
fn a_rescorer_waits_for_the_registry_too_and_then_goes_on_in_order() {
    let (Some(kafka), Some(mut registry)) = (kafka_or_skip(), own_registry_or_skip()) else {
        return;
    };
    let url = registry.url();
    let cluster = Cluster::on(kafka);
    let moderation = unique_name("moderation");
    cluster.make(&moderation, 1 << 20);
    register_with(&cluster, &url, &moderation);
    let group = unique_name("rescore");
    let mut command = weir([
        "rescore",
        "--admin",
        "127.0.0.1:0",
        "--heavy-model",
        HEAVY,
        "--e5",
        HEAVY_E5,
    ]);
    command.args([
        "--brokers",
        &cluster.bus.brokers,
        "--registry",
        &url,
        "--group",
        &group,
    ]);
    command.args([
        "--flagged-topic",
        &cluster.flagged,
        "--moderation-topic",
        &moderation,
    ]);
    command.args([
        "--verdicts-topic",
        &cluster.verdicts,
        "--dead-letters-topic",
        &cluster.dead_letters,
    ]);
    let rescorer = Gate::spawn(&mut command);
    rescorer.wait_until_ready();

    let client = Client::new(&url).unwrap();
    let subject = format!("{}-value", cluster.flagged);
    let known = client.versions(&subject).unwrap().remove(0);
    let newer = next_version(
        &client,
        Subject::Flagged,
        &cluster.flagged,
        with_field("added"),
    );

    registry.stop().unwrap();
    let parked = newer_frame(newer, &flagged("parked"));
    for (name, frame) in [
        ("parked", parked),
        ("behind", frame_under(known.id, &flagged("behind"))),
    ] {
        cluster.produce(&[OutRecord {
            topic: &cluster.flagged,
            partition: Some(0),
            key: Some(name.as_bytes()),
            payload: &frame,
            header: None,
        }]);
    }
    wait_until("the rescorer says that it is not ready, and why", || {
        let ready = rescorer.get("/ready");
        ready.starts_with("503 ") && ready.contains("schema registry")
    });
    let tail = Tail::start(
        &cluster.bus.read_committed(),
        &moderation,
        TailFrom::Beginning,
    )
    .unwrap();
    assert!(
        tail.next(Duration::from_secs(2)).is_none(),
        "nothing is written"
    );
    registry.restart().unwrap();

    let subjects = Subjects::default().on_topic(Subject::Moderation, &moderation);
    let directory =
        Directory::connect(client, subjects, &[Subject::Moderation], &[], None).unwrap();
    let ids = Ids::registered(directory);
    for expected in ["parked", "behind"] {
        let record = tail.next(PATIENCE).unwrap();
        let read: Moderation = weir_wire::decode_with(&ids, &record.payload.unwrap()).unwrap();
        assert_eq!(read.request_id, expected);
    }
    rescorer.wait_until_ready();
    rescorer.stop();
}
