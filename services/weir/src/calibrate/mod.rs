//! `weir calibrate`: from verdicts and what is known of their texts to a patch of the policy, for review.

mod choose;
mod edit;
mod fit;
mod impact;
mod input;
mod labels;
mod offline;
mod page;
mod patch;
mod propose;
mod report;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod topics;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use clap::{Args, ValueEnum};
use weir_infer::calibrate::Shipped;
use weir_policy::{Policy, PolicySet, Sources};
use weir_stats::{Bootstrap, Target};
use weir_types::{Action, Category};

use crate::args::{BrokerArgs, JudgeArgs};
use crate::progress::progress_bar;
use crate::range::RangeArgs;
use crate::registry::RegistryArgs;
use input::Input;
use labels::Labels;
use patch::Patch;
use propose::{Goals, Parts, Proposal};
use report::{PolicyRef, Report, Run, Split};
use row::Terms;

/// Of intervals.
const CONFIDENCE: f64 = 0.95;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir calibrate --brokers localhost:9092 --since 24h --labels labels.jsonl --target-fpr 0.003
  weir calibrate --brokers localhost:9092 --since 24h --target moderation --html calibration.html
  weir calibrate --rows labelled.jsonl --target-recall 0.5 --category hate=fpr:0.001
  weir calibrate --rows labelled.jsonl --target-fpr 0.003 --apply-to policies/default.yaml --out reviewed.yaml

Fits, by category, one slope and intercept (Platt scaling) and a shift for each locale, weighted by 1 / inclusion probability;
chooses thresholds; and writes what would change in the policy. Nothing is applied: --patch and --out write new files, for
review. A category or locale with fewer than 100 positives, 100 negatives or an effective sample size (Kish) of 100 is refused and named: the
category keeps the curve in force, the locale the category's intercept. Curves and thresholds rest on one half of the rows, drawn by a
hash of the request's id, or on --rows where --held-out names others; every figure is of the other half.

