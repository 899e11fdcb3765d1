//! `weir bench replay`: what replaying costs, a prompt, on one core; and that memory does not grow with the log.

mod log;
mod measure;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::cluster::{Cluster, ClusterArgs, options, spinner};
use super::process::Subject;
use super::report::{self, Machine};
use super::texts::TEXT_BYTES;
use log::{RULES, produce, write_policies};
use measure::{Measured, Once, measure};

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir bench replay --json                              a generated log in memory
  weir bench replay --brokers localhost:9092 --json     and from Kafka

Prompts of about 32 tokens, 1,000 made-up rules, every built-in detector, no classifier, one thread: decoding, judging and
counting, as weir replay does without --out; then the same with rows written as lines of JSON. Rates are records a second of
processor time. Each measurement is a process of its own; memory is its peak.")]
pub(crate) struct ReplayBenchArgs {
    /// Records of the large log.
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000_000)]
    records: u64,
    /// Records of the small one.
    #[arg(long, value_name = "NUMBER", default_value_t = 100_000)]
    small: u64,
    /// Records of the log on Kafka.
    #[arg(long, value_name = "NUMBER", default_value_t = 500_000)]
    kafka_records: u64,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// Measure this once: what the others start.
    #[arg(long, hide = true, value_enum, requires = "policy")]
    once: Option<Once>,
    #[arg(long, hide = true)]
    policy: Option<PathBuf>,
    #[arg(long, hide = true)]
    topic: Option<String>,
}

#[derive(Debug, Serialize)]
struct ReplayReport {
    /// Of the large log in memory.
    rules_only_records_per_s_per_core: f64,
    /// The same with rows made into lines of JSON.
    written_records_per_s_per_core: f64,
    /// Peak memory of the large log over that of the small one.
    rss_10m_over_100k: f64,
    kafka_records_per_s_per_core: Option<f64>,
    small: Measured,
    large: Measured,
    written: Measured,
    kafka: Option<Measured>,
    rules: usize,
    text_bytes: usize,
    machine: Machine,
    commit: &'static str,
    date: String,
}

pub(crate) fn run(args: &ReplayBenchArgs) -> anyhow::Result<ExitCode> {
    if let (Some(once), Some(policy)) = (args.once, &args.policy) {
        let measured = measure(args, once, policy)?;
        let mut out = std::io::stdout().lock();
        serde_json::to_writer(&mut out, &measured)?;
        writeln!(out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let folder = std::env::temp_dir().join(format!("weir-bench-replay-{}", std::process::id()));
    write_policies(&folder)?;
    let report = all(args, &folder);
    std::fs::remove_dir_all(&folder)?;
    let report = report?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn all(args: &ReplayBenchArgs, policy: &Path) -> anyhow::Result<ReplayReport> {
    let bar = spinner(true);
    let policy = policy.display().to_string();
    let start = |once: &str, records: u64, more: &[String]| {
        bar.set_message(format!("{once}, {records} records"));
        let mut command: Vec<String> = ["bench", "replay", "--once", once]
            .map(str::to_owned)
            .into();
        let records = records.to_string();
        command.extend(options(&[("--records", &records), ("--policy", &policy)]));
        command.extend_from_slice(more);
        let read = |line: &str| serde_json::from_str::<Measured>(line).ok();
        Subject::start(&command, read).map(|(_, measured)| measured)
    };
    let small = start("counted", args.small, &[])?;
    let large = start("counted", args.records, &[])?;
    let written = start("written", args.small, &[])?;
    let kafka = if args.cluster.is_named() {
        let cluster = Cluster::find(&args.cluster)?;
        let [topic] = cluster.topics("replay", ["prompts"])?;
        bar.set_message(format!("{} records to Kafka", args.kafka_records));
        produce(&cluster.bus, &topic, args.kafka_records)?;
        let mut more = cluster.command(&[]);
        more.extend(options(&[("--topic", &topic)]));
        Some(start("kafka", args.kafka_records, &more)?)
    } else {
        None
    };
    bar.finish_and_clear();
    Ok(ReplayReport {
        rules_only_records_per_s_per_core: large.per_s_per_core(),
        written_records_per_s_per_core: written.per_s_per_core(),
        rss_10m_over_100k: large.peak_rss_mib / small.peak_rss_mib,
        kafka_records_per_s_per_core: kafka.as_ref().map(Measured::per_s_per_core),
        small,
        large,
        written,
        kafka,
        rules: RULES,
        text_bytes: TEXT_BYTES,
        machine: report::machine(),
        commit: env!("WEIR_COMMIT"),
        date: report::date()?,
    })
}

fn print(out: &mut impl std::io::Write, report: &ReplayReport) -> std::io::Result<()> {
    let line = |out: &mut dyn std::io::Write, name: &str, it: &Measured| {
        writeln!(
            out,
            "{name:<28} {:>10} records {:>10.0}/s a core {:>8.1} MiB",
            it.records,
            it.per_s_per_core(),
            it.peak_rss_mib
        )
    };
    line(out, "in memory", &report.small)?;
    line(out, "in memory", &report.large)?;
    line(out, "rows as JSON", &report.written)?;
    if let Some(kafka) = &report.kafka {
        line(out, "from Kafka", kafka)?;
    }
    writeln!(
        out,
        "memory, large over small: {:.2}",
        report.rss_10m_over_100k
    )
}
