//! What a loop shares with the process that runs it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use weir_telemetry::{Condition, Heartbeat, RescoreMetrics};

pub(crate) struct Shared {
    pub(crate) heartbeat: Heartbeat,
    pub(crate) ready: Condition,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) metrics: RescoreMetrics,
}
