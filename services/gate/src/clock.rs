use std::time::Instant;

use weir_types::Micros;

/// The lane's time: this machine's monotonic clock, as microseconds since it was made, or a time that stands still until
/// another is set, by which replays judge.
#[derive(Debug, Clone, Copy)]
pub struct Clock(Time);

#[derive(Debug, Clone, Copy)]
enum Time {
    Since(Instant),
    Standing(Micros),
}

impl Clock {
    /// A clock that starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self(Time::Since(Instant::now()))
    }

    /// A clock that stands still.
    #[must_use]
    pub const fn standing(at: Micros) -> Self {
        Self(Time::Standing(at))
    }

    /// Now.
    #[must_use]
    pub fn now(&self) -> Micros {
        match self.0 {
            Time::Since(_) => self.at(Instant::now()),
            Time::Standing(at) => at,
        }
    }

    /// A moment taken elsewhere; zero if it lies before the clock's start. On a clock that stands still all moments are one.
    #[must_use]
    pub fn at(&self, moment: Instant) -> Micros {
        match self.0 {
            Time::Since(origin) => {
                let since = moment.saturating_duration_since(origin).as_micros();
                Micros(u64::try_from(since).unwrap_or(u64::MAX))
            }
            Time::Standing(at) => at,
        }
    }
}
