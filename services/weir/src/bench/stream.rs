//! `weir bench stream`.

mod holds;
mod memory;
mod pace;
mod report;
mod script;
mod tokens;
mod watched;
mod worker;

use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use weir_gate::Judges;

use super::cluster::{Cluster, ClusterArgs, GateTopics, GateUnderTest, spinner};
use super::echo::Sending;
use super::report as common;
use crate::args::JudgeArgs;
use pace::Pace;
use report::{Latency, Length, Report, Safety, Step, us_per_chunk};
use script::Scripts;
use watched::Tally;
use worker::Worker;

/// What holds a rate: the published bound.
const SUSTAINED_P95_MS: f64 = 50.0;
/// The search ends when the bounds are this close together.
const SEARCH_PRECISION: f64 = 0.06;
/// Tokens a second at which the search begins.
const SEARCH_FROM: u32 = 8000;
/// The search gives up above this.
const SEARCH_CEILING: u32 = 64_000;
/// One stream in so many has something planted.
const PLANTED_EVERY: u64 = 100;
/// Long streams and short ones, at so many tokens a second of each stream and for so long that the
/// long ones get to their end.
const LONG: usize = 10_000;
const SHORT: usize = 100;
const LENGTH_STREAMS: u32 = 16;
const LENGTH_SPEED: u32 = 250;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir bench stream                                  on the embedded broker, for a first look
  weir bench stream --json --brokers localhost:9092  for figures to publish: five minutes
  weir bench stream --only latency --streams 400 --brokers localhost:9092

The gate runs in a process of its own. This process is the inference worker: it writes tokens when
they are due and shows what the client library's guards let through; without a guard each token
would be shown when it is due. One stream in a hundred holds a card number, an API key or a phrase
that the policy blocks.")]
pub(crate) struct StreamArgs {
    /// Streams at a time.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    streams: u32,
    /// Tokens a second of the middling stream; speeds go from half to twice that.
    #[arg(long, value_name = "RATE", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tokens_per_second: u32,
    /// Tokens of a stream.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u16).range(10..))]
    tokens: u16,
    /// Seconds measured, in each round and at each step of the search.
    #[arg(long, value_name = "S", default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,
    /// Seconds before that which are not counted.
    #[arg(long, value_name = "S", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    warm_up: u64,
    /// Rounds of the first part, whose samples are pooled.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=20))]
    rounds: u8,
    /// Streams that are open at a time to measure the gate's memory.
    #[arg(long, value_name = "N", default_value_t = 4000, value_parser = clap::value_parser!(u32).range(100..=200_000))]
    open_streams: u32,
    /// Only these parts.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// How the worker's chunks are sent.
    #[arg(long, value_enum, default_value = "auto")]
    sending: Sending,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    judge: JudgeArgs,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Added latency and holds, at the rate that the options name.
    Latency,
    /// The highest rate of chunks with P95 <= 50 ms.
    Sustained,
    /// What an open stream takes of the gate's memory.
    Memory,
    /// What a chunk of a long stream costs, beside one of a short stream.
    Length,
}