Labels: {\"request_id\" or \"verdict_id\", \"categories\": [what it is; nothing else], or \"labels\": {CATEGORY: 0|1}, \"benign\":
true|false[, \"inclusion_probability\"]}, one a line. Without a probability the moderation record's counts; without that, a text stands
for itself. Rows: texts as weir eval reads them, or {\"id\", \"raw\": {CATEGORY: logit}, \"lang\", ...} as weir check --jsonl
writes them, with labels, or with --labels by id; \"weight\" or \"inclusion_probability\" if they have one.

docs/calibration.md walks through it. Exit status: 0 something is proposed; 1 failure; 2 wrong usage; 3 every category was refused.")]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    #[command(flatten)]
    range: RangeArgs,
    /// Labels that people gave.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// What scores are held against: labels, or what moderation made of the texts [default: labels].
    #[arg(long, value_enum, value_name = "TARGET")]
    target: Option<Against>,
    /// Rows of files in place of topics.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["since", "from", "until"])]
    rows: Vec<PathBuf>,
    /// Rows to report on; all of --rows is then fitted on.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "rows")]
    held_out: Vec<PathBuf>,
    /// Choose thresholds for at most this false positive rate, 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "target_recall")]
    target_fpr: Option<f64>,
    /// Choose thresholds for at least this recall, 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    target_recall: Option<f64>,
    /// A target for one category; may be given more than once.
    #[arg(long, value_name = "CATEGORY=fpr:RATE|recall:RATE", value_parser = named_target)]
    category: Vec<(Category, Target)>,
    /// The tier whose threshold is chosen: warn, attenuate or block. The others move to the new scale.
    #[arg(long, value_name = "ACTION", default_value = "block", value_parser = tier)]
    tier: Action,
    /// The tenant whose policy is calibrated; default: the default policy.
    #[arg(long, default_value = "", hide_default_value = true)]
    tenant: String,
    /// Version of the proposed policy; default: the present one and the day.
    #[arg(long, value_name = "VERSION")]
    policy_version: Option<String>,
    /// Write the patch here; default: to standard output, after the report.
    #[arg(long, value_name = "FILE")]
    patch: Option<PathBuf>,
    /// The policy's file, of which --out becomes a changed copy.
    #[arg(long, value_name = "FILE", requires = "out")]
    apply_to: Option<PathBuf>,
    /// Write a copy of --apply-to with the patch applied; must not exist.
    #[arg(long, value_name = "FILE", requires = "apply_to")]
    out: Option<PathBuf>,
    /// Write the report, with reliability diagrams, as one HTML page.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write the report as JSON to standard output.
    #[arg(long)]
    json: bool,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Resamples of the bootstrap; 0: no such intervals.
    #[arg(long, value_name = "RESAMPLES", default_value_t = 1000)]
    bootstrap: usize,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    verdicts_topic: String,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
    #[command(flatten)]
    judge: JudgeArgs,
}

/// What scores are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Against {
    /// What people say.
    Labels,
    /// Whether the policy acts on the heavy model's score.
    Moderation,
}

pub(crate) fn run(args: &CalibrateArgs) -> anyhow::Result<ExitCode> {
    // Before the work, so that a slip of the pen does not cost it.
    let labels = target(args)?;
    let sources = Sources::read(&args.judge.policies)?;
    let policies = PolicySet::parse(&args.judge.policies, &sources.policies, &sources.rules)?;
    let policy = policies.for_tenant(&args.tenant);
    let shipped = Shipped::read(&args.judge.model)?;
    let base = base(args)?;
    let goals = Goals {
        usual: (args.target_fpr.map(Target::FalsePositiveRate))
            .or(args.target_recall.map(Target::Recall)),
        named: args.category.clone(),
        tier: args.tier,
    };
    let input = read(args, labels, policy, &shipped)?;
    let bootstrap = Bootstrap {
        seed: args.seed,
        resamples: args.bootstrap,
        confidence: CONFIDENCE,
    };
    let (parts, by) = match input.held_out {
        Some(report) => (
            Parts {
                fit: input.labelled,
                report,
            },
            "files",
        ),
        None => (Parts::halves(input.labelled), "hash of the request id"),
    };
    let present = Terms::present(&shipped, policy);
    let bar = progress_bar(Category::COUNT, "categories");
    let Proposal {
        terms,
        fitted,
        categories,
    } = propose::propose(&parts, &present, &goals, &bootstrap, || bar.inc(1));
    bar.finish_and_clear();
    let impact = impact::impact(&input.traffic, &present, &terms);
    let run = Run::new(
        input.source,
        input.files,
        PolicyRef {
            id: policy.id.clone(),
            version: policy.version.clone(),
            hash: policy.hash.clone(),
        },
        shipped.model.clone(),
        &bootstrap,
    )?;
    let day = run.date.split('T').next().unwrap_or_default();
    let version = args.policy_version.clone();
    let version = version.unwrap_or_else(|| format!("{}, calibrated {day}", policy.version));
    let model = &shipped.model.hash;
    let patch = Patch::new(policy, model, version, &fitted, &present, &terms);
    let mut report = Report {
        format: Report::FORMAT,
        target: input.target,
        run,
        split: Split {
            by,
            fit: parts.fit.len(),
            report: parts.report.len(),
        },
        rows: input.counts,
        categories,
        impact,
        patch: None,
        warnings: Vec::new(),
    };
    report.warn_of_inputs();
    let changed = match (&patch, base) {
        (Some(patch), Some((file, text))) => {
            let text = patch
                .apply(&text)
                .map_err(|why| anyhow!("{}: {why}; or apply the patch by hand", file.display()))?;
            let set = (patch.check(&args.judge.policies, &sources, file, &text))
                .map_err(|why| anyhow!(why))?;
            report.warn_of_left_behind(&patch::left_behind(&policies, &set, patch));
            Some(text)
        }
        _ => None,
    };
    report.patch = patch.map(|patch| patch.yaml(&report.head()));
    write(args, &report, changed.as_deref())
}

/// What is read before anything else, and refused where it contradicts itself.
fn target(args: &CalibrateArgs) -> anyhow::Result<Option<Labels>> {
    if args.judge.rules_only {
        bail!("--rules-only leaves no scores to calibrate: drop it");
    }
    match (args.target, &args.labels) {
        (Some(Against::Moderation), Some(_)) => {
            bail!("--target moderation and --labels: against which of the two?")
        }
        (Some(Against::Moderation), None) if !args.rows.is_empty() => {
            bail!("--target moderation reads topics, and --rows names files: drop one of them")
        }
        (_, Some(file)) => Labels::read(file).map(Some),
        (Some(Against::Moderation), None) => Ok(None),
        (_, None) if !args.rows.is_empty() => Ok(None),
        (_, None) => bail!(
            "against what? --labels FILE has what people say of the texts, which is best; --target moderation what the heavy model says"
        ),
    }
}

fn read(
    args: &CalibrateArgs,
    labels: Option<Labels>,
    policy: &Policy,
    shipped: &Shipped,
) -> anyhow::Result<Input> {
    if !args.rows.is_empty() {
        return offline::read(&args.rows, &args.held_out, labels, policy, &args.judge);
    }
    let from = topics::From {
        broker: &args.broker,
        registry: &args.registry,
        verdicts: &args.verdicts_topic,
        moderation: &args.moderation_topic,
        range: args.range.range()?,
    };
    topics::read(&from, labels, policy, &shipped.model.hash)
}

/// The file to be changed in a copy, and what it holds.
fn base(args: &CalibrateArgs) -> anyhow::Result<Option<(&Path, String)>> {
    let (Some(file), Some(out)) = (&args.apply_to, &args.out) else {
        return Ok(None);
    };
    if out.exists() {
        bail!(
            "{} is there already: name a new file, which is then reviewed",
            out.display()
        );
    }
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Some((file, text)))
}

