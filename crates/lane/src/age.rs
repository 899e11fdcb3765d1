use std::collections::HashMap;

use weir_types::Micros;

/// Producers remembered at most; the rest share one entry, so a flood of names costs no memory.
const MAX_PRODUCERS: usize = 4096;

/// Clock skew that is believed, ms. A record that looks older than this at first sight is old,
/// not skewed: after an outage the backlog must be recognised before any fresh record has shown
/// what the producer's clock reads. Producers are expected within 5 s; this leaves as much again.
const BELIEVABLE_SKEW_MS: i64 = 10_000;

/// Estimates how long a record has been on its way when neither clock can be trusted.
///
/// Receipt time minus producer time is age plus skew. The smallest such difference seen from a
/// producer is its skew (plus its fastest delivery), so what exceeds it is age. Estimates only
/// order and skip work; the client's own clock decides what is late.
#[derive(Debug, Default)]
pub struct AgeEstimator {
    smallest_ms: HashMap<String, i64>,
}

impl AgeEstimator {
    /// Age of a record from `producer` that it stamped `produced_at_ms` and that was received at
    /// `received_at_ms`, both Unix milliseconds by their own clocks.
    pub fn age(&mut self, producer: &str, produced_at_ms: i64, received_at_ms: i64) -> Micros {
        let difference = received_at_ms.saturating_sub(produced_at_ms);
        let smallest = match self.smallest_ms.get_mut(producer) {
            Some(smallest) => smallest,
            None => {
                let key = if self.smallest_ms.len() < MAX_PRODUCERS {
                    producer
                } else {
                    ""
                };
                self.smallest_ms.entry(key.to_owned()).or_insert(difference)
            }
        };
        *smallest = (*smallest).min(difference);
        let age_ms = difference.saturating_sub((*smallest).min(BELIEVABLE_SKEW_MS));
        Micros::from_millis(age_ms.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skew_of_five_seconds_either_way_is_not_age() {
        for skew in [-5000, 0, 5000] {
            let mut ages = AgeEstimator::default();
            for now in (0..1000).step_by(10) {
                let produced = now + skew;
                assert_eq!(
                    ages.age("w", produced, now + 1),
                    Micros::ZERO,
                    "skew {skew}"
                );
            }
            assert_eq!(
                ages.age("w", 1000 + skew, 1051),
                Micros::from_millis(50),
                "skew {skew}"
            );
        }
    }

    #[test]
    fn backlog_is_old_at_first_sight() {
        let mut ages = AgeEstimator::default();
        assert_eq!(ages.age("w", 0, 60_000), Micros::from_millis(50_000));
        // The backlog drains: ages fall as fresh records come.
        assert_eq!(ages.age("w", 60_000, 60_001), Micros::ZERO);
    }

    #[test]
    fn many_producers_share_the_last_entry() {
        let mut ages = AgeEstimator::default();
        for index in 0..MAX_PRODUCERS + 100 {
            ages.age(&format!("w{index}"), 0, 1);
        }
        assert!(ages.smallest_ms.len() <= MAX_PRODUCERS + 1);
    }

    #[test]
    fn absurd_timestamps_do_not_panic() {
        let mut ages = AgeEstimator::default();
        for produced in [i64::MIN, -1, 0, i64::MAX] {
            ages.age("w", produced, 1_700_000_000_000);
        }
    }
}
