//! `weir doctor` finds what is planted and names a fix that works. On a real Apache Kafka and schema registry.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use common::gate::{Gate, printed};
use common::roles::{USERS, as_user, everybody, topics};
use common::tool::{Finished, HEAVY, HEAVY_E5, finish, weir};
use common::{cluster::Cluster, repository};
use serde_json::Value;
use weir_registry::Client;
use weir_testkit::{
    free_port, kafka_or_skip, own_kafka_or_skip, own_registry_or_skip, own_secured_kafka_or_skip,
    unique_name,
};
use weir_wire::Subject;

/// What a doctor found.
struct Findings(Vec<Value>);

impl Findings {
    /// Of a run that ended with `code`.
    fn of(command: &mut Command, code: i32) -> Self {
        let finished = finish(command.arg("--json"));
        assert_eq!(finished.code, Some(code), "{finished:#?}");
        let report: Value = serde_json::from_str(&finished.stdout).unwrap();
        Self(report["checks"].as_array().unwrap().clone())
    }

    fn check(&self, name: &str) -> &Value {
        let found = self.0.iter().find(|check| check["name"] == name);
        found.unwrap_or_else(|| panic!("no check {name}: {:#?}", self.0))
    }

    fn names(&self, state: &str) -> Vec<&str> {
        let all = self.0.iter().filter(|check| check["state"] == state);
        all.map(|check| check["name"].as_str().unwrap()).collect()
    }

    /// That of a check with this state, of which `found` is said.
    fn fix(&self, name: &str, state: &str, found: &str) -> &str {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{check}");
        assert!(check["found"].as_str().unwrap().contains(found), "{check}");
        check["fix"].as_str().unwrap()
    }
}

fn doctor(brokers: &str) -> Command {
    weir(["doctor", "--brokers", brokers])
}

/// Runs a fix that is a command of Weir's.
fn run(fix: &str) -> Finished {
    let words = fix.strip_prefix("weir ").unwrap().split(' ');
    finish(&mut weir(words))
}

