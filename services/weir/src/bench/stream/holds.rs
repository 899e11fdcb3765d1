//! How long text is held beyond the verdict that answers its own chunk.

use std::collections::VecDeque;
use std::time::Duration;

/// Durations with weights, nearly all of them zero.
#[derive(Debug, Default, Clone)]
pub(crate) struct Holds {
    /// Weight of what was not held at all.
    at_once: u64,
    held: Vec<(Duration, u64)>,
}

impl Holds {
    pub(crate) fn add(&mut self, hold: Duration, weight: u64) {
        if hold.is_zero() {
            self.at_once += weight;
        } else if weight > 0 {
            self.held.push((hold, weight));
        }
    }

    pub(crate) fn append(&mut self, mut other: Self) {
        self.at_once += other.at_once;
        self.held.append(&mut other.held);
    }

    fn held_weight(&self) -> u64 {
        self.held.iter().map(|(_, weight)| weight).sum()
    }

    pub(crate) fn weight(&self) -> u64 {
        self.at_once + self.held_weight()
    }

    /// Share of the weight that was held.
    pub(crate) fn share(&self) -> f64 {
        ratio(self.held_weight(), self.weight())
    }

    /// The hold that so many thousandths of the weight do not exceed, by nearest rank, in ms.
    pub(crate) fn quantile_ms(&self, per_mille: u64) -> f64 {
        let rank = (self.weight() * per_mille).div_ceil(1000);
        let mut sorted = self.held.clone();
        sorted.sort_unstable();
        let mut below = self.at_once;
        if rank <= below {
            return 0.0;
        }
        for (hold, weight) in sorted {
            below += weight;
            if rank <= below {
                return hold.as_secs_f64() * 1000.0;
            }
        }
        0.0
    }
}

/// One stream's chunks until their text has been shown.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    chunks: VecDeque<Chunk>,
    shown_to: usize,
}

#[derive(Debug)]
struct Chunk {
    seq: i64,
    from: usize,
    to: usize,
    answered: Option<Duration>,
}

impl Waiting {
    /// A chunk was sent.
    pub(crate) fn sent(&mut self, seq: i64, from: usize, to: usize) {
        self.chunks.push_back(Chunk {
            seq,
            from,
            to,
            answered: None,
        });
    }

    /// A verdict covers chunks up to `seq_to`.
    pub(crate) fn answered(&mut self, seq_to: i64, now: Duration) {
        for chunk in &mut self.chunks {
            if chunk.seq <= seq_to {
                chunk.answered.get_or_insert(now);
            }
        }
    }

    /// How far text was shown.
    pub(crate) const fn shown_to(&self) -> usize {
        self.shown_to
    }

    /// Text was shown up to `to`: counts its bytes, and the chunks whose last byte that shows.
    pub(crate) fn shown(
        &mut self,
        to: usize,
        now: Duration,
        bytes: &mut Holds,
        chunks: &mut Holds,
    ) {
        while let Some(chunk) = self.chunks.front() {
            let hold = chunk
                .answered
                .map_or(Duration::ZERO, |answered| now.saturating_sub(answered));
            let until = to.min(chunk.to);
            let more = until.saturating_sub(self.shown_to.max(chunk.from));
            bytes.add(hold, u64::try_from(more).unwrap_or(0));
            self.shown_to = self.shown_to.max(until);
            if to < chunk.to {
                return;
            }
            // A chunk that only ends the stream has no text to hold.
            chunks.add(hold, u64::from(chunk.to > chunk.from));
            self.chunks.pop_front();
        }
    }
}

/// Zero of nothing is zero.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn quantiles_go_by_weight() {
        let mut holds = Holds::default();
        assert_eq!((holds.quantile_ms(950), holds.share()), (0.0, 0.0));
        holds.add(ms(0), 95);
        holds.add(ms(30), 1);
        holds.add(ms(20), 4);
        assert_eq!(holds.quantile_ms(950), 0.0);
        assert_eq!(holds.quantile_ms(951), 20.0);
        assert_eq!(holds.quantile_ms(990), 20.0);
        assert_eq!(holds.quantile_ms(1000), 30.0);
        assert!((holds.share() - 0.05).abs() < 1e-9);
    }

    #[test]
    fn a_hold_counts_from_the_answer_to_the_texts_own_chunk() {
        let (mut bytes, mut chunks) = (Holds::default(), Holds::default());
        let mut waiting = Waiting::default();
        waiting.sent(0, 0, 10);
        waiting.answered(0, ms(5));
        waiting.shown(6, ms(5), &mut bytes, &mut chunks);
        waiting.sent(1, 10, 20);
        waiting.answered(1, ms(25));
        waiting.shown(20, ms(25), &mut bytes, &mut chunks);
        waiting.sent(2, 20, 20);
        waiting.answered(2, ms(30));
        waiting.shown(20, ms(30), &mut bytes, &mut chunks);
        // Four bytes of the first chunk waited for the second one's verdict; the end has no text.
        assert_eq!(
            (bytes.at_once, bytes.held.as_slice()),
            (16, &[(ms(20), 4)][..])
        );
        assert_eq!(
            (chunks.at_once, chunks.held.as_slice()),
            (1, &[(ms(20), 1)][..])
        );
        assert!(waiting.chunks.is_empty());
    }

    #[test]
    fn text_shown_before_its_verdict_was_not_held() {
        let (mut bytes, mut chunks) = (Holds::default(), Holds::default());
        let mut waiting = Waiting::default();
        waiting.sent(0, 0, 3);
        waiting.shown(3, ms(9), &mut bytes, &mut chunks);
        assert_eq!((bytes.weight(), bytes.share()), (3, 0.0));
    }
}
