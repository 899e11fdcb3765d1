//! What `weir replay` is asked for.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use weir_gate::Judges;
use weir_infer::{Classifier as _, FastModel};
use weir_registry::{Ids, Subjects};
use weir_wire::Subject;

use super::part::{Arm, Setup, TOGETHER};
use super::plan::{self, Names, Only, Range, Where};
use super::report::ArmReport;
use super::run::PIECE;
use crate::args::{BrokerArgs, fingerprint_key};
use crate::registry::RegistryArgs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir replay --since 24h --policy policies --policy candidate --out replay
  weir replay --since 24h --policy candidate            beside the recorded verdicts
  weir replay --policy policies --model models/fast --model models/next --only prompts
  weir replay --partition 0 --from 1000 --to 2000 --dry-run
  weir replay --verify --since 10m                      does it give the verdicts that were recorded?
  weir replay --since 7d --labels labels.jsonl --prevalence 0.002 --moderation

Reads prompts and chunks as they are when it starts, judges them by the gate's own code at full speed, and says who would be
newly blocked, released, warned of: by tenant, language, category and rule. It joins no consumer group, commits nothing and
writes to no topic. Time is the records' timestamps; nothing expires and nothing is shed.

--out gets results.jsonl, results.parquet, report.html and summary.json: the same bytes for the same input, however many
threads there are. A run that was interrupted goes on where it was if it is started again. No output holds a text but
with --with-text.

Exit status: 0 success; 1 failure; 2 wrong usage; 3 --verify found differences.")]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    pub(crate) broker: BrokerArgs,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
    /// Folder of policies to judge by. Twice: the second is compared with the first; once: with the recorded verdicts.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIR_POLICIES",
        default_value = "policies"
    )]
    pub(crate) policy: Vec<PathBuf>,
    /// Folder of the fast model. Twice: the second is compared with the first.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIR_MODEL",
        default_value = "models/fast"
    )]
    pub(crate) model: Vec<PathBuf>,
    /// Judge by rules alone.
    #[arg(long, conflicts_with = "model")]
    pub(crate) rules_only: bool,
    /// Begin here: an offset, so long ago (90m, 24h, 7d), or a time (2026-11-29T12:00:00Z).
    #[arg(long, value_name = "WHERE", value_parser = plan::bound)]
    pub(crate) from: Option<Where>,
    /// End before: the same.
    #[arg(long, value_name = "WHERE", value_parser = plan::bound)]
    pub(crate) to: Option<Where>,
    /// Begin so long ago, or at a time.
    #[arg(long, value_name = "TIME", value_parser = plan::moment, conflicts_with = "from")]
    pub(crate) since: Option<Where>,
    /// End so long ago, or before a time.
    #[arg(long, value_name = "TIME", value_parser = plan::moment, conflicts_with = "to")]
    pub(crate) until: Option<Where>,
    /// Only this partition; may be given several times.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) partition: Vec<i32>,
    /// Only one of the two topics.
    #[arg(long, value_enum, value_name = "TOPIC")]
    pub(crate) only: Option<Only>,
    /// Judge as the recorded verdicts say that it was judged, and compare each with them, field by field.
    #[arg(long, conflicts_with_all = ["dry_run", "alone"])]
    pub(crate) verify: bool,
    /// Do not read recorded verdicts.
    #[arg(long)]
    pub(crate) alone: bool,
    /// Say what would be read, and end.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Write rows and reports to this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Begin anew where --out holds another replay.
    #[arg(long, requires = "out")]
    pub(crate) restart: bool,
    /// Write the texts, too.
    #[arg(long, requires = "out")]
    pub(crate) with_text: bool,
    /// Labels by people, lines as weir calibrate takes them; they may name a text by its "ref" or "stream_id", too.
    #[arg(long, value_name = "FILE")]
    pub(crate) labels: Option<PathBuf>,
    /// Share of the traffic that is positive, at which precision is told.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = prevalence)]
    pub(crate) prevalence: f64,
    /// Say how far the replay agrees with the heavy model, by its moderation records.
    #[arg(long)]
    pub(crate) moderation: bool,
    /// Partitions replayed at once; default: one for each core.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub(crate) threads: Option<u16>,
    /// Note how far a partition has come after so many records.
    #[arg(long, hide = true, default_value_t = PIECE, value_parser = piece)]
    pub(crate) note_every: usize,
    /// Write JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Topic of prompts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.prompts.v1")]
    pub(crate) prompts_topic: String,
    /// Topic of chunks.
    #[arg(long, value_name = "TOPIC", default_value = "weir.chunks.v1")]
    pub(crate) chunks_topic: String,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    pub(crate) verdicts_topic: String,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    pub(crate) moderation_topic: String,
}

