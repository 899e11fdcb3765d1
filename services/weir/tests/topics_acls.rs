//! `weir topics` grants to each role what it needs, on a real Apache Kafka with an authorizer.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::gate::{Gate, ask};
use common::roles::{ROLES, USERS, as_user, everybody, topics};
use common::tool::{Finished, HEAVY, HEAVY_E5, finish, weir};
use common::{PATIENCE, repository};
use weir_testkit::{Process, own_secured_kafka_or_skip};

fn principals(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("principals.yaml");
    fs::write(&file, text).unwrap();
    file
}

fn acl_lines(finished: &Finished) -> Vec<&str> {
    let lines = finished.stdout.lines();
    lines.filter(|line| line.starts_with("acl: ")).collect()
}

#[test]
fn acls_are_planned_granted_once_and_those_beyond_are_reported() {
    let Some(kafka) = own_secured_kafka_or_skip(&USERS) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let two = principals(
        folder.path(),
        "gate: [\"User:gate\"]\ndata: [\"User:gate\", \"User:data\"]\n",
    );
    let planned = topics("plan", &kafka, &two);
    assert_eq!(planned.code, Some(3), "{planned:?}");
    let wanted = "acl: would be granted: allow User:gate Read on group weir-gate-streams";
    assert!(acl_lines(&planned).contains(&wanted), "{planned:#?}");
    assert!(
        planned.stderr.contains("nobody has these roles: operator"),
        "{planned:?}"
    );

    let applied = topics("apply", &kafka, &two);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    assert_eq!(acl_lines(&applied).len(), acl_lines(&planned).len());
    for what in ["plan", "check", "apply"] {
        let again = topics(what, &kafka, &two);
        assert_eq!(again.code, Some(0), "{again:?}");
        assert!(acl_lines(&again).is_empty(), "{again:?}");
    }

    // Without the second role what it gave is beyond the declaration: told of, and never taken away.
    let one = principals(folder.path(), "gate: [\"User:gate\"]\n");
    for (what, status) in [("check", 3), ("apply", 0), ("plan", 3)] {
        let beyond = topics(what, &kafka, &one);
        assert_eq!(beyond.code, Some(status), "{beyond:?}");
        let acls = acl_lines(&beyond);
        let wanted = "acl: granted and not declared, left as it is: allow User:gate Read on topic weir.verdicts.v1";
        assert!(acls.contains(&wanted), "{acls:#?}");
        // Of the other principal, who is not named any more, nothing is said.
        assert!(
            acls.iter()
                .all(|acl| acl.contains("not declared") && acl.contains("User:gate")),
            "{acls:#?}"
        );
    }
}

