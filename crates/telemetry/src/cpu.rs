//! Processor time of a single thread.

use std::fs::File;
use std::io::{Read as _, Seek as _};

use prometheus::Counter;

use crate::process::cpu_seconds;

/// Charges the processor time of one thread to a counter.
///
/// Make it on the thread that is to be measured; it may then be sampled anywhere. A sample is
/// two system calls (2 us), so take it once a second or once a batch, not once a record. Where the
/// kernel does not tell (off Linux), samples do nothing and the counter stays at 0.
#[derive(Debug)]
pub struct CpuMeter {
    counter: Counter,
    source: Option<Source>,
    seen_seconds: f64,
}

#[derive(Debug)]
enum Source {
    /// Nanoseconds on the processor.
    Schedstat(File),
    /// Ticks of 10 ms, where the kernel keeps no scheduler statistics.
    Stat(File),
}

impl CpuMeter {
    /// Meters the calling thread from now on; time before this call is not charged.
    #[must_use]
    pub fn for_this_thread(counter: Counter) -> Self {
        // The kernel resolves `thread-self` when the file is opened.
        let open = |name: &str| File::open(format!("/proc/thread-self/{name}")).ok();
        let mut candidates = [
            open("schedstat").map(Source::Schedstat),
            open("stat").map(Source::Stat),
        ]
        .into_iter()
        .flatten();
        let working = candidates.find_map(|mut source| {
            let seconds = source.read_seconds()?;
            // A thread that got here has run: 0 ns means that the kernel does not count.
            let counts = seconds > 0.0 || matches!(source, Source::Stat(_));
            counts.then_some((source, seconds))
        });
        let (source, seen_seconds) = working.unzip();
        Self {
            counter,
            source,
            seen_seconds: seen_seconds.unwrap_or(0.0),
        }
    }

    /// Adds the time used since the last sample and returns it in seconds; 0 when unknown.
    pub fn sample(&mut self) -> f64 {
        let Some(now) = self.source.as_mut().and_then(Source::read_seconds) else {
            return 0.0;
        };
        let used = (now - self.seen_seconds).max(0.0);
        self.seen_seconds = self.seen_seconds.max(now);
        self.counter.inc_by(used);
        used
    }
}

impl Source {
    fn read_seconds(&mut self) -> Option<f64> {
        // A `stat` line has about 52 numbers: 512 bytes hold the first fifteen with room to spare.
        let mut buffer = [0; 512];
        let (Self::Schedstat(file) | Self::Stat(file)) = self;
        file.rewind().ok()?;
        let length = file.read(&mut buffer).ok()?;
        let text = String::from_utf8_lossy(&buffer[..length]);
        match self {
            Self::Schedstat(_) => {
                let nanos: f64 = text.split_ascii_whitespace().next()?.parse().ok()?;
                Some(nanos / 1e9)
            }
            Self::Stat(_) => cpu_seconds(&text),
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn charges_the_measured_thread_and_not_the_sampling_one() {
        let counter = Counter::new("test", "test").unwrap();
        let mut here = CpuMeter::for_this_thread(counter.clone());
        assert!(here.source.is_some());

        let start = Instant::now();
        let mut rounds = 0_u64;
        while start.elapsed() < Duration::from_millis(100) {
            rounds = std::hint::black_box(rounds + 1);
        }
        let used = std::thread::scope(|scope| scope.spawn(|| here.sample()).join().unwrap());
        // On a busy machine the thread gets only a share of the 100 ms.
        assert!(used > 0.001 && used < 1.0, "{used}");
        assert_eq!(counter.get(), used);
    }
}
