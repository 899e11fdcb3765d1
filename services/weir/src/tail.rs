//! `weir tail`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use weir_bus::{Tail, TailFrom};
use weir_types::Verdict;

use crate::args::{BrokerArgs, TopicArgs};
use crate::client;

/// How long one wait for a record lasts; nothing hinges on it.
const WAIT: Duration = Duration::from_millis(500);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir tail --brokers localhost:9092
  weir tail --json --from-beginning --count 100 | jq .action")]
pub(crate) struct TailArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    /// Write whole verdicts as JSON, one a line.
    #[arg(long)]
    json: bool,
    /// Begin with the oldest verdict that is still there.
    #[arg(long)]
    from_beginning: bool,
    /// Stop after this many.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    #[command(flatten)]
    topics: TopicArgs,
}

pub(crate) fn run(args: &TailArgs) -> anyhow::Result<ExitCode> {
    let from = if args.from_beginning {
        TailFrom::Beginning
    } else {
        TailFrom::End
    };
    let tail = Tail::start(&args.broker.bus()?, &args.topics.verdicts_topic, from)?;
    let mut left = args.count.unwrap_or(u64::MAX);
    while left > 0 {
        let Some(record) = tail.next(WAIT) else {
            continue;
        };
        left -= 1;
        match weir_wire::decode::<Verdict>(&record.payload.unwrap_or_default()) {
            Ok(verdict) => print(&verdict, args.json)?,
            Err(error) => tracing::warn!(
                %error,
                partition = record.partition,
                offset = record.offset,
                "a record that is no verdict"
            ),
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes a verdict at once, so that a pipe sees it as it comes.
pub(crate) fn print(verdict: &Verdict, json: bool) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        serde_json::to_writer(&mut out, verdict)?;
        writeln!(out)?;
    } else {
        writeln!(out, "{}", client::line(verdict))?;
    }
    Ok(out.flush()?)
}
