//! `weir send`.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use weir_bus::{Tail, TailFrom};
use weir_registry::Ids;
use weir_rescore::RescoreTopics;
use weir_types::Verdict;
use weir_wire::Subject;

use crate::args::{BrokerArgs, TopicArgs};
use crate::client::{self, PromptSender};
use crate::registry::RegistryArgs;
use crate::rows::{self, Row};
use crate::schemas::subjects;
use crate::tail;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir send --brokers localhost:9092 --wait \"Hello\" \"My mail is a@example.org\"
  weir send --file prompts.jsonl --tenant acme
  cat prompts.jsonl | weir send --wait --json

Files and standard input hold one prompt a line: a JSON row {\"id\", \"text\"[, \"lang\", \"tenant\",
\"target\"]}. Exit status 1 if a prompt was not answered in time.")]
pub(crate) struct SendArgs {
    /// Texts, one prompt each. Without any, and without --file, rows come from standard input.
    texts: Vec<String>,
    /// File of rows.
    #[arg(long, value_name = "FILE", conflicts_with = "texts")]
    file: Option<PathBuf>,
    /// Tenant, where a row names none.
    #[arg(long, default_value = "default")]
    tenant: String,
    /// Worker id under which the prompts are sent.
    #[arg(long, default_value = "weir-send")]
    worker: String,
    /// Budget, in milliseconds; default: the policy's.
    #[arg(long, value_name = "MS")]
    budget_ms: Option<i64>,
    /// Wait for the verdicts and print them.
    #[arg(long)]
    wait: bool,
    /// How long to wait for the last verdict, in seconds.
    #[arg(long, value_name = "S", default_value_t = 10)]
    timeout_s: u64,
    /// Print whole verdicts as JSON.
    #[arg(long, requires = "wait")]
    json: bool,
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    topics: TopicArgs,
}

pub(crate) fn run(args: &SendArgs) -> anyhow::Result<ExitCode> {
    let bus = args.broker.bus()?;
    let rows = read_rows(args)?;
    let subjects = subjects(&args.topics.topics(), &RescoreTopics::default().moderation);
    let (written, read) = ([Subject::Prompt], [Subject::Verdict]);
    let ids = args.registry.ids(&subjects, &written, &read, None)?;
    // The end of the verdicts is found before anything is sent, so none is missed.
    let tail = args
        .wait
        .then(|| Tail::start(&bus, &args.topics.verdicts_topic, TailFrom::End))
        .transpose()?;
    let mut sender = PromptSender::new(&bus, &args.topics.prompts_topic, ids.clone())?;
    let run = client::run_id()?;
    let mut waiting = HashSet::with_capacity(rows.len());
    let total = rows.len();
    for (index, row) in rows.into_iter().enumerate() {
        let request_id = row.id.clone().unwrap_or_else(|| format!("{run}-{index}"));
        waiting.insert(request_id.clone());
        let mut prompt = client::prompt(row, request_id, &args.tenant, &args.worker);
        prompt.budget_us = args.budget_ms.map(|ms| ms.saturating_mul(1000));
        sender.send(&prompt)?;
    }
    sender.finish()?;
    let Some(tail) = tail else {
        writeln!(std::io::stdout(), "{total} prompts sent")?;
        return Ok(ExitCode::SUCCESS);
    };
    await_verdicts(
        &tail,
        ids,
        waiting,
        Duration::from_secs(args.timeout_s),
        args.json,
    )
}

fn await_verdicts(
    tail: &Tail,
    mut ids: Ids,
    mut waiting: HashSet<String>,
    patience: Duration,
    json: bool,
) -> anyhow::Result<ExitCode> {
    let deadline = Instant::now() + patience;
    while !waiting.is_empty() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            bail!(
                "{} prompts were not answered within {} s; is a gate running on this cluster?",
                waiting.len(),
                patience.as_secs()
            );
        }
        let Some(record) = tail.next(left) else {
            continue;
        };
        ids.wait_long(record.payload.as_deref())?;
        let payload = record.payload.unwrap_or_default();
        let Ok(verdict) = weir_wire::decode_with::<Verdict>(&ids, &payload) else {
            continue;
        };
        if waiting.remove(&verdict.request_id) {
            tail::print(&verdict, json)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read_rows(args: &SendArgs) -> anyhow::Result<Vec<Row>> {
    if !args.texts.is_empty() {
        let row = |text: &String| Row::of(text.clone());
        return Ok(args.texts.iter().map(row).collect());
    }
    let Some(path) = &args.file else {
        return parse_rows(std::io::stdin().lock(), "standard input");
    };
    let name = path.display().to_string();
    let file = File::open(path).with_context(|| format!("{name} cannot be read"))?;
    parse_rows(BufReader::new(file), &name)
}

/// All rows or none: a prompt must not be sent when its neighbours cannot be.
fn parse_rows(input: impl BufRead, name: &str) -> anyhow::Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (index, line) in input.lines().enumerate() {
        let line = line.with_context(|| format!("{name}:{}: cannot be read", index + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        match rows::parse(&line) {
            Ok(row) if row.chunks.is_some() => {
                bail!(
                    "{name}:{}: prompts have no chunks; nothing was sent",
                    index + 1
                )
            }
            Ok(row) => rows.push(row),
            Err(error) => bail!("{name}:{}: {error}; nothing was sent", index + 1),
        }
    }
    Ok(rows)
}
