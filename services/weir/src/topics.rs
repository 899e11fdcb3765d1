//! `weir topics`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::Deserialize;
use weir_bus::admin::{self, Applied, Change, TopicSpec};

use crate::args::BrokerArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum TopicsCommand {
    /// Create what is missing and bring configurations in line. Partition counts of existing
    /// topics are never changed: keys would move.
    #[command(after_help = "Example:\n  weir topics apply --brokers localhost:9092 --dry-run")]
    Apply(ApplyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// The declaration.
    #[arg(long, value_name = "FILE", default_value = "topics/topics.yaml")]
    file: PathBuf,
    /// Only tell what would be done.
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    topics: Vec<DeclaredTopic>,
}

/// What is declared of a topic. What is for people only (`carries`, `roles`) is read so that a
/// misspelt key is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeclaredTopic {
    name: String,
    partitions: i32,
    replication: i32,
    #[serde(rename = "key")]
    _key: String,
    #[serde(rename = "carries")]
    _carries: String,
    config: BTreeMap<String, String>,
    #[serde(rename = "roles")]
    _roles: BTreeMap<String, Vec<String>>,
}

pub(crate) fn run(command: &TopicsCommand) -> anyhow::Result<ExitCode> {
    let TopicsCommand::Apply(args) = command;
    let topics = load(&args.file)?;
    let bus = args.broker.bus()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let applied = runtime.block_on(admin::apply(&bus, &topics, args.dry_run))?;
    let mut out = std::io::stdout().lock();
    let mut refused = 0;
    for (topic, applied) in topics.iter().zip(applied) {
        let would = if args.dry_run { "would be " } else { "" };
        match applied {
            Applied::Created => {
                writeln!(
                    out,
                    "{}: {would}created with {} partitions",
                    topic.name, topic.partitions
                )?;
            }
            Applied::Unchanged => writeln!(out, "{}: unchanged", topic.name)?,
            Applied::Changed(changes) => {
                for Change { key, before, now } in changes {
                    let before = before.as_deref().unwrap_or("unset");
                    let now = now.as_deref().unwrap_or("the broker's default");
                    writeln!(
                        out,
                        "{}: {key} {would}changed from {before} to {now}",
                        topic.name
                    )?;
                }
            }
            Applied::Refused { partitions } => {
                refused += 1;
                writeln!(
                    out,
                    "{}: refused, it has {partitions} partitions and {} are declared; grow by a \
                     new topic (v2), read both, drain the old one",
                    topic.name, topic.partitions
                )?;
            }
        }
    }
    Ok(if refused == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Reads a declaration of topics.
pub(crate) fn load(file: &Path) -> anyhow::Result<Vec<TopicSpec>> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    parse(&text).with_context(|| format!("{} is not a declaration of topics", file.display()))
}

fn parse(text: &str) -> anyhow::Result<Vec<TopicSpec>> {
    let declaration: Declaration = serde_saphyr::from_str(text)?;
    declaration
        .topics
        .into_iter()
        .map(|topic| {
            if topic.partitions < 1 || topic.replication < 1 {
                bail!(
                    "{}: partitions and replication must be at least 1",
                    topic.name
                );
            }
            Ok(TopicSpec {
                name: topic.name,
                partitions: topic.partitions,
                replication: topic.replication,
                config: topic.config,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_declared_topics_are_read_and_agree_where_they_must() {
        let topics = load(Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../topics/topics.yaml"
        )))
        .unwrap();
        let partitions = |name: &str| {
            topics
                .iter()
                .find(|topic| topic.name == name)
                .map(|topic| topic.partitions)
                .unwrap()
        };
        // A verdict goes to the partition number of its input.
        assert_eq!(
            partitions("weir.prompts.v1"),
            partitions("weir.verdicts.v1")
        );
        assert_eq!(partitions("weir.chunks.v1"), partitions("weir.verdicts.v1"));
    }

    #[test]
    fn mistakes_are_errors() {
        let good = "topics:\n  - {name: a, partitions: 1, replication: 1, key: k, carries: c, config: {}, roles: {}}\n";
        assert!(parse(good).is_ok());
        assert!(parse(&good.replace("partitions: 1", "partitions: 0")).is_err());
        assert!(parse(&good.replace("carries", "caries")).is_err());
    }
}
