//! One measurement, in a process of its own.

use std::path::Path;
use std::time::Instant;

use anyhow::bail;
use indicatif::ProgressBar;
use serde::{Deserialize, Serialize};
use weir_bus::InRecord;
use weir_gate::{Clock, Judges};
use weir_registry::Ids;
use weir_types::{FingerprintKey, Micros};

use super::ReplayBenchArgs;
use super::log::frames;
use crate::bench::cluster::Cluster;
use crate::bench::process::{cpu_seconds, peak_rss_mib};
use crate::replay::joined::Joined;
use crate::replay::part::{Arm, Progress, Setup};
use crate::replay::plan::{self, Names, Only, Range};
use crate::replay::prompts::Prompts;
use crate::replay::run::{PIECE, Run};
use crate::replay::tally::Tally;

/// One measurement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Once {
    /// In memory, rows counted.
    Counted,
    /// In memory, rows made into lines of JSON.
    Written,
    /// From Kafka, rows counted.
    Kafka,
}

/// What it comes to.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Measured {
    pub(super) records: u64,
    pub(super) cpu_s: f64,
    pub(super) wall_s: f64,
    pub(super) peak_rss_mib: f64,
}

impl Measured {
    pub(super) fn per_s_per_core(&self) -> f64 {
        self.records as f64 / self.cpu_s
    }
}

pub(super) fn measure(
    args: &ReplayBenchArgs,
    once: Once,
    policy: &Path,
) -> anyhow::Result<Measured> {
    let judges = Judges::load(policy, None, FingerprintKey::new(b"bench"), usize::MAX)?;
    let setup = Setup {
        arms: vec![Arm {
            policies: policy.to_owned(),
            judges,
            model_folder: None,
            model: None,
        }],
        verify: false,
        with_text: false,
        fingerprints: false,
    };
    weir_wire::prepare();
    let log = frames()?;
    let (began, cpu) = (Instant::now(), cpu_seconds("self")?);
    let records = match (once, &args.topic) {
        (Once::Kafka, Some(topic)) => from_kafka(args, &setup, topic)?,
        (Once::Kafka, None) => bail!("no topic"),
        (Once::Counted | Once::Written, _) => {
            in_memory(&setup, &log, args.records, once == Once::Written)?
        }
    };
    Ok(Measured {
        records,
        cpu_s: cpu_seconds("self")? - cpu,
        wall_s: began.elapsed().as_secs_f64(),
        peak_rss_mib: peak_rss_mib()?,
    })
}

/// Replays so many records, made of the frames in turn.
fn in_memory(
    setup: &Setup,
    frames: &[(String, Vec<u8>)],
    count: u64,
    written: bool,
) -> anyhow::Result<u64> {
    let judge = setup.arms[0]
        .judges
        .judge_with(None, Clock::standing(Micros::ZERO));
    let mut prompts = Prompts {
        setup,
        judges: vec![judge],
        recorded: None,
        topic: "bench".into(),
        ids: Ids::compiled_in(),
        progress: Progress::default(),
    };
    let (mut tally, joined) = (Tally::default(), Joined::default());
    let mut line = Vec::new();
    // A piece is made once, and only moved on: making records is not what is measured.
    let mut piece: Vec<InRecord> = Vec::with_capacity(PIECE);
    let whole = frames.iter().cycle().take(PIECE);
    piece.extend(whole.map(|(id, frame)| InRecord {
        key: Some(id.clone().into_bytes()),
        payload: Some(frame.clone()),
        ..InRecord::default()
    }));
    let mut offset = 0;
    while offset < count {
        let here = usize::try_from(count - offset).map_or(PIECE, |left| left.min(PIECE));
        for record in &mut piece[..here] {
            record.offset = i64::try_from(offset)?;
            record.timestamp_ms = record.offset;
            offset += 1;
        }
        prompts.take(&piece[..here], &mut |row| {
            if written {
                line.clear();
                serde_json::to_writer(&mut line, &row)?;
                std::hint::black_box(&line);
            } else {
                tally.take(&row, &joined);
            }
            Ok(())
        })?;
    }
    std::hint::black_box(&tally);
    Ok(prompts.progress.account.judged)
}

fn from_kafka(args: &ReplayBenchArgs, setup: &Setup, topic: &str) -> anyhow::Result<u64> {
    let cluster = Cluster::find(&args.cluster)?;
    let range = Range {
        only: Some(Only::Prompts),
        ..Range::default()
    };
    let names = Names {
        prompts: topic.to_owned(),
        chunks: String::new(),
        verdicts: None,
    };
    let parts = plan::resolve(&cluster.bus, &range, &names)?;
    let run = Run {
        bus: &cluster.bus,
        setup,
        parts: &parts,
        verdicts_topic: "",
        ids: Ids::compiled_in(),
        store: None,
        joined: &Joined::default(),
        bar: &ProgressBar::hidden(),
        piece: PIECE,
    };
    let done = run.all(1)?;
    Ok(done.iter().map(|part| part.progress.account.judged).sum())
}
