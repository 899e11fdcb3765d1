//! `weir topics apply` makes a cluster's topics what the declaration says. Real Apache Kafka.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::repository;
use common::tool::{Finished, finish, weir};
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

fn apply(brokers: &str, file: &Path, options: &[&str]) -> Finished {
    finish(
        weir(["topics", "apply", "--brokers", brokers, "--file"])
            .arg(file)
            .args(options),
    )
}

/// What was said of each topic, all having gone well.
fn applied(brokers: &str, file: &Path, options: &[&str]) -> Vec<String> {
    let finished = apply(brokers, file, options);
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout.lines().map(str::to_owned).collect()
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
            .map(|_| scope.spawn(|| applied(brokers, &file, &[])))
            .collect();
        for applier in appliers {
            assert_eq!(applier.join().unwrap().len(), NAMES.len());
        }
    });
    assert_eq!(applied(brokers, &file, &[]), each("unchanged"));
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
        let mut lines = each("unchanged");
        lines[0] = format!("weir.prompts.v1: {change}");
        lines
    };

    // A dry run tells and does nothing, so a second one tells the same.
    for _ in 0..2 {
        let lines = applied(brokers, &original, &["--dry-run"]);
        assert_eq!(lines, each("would be created with 4 partitions"));
    }
    let lines = applied(brokers, &original, &[]);
    assert_eq!(lines, each("created with 4 partitions"));
    assert_eq!(applied(brokers, &original, &[]), each("unchanged"));

    // A value changes, there and back.
    let (there, back) = ("retention.ms: \"3600000\"", "retention.ms: \"79200000\"");
    let other = changed(folder.path(), back, there);
    let lines = applied(brokers, &other, &["--dry-run"]);
    assert_eq!(
        lines,
        only("retention.ms would be changed from 79200000 to 3600000")
    );
    assert_eq!(applied(brokers, &original, &[]), each("unchanged"));
    let lines = applied(brokers, &other, &[]);
    assert_eq!(lines, only("retention.ms changed from 79200000 to 3600000"));
    assert_eq!(applied(brokers, &other, &[]), each("unchanged"));
    let lines = applied(brokers, &original, &[]);
    assert_eq!(lines, only("retention.ms changed from 3600000 to 79200000"));

    // Partitions do not, and that is a failure; the other topics are seen to all the same.
    let more = changed(folder.path(), "partitions: 4", "partitions: 8");
    let finished = apply(brokers, &more, &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let lines: Vec<&str> = finished.stdout.lines().collect();
    assert!(
        lines[0].starts_with("weir.prompts.v1: refused"),
        "{lines:?}"
    );
    assert!(lines[0].contains("4 partitions and 8"), "{lines:?}");
    assert_eq!(lines[1..], each("unchanged")[1..]);
    assert_eq!(applied(brokers, &original, &[]), each("unchanged"));
}

/// The declaration is the whole of a topic's configuration, as `TopicSpec::config` says.
#[test]
fn what_is_no_longer_declared_goes_back_to_the_default() {
    let Some(kafka) = own_kafka_or_skip() else {
        return;
    };
    let brokers = kafka.bootstrap();
    let folder = tempfile::tempdir().unwrap();
    let policy = "cleanup.policy: \"delete\"";
    let with_more = changed(
        folder.path(),
        policy,
        &format!("{policy}\n      retention.bytes: \"123456789\""),
    );
    applied(brokers, &with_more, &[]);
    let lines = applied(brokers, &declaration(), &[]);
    assert!(lines[0].contains("retention.bytes"), "{lines:?}");
    assert_eq!(lines[1..], each("unchanged")[1..]);
    assert_eq!(applied(brokers, &declaration(), &[]), each("unchanged"));
    // It went back, so declaring it again is a change again.
    let lines = applied(brokers, &with_more, &[]);
    assert!(lines[0].contains("retention.bytes changed"), "{lines:?}");
}

#[test]
fn an_unreachable_cluster_is_named() {
    let brokers = format!("127.0.0.1:{}", free_port().unwrap());
    let finished = apply(&brokers, &declaration(), &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    let message = format!("{brokers} cannot be reached");
    assert!(finished.stderr.contains(&message), "{finished:?}");
}

#[test]
fn a_misspelt_declaration_is_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let file = changed(folder.path(), "carries:", "caries:");
    // Nobody listens there, and nobody is asked.
    let finished = apply("127.0.0.1:1", &file, &[]);
    assert_eq!(finished.code, Some(1), "{finished:?}");
    for wanted in [file.to_str().unwrap(), "caries"] {
        assert!(finished.stderr.contains(wanted), "{finished:?}");
    }
}
