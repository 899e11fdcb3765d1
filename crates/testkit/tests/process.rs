//! The child-process fixture.

use std::process::Command;
use std::time::{Duration, Instant};

use weir_testkit::{Process, ProcessError};

const LONG: Duration = Duration::from_secs(20);

fn sh(script: &str) -> Process {
    Process::spawn(Command::new("sh").args(["-c", script])).expect("sh starts")
}

#[test]
fn waits_for_a_line_of_either_stream() {
    let process = sh("echo one; sleep 0.1; echo two >&2; exec sleep 60");
    assert_eq!(process.wait_for_line(LONG, |l| l == "two").unwrap(), "two");
    assert_eq!(process.wait_for_line(LONG, |l| l == "one").unwrap(), "one");
    assert_eq!(process.lines(), ["one", "two"]);
}

#[test]
fn skips_lines_already_seen() {
    let process = sh("echo tick; sleep 0.1; echo tick again; exec sleep 60");
    process.wait_for_line(LONG, |l| l == "tick").unwrap();
    let next = process.wait_for_line_from(1, LONG, |l| l.starts_with("tick"));
    assert_eq!(next.unwrap(), "tick again");
}

#[test]
fn a_line_that_does_not_come_is_a_timeout_with_the_output() {
    let process = sh("echo only this; exec sleep 60");
    process.wait_for_line(LONG, |_| true).unwrap();
    let error = process.wait_for_line(Duration::from_millis(50), |l| l == "ready");
    let error = error.unwrap_err();
    assert!(matches!(error, ProcessError::Timeout { .. }), "{error}");
    assert!(error.to_string().contains("only this"), "{error}");
}

#[test]
fn an_ended_process_is_told_from_a_slow_one() {
    let process = sh("echo broken config >&2; exit 3");
    let error = process.wait_for_line(LONG, |l| l == "ready").unwrap_err();
    assert!(matches!(error, ProcessError::Ended { .. }), "{error}");
    assert!(error.to_string().contains("broken config"), "{error}");
}

#[test]
fn terminate_lets_it_end_in_its_own_way() {
    let mut process = sh("trap 'echo drained; exit 7' TERM; echo up; while :; do sleep 0.05; done");
    process.wait_for_line(LONG, |l| l == "up").unwrap();
    process.terminate().unwrap();
    assert_eq!(process.wait(LONG).unwrap().code(), Some(7));
    assert_eq!(process.lines(), ["up", "drained"]);
}

#[test]
fn kill9_does_not() {
    let mut process = sh("trap '' TERM; echo up; exec sleep 60");
    process.wait_for_line(LONG, |l| l == "up").unwrap();
    process.terminate().unwrap();
    let still_there = process.wait(Duration::from_millis(50));
    assert!(matches!(still_there, Err(ProcessError::Timeout { .. })));
    assert_eq!(process.kill9().unwrap().code(), None);
}

#[test]
fn drop_kills_it() {
    let process = sh("exec sleep 60");
    let pid = process.id();
    let before = Instant::now();
    drop(process);
    assert!(before.elapsed() < LONG);
    assert!(!std::path::Path::new(&format!("/proc/{pid}")).exists());
}

#[test]
fn a_missing_program_is_named() {
    let error = Process::spawn(&mut Command::new("no-such-program-here")).unwrap_err();
    assert!(error.to_string().contains("no-such-program-here"));
}
