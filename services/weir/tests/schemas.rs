//! `weir schemas`: offline, and against a real registry.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::path::Path;

use serde_json::Value;
use weir_registry::{CallError, Client, FULL_TRANSITIVE};
use weir_testkit::{own_registry_or_skip, registry_or_skip, unique_name};
use weir_wire::Subject;

use common::gate::{Gate, ask, printed};
use common::repository;
use common::tool::{Finished, finish, weir};

fn schemas(arguments: &[&str]) -> Finished {
    finish(&mut weir([&["schemas"], arguments].concat()))
}

fn json(finished: &Finished) -> Vec<Value> {
    let lines = finished.stdout.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// A prompt's schema whose request_id has become a number.
fn broken_prompt() -> String {
    let mut schema: Value = serde_json::from_str(Subject::Prompt.schema_json()).unwrap();
    schema["fields"][0]["type"] = "long".into();
    schema.to_string()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn the_schemas_fit_their_released_versions_and_one_that_does_not_is_named() {
    let fine = schemas(&["check"]);
    assert_eq!(fine.code, Some(0), "{}", fine.stdout);
    assert_eq!(fine.stdout.lines().count(), Subject::ALL.len());

    let dir = tempfile::tempdir().unwrap();
    copy(&repository().join("schemas"), dir.path());
    let candidate = dir.path().join("prompt.avsc");
    std::fs::write(&candidate, broken_prompt()).unwrap();
    let broken = schemas(&["check", "--dir", dir.path().to_str().unwrap()]);
    assert_eq!(broken.code, Some(1));
    assert!(broken.stdout.contains("at request_id"), "{}", broken.stdout);

    let alone = [
        "check",
        "--json",
        "--subject",
        "weir.prompts.v1-value",
        "--file",
        candidate.to_str().unwrap(),
    ];
    let alone = schemas(&alone);
    assert_eq!(alone.code, Some(1));
    let report = json(&alone).remove(0);
    assert_eq!(report["against"], serde_json::json!(["version 1"]));
    assert_eq!(report["breaches"].as_array().unwrap().len(), 2);
    assert_eq!(report["breaches"][0]["field"], "request_id");

    let unknown = schemas(&["check", "--subject", "weir.nothing"]);
    assert_eq!(unknown.code, Some(1));
    assert!(
        unknown.stderr.contains("weir.prompts.v1-value"),
        "{}",
        unknown.stderr
    );

    // Without what was released there is nothing to be compatible with.
    std::fs::remove_dir_all(dir.path().join("history")).unwrap();
    let lost = schemas(&["check", "--dir", dir.path().to_str().unwrap()]);
    assert_eq!(lost.code, Some(1));
    assert!(lost.stderr.contains("no version 1.avsc"), "{}", lost.stderr);
}

#[test]
fn a_registry_that_is_not_there_is_named_with_what_to_do() {
    let url = format!("http://127.0.0.1:{}", weir_testkit::free_port().unwrap());
    for arguments in [
        ["register", "--registry", &url],
        ["check", "--registry", &url],
    ] {
        let finished = schemas(&arguments);
        assert_eq!(finished.code, Some(1));
        assert!(finished.stderr.contains(&url) && finished.stderr.contains("Connection refused"));
        assert!(
            finished.stderr.contains("check that it runs"),
            "{}",
            finished.stderr
        );
    }
}

#[test]
fn registering_is_planned_done_and_then_changes_nothing() {
    let Some(registry) = own_registry_or_skip() else {
        return;
    };
    let url = registry.url();
    let register = |more: &[&str]| {
        let finished = schemas(&[&["register", "--json", "--registry", &url], more].concat());
        assert_eq!(
            finished.code,
            Some(0),
            "{}{}",
            finished.stdout,
            finished.stderr
        );
        json(&finished)
    };
    let all = |done: &[Value], what: &str| {
        assert_eq!(done.len(), Subject::ALL.len());
        assert!(done.iter().all(|one| one["what"] == what), "{done:?}");
    };
    // A plan changes nothing: so it is the same twice.
    for _ in 0..2 {
        let plan = register(&["--dry-run"]);
        all(&plan, "registered");
        assert!(
            plan.iter()
                .all(|one| one["id"].is_null() && one["compatibility_was"] == "")
        );
    }
    let first = register(&[]);
    all(&first, "registered");
    let ids = |done: &[Value]| {
        done.iter()
            .map(|one| one["id"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    let again = register(&[]);
    all(&again, "unchanged");
    assert!(again.iter().all(|one| one["compatibility_was"].is_null()));
    assert_eq!(ids(&again), ids(&first));

    let client = Client::new(&url).unwrap();
    for subject in Subject::ALL {
        assert_eq!(client.versions(subject.name()).unwrap().len(), 1);
        let compatibility = client.compatibility(subject.name()).unwrap();
        assert_eq!(compatibility.as_deref(), Some(FULL_TRANSITIVE));
    }
    let checked = schemas(&["check", "--registry", &url]);
    assert_eq!(checked.code, Some(0), "{}", checked.stdout);
    assert!(checked.stdout.contains("the registry's version 1"));

    // The registry holds others to it, too.
    let refused = client
        .register(Subject::Prompt.name(), &broken_prompt())
        .unwrap_err();
    let CallError::Incompatible(reason) = refused else {
        panic!("{refused}")
    };
    assert!(reason.contains("/fields/0"), "{reason}");
}

#[test]
fn what_is_there_already_and_does_not_fit_is_refused_with_its_field() {
    let Some(registry) = registry_or_skip() else {
        return;
    };
    let url = registry.url();
    let client = Client::new(&url).unwrap();
    let topic = unique_name("prompts");
    let subject = format!("{topic}-value");
    client.register(&subject, &broken_prompt()).unwrap();

    let arguments = ["register", "--registry", &url, "--prompts-topic", &topic];
    let refused = schemas(&arguments);
    assert_eq!(refused.code, Some(1));
    assert!(
        refused
            .stdout
            .contains(&format!("{subject}: refused, version 1")),
        "{}",
        refused.stdout
    );
    assert!(
        refused.stdout.contains("field request_id"),
        "{}",
        refused.stdout
    );
    assert_eq!(client.versions(&subject).unwrap().len(), 1);

    let checked = schemas(&["check", "--registry", &url, "--prompts-topic", &topic]);
    assert_eq!(checked.code, Some(1));
    assert!(
        checked.stdout.contains("the registry's version 1"),
        "{}",
        checked.stdout
    );
}

#[test]
fn a_schema_that_another_tool_registered_in_its_own_spelling_is_the_same_schema() {
    let Some(registry) = registry_or_skip() else {
        return;
    };
    let url = registry.url();
    let client = Client::new(&url).unwrap();
    let topic = unique_name("verdicts");
    let compact: Value = serde_json::from_str(Subject::Verdict.schema_json()).unwrap();
    let id = client
        .register(&format!("{topic}-value"), &compact.to_string())
        .unwrap();

    let done = schemas(&[
        "register",
        "--json",
        "--registry",
        &url,
        "--verdicts-topic",
        &topic,
    ]);
    assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
    let verdict = json(&done).remove(Subject::Verdict as usize);
    assert_eq!(
        (&verdict["what"], verdict["id"].as_u64()),
        (&"unchanged".into(), Some(u64::from(id)))
    );
}

#[test]
fn the_trial_serves_its_schemas_as_a_registry_would_and_registers_nothing() {
    let up = Gate::spawn(&mut weir(["up", "--rules-only", "--admin", "127.0.0.1:0"]));
    let url = printed(&up.process, "schemas ");
    let client = Client::new(&url).unwrap();
    for subject in Subject::ALL {
        let versions = client.versions(subject.name()).unwrap();
        assert_eq!(versions.len(), 1);
        assert_eq!(
            (versions[0].id, &*versions[0].schema),
            (subject.id(), subject.schema_json())
        );
        assert_eq!(
            client.schema(subject.id()).unwrap().as_deref(),
            Some(subject.schema_json())
        );
        assert_eq!(
            client.compatibility(subject.name()).unwrap().as_deref(),
            Some(FULL_TRANSITIVE)
        );
        // In whatever spelling.
        let compact: Value = serde_json::from_str(subject.schema_json()).unwrap();
        let found = client.find(subject.name(), &compact.to_string()).unwrap();
        assert_eq!(found.map(|version| version.id), Some(subject.id()));
        assert_eq!(
            client.register(subject.name(), &compact.to_string()),
            Ok(subject.id())
        );
    }
    assert_eq!(client.schema(7), Ok(None));
    assert_eq!(client.find(Subject::Prompt.name(), "\"string\""), Ok(None));
    assert_eq!(client.find("nothing", "\"string\""), Ok(None));
    assert_eq!(client.versions("nothing"), Ok(Vec::new()));
    let refused = client
        .register(Subject::Prompt.name(), &broken_prompt())
        .unwrap_err();
    assert!(refused.to_string().contains("42205"), "{refused}");
    let address = url.trim_start_matches("http://");
    let ids = format!("/schemas/ids/{}/versions", Subject::Verdict.id());
    for (path, answer) in [
        (
            &*ids,
            "200 OK\n[{\"subject\":\"weir.verdicts.v1-value\",\"version\":1}]",
        ),
        (
            "/subjects/weir.verdicts.v1-value/versions/latest",
            "200 OK\n{",
        ),
        (
            "/subjects/weir.verdicts.v1-value/versions/2",
            "404 Not Found\n{\"error_code\":40402",
        ),
        (
            "/subjects/x/versions",
            "404 Not Found\n{\"error_code\":40401",
        ),
        (
            "/config",
            "200 OK\n{\"compatibilityLevel\":\"FULL_TRANSITIVE\"}",
        ),
    ] {
        let found = ask(address, path);
        assert!(found.starts_with(answer), "{path}: {found}");
    }
    up.stop();
}