pub(crate) fn run(args: &StreamArgs) -> anyhow::Result<ExitCode> {
    let mut bench = Bench {
        args,
        cluster: Cluster::find(&args.cluster)?,
        judges: args.judge.judges()?,
        progress: spinner(args.json),
        all: Tally::default(),
        trials: 0,
    };
    let report = bench.measure()?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        report::print(&mut out, &report)?;
    }
    let sound = report.leaked_bytes + report.safety.missing + report.safety.incomplete == 0;
    Ok(if sound {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Bench<'a> {
    args: &'a StreamArgs,
    cluster: Cluster,
    judges: Judges,
    progress: ProgressBar,
    /// What all trials come to.
    all: Tally,
    trials: u32,
}

impl Bench<'_> {
    fn measure(&mut self) -> anyhow::Result<Report> {
        let load_average_before = load_average()?;
        let part = |part| self.args.only.is_empty() || self.args.only.contains(&part);
        let [latency, sustained, memory, length] =
            [Part::Latency, Part::Sustained, Part::Memory, Part::Length].map(part);
        let latency = latency.then(|| self.latency()).transpose()?;
        let steps = sustained.then(|| self.sustain()).transpose()?;
        let memory = memory.then(|| self.memory()).transpose()?;
        let length = length.then(|| self.length()).transpose()?;
        self.progress.finish_and_clear();
        let steps = steps.unwrap_or_default();
        let held = steps.iter().filter(|step| step.held);
        Ok(Report {
            sustained_chunks_per_s: held.map(|step| step.chunks_per_s).reduce(f64::max),
            sustained_steps: steps,
            latency,
            bytes_per_stream: memory.as_ref().map(|memory| memory.bytes_per_stream),
            memory,
            cpu_per_chunk_long_over_short: length
                .as_ref()
                .map(|it| it.long_cpu_us_per_chunk / it.short_cpu_us_per_chunk),
            length,
            leaked_bytes: self.all.leaked_bytes,
            fail_mode_cuts: self.all.fail_mode_cuts,
            timeouts: self.all.timeouts,
            safety: Safety::of(&self.all),
            load_average_before,
            load_average_after: load_average()?,
            machine: common::machine(),
            commit: env!("WEIR_COMMIT"),
            date: common::date()?,
            broker: self.cluster.describe(),
        })
    }

    fn latency(&mut self) -> anyhow::Result<Latency> {
        let args = self.args;
        let pace = self.pace(args.streams);
        let scripts = self.scripts(usize::from(args.tokens))?;
        let warm_broker = Pace {
            measured: Duration::from_secs(2),
            ..pace
        };
        self.progress.set_message("warming the broker up");
        self.paced(&scripts, &warm_broker)?;
        let (mut pooled, mut cpu_seconds) = (Tally::default(), 0.0);
        let budget = self.judges.policies().for_tenant(worker::TENANT).budget;
        for round in 1..=args.rounds {
            let message = format!("round {round}: {} streams", args.streams);
            self.progress.set_message(message);
            let (tally, cpu) = self.paced(&scripts, &pace)?;
            pooled.pool(tally);
            cpu_seconds += cpu;
        }
        Ok(Latency {
            streams: args.streams,
            tokens_per_second: args.tokens_per_second,
            tokens_per_stream: usize::from(args.tokens),
            seconds: args.seconds,
            rounds: args.rounds,
            ..Latency::of(&pooled, budget, cpu_seconds)
        })
    }

    /// Doubles the tokens a second until that does not hold, then halves the gap. What does not hold is
    /// tried once more, as in `weir bench prompt`. With more load each chunk holds more tokens, so it
    /// is the chunks that were answered that count, not the tokens.
    fn sustain(&mut self) -> anyhow::Result<Vec<Step>> {
        let scripts = self.scripts(usize::from(self.args.tokens))?;
        let mut steps: Vec<Step> = Vec::new();
        let (mut held, mut failed) = (0, SEARCH_CEILING);
        let mut rate = SEARCH_FROM;
        let mut again = false;
        loop {
            let streams = (rate / self.args.tokens_per_second).max(1);
            self.progress
                .set_message(format!("sustained: {rate} tokens/s"));
            let step = self.step(&scripts, streams)?;
            let holds = step.held;
            steps.push(step);
            again = !holds && !again;
            if again {
                continue;
            }
            if holds {
                held = rate;
            } else {
                failed = rate;
            }
            let gap = failed - held;
            if f64::from(gap) <= f64::from(failed) * SEARCH_PRECISION || rate < 100 {
                return Ok(steps);
            }
            rate = if failed == SEARCH_CEILING && held * 2 < failed && held > 0 {
                held * 2
            } else {
                held + gap / 2
            };
        }
    }

    fn step(&mut self, scripts: &Scripts, streams: u32) -> anyhow::Result<Step> {
        let pace = self.pace(streams);
        let (tally, cpu) = self.paced(scripts, &pace)?;
        let chunks = common::Quantiles::of(&tally.chunk_verdict);
        let count = u32::try_from(chunks.count).map_or(f64::NAN, f64::from);
        Ok(Step {
            streams,
            tokens_per_s: pace.tokens_a_second(),
            chunks_per_s: count / pace.measured.as_secs_f64(),
            p50_ms: chunks.p50_ms,
            p95_ms: chunks.p95_ms,
            p99_ms: chunks.p99_ms,
            gate_cpu_us_per_chunk: us_per_chunk(cpu, chunks.count),
            load_lateness_p95_ms: common::Quantiles::of(&tally.lateness).p95_ms,
            missing: tally.missing,
            held: tally.missing == 0 && chunks.p95_ms <= SUSTAINED_P95_MS,
        })
    }

    fn memory(&mut self) -> anyhow::Result<memory::Memory> {
        let streams = u64::from(self.args.open_streams);
        self.progress
            .set_message(format!("memory: {streams} open streams"));
        // Nothing planted: it would be cut.
        let scripts = Scripts::make(&self.judges, memory::script_tokens(), 0)?;
        let (memory, tally) =
            self.trial(|worker, gate| memory::measure(worker, &gate.subject, &scripts, streams))?;
        self.all.pool(tally);
        Ok(memory)
    }

    fn length(&mut self) -> anyhow::Result<Length> {
        let mut of = |tokens: usize, seconds: u64| -> anyhow::Result<(usize, f64)> {
            self.progress
                .set_message(format!("length: streams of {tokens} tokens"));
            let scripts = self.scripts(tokens)?;
            let pace = Pace {
                streams: LENGTH_STREAMS,
                tokens_per_second: LENGTH_SPEED,
                warm_up: Duration::from_secs(self.args.warm_up),
                measured: Duration::from_secs(seconds),
            };
            let (tally, cpu) = self.paced(&scripts, &pace)?;
            let chunks = tally.chunk_verdict.count();
            Ok((chunks, us_per_chunk(cpu, chunks)))
        };
        // As long as the middling one of the long streams takes.
        let seconds = u64::try_from(LONG)? / u64::from(LENGTH_SPEED);
        let (short_chunks, short_cpu_us_per_chunk) = of(SHORT, seconds / 2)?;
        let (long_chunks, long_cpu_us_per_chunk) = of(LONG, seconds)?;
        Ok(Length {
            long_tokens: LONG,
            long_chunks,
            long_cpu_us_per_chunk,
            short_tokens: SHORT,
            short_chunks,
            short_cpu_us_per_chunk,
        })
    }

    fn pace(&self, streams: u32) -> Pace {
        Pace {
            streams,
            tokens_per_second: self.args.tokens_per_second,
            warm_up: Duration::from_secs(self.args.warm_up),
            measured: Duration::from_secs(self.args.seconds),
        }
    }

    fn scripts(&self, tokens: usize) -> anyhow::Result<Scripts> {
        Scripts::make(&self.judges, tokens, PLANTED_EVERY)
    }

    /// What came of streams at that pace, and the processor time that the gate took for it.
    fn paced(&mut self, scripts: &Scripts, pace: &Pace) -> anyhow::Result<(Tally, f64)> {
        let (tally, cpu_seconds) = self.trial(|worker, gate| {
            pace::run(worker, scripts, pace, || gate.subject.cpu_seconds())
        })?;
        self.all.pool(tally.clone());
        Ok((tally, cpu_seconds))
    }

    /// A gate and topics of its own for `work`.
    fn trial<T>(
        &mut self,
        work: impl FnOnce(Worker<'_>, &GateUnderTest) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        self.trials += 1;
        let name = format!("stream-{}", self.trials);
        let names = ["prompts", "chunks", "verdicts", "checkpoints", "flagged"];
        let [prompts, chunks, verdicts, checkpoints, flagged] =
            self.cluster.topics(&name, names)?;
        let topics = GateTopics {
            prompts: &prompts,
            chunks: &chunks,
            verdicts: &verdicts,
            checkpoints: &checkpoints,
            flagged: &flagged,
        };
        let gate = self.cluster.gate(&topics, &self.args.judge)?;
        let worker = Worker::connect(&self.cluster.bus, &topics, self.args.sending)?;
        work(worker, &gate)
    }
}

/// Of the last one, five and fifteen minutes.
fn load_average() -> anyhow::Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let three: Vec<&str> = text.split_ascii_whitespace().take(3).collect();
    Ok(three.join(" "))
}
