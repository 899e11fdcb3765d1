use std::time::{Duration, Instant};

/// How long traffic is watched before it is called sparse or dense.
const WINDOW: Duration = Duration::from_millis(20);
/// From 4,000 records a second on, traffic is dense. Measured on an echo with broker and load on the
/// same two cores: without linger P95 is 0.5 ms at 1,000/s, 1.2 at 3,000 and 5 to 6 at 7,500; with
/// it 1.5 at 1,000 and 2.7 at 7,500.
const DENSE_IN_WINDOW: u32 = 80;

/// Whether records wait a moment for others to share their request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linger {
    /// When there are enough to share with: what everything but a benchmark wants.
    ByLoad,
    /// Each record goes at once.
    Never,
    /// Every record waits.
    Always,
}

/// Tells dense traffic from sparse by what was sent in the last window.
#[derive(Debug)]
pub(crate) struct Density {
    linger: Linger,
    began: Instant,
    sent: u32,
    dense: bool,
}

impl Density {
    pub(crate) const fn new(linger: Linger, now: Instant) -> Self {
        Self {
            linger,
            began: now,
            sent: 0,
            dense: false,
        }
    }

    /// Takes in that a record is sent now; returns whether it should linger.
    pub(crate) fn on_send(&mut self, now: Instant) -> bool {
        match self.linger {
            Linger::Never => return false,
            Linger::Always => return true,
            Linger::ByLoad => {}
        }
        if now.saturating_duration_since(self.began) >= WINDOW {
            // A window that nothing ended for long was sparse, whatever it counted.
            let late = now.saturating_duration_since(self.began) >= 2 * WINDOW;
            self.dense = self.sent >= DENSE_IN_WINDOW && !late;
            self.began = now;
            self.sent = 0;
        }
        self.sent += 1;
        // A burst need not wait for its window to end.
        self.dense |= self.sent >= DENSE_IN_WINDOW;
        self.dense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the last of `count` records at `per_second` does.
    fn last(density: &mut Density, start: Instant, per_second: u32, count: u32) -> bool {
        (0..count).fold(false, |_, index| {
            density.on_send(start + Duration::from_secs(1) / per_second * index)
        })
    }

    #[test]
    fn sparse_goes_at_once_and_dense_lingers() {
        let start = Instant::now();
        for (per_second, dense) in [
            (10, false),
            (1000, false),
            (3000, false),
            (5000, true),
            (20_000, true),
        ] {
            let mut density = Density::new(Linger::ByLoad, start);
            assert_eq!(
                last(&mut density, start, per_second, 1000),
                dense,
                "{per_second}/s"
            );
        }
    }

    #[test]
    fn a_pause_makes_traffic_sparse_again() {
        let start = Instant::now();
        let mut density = Density::new(Linger::ByLoad, start);
        assert!(last(&mut density, start, 10_000, 1000));
        assert!(!density.on_send(start + Duration::from_secs(2)));
    }

    #[test]
    fn a_burst_lingers_from_its_eightieth_record_on() {
        let start = Instant::now();
        let mut density = Density::new(Linger::ByLoad, start);
        assert!((1..DENSE_IN_WINDOW).all(|_| !density.on_send(start)));
        assert!(density.on_send(start));
    }

    #[test]
    fn benchmarks_may_force_it() {
        let start = Instant::now();
        assert!(!last(
            &mut Density::new(Linger::Never, start),
            start,
            20_000,
            1000
        ));
        assert!(last(&mut Density::new(Linger::Always, start), start, 10, 1));
    }
}
