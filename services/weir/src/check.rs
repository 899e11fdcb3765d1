//! `weir check` and `weir policy`.

use std::io::{BufRead as _, BufWriter, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use weir_gate::{Clock, Judge};
use weir_lane::{Arrival, Judged, PromptInput};
use weir_policy::{NEVER, PolicySet, Tiers};
use weir_types::{Action, Category, Micros, Source};

use crate::args::JudgeArgs;
use crate::check_explain::{Explained, ExplainedLine, Explainer};
use crate::check_line::CheckLine;
use crate::check_stream::{self, Stream, StreamLine};
use crate::rows::{self, Row};
use crate::stage::{NO_HURRY, Stage, StageArgs};

/// Rows judged together; as many as a gate judges together.
pub(crate) const ROWS_TOGETHER: usize = 32;
/// Fewer, once they have this many bytes: rows share a budget only as far as that costs them none.
pub(crate) const BYTES_TOGETHER: usize = 64 * 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir check \"My card is 4111 1111 1111 1111\"
  weir check --jsonl < rows.jsonl > verdicts.jsonl
  weir check --fail-on block \"...\" || echo refused
  echo '{\"chunks\":[\"My card is 4111 \",\"1111 1111 1111, ok?\"]}' | weir check --jsonl
  weir check --explain \"Write to anna%40example.org\"

Rows are {\"id\", \"text\"[, \"lang\", \"tenant\", \"target\"]}, or streams: {\"id\", \"chunks\": [..][,
\"at_ms\": [..]]}, of which the answer also tells what a client would have shown. Each gives one line, in order; a row that
cannot be read gives {\"line\", \"error\"} and exit status 1. docs/CHECK.md describes the lines.")]
pub(crate) struct CheckArgs {
    /// The text.
    #[arg(required_unless_present = "jsonl", conflicts_with = "jsonl")]
    text: Option<String>,
    /// Read rows from standard input, write one line of JSON for each.
    #[arg(long)]
    jsonl: bool,
    /// Write JSON for a single text, too.
    #[arg(long, conflicts_with = "jsonl")]
    json: bool,
    /// Show why: the text as it was read, and what each finding was found by. Quotes the text.
    #[arg(long, conflicts_with = "jsonl")]
    explain: bool,
    /// Tenant whose policy applies, where a row names none.
    #[arg(long, default_value = "")]
    tenant: String,
    /// Language that the text is claimed to be in, where a row names none.
    #[arg(long)]
    lang: Option<String>,
    /// Budget as a gate would keep it, in milliseconds; default: the policy's. The heavy stage has none.
    #[arg(long, value_name = "MS")]
    deadline_ms: Option<u64>,
    #[command(flatten)]
    stage: StageArgs,
    /// Exit with status 3 if any action is at least this one.
    #[arg(long, value_name = "ACTION", value_parser = parse_action)]
    fail_on: Option<Action>,
    #[command(flatten)]
    judge: JudgeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    /// Read and check a folder of policies; print which policy each tenant has.
    Check {
        /// The folder.
        #[arg(default_value = "policies")]
        dir: PathBuf,
    },
}

pub(crate) fn run(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    args.stage.check(&args.judge)?;
    if args.stage.stage() == Stage::Heavy && args.deadline_ms.is_some() {
        bail!("--stage heavy has no deadline: drop --deadline-ms");
    }
    let clock = Clock::start();
    let judges = args.judge.judges()?;
    let judge = args.stage.judge(&judges, clock)?;
    let mut checker = Checker {
        judge,
        explainer: args.explain.then(|| Explainer::new(judges, &args.tenant)),
        clock,
        args,
        rows: 0,
        strictest: Action::Allow,
    };
    let clean = if let Some(text) = &args.text {
        checker.one(text)?;
        true
    } else {
        checker.stream()?
    };
    Ok(
        if args.fail_on.is_some_and(|limit| checker.strictest >= limit) {
            ExitCode::from(3)
        } else if clean {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        },
    )
}

pub(crate) fn policy(command: &PolicyCommand) -> anyhow::Result<ExitCode> {
    let PolicyCommand::Check { dir } = command;
    let policies = PolicySet::load(dir)?;
    let mut tenants: Vec<_> = policies.tenants().collect();
    tenants.sort_unstable_by_key(|(tenant, _)| *tenant);
    let mut out = std::io::stdout().lock();
    for (tenant, policy) in tenants {
        let (id, version, hash) = (&policy.id, &policy.version, &policy.hash[..12]);
        writeln!(out, "{tenant}: policy {id}, version {version}, hash {hash}")?;
        for category in Category::ALL {
            let (streams, texts) = (policy.stream_tiers(category), policy.tiers(category));
            if streams != texts {
                writeln!(
                    out,
                    "  {category} on streams: {}; on whole texts: {}",
                    describe_tiers(streams),
                    describe_tiers(texts)
                )?;
            }
        }
    }
    writeln!(out, "{} rules", policies.rules().len())?;
    Ok(ExitCode::SUCCESS)
}

/// Where the tiers begin that ever do.
fn describe_tiers(tiers: &Tiers) -> String {
    let begin = [
        (Action::Warn, tiers.warn),
        (Action::Attenuate, tiers.attenuate),
        (Action::Block, tiers.block),
    ];
    let begin: Vec<_> = begin
        .into_iter()
        .filter(|(_, at)| *at < NEVER)
        .map(|(action, at)| format!("{action} {at}"))
        .collect();
    if begin.is_empty() {
        "nothing".to_owned()
    } else {
        begin.join(", ")
    }
}

struct Checker<'a> {
    judge: Judge,
    /// `None`: nobody asked why.
    explainer: Option<Explainer>,
    clock: Clock,
    args: &'a CheckArgs,
    rows: i64,
    strictest: Action,
}

