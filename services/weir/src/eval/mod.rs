//! `weir eval`: labelled rows through the lane, figures out.

pub(crate) mod data;
mod figures;
mod gates;
pub(crate) mod html;
pub(crate) mod labels;
mod misses;
mod outcome;
pub(crate) mod report;
pub(crate) mod subject;
pub(crate) mod svg;
mod table;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use weir_gate::Clock;

use crate::args::JudgeArgs;
use crate::marks::shown;
use crate::progress::progress_bar;
use crate::stage::StageArgs;
use data::Wanted;
use figures::Draws;
use report::{Asked, Report};
pub(crate) use table::share;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir eval --data evals/sets/smoke.jsonl
  weir eval --data evals/sets/smoke.jsonl --gates evals/gates.yaml
  weir eval --data a.jsonl b.jsonl --split dev --json report.json --html report.html
  gunzip -c rows.jsonl.gz > /tmp/rows.jsonl && weir eval --data /tmp/rows.jsonl --errors 20

Rows are {\"id\", \"text\", \"lang\", \"labels\": {CATEGORY: 0|1, ...}, \"benign\": true|false[, \"split\"]}, plain JSONL; compressed
files must be unpacked first. A label that is missing is unknown, not 0; benign rows are negatives of all
categories but pii. Rows without labels are left out and counted. evals/README.md describes the report.
No output holds a row's text.

Exit status: 0 success; 1 failure; 2 wrong usage; 3 a gate failed.")]
pub(crate) struct EvalArgs {
    /// Files of labelled rows.
    #[arg(long, value_name = "FILE", required = true, num_args = 1..)]
    data: Vec<PathBuf>,
    /// Only rows whose "split" is this.
    #[arg(long, value_name = "SPLIT")]
    split: Option<String>,
    /// Count rows that cannot be read and go on; default: fail at the first.
    #[arg(long)]
    skip_bad: bool,
    /// Write the report as JSON.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Write the report as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Fail with status 3 where a figure is beyond a limit of this file.
    #[arg(long, value_name = "FILE")]
    gates: Option<PathBuf>,
    /// List the ids of up to so many rows a category that were missed, and of as many false alarms.
    #[arg(long, value_name = "ROWS")]
    errors: Option<usize>,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Resamples of the bootstrap; 0: no such intervals.
    #[arg(long, value_name = "RESAMPLES", default_value_t = 1000)]
    bootstrap: usize,
    #[command(flatten)]
    stage: StageArgs,
    #[command(flatten)]
    judge: JudgeArgs,
}

pub(crate) fn run(args: &EvalArgs) -> anyhow::Result<ExitCode> {
    args.stage.check(&args.judge)?;
    // Before the work, so that a slip of the pen does not cost it.
    let gates = args.gates.as_deref().map(gates::read).transpose()?;
    let data = data::read(
        &args.data,
        Wanted {
            split: args.split.as_deref(),
            skip_bad: args.skip_bad,
        },
    )?;
    let clock = Clock::start();
    let judges = args.judge.judges()?;
    let mut judge = args.stage.judge(&judges, clock)?;
    let policy = judges.policies().for_tenant("");

    let judging = progress_bar(data.examples.len(), "rows");
    let outcomes = outcome::judge_all(&mut judge, clock, policy, data.examples, &judging)?;
    judging.finish_and_clear();

    let counting = progress_bar(report::groups(&outcomes), "groups");
    let asked = Asked {
        stage: args.stage.stage(),
        split: args.split.clone(),
        draws: Draws {
            seed: args.seed,
            resamples: args.bootstrap,
        },
        errors: args.errors,
    };
    let report = Report::of(data.files, data.counts, outcomes, policy, asked, || {
        counting.inc(1);
    })?;
    counting.finish_and_clear();

    if let Some(path) = &args.json {
        let mut json = serde_json::to_vec(&report)?;
        json.push(b'\n');
        write(path, &json)?;
    }
    if let Some(path) = &args.html {
        write(path, html::page(&report).as_bytes())?;
    }
    let mut out = std::io::stdout().lock();
    table::print(&mut out, &report)?;
    for misses in report.errors.iter().flatten() {
        // Ids are the data's, and may hold what a terminal would obey.
        let list = |ids: &[String]| shown(&ids.join(" "));
        let (missed, alarms) = (list(&misses.missed), list(&misses.false_alarms));
        writeln!(
            out,
            "\n{}\n  missed: {missed}\n  false alarms: {alarms}",
            misses.category
        )?;
    }
    let Some(gates) = gates else {
        return Ok(ExitCode::SUCCESS);
    };
    let failures = gates::failures(&gates, &report);
    writeln!(out, "\n{} gates, {} failed", gates.len(), failures.len())?;
    for failure in &failures {
        writeln!(out, "  {failure}")?;
    }
    Ok(if failures.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(3)
    })
}

fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))
}
