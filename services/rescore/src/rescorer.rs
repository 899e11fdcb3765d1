use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use weir_bus::BusError;
use weir_infer::Classifier;
use weir_policy::{PolicyError, PolicySet};
use weir_telemetry::{Health, RescoreMetrics};

use crate::config::{Delivery, RescoreConfig};
use crate::feedback;
use crate::guarded::Guarded;
use crate::shared::Shared;
use crate::worker::Worker;

/// After a failure that takes a new start.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Why a rescorer does not start.
#[derive(Debug, thiserror::Error)]
pub enum RescoreError {
    /// The policies have problems.
    #[error("the policies cannot be used:\n{0}")]
    Policy(#[from] PolicyError),
    /// The cluster cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// A running rescorer.
#[derive(Debug)]
pub struct Rescorer {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Rescorer {
    /// Loads the policies and starts to work.
    ///
    /// # Errors
    /// Whatever is wrong with policies or client options.
    pub fn start(
        config: RescoreConfig,
        classifier: Box<dyn Classifier>,
        metrics: &RescoreMetrics,
        health: &Health,
    ) -> Result<Self, RescoreError> {
        config.bus.check()?;
        let policies = Arc::new(PolicySet::load(&config.policies)?);
        let config = Arc::new(config);
        if config.delivery == Delivery::AtLeastOnce {
            tracing::warn!("the broker has no transactions: a crash repeats moderation records");
            health.note("at least once, without transactions: a crash repeats moderation records");
        }
        let stop = Arc::new(AtomicBool::new(false));
        let shared = |name: &str| Shared {
            heartbeat: health.heartbeat(name),
            ready: health.condition(name, "waiting for partitions"),
            stop: Arc::clone(&stop),
            metrics: metrics.clone(),
        };
        let (rescoring, feeding_back) = (shared("weir-rescore"), shared("weir-feedback"));
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(run)
                .map_err(RescoreError::Thread)
        };
        let ours = (Arc::clone(&config), Arc::clone(&policies));
        let classifier = Guarded(classifier);
        let threads = vec![
            spawn(
                "weir-rescore",
                Box::new(move || supervise(&ours.0, &ours.1, classifier, &rescoring)),
            )?,
            spawn(
                "weir-feedback",
                Box::new(move || feedback::supervise(&config, &policies, &feeding_back)),
            )?,
        ];
        Ok(Self { stop, threads })
    }

    /// Finishes the batch under way, leaves the group.
    pub fn drain(self) {
        self.stop.store(true, Ordering::Release);
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the rescorer panicked");
            }
        }
    }
}

/// Keeps the worker running: whatever ends it short of being asked to, it starts anew from what is committed.
fn supervise(
    config: &RescoreConfig,
    policies: &PolicySet,
    mut classifier: Guarded,
    shared: &Shared,
) {
    while !shared.stop.load(Ordering::Acquire) {
        match Worker::start(config, policies, &mut classifier, shared).and_then(Worker::run) {
            Ok(()) => return,
            Err(reason) => tracing::error!(reason, "the rescorer failed; starting anew"),
        }
        shared.ready.not_ok("starting anew after a failure");
        shared.heartbeat.beat();
        std::thread::sleep(RESTART_AFTER);
    }
}
