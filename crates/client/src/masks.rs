//! What was found of text that has not been shown, and how to mask it.

use weir_detect::mask::{Mask, Masked, Place, apply_with};
use weir_types::{Finding, Span};

use crate::position;

/// Most findings that wait for the release of their bytes. What comes beyond is masked together
/// with the last one and all that lies between: too much, never too little.
const MAX_WAITING: usize = 1024;

/// A span of the stream's text and its mask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Veil {
    from: usize,
    to: usize,
    mask: Mask,
    label: String,
}

impl Veil {
    /// `None` for a finding that the policy leaves as it is.
    pub(crate) fn of(finding: &Finding) -> Option<Self> {
        let from = position::from_record(finding.span.start);
        let to = position::from_record(finding.span.end);
        let mask = finding.mask?;
        (from < to).then(|| Self {
            from,
            to,
            mask,
            label: finding.label().to_owned(),
        })
    }
}

/// The veils that wait for the release of their bytes.
#[derive(Debug, Default)]
pub(crate) struct Veils(Vec<Veil>);

impl Veils {
    /// Remembers `veil`, unless its bytes were shown already. Nothing beyond `sent` can have been
    /// found.
    pub(crate) fn add(&mut self, mut veil: Veil, shown: usize, sent: usize) {
        veil.to = veil.to.min(sent);
        if veil.to <= shown.max(veil.from) || self.0.contains(&veil) {
            return;
        }
        if self.0.len() < MAX_WAITING {
            self.0.push(veil);
        } else if let Some(last) = self.0.last_mut() {
            last.from = last.from.min(veil.from);
            last.to = last.to.max(veil.to);
            last.mask = Mask::Full;
        }
    }

    /// The furthest place up to `limit` that lies inside no veil.
    pub(crate) fn outside(&self, mut limit: usize) -> usize {
        let inside = |at: usize| move |veil: &&Veil| veil.from < at && at < veil.to;
        while let Some(veil) = self.0.iter().find(inside(limit)) {
            limit = veil.from;
        }
        limit
    }

    /// `text`, which begins at `start`, masked; `tell` hears where.
    pub(crate) fn mask(&self, text: &[u8], start: usize, tell: impl FnMut(Place)) -> Vec<u8> {
        if self.0.is_empty() {
            return text.to_vec();
        }
        let spans: Vec<Masked<'_>> = self
            .0
            .iter()
            .map(|veil| Masked {
                span: Span {
                    start: position::to_record(veil.from),
                    end: position::to_record(veil.to),
                },
                mask: veil.mask,
                label: &veil.label,
            })
            .collect();
        apply_with(text, position::to_record(start), &spans, tell)
    }

    /// Forgets the veils whose bytes have been shown.
    pub(crate) fn drop_before(&mut self, shown: usize) {
        self.0.retain(|veil| veil.to > shown);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn veil(from: usize, to: usize) -> Veil {
        Veil {
            from,
            to,
            mask: Mask::LastFour,
            label: String::new(),
        }
    }

    #[test]
    fn a_place_outside_all_veils_is_found_through_chains() {
        let mut veils = Veils::default();
        for (from, to) in [(7, 12), (3, 8), (20, 22)] {
            veils.add(veil(from, to), 0, 100);
        }
        let places = [2, 3, 5, 10, 12, 19, 21, 30].map(|limit| veils.outside(limit));
        assert_eq!(places, [2, 3, 3, 3, 12, 19, 20, 30]);
    }

    #[test]
    fn what_was_shown_or_never_sent_is_not_remembered() {
        let mut veils = Veils::default();
        veils.add(veil(0, 4), 4, 100);
        veils.add(veil(50, 60), 4, 50);
        assert_eq!(veils.0, []);
        veils.add(veil(50, 60), 4, 55);
        veils.add(veil(50, 60), 4, 55);
        assert_eq!(veils.0, [veil(50, 55)]);
        veils.drop_before(55);
        assert_eq!(veils.0, []);
    }

    #[test]
    fn too_many_are_masked_together() {
        let mut veils = Veils::default();
        for at in 0..MAX_WAITING + 10 {
            veils.add(veil(2 * at, 2 * at + 1), 0, usize::MAX);
        }
        assert_eq!(veils.0.len(), MAX_WAITING);
        let last = veils.0.last().unwrap();
        assert_eq!(
            (last.from, last.to),
            (2 * MAX_WAITING - 2, 2 * (MAX_WAITING + 9) + 1)
        );
        assert_eq!(last.mask, Mask::Full);
    }
}
