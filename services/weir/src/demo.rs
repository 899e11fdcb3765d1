//! `weir demo`: a bundled set of prompts, guarded answers, then the second look, through a broker, a gate and a
//! rescorer in this process.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde::Deserialize;
use weir_bus::{Tail, TailFrom};
use weir_gate::Topics;
use weir_registry::Ids;
use weir_types::{Action, Verdict};

use crate::args::{JudgeArgs, gate_config};
use crate::bench::quantiles::Latencies;
use crate::client::{self, PromptSender};
use crate::demo_moderation;
use crate::demo_stream;
use crate::progress::progress_bar;
use crate::registry::RegistryArgs;
use crate::rows::Row;
use crate::run::{RunningGate, embedded_broker};
use crate::stage::HeavyArgs;

/// Written for this project; `evals/demo/README.md` says how.
const PROMPTS: &str = include_str!("../../../evals/demo/prompts.jsonl");
/// How long the gate may take to own its partitions.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How long after the last prompt the last verdict may come.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Prompts a second.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    rate: u32,
    /// Only the summary, not each verdict.
    #[arg(long)]
    quiet: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    judge: JudgeArgs,
    /// End before the second look, which needs the heavy model.
    #[arg(long)]
    no_second_look: bool,
    #[command(flatten)]
    heavy: HeavyArgs,
}

/// A prompt of the bundled set.
#[derive(Debug, Clone, Deserialize)]
struct DemoPrompt {
    id: String,
    text: String,
    lang: String,
    kind: String,
}

