//! `weir tail`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use serde::Serialize;
use weir_bus::{Tail, TailFrom};
use weir_types::Verdict;
use weir_wire::{Moderation, Record};

use crate::args::{BrokerArgs, TopicArgs};
use crate::client;
use crate::registry::RegistryArgs;
use crate::schemas::subjects;

/// How long one wait for a record lasts; nothing hinges on it.
const WAIT: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir tail --brokers localhost:9092
  weir tail --json --from-beginning --count 100 | jq .action
  weir tail moderation --from-beginning")]
pub(crate) struct TailArgs {
    /// What to follow.
    #[arg(value_enum, default_value_t = What::Verdicts)]
    what: What,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Write whole records as JSON, one a line.
    #[arg(long)]
    json: bool,
    /// Begin with the oldest record that is still there.
    #[arg(long)]
    from_beginning: bool,
    /// Stop after this many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    topics: TopicArgs,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
}

/// What can be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// What the inference layer obeys.
    Verdicts,
    /// What the second look makes of it; committed records only.
    Moderation,
}

pub(crate) fn run(args: &TailArgs) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Verdicts => follow(args, &args.topics.verdicts_topic, client::line),
        What::Moderation => follow(args, &args.moderation_topic, moderation_line),
    }
}

fn follow<T: Record>(
    args: &TailArgs,
    topic: &str,
    line: impl Fn(&T) -> String,
) -> anyhow::Result<ExitCode> {
    let from = if args.from_beginning {
        TailFrom::Beginning
    } else {
        TailFrom::End
    };
    let subjects = subjects(&args.topics.topics(), &args.moderation_topic);
    let mut ids = args.registry.ids(&subjects, &[], &[T::SUBJECT], None)?;
    // What is written outside of transactions counts as committed.
    let tail = Tail::start(&args.broker.bus()?.read_committed(), topic, from)?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(record) = tail.next(WAIT) else {
            continue;
        };
        left -= 1;
        ids.wait_long(record.payload.as_deref())?;
        match weir_wire::decode_with::<T>(&ids, &record.payload.unwrap_or_default()) {
            Ok(found) => print_line(&found, args.json, &line)?,
            Err(error) => tracing::warn!(
                %error,
                partition = record.partition,
                offset = record.offset,
                "a record of another kind"
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a verdict.
pub(crate) fn print(verdict: &Verdict, json: bool) -> anyhow::Result<()> {
    print_line(verdict, json, client::line)
}

/// Writes a record at once, so that a pipe sees it as it comes.
fn print_line<T: Serialize>(
    record: &T,
    json: bool,
    line: impl Fn(&T) -> String,
) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, record)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", line(record))?;
    }
    Ok(out.flush()?)
}

/// A moderation record for people.
pub(crate) fn moderation_line(record: &Moderation) -> String {
    let stream = record.stream_id.as_ref().unwrap_or(&record.request_id);
    let risk = record
        .risk
        .map_or_else(|| "-".to_owned(), |risk| format!("{risk:.3}"));
    format!(
        "{:<10} {:<9} -> {:<9} risk {risk}  {:<8} {stream}  {}",
        record.outcome.as_str(),
        record.fast_action.as_str(),
        record.heavy_action.as_str(),
        record.queue,
        record.clause,
    )
}
