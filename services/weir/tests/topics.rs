//! `weir topics` tells how a cluster differs from the declaration, and makes it what that says. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::repository;
use common::tool::{Finished, finish, weir};
use serde_json::Value;
use weir_testkit::{free_port, own_kafka_or_skip};

const NAMES: [&str; 7] = [
    "weir.prompts.v1",
    "weir.chunks.v1",
    "weir.verdicts.v1",
    "weir.checkpoints.v1",
    "weir.flagged.v1",
    "weir.moderation.v1",
    "weir.dead-letters.v1",
];

fn topics(what: &str, brokers: &str, file: &Path, options: &[&str]) -> Finished {
    finish(
        weir(["topics", what, "--brokers", brokers, "--file"])
            .arg(file)
            .args(options),
    )
}

/// What was said of each topic, ending with this status.
fn said(status: i32, what: &str, brokers: &str, file: &Path) -> Vec<String> {
    let finished = topics(what, brokers, file, &[]);
    assert_eq!(finished.code, Some(status), "{finished:?}");
    finished.stdout.lines().map(str::to_owned).collect()
}

fn applied(brokers: &str, file: &Path) -> Vec<String> {
    said(0, "apply", brokers, file)
}

/// There is nothing to do, and nothing else differs.
fn nothing_differs(brokers: &str, file: &Path) {
    assert_eq!(said(0, "plan", brokers, file), each("as declared"));
    assert!(said(0, "check", brokers, file).is_empty());
}

fn each(what: &str) -> Vec<String> {
    NAMES.map(|name| format!("{name}: {what}")).to_vec()
}

/// The declaration with `from` replaced by `to` where it stands first.
fn changed(folder: &Path, from: &str, to: &str) -> PathBuf {
    let text = fs::read_to_string(declaration()).unwrap();
    assert!(text.contains(from));
    let file = folder.join("topics.yaml");
    fs::write(&file, text.replacen(from, to, 1)).unwrap();
    file
}

fn declaration() -> PathBuf {
    repository().join("topics/topics.yaml")
}

/// Also what a repeated request meets whose first answer was slow.
#[test]
fn several_at_once_do_not_disturb_one_another() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let (brokers, file) = (kafka.bootstrap(), declaration());
    std::thread::scope(|scope| {
        let appliers: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| applied(brokers, &file)))
            .collect();
        for applier in appliers {
            assert_eq!(applier.join().unwrap().len(), NAMES.len());
        }
    });
    nothing_differs(brokers, &file);
}

#[test]
fn a_cluster_becomes_what_is_declared() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let original = declaration();
    let only = |change: &str| {
        let mut lines = each("as declared");
        lines[0] = format!("weir.prompts.v1: {change}");
        lines
    };

    // A plan tells and does nothing, so a second one tells the same, and so does a check.
    for what in ["plan", "plan", "check"] {
        let lines = said(3, what, brokers, &original);
        assert_eq!(lines, each("would be created with 4 partitions"));
    }
    assert_eq!(
        applied(brokers, &original),
        each("created with 4 partitions")
    );
    nothing_differs(brokers, &original);
    assert_eq!(applied(brokers, &original), each("as declared"));

    // A value changes, there and back.
    let (there, back) = ("retention.ms: \"3600000\"", "retention.ms: \"79200000\"");
    let other = changed(folder.path(), back, there);
    let planned = "retention.ms would be changed from 79200000 to 3600000";
    assert_eq!(said(3, "plan", brokers, &other), only(planned));
    let drift = [format!("weir.prompts.v1: {planned}")];
    assert_eq!(said(3, "check", brokers, &other), drift);
    nothing_differs(brokers, &original);
    assert_eq!(
        applied(brokers, &other),
        only("retention.ms changed from 79200000 to 3600000")
    );
    nothing_differs(brokers, &other);
    assert_eq!(
        applied(brokers, &original),
        only("retention.ms changed from 3600000 to 79200000")
    );
    nothing_differs(brokers, &original);
}

#[test]
fn partition_counts_and_replication_are_refused_and_the_rest_is_done() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    applied(brokers, &declaration());
    let text = fs::read_to_string(declaration()).unwrap();
    let file = folder.path().join("more.yaml");
    let text = text
        .replace("partitions: 4", "partitions: 8")
        .replacen("replication: 1", "replication: 3", 1)
        .replacen("retention.ms: \"79200000\"", "retention.ms: \"3600000\"", 1);
    fs::write(&file, text).unwrap();
    for (what, verb) in [("plan", "would be "), ("apply", ""), ("check", "")] {
        let lines = said(4, what, brokers, &file);
        let counts = "refused: it has 4 partitions and 8 are declared";
        let of_prompts: Vec<&String> = lines
            .iter()
            .filter(|line| line.starts_with("weir.prompts.v1: "))
            .collect();
        assert!(of_prompts[0].contains(counts), "{lines:#?}");
        assert!(
            of_prompts[0].contains("declare a new topic (v2)"),
            "{lines:#?}"
        );
        assert!(
            of_prompts[1].contains("refused: its replication factor is 1 and 3 is declared"),
            "{lines:#?}"
        );
        assert_eq!(lines.iter().filter(|line| line.contains(counts)).count(), 7);
        // The setting was mended by the second.
        let setting =
            format!("weir.prompts.v1: retention.ms {verb}changed from 79200000 to 3600000");
        assert_eq!(lines.contains(&setting), what != "check", "{lines:#?}");
    }
    // Nothing of it came about but the setting.
    let drift = said(3, "check", brokers, &declaration());
    assert_eq!(drift.len(), 1, "{drift:?}");
}

