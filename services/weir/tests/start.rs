//! What keeps a gate from starting, and that it says so: no broker is needed to be refused.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use common::tool::weir;
use common::{PATIENCE, repository};
use weir_testkit::{Process, ProcessError};

/// `weir gate` on a cluster that is not there. `changed` wins over what it needs otherwise.
fn gate(changed: &[(&str, &Path)]) -> Command {
    let repository = repository();
    let defaults = [
        ("--policies", repository.join("policies")),
        ("--model", repository.join("models/fast")),
    ];
    let mut command = weir(["gate", "--brokers", "127.0.0.1:1"]);
    for (option, value) in &defaults {
        if !changed.iter().any(|(name, _)| name == option) {
            command.arg(option).arg(value);
        }
    }
    for (option, value) in changed {
        command.arg(option).arg(value);
    }
    if !changed.iter().any(|(name, _)| *name == "--admin") {
        command.args(["--admin", "127.0.0.1:0"]);
    }
    command
}

/// Runs what must refuse to start, and gives its last word.
fn refused(command: &mut Command) -> String {
    let mut process = Process::spawn(command).unwrap();
    // The last line that a gate prints once it runs.
    let started = process.wait_for_line(PATIENCE, |line| line.starts_with("stop "));
    let lines = process.lines().join("\n");
    assert!(
        matches!(started, Err(ProcessError::Ended { .. })),
        "it started:\n{lines}"
    );
    assert_eq!(process.wait(PATIENCE).unwrap().code(), Some(1), "{lines}");
    let at = lines.rfind("weir: ").unwrap_or_else(|| panic!("{lines}"));
    lines[at..].to_owned()
}

fn assert_names(message: &str, wanted: &[&str]) {
    for word in wanted {
        assert!(message.contains(word), "\"{word}\" is not in: {message}");
    }
}

#[test]
fn without_onnx_runtime() {
    let elsewhere = tempfile::tempdir().unwrap();
    let message = refused(
        gate(&[])
            .env("WEIR_ONNXRUNTIME", "/nonexistent/lib.so")
            .current_dir(elsewhere.path()),
    );
    let wanted = [
        "/nonexistent/lib.so",
        "scripts/onnxruntime",
        "WEIR_ONNXRUNTIME",
    ];
    assert_names(&message, &wanted);
}

#[test]
fn with_an_onnx_runtime_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("lib.so");
    fs::write(&library, "not a library").unwrap();
    let message = refused(gate(&[]).env("WEIR_ONNXRUNTIME", &library));
    assert_names(&message, &[library.to_str().unwrap(), "does not load"]);
}

#[test]
fn with_a_damaged_model() {
    let folder = tempfile::tempdir().unwrap();
    for file in fs::read_dir(repository().join("models/fast")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let weights = folder.path().join("model.onnx");
    let mut bytes = fs::read(&weights).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&weights, bytes).unwrap();
    let message = refused(&mut gate(&[("--model", folder.path())]));
    assert_names(&message, &[weights.to_str().unwrap(), "SHA-256"]);
}

#[test]
fn without_a_model() {
    let folder = tempfile::tempdir().unwrap();
    let message = refused(&mut gate(&[("--model", folder.path())]));
    assert_names(&message, &[folder.path().to_str().unwrap(), "model.json"]);
}

#[test]
fn with_a_broken_policy() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("default.yaml");
    let text =
        "id: default\nversion: \"1\"\ntenants: [\"*\"]\ncategories:\n  hatred: { warn: 0.5 }\n";
    fs::write(&policy, text).unwrap();
    let message = refused(&mut gate(&[("--policies", folder.path())]));
    assert_names(
        &message,
        &[&format!("{}:5", policy.display()), "unknown category"],
    );

    fs::write(&policy, "id: default\nversion: \"1\"\ntime_limit: 5\n").unwrap();
    let message = refused(&mut gate(&[("--policies", folder.path())]));
    assert_names(
        &message,
        &[&format!("{}:3", policy.display()), "time_limit"],
    );
}

#[test]
fn without_policies() {
    let nowhere = Path::new("/nonexistent/policies");
    let message = refused(&mut gate(&[("--policies", nowhere)]));
    assert_names(&message, &["/nonexistent/policies"]);
}

#[test]
fn with_kafka_options_that_nobody_knows() {
    let folder = tempfile::tempdir().unwrap();
    let options = folder.path().join("kafka.properties");
    fs::write(&options, "# ours\nsecurity.no.such=SASL_SSL\n").unwrap();
    let message = refused(&mut gate(&[("--kafka-options", &options)]));
    assert_names(&message, &["security.no.such"]);
    let message = refused(gate(&[]).env("WEIR_KAFKA_NO_SUCH_THING", "1"));
    assert_names(&message, &["no.such.thing"]);
}

/// A misspelt name must not bring the password that was meant for it into a log.
#[test]
fn the_value_of_an_unknown_option_is_not_shown() {
    let mut command = gate(&[]);
    let mut process = Process::spawn(command.env("WEIR_KAFKA_SASL_NO_SUCH", "hunter2")).unwrap();
    // Whether it says so before it ends or goes on is not the matter here.
    process
        .wait_for_line(PATIENCE, |line| line.contains("sasl.no.such"))
        .unwrap();
    process.kill9().unwrap();
    let lines = process.lines().join("\n");
    assert!(!lines.contains("hunter2"), "{lines}");
}

#[test]
fn without_a_file_that_kafka_options_name() {
    let nowhere = "/nonexistent/file";
    for name in ["SSL_CA_LOCATION", "SASL_PASSWORD_FILE"] {
        let message = refused(gate(&[]).env(format!("WEIR_KAFKA_{name}"), nowhere));
        assert_names(&message, &[nowhere]);
    }
    let message = refused(&mut gate(&[("--kafka-options", Path::new(nowhere))]));
    assert_names(&message, &[nowhere]);
}

/// Of a file with a secret that others may read there is a warning, and of no other; the gate starts.
#[test]
fn with_a_secret_that_others_may_read() {
    let folder = tempfile::tempdir().unwrap();
    let options = folder.path().join("kafka.properties");
    let secret = "sasl.username=u\nsasl.password=hunter2\n";
    for (text, mode, warns) in [
        (secret, 0o640, true),
        (secret, 0o600, false),
        ("sasl.username=u\n", 0o644, false),
    ] {
        fs::write(&options, text).unwrap();
        fs::set_permissions(&options, fs::Permissions::from_mode(mode)).unwrap();
        let mut command = gate(&[("--kafka-options", &options)]);
        let mut process = Process::spawn(&mut command).unwrap();
        process
            .wait_for_line(PATIENCE, |line| line.starts_with("stop "))
            .unwrap();
        process.kill9().unwrap();
        let lines = process.lines().join("\n");
        let warned = lines.contains("chmod 600") && lines.contains("kafka.properties");
        assert_eq!(warned, warns, "{lines}");
        assert!(!lines.contains("hunter2"), "{lines}");
    }
}

#[test]
fn with_kafka_options_that_are_no_options() {
    let folder = tempfile::tempdir().unwrap();
    let options = folder.path().join("kafka.properties");
    fs::write(&options, "# ours\nnonsense\n").unwrap();
    let message = refused(&mut gate(&[("--kafka-options", &options)]));
    assert_names(&message, &[&format!("{}:2", options.display())]);
}

#[test]
fn on_a_taken_admin_port() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let message = refused(&mut gate(&[("--admin", Path::new(&address))]));
    assert_names(&message, &[&address, "in use"]);
}
