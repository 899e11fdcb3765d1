//! A rescorer as a child process, with a small model.

use weir_testkit::unique_name;

use super::cluster::Cluster;
use super::gate::Gate;
use super::tool::{HEAVY, HEAVY_E5, weir};

/// Starts one with these arguments and waits until it owns partitions. It is looked after as a gate is.
pub(crate) fn start(arguments: &[&str]) -> Gate {
    let mut command = weir(["rescore", "--admin=127.0.0.1:0"]);
    command.args(["--heavy-model", HEAVY, "--e5", HEAVY_E5]);
    let rescorer = Gate::spawn(command.args(arguments));
    rescorer.wait_until_ready();
    rescorer
}

/// The same on the cluster's topics, in a group of its own, with a topic of moderation records and further arguments.
pub(crate) fn start_on(cluster: &Cluster, moderation: &str, more: &[&str]) -> Gate {
    let group = unique_name("rescore");
    let places = [
        ("--brokers", cluster.bus.brokers.as_str()),
        ("--group", &group),
        ("--flagged-topic", &cluster.flagged),
        ("--moderation-topic", moderation),
        ("--verdicts-topic", &cluster.verdicts),
        ("--dead-letters-topic", &cluster.dead_letters),
    ];
    let mut arguments: Vec<&str> = places.into_iter().flat_map(<[&str; 2]>::from).collect();
    arguments.extend(more);
    start(&arguments)
}
