//! `weir bench prompt`.

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use indicatif::ProgressBar;
use weir_wire::{Prompt, Role, Segment};

use super::cluster::{Cluster, ClusterArgs, GateTopics, GateUnderTest, options, spinner};
use super::echo::Sending;
use super::load::{self, Load, Outcome};
use super::process::{Subject, get, metric_sum};
use super::quantiles::Latencies;
use super::report::{self, Quantiles, Report, SustainStep};
use super::texts::{TEXT_BYTES, texts};
use crate::args::JudgeArgs;

/// What holds a rate: the published bound.
const SUSTAINED_P95_MS: f64 = 25.0;
/// What holds a rate: the published bound.
const SUSTAINED_P99_MS: f64 = 60.0;
/// The search ends when the bounds are this close together.
const SEARCH_PRECISION: f64 = 0.05;
/// The search gives up above this rate.
const SEARCH_CEILING: u32 = 40_000;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir bench prompt                                  on the embedded broker, for a first look
  weir bench prompt --json --brokers localhost:9092  for figures to publish
  weir bench prompt --sustain --brokers localhost:9092

The echo and the gate run as processes of their own. Latency is counted from the moment at which
a record was due.")]
pub(crate) struct PromptArgs {
    /// Prompts a second.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    rate: u32,
    /// Seconds measured, for each program under test and round.
    #[arg(long, value_name = "S", default_value_t = 5)]
    seconds: u64,
    /// Seconds before that which are not counted.
    #[arg(long, value_name = "S", default_value_t = 2)]
    warm_up: u64,
    /// Rounds of echo and gate in turn, whose samples are pooled: what disturbs the machine for a
    /// while then disturbs both.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Search the highest rate that holds P95 <= 25 ms and P99 <= 60 ms.
    #[arg(long)]
    sustain: bool,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    judge: JudgeArgs,
}

pub(crate) fn run(args: &PromptArgs) -> anyhow::Result<ExitCode> {
    let bench = Bench::prepare(args)?;
    let report = bench.measure()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report::print(&mut out, &report)?;
    }
    Ok(if report.missing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Bench<'a> {
    args: &'a PromptArgs,
    cluster: Cluster,
    texts: Vec<Vec<u8>>,
}

/// What one program under test did, in one round or several.
#[derive(Debug, Default)]
struct Trial {
    latencies: Latencies,
    missing: usize,
    repeated: usize,
    /// Processor time while records were counted, and how many were due then.
    cpu_seconds: f64,
    records: f64,
    /// The gate's own count over its whole life, warm-up included.
    classifier_seconds: f64,
    judged: f64,
    unjudged: f64,
    rss_mib: f64,
}

/// A gate's own metrics at the end of a trial.
#[derive(Debug, Default, Clone, Copy)]
struct Figures {
    classifier_seconds: f64,
    judged: f64,
    unjudged: f64,
}

impl Trial {
    fn pool(&mut self, other: Self) {
        self.latencies.append(other.latencies);
        self.missing += other.missing;
        self.repeated += other.repeated;
        self.cpu_seconds += other.cpu_seconds;
        self.records += other.records;
        self.classifier_seconds += other.classifier_seconds;
        self.judged += other.judged;
        self.unjudged += other.unjudged;
        self.rss_mib = self.rss_mib.max(other.rss_mib);
    }

    fn cpu_us_per_record(&self) -> f64 {
        self.cpu_seconds * 1e6 / self.records.max(1.0)
    }
}

impl<'a> Bench<'a> {
    fn prepare(args: &'a PromptArgs) -> anyhow::Result<Self> {
        Ok(Self {
            args,
            cluster: Cluster::find(&args.cluster)?,
            texts: texts()?,
        })
    }