/// A declaration of topics of these names, each with 3 partitions and an hour of retention, and a gate that reads all.
fn declare(folder: &Path, topics: &[&str]) -> String {
    let mut text = "roles: {gate: {means: m, groups: [g]}, data: {means: m}}\ntopics:\n".to_owned();
    for name in topics {
        text.push_str(&format!(
            "  - {{name: {name}, partitions: 3, replication: 1, key: k, carries: c, roles: {{produce: [], consume: [gate]}}, \
             config: {{cleanup.policy: delete, retention.ms: '3600000', max.message.bytes: '1048576'}}}}\n"
        ));
    }
    let file = folder.join("topics.yaml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

fn nobody() -> String {
    format!("127.0.0.1:{}", free_port().unwrap())
}

#[test]
fn a_sound_cluster_passes_until_its_broker_is_down() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap().to_owned();
    let bare = Findings::of(&mut doctor(&brokers), 3);
    assert_eq!(bare.names("failed").len(), 7, "{:#?}", bare.0);
    let applied = finish(&mut weir(["topics", "apply", "--brokers", &brokers]));
    assert_eq!(applied.code, Some(0), "{applied:?}");

    let sound = finish(&mut doctor(&brokers));
    assert_eq!(sound.code, Some(0), "{sound:#?}");
    assert!(sound.stdout.contains("ok       topic weir.prompts.v1"));
    assert!(sound.stdout.contains("this broker has no authorizer"));
    assert!(sound.stdout.contains(" 0 warning, 0 failed,"), "{sound:#?}");
    assert!(!sound.stdout.contains("fix:"), "{sound:#?}");

    let cluster = Cluster::on(&kafka);
    let gate = Gate::start(&cluster);
    let mut with_gate = doctor(&brokers);
    with_gate.args(["--gates", &gate.admin, "--probe-clock"]);
    let found = Findings::of(&mut with_gate, 0);
    assert_eq!(
        found.check(&format!("gate {}", gate.admin))["found"],
        "ready"
    );
    for clock in [&format!("clock of gate {}", gate.admin), "clock of brokers"] {
        assert_eq!(found.check(clock)["state"], "ok");
    }
    let left = fs::read_dir(kafka.dir().join("data")).unwrap();
    let left = left.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // What was deleted lies there for another minute.
    let left = left.filter(|name| name.starts_with("weir-clock-") && !name.ends_with("-delete"));
    assert_eq!(left.count(), 0);

    let admin = gate.admin.clone();
    gate.stop();
    kafka.stop().unwrap();
    let mut down = doctor(&brokers);
    down.args(["--gates", &admin, "--probe-clock"]);
    let down = Findings::of(&mut down, 3);
    let fix = down.fix("brokers", "failed", "cannot be reached");
    assert!(fix.contains("--brokers"), "{fix}");
    let fix = down.fix(&format!("gate {admin}"), "failed", "Connection refused");
    assert!(fix.contains("--gates"), "{fix}");
    for skipped in ["topics", "acls", "clock of brokers"] {
        assert_eq!(down.check(skipped)["state"], "skipped");
    }
}

#[test]
fn topics_that_are_missing_or_differ_are_found_and_the_fix_mends_what_may_be_mended() {
    let Some(kafka) = kafka_or_skip() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let [fine, missing, narrow, short] = ["fine", "missing", "narrow", "short"].map(unique_name);
    let declared = declare(folder.path(), &[&fine, &narrow, &short]);
    let text = fs::read_to_string(&declared).unwrap();
    let planted = text.lines().map(|line| {
        let line = if line.contains(&narrow) {
            line.replace("partitions: 3", "partitions: 2")
        } else {
            line.to_owned()
        };
        if line.contains(&short) {
            line.replace("'3600000'", "'60000'")
        } else {
            line
        }
    });
    fs::write(&declared, planted.collect::<Vec<_>>().join("\n")).unwrap();
    let brokers = kafka.bootstrap();
    let apply = ["topics", "apply", "--brokers", brokers, "--file", &declared];
    assert_eq!(finish(&mut weir(apply)).code, Some(0));

    let declared = declare(folder.path(), &[&fine, &missing, &narrow, &short]);
    let ask = || {
        let mut command = doctor(brokers);
        command.args(["--topics", &declared]);
        Findings::of(&mut command, 3)
    };
    let found = ask();
    let [fine, missing, narrow, short] =
        [fine, missing, narrow, short].map(|topic| format!("topic {topic}"));
    assert_eq!(found.check(&fine)["state"], "ok");
    let fix = found.fix(&missing, "failed", "does not exist");
    let what = "retention.ms is 60000 and 3600000 is declared";
    assert_eq!(found.fix(&short, "failed", what), fix);
    let what = "it has 2 partitions and 3 are declared";
    let never = found.fix(&narrow, "failed", what);
    assert!(never.contains("new topic (v2)"), "{never}");

    // It refuses the partitions, as it should.
    assert_eq!(run(fix).code, Some(4));
    let after = ask();
    assert_eq!(after.names("failed"), [&narrow]);
    assert_eq!(after.check(&short)["state"], "ok");
}

#[test]
fn an_acl_that_is_missing_is_found_and_the_fix_grants_it() {
    let Some(kafka) = own_secured_kafka_or_skip(&USERS) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let all = everybody(folder.path());
    let some = folder.path().join("some.yaml");
    let text = fs::read_to_string(&all).unwrap();
    fs::write(&some, text.replace("gate: [\"User:gate\"]\n", "")).unwrap();
    assert_eq!(topics("apply", &kafka, &some).code, Some(0));

    let ask = |principals: &Path, code, more: &[&str]| {
        let mut command = doctor(kafka.bootstrap());
        command.arg("--principals").arg(principals).args(more);
        Findings::of(&mut command, code)
    };
    let found = ask(&all, 3, &[]);
    assert_eq!(found.names("failed"), ["acls of User:gate"]);
    let lack = "allow User:gate Read on group weir-gate-streams";
    let fix = found.fix("acls of User:gate", "failed", lack);
    // Of a role that does not need it nothing is said.
    let worker = ask(&all, 0, &["--role", "worker"]);
    assert_eq!(worker.check("acls of User:worker")["state"], "ok");
    assert!(
        worker
            .0
            .iter()
            .all(|check| check["name"] != "topic weir.flagged.v1")
    );
    assert_eq!(worker.check("model")["state"], "skipped");

    let granted = run(fix);
    assert_eq!(granted.code, Some(0), "{granted:?}");
    let mended = ask(&all, 0, &[]);
    assert_eq!(mended.check("acls of User:gate")["state"], "ok");

    // What is there and nobody declared works, and is told of; that nobody has a role is no fault.
    fs::write(&some, "gate: [\"User:gate\"]\ndata: [\"User:worker\"]\n").unwrap();
    let beyond = ask(&some, 3, &[]);
    let role = beyond.check("acls of role operator");
    assert_eq!(role["found"], "nobody has it");
    fs::write(&some, text.replace("data: [\"User:data\"]", "data: []")).unwrap();
    let beyond = ask(&some, 0, &[]);
    assert!(beyond.names("warning").is_empty());
    let twice = text.replace("[\"User:data\"]", "[\"User:data\", \"User:gate\"]");
    fs::write(&some, twice).unwrap();
    assert_eq!(topics("apply", &kafka, &some).code, Some(0));
    let beyond = ask(&all, 0, &[]);
    let fix = beyond.fix("acls of User:gate", "warning", "granted and not declared: ");
    let check = beyond.check("acls of User:gate").to_string();
    assert!(
        check.contains("User:gate Read on group weir-data-*"),
        "{check}"
    );
    assert!(fix.contains("kafka-acls.sh --remove"), "{fix}");

    // A user who may not look is told so, and as whom to look.
    let mut command = weir(["doctor", "--principals"]);
    as_user(command.arg(&all), &kafka, "trustandsafety");
    let blind = Findings::of(&mut command, 3);
    let fix = blind.fix("topics", "failed", "Topic authorization failed");
    assert!(fix.contains("operator"), "{fix}");
    let mut command = weir(["doctor", "--probe-clock", "--principals"]);
    as_user(command.arg(&all), &kafka, "operator");
    let seen = Findings::of(&mut command, 0);
    let fix = seen.fix("clock of brokers", "warning", "authorization failed");
    assert!(fix.contains("weir-clock-*"), "{fix}");
}

#[test]
fn a_registry_that_is_down_lacks_a_schema_or_has_one_that_does_not_fit_is_found() {
    let Some(mut registry) = own_registry_or_skip() else {
        return;
    };
    let url = registry.url();
    let [prompts, moderation] = ["prompts", "moderation"].map(unique_name);
    let brokers = nobody();
    let ask = || {
        let mut command = doctor(&brokers);
        command.args(["--registry", &url, "--prompts-topic", &prompts]);
        Findings::of(command.args(["--moderation-topic", &moderation]), 3)
    };
    let bare = ask();
    assert_eq!(bare.check("registry")["state"], "ok");
    let fix = bare.fix("schema weir.verdicts.v1-value", "failed", "not registered");
    assert_eq!(run(fix).code, Some(0));

    // A prompt whose request_id is a number.
    let mut schema: Value = serde_json::from_str(Subject::Prompt.schema_json()).unwrap();
    schema["fields"][0]["type"] = "long".into();
    let client = Client::new(&url).unwrap();
    let subject = format!("{prompts}-value");
    client.register(&subject, &schema.to_string()).unwrap();
    let ours = Subject::Moderation.schema_json().trim();
    client
        .register(&format!("{moderation}-value"), ours)
        .unwrap();
    let found = ask();
    assert_eq!(found.check("schema weir.verdicts.v1-value")["state"], "ok");
    let fix = found.fix(&format!("schema {subject}"), "failed", "request_id");
    assert!(
        fix.contains(&format!("weir schemas check --registry {url}")),
        "{fix}"
    );
    let unkept = format!("schema {moderation}-value");
    let fix = found.fix(&unkept, "warning", "not FULL_TRANSITIVE");
    assert!(fix.contains("weir schemas register"), "{fix}");
    assert_eq!(found.check("clock of registry")["state"], "ok");

    registry.stop().unwrap();
    let down = ask();
    let fix = down.fix("registry", "failed", "Connection refused");
    assert!(fix.contains("check that it runs"), "{fix}");
    assert!(
        down.names("failed")
            .iter()
            .all(|name| !name.starts_with("schema"))
    );
}

#[test]
fn weights_that_are_not_the_manifests_and_a_missing_onnx_runtime_are_found() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(repository().join("models/fast")).unwrap() {
        let file = file.unwrap();
        if file.file_type().unwrap().is_file() {
            fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
        }
    }
    let brokers = nobody();
    let sound = Findings::of(doctor(&brokers).arg("--model").arg(folder.path()), 3);
    assert_eq!(sound.names("failed"), ["brokers"]);
    assert_eq!(sound.check("onnx runtime")["state"], "ok");

    let mut without = doctor(&brokers);
    without.env("WEIR_ONNXRUNTIME", folder.path().join("none.so"));
    let without = Findings::of(without.arg("--model").arg(folder.path()), 3);
    let fix = without.fix("onnx runtime", "failed", "none.so");
    assert!(fix.contains("scripts/onnxruntime") && fix.contains("WEIR_ONNXRUNTIME"));
    assert_eq!(without.check("model")["state"], "skipped");

    let weights = folder.path().join("model.onnx");
    let mut bytes = fs::read(&weights).unwrap();
    bytes.push(0);
    fs::write(&weights, bytes).unwrap();
    let wrong = Findings::of(doctor(&brokers).arg("--model").arg(folder.path()), 3);
    let fix = wrong.fix("model", "failed", "its manifest expects");
    assert!(fix.contains("git checkout models"), "{fix}");

    let mut rescorer = doctor(&brokers);
    rescorer.args([
        "--role",
        "rescorer",
        "--heavy-model",
        HEAVY,
        "--e5",
        HEAVY_E5,
    ]);
    let rescorer = Findings::of(&mut rescorer, 3);
    assert_eq!(rescorer.names("failed"), ["brokers"]);
    assert_eq!(rescorer.check("heavy model")["state"], "ok");
}

