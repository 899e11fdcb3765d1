//! The second look: flagged texts in, moderation records out, each once.
//!
//! A [`Rescorer`] is a reader thread and a worker thread. The worker takes up what has come, batch by batch:
//!
//! ```text
//! intake      decode, or say why not (-> dead letter); leave out what was looked at already (seen)
//! thinning    far behind: shed some of the sample, then of the uncertain, and say so
//! Classifier  score, outside of any transaction, while the reader goes on polling
//! judgement   beside the fast verdict: outcome, clause, severity, queue (pure)
//! Sink        records and offsets in one transaction, if the cluster has them
//! ```
//!
//! Beside it `feedback` turns records that ask for a stricter action into superseding verdicts.
//!
//! **Once.** The gate may repeat a flagged record. A moderation record goes to the partition number that its
//! flagged text came from, and whoever is assigned that partition first reads which ids it holds, once no
//! transaction is open there. What a former owner may still try, the group's coordinator refuses.

mod agreement;
mod config;
mod feedback;
mod guarded;
mod influence;
mod intake;
mod judgement;
mod looking;
mod rescorer;
mod seen;
mod shared;
mod similar;
mod sink;
mod thinning;
mod triage;
mod worker;

pub use config::{Delivery, Influences, RescoreConfig, RescoreTopics};
pub use rescorer::{RescoreError, Rescorer};
