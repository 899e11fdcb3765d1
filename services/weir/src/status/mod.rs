//! `weir status`: topics, groups and their lag, and what gates say of themselves, once.

mod cluster;
mod figures;
mod report;
mod scrape;
mod vitals;
mod watcher;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use clap::Args;

use crate::args::{BrokerArgs, TopicArgs};

#[cfg(test)]
pub(crate) use cluster::Cluster;
pub(crate) use figures::{count, duration, mebibytes, partitions, quantiles, rate};
pub(crate) use vitals::Vitals;
pub(crate) use watcher::{Endpoint, Snapshot, Watcher};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir status --brokers localhost:9092
  weir status --brokers localhost:9092 --gates localhost:9464,localhost:9465
  weir status --json | jq '.groups[] | {name, lag}'

Rates are of the time between two looks, --interval-s apart. Groups are looked at from outside: nothing is joined or
committed. weir top shows the same, live; weir doctor says what is wrong.

Exit status: 0 looked; 1 the cluster could not be looked at; 2 wrong usage.")]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    watch: WatchArgs,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What to look at.
#[derive(Debug, Clone, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
    /// Admin endpoints of gates and rescorers, for rates and latencies.
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    pub(crate) gates: Vec<String>,
    /// Seconds between two looks.
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 1,
        value_parser = clap::value_parser!(u16).range(1..=3600)
    )]
    pub(crate) interval_s: u16,
    /// The gates' consumer group; that of their streams is named after it.
    #[arg(long, default_value = "weir-gate")]
    group: String,
    /// The rescorers' consumer group.
    #[arg(long, value_name = "GROUP", default_value = "weir-rescore")]
    rescore_group: String,
    #[command(flatten)]
    topics: TopicArgs,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
}

impl WatchArgs {
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval_s.into())
    }

    /// Names of topics, in the order in which a record passes through them.
    fn all_topics(&self) -> Vec<String> {
        let topics = self.topics.topics();
        let names = topics.all().map(str::to_owned);
        names
            .into_iter()
            .chain([self.moderation_topic.clone()])
            .collect()
    }

    /// (group, the topic that it reads).
    fn all_groups(&self) -> Vec<(String, String)> {
        let topics = self.topics.topics();
        vec![
            (self.group.clone(), topics.prompts),
            (format!("{}-streams", self.group), topics.chunks),
            (self.rescore_group.clone(), topics.flagged),
            (
                format!("{}-feedback", self.rescore_group),
                self.moderation_topic.clone(),
            ),
        ]
    }
}

pub(crate) fn run(args: &StatusArgs) -> anyhow::Result<ExitCode> {
    let mut watcher = Watcher::new(&args.watch)?;
    if !args.watch.gates.is_empty() {
        watcher.look_at_endpoints();
        std::thread::sleep(args.watch.interval());
    }
    let snapshot = watcher.look();
    if let Some(trouble) = snapshot.trouble {
        bail!(trouble);
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&snapshot)?)?;
    } else {
        report::write(&mut out, &snapshot)?;
    }
    Ok(ExitCode::SUCCESS)
}