/// A gate's admin endpoint on a machine whose clock is `ahead_s` ahead; its address.
fn elsewhere(ahead_s: i64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let by = Duration::from_secs(ahead_s.unsigned_abs());
            let now = SystemTime::now();
            let theirs = if ahead_s < 0 { now - by } else { now + by };
            let date = httpdate::fmt_http_date(theirs);
            let body = "{\"reasons\":[],\"status\":\"ready\"}";
            let length = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\ndate: {date}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    address
}

#[test]
fn a_clock_that_is_ten_seconds_off_is_found() {
    let [right, ahead, behind] = [0, 10, -10].map(elsewhere);
    let mut command = doctor(&nobody());
    command.args(["--gates", &format!("{right},{ahead},{behind}")]);
    let found = Findings::of(&mut command, 3);
    let clock = |address: &str| format!("clock of gate {address}");
    assert_eq!(found.check(&clock(&right))["state"], "ok");
    let fix = found.fix(&clock(&ahead), "failed", "s ahead of this machine's");
    assert!(fix.contains("NTP"), "{fix}");
    found.fix(&clock(&behind), "failed", "s behind this machine's");
}

#[test]
fn what_cannot_be_run_is_no_finding() {
    let brokers = nobody();
    for (arguments, named) in [
        (&["--kafka-options", "/none"][..], "/none"),
        (&["--role", "janitor"], "janitor"),
        (&["--principals", "/none"], "/none"),
    ] {
        let finished = finish(doctor(&brokers).args(arguments));
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains(named), "{finished:?}");
    }
    let undeclared = Findings::of(doctor(&brokers).args(["--topics", "/none"]), 3);
    let fix = undeclared.fix("topics", "failed", "/none");
    assert!(fix.contains("--topics FILE"), "{fix}");
}

#[test]
fn the_registry_of_a_trial_is_sound() {
    let up = Gate::spawn(&mut weir(["up", "--rules-only", "--admin", "127.0.0.1:0"]));
    let url = printed(&up.process, "schemas ");
    let mut command = doctor(&nobody());
    let found = Findings::of(command.args(["--registry", &url]), 3);
    assert_eq!(found.names("failed"), ["brokers"]);
    assert_eq!(found.check("clock of registry")["state"], "ok");
    up.stop();
}
