//! `weir replay` of a cluster's topics, and what stands around it.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;
use weir_bus::{BusConfig, InRecord, LogReader};

use super::cluster::Cluster;
use super::mixed::Mixed;
use super::tool::{self, Finished};
use super::{PATIENCE, repository};

/// `weir replay` of the cluster's topics.
pub(crate) fn command(cluster: &Cluster, arguments: &[&str]) -> Command {
    let mut command = tool::weir(["replay", "--brokers", &cluster.bus.brokers]);
    command
        .args(["--prompts-topic", &cluster.prompts])
        .args(["--chunks-topic", &cluster.chunks])
        .args(["--verdicts-topic", &cluster.verdicts])
        .args(arguments);
    command
}

pub(crate) fn replay(cluster: &Cluster, arguments: &[&str]) -> Finished {
    tool::finish(&mut command(cluster, arguments))
}

pub(crate) fn json(finished: &Finished) -> Value {
    serde_json::from_str(&finished.stdout).unwrap_or_else(|_| panic!("{finished:?}"))
}

/// Next offsets of every topic that a replay reads or could write to.
pub(crate) fn ends(cluster: &Cluster) -> BTreeMap<String, Vec<i64>> {
    let topics = [
        &cluster.prompts,
        &cluster.chunks,
        &cluster.verdicts,
        &cluster.checkpoints,
        &cluster.flagged,
        &cluster.dead_letters,
    ];
    let ends = |topic: &&String| {
        let reader = LogReader::new(&cluster.bus, topic).unwrap();
        let extents = reader.extents(None, None, None, PATIENCE).unwrap();
        let ends = extents.iter().map(|extent| extent.high).collect();
        ((*topic).clone(), ends)
    };
    topics.iter().map(ends).collect()
}

/// All that a topic holds now, as a reader of this configuration sees it.
pub(crate) fn records(bus: &BusConfig, topic: &str) -> Vec<InRecord> {
    let reader = LogReader::new(bus, topic).unwrap();
    let stretches = reader.stretches(None, None, PATIENCE).unwrap();
    stretches
        .into_iter()
        .flat_map(|stretch| reader.read_stretch(stretch, PATIENCE).unwrap())
        .collect()
}

/// One of Kafka's own tools.
pub(crate) fn kafka_tool(class: &str, cluster: &Cluster, arguments: &[&str]) -> String {
    let finished = tool::finish(
        Command::new(repository().join("scripts/kafka"))
            .args(["tool", class, "--bootstrap-server", &cluster.bus.brokers])
            .args(arguments),
    );
    assert_eq!(finished.code, Some(0), "{finished:?}");
    finished.stdout
}

pub(crate) fn groups(cluster: &Cluster) -> String {
    kafka_tool("consumer.group.ConsumerGroupCommand", cluster, &["--list"])
}

/// Deletes what lies before an offset.
pub(crate) fn delete(cluster: &Cluster, topic: &str, partition: i64, before: i64) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("offsets.json");
    let one = serde_json::json!({"topic": topic, "partition": partition, "offset": before});
    let content = serde_json::json!({"partitions": [one], "version": 1});
    std::fs::write(&file, content.to_string()).unwrap();
    let file = file.to_str().unwrap();
    kafka_tool(
        "DeleteRecordsCommand",
        cluster,
        &["--offset-json-file", file],
    );
}

/// Records to replay, of which no gate ever took notice: prompts, streams.
pub(crate) fn unjudged(cluster: &Cluster) -> (usize, usize) {
    unjudged_rounds(cluster, 250)
}

/// The same, of so many rounds of the load; the same records whenever it is called.
pub(crate) fn unjudged_rounds(cluster: &Cluster, rounds: usize) -> (usize, usize) {
    let mut load = Mixed::new(cluster);
    for _ in 0..rounds {
        load.round();
    }
    load.finish()
}
