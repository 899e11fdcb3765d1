use std::time::Instant;

use weir_types::Micros;

/// Turns this machine's monotonic clock into the lane's: microseconds since it was made.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Micros {
        self.at(Instant::now())
    }

    /// A moment taken elsewhere; zero if it lies before the clock's start.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Micros {
        let since = moment.saturating_duration_since(self.origin).as_micros();
        Micros(u64::try_from(since).unwrap_or(u64::MAX))
    }
}