fn write(args: &CalibrateArgs, report: &Report, changed: Option<&str>) -> anyhow::Result<ExitCode> {
    if let (Some(path), Some(patch)) = (&args.patch, &report.patch) {
        put(path, patch)?;
    }
    if let (Some(path), Some(text)) = (&args.out, changed) {
        put(path, text)?;
    }
    if let Some(path) = &args.html {
        put(path, &page::page(report))?;
    }
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, report)?;
        writeln!(out)?;
    } else {
        table::print(&mut out, report)?;
        if let (None, Some(patch)) = (&args.patch, &report.patch) {
            writeln!(out, "\n{patch}")?;
        }
        let changed = args.out.as_ref().filter(|_| changed.is_some());
        for path in args.patch.iter().chain(changed) {
            writeln!(out, "written, for review: {}", path.display())?;
        }
    }
    Ok(if report.fitted() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(3)
    })
}

fn put(path: &Path, text: &str) -> anyhow::Result<()> {
    std::fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// A share that can be aimed at.
fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text
        .parse()
        .map_err(|_| format!("\"{text}\" is no number"))?;
    if rate > 0.0 && rate < 1.0 {
        Ok(rate)
    } else {
        Err(format!("{rate} is not between 0 and 1, as in 0.003"))
    }
}

fn named_target(text: &str) -> Result<(Category, Target), String> {
    let wrong = || {
        format!("\"{text}\" is not CATEGORY=fpr:RATE or CATEGORY=recall:RATE, as in hate=fpr:0.001")
    };
    let (category, target) = text.split_once('=').ok_or_else(wrong)?;
    let category = category
        .parse::<Category>()
        .map_err(|error| error.to_string())?;
    let target = match target.split_once(':').ok_or_else(wrong)? {
        ("fpr", value) => Target::FalsePositiveRate(rate(value)?),
        ("recall", value) => Target::Recall(rate(value)?),
        _ => return Err(wrong()),
    };
    Ok((category, target))
}

fn tier(text: &str) -> Result<Action, String> {
    Action::ALL
        .into_iter()
        .find(|action| action.as_str() == text && *action > Action::Allow)
        .ok_or_else(|| "expected warn, attenuate or block".to_owned())
}
