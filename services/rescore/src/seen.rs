//! Which texts have been looked at. Pure.

use std::collections::{HashSet, VecDeque};

/// Moderation ids of one partition over as long as flagged records are kept.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    ids: HashSet<u128>,
    /// By when they were written, oldest first, in Unix milliseconds.
    order: VecDeque<(i64, u128)>,
}

impl Seen {
    pub(crate) fn contains(&self, id: &str) -> bool {
        self.ids.contains(&number(id))
    }

    /// Notes an id, and forgets those that are older than `forget_before_ms`.
    pub(crate) fn insert(&mut self, id: &str, now_ms: i64, forget_before_ms: i64) {
        let id = number(id);
        if self.ids.insert(id) {
            self.order.push_back((now_ms, id));
        }
        while let Some((when, id)) = self.order.front()
            && *when < forget_before_ms
        {
            self.ids.remove(id);
            self.order.pop_front();
        }
    }
}

/// Ids are 32 hex digits; one that is not is nobody's.
fn number(id: &str) -> u128 {
    u128::from_str_radix(id, 16).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_known_until_their_records_are_gone() {
        let (one, two) = ("0f".repeat(16), "f0".repeat(16));
        let mut seen = Seen::default();
        seen.insert(&one, 100, 0);
        seen.insert(&one, 150, 0);
        assert!(seen.contains(&one) && !seen.contains(&two));
        seen.insert(&two, 200, 100);
        assert!(seen.contains(&one) && seen.contains(&two));
        seen.insert(&two, 300, 101);
        assert!(!seen.contains(&one) && seen.contains(&two));
    }
}