impl ReplayArgs {
    /// What is to be read, after a look at whether that makes sense.
    pub(crate) fn range(&self) -> Result<(Range, Names)> {
        let range = Range {
            from: self.begin().map(|it| it.bound),
            to: self.end().map(|it| it.bound),
            partitions: self.partition.clone(),
            only: self.only,
        };
        plan::check(&range)?;
        if self.arms() > 2 {
            bail!("at most two policies and two models are compared");
        }
        if self.verify && self.arms() > 1 {
            bail!("--verify takes one policy and one model: those that judged");
        }
        let names = Names {
            prompts: self.prompts_topic.clone(),
            chunks: self.chunks_topic.clone(),
            verdicts: (self.arms() == 1 && !self.alone).then(|| self.verdicts_topic.clone()),
        };
        Ok((range, names))
    }

    fn arms(&self) -> usize {
        self.policy.len().max(self.model.len())
    }

    fn begin(&self) -> Option<&Where> {
        self.from.as_ref().or(self.since.as_ref())
    }

    fn end(&self) -> Option<&Where> {
        self.to.as_ref().or(self.until.as_ref())
    }

    pub(crate) fn setup(&self) -> Result<Setup> {
        let key = fingerprint_key()?;
        let one = |all: &[PathBuf], at: usize| {
            all.get(at)
                .or_else(|| all.last())
                .cloned()
                .context("no folder")
        };
        let arms: Result<Vec<Arm>> = (0..self.arms())
            .map(|at| {
                let policies = one(&self.policy, at)?;
                let model_folder = if self.rules_only {
                    None
                } else {
                    Some(one(&self.model, at)?)
                };
                let model = match &model_folder {
                    Some(folder) => Some(FastModel::load(folder)?.describe().clone()),
                    None => None,
                };
                // Nothing waits behind a record that is replayed, so that nothing is shed.
                let judges =
                    Judges::load(&policies, model_folder.clone(), key.clone(), usize::MAX)?;
                Ok(Arm {
                    policies,
                    judges,
                    model_folder,
                    model,
                })
            })
            .collect();
        Ok(Setup {
            arms: arms?,
            verify: self.verify,
            with_text: self.with_text,
            fingerprints: std::env::var("WEIR_FINGERPRINT_KEY").is_ok_and(|key| !key.is_empty()),
        })
    }

    /// All that rows depend on but the records: what a run that goes on must agree on.
    pub(crate) fn asked(&self, setup: &Setup) -> serde_json::Value {
        // As they were given: a time ago is another one each time, and the offsets that it came to are kept.
        let bound = |bound: Option<&Where>| bound.map(|it| it.text.clone());
        let arms: Vec<_> = setup.arms.iter().map(ArmReport::of).collect();
        json!({
            "range": {
                "from": bound(self.begin()),
                "to": bound(self.end()),
                "partitions": self.partition,
                "only": self.only.map(|only| match only {
                    Only::Prompts => "prompts",
                    Only::Chunks => "chunks",
                }),
            },
            "topics": {
                "prompts": self.prompts_topic,
                "chunks": self.chunks_topic,
                "verdicts": (arms.len() == 1 && !self.alone).then_some(&self.verdicts_topic),
            },
            "judged_by": arms,
            "verify": self.verify,
            "with_text": self.with_text,
        })
    }

    pub(crate) fn ids(&self) -> Result<Ids> {
        let subjects = Subjects::default()
            .on_topic(Subject::Prompt, &self.prompts_topic)
            .on_topic(Subject::Chunk, &self.chunks_topic)
            .on_topic(Subject::Verdict, &self.verdicts_topic)
            .on_topic(Subject::Moderation, &self.moderation_topic);
        let read = [Subject::Prompt, Subject::Chunk, Subject::Verdict];
        self.registry.ids(&subjects, &[], &read, None)
    }
}

fn prevalence(text: &str) -> Result<f64, String> {
    let parsed = text.parse::<f64>().ok();
    parsed
        .filter(|share| *share > 0.0 && *share < 1.0)
        .ok_or_else(|| "expected a share above 0 and below 1, as in 0.01".to_owned())
}

fn piece(text: &str) -> Result<usize, String> {
    let parsed = text.parse::<usize>().ok();
    parsed
        .filter(|records| *records > 0 && records.is_multiple_of(TOGETHER))
        .ok_or_else(|| format!("expected a multiple of {TOGETHER}"))
}
