//! Verdicts of the second look on a stream.

use weir_types::{Action, Verdict};

use super::Guard;
use crate::effect::Effect;
use crate::masks::Veil;
use crate::position;

impl Guard {
    /// Takes in what a superseding verdict forbids, whatever its owner epoch and `checked_to`. It
    /// releases nothing, answers no chunk and ends nothing but by a block.
    pub(super) fn tighten(&mut self, verdict: &Verdict, effects: &mut Vec<Effect>) {
        if verdict.action == Action::Block {
            let shown_to = self.text.start();
            let mut at = verdict.truncate_at.map_or(shown_to, position::from_record);
            if self.decided.is_none() {
                // What no fast verdict has released is not this one's to show.
                at = at.min(shown_to);
            }
            let disposition = verdict.disposition;
            self.block(at, disposition, verdict.completion.clone(), effects);
        } else if verdict.action == Action::Allow || self.over || self.decided.is_some() {
            self.stale += 1;
        } else {
            let shown_to = self.text.start();
            for veil in verdict.findings.iter().filter_map(Veil::of) {
                self.veils.add(veil, shown_to, self.sent_to);
            }
        }
    }
}
