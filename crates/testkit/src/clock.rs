use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use weir_types::Micros;

/// A clock that moves only when a test moves it. Clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct VirtualClock {
    now_us: Arc<AtomicU64>,
}

impl VirtualClock {
    /// A clock that shows `start`.
    #[must_use]
    pub fn starting_at(start: Micros) -> Self {
        Self {
            now_us: Arc::new(AtomicU64::new(start.0)),
        }
    }

    /// The time it shows.
    #[must_use]
    pub fn now(&self) -> Micros {
        Micros(self.now_us.load(Ordering::SeqCst))
    }

    /// Moves it on by `step` and gives the new time; it saturates at the end of time.
    pub fn advance(&self, step: Micros) -> Micros {
        self.move_with(|now| now.plus(step))
    }

    /// Moves it on to `moment` and gives the new time; a moment that has passed leaves it alone,
    /// as a monotonic clock never goes back.
    pub fn advance_to(&self, moment: Micros) -> Micros {
        self.move_with(|now| now.max(moment))
    }

    fn move_with(&self, step: impl Fn(Micros) -> Micros) -> Micros {
        let next = |now_us| Some(step(Micros(now_us)).0);
        // The closure always gives a value, so both arms are the time before.
        let before = match self
            .now_us
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, next)
        {
            Ok(before) | Err(before) => before,
        };
        step(Micros(before))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moves_only_when_told_and_never_back() {
        let clock = VirtualClock::starting_at(Micros(10));
        let seen_elsewhere = clock.clone();
        assert_eq!(clock.now(), Micros(10));
        assert_eq!(clock.advance(Micros(5)), Micros(15));
        assert_eq!(clock.advance_to(Micros(12)), Micros(15));
        assert_eq!(clock.advance_to(Micros(40)), Micros(40));
        assert_eq!(seen_elsewhere.now(), Micros(40));
        assert_eq!(clock.advance(Micros(u64::MAX)), Micros(u64::MAX));
    }
}