    fn measure(&self) -> anyhow::Result<Report> {
        let args = self.args;
        let progress = spinner(args.json);
        let load = |sending| Load {
            rate: args.rate,
            warm_up: Duration::from_secs(args.warm_up),
            measured: Duration::from_secs(args.seconds),
            sending,
        };
        // A broker that has just started is slow until its code is compiled.
        progress.set_message("warming the broker up");
        self.echo("prime", &load(Sending::Sparse))?;
        let mut echoes =
            [Sending::Sparse, Sending::Dense].map(|sending| (sending, Trial::default()));
        let mut weir = Trial::default();
        for round in 1..=args.rounds {
            for (sending, pooled) in &mut echoes {
                let name = format!("echo-{}-{round}", sending.as_str());
                progress.set_message(format!("{name}, {}/s", args.rate));
                pooled.pool(self.echo(&name, &load(*sending))?);
            }
            let name = format!("weir-{round}");
            progress.set_message(format!("{name}, {}/s", args.rate));
            weir.pool(self.gate(&name, &load(Sending::Auto))?);
        }
        let sustained = if args.sustain {
            self.sustain(&progress)?
        } else {
            Vec::new()
        };
        progress.finish_and_clear();

        let p95 = |trial: &Trial| trial.latencies.quantiles_ms()[1];
        let (sending, echo) = echoes
            .iter()
            .min_by(|(_, a), (_, b)| p95(a).total_cmp(&p95(b)))
            .context("no echo was measured")?;
        let echo_quantiles = Quantiles::of(&echo.latencies);
        let weir_quantiles = Quantiles::of(&weir.latencies);
        let best = sustained
            .iter()
            .filter(|(step, _)| step.held)
            .max_by_key(|(step, _)| step.rate_per_s);
        Ok(Report {
            ratio_p95: weir_quantiles.p95_ms / echo_quantiles.p95_ms,
            ratio_p99: weir_quantiles.p99_ms / echo_quantiles.p99_ms,
            echo_sending: sending.as_str(),
            gate_cpu_us_per_prompt: weir.cpu_us_per_record(),
            echo_cpu_us_per_prompt: echo.cpu_us_per_record(),
            added_cpu_us_per_prompt: weir.cpu_us_per_record() - echo.cpu_us_per_record(),
            classifier_cpu_us_per_prompt: weir.classifier_seconds * 1e6 / weir.judged.max(1.0),
            rss_mib: weir.rss_mib,
            rate_per_s: args.rate,
            seconds: args.seconds,
            rounds: args.rounds,
            text_bytes: TEXT_BYTES,
            answered: weir.latencies.count(),
            missing: weir.missing,
            repeated: weir.repeated,
            unjudged: weir.unjudged,
            sustained_per_s: best.map(|(step, _)| step.rate_per_s),
            sustained: best.map(|(_, quantiles)| quantiles.clone()),
            sustained_steps: sustained.iter().map(|(step, _)| step.clone()).collect(),
            echo: echo_quantiles,
            weir: weir_quantiles,
            machine: report::machine(),
            commit: env!("WEIR_COMMIT"),
            date: report::date()?,
            broker: self.cluster.describe(),
        })
    }

    fn echo(&self, name: &str, load: &Load) -> anyhow::Result<Trial> {
        let [from, to] = self.cluster.topics(name, ["in", "out"])?;
        let mut command = self.cluster.command(&["bench", "echo"]);
        command.extend(options(&[
            ("--group", &from),
            ("--from", &from),
            ("--to", &to),
            ("--sending", load.sending.as_str()),
        ]));
        let (subject, ()) = Subject::start(&command, |line| (line == "ready").then_some(()))?;
        self.trial(&subject, load, &from, &to, || Ok(Figures::default()))
    }

    fn gate(&self, name: &str, load: &Load) -> anyhow::Result<Trial> {
        let names = ["in", "chunks", "out", "checkpoints", "flagged"];
        let [from, chunks, to, checkpoints, flagged] = self.cluster.topics(name, names)?;
        let topics = GateTopics {
            prompts: &from,
            chunks: &chunks,
            verdicts: &to,
            checkpoints: &checkpoints,
            flagged: &flagged,
        };
        let GateUnderTest { subject, admin } = self.cluster.gate(&topics, &self.args.judge)?;
        self.trial(&subject, load, &from, &to, || {
            let exposition = get(&admin, "/metrics")?;
            Ok(Figures {
                classifier_seconds: metric_sum(&exposition, "weir_classifier_cpu_seconds_total"),
                judged: metric_sum(&exposition, "weir_verdicts_total"),
                unjudged: metric_sum(&exposition, "weir_unjudged_total"),
            })
        })
    }

