//! `weir calibrate`: from verdicts and what is known of their texts to a patch of the policy, for review.

mod args;
mod choose;
mod edit;
mod fit;
mod impact;
mod input;
mod measure;
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
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, anyhow, bail};
use weir_infer::calibrate::Shipped;
use weir_policy::{Policy, PolicySet, Sources};
use weir_stats::{Bootstrap, Target};
use weir_types::Category;

use crate::eval::report::PolicyRef;
use crate::labels::Labels;
use crate::progress::progress_bar;
use args::Against;
pub(crate) use args::CalibrateArgs;
use input::Input;
use patch::Patch;
use propose::{Goals, Parts, Proposal};
use report::{Report, Run, Split};
use row::Terms;

/// Of intervals.
const CONFIDENCE: f64 = 0.95;

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
    report.warn_of_results();
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
