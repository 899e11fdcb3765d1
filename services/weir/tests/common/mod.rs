//! What the tests of the binary share: the binary itself, its gates, topics, load and verdicts.
#![allow(dead_code, reason = "each test binary uses some of it")]
#![allow(clippy::unwrap_used, reason = "tests")]

pub(crate) mod answers;
pub(crate) mod by_hand;
pub(crate) mod cluster;
pub(crate) mod compose;
pub(crate) mod gate;
pub(crate) mod load;
pub(crate) mod mixed;
pub(crate) mod prometheus;
pub(crate) mod registered;
pub(crate) mod replay;
pub(crate) mod rescorer;
pub(crate) mod roles;
pub(crate) mod tool;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long anything may take that is waited for: a loaded machine with two cores is slow, and a
/// wait that ends early costs nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// The repository, where policies, model and ONNX Runtime lie.
pub(crate) fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Asks every 20 ms until `holds` says yes.
///
/// # Panics
/// After [`PATIENCE`], with `what`.
pub(crate) fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not within {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
