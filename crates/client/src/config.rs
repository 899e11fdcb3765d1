use std::time::Duration;

use weir_bus::BusConfig;
use weir_types::{Disposition, FailMode, OnExpiry, StreamContract};

/// How a worker reaches its Weir, and what it does without one.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The cluster.
    pub bus: BusConfig,
    /// Where prompts go.
    pub prompts_topic: String,
    /// Where chunks go.
    pub chunks_topic: String,
    /// Where verdicts come from.
    pub verdicts_topic: String,
    /// Schema registry, its Confluent interface, `http://[user:password@]host:port`: only its ids are written and read.
    /// `None`: the compiled-in ones. What the gates use, this must.
    pub registry: Option<String>,
    /// Partitions that this worker reads verdicts from, `1..`. More spread its load better, and make
    /// it read more verdicts of other workers.
    pub partitions: usize,
    /// What holds while no verdict on the prompt has brought the policy's contract: `budget_us` is
    /// the time for that verdict, and the fail mode decides if it does not come.
    pub fallback: StreamContract,
    /// Time-outs in a row after which nobody waits for verdicts, `1..`.
    pub breaker_threshold: u32,
    /// How often a request is let through then.
    pub probe_every: Duration,
    /// How long a stream that showed unjudged text stays open after its end, so that a late block can
    /// still take it back. Zero: not at all.
    pub late_blocks: Duration,
}

impl WorkerConfig {
    /// The topics that `weir topics apply` makes, two partitions, 100 ms for a prompt, then fail open.
    #[must_use]
    pub fn new(bus: BusConfig) -> Self {
        Self {
            bus,
            prompts_topic: "weir.prompts.v1".to_owned(),
            chunks_topic: "weir.chunks.v1".to_owned(),
            verdicts_topic: "weir.verdicts.v1".to_owned(),
            registry: None,
            partitions: 2,
            fallback: StreamContract {
                budget_us: 100_000,
                hold_chars: 200,
                hold_ms: 40,
                on_expiry: OnExpiry::Hold,
                fail_mode: FailMode::Open,
                disposition: Disposition::Retract,
                completion: None,
            },
            breaker_threshold: 8,
            probe_every: Duration::from_secs(1),
            late_blocks: Duration::ZERO,
        }
    }
}
