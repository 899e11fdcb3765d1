//! `weir bench replay`: what replaying costs, a prompt, on one core; and that memory does not grow with the log.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use weir_bus::{BusConfig, InRecord, Linger, OutRecord, Publisher};
use weir_gate::{Clock, Judges};
use weir_registry::Ids;
use weir_types::{FingerprintKey, Micros};
use weir_wire::{Prompt, Role, Segment};

use super::cluster::{Cluster, ClusterArgs, options, spinner};
use super::detect;
use super::process::{Subject, cpu_seconds, peak_rss_mib};
use super::report::{self, Machine};
use super::texts::{TEXT_BYTES, texts};
use crate::replay::joined::Joined;
use crate::replay::part::{Arm, Progress, Setup};
use crate::replay::plan::{self, Names, Only, Range};
use crate::replay::prompts::Prompts;
use crate::replay::run::{PIECE, Run};
use crate::replay::tally::Tally;

const RULES: usize = 1_000;
/// The policy that is shipped: with it personal data is masked, blocked or passed as it is live.
const POLICY: &str = include_str!("../../../../policies/default.yaml");

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

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Once {
    /// In memory, rows counted.
    Counted,
    /// In memory, rows made into lines of JSON.
    Written,
    /// From Kafka, rows counted.
    Kafka,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Measured {
    records: u64,
    cpu_s: f64,
    wall_s: f64,
    peak_rss_mib: f64,
}

impl Measured {
    fn per_s_per_core(&self) -> f64 {
        self.records as f64 / self.cpu_s
    }
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

fn measure(args: &ReplayBenchArgs, once: Once, policy: &Path) -> anyhow::Result<Measured> {
    let judges = Judges::load(policy, None, FingerprintKey::new(b"bench"), usize::MAX)?;
    let setup = Setup {
        arms: vec![Arm {
            policies: policy.to_owned(),
            judges,
            model_folder: None,
            model: None,
        }],
        verify: false,
        with_text: false,
        fingerprints: false,
    };
    weir_wire::prepare();
    let log = frames()?;
    let (began, cpu) = (Instant::now(), cpu_seconds("self")?);
    let records = match (once, &args.topic) {
        (Once::Kafka, Some(topic)) => from_kafka(args, &setup, topic)?,
        (Once::Kafka, None) => bail!("no topic"),
        (Once::Counted | Once::Written, _) => {
            in_memory(&setup, &log, args.records, once == Once::Written)?
        }
    };
    Ok(Measured {
        records,
        cpu_s: cpu_seconds("self")? - cpu,
        wall_s: began.elapsed().as_secs_f64(),
        peak_rss_mib: peak_rss_mib()?,
    })
}

/// Replays so many records, made of the frames in turn.
fn in_memory(
    setup: &Setup,
    frames: &[(String, Vec<u8>)],
    count: u64,
    written: bool,
) -> anyhow::Result<u64> {
    let judge = setup.arms[0]
        .judges
        .judge_with(None, Clock::standing(Micros::ZERO));
    let mut prompts = Prompts {
        setup,
        judges: vec![judge],
        recorded: None,
        topic: "bench".into(),
        ids: Ids::compiled_in(),
        progress: Progress::default(),
    };
    let (mut tally, joined) = (Tally::default(), Joined::default());
    let mut line = Vec::new();
    // A piece is made once, and only moved on: making records is not what is measured.
    let mut piece: Vec<InRecord> = Vec::with_capacity(PIECE);
    let whole = frames.iter().cycle().take(PIECE);
    piece.extend(whole.map(|(id, frame)| InRecord {
        key: Some(id.clone().into_bytes()),
        payload: Some(frame.clone()),
        ..InRecord::default()
    }));
    let mut offset = 0;
    while offset < count {
        let here = usize::try_from(count - offset).map_or(PIECE, |left| left.min(PIECE));
        for record in &mut piece[..here] {
            record.offset = i64::try_from(offset)?;
            record.timestamp_ms = record.offset;
            offset += 1;
        }
        prompts.take(&piece[..here], &mut |row| {
            if written {
                line.clear();
                serde_json::to_writer(&mut line, &row)?;
                std::hint::black_box(&line);
            } else {
                tally.take(&row, &joined);
            }
            Ok(())
        })?;
    }
    std::hint::black_box(&tally);
    Ok(prompts.progress.account.judged)
}

fn from_kafka(args: &ReplayBenchArgs, setup: &Setup, topic: &str) -> anyhow::Result<u64> {
    let cluster = Cluster::find(&args.cluster)?;
    let range = Range {
        only: Some(Only::Prompts),
        ..Range::default()
    };
    let names = Names {
        prompts: topic.to_owned(),
        chunks: String::new(),
        verdicts: None,
    };
    let parts = plan::resolve(&cluster.bus, &range, &names)?;
    let run = Run {
        bus: &cluster.bus,
        setup,
        parts: &parts,
        verdicts_topic: "",
        ids: Ids::compiled_in(),
        store: None,
        joined: &Joined::default(),
        bar: &ProgressBar::hidden(),
        piece: PIECE,
    };
    let done = run.all(1)?;
    Ok(done.iter().map(|part| part.progress.account.judged).sum())
}

fn produce(bus: &BusConfig, topic: &str, count: u64) -> anyhow::Result<()> {
    let frames = frames()?;
    let mut publisher: Publisher<()> = Publisher::new(bus, Linger::Always)?;
    let mut acknowledged = Vec::new();
    for (_, (id, frame)) in (0..count).zip(frames.iter().cycle()) {
        publisher.send(
            &OutRecord {
                topic,
                partition: None,
                key: Some(id.as_bytes()),
                payload: frame,
                header: None,
            },
            (),
        )?;
        acknowledged.clear();
        publisher.poll(&mut acknowledged, |()| true)?;
    }
    while publisher.in_flight() > 0 {
        publisher.poll(&mut Vec::new(), |()| true)?;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Ok(())
}

/// Request ids and frames of the texts, a thousand or so.
fn frames() -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let texts = texts()?;
    let numbered = (0..1_000).zip(texts.iter().cycle());
    numbered
        .map(|(number, text)| {
            let id = format!("bench-{number:026}");
            let prompt = Prompt {
                segments: vec![Segment {
                    role: Role::User,
                    name: None,
                    text: text.clone(),
                }],
                ..Prompt::new(&id, "acme", "worker-1")
            };
            let mut frame = Vec::new();
            weir_wire::encode(&prompt, &mut frame)?;
            Ok((id, frame))
        })
        .collect()
}

/// The shipped policy over made-up rules.
fn write_policies(folder: &Path) -> anyhow::Result<()> {
    let mut rules = String::from("rules:\n");
    for rule in detect::rules(RULES) {
        // Writing to a string does not fail. The literals are small letters and spaces.
        let _ = writeln!(
            rules,
            "  - {{id: {}, category: {}, severity: medium, score: 0.5, action: warn, literals: [{}]}}",
            rule.id,
            rule.category,
            rule.literals.join(", ")
        );
    }
    let under = folder.join("rules");
    std::fs::create_dir_all(&under)
        .with_context(|| format!("{} cannot be made", under.display()))?;
    std::fs::write(under.join("bench.yaml"), rules)?;
    std::fs::write(folder.join("default.yaml"), POLICY)?;
    Ok(())
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
