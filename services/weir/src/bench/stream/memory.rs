//! What an open stream takes of the gate's memory.

use std::time::Duration;

use serde::Serialize;

use super::pace::micros;
use super::script::Scripts;
use super::worker::Worker;
use crate::bench::process::Subject;

/// Tokens that a stream has written when it is counted, and in how many chunks: 1.6 KB of text, more
/// than the window that the gate keeps.
const TOKENS: usize = 400;
const CHUNKS: usize = 8;
/// Between two chunks, so that no queue grows.
const INTERVAL: Duration = Duration::from_micros(250);
/// Until every stream that was opened has a checkpoint, which takes memory for a moment.
const CHECKPOINTED: Duration = Duration::from_secs(8);

/// How much more is resident with more streams open.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Memory {
    pub(crate) open_streams: u64,
    pub(crate) text_bytes_per_stream: usize,
    /// Before any was opened, with half of them, and with all of them.
    pub(crate) rss_mib: [f64; 3],
    /// By the second half of the streams: the first half also fills what the allocator had in stock.
    pub(crate) bytes_per_stream: f64,
    /// By all of them.
    pub(crate) bytes_per_stream_of_all: f64,
}

/// Opens so many streams and leaves them open; the gate's own buffers are grown before by as many
/// records of streams that end at once.
pub(crate) fn measure(
    mut worker: Worker<'_>,
    subject: &Subject,
    scripts: &Scripts,
    streams: u64,
) -> anyhow::Result<(Memory, super::watched::Tally)> {
    let harmless = scripts.of(0);
    for _ in 0..streams {
        let number = worker.open(scripts.of(0));
        let at = worker.now();
        worker.generate(number, harmless.tokens(), at)?;
        worker.run_until(at.plus(micros(INTERVAL)))?;
    }
    worker.settle()?;
    let mut rss_mib = [subject.rss_mib()?; 3];
    let mut text_bytes = 0;
    for rss in &mut rss_mib[1..] {
        let first = worker.opened();
        for _ in 0..streams / 2 {
            let script = scripts.of(worker.opened());
            text_bytes += script.piece(0..TOKENS).len();
            worker.open(script);
        }
        for _ in 0..CHUNKS {
            for number in first..worker.opened() {
                let at = worker.now();
                worker.generate(number, TOKENS / CHUNKS, at)?;
                worker.run_until(at.plus(micros(INTERVAL)))?;
            }
        }
        worker.settle()?;
        worker.run_until(worker.now().plus(micros(CHECKPOINTED)))?;
        *rss = subject.rss_mib()?;
    }
    let per_stream = |mib: f64, streams: u64| {
        let streams = u32::try_from(streams.max(1)).map_or(f64::INFINITY, f64::from);
        mib * 1024.0 * 1024.0 / streams
    };
    let tally = worker.finish()?;
    Ok((
        Memory {
            open_streams: streams,
            text_bytes_per_stream: text_bytes / usize::try_from(streams.max(1))?,
            rss_mib,
            bytes_per_stream: per_stream(rss_mib[2] - rss_mib[1], streams / 2),
            bytes_per_stream_of_all: per_stream(rss_mib[2] - rss_mib[0], streams),
        },
        tally,
    ))
}

/// Tokens that a script must have, so that no stream ends by itself.
pub(crate) const fn script_tokens() -> usize {
    TOKENS + 1
}
