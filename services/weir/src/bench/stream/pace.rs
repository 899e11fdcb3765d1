//! Open-loop load: tokens are generated when they are due, whatever has come back by then.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use weir_types::Micros;

use super::script::Scripts;
use super::watched::Tally;
use super::worker::Worker;

/// Time for everything to stand before the first token is due.
const HEAD_START: Duration = Duration::from_millis(100);

/// How engines write.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// Streams at a time. Where one ends, the next one begins.
    pub(crate) streams: u32,
    /// Tokens a second of the middling stream. Each has a speed of its own, from half to twice that.
    pub(crate) tokens_per_second: u32,
    /// Written and answered, but not counted: streams begin one after another in it.
    pub(crate) warm_up: Duration,
    pub(crate) measured: Duration,
}

impl Pace {
    /// Tokens a second that streams of such speeds write together.
    pub(crate) fn tokens_a_second(&self) -> f64 {
        (0..self.streams)
            .map(|nth| 1.0 / self.interval(nth).as_secs_f64())
            .sum()
    }

    /// Between two tokens of one of the streams.
    fn interval(&self, nth: u32) -> Duration {
        let middling = Duration::from_secs(1) / self.tokens_per_second;
        middling.mul_f64(2.0_f64.powf(2.0 * spread(nth) - 1.0))
    }
}

/// Runs to the end of what is counted, and a little on for the last answers. `probe` is called as the
/// counted part begins and ends; the two results come back.
pub(crate) fn run(
    mut worker: Worker<'_>,
    scripts: &Scripts,
    pace: &Pace,
    probe: impl Fn() -> anyhow::Result<f64>,
) -> anyhow::Result<(Tally, f64)> {
    worker.warm_up(scripts.of(0))?;
    let start = worker.now().plus(micros(HEAD_START));
    let begin = start.plus(micros(pace.warm_up));
    let end = begin.plus(micros(pace.measured));
    worker.tally.counted = (begin, end);
    // When the next token of which stream is due.
    let mut due: BinaryHeap<Reverse<(Micros, u32)>> = (0..pace.streams)
        .map(|nth| Reverse((start.plus(micros(pace.warm_up / pace.streams * nth)), nth)))
        .collect();
    let mut running = vec![None; due.len()];
    let mut before = None;
    loop {
        let now = worker.now();
        if before.is_none() && now >= begin {
            before = Some(probe()?);
        }
        if now >= end {
            break;
        }
        while let Some(Reverse((at, nth))) = due.peek().copied()
            && at <= now
        {
            due.pop();
            let place = &mut running[usize::try_from(nth)?];
            let number = match *place {
                Some(number) if !worker.is_written(number) => number,
                _ => worker.open(scripts.of(worker.opened())),
            };
            *place = Some(number);
            worker.generate(number, 1, at)?;
            due.push(Reverse((at.plus(micros(pace.interval(nth))), nth)));
        }
        let next = due.peek().map_or(end, |Reverse((at, _))| *at);
        worker.run_until(next.min(end))?;
    }
    let after = probe()?;
    let tally = worker.finish()?;
    Ok((tally, after - before.unwrap_or(after)))
}

/// Numbers between 0 and 1, spread evenly however many are drawn (the golden ratio's multiples).
fn spread(nth: u32) -> f64 {
    (f64::from(nth) * 0.618_033_988_749_895).fract()
}

pub(crate) fn micros(duration: Duration) -> Micros {
    Micros(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_lie_between_half_and_twice_the_middling_one() {
        let pace = Pace {
            streams: 1000,
            tokens_per_second: 50,
            warm_up: Duration::ZERO,
            measured: Duration::ZERO,
        };
        let intervals: Vec<u128> = (0..1000)
            .map(|nth| pace.interval(nth).as_millis())
            .collect();
        let (least, most) = (intervals.iter().min(), intervals.iter().max());
        assert_eq!((least, most), (Some(&10), Some(&39)));
        // The mean of a speed drawn evenly by its logarithm: (100 - 25) / ln 4.
        assert!((pace.tokens_a_second() / 1000.0 - 54.1).abs() < 0.5);
    }
}
