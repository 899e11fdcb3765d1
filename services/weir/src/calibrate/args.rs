//! Arguments of `weir calibrate`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use weir_stats::Target;
use weir_types::{Action, Category};

use crate::args::{BrokerArgs, JudgeArgs};
use crate::range::RangeArgs;
use crate::registry::RegistryArgs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir calibrate --brokers localhost:9092 --since 24h --labels labels.jsonl --target-fpr 0.003
  weir calibrate --brokers localhost:9092 --since 24h --target moderation --html calibration.html
  weir calibrate --rows labelled.jsonl --target-recall 0.5 --category hate=fpr:0.001
  weir calibrate --rows labelled.jsonl --target-fpr 0.003 --apply-to policies/default.yaml --out reviewed.yaml

Fits, by category, a slope and an intercept (Platt scaling), and for each locale a shift and a slope of its own, drawn towards the
common one by as much as chance explains the difference; weighted by 1 / inclusion probability; chooses thresholds; and writes what would change in the policy. Nothing is applied: --patch and --out write new files, for
review. A category or locale with fewer than 100 positives, 100 negatives or an effective sample size (Kish) of 100 is refused and named: the
category keeps the curve in force, the locale the category's curve. Curves and thresholds rest on one half of the rows, drawn by a
hash of the request's id, or on --rows where --held-out names others; every figure is of the other half.

Labels: {\"request_id\" or \"verdict_id\", \"categories\": [what it is; nothing else], or \"labels\": {CATEGORY: 0|1}, \"benign\":
true|false[, \"inclusion_probability\"]}, one a line. Without a probability the moderation record's counts; without that, a text stands
for itself. Rows: texts as weir eval reads them, or {\"id\", \"raw\": {CATEGORY: logit}, \"lang\", ...} as weir check --jsonl
writes them, with labels, or with --labels by id; \"weight\" or \"inclusion_probability\" if they have one.

docs/calibration.md walks through it. Exit status: 0 something is proposed; 1 failure; 2 wrong usage; 3 every category was refused.")]
pub(crate) struct CalibrateArgs {
    #[command(flatten)]
    pub(super) broker: BrokerArgs,
    #[command(flatten)]
    pub(super) registry: RegistryArgs,
    #[command(flatten)]
    pub(super) range: RangeArgs,
    /// Labels that people gave.
    #[arg(long, value_name = "FILE")]
    pub(super) labels: Option<PathBuf>,
    /// What scores are held against: labels, or what moderation made of the texts [default: labels].
    #[arg(long, value_enum, value_name = "TARGET")]
    pub(super) target: Option<Against>,
    /// Rows of files in place of topics.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["since", "from", "until"])]
    pub(super) rows: Vec<PathBuf>,
    /// Rows to report on; all of --rows is then fitted on.
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "rows")]
    pub(super) held_out: Vec<PathBuf>,
    /// Choose thresholds for at most this false positive rate, 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate, conflicts_with = "target_recall")]
    pub(super) target_fpr: Option<f64>,
    /// Choose thresholds for at least this recall, 0 to 1.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) target_recall: Option<f64>,
    /// A target for one category; may be given more than once.
    #[arg(long, value_name = "CATEGORY=fpr:RATE|recall:RATE", value_parser = named_target)]
    pub(super) category: Vec<(Category, Target)>,
    /// The tier whose threshold is chosen: warn, attenuate or block. The others move to the new scale.
    #[arg(long, value_name = "ACTION", default_value = "block", value_parser = tier)]
    pub(super) tier: Action,
    /// The tenant whose policy is calibrated; default: the default policy.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(super) tenant: String,
    /// Version of the proposed policy; default: the present one and the day.
    #[arg(long, value_name = "VERSION")]
    pub(super) policy_version: Option<String>,
    /// Write the patch here; default: to standard output, after the report.
    #[arg(long, value_name = "FILE")]
    pub(super) patch: Option<PathBuf>,
    /// The policy's file, of which --out becomes a changed copy.
    #[arg(long, value_name = "FILE", requires = "out")]
    pub(super) apply_to: Option<PathBuf>,
    /// Write a copy of --apply-to with the patch applied; must not exist.
    #[arg(long, value_name = "FILE", requires = "apply_to")]
    pub(super) out: Option<PathBuf>,
    /// Write the report, with reliability diagrams, as one HTML page.
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Write the report as JSON to standard output.
    #[arg(long)]
    pub(super) json: bool,
    /// Seed of the bootstrap.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub(super) seed: u64,
    /// Resamples of the bootstrap; 0: no such intervals.
    #[arg(long, value_name = "RESAMPLES", default_value_t = 1000)]
    pub(super) bootstrap: usize,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    pub(super) verdicts_topic: String,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    pub(super) moderation_topic: String,
    #[command(flatten)]
    pub(super) judge: JudgeArgs,
}

/// What scores are held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Against {
    /// What people say.
    Labels,
    /// Whether the policy acts on the heavy model's score.
    Moderation,
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
