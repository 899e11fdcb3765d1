//! Whether tests on a real broker run, and the one that a test binary shares.

use std::env;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Kafka, KafkaError};

const SWITCH: &str = "WEIR_TEST_KAFKA";

/// Whether tests on a real broker shall run: `WEIR_TEST_KAFKA` is `1`.
#[must_use]
pub fn kafka_enabled() -> bool {
    env::var_os(SWITCH).is_some_and(|value| value == "1")
}

/// The broker that all tests of this binary share, started at the first call; none, and a line
/// that says so, where `WEIR_TEST_KAFKA=1` is not set.
///
/// # Panics
/// When it cannot be started, with what to do about it.
#[must_use]
pub fn kafka_or_skip() -> Option<&'static Kafka> {
    // Never dropped: the end of the test process ends it, as its keeper sees to.
    static SHARED: OnceLock<Result<Kafka, KafkaError>> = OnceLock::new();
    if skipped() {
        return None;
    }
    match SHARED.get_or_init(Kafka::start) {
        Ok(kafka) => Some(kafka),
        Err(error) => panic!("{}", chain(error)),
    }
}

/// As [`kafka_or_skip`], but a broker of the caller's own, to stop, kill or freeze.
///
/// # Panics
/// When it cannot be started, with what to do about it.
#[must_use]
pub fn own_kafka_or_skip() -> Option<Kafka> {
    own(Kafka::start)
}

/// As [`own_kafka_or_skip`], with an authorizer and `users` who log in over TLS ([`Kafka::start_secured`]).
///
/// # Panics
/// When it cannot be started, with what to do about it.
#[must_use]
pub fn own_secured_kafka_or_skip(users: &[&str]) -> Option<Kafka> {
    own(|| Kafka::start_secured(users))
}

fn own(start: impl FnOnce() -> Result<Kafka, KafkaError>) -> Option<Kafka> {
    if skipped() {
        return None;
    }
    match start() {
        Ok(kafka) => Some(kafka),
        Err(error) => panic!("{}", chain(&error)),
    }
}

/// `prefix` with a suffix that no other call gives, in this process or another: for topics and
/// groups on a shared broker.
#[must_use]
pub fn unique_name(prefix: &str) -> String {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    let micros = since_epoch.map_or(0, |time| time.as_micros());
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    format!("{prefix}-{micros:x}-{}-{call}", process::id())
}

#[expect(
    clippy::print_stderr,
    reason = "a test runner shows what a test prints"
)]
pub(crate) fn skipped() -> bool {
    let skip = !kafka_enabled();
    if skip {
        eprintln!("skipped: set {SWITCH}=1 to run it on real servers (scripts/setup fetches them)");
    }
    skip
}

pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
