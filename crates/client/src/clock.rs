//! The one place that reads a clock.

use std::time::{Duration, Instant};

use weir_types::Micros;

/// The process's monotonic clock, from when the worker connected.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { origin: now() }
    }

    pub(crate) fn now(self) -> Micros {
        let passed = now().saturating_duration_since(self.origin);
        Micros(u64::try_from(passed.as_micros()).unwrap_or(u64::MAX))
    }

    /// The moment `at`, for a timer.
    pub(crate) fn instant(self, at: Micros) -> tokio::time::Instant {
        let after = self.origin.checked_add(Duration::from_micros(at.0));
        // A moment beyond the end of time: as good as never.
        let instant = after.unwrap_or(self.origin + Duration::from_secs(u64::from(u32::MAX)));
        tokio::time::Instant::from_std(instant)
    }
}

#[expect(clippy::disallowed_methods, reason = "the shell's clock")]
pub(crate) fn now() -> Instant {
    Instant::now()
}
