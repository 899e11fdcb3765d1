use std::path::PathBuf;

use weir_bus::BusConfig;
use weir_registry::Ids;
use weir_types::FingerprintKey;

/// What a gate is started with.
#[derive(Debug, Clone)]
pub struct GateConfig {
    /// How to reach the cluster.
    pub bus: BusConfig,
    /// Consumer group; gates of one group share the partitions. Chunks are read by another, named
    /// after it (`<group>-streams`), so that a rebalance of one disturbs no member of the other.
    pub group: String,
    /// Where to read and write.
    pub topics: Topics,
    /// Schema ids to write and read.
    pub schemas: Ids,
    /// Folder of policies.
    pub policies: PathBuf,
    /// Folder of the fast model; `None` judges by rules alone, and says so in every verdict.
    pub model: Option<PathBuf>,
    /// Lanes for prompts, and as many for streams: each a group member with a reader thread, a lane thread and a model session.
    pub lanes: usize,
    /// With more records than this waiting in a lane, the classifier is skipped.
    pub shed_above: usize,
    /// Under which matched text is fingerprinted.
    pub fingerprint_key: FingerprintKey,
}

/// Topic names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    /// Prompts to be judged.
    pub prompts: String,
    /// Chunks of streamed answers to be judged.
    pub chunks: String,
    /// The verdicts on both.
    pub verdicts: String,
    /// Long streams under way, for their next owner; partitioned like the chunks.
    pub checkpoints: String,
    /// Texts that the rescorer is to look at, and why.
    pub flagged: String,
    /// Records that could not be processed.
    pub dead_letters: String,
}

impl Default for Topics {
    fn default() -> Self {
        Self {
            prompts: "weir.prompts.v1".to_owned(),
            chunks: "weir.chunks.v1".to_owned(),
            verdicts: "weir.verdicts.v1".to_owned(),
            checkpoints: "weir.checkpoints.v1".to_owned(),
            flagged: "weir.flagged.v1".to_owned(),
            dead_letters: "weir.dead-letters.v1".to_owned(),
        }
    }
}

impl Topics {
    /// The names of all of them.
    #[must_use]
    pub fn all(&self) -> [&str; 6] {
        [
            &self.prompts,
            &self.chunks,
            &self.verdicts,
            &self.checkpoints,
            &self.flagged,
            &self.dead_letters,
        ]
    }
}
