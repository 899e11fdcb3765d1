use std::path::PathBuf;

use weir_bus::BusConfig;
use weir_registry::Ids;
use weir_types::FingerprintKey;

/// What a rescorer is started with.
#[derive(Debug, Clone)]
pub struct RescoreConfig {
    /// How to reach the cluster.
    pub bus: BusConfig,
    /// Consumer group; rescorers of one group share the partitions. What follows from moderation records is done by
    /// another, named after it (`<group>-feedback`).
    pub group: String,
    /// Where to read and write.
    pub topics: RescoreTopics,
    /// Schema ids to write and read.
    pub schemas: Ids,
    /// Folder of policies.
    pub policies: PathBuf,
    /// Under which texts are fingerprinted, and drawn when load is shed.
    pub fingerprint_key: FingerprintKey,
    /// How outputs and offsets are written.
    pub delivery: Delivery,
    /// With more records than this waiting, part of the sample is shed; four times as many, of the uncertain too.
    pub thin_above: i64,
    /// Of which texts it is worked out what moved their score.
    pub influences: Influences,
}

/// Of which texts it is worked out what moved their score: each part is left out in turn, so that a text costs some
/// ten times as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Influences {
    /// None.
    Never,
    /// Of what people look at first: queue `critical`, and verdicts that are tightened.
    #[default]
    Top,
    /// All that the model judged.
    Always,
}

/// How outputs and offsets are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delivery {
    /// In transactions under this id, which no other process may have: each moderation record once.
    ExactlyOnce {
        /// The transactional id.
        transactional_id: String,
    },
    /// For brokers without transactions: a crash repeats what was not committed.
    AtLeastOnce,
}

/// Topic names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RescoreTopics {
    /// Texts to look at again.
    pub flagged: String,
    /// What came of it; as many partitions as `flagged`.
    pub moderation: String,
    /// Records that could not be processed.
    pub dead_letters: String,
    /// Where superseding verdicts go, to the partition number of the input.
    pub verdicts: String,
}

impl Default for RescoreTopics {
    fn default() -> Self {
        Self {
            flagged: "weir.flagged.v1".to_owned(),
            moderation: "weir.moderation.v1".to_owned(),
            dead_letters: "weir.dead-letters.v1".to_owned(),
            verdicts: "weir.verdicts.v1".to_owned(),
        }
    }
}
