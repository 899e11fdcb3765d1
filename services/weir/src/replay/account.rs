//! What was replayed of a part and what was not. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use weir_bus::Extent;

/// Gaps listed by their ends, the widest; the rest is only counted.
const LISTED_GAPS: usize = 100;
/// Schemas counted one by one: whoever writes may write any number of ids.
const LISTED_SCHEMAS: usize = 100;

/// One partition of one topic.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// First offset of the range, where records have been deleted from there on: the first one left.
    pub(crate) start: i64,
    /// One past the last.
    pub(crate) end: i64,
    /// Offsets that were asked for and had been deleted before the replay began.
    pub(crate) deleted_before: i64,
    pub(crate) read: u64,
    pub(crate) judged: u64,
    /// Records that cannot be judged, by reason; a dead letter of the gate's each.
    pub(crate) poison: BTreeMap<String, u64>,
    /// Judging them panicked.
    pub(crate) panicked: u64,
    /// Records by the schema id of their frame, whether it can be read or not.
    #[serde(default)]
    pub(crate) schemas: BTreeMap<u32, u64>,
    /// Offsets of the range at which nothing was found.
    pub(crate) absent: u64,
    pub(crate) gaps: Vec<Gap>,
    /// Records older than one before them; time does not go back for them.
    pub(crate) out_of_order: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) streams: Option<StreamAccount>,
}

/// Offsets without a record, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Gap {
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) why: Why,
}

impl Gap {
    const fn width(&self) -> u64 {
        self.last.abs_diff(self.first) + 1
    }
}

/// Why an offset has no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Why {
    /// Deleted while the range was being read.
    Deleted,
    /// Compacted away, or the mark of a transaction.
    NoRecord,
}

/// What became of chunks and their streams.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StreamAccount {
    /// Streams judged from their first chunk to their end.
    pub(crate) complete: u64,
    /// Judged as far as the range goes: their end is not in it.
    pub(crate) open_at_end: u64,
    /// Not judged: their first chunk lies before the range.
    pub(crate) begun_before: u64,
    pub(crate) chunks_new: u64,
    pub(crate) chunks_repeated: u64,
    /// Came after their stream was over, by a block or by its end.
    pub(crate) chunks_late: u64,
    /// Of streams that were not judged.
    pub(crate) chunks_of_begun_before: u64,
}

impl Account {
    pub(crate) fn of(topic: &str, extent: &Extent) -> Self {
        let stretch = extent.stretch;
        Self {
            topic: topic.to_owned(),
            partition: stretch.partition,
            start: stretch.start,
            end: stretch.end,
            deleted_before: (extent.low.min(extent.high) - extent.asked).max(0),
            ..Self::default()
        }
    }

    /// Notes that the next record stands at `offset` where `expected` might have.
    pub(crate) fn skipped(&mut self, expected: i64, offset: i64) {
        if offset <= expected {
            return;
        }
        self.absent += offset.abs_diff(expected);
        self.gaps.push(Gap {
            first: expected,
            last: offset - 1,
            why: Why::NoRecord,
        });
        if self.gaps.len() > LISTED_GAPS {
            // Retention takes whole segments: what it took is among the widest.
            let narrowest = (0..self.gaps.len()).min_by_key(|at| self.gaps[*at].width());
            narrowest.map(|at| self.gaps.remove(at));
        }
    }

    /// Notes which schema a record names, if it is a frame.
    pub(crate) fn schema(&mut self, payload: Option<&[u8]>) {
        let Some(Ok(id)) = payload.map(weir_wire::schema_id) else {
            return;
        };
        if self.schemas.len() < LISTED_SCHEMAS || self.schemas.contains_key(&id) {
            *self.schemas.entry(id).or_default() += 1;
        }
    }

    /// Tells apart, now that the part is read, what was deleted meanwhile: all that lies below the first offset left. What
    /// had no record there before is among it: nobody can tell any more.
    pub(crate) fn explain(&mut self, low: i64) {
        let split = |gap: Gap| {
            let at = |first: i64, last: i64, why| Gap { first, last, why };
            let deleted = at(gap.first, gap.last.min(low - 1), Why::Deleted);
            let rest = at(gap.first.max(low), gap.last, gap.why);
            [deleted, rest]
                .into_iter()
                .filter(|gap| gap.first <= gap.last)
        };
        self.gaps = self.gaps.drain(..).flat_map(split).collect();
    }

    /// Offsets found deleted, before or during the replay.
    pub(crate) fn deleted(&self) -> u64 {
        let gaps = self.gaps.iter().filter(|gap| gap.why == Why::Deleted);
        let during: u64 = gaps.map(Gap::width).sum();
        during + self.deleted_before.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use weir_bus::Stretch;

    use super::*;

    const fn gap(first: i64, last: i64, why: Why) -> Gap {
        Gap { first, last, why }
    }

    #[test]
    fn what_is_not_there_is_told_by_why() {
        let extent = Extent {
            stretch: Stretch {
                partition: 2,
                start: 10,
                end: 100,
            },
            asked: 4,
            low: 10,
            high: 100,
        };
        let mut account = Account::of("t", &extent);
        account.skipped(10, 10);
        account.skipped(11, 30);
        account.skipped(31, 40);
        account.explain(30);
        assert_eq!(
            account.gaps,
            [gap(11, 29, Why::Deleted), gap(31, 39, Why::NoRecord)]
        );
        assert_eq!((account.absent, account.deleted()), (28, 25));
    }

    #[test]
    fn a_gap_may_be_deleted_in_part() {
        let mut account = Account::default();
        account.skipped(10, 40);
        account.explain(30);
        let told = [gap(10, 29, Why::Deleted), gap(30, 39, Why::NoRecord)];
        assert_eq!(account.gaps, told);
        account.explain(30);
        assert_eq!(
            (account.gaps.as_slice(), account.deleted()),
            (&told[..], 20)
        );
    }

    #[test]
    fn what_was_deleted_is_told_however_many_gaps_there_are() {
        let mut account = Account::default();
        for at in 0..1_000 {
            account.skipped(2 * at, 2 * at + 1);
        }
        account.skipped(2_000, 5_000);
        account.explain(5_000);
        assert_eq!(account.absent, 4_000);
        assert_eq!(account.gaps.len(), LISTED_GAPS);
        assert_eq!(account.gaps.last(), Some(&gap(2_000, 4_999, Why::Deleted)));
    }

    #[test]
    fn schemas_are_counted_and_no_more_of_them_than_can_be_listed() {
        let mut account = Account::default();
        for id in (0..1_000_u32).chain([7]) {
            let frame = [&[0][..], &id.to_be_bytes()].concat();
            account.schema(Some(&frame));
        }
        for none in [None, Some(&b"{}"[..])] {
            account.schema(none);
        }
        assert_eq!(account.schemas.len(), LISTED_SCHEMAS);
        assert_eq!((account.schemas[&7], account.schemas[&8]), (2, 1));
    }
}
