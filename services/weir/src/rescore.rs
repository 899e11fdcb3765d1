//! `weir rescore`: the second look, until it is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use weir_gate::Topics;
use weir_infer::Classifier as _;
use weir_registry::Ids;
use weir_rescore::{Delivery, Influences, RescoreConfig, RescoreTopics, Rescorer};
use weir_telemetry::{BuildInfo, Health, Registry, RescoreMetrics, spawn_admin_thread};
use weir_types::hex;
use weir_wire::Subject;

use crate::args::{BrokerArgs, fingerprint_key, random_bytes};
use crate::registry::RegistryArgs;
use crate::run::wait_for_stop;
use crate::schemas::subjects;
use crate::stage::HeavyArgs;

/// A worker that has not turned for this long counts as dead: a batch takes seconds, and reading back what was
/// written a day long may take a minute.
pub(crate) const STALE_AFTER: Duration = Duration::from_secs(120);

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir rescore --brokers localhost:9092
  weir rescore --brokers localhost:9092 --at-least-once    a broker without transactions
  weir tail moderation --brokers localhost:9092            what comes of it, in another terminal

Needs the heavy model (--heavy-model) and what scripts/e5 fetches (--e5). Set WEIR_FINGERPRINT_KEY to the gates', so that
equal texts have equal fingerprints after a restart. Stops on SIGTERM or SIGINT.")]
pub(crate) struct RescoreArgs {
    #[command(flatten)]
    broker: BrokerArgs,
    #[command(flatten)]
    registry: RegistryArgs,
    /// Consumer group; rescorers of one group share the partitions.
    #[arg(long, default_value = "weir-rescore")]
    group: String,
    /// Transactional id, which no other process may have; default: drawn anew, beginning with the group's name.
    #[arg(long, value_name = "ID")]
    transactional_id: Option<String>,
    /// Write without transactions: a crash repeats moderation records.
    #[arg(long, conflicts_with = "transactional_id")]
    at_least_once: bool,
    /// With more records than this waiting, part of the sample is shed; four times as many, of the uncertain too.
    #[arg(long, value_name = "RECORDS", default_value_t = 10_000)]
    thin_above: i64,
    /// Of which texts to work out what moved their score. That costs some ten times a look.
    #[arg(long, value_enum, default_value_t = Explain::Top)]
    influences: Explain,
    /// Where to serve /metrics, /live and /ready; port 0 picks a free one.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9465")]
    admin: SocketAddr,
    /// Folder of policies.
    #[arg(
        long,
        env = "WEIR_POLICIES",
        value_name = "DIR",
        default_value = "policies"
    )]
    policies: PathBuf,
    #[command(flatten)]
    heavy: HeavyArgs,
    /// Topic of texts to look at again.
    #[arg(long, value_name = "TOPIC", default_value = "weir.flagged.v1")]
    flagged_topic: String,
    /// Topic of what comes of it.
    #[arg(long, value_name = "TOPIC", default_value = "weir.moderation.v1")]
    moderation_topic: String,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    verdicts_topic: String,
    /// Topic of dead letters.
    #[arg(long, value_name = "TOPIC", default_value = "weir.dead-letters.v1")]
    dead_letters_topic: String,
}

/// Of which texts to say what moved their score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Explain {
    /// None.
    Never,
    /// Queue `critical`, and verdicts that are tightened.
    Top,
    /// All.
    Always,
}

impl From<Explain> for Influences {
    fn from(explain: Explain) -> Self {
        match explain {
            Explain::Never => Self::Never,
            Explain::Top => Self::Top,
            Explain::Always => Self::Always,
        }
    }
}

pub(crate) fn run(args: &RescoreArgs) -> anyhow::Result<ExitCode> {
    let model = args.heavy.load()?;
    let name = model.describe().name.clone();
    let delivery = if args.at_least_once {
        Delivery::AtLeastOnce
    } else {
        let drawn = || Ok::<_, anyhow::Error>(hex(&random_bytes::<8>()?));
        let transactional_id = match &args.transactional_id {
            Some(id) => id.clone(),
            None => format!("{}-{}", args.group, drawn()?),
        };
        Delivery::ExactlyOnce { transactional_id }
    };
    let mut config = RescoreConfig {
        bus: args.broker.bus()?,
        group: args.group.clone(),
        topics: RescoreTopics {
            flagged: args.flagged_topic.clone(),
            moderation: args.moderation_topic.clone(),
            dead_letters: args.dead_letters_topic.clone(),
            verdicts: args.verdicts_topic.clone(),
        },
        schemas: Ids::compiled_in(),
        policies: args.policies.clone(),
        fingerprint_key: fingerprint_key()?,
        delivery,
        thin_above: args.thin_above,
        influences: args.influences.into(),
    };
    let registry = Registry::new();
    let build = BuildInfo {
        version: env!("CARGO_PKG_VERSION"),
        commit: env!("WEIR_COMMIT"),
    };
    let metrics = RescoreMetrics::register_alone(&registry, build)?;
    let health = Health::new(STALE_AFTER);
    let admin = spawn_admin_thread(args.admin, registry, health.clone())?;
    let topics = Topics {
        flagged: args.flagged_topic.clone(),
        verdicts: args.verdicts_topic.clone(),
        dead_letters: args.dead_letters_topic.clone(),
        ..Topics::default()
    };
    config.schemas = args.registry.ids(
        &subjects(&topics, &args.moderation_topic),
        &[Subject::Moderation, Subject::Verdict, Subject::DeadLetter],
        &[Subject::Flagged],
        Some(&health),
    )?;
    let rescorer = Rescorer::start(config, Box::new(model), &metrics, &health)?;
    let once = if args.at_least_once {
        "at least once"
    } else {
        "exactly once"
    };
    let banner = format!(
        "broker      {}
model       {name}
flagged     {}
moderation  {} ({once})
admin       http://{} (/metrics /live /ready)
stop        Ctrl-C
",
        args.broker.brokers,
        args.flagged_topic,
        args.moderation_topic,
        admin.addr()
    );
    // A rescorer whose standard output was closed still has work to do.
    if let Err(error) = std::io::stdout().write_all(banner.as_bytes()) {
        tracing::info!(%error, "standard output is closed");
    }
    wait_for_stop()?;
    rescorer.drain();
    admin.stop()?;
    Ok(ExitCode::SUCCESS)
}
