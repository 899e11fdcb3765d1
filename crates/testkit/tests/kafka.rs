//! The broker fixture, on a real broker.

use std::env;
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use weir_testkit::{Kafka, KafkaError, Process, kafka_or_skip, own_kafka_or_skip, unique_name};

const LONG: Duration = Duration::from_secs(120);

/// Set for the process that `broker_and_data_go_when_the_test_process_is_killed` kills.
const VICTIM: &str = "WEIR_TESTKIT_VICTIM";

fn answers(bootstrap: &str) -> bool {
    TcpStream::connect(bootstrap).is_ok()
}

#[test]
fn one_broker_serves_the_whole_binary() {
    let Some(first) = kafka_or_skip() else { return };
    let second = kafka_or_skip().unwrap();
    assert!(answers(first.bootstrap()));
    assert_eq!(first.bootstrap(), second.bootstrap());
}

#[test]
fn stops_dies_and_restarts_on_the_same_port() {
    let Some(mut kafka) = own_kafka_or_skip() else {
        return;
    };
    let bootstrap = kafka.bootstrap().to_owned();
    assert!(answers(&bootstrap));

    kafka.stop().unwrap();
    assert!(!kafka.is_running());
    assert!(!answers(&bootstrap));
    kafka.stop().unwrap();

    kafka.restart().unwrap();
    assert!(answers(&bootstrap));

    kafka.pause().unwrap();
    assert!(!kafka.responds(Duration::from_millis(300)));
    kafka.resume().unwrap();
    assert!(kafka.responds(Duration::from_secs(10)));

    kafka.kill().unwrap();
    assert!(!answers(&bootstrap));
    assert!(matches!(kafka.pause(), Err(KafkaError::NotRunning)));

    kafka.restart().unwrap();
    assert_eq!(kafka.bootstrap(), bootstrap);
    assert!(answers(&bootstrap));

    drop(kafka);
    assert!(!answers(&bootstrap));
}

#[test]
fn a_broken_setting_is_an_error_with_the_log() {
    if !weir_testkit::kafka_enabled() {
        return;
    }
    let error = Kafka::start_with(&[("log.cleaner.threads", "many")]).unwrap_err();
    assert!(error.to_string().contains("log.cleaner.threads"), "{error}");
}

#[test]
fn broker_and_data_go_when_the_test_process_is_killed() {
    if !weir_testkit::kafka_enabled() {
        return;
    }
    let mut victim = Process::spawn(
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "victim", "--nocapture", "--test-threads=1"])
            .env(VICTIM, "1"),
    )
    .unwrap();
    let line = victim
        .wait_for_line(LONG, |l| l.contains("serving "))
        .unwrap();
    let (_, rest) = line.split_once("serving ").unwrap();
    let (bootstrap, dir) = rest.split_once(' ').unwrap();
    assert!(answers(bootstrap));
    assert!(Path::new(dir).exists());

    victim.kill9().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while answers(bootstrap) || Path::new(dir).exists() {
        assert!(
            Instant::now() < deadline,
            "{bootstrap} or {dir} is still there"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

/// No test of its own: the process that the test above kills.
#[test]
#[expect(clippy::print_stderr, reason = "the parent process reads it")]
fn victim() {
    if env::var_os(VICTIM).is_none() {
        return;
    }
    let kafka = own_kafka_or_skip().unwrap();
    eprintln!("serving {} {}", kafka.bootstrap(), kafka.dir().display());
    thread::sleep(LONG);
}

#[test]
fn names_are_unique() {
    assert_ne!(unique_name("topic"), unique_name("topic"));
}
