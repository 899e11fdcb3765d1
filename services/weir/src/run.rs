//! `weir up` and `weir gate`: what runs until it is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use weir_bus::{BusConfig, EmbeddedBroker};
use weir_gate::{Gate, GateConfig, Topics};
use weir_rescore::RescoreTopics;
use weir_telemetry::{AdminHandle, BuildInfo, GateMetrics, Health, Registry, spawn_admin_thread};
use weir_wire::Subject;

use crate::args::{BrokerArgs, JudgeArgs, KafkaOptions, TopicArgs, gate_config};
use crate::registry::RegistryArgs;
use crate::schemas::{serve_compiled_in, subjects};

/// A lane that has not turned for this long counts as dead.
const LANE_STALE_AFTER: Duration = Duration::from_secs(10);
/// Partitions of the embedded broker's topics; the declared number.
const EMBEDDED_PARTITIONS: i32 = 4;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir up
  weir up --brokers localhost:9092     Apache Kafka in place of the embedded broker
  weir send --brokers ADDRESS --wait \"Hello\"   in another terminal, with the address printed")]
pub(crate) struct UpArgs {
    /// Use this cluster in place of a broker in this process.
    #[arg(long, env = "WEIR_BROKERS", value_name = "HOST:PORT,...")]
    brokers: Option<String>,
    /// Where to serve the schemas of the records, as a schema registry would; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    schemas: SocketAddr,
    #[command(flatten)]
    options: KafkaOptions,
    #[command(flatten)]
    gate: GateOptions,
}

#[derive(Debug, Args)]
#[command(after_help = "Example:
  weir gate --brokers localhost:9092 --admin 127.0.0.1:9464

Stops on SIGTERM or SIGINT: what has been taken up is answered and committed first.")]
pub(crate) struct GateArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    gate: GateOptions,
}

#[derive(Debug, Args)]
struct GateOptions {
    /// Consumer group; gates of one group share the partitions.
    #[arg(long, default_value = "weir-gate")]
    group: String,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Lanes in this process: group members, each with its own threads and model session.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=64))]
    lanes: u8,
    /// Where to serve /metrics, /live and /ready; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9464")]
    admin: SocketAddr,
    #[command(flatten)]
    judge: JudgeArgs,
    #[command(flatten)]
    topics: TopicArgs,
}

/// A gate with its admin endpoints.
pub(crate) struct RunningGate {
    gate: Gate,
    pub(crate) admin: AdminHandle,
    pub(crate) health: Health,
}

impl RunningGate {
    pub(crate) fn start(
        mut config: GateConfig,
        registry_args: &RegistryArgs,
        admin: SocketAddr,
    ) -> anyhow::Result<Self> {
        let registry = Registry::new();
        let build = BuildInfo {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("WEIR_COMMIT"),
        };
        let metrics = GateMetrics::register(&registry, build)?;
        let health = Health::new(LANE_STALE_AFTER);
        let admin = spawn_admin_thread(admin, registry, health.clone())?;
        config.schemas = registry_args.ids(
            &subjects(&config.topics, &RescoreTopics::default().moderation),
            &[
                Subject::Verdict,
                Subject::Flagged,
                Subject::DeadLetter,
                Subject::Checkpoint,
            ],
            &[Subject::Prompt, Subject::Chunk],
            Some(&health),
        )?;
        let gate = Gate::start(&config, &metrics, &health)?;
        Ok(Self {
            gate,
            admin,
            health,
        })
    }

    pub(crate) fn drain(self) -> anyhow::Result<()> {
        self.gate.drain();
        Ok(self.admin.stop()?)
    }
}

pub(crate) fn up(args: &UpArgs) -> anyhow::Result<ExitCode> {
    let topics = args.gate.topics.topics();
    let Some(brokers) = &args.brokers else {
        let broker = embedded_broker(&topics)?;
        let bus = args.options.bus(broker.config())?;
        serve(
            bus,
            &args.gate,
            Some("in memory, for a first try: at most 5 MiB a partition, nothing is kept"),
            Some(args.schemas),
        )?;
        return Ok(ExitCode::SUCCESS);
    };
    let bus = args.options.bus(BusConfig::new(brokers))?;
    serve(bus, &args.gate, None, Some(args.schemas))?;
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn gate(args: &GateArgs) -> anyhow::Result<ExitCode> {
    serve(args.broker.bus()?, &args.gate, None, None)?;
    Ok(ExitCode::SUCCESS)
}

/// A broker in this process with the topics that a gate needs.
pub(crate) fn embedded_broker(topics: &Topics) -> anyhow::Result<EmbeddedBroker> {
    // And what a rescorer writes, if one comes along.
    let moderation = RescoreTopics::default().moderation;
    let names = topics.all().into_iter().chain([moderation.as_str()]);
    Ok(EmbeddedBroker::start(
        names.map(|name| (name, EMBEDDED_PARTITIONS)),
    )?)
}

fn serve(
    bus: BusConfig,
    options: &GateOptions,
    note: Option<&str>,
    schemas: Option<SocketAddr>,
) -> anyhow::Result<()> {
    let brokers = bus.brokers.clone();
    let topics = options.topics.topics();
    let lanes = usize::from(options.lanes);
    let config = gate_config(bus, &options.group, topics.clone(), &options.judge, lanes)?;
    let running = RunningGate::start(config, &options.registry, options.admin)?;
    // What is read and written is there already where a registry is named.
    let schemas = schemas
        .filter(|_| options.registry.registry.is_none())
        .map(serve_compiled_in)
        .transpose()?
        .map_or_else(String::new, |address| {
            format!("schemas   http://{address} (a schema registry, to read only)\n")
        });
    let note = note.map_or_else(String::new, |note| format!(" ({note})"));
    let banner = format!(
        "broker    {brokers}{note}
prompts   {}
chunks    {}
verdicts  {}
{schemas}admin     http://{} (/metrics /live /ready)
try       weir send --brokers {brokers} --wait \"Hello\"
stop      Ctrl-C
",
        topics.prompts,
        topics.chunks,
        topics.verdicts,
        running.admin.addr()
    );
    // A gate whose standard output was closed still has prompts to judge.
    if let Err(error) = std::io::stdout().write_all(banner.as_bytes()) {
        tracing::info!(%error, "standard output is closed");
    }
    wait_for_stop()?;
    tracing::info!("draining");
    running.drain()
}

/// Waits for SIGTERM or SIGINT.
pub(crate) fn wait_for_stop() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        Ok(())
    })
}