/// Each role does its work under the ACLs that it was given, and nothing tells of a lack.
#[test]
fn what_is_granted_is_enough() {
    let Some(kafka) = own_secured_kafka_or_skip(&USERS) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let principals = everybody(folder.path());
    let applied = topics("apply", &kafka, &principals);
    assert_eq!(applied.code, Some(0), "{applied:?}");

    let mut command = weir(["gate", "--rules-only", "--admin", "127.0.0.1:0"]);
    as_user(&mut command, &kafka, "gate");
    let gate = Gate::spawn(&mut command);
    gate.wait_until_ready();
    let mut command = weir(["rescore", "--admin", "127.0.0.1:0"]);
    command.args(["--heavy-model", HEAVY, "--e5", HEAVY_E5]);
    as_user(&mut command, &kafka, "rescorer");
    let mut rescorer = Process::spawn(&mut command).unwrap();
    let line = rescorer.wait_for_line(PATIENCE, |line| line.starts_with("admin "));
    let admin = line.unwrap().split("http://").nth(1).unwrap().to_owned();

    let mut command = weir(["send", "--wait", "my card is 4111 1111 1111 1111"]);
    as_user(&mut command, &kafka, "worker");
    let sent = finish(&mut command);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    let mut said = vec![sent.stderr];

    for (user, what) in [("trustandsafety", "moderation"), ("data", "verdicts")] {
        let mut command = weir(["tail", what, "--from-beginning", "--count", "1"]);
        as_user(&mut command, &kafka, user);
        let tail = finish(&mut command);
        assert_eq!(tail.code, Some(0), "{tail:?}");
        assert_eq!(tail.stdout.lines().count(), 1, "{tail:?}");
        said.push(tail.stderr);
    }
    let ready = ask(admin.split(' ').next().unwrap(), "/ready");
    assert!(ready.starts_with("200 "), "{ready}");

    // Who observes sees that all is as declared, and may not change it.
    let mut command = weir(["topics", "check", "--principals"]);
    command.arg(&principals);
    as_user(&mut command, &kafka, "operator");
    let check = finish(&mut command);
    assert_eq!(check.code, Some(0), "{check:?}");
    said.push(check.stderr);
    let text = fs::read_to_string(repository().join("topics/topics.yaml")).unwrap();
    let other = folder.path().join("topics.yaml");
    fs::write(&other, text.replace("\"79200000\"", "\"3600000\"")).unwrap();
    let mut command = weir(["topics", "apply", "--file"]);
    command.arg(&other);
    as_user(&mut command, &kafka, "operator");
    let apply = finish(&mut command);
    assert_eq!(apply.code, Some(1), "{apply:?}");
    let why = "configuring topic weir.chunks.v1: Topic authorization failed";
    assert!(apply.stderr.contains(why), "{apply:?}");

    rescorer.terminate().unwrap();
    assert_eq!(rescorer.wait(PATIENCE).unwrap().code(), Some(0));
    said.extend(rescorer.lines());
    said.extend(gate.stop());
    let lacks: Vec<&String> = said
        .iter()
        .filter(|line| line.to_lowercase().contains("authoriz"))
        .collect();
    assert!(lacks.is_empty(), "{lacks:#?}");
}

/// A client that may not look at something must not think that it is not there.
#[test]
fn who_may_not_look_is_told_so() {
    let Some(kafka) = own_secured_kafka_or_skip(&USERS) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let principals = everybody(folder.path());
    assert_eq!(topics("apply", &kafka, &principals).code, Some(0));
    let plan_of = |file: &Path| {
        let mut command = weir(["topics", "plan", "--principals"]);
        command.arg(&principals).arg("--file").arg(file);
        as_user(&mut command, &kafka, "trustandsafety");
        finish(&mut command)
    };
    let settings = plan_of(Path::new("topics/topics.yaml"));
    assert_eq!(settings.code, Some(1), "{settings:?}");
    let what = "reading the configuration of topic weir.moderation.v1";
    assert!(settings.stderr.contains(what), "{settings:?}");
    assert!(
        settings.stderr.contains("Topic authorization failed"),
        "{settings:?}"
    );

    // Without being asked for ACLs it must not say that everybody may do everything.
    let empty = folder.path().join("empty.yaml");
    fs::write(&empty, "topics: []\nroles: {}\n").unwrap();
    let mut command = weir(["topics", "plan", "--file"]);
    command.arg(&empty);
    as_user(&mut command, &kafka, "trustandsafety");
    let unasked = finish(&mut command);
    assert_eq!(unasked.code, Some(0), "{unasked:?}");
    assert!(unasked.stderr.contains("not looked at"), "{unasked:?}");

    let acls_only = folder.path().join("topics.yaml");
    let roles: String = ROLES
        .map(|role| format!("  {role}: {{means: m, groups: [g]}}\n"))
        .concat();
    fs::write(&acls_only, format!("topics: []\nroles:\n{roles}")).unwrap();
    let acls = plan_of(&acls_only);
    assert_eq!(acls.code, Some(4), "{acls:?}");
    let what = "acl: refused: this client may not read ACLs";
    assert!(acls.stdout.contains(what), "{acls:?}");
}
