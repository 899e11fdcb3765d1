//! Open-loop load: records leave when they are due, whatever has come back by then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use weir_bus::{BusConfig, OutRecord, Publisher, Tail, TailFrom};

use super::echo::Sending;
use super::quantiles::Latencies;

/// How long after the last record its answer may come.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// What to send.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Records a second.
    pub(crate) rate: u32,
    /// Sent and answered, but not counted.
    pub(crate) warm_up: Duration,
    /// Counted.
    pub(crate) measured: Duration,
    /// How the load itself is sent.
    pub(crate) sending: Sending,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// From when a record was due to when its answer was read.
    pub(crate) latencies: Latencies,
    /// Counted records without an answer.
    pub(crate) missing: usize,
    /// Answers beyond the first.
    pub(crate) repeated: usize,
    /// What `probe` returned when the counted part began, and when it ended.
    pub(crate) probed: (f64, f64),
}

/// Sends frames made by `frame(request id)` to `from` and awaits an answer to each on `to`, under
/// the same key. `probe` is called as the counted part begins and ends.
///
/// Latency counts from the moment at which a record was *due*, so a sender that falls behind
/// shows in the figures instead of hiding in them.
pub(crate) fn run(
    bus: &BusConfig,
    from: &str,
    to: &str,
    load: &Load,
    mut frame: impl FnMut(usize, &str) -> anyhow::Result<Vec<u8>>,
    probe: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<Outcome> {
    let tail = Tail::start(bus, to, TailFrom::End)?;
    let interval = Duration::from_secs(1) / load.rate;
    let in_time = |duration: Duration| -> anyhow::Result<usize> {
        Ok(usize::try_from(duration.as_nanos() / interval.as_nanos())?)
    };
    let skipped = in_time(load.warm_up)?;
    let total = skipped + in_time(load.measured)?;
    let mut publisher: Publisher<()> = Publisher::new(bus, load.sending.linger())?;
    let frames = (0..total)
        .map(|index| {
            let key = index.to_string();
            let frame = frame(index, &key)?;
            Ok((key, frame))
        })
        .collect::<anyhow::Result<Vec<_>>>()?;

    let sent_all = Arc::new(AtomicBool::new(false));
    // Time for connections to stand before the first record is due.
    let start = Instant::now() + Duration::from_millis(200);
    let collector = std::thread::Builder::new()
        .name("weir-collect".to_owned())
        .spawn({
            let sent_all = Arc::clone(&sent_all);
            move || collect(&tail, start, interval, total, skipped, &sent_all)
        })
        .context("cannot start the collecting thread")?;

    let mut before = 0.0;
    let mut acknowledged = Vec::new();
    let mut next = 0;
    while next < total {
        let due = usize::try_from(
            Instant::now().saturating_duration_since(start).as_nanos() / interval.as_nanos(),
        )?
        .min(total);
        while next < due {
            if next == skipped {
                before = probe()?;
            }
            let (key, payload) = &frames[next];
            let record = OutRecord {
                topic: from,
                partition: None,
                key: Some(key.as_bytes()),
                payload,
                header: None,
            };
            publisher.send(&record, ())?;
            next += 1;
        }
        acknowledged.clear();
        publisher.poll(&mut acknowledged, |()| true)?;
        let due_next = start + interval * u32::try_from(next + 1)?;
        std::thread::sleep(due_next.saturating_duration_since(Instant::now()));
    }
    let after = probe()?;
    publisher.flush(ANSWER_PATIENCE)?;
    sent_all.store(true, Ordering::Release);
    let (latencies, missing, repeated) = collector
        .join()
        .map_err(|_| anyhow::anyhow!("the collecting thread panicked"))?;
    Ok(Outcome {
        latencies,
        missing,
        repeated,
        probed: (before, after),
    })
}

/// Reads answers until all are there, or the last has been waited for long enough.
fn collect(
    tail: &Tail,
    start: Instant,
    interval: Duration,
    total: usize,
    skipped: usize,
    sent_all: &AtomicBool,
) -> (Latencies, usize, usize) {
    let mut latencies = Latencies::default();
    let mut answered = vec![false; total];
    let mut left = total;
    let mut repeated = 0;
    let mut last_answer = Instant::now();
    while left > 0 && !(sent_all.load(Ordering::Acquire) && last_answer.elapsed() > ANSWER_PATIENCE)
    {
        let Some(record) = tail.next(Duration::from_millis(100)) else {
            continue;
        };
        let now = Instant::now();
        last_answer = now;
        let index = record
            .key
            .as_deref()
            .and_then(|key| std::str::from_utf8(key).ok()?.parse::<usize>().ok())
            .filter(|index| *index < total);
        let Some(index) = index else { continue };
        if std::mem::replace(&mut answered[index], true) {
            repeated += 1;
            continue;
        }
        left -= 1;
        if index >= skipped {
            let due = start + interval * u32::try_from(index + 1).unwrap_or(u32::MAX);
            latencies.add(now.saturating_duration_since(due));
        }
    }
    let missing = answered[skipped..]
        .iter()
        .filter(|answered| !**answered)
        .count();
    (latencies, missing, repeated)
}
