use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use weir_bus::BusError;
use weir_detect::{CompileError, Detector};
use weir_infer::{Classifier, FastModel, InferError};
use weir_lane::{Lane, LaneConfig};
use weir_policy::{PolicyError, PolicySet};
use weir_telemetry::{GateMetrics, Health};
use weir_types::{FingerprintKey, ModelRef};

use crate::clock::Clock;
use crate::config::GateConfig;
use crate::judge::Judge;
use crate::lane_loop::{self, Ended, Inlet, LaneShared};
use crate::prompts::Prompts;
use crate::streams::Streams;

/// How long a lane waits before it starts anew after its consumer failed.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Why a gate does not start.
#[derive(Debug, thiserror::Error)]
pub enum GateError {
    /// The policies have problems.
    #[error("the policies cannot be used:\n{0}")]
    Policy(#[from] PolicyError),
    /// The rules cannot be compiled.
    #[error("the rules cannot be compiled: {0}")]
    Rules(#[from] CompileError),
    /// The model or its runtime cannot be used.
    #[error("the classifier cannot be loaded: {0}")]
    Model(#[from] InferError),
    /// A policy calibrates the scores of another model: its thresholds would not mean what its author saw.
    #[error(
        "policy \"{policy}\" is calibrated for the model with the hash {calibrated}, but the model here is {model}: calibrate it for \
         this one (weir calibrate), or take out its calibration and choose its thresholds anew"
    )]
    CalibratedForAnother {
        /// The policy's id.
        policy: String,
        /// SHA-256 of the weights that it is calibrated for.
        calibrated: String,
        /// The model that was loaded, name and hash.
        model: String,
    },
    /// The cluster cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// A thread could not be started.
    #[error("cannot start thread {name}: {source}")]
    Thread {
        /// Its name.
        name: String,
        /// The system's word.
        source: std::io::Error,
    },
}

/// What judges are made of: policies, rules and where the model is. Loaded and checked once,
/// however many lanes there are.
#[derive(Debug, Clone)]
pub struct Judges {
    policies: Arc<PolicySet>,
    detector: Arc<Detector>,
    model: Option<PathBuf>,
    fingerprint_key: FingerprintKey,
    shed_above: usize,
}

impl Judges {
    /// Loads the policies in `policies` and compiles their rules.
    ///
    /// # Errors
    /// Whatever is wrong with policies or rules.
    pub fn load(
        policies: &std::path::Path,
        model: Option<PathBuf>,
        fingerprint_key: FingerprintKey,
        shed_above: usize,
    ) -> Result<Self, GateError> {
        let policies = Arc::new(PolicySet::load(policies)?);
        let detector = Arc::new(Detector::compile(policies.rules())?);
        Ok(Self {
            policies,
            detector,
            model,
            fingerprint_key,
            shed_above,
        })
    }

    /// A judge with a model session of its own.
    ///
    /// # Errors
    /// The model or its runtime cannot be used.
    pub fn judge(&self, clock: Clock) -> Result<Judge, GateError> {
        let classifier = match &self.model {
            Some(folder) => {
                let model = FastModel::load(folder)?;
                self.check_calibration(model.describe())?;
                Some(Box::new(model) as Box<dyn Classifier>)
            }
            None => None,
        };
        Ok(self.judge_with(classifier, clock))
    }

    fn check_calibration(&self, model: &ModelRef) -> Result<(), GateError> {
        for (_, policy) in self.policies.tenants() {
            if let Some(calibration) = &policy.calibration
                && calibration.model != model.hash
            {
                return Err(GateError::CalibratedForAnother {
                    policy: policy.id.clone(),
                    calibrated: calibration.model.clone(),
                    model: format!("{} {}", model.name, model.hash),
                });
            }
        }
        Ok(())
    }

    /// A judge with the classifier given, or none. Calibrations that policies have for another one are not applied.
    #[must_use]
    pub fn judge_with(&self, classifier: Option<Box<dyn Classifier>>, clock: Clock) -> Judge {
        let config = LaneConfig {
            fingerprint_key: self.fingerprint_key.clone(),
            classifier: classifier
                .as_ref()
                .map(|classifier| classifier.describe().clone()),
            shed_above: self.shed_above,
        };
        let lane = Lane::new(
            Arc::clone(&self.policies),
            Arc::clone(&self.detector),
            config,
        );
        Judge::new(lane, classifier, clock)
    }

