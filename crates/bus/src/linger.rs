use std::time::{Duration, Instant};

/// How long traffic is watched before its density is judged.
const WINDOW: Duration = Duration::from_millis(20);

/// How long records linger at each level of density, ms, as librdkafka's `linger.ms`.
///
/// librdkafka puts one partition into a request, so without linger nearly every record of dense
/// traffic is a request of its own, for client and broker alike. Measured at 7,500/s with broker,
/// load and gate on the same two cores, in runs of 5 or 6 s: with 0.5 ms a verdict's P95 was 18 to
/// 87 ms over several runs and the gate took 76 us a prompt; with 2 ms 7 ms and 64 us, with 5 ms 14 ms
/// and 50 us (one run each). At 1,000/s none is best: an echo's P95 is 0.5 ms against 1.5.
const LINGER_MS: [&str; 3] = ["0", "2", "5"];

/// From how many records in a window on each level holds: 4,000 and 7,000 a second.
const LEVEL_FROM: [u32; 3] = [0, 80, 140];

/// Whether records wait a moment for others to share their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// When there are enough to share with: what everything but a benchmark wants.
    ByLoad,
    /// Each record goes at once.
    Never,
    /// Every record waits, as in dense traffic.
    Always,
}

impl Linger {
    /// The levels of [`LINGER_MS`] that it ever uses.
    pub(crate) const fn levels(self) -> &'static [&'static str] {
        match self {
            Self::ByLoad => &LINGER_MS,
            Self::Never => &[LINGER_MS[0]],
            Self::Always => &[LINGER_MS[1]],
        }
    }
}

/// Judges the density of traffic by what was sent in the last window.
#[derive(Debug)]
pub(crate) struct Density {
    linger: Linger,
    began: Instant,
    sent: u32,
    level: usize,
}

impl Density {
    pub(crate) const fn new(linger: Linger, now: Instant) -> Self {
        Self {
            linger,
            began: now,
            sent: 0,
            level: 0,
        }
    }

    /// Takes in that a record is sent now; returns its level, an index into [`LINGER_MS`].
    pub(crate) fn on_send(&mut self, now: Instant) -> usize {
        match self.linger {
            Linger::Never => return 0,
            Linger::Always => return 1,
            Linger::ByLoad => {}
        }
        let elapsed = now.saturating_duration_since(self.began);
        if elapsed >= WINDOW {
            // A window that nothing ended for long was sparse, whatever it counted.
            self.level = if elapsed < 2 * WINDOW {
                level(self.sent)
            } else {
                0
            };
            self.began = now;
            self.sent = 0;
        }
        self.sent += 1;
        // A burst need not wait for its window to end.
        self.level = self.level.max(level(self.sent));
        self.level
    }

    /// That of the last record sent.
    pub(crate) const fn level(&self) -> usize {
        self.level
    }
}

fn level(sent_in_window: u32) -> usize {
    LEVEL_FROM
        .iter()
        .rposition(|from| sent_in_window >= *from)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the last of `count` records at `per_second` does.
    fn last(density: &mut Density, start: Instant, per_second: u32, count: u32) -> usize {
        (0..count).fold(0, |_, index| {
            density.on_send(start + Duration::from_secs(1) / per_second * index)
        })
    }

    #[test]
    fn sparse_goes_at_once_and_dense_lingers() {
        let start = Instant::now();
        for (per_second, level) in [(10, 0), (1000, 0), (3000, 0), (5000, 1), (20_000, 2)] {
            let mut density = Density::new(Linger::ByLoad, start);
            assert_eq!(
                last(&mut density, start, per_second, 1000),
                level,
                "{per_second}/s"
            );
        }
    }

    #[test]
    fn a_pause_makes_traffic_sparse_again() {
        let start = Instant::now();
        let mut density = Density::new(Linger::ByLoad, start);
        assert_eq!(last(&mut density, start, 10_000, 1000), 2);
        assert_eq!(density.on_send(start + Duration::from_secs(2)), 0);
    }

    #[test]
    fn a_burst_lingers_before_its_window_ends() {
        let start = Instant::now();
        let mut density = Density::new(Linger::ByLoad, start);
        let levels: Vec<usize> = (0..LEVEL_FROM[2]).map(|_| density.on_send(start)).collect();
        assert_eq!(levels.iter().position(|level| *level == 1), Some(79));
        assert_eq!(levels.last(), Some(&2));
    }

    #[test]
    fn benchmarks_may_force_it() {
        let start = Instant::now();
        let forced = |linger| last(&mut Density::new(linger, start), start, 20_000, 1000);
        assert_eq!((forced(Linger::Never), forced(Linger::Always)), (0, 1));
    }
}
