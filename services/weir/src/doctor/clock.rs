//! Whether clocks agree.
//!
//! Neither a broker nor a registry has a call that asks for the time. HTTP servers tell it with every answer (`Date`), a
//! broker on records that it stamps itself: for that a topic has to be made, so it is done only when asked for.

use std::time::{SystemTime, UNIX_EPOCH};

use weir_bus::admin::BrokerTime;
use weir_registry::Page;

use super::report::Check;

/// From here on latencies, lags in seconds and the times in reports are wrong by more than they are about.
const FAILED_FROM_MS: i64 = 5000;
/// Machines that keep time agree to some milliseconds.
const WARNING_FROM_MS: i64 = 1000;
/// `Date` has whole seconds, cut off.
const DATE_STEP_MS: i64 = 1000;

/// What another's clock showed between two looks at this machine's, in milliseconds since the Unix epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    asked_ms: i64,
    theirs_ms: i64,
    answered_ms: i64,
    /// Theirs is between this and `step_ms` more.
    step_ms: i64,
}

impl Reading {
    /// `None` where the server does not tell its time.
    pub(super) fn of_page(page: &Page) -> Option<Self> {
        Some(Self {
            asked_ms: unix_ms(page.asked),
            theirs_ms: unix_ms(page.date?),
            answered_ms: unix_ms(page.answered),
            step_ms: DATE_STEP_MS,
        })
    }

    pub(super) const fn of_broker(time: BrokerTime) -> Self {
        Self {
            asked_ms: time.asked_ms,
            theirs_ms: time.broker_ms,
            answered_ms: time.answered_ms,
            step_ms: 1,
        }
    }

    /// By how much theirs is ahead of this machine's, and how far that may be from the truth, in milliseconds.
    const fn ahead_ms(self) -> (i64, i64) {
        let theirs = self.theirs_ms + self.step_ms / 2;
        let ours = self.asked_ms.midpoint(self.answered_ms);
        let within = (self.answered_ms - self.asked_ms + self.step_ms) / 2;
        (theirs - ours, within)
    }

    /// What is to be said of it.
    pub(super) fn check(self, name: String) -> Check {
        let (ahead, within) = self.ahead_ms();
        let certain = ahead.abs() - within;
        let than = if ahead < 0 { "behind" } else { "ahead of" };
        let found = format!(
            "{} ± {} s {than} this machine's",
            seconds(ahead.abs()),
            seconds(within)
        );
        let fix = "set both machines by NTP: timedatectl set-ntp true, or chrony; chronyc tracking tells which one is wrong";
        if certain >= FAILED_FROM_MS {
            Check::failed(name, found, fix)
        } else if certain >= WARNING_FROM_MS {
            Check::warning(name, found, fix)
        } else {
            Check::ok(name, found)
        }
    }
}

fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

fn unix_ms(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::super::report::State;
    use super::*;

    fn state(theirs_ms: i64, step_ms: i64, took_ms: i64) -> State {
        let reading = Reading {
            asked_ms: 1_000_000,
            theirs_ms: 1_000_000 + theirs_ms,
            answered_ms: 1_000_000 + took_ms,
            step_ms,
        };
        reading.check("clock".to_owned()).state
    }

    #[test]
    fn only_what_is_certain_is_held_against_a_clock() {
        assert_eq!(state(3, 1, 6), State::Ok);
        assert_eq!(state(-999, 1, 6), State::Ok);
        assert_eq!(state(1500, 1, 6), State::Warning);
        assert_eq!(state(-1500, 1, 6), State::Warning);
        assert_eq!(state(10_000, 1, 6), State::Failed);
        assert_eq!(state(-10_000, 1, 6), State::Failed);
        // A date cut to its second is at most a second old.
        assert_eq!(state(-999, DATE_STEP_MS, 6), State::Ok);
        assert_eq!(state(9_000, DATE_STEP_MS, 6), State::Failed);
        // Whoever took long may have told its time at any moment of it.
        assert_eq!(state(5_000, 1, 5_000), State::Ok);
        assert_eq!(state(10_000, 1, 5_000), State::Failed);
    }

    #[test]
    fn by_how_much_and_in_which_direction_is_said() {
        let reading = |theirs_ms| Reading {
            asked_ms: 0,
            theirs_ms,
            answered_ms: 20,
            step_ms: 1,
        };
        let found = |theirs_ms| reading(theirs_ms).check(String::new()).found;
        assert_eq!(found(10_010), "10.000 ± 0.010 s ahead of this machine's");
        assert_eq!(found(-9_990), "10.000 ± 0.010 s behind this machine's");
    }
}