    /// Loads one program under test. `figures` gives its own metrics at the end.
    fn trial(
        &self,
        subject: &Subject,
        load: &Load,
        from: &str,
        to: &str,
        figures: impl Fn() -> anyhow::Result<Figures>,
    ) -> anyhow::Result<Trial> {
        let Outcome {
            latencies,
            missing,
            repeated,
            probed: (before, after),
        } = load::run(
            &self.cluster.bus,
            from,
            to,
            load,
            |index, key| self.frame(index, key),
            || subject.cpu_seconds(),
        )?;
        // The gate brings its metrics up to date once a second.
        std::thread::sleep(Duration::from_millis(1200));
        let Figures {
            classifier_seconds,
            judged,
            unjudged,
        } = figures()?;
        Ok(Trial {
            latencies,
            missing,
            repeated,
            cpu_seconds: after - before,
            records: f64::from(load.rate) * load.measured.as_secs_f64(),
            classifier_seconds,
            judged,
            unjudged,
            rss_mib: subject.rss_mib()?,
        })
    }

    /// Doubles the rate until it does not hold, then halves the gap. A rate that does not hold is
    /// tried once more: one stall of the machine in some seconds is enough to break a P99. Every
    /// try is in the report.
    fn sustain(&self, progress: &ProgressBar) -> anyhow::Result<Vec<(SustainStep, Quantiles)>> {
        let mut steps = Vec::new();
        let (mut held, mut failed) = (0, SEARCH_CEILING);
        let mut rate = self.args.rate.max(8000);
        let mut again = false;
        loop {
            progress.set_message(format!("sustained: {rate}/s"));
            let load = Load {
                rate,
                warm_up: Duration::from_secs(self.args.warm_up),
                measured: Duration::from_secs(self.args.seconds),
                sending: Sending::Auto,
            };
            let trial = self.gate(&format!("sustain-{}", steps.len()), &load)?;
            let quantiles = Quantiles::of(&trial.latencies);
            let holds = trial.missing == 0
                && trial.unjudged == 0.0
                && quantiles.p95_ms <= SUSTAINED_P95_MS
                && quantiles.p99_ms <= SUSTAINED_P99_MS;
            let step = SustainStep {
                rate_per_s: rate,
                p95_ms: quantiles.p95_ms,
                p99_ms: quantiles.p99_ms,
                missing: trial.missing,
                unjudged: trial.unjudged,
                held: holds,
            };
            steps.push((step, quantiles));
            again = !holds && !again;
            if again {
                continue;
            }
            if holds {
                held = rate;
            } else {
                failed = rate;
            }
            let gap = failed.saturating_sub(held);
            if f64::from(gap) <= f64::from(failed) * SEARCH_PRECISION || gap < 100 {
                return Ok(steps);
            }
            rate = if failed == SEARCH_CEILING && held > 0 && held * 2 < failed {
                held * 2
            } else {
                held + gap / 2
            };
        }
    }

    fn frame(&self, index: usize, request_id: &str) -> anyhow::Result<Vec<u8>> {
        let text = self.texts[index % self.texts.len()].clone();
        let prompt = Prompt {
            segments: vec![Segment {
                role: Role::User,
                name: None,
                text,
            }],
            // The queue under a too high rate is what is measured: nothing may expire in it.
            budget_us: Some(60_000_000),
            ..Prompt::new(request_id, "bench", "bench")
        };
        let mut frame = Vec::new();
        weir_wire::encode(&prompt, &mut frame)?;
        Ok(frame)
    }
}
