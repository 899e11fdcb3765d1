//! `weir replay`: what was read once through the lane again, under a clock of its own.

mod account;
mod compare;
mod finish;
pub(crate) mod joined;
mod page;
mod parquet;
pub(crate) mod part;
pub(crate) mod plan;
pub(crate) mod prompts;
mod recorded;
mod report;
mod row;
pub(crate) mod run;
mod store;
mod streams;
mod table;
pub(crate) mod tally;
#[cfg(test)]
mod testing;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::json;
use weir_bus::{BusConfig, LogReader};
use weir_gate::{Judges, keep_text_out_of_panics};
use weir_infer::{Classifier as _, FastModel};
use weir_registry::{Ids, Subjects};
use weir_wire::{Moderation, Subject};

use crate::args::{BrokerArgs, fingerprint_key};
use crate::progress::progress_bar;
use crate::registry::RegistryArgs;
use crate::shadow::{report as heavy, tally as heavy_tally};
use joined::Joined;
use part::{Arm, Progress, Setup, TOGETHER};
use plan::{Names, Only, PATIENCE, Range, Where};
use report::{ArmReport, Labels, Report, Totals};
use run::{PIECE, Run};
use store::Store;
use tally::Tally;

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
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Folder of policies to judge by. Twice: the second is compared with the first; once: with the recorded verdicts.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIR_POLICIES",
        default_value = "policies"
    )]
    policy: Vec<PathBuf>,
    /// Folder of the fast model. Twice: the second is compared with the first.
    #[arg(
        long,
        value_name = "DIR",
        env = "WEIR_MODEL",
        default_value = "models/fast"
    )]
    model: Vec<PathBuf>,
    /// Judge by rules alone.
    #[arg(long, conflicts_with = "model")]
    rules_only: bool,
    /// Begin here: an offset, so long ago (90m, 24h, 7d), or a time (2026-11-29T12:00:00Z).
    #[arg(long, value_name = "WHERE", value_parser = plan::bound)]
    from: Option<Where>,
    /// End before: the same.
    #[arg(long, value_name = "WHERE", value_parser = plan::bound)]
    to: Option<Where>,
    /// Begin so long ago, or at a time.
    #[arg(long, value_name = "TIME", value_parser = plan::moment, conflicts_with = "from")]
    since: Option<Where>,
    /// End so long ago, or before a time.
    #[arg(long, value_name = "TIME", value_parser = plan::moment, conflicts_with = "to")]
    until: Option<Where>,
    /// Only this partition; may be given several times.
    #[arg(long, value_name = "NUMBER")]
    partition: Vec<i32>,
    /// Only one of the two topics.
    #[arg(long, value_enum, value_name = "TOPIC")]
    only: Option<Only>,
    /// Judge as the recorded verdicts say that it was judged, and compare each with them, field by field.
    #[arg(long, conflicts_with_all = ["dry_run", "alone"])]
    verify: bool,
    /// Do not read recorded verdicts.
    #[arg(long)]
    alone: bool,
    /// Say what would be read, and end.
    #[arg(long)]
    dry_run: bool,
    /// Write rows and reports to this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Begin anew where --out holds another replay.
    #[arg(long, requires = "out")]
    restart: bool,
    /// Write the texts, too.
    #[arg(long, requires = "out")]
    with_text: bool,
    /// Labels by people, lines as weir calibrate takes them; they may name a text by its "ref" or "stream_id", too.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Share of the traffic that is positive, at which precision is told.
    #[arg(long, value_name = "SHARE", default_value_t = 0.01, value_parser = prevalence)]
    prevalence: f64,
    /// Say how far the replay agrees with the heavy model, by its moderation records.
    #[arg(long)]
    moderation: bool,
    /// Partitions replayed at once; default: one for each core.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    /// Note how far a partition has come after so many records.
    #[arg(long, hide = true, default_value_t = PIECE, value_parser = piece)]
    note_every: usize,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// Topic of prompts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.prompts.v1")]
    prompts_topic: String,
    /// Topic of chunks.
    #[arg(long, value_name = "TOPIC", default_value = "weir.chunks.v1")]
    chunks_topic: String,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    verdicts_topic: String,
    /// Topic of what the second look makes of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
}

