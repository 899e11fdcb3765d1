//! Latency samples and their quantiles.

use std::time::Duration;

/// Every sample is kept: quantiles are exact.
#[derive(Debug, Default, Clone)]
pub(crate) struct Latencies(Vec<Duration>);

impl Latencies {
    pub(crate) fn add(&mut self, latency: Duration) {
        self.0.push(latency);
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.0.append(&mut other.0);
    }

    pub(crate) const fn count(&self) -> usize {
        self.0.len()
    }

    /// How many took longer.
    pub(crate) fn count_above(&self, bound: Duration) -> usize {
        self.0.iter().filter(|latency| **latency > bound).count()
    }

    /// p50, p95, p99 and p99.9 in milliseconds, by nearest rank; zeros without samples.
    pub(crate) fn quantiles_ms(&self) -> [f64; 4] {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        [500, 950, 990, 999].map(|per_mille| {
            let rank = (sorted.len() * per_mille).div_ceil(1000);
            let sample = rank.checked_sub(1).and_then(|index| sorted.get(index));
            sample.map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_by_nearest_rank() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.quantiles_ms(), [0.0; 4]);
        for ms in (1..=1000).rev() {
            latencies.add(Duration::from_millis(ms));
        }
        assert_eq!(latencies.quantiles_ms(), [500.0, 950.0, 990.0, 999.0]);
    }
}