/// A line of input, read or not.
enum Entry {
    Row(Row),
    Bad { line: i64, error: String },
}

impl Checker<'_> {
    fn one(&mut self, text: &str) -> anyhow::Result<()> {
        let row = Row::of(text.to_owned());
        let judged = self
            .judge(vec![row])
            .pop()
            .context("the text got no answer")?;
        let explained = self
            .explainer
            .as_ref()
            .map(|explainer| explainer.explain(text, &judged.verdict));
        let mut out = std::io::stdout().lock();
        if self.args.json {
            let explain = explained.as_ref().map(Explained::to_json);
            let line = CheckLine::new("1".to_owned(), judged);
            serde_json::to_writer(&mut out, &ExplainedLine { line, explain })?;
            writeln!(out)?;
        } else {
            if let Some(explained) = &explained {
                explained.describe(&mut out)?;
            }
            describe(&mut out, &judged, explained.is_none())?;
        }
        Ok(())
    }

    /// Whether every row could be read.
    fn stream(&mut self) -> anyhow::Result<bool> {
        let mut out = BufWriter::new(std::io::stdout().lock());
        let mut entries = Vec::with_capacity(ROWS_TOGETHER);
        let mut clean = true;
        let mut bytes = 0;
        for (number, line) in (1_i64..).zip(std::io::stdin().lock().split(b'\n')) {
            let line = line.context("standard input cannot be read")?;
            if line.trim_ascii().is_empty() {
                continue;
            }
            let parsed = std::str::from_utf8(&line)
                .map_err(|error| format!("not UTF-8 (byte {})", error.valid_up_to() + 1))
                .and_then(rows::parse);
            entries.push(match parsed {
                Ok(mut row) => {
                    row.id.get_or_insert_with(|| number.to_string());
                    Entry::Row(row)
                }
                Err(error) => Entry::Bad {
                    line: number,
                    error,
                },
            });
            bytes += line.len();
            if entries.len() == ROWS_TOGETHER || bytes >= BYTES_TOGETHER {
                bytes = 0;
                clean &= self.flush(&mut entries, &mut out)?;
            }
        }
        clean &= self.flush(&mut entries, &mut out)?;
        out.flush()?;
        Ok(clean)
    }

    /// Writes one line an entry, in order.
    fn flush(&mut self, entries: &mut Vec<Entry>, out: &mut impl Write) -> anyhow::Result<bool> {
        let rows = entries
            .iter()
            .filter_map(|entry| match entry {
                Entry::Row(row) if row.chunks.is_none() => Some(row.clone()),
                Entry::Row(_) | Entry::Bad { .. } => None,
            })
            .collect();
        let mut answers = self.judge(rows).into_iter();
        let mut clean = true;
        for entry in entries.drain(..) {
            match entry {
                Entry::Bad { line, error } => {
                    clean = false;
                    let bad = serde_json::json!({ "line": line, "error": error });
                    serde_json::to_writer(&mut *out, &bad)?;
                }
                Entry::Row(row) if row.chunks.is_some() => match self.simulate(row) {
                    Ok(line) => serde_json::to_writer(&mut *out, &line)?,
                    Err((id, error)) => {
                        clean = false;
                        let bad = serde_json::json!({ "id": id, "error": error });
                        serde_json::to_writer(&mut *out, &bad)?;
                    }
                },
                Entry::Row(row) => {
                    let judged = answers.next().context("a row got no answer")?;
                    let line = CheckLine::new(row.id.unwrap_or_default(), judged);
                    serde_json::to_writer(&mut *out, &line)?;
                }
            }
            writeln!(out)?;
        }
        Ok(clean)
    }

    /// Streams a row of chunks; an error comes with the row's id.
    fn simulate(&mut self, row: Row) -> Result<StreamLine, (String, String)> {
        let stream = Stream {
            id: row.id.unwrap_or_default(),
            tenant: row.tenant.unwrap_or_else(|| self.args.tenant.clone()),
            lang: row.lang.or_else(|| self.args.lang.clone()),
            chunks: row.chunks.unwrap_or_default(),
            at_ms: row.at_ms,
            row: self.rows,
        };
        self.rows += 1;
        // Its own streams end with the row: nothing of another one is open.
        let line = check_stream::run(&mut self.judge, &stream)
            .map_err(|error| (stream.id.clone(), error))?;
        self.strictest = self.strictest.max(line.action());
        Ok(line)
    }

    /// `None`: the policy's.
    fn budget(&self) -> Option<Micros> {
        match self.args.stage.stage() {
            Stage::Heavy => Some(NO_HURRY),
            Stage::Fast | Stage::Cascade => self.args.deadline_ms.map(Micros::from_millis),
        }
    }

    /// Judges rows together, answers in order.
    fn judge(&mut self, rows: Vec<Row>) -> Vec<Judged> {
        let terms = Terms {
            tenant: &self.args.tenant,
            lang: self.args.lang.as_deref(),
            budget: self.budget(),
            received: self.clock.now(),
        };
        let judged = judge_together(&mut self.judge, rows, &mut self.rows, &terms);
        for judged in &judged {
            self.strictest = self.strictest.max(judged.verdict.action);
        }
        judged
    }
}

