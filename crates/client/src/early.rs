//! Verdicts that came before the one on an earlier chunk.

use crate::ruling::Ruling;

/// Most verdicts that wait. At most two chunks of a stream are unanswered, so more than one is
/// repeats of several owners.
const MAX_WAITING: usize = 4;

/// Rulings that skip an unanswered chunk. Obeyed at once, they could release text whose masks are in
/// the verdict that was overtaken.
#[derive(Debug, Default)]
pub(crate) struct Early(Vec<Ruling>);

impl Early {
    /// Keeps it; `false` if it is known, or too many wait: it is only counted.
    pub(crate) fn keep(&mut self, ruling: Ruling) -> bool {
        let fits = self.0.len() < MAX_WAITING && !self.0.contains(&ruling);
        if fits {
            self.0.push(ruling);
        }
        fits
    }

    /// The lowest that skips nothing when `seq` is the oldest unanswered chunk; `None`: there is
    /// none.
    pub(crate) fn due(&mut self, oldest: Option<i64>) -> Option<Ruling> {
        let index = (0..self.0.len()).min_by_key(|index| self.0[*index].seq_from)?;
        let due = oldest.is_none_or(|seq| self.0[index].seq_from <= seq);
        due.then(|| self.0.remove(index))
    }
}