#[test]
fn settings_that_are_not_declared_survive() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    // What somebody has set by hand, as a declaration that says more.
    let by_hand = |of: &Path| {
        let text = fs::read_to_string(of).unwrap();
        let policy = "cleanup.policy: \"delete\"";
        let file = folder.path().join("by-hand.yaml");
        let more = format!("{policy}\n      retention.bytes: \"123456789\"");
        fs::write(&file, text.replacen(policy, &more, 1)).unwrap();
        file
    };
    applied(brokers, &by_hand(&declaration()));
    nothing_differs(brokers, &declaration());

    // Other settings of that topic change.
    let other = changed(
        folder.path(),
        "retention.ms: \"79200000\"",
        "retention.ms: \"3600000\"",
    );
    let lines = applied(brokers, &other);
    assert!(lines[0].contains("retention.ms changed"), "{lines:?}");
    nothing_differs(brokers, &by_hand(&other));
}

#[test]
fn a_value_that_the_broker_does_not_take_is_known_before_anything_is_done() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = ("retention.ms: \"79200000\"", "retention.ms: \"22 h\"");
    let wrong = changed(folder.path(), good, bad);
    // Of a topic to be made, and of one that is there.
    for _ in 0..2 {
        let finished = topics("plan", brokers, &wrong, &[]);
        assert_eq!(finished.code, Some(1), "{finished:?}");
        assert!(finished.stderr.contains("weir.prompts.v1"), "{finished:?}");
        applied(brokers, &declaration());
    }
    let finished = topics("apply", brokers, &wrong, &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    assert!(finished.stderr.contains("22 h"), "{finished:?}");
    nothing_differs(brokers, &declaration());
}

#[test]
fn machines_read_the_same() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let json = |what: &str, file: &Path, status: i32| -> Value {
        let finished = topics(what, brokers, file, &["--json"]);
        assert_eq!(finished.code, Some(status), "{finished:?}");
        serde_json::from_str(&finished.stdout).unwrap()
    };
    let planned = json("plan", &declaration(), 3);
    assert_eq!(
        planned["differences"].as_array().unwrap().len(),
        NAMES.len()
    );
    let first = &planned["differences"][0];
    assert_eq!(first["kind"], "missing_topic");
    assert_eq!(first["fate"], "to_apply");
    assert_eq!(first["config"]["retention.ms"], "79200000");
    assert_eq!(planned["authorizer"], false);
    let done = json("apply", &declaration(), 0);
    assert_eq!(done["differences"][0]["fate"], "applied");
    let other = changed(
        folder.path(),
        "retention.ms: \"79200000\"",
        "retention.ms: \"3600000\"",
    );
    let drift = json("check", &other, 3);
    let drift = drift["differences"].as_array().unwrap();
    assert_eq!(drift.len(), 1);
    assert_eq!(drift[0]["kind"], "setting");
    assert_eq!(drift[0]["found"], "79200000");
    assert_eq!(drift[0]["declared"], "3600000");
}

/// Where nothing can be granted that is said, and is an error only if it was asked for.
#[test]
fn a_broker_without_an_authorizer_is_told_of() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let finished = topics("apply", brokers, &declaration(), &[]);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    assert!(finished.stderr.contains("no authorizer"), "{finished:?}");

    let principals = folder.path().join("principals.yaml");
    fs::write(&principals, "gate: [\"User:gate\"]").unwrap();
    let asked = ["--principals", principals.to_str().unwrap()];
    let other = changed(
        folder.path(),
        "retention.ms: \"79200000\"",
        "retention.ms: \"3600000\"",
    );
    let finished = topics("apply", brokers, &other, &asked);
    assert_eq!(finished.code, Some(4), "{finished:?}");
    assert!(
        finished
            .stdout
            .contains("acl: refused: the broker has no authorizer"),
        "{finished:?}"
    );
    // The topics are seen to all the same.
    nothing_differs(brokers, &other);
}

#[test]
fn an_unreachable_cluster_is_named() {
    let brokers = format!("127.0.0.1:{}", free_port().unwrap());
    let finished = topics("apply", &brokers, &declaration(), &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let message = format!("{brokers} cannot be reached");
    assert!(finished.stderr.contains(&message), "{finished:?}");
}

#[test]
fn a_misspelt_declaration_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = changed(folder.path(), "carries:", "caries:");
    // Nobody listens there, and nobody is asked.
    let finished = topics("apply", "127.0.0.1:1", &file, &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for wanted in [file.to_str().unwrap(), "caries"] {
        assert!(finished.stderr.contains(wanted), "{finished:?}");
    }
}