    /// The policies.
    #[must_use]
    pub fn policies(&self) -> &PolicySet {
        &self.policies
    }

    /// Their rules, compiled.
    #[must_use]
    pub fn detector(&self) -> &Detector {
        &self.detector
    }
}

/// A running gate.
#[derive(Debug)]
pub struct Gate {
    stop: Arc<AtomicBool>,
    lanes: Vec<JoinHandle<()>>,
}

impl Gate {
    /// Loads everything, then starts the lanes. Nothing starts unless everything could be loaded.
    ///
    /// # Errors
    /// Whatever is wrong with policies, rules, model or client options.
    pub fn start(
        config: &GateConfig,
        metrics: &GateMetrics,
        health: &Health,
    ) -> Result<Self, GateError> {
        let judges = Judges::load(
            &config.policies,
            config.model.clone(),
            config.fingerprint_key.clone(),
            config.shed_above,
        )?;
        let clock = Clock::start();
        let make = || {
            (0..config.lanes.max(1))
                .map(|_| judges.judge(clock))
                .collect::<Result<Vec<Judge>, _>>()
        };
        Self::start_with(config, make()?, make()?, clock, metrics, health)
    }

    /// Starts one lane for each judge given: of prompts, and of streams.
    ///
    /// # Errors
    /// Client options that librdkafka does not know, or no thread to be had.
    pub fn start_with(
        config: &GateConfig,
        prompts: Vec<Judge>,
        streams: Vec<Judge>,
        clock: Clock,
        metrics: &GateMetrics,
        health: &Health,
    ) -> Result<Self, GateError> {
        config.bus.check()?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut lanes = Vec::with_capacity(prompts.len() + streams.len());
        let prompts = prompts.into_iter().map(|judge| (Reads::Prompts, judge));
        let streams = streams.into_iter().map(|judge| (Reads::Chunks, judge));
        for (index, (reads, judge)) in prompts.chain(streams).enumerate() {
            let name = format!("weir-lane-{index}");
            let shared = LaneShared {
                metrics: metrics.clone(),
                heartbeat: health.heartbeat(name.clone()),
                assigned: health.condition(name.clone(), "waiting for partitions"),
                stop: Arc::clone(&stop),
            };
            let config = config.clone();
            let thread = std::thread::Builder::new()
                .name(name.clone())
                .spawn(move || supervise(&config, reads, judge, clock, &shared))
                .map_err(|source| GateError::Thread { name, source })?;
            lanes.push(thread);
        }
        Ok(Self { stop, lanes })
    }

    /// Stops taking up records, answers and commits what has been taken up, leaves the group.
    pub fn drain(self) {
        self.stop.store(true, Ordering::Release);
        for lane in self.lanes {
            if lane.join().is_err() {
                tracing::error!("a lane thread panicked");
            }
        }
    }
}

/// What a lane reads.
#[derive(Debug, Clone, Copy)]
enum Reads {
    Prompts,
    Chunks,
}

/// Keeps a lane running: whatever ends it short of being asked to, it starts anew from the
/// committed offsets.
fn supervise(
    config: &GateConfig,
    reads: Reads,
    mut judge: Judge,
    clock: Clock,
    shared: &LaneShared,
) {
    let inlet = match reads {
        Reads::Prompts => Inlet {
            topic: config.topics.prompts.clone(),
            group: config.group.clone(),
        },
        Reads::Chunks => Inlet {
            topic: config.topics.chunks.clone(),
            group: format!("{}-streams", config.group),
        },
    };
    while !shared.stop.load(Ordering::Acquire) {
        let ended = match reads {
            Reads::Prompts => {
                let work = Prompts::new(&mut judge);
                lane_loop::run(config, &inlet, work, clock, shared)
            }
            Reads::Chunks => Streams::new(&mut judge, config, &shared.metrics)
                .and_then(|work| lane_loop::run(config, &inlet, work, clock, shared)),
        };
        match ended {
            Ok(Ended::Drained) => return,
            Ok(Ended::ReaderFailed(reason)) => {
                tracing::error!(reason, "the lane's consumer failed; starting anew");
            }
            Err(error) => tracing::error!(%error, "the lane failed; starting anew"),
        }
        shared.assigned.not_ok("starting anew after a failure");
        std::thread::sleep(RESTART_AFTER);
    }
}
