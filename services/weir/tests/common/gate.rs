//! A gate as a child process.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use weir_testkit::Process;

use super::cluster::Cluster;
use super::tool::weir;
use super::{PATIENCE, wait_until};

/// How long a gate may take to stop; it gives itself some seconds, whatever its broker does.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// A running gate. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) process: Process,
    /// `host:port` of its admin endpoints.
    pub(crate) admin: String,
}

impl Gate {
    /// Starts a gate on the cluster's topics and waits until it owns partitions.
    pub(crate) fn start(cluster: &Cluster) -> Self {
        let gate = Self::spawn(&mut command(cluster));
        gate.wait_until_ready();
        gate
    }

    /// The same under other policies.
    pub(crate) fn start_under(cluster: &Cluster, policies: &str) -> Self {
        let gate = Self::spawn(&mut command_under(cluster, policies));
        gate.wait_until_ready();
        gate
    }

    /// Starts what prints its admin address as `weir gate` and `weir up` do.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let process = Process::spawn(command).unwrap();
        let admin = printed(&process, "admin ")
            .trim_start_matches("http://")
            .to_owned();
        Self { process, admin }
    }

    pub(crate) fn wait_until_ready(&self) {
        wait_until("the gate is ready", || {
            self.get("/ready").starts_with("200 ")
        });
    }

    /// The sum of a metric's series, of which there must be one.
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let page = self.get("/metrics");
        let values: Vec<f64> = page
            .lines()
            .filter(|line| {
                line.strip_prefix(name)
                    .is_some_and(|rest| rest.starts_with([' ', '{']))
            })
            .map(|line| line.rsplit(' ').next().unwrap().parse().unwrap())
            .collect();
        assert!(!values.is_empty(), "no series of {name}");
        values.iter().sum()
    }

    /// Waits until it owns that many partitions, of prompts and chunks together.
    pub(crate) fn wait_for_partitions(&self, count: f64) {
        wait_until("the gate owns its share of partitions", || {
            (self.metric("weir_assigned_partitions") - count).abs() < 0.5
        });
    }

    /// [`ask`] of this gate.
    pub(crate) fn get(&self, path: &str) -> String {
        ask(&self.admin, path)
    }

    /// Sends a signal, by its name without SIG.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("sh")
            .args([
                "-c",
                "kill -s \"$0\" \"$1\"",
                name,
                &self.process.id().to_string(),
            ])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Whether the process that was started still runs and its threads turn.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.process.wait(Duration::ZERO).is_err() && self.get("/live").starts_with("200 ")
    }

    /// Asks it to stop, which must succeed; gives its output.
    pub(crate) fn stop(mut self) -> Vec<String> {
        self.process.terminate().unwrap();
        let status = self.process.wait(STOP_PATIENCE).unwrap();
        let lines = self.process.lines();
        assert_eq!(status.code(), Some(0), "{}", lines.join("\n"));
        lines
    }
}

/// `weir gate` for the cluster's topics and group, to be added to.
pub(crate) fn command(cluster: &Cluster) -> Command {
    command_under(cluster, "policies")
}

/// The same under other policies.
pub(crate) fn command_under(cluster: &Cluster, policies: &str) -> Command {
    weir([
        "gate",
        "--admin",
        "127.0.0.1:0",
        "--policies",
        policies,
        "--model",
        "models/fast",
        "--brokers",
        &cluster.bus.brokers,
        "--group",
        &cluster.group,
        "--prompts-topic",
        &cluster.prompts,
        "--chunks-topic",
        &cluster.chunks,
        "--verdicts-topic",
        &cluster.verdicts,
        "--checkpoints-topic",
        &cluster.checkpoints,
        "--flagged-topic",
        &cluster.flagged,
        "--dead-letters-topic",
        &cluster.dead_letters,
    ])
}

/// The word after `name` on the first line that begins with it.
pub(crate) fn printed(process: &Process, name: &str) -> String {
    let line = process
        .wait_for_line(PATIENCE, |line| line.starts_with(name))
        .unwrap();
    line[name.len()..]
        .split_whitespace()
        .next()
        .unwrap()
        .to_owned()
}

/// Status and body of a request to the admin endpoints at an address, `200 OK\n...`.
pub(crate) fn ask(admin: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(admin).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    let status = head.lines().next().unwrap().trim_start_matches("HTTP/1.1 ");
    format!("{status}\n{body}")
}
