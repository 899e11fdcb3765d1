//! Where benchmarks run: a cluster, topics of their own on it, and gates in processes of their own.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use weir_bus::admin::make_topics;
use weir_bus::admin::plan::TopicSpec;
use weir_bus::{BusConfig, EmbeddedBroker};

use super::process::{Subject, wait_until_ready};
use crate::args::{JudgeArgs, KafkaOptions};
use crate::client;

/// Partitions of the benchmarks' topics.
pub(crate) const PARTITIONS: i32 = 4;

/// Which cluster.
#[derive(Debug, Clone, Args)]
pub(crate) struct ClusterArgs {
    /// Use this cluster; without it, the embedded broker.
    #[arg(long, env = "WEIR_BROKERS", value_name = "HOST:PORT,...")]
    brokers: Option<String>,
    /// What to say of the broker in the report, e.g. its version.
    #[arg(long, value_name = "TEXT")]
    broker_note: Option<String>,
    #[command(flatten)]
    options: KafkaOptions,
}

/// A cluster that can be reached.
pub(crate) struct Cluster {
    pub(crate) bus: BusConfig,
    /// Makes the topics' and groups' names this run's own.
    run: String,
    kafka_options: Option<PathBuf>,
    note: Option<String>,
    /// Kept so that it lives as long as the benchmark.
    embedded: Option<EmbeddedBroker>,
}

/// The topics of a gate under test. Dead letters go where verdicts go, so that they show.
pub(crate) struct GateTopics<'a> {
    pub(crate) prompts: &'a str,
    pub(crate) chunks: &'a str,
    pub(crate) verdicts: &'a str,
    pub(crate) checkpoints: &'a str,
    pub(crate) flagged: &'a str,
}

/// A gate that is ready.
pub(crate) struct GateUnderTest {
    pub(crate) subject: Subject,
    /// Host and port of its admin endpoints.
    pub(crate) admin: String,
}

impl ClusterArgs {
    /// Whether it is another one than the embedded broker.
    pub(crate) const fn is_named(&self) -> bool {
        self.brokers.is_some()
    }
}

impl Cluster {
    pub(crate) fn find(args: &ClusterArgs) -> anyhow::Result<Self> {
        let (bus, embedded) = match &args.brokers {
            Some(brokers) => (args.options.bus(BusConfig::new(brokers))?, None),
            None => {
                let broker = EmbeddedBroker::start([])?;
                (args.options.bus(broker.config())?, Some(broker))
            }
        };
        Ok(Self {
            bus,
            run: client::run_id()?,
            kafka_options: args.options.kafka_options.clone(),
            note: args.broker_note.clone(),
            embedded,
        })
    }

    /// Topics of this run's own, so that no backlog of another run is in the way.
    pub(crate) fn topics<const N: usize>(
        &self,
        name: &str,
        what_for: [&str; N],
    ) -> anyhow::Result<[String; N]> {
        let names = what_for.map(|what| format!("weir-bench-{}-{name}-{what}", self.run));
        if let Some(broker) = &self.embedded {
            for name in &names {
                broker.create_topic(name, PARTITIONS)?;
            }
            return Ok(names);
        }
        let specs = names.clone().map(|name| TopicSpec {
            name,
            partitions: PARTITIONS,
            replication: 1,
            config: [("retention.ms".to_owned(), "600000".to_owned())].into(),
        });
        make_topics(&self.bus, specs)?;
        Ok(names)
    }

    /// Starts a gate and waits until it has its partitions.
    pub(crate) fn gate(
        &self,
        topics: &GateTopics<'_>,
        judge: &JudgeArgs,
    ) -> anyhow::Result<GateUnderTest> {
        let mut command = self.command(&["gate"]);
        command.extend(options(&[
            ("--group", topics.prompts),
            ("--prompts-topic", topics.prompts),
            ("--chunks-topic", topics.chunks),
            ("--verdicts-topic", topics.verdicts),
            ("--checkpoints-topic", topics.checkpoints),
            ("--flagged-topic", topics.flagged),
            ("--dead-letters-topic", topics.verdicts),
            ("--admin", "127.0.0.1:0"),
            ("--policies", &judge.policies.display().to_string()),
            ("--model", &judge.model.display().to_string()),
            ("--shed-above", &judge.shed_above.to_string()),
        ]));
        if judge.rules_only {
            command.push("--rules-only".to_owned());
        }
        let (subject, admin) = Subject::start(&command, |line| {
            let url = line.strip_prefix("admin")?.trim_start();
            url.strip_prefix("http://")?
                .split(' ')
                .next()
                .map(str::to_owned)
        })?;
        wait_until_ready(&admin)?;
        Ok(GateUnderTest { subject, admin })
    }

    /// This program's command line for a process on this cluster.
    pub(crate) fn command(&self, words: &[&str]) -> Vec<String> {
        let mut command: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        command.extend(options(&[
            ("--brokers", &self.bus.brokers),
            ("--log-format", "json"),
        ]));
        if let Some(file) = &self.kafka_options {
            command.extend(options(&[("--kafka-options", &file.display().to_string())]));
        }
        if self.embedded.is_some() {
            command.push("--embedded-broker".to_owned());
        }
        command
    }

    /// What a report says of it.
    pub(crate) fn describe(&self) -> String {
        let kind = if self.embedded.is_some() {
            "embedded"
        } else {
            "apache kafka"
        };
        match &self.note {
            Some(note) => format!("{kind}, {note}"),
            None => kind.to_owned(),
        }
    }
}

/// Options and their values as arguments.
pub(crate) fn options(pairs: &[(&str, &str)]) -> Vec<String> {
    pairs
        .iter()
        .flat_map(|(name, value)| [(*name).to_owned(), (*value).to_owned()])
        .collect()
}

/// What shows that a benchmark is at work. Hidden where nobody would see it.
pub(crate) fn spinner(hidden: bool) -> ProgressBar {
    if hidden && !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_secs(1));
    bar
}
