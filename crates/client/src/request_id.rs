//! Request ids whose verdicts come back on partitions that the worker reads.

use crate::murmur2::partition_of;

/// Draws request ids that hash into a worker's own partitions.
///
/// An id is a number that only this process has, and a count: unique, not secret.
#[derive(Debug, Clone)]
pub struct RequestIds {
    process: u64,
    next: u64,
    partitions: i32,
    own: Vec<i32>,
}

impl RequestIds {
    /// Ids of the process `process`, of which there must be no other, for the partitions `own` out of
    /// `partitions`.
    ///
    /// Partitions that there are not count for nothing; if none is left, all are its own.
    #[must_use]
    pub fn new(process: u64, partitions: i32, mut own: Vec<i32>) -> Self {
        let partitions = partitions.max(1);
        own.retain(|it| (0..partitions).contains(it));
        if own.is_empty() {
            own = (0..partitions).collect();
        }
        Self {
            process,
            next: 0,
            partitions,
            own,
        }
    }

    /// A new id, and the partition that it hashes to: of `partitions / own.len()` tries on average.
    pub fn draw(&mut self) -> (String, i32) {
        loop {
            let id = format!("{:016x}-{:x}", self.process, self.next);
            self.next = self.next.wrapping_add(1);
            let partition = partition_of(id.as_bytes(), self.partitions);
            if self.own.contains(&partition) {
                return (id, partition);
            }
        }
    }

    /// The partition for a request whose id was drawn elsewhere: its own if the worker reads it, else
    /// always the same one of the worker's.
    #[must_use]
    pub fn partition_for(&self, foreign_id: &str) -> i32 {
        let natural = partition_of(foreign_id.as_bytes(), self.partitions);
        if self.own.contains(&natural) {
            return natural;
        }
        let count = i32::try_from(self.own.len()).unwrap_or(i32::MAX);
        let index = partition_of(foreign_id.as_bytes(), count);
        usize::try_from(index).map_or(natural, |index| self.own[index])
    }
}

/// `count` different partitions out of `partitions`, drawn by `seed`; all of them if they are fewer.
#[must_use]
pub fn choose_partitions(partitions: i32, count: usize, seed: u64) -> Vec<i32> {
    let mut all: Vec<i32> = (0..partitions).collect();
    all.sort_by_key(|partition| {
        let key = [seed.to_le_bytes(), i64::from(*partition).to_le_bytes()].concat();
        crate::murmur2::murmur2(&key)
    });
    all.truncate(count.max(1));
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn ids_differ_and_hash_into_the_own_partitions(
            process: u64, partitions in 1..100, count in 1..4usize, seed: u64,
        ) {
            let own = choose_partitions(partitions, count, seed);
            prop_assert_eq!(own.len(), count.min(usize::try_from(partitions).unwrap()));
            let mut ids = RequestIds::new(process, partitions, own.clone());
            let mut seen = HashSet::new();
            for _ in 0..20 {
                let (id, partition) = ids.draw();
                prop_assert_eq!(partition_of(id.as_bytes(), partitions), partition);
                prop_assert!(own.contains(&partition));
                prop_assert_eq!(ids.partition_for(&id), partition);
                prop_assert!(seen.insert(id));
            }
        }

        #[test]
        fn a_foreign_id_is_pinned_to_an_own_partition(id in ".*", partitions in 1..100, seed: u64) {
            let own = choose_partitions(partitions, 2, seed);
            let ids = RequestIds::new(1, partitions, own.clone());
            let partition = ids.partition_for(&id);
            prop_assert!(own.contains(&partition));
            prop_assert_eq!(ids.partition_for(&id), partition);
        }
    }

    #[test]
    fn partitions_that_are_not_there_are_not_drawn() {
        for own in [vec![], vec![4], vec![-1, 3]] {
            let (_, partition) = RequestIds::new(1, 4, own).draw();
            assert!((0..4).contains(&partition));
        }
    }
}