pub(crate) fn run(args: &ReplayArgs) -> Result<ExitCode> {
    keep_text_out_of_panics();
    let bus = args.broker.bus()?;
    let range = Range {
        from: args.begin().map(|it| it.bound),
        to: args.end().map(|it| it.bound),
        partitions: args.partition.clone(),
        only: args.only,
    };
    plan::check(&range)?;
    let arms = args.policy.len().max(args.model.len());
    if arms > 2 {
        bail!("at most two policies and two models are compared");
    }
    if args.verify && arms > 1 {
        bail!("--verify takes one policy and one model: those that judged");
    }
    let names = Names {
        prompts: args.prompts_topic.clone(),
        chunks: args.chunks_topic.clone(),
        verdicts: (arms == 1 && !args.alone).then(|| args.verdicts_topic.clone()),
    };
    let resolve = || plan::resolve(&bus, &range, &names);
    if args.dry_run {
        let parts = resolve()?;
        let mut out = std::io::stdout().lock();
        if args.json {
            serde_json::to_writer_pretty(&mut out, &parts)?;
            writeln!(out)?;
        } else {
            table::dry_run(&mut out, &parts)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let setup = args.setup()?;
    let report = args.replay(&bus, &setup, resolve)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        table::print(&mut out, &report)?;
    }
    let differs = |it: &compare::Comparison| !it.holds();
    Ok(match &report.verification {
        Some(found) if found.compared == 0 => bail!("no recorded verdict could be compared"),
        Some(found) if differs(found) => ExitCode::from(3),
        _ => ExitCode::SUCCESS,
    })
}

impl ReplayArgs {
    fn begin(&self) -> Option<&Where> {
        self.from.as_ref().or(self.since.as_ref())
    }

    fn end(&self) -> Option<&Where> {
        self.to.as_ref().or(self.until.as_ref())
    }

    fn setup(&self) -> Result<Setup> {
        let arms = self.policy.len().max(self.model.len());
        let key = fingerprint_key()?;
        let one = |all: &[PathBuf], at: usize| {
            all.get(at)
                .or_else(|| all.last())
                .cloned()
                .context("no folder")
        };
        let arms: Result<Vec<Arm>> = (0..arms)
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

    fn replay(
        &self,
        bus: &BusConfig,
        setup: &Setup,
        resolve: impl Fn() -> Result<Vec<plan::Part>>,
    ) -> Result<Report> {
        let asked = self.asked(setup);
        let joined = self.joined(bus, setup)?;
        let mut store = match &self.out {
            Some(folder) => Some(Store::open(folder, &asked, self.restart, &resolve)?),
            None => None,
        };
        if store.as_ref().is_some_and(|store| store.resumed) {
            let _ = writeln!(std::io::stderr(), "going on with what was interrupted");
        }
        let parts = match &store {
            Some(store) => store.plan.parts.clone(),
            None => resolve()?,
        };
        let bar = progress_bar(plan::offsets(&parts)?, "records");
        let run = Run {
            bus,
            setup,
            parts: &parts,
            verdicts_topic: &self.verdicts_topic,
            ids: self.ids()?,
            store: store.as_ref(),
            joined: &joined,
            bar: &bar,
            piece: self.note_every,
        };
        let cores = || std::thread::available_parallelism().map_or(1, usize::from);
        let done = run.all(self.threads.map_or_else(cores, usize::from))?;
        bar.finish_and_clear();
        let mut tally = Tally::default();
        let mut progress = Vec::with_capacity(done.len());
        for part in done {
            tally.merge(part.tally);
            progress.push(part.progress);
        }
        if let Some(store) = &store {
            tally = finish::rows(store, &joined, self.with_text)?;
        }
        let report = self.report(asked, setup, &progress, tally)?;
        if let Some(store) = &mut store {
            serde_json::to_writer_pretty(store.create("summary.json")?, &report)?;
            store
                .create("report.html")?
                .write_all(page::page(&report).as_bytes())?;
            store.finish()?;
        }
        Ok(report)
    }

    /// All that rows depend on but the records: what a run that goes on must agree on.
    fn asked(&self, setup: &Setup) -> serde_json::Value {
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

    fn ids(&self) -> Result<Ids> {
        let subjects = Subjects::default()
            .on_topic(Subject::Prompt, &self.prompts_topic)
            .on_topic(Subject::Chunk, &self.chunks_topic)
            .on_topic(Subject::Verdict, &self.verdicts_topic)
            .on_topic(Subject::Moderation, &self.moderation_topic);
        let read = [Subject::Prompt, Subject::Chunk, Subject::Verdict];
        self.registry.ids(&subjects, &[], &read, None)
    }

    fn joined(&self, bus: &BusConfig, setup: &Setup) -> Result<Joined> {
        let mut joined = Joined::default();
        if let Some(labels) = &self.labels {
            joined.with_labels(labels)?;
        }
        if self.moderation {
            let mut ids = self.ids()?;
            let reader = LogReader::new(&bus.read_committed(), &self.moderation_topic)?;
            let mut records = Vec::new();
            for extent in reader.extents(None, None, None, PATIENCE)? {
                let mut follow = reader.follow(extent.stretch)?;
                loop {
                    let read = follow.next(10_000, PATIENCE)?;
                    if read.is_empty() {
                        break;
                    }
                    for record in read {
                        let payload = record.payload.as_deref();
                        ids.wait_long(payload)?;
                        let payload = payload.unwrap_or_default();
                        records.extend(weir_wire::decode_with::<Moderation>(&ids, payload).ok());
                    }
                }
            }
            let judges = setup.arms.last().context("no policy")?.judges.clone();
            joined.with_moderation(records, judges);
        }
        Ok(joined)
    }

    fn report(
        &self,
        asked: serde_json::Value,
        setup: &Setup,
        progress: &[Progress],
        tally: Tally,
    ) -> Result<Report> {
        let parts: Vec<_> = progress.iter().map(|it| it.account.clone()).collect();
        let (verdicts, comparison) = report::verdicts(progress);
        let labels = match &self.labels {
            Some(_) => Some(Labels {
                rows: tally.labelled.len(),
                prevalence: self.prevalence,
                categories: joined::figures(&tally.labelled, self.prevalence)?,
            }),
            None => None,
        };
        let heavy = self.moderation.then(|| {
            let mut counted = heavy_tally::Tally::new(None);
            for record in &tally.moderated {
                counted.take(record);
            }
            let asked = heavy::Asked {
                topic: self.moderation_topic.clone(),
                since_seconds: None,
                tenant: None,
            };
            heavy::Report::of(counted, asked)
        });
        Ok(Report {
            commit: env!("WEIR_COMMIT"),
            asked,
            before: match (setup.arms.len(), self.alone) {
                (2, _) => "policy",
                (_, false) => "verdicts",
                (_, true) => "nothing",
            },
            arms: setup.arms.iter().map(ArmReport::of).collect(),
            records: Totals::of(&parts),
            parts,
            verdicts,
            rows: tally,
            verification: setup.verify.then_some(comparison),
            fingerprints: setup.fingerprints,
            labels,
            heavy,
        })
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
