//! Arguments that several commands share.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use weir_bus::BusConfig;
use weir_gate::{GateConfig, Judges, Topics};
use weir_registry::Ids;
use weir_types::FingerprintKey;

/// With more records than this waiting in a lane, prompts are judged by rules alone. At 30 µs a
/// prompt this many wait 60 ms, beyond any budget worth keeping.
const SHED_ABOVE: usize = 2000;

/// The variable whose value, when set and not empty, is the key of fingerprints.
pub(crate) const FINGERPRINT_ENV: &str = "WEIR_FINGERPRINT_KEY";

/// How to reach a cluster.
#[derive(Debug, Clone, Args)]
pub(crate) struct BrokerArgs {
    /// Brokers of the cluster.
    #[arg(
        long,
        env = "WEIR_BROKERS",
        value_name = "HOST:PORT,...",
        default_value = "127.0.0.1:9092"
    )]
    pub(crate) brokers: String,
    #[command(flatten)]
    pub(crate) options: KafkaOptions,
}

/// Options of the Kafka client.
#[derive(Debug, Clone, Args)]
pub(crate) struct KafkaOptions {
    /// File of librdkafka options, one key=value a line (TLS, SASL, anything). Environment
    /// variables `WEIR_KAFKA_*` do the same: `WEIR_KAFKA_SASL_MECHANISM` is sasl.mechanism, and
    /// `WEIR_KAFKA_SASL_PASSWORD_FILE` names a file with the password. See docs/SECURITY.md.
    #[arg(long, env = "WEIR_OPTIONS_FILE", value_name = "FILE")]
    pub(crate) kafka_options: Option<PathBuf>,
    /// The broker is the embedded one of another weir process, which does not wake on data.
    #[arg(long, hide = true)]
    pub(crate) embedded_broker: bool,
}

impl BrokerArgs {
    pub(crate) fn bus(&self) -> anyhow::Result<BusConfig> {
        self.options.bus(BusConfig::new(&self.brokers))
    }
}

impl KafkaOptions {
    pub(crate) fn bus(&self, mut bus: BusConfig) -> anyhow::Result<BusConfig> {
        if let Some(path) = &self.kafka_options {
            bus.add_options_file(path)?;
        }
        bus.add_environment(std::env::vars_os())?;
        bus.check()?;
        bus.fetch_wakes_on_data &= !self.embedded_broker;
        Ok(bus)
    }
}

/// What judges are made of.
#[derive(Debug, Clone, Args)]
pub(crate) struct JudgeArgs {
    /// Folder of policies.
    #[arg(
        long,
        env = "WEIR_POLICIES",
        value_name = "DIR",
        default_value = "policies"
    )]
    pub(crate) policies: PathBuf,
    /// Folder of the fast model.
    #[arg(
        long,
        env = "WEIR_MODEL",
        value_name = "DIR",
        default_value = "models/fast"
    )]
    pub(crate) model: PathBuf,
    /// Judge by rules alone; every verdict says so.
    #[arg(long)]
    pub(crate) rules_only: bool,
    /// With more records than this waiting in a lane, skip the classifier.
    #[arg(long, value_name = "RECORDS", default_value_t = SHED_ABOVE)]
    pub(crate) shed_above: usize,
}

impl JudgeArgs {
    pub(crate) fn model(&self) -> Option<PathBuf> {
        (!self.rules_only).then(|| self.model.clone())
    }

    pub(crate) fn judges(&self) -> anyhow::Result<Judges> {
        let key = fingerprint_key()?;
        Ok(Judges::load(
            &self.policies,
            self.model(),
            key,
            self.shed_above,
        )?)
    }
}

/// Topic names, for clusters that have others.
#[derive(Debug, Clone, Args)]
pub(crate) struct TopicArgs {
    /// Topic of prompts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.prompts.v1")]
    pub(crate) prompts_topic: String,
    /// Topic of chunks.
    #[arg(long, value_name = "TOPIC", default_value = "weir.chunks.v1")]
    pub(crate) chunks_topic: String,
    /// Topic of verdicts.
    #[arg(long, value_name = "TOPIC", default_value = "weir.verdicts.v1")]
    pub(crate) verdicts_topic: String,
    /// Topic of checkpoints of long streams.
    #[arg(long, value_name = "TOPIC", default_value = "weir.checkpoints.v1")]
    pub(crate) checkpoints_topic: String,
    /// Topic of texts for the rescorer.
    #[arg(long, value_name = "TOPIC", default_value = "weir.flagged.v1")]
    pub(crate) flagged_topic: String,
    /// Topic of dead letters.
    #[arg(long, value_name = "TOPIC", default_value = "weir.dead-letters.v1")]
    pub(crate) dead_letters_topic: String,
}

impl TopicArgs {
    pub(crate) fn topics(&self) -> Topics {
        Topics {
            prompts: self.prompts_topic.clone(),
            chunks: self.chunks_topic.clone(),
            verdicts: self.verdicts_topic.clone(),
            checkpoints: self.checkpoints_topic.clone(),
            flagged: self.flagged_topic.clone(),
            dead_letters: self.dead_letters_topic.clone(),
        }
    }
}

/// A gate's configuration from its parts.
pub(crate) fn gate_config(
    bus: BusConfig,
    group: &str,
    topics: Topics,
    judge: &JudgeArgs,
    lanes: usize,
) -> anyhow::Result<GateConfig> {
    Ok(GateConfig {
        bus,
        group: group.to_owned(),
        topics,
        schemas: Ids::compiled_in(),
        policies: judge.policies.clone(),
        model: judge.model(),
        lanes,
        shed_above: judge.shed_above,
        fingerprint_key: fingerprint_key()?,
    })
}

/// From the environment, so that fingerprints compare across gates and restarts; else drawn anew.
pub(crate) fn fingerprint_key() -> anyhow::Result<FingerprintKey> {
    if let Ok(secret) = std::env::var(FINGERPRINT_ENV)
        && !secret.is_empty()
    {
        return Ok(FingerprintKey::new(secret.as_bytes()));
    }
    tracing::info!(
        "WEIR_FINGERPRINT_KEY is not set: fingerprints will not compare across gates and restarts"
    );
    Ok(FingerprintKey::new(&random_bytes::<32>()?))
}

/// From the system's source of randomness.
pub(crate) fn random_bytes<const N: usize>() -> anyhow::Result<[u8; N]> {
    let mut bytes = [0; N];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("/dev/urandom cannot be read")?;
    Ok(bytes)
}
