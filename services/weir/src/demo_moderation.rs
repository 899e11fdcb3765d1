//! The demo's last part: what the second look makes of the verdicts.

use std::collections::{BTreeMap, HashSet};
use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::bail;
use indicatif::ProgressBar;
use serde::Serialize;
use weir_bus::{BusConfig, LogReader, Tail, TailFrom};
use weir_infer::{Classifier as _, HeavyModel};
use weir_rescore::{Delivery, Influences, RescoreConfig, RescoreTopics, Rescorer};
use weir_telemetry::{Health, Registry, RescoreMetrics};
use weir_types::{Action, Outcome};
use weir_wire::Moderation;

use crate::args::{JudgeArgs, fingerprint_key};
use crate::rescore::STALE_AFTER;
use crate::tail;

/// How long what is there may take to be read.
const READ_PATIENCE: Duration = Duration::from_secs(10);
/// How long nothing may come from the rescorer: a batch takes seconds where cores are slow.
const QUIET_PATIENCE: Duration = Duration::from_secs(60);
/// How long one wait for a record lasts; nothing hinges on it.
const WAIT: Duration = Duration::from_millis(200);
const SHORT_WAIT: Duration = Duration::from_millis(20);

/// What came of the second look.
#[derive(Debug, Serialize)]
pub(crate) struct SecondLook {
    model: String,
    /// Texts that the gate left for it.
    flagged: usize,
    seconds: f64,
    /// Records by the fast action and the outcome.
    outcomes: BTreeMap<&'static str, BTreeMap<&'static str, u32>>,
    /// Records that ask for a superseding verdict, and such verdicts that were written.
    asked: u64,
    superseded: u64,
    /// Those whose action the heavy model would change.
    #[serde(skip)]
    changed: Vec<Moderation>,
}

/// Looks again at all that the gate has flagged on this broker.
pub(crate) fn play(
    bus: &BusConfig,
    model: HeavyModel,
    judge: &JudgeArgs,
    progress: &ProgressBar,
) -> anyhow::Result<SecondLook> {
    let topics = RescoreTopics::default();
    let flagged = flagged(bus, &topics.flagged)?;
    progress.set_length(u64::try_from(flagged)?);
    let mut made = SecondLook {
        model: model.describe().name.clone(),
        flagged,
        seconds: 0.0,
        outcomes: BTreeMap::new(),
        asked: 0,
        superseded: 0,
        changed: Vec::new(),
    };
    let tail = Tail::start(bus, &topics.moderation, TailFrom::Beginning)?;
    let config = RescoreConfig {
        bus: bus.clone(),
        group: "weir-rescore".to_owned(),
        topics,
        schemas: weir_registry::Ids::compiled_in(),
        policies: judge.policies.clone(),
        fingerprint_key: fingerprint_key()?,
        // The embedded broker has no transactions.
        delivery: Delivery::AtLeastOnce,
        thin_above: i64::MAX,
        influences: Influences::Never,
    };
    let metrics = RescoreMetrics::register(&Registry::new())?;
    let began = Instant::now();
    let rescorer = Rescorer::start(config, Box::new(model), &metrics, &Health::new(STALE_AFTER))?;
    let followed = made.follow(&tail, progress);
    made.seconds = began.elapsed().as_secs_f64();
    made.superseded = superseded(&metrics, made.asked);
    rescorer.drain();
    progress.finish_and_clear();
    followed.map(|()| made)
}

/// How many superseding verdicts are there, once there are as many as records asked for.
fn superseded(metrics: &RescoreMetrics, asked: u64) -> u64 {
    let deadline = Instant::now() + READ_PATIENCE;
    while metrics.superseded.get() < asked && Instant::now() < deadline {
        std::thread::sleep(SHORT_WAIT);
    }
    metrics.superseded.get()
}

/// How many texts are there.
fn flagged(bus: &BusConfig, topic: &str) -> anyhow::Result<usize> {
    let stretches = LogReader::new(bus, topic)?.stretches(None, None, READ_PATIENCE)?;
    let records: i64 = stretches
        .iter()
        .map(|stretch| stretch.end - stretch.start)
        .sum();
    Ok(usize::try_from(records)?)
}

impl SecondLook {
    /// Until each text has its record.
    fn follow(&mut self, tail: &Tail, progress: &ProgressBar) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let mut last = Instant::now();
        while seen.len() < self.flagged {
            let Some(record) = tail.next(WAIT) else {
                if last.elapsed() > QUIET_PATIENCE {
                    bail!(
                        "the second look stopped after {} of {} texts",
                        seen.len(),
                        self.flagged
                    );
                }
                continue;
            };
            last = Instant::now();
            let moderation: Moderation = weir_wire::decode(&record.payload.unwrap_or_default())?;
            if seen.insert(moderation.moderation_id.clone()) {
                self.count(moderation);
                progress.inc(1);
            }
        }
        Ok(())
    }

    fn count(&mut self, moderation: Moderation) {
        let outcomes = self.outcomes.entry(moderation.fast_action.as_str());
        *outcomes
            .or_default()
            .entry(moderation.outcome.as_str())
            .or_default() += 1;
        self.asked += u64::from(moderation.supersedes.is_some());
        if matches!(moderation.outcome, Outcome::Tightened | Outcome::Overturned) {
            self.changed.push(moderation);
        }
    }

    pub(crate) fn print(&self, out: &mut impl Write, quiet: bool) -> std::io::Result<()> {
        writeln!(
            out,
            "\nsecond look: {} texts by {} in {:.1} s",
            self.flagged, self.model, self.seconds
        )?;
        if !quiet {
            for moderation in &self.changed {
                writeln!(out, "{}", tail::moderation_line(moderation))?;
            }
            writeln!(out)?;
        }
        write!(out, "{:<14}", "fast verdict")?;
        for outcome in Outcome::ALL {
            write!(out, "{:>11}", outcome.as_str())?;
        }
        writeln!(out)?;
        for action in Action::ALL {
            let Some(outcomes) = self.outcomes.get(action.as_str()) else {
                continue;
            };
            write!(out, "{:<14}", action.as_str())?;
            for outcome in Outcome::ALL {
                let count = outcomes.get(outcome.as_str()).copied().unwrap_or_default();
                write!(out, "{count:>11}")?;
            }
            writeln!(out)?;
        }
        writeln!(
            out,
            "{} of {} superseding verdicts written; of what a rule found the model says nothing",
            self.superseded, self.asked
        )
    }
}
