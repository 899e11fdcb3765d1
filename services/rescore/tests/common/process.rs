//! A rescorer in a process of its own, so that it can be killed.

#![allow(clippy::print_stdout, reason = "how the process says that it is ready")]

use std::process::Command;

use weir_bus::BusConfig;
use weir_rescore::Delivery;
use weir_testkit::{Process, unique_name};

use super::{Cluster, PATIENCE, start};

/// Where it finds its brokers.
const BROKERS: &str = "WEIR_TEST_RESCORER_BROKERS";

/// What a test of the name `rescorer_of_another_process` does: nothing but in the process that [`rescorer`] starts.
pub(crate) fn run() {
    let Ok(brokers) = std::env::var(BROKERS) else {
        return;
    };
    let delivery = Delivery::ExactlyOnce {
        transactional_id: unique_name("weir-rescore"),
    };
    let running = start(&Cluster::at(BusConfig::new(brokers)), delivery);
    println!("rescoring");
    std::thread::sleep(PATIENCE);
    running.drain();
}

/// Starts this test binary once more, as a rescorer.
pub(crate) fn rescorer(cluster: &Cluster) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "rescorer_of_another_process", "--nocapture"])
        .env(BROKERS, &cluster.bus.brokers);
    let process = Process::spawn(&mut command).unwrap();
    process
        .wait_for_line(PATIENCE, |line| line.contains("rescoring"))
        .unwrap();
    process
}