/// What came of it all.
#[derive(Default)]
struct Summary {
    by_kind: BTreeMap<String, [u32; Action::ALL.len()]>,
    by_language: BTreeMap<String, [u32; Action::ALL.len()]>,
    by_category: BTreeMap<&'static str, u32>,
    latencies: Latencies,
    answered: usize,
}

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<ExitCode> {
    let prompts: Vec<DemoPrompt> = PROMPTS
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("the bundled prompts cannot be read")?;

    // First of all: whoever lacks a file should learn it now.
    let heavy = match args.no_second_look {
        true => None,
        false => Some(args.heavy.load().context(
            "the second look lacks its model (scripts/e5 fetches what it stands upon; --no-second-look does without)",
        )?),
    };
    let topics = Topics::default();
    let broker = embedded_broker(&topics)?;
    let bus = broker.config();
    let config = gate_config(bus.clone(), "weir-gate", topics.clone(), &args.judge, 1)?;
    let gate = RunningGate::start(config, &RegistryArgs::default(), ([127, 0, 0, 1], 0).into())?;
    wait_until_ready(&gate)?;
    let tail = Tail::start(&bus, &topics.verdicts, TailFrom::End)?;
    let sender = PromptSender::new(&bus, &topics.prompts, Ids::compiled_in())?;

    let summary = play(args, &prompts, sender, &tail)?;
    let answers = demo_stream::play(bus.clone())?;
    gate.drain()?;
    if !args.json {
        let mut out = std::io::stdout().lock();
        summary.print(&mut out, prompts.len())?;
        for answer in &answers {
            answer.print(&mut out)?;
        }
    }
    let second_look = match heavy {
        Some(model) => {
            let progress = bar(args, 0, "texts looked at again");
            Some(demo_moderation::play(&bus, model, &args.judge, &progress)?)
        }
        None => None,
    };
    let mut out = std::io::stdout().lock();
    if args.json {
        let mut json = summary.json(prompts.len());
        json["answers"] = serde_json::to_value(&answers)?;
        json["second_look"] = serde_json::to_value(&second_look)?;
        serde_json::to_writer_pretty(&mut out, &json)?;
        writeln!(out)?;
    } else if let Some(second_look) = &second_look {
        second_look.print(&mut out, args.quiet)?;
    }
    Ok(if summary.answered == prompts.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn wait_until_ready(gate: &RunningGate) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_PATIENCE;
    loop {
        let reasons = gate.health.not_ready_reasons();
        if reasons.is_empty() {
            return Ok(());
        }
        if Instant::now() >= deadline {
            bail!("the gate is not ready: {}", reasons.join("; "));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Sends the prompts at the rate asked for and collects their verdicts meanwhile.
fn play(
    args: &DemoArgs,
    prompts: &[DemoPrompt],
    mut sender: PromptSender,
    tail: &Tail,
) -> anyhow::Result<Summary> {
    let interval = Duration::from_secs(1) / args.rate;
    let mut summary = Summary::default();
    let mut waiting: HashMap<&str, (Instant, &DemoPrompt)> = HashMap::new();
    let progress = bar(args, prompts.len(), "prompts");
    let begun = Instant::now();
    let mut sent = 0;
    let mut last_sent = begun;
    while summary.answered < prompts.len() && last_sent.elapsed() < ANSWER_PATIENCE {
        while let Some(prompt) = prompts.get(sent)
            && begun.elapsed() >= interval * u32::try_from(sent)?
        {
            let row = Row {
                lang: Some(prompt.lang.clone()),
                ..Row::of(prompt.text.clone())
            };
            last_sent = Instant::now();
            waiting.insert(&prompt.id, (last_sent, prompt));
            sender.send(&client::prompt(row, prompt.id.clone(), "demo", "weir-demo"))?;
            sent += 1;
        }
        let Some(record) = tail.next(interval.min(Duration::from_millis(5))) else {
            continue;
        };
        let verdict: Verdict = weir_wire::decode(&record.payload.unwrap_or_default())?;
        let Some((since, prompt)) = waiting.remove(verdict.request_id.as_str()) else {
            continue;
        };
        summary.count(prompt, &verdict, since.elapsed());
        progress.inc(1);
        if !args.quiet && !args.json {
            let line = client::line(&verdict);
            // The bar's own print is silent where there is no terminal.
            if progress.is_hidden() {
                writeln!(std::io::stdout(), "{line}")?;
            } else {
                progress.println(line);
            }
        }
    }
    progress.finish_and_clear();
    Ok(summary)
}

/// JSON is for programs, which look at no bar.
fn bar(args: &DemoArgs, total: usize, what: &str) -> ProgressBar {
    if args.json {
        ProgressBar::hidden()
    } else {
        progress_bar(total, what)
    }
}

impl Summary {
    fn count(&mut self, prompt: &DemoPrompt, verdict: &Verdict, latency: Duration) {
        let action = verdict.action as usize;
        self.by_kind.entry(prompt.kind.clone()).or_default()[action] += 1;
        self.by_language.entry(prompt.lang.clone()).or_default()[action] += 1;
        let mut categories: Vec<_> = verdict
            .findings
            .iter()
            .map(|finding| finding.category)
            .chain(
                verdict
                    .scores
                    .iter()
                    .filter(|score| score.margin >= 0.0)
                    .map(|score| score.category),
            )
            .collect();
        categories.sort_unstable();
        categories.dedup();
        for category in categories {
            *self.by_category.entry(category.as_str()).or_default() += 1;
        }
        self.latencies.add(latency);
        self.answered += 1;
    }

    fn print(&self, out: &mut impl std::io::Write, total: usize) -> std::io::Result<()> {
        writeln!(
            out,
            "\n{:<14}{:>8}{:>8}{:>12}{:>8}",
            "kind", "allow", "warn", "attenuate", "block"
        )?;
        for (name, counts) in &self.by_kind {
            row(out, name, counts)?;
        }
        writeln!(
            out,
            "\n{:<14}{:>8}{:>8}{:>12}{:>8}",
            "language", "allow", "warn", "attenuate", "block"
        )?;
        for (name, counts) in &self.by_language {
            row(out, name, counts)?;
        }
        writeln!(out, "\ncategory found or acted on")?;
        for (name, count) in &self.by_category {
            writeln!(out, "{name:<18}{count:>6}")?;
        }
        let [p50, p95, p99, _] = self.latencies.quantiles_ms();
        writeln!(
            out,
            "\nend to end, embedded broker: p50 {p50:.1} ms, p95 {p95:.1} ms, p99 {p99:.1} ms"
        )?;
        writeln!(out, "{} of {total} prompts answered", self.answered)
    }

    fn json(&self, total: usize) -> serde_json::Value {
        let actions = |counts: &[u32; Action::ALL.len()]| -> serde_json::Map<_, _> {
            Action::ALL
                .iter()
                .map(|action| (action.as_str().to_owned(), counts[*action as usize].into()))
                .collect()
        };
        let table = |rows: &BTreeMap<String, [u32; Action::ALL.len()]>| -> serde_json::Map<_, _> {
            rows.iter()
                .map(|(name, counts)| (name.clone(), actions(counts).into()))
                .collect()
        };
        let [p50, p95, p99, p999] = self.latencies.quantiles_ms();
        serde_json::json!({
            "prompts": total,
            "answered": self.answered,
            "by_kind": table(&self.by_kind),
            "by_language": table(&self.by_language),
            "by_category": self.by_category,
            "end_to_end": { "p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "p999_ms": p999 },
        })
    }
}

fn row(
    out: &mut impl std::io::Write,
    name: &str,
    counts: &[u32; Action::ALL.len()],
) -> std::io::Result<()> {
    writeln!(
        out,
        "{name:<14}{:>8}{:>8}{:>12}{:>8}",
        counts[0], counts[1], counts[2], counts[3]
    )
}
