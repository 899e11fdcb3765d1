//! Metric catalogue, health, logs, trace context and the admin endpoints.
//!
//! * [`catalogue()`] lists every metric; [`GateMetrics`] holds the handles. Nothing else in the
//!   workspace may spell a metric name.
//! * [`LaneMetrics`] is what the lane thread observes into: plain memory, flushed once a batch.
//! * [`Health`] gathers heartbeats (live) and named conditions (ready).
//! * [`serve`] and [`spawn_admin_thread`] answer `/metrics`, `/live` and `/ready`.
//! * [`init_logs`] sets up logging. Raw text never enters a log.
//! * [`TraceContext`] carries a W3C trace through Kafka record headers.
//! * [`CpuMeter`] charges a thread's processor time to a counter.

mod admin;
mod catalogue;
mod cpu;
mod health;
mod labels;
mod lane;
mod logs;
mod metrics;
mod process;
mod rescore;
mod trace_context;

pub use admin::{AdminError, AdminHandle, serve, spawn_admin_thread};
pub use catalogue::{MetricKind, MetricSpec, Unit, catalogue, catalogue_markdown};
// For who reads what others expose.
pub use catalogue::{
    ASSIGNED_PARTITIONS, BUILD_INFO, CIRCUIT_OPEN, DEAD_LETTERS, END_TO_END, FLAGGED_TO_MODERATION,
    MODERATION, OPEN_STREAMS, PINNED_AGE, PROCESS_CPU, PROCESS_RESIDENT, QUEUE_DEPTH, RECORDS,
    RESCORE_LAG, SHED, UNJUDGED, VERDICTS,
};
pub use cpu::CpuMeter;
pub use health::{Condition, Health, Heartbeat};
pub use labels::{CheckpointResult, ChunkFate, Detector, GateStage, LANGUAGES, language_label};
pub use lane::LaneMetrics;
pub use logs::{LOG_ENV, LogFormat, LogsError, UnknownLogFormat, init_logs};
pub use metrics::{BuildInfo, GateMetrics, MetricsError, PartitionMetrics};
pub use prometheus::{Counter, Gauge, Histogram, IntCounter, IntGauge, Registry};
pub use rescore::RescoreMetrics;
pub use trace_context::{TRACEPARENT_HEADER, TraceContext};