/// What holds for rows that do not say otherwise.
#[derive(Debug)]
pub(crate) struct Terms<'a> {
    pub(crate) tenant: &'a str,
    pub(crate) lang: Option<&'a str>,
    /// `None`: the policy's.
    pub(crate) budget: Option<Micros>,
    /// When the rows came.
    pub(crate) received: Micros,
}

/// Judges rows of text together, answers in order; `counted` numbers them.
pub(crate) fn judge_together(
    judge: &mut Judge,
    rows: Vec<Row>,
    counted: &mut i64,
    terms: &Terms<'_>,
) -> Vec<Judged> {
    let arrival = Arrival {
        received: terms.received,
        ..Arrival::default()
    };
    let prompts = rows
        .into_iter()
        .map(|row| {
            *counted += 1;
            PromptInput {
                source: Source {
                    topic: "check".into(),
                    partition: 0,
                    offset: *counted,
                },
                owner_epoch: 0,
                request_id: row.id.clone().unwrap_or_default(),
                tenant: row
                    .tenant
                    .clone()
                    .unwrap_or_else(|| terms.tenant.to_owned()),
                worker_id: String::new(),
                locale_hint: row.lang.clone().or_else(|| terms.lang.map(str::to_owned)),
                budget: terms.budget,
                segments: vec![row.text().into_bytes()],
                arrival,
            }
        })
        .collect();
    let mut answers = judge.judge(prompts);
    answers.sort_unstable_by_key(|answer| answer.index);
    answers.into_iter().map(|answer| answer.judged).collect()
}

/// What a person wants to know of a verdict on the text just typed. Without `findings`: of what
/// has been explained already; the language is said in their place.
fn describe(out: &mut impl Write, judged: &Judged, findings: bool) -> std::io::Result<()> {
    let verdict = &judged.verdict;
    writeln!(out, "action    {}", verdict.action)?;
    if !findings {
        let provenance = &verdict.provenance;
        let (tag, confidence) = (&provenance.language, provenance.language_confidence);
        writeln!(out, "language  {tag} ({confidence:.2})")?;
    }
    if let Some(risk) = verdict.risk {
        writeln!(out, "risk      {risk:.3}")?;
    }
    for finding in verdict.findings.iter().filter(|_| findings) {
        writeln!(
            out,
            "finding   {} {} ({}), bytes {}..{}, score {:.2}",
            finding.detector,
            finding.rule,
            finding.category,
            finding.span.start,
            finding.span.end,
            finding.score
        )?;
    }
    let mut scores = verdict.scores.clone();
    scores.sort_unstable_by(|a, b| b.calibrated.total_cmp(&a.calibrated));
    for score in scores.iter().take(3) {
        let acts = if score.margin >= 0.0 { "acts" } else { "below" };
        if score.threshold <= 1.0 {
            writeln!(
                out,
                "score     {} {:.3} ({acts} {:.2})",
                score.category, score.calibrated, score.threshold
            )?;
        } else {
            writeln!(out, "score     {} {:.3}", score.category, score.calibrated)?;
        }
    }
    writeln!(out, "judged by {}", verdict.judged_by.join(", "))?;
    for unjudged in &verdict.unjudged {
        writeln!(
            out,
            "unjudged  {} ({})",
            unjudged.detector,
            unjudged.cause.as_str()
        )?;
    }
    let provenance = &verdict.provenance;
    writeln!(
        out,
        "policy    {} {}",
        provenance.policy_id, provenance.policy_version
    )?;
    writeln!(out, "took      {} us", verdict.times.total_us)
}

fn parse_action(name: &str) -> Result<Action, String> {
    Action::ALL
        .into_iter()
        .find(|action| action.as_str() == name)
        .ok_or_else(|| "expected allow, warn, attenuate or block".to_owned())
}
