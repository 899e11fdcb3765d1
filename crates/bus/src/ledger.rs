use std::collections::{BTreeMap, VecDeque};

/// Knows, for each partition, the lowest offset still needed.
///
/// An input is *open* from [`Ledger::begin`] until it has been finished and every output it
/// produced has been acknowledged. What may be committed is everything below the lowest open
/// input, so that whatever is lost in a crash is read again. The structure is pure: acknowledgements
/// may come in any order, for any partition, late or after the partition is gone.
#[derive(Debug, Default)]
pub struct Ledger {
    partitions: BTreeMap<i32, PartitionLedger>,
}

/// Names an open input: where it stands, and under which ownership of its partition. A late
/// acknowledgement from an earlier ownership is recognised by its epoch and ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct InputRef {
    /// Partition number.
    pub partition: i32,
    /// Epoch of ownership in which the input was read.
    pub epoch: i64,
    /// Offset of the input.
    pub offset: i64,
}

#[derive(Debug)]
struct PartitionLedger {
    epoch: i64,
    /// Inputs from the lowest open one on, in order of offset.
    inputs: VecDeque<Input>,
    /// What a commit would say: one past the last input of the done prefix.
    committable: Option<i64>,
    /// The same, when it was last taken by [`Ledger::take_commits`].
    taken: Option<i64>,
}

#[derive(Debug)]
struct Input {
    offset: i64,
    /// The work itself and each unacknowledged output count one.
    outstanding: u32,
    /// When it was begun, in the caller's microseconds.
    begun_us: u64,
}

impl Ledger {
    /// Takes up a partition; whatever was known of an earlier ownership is forgotten.
    pub fn assign(&mut self, partition: i32, epoch: i64) {
        let fresh = PartitionLedger {
            epoch,
            inputs: VecDeque::new(),
            committable: None,
            taken: None,
        };
        self.partitions.insert(partition, fresh);
    }

    /// Lets a partition go.
    pub fn revoke(&mut self, partition: i32) {
        self.partitions.remove(&partition);
    }

    /// The epoch under which the partition is owned, if it is.
    #[must_use]
    pub fn epoch(&self, partition: i32) -> Option<i64> {
        self.partitions.get(&partition).map(|ledger| ledger.epoch)
    }

    /// Opens an input. `None` when the partition is not owned, or the offset does not lie above
    /// every earlier one (it was read twice): then there is nothing to do for it.
    pub fn begin(&mut self, partition: i32, offset: i64, now_us: u64) -> Option<InputRef> {
        let ledger = self.partitions.get_mut(&partition)?;
        let last = ledger
            .inputs
            .back()
            .map_or(ledger.committable, |input| Some(input.offset + 1));
        if last.is_some_and(|next| offset < next) {
            return None;
        }
        ledger.inputs.push_back(Input {
            offset,
            outstanding: 1,
            begun_us: now_us,
        });
        Some(InputRef {
            partition,
            epoch: ledger.epoch,
            offset,
        })
    }

    /// Notes that an output of this input is on its way.
    pub fn expect_output(&mut self, input: InputRef) {
        if let Some(entry) = self.find(input) {
            entry.outstanding += 1;
        }
    }

    /// Notes that an output has been acknowledged, or (once) that the work itself is finished.
    pub fn settle(&mut self, input: InputRef) {
        let Some(entry) = self.find(input) else {
            return;
        };
        entry.outstanding = entry.outstanding.saturating_sub(1);
        if entry.outstanding > 0 {
            return;
        }
        let Some(ledger) = self.partitions.get_mut(&input.partition) else {
            return;
        };
        while let Some(front) = ledger.inputs.front()
            && front.outstanding == 0
        {
            ledger.committable = Some(front.offset + 1);
            ledger.inputs.pop_front();
        }
    }

    /// Whether the partition is still owned under the epoch that the input was read in.
    #[must_use]
    pub fn owns(&self, input: InputRef) -> bool {
        self.epoch(input.partition) == Some(input.epoch)
    }

    /// Open inputs of one partition.
    #[must_use]
    pub fn open(&self, partition: i32) -> usize {
        self.partitions
            .get(&partition)
            .map_or(0, |ledger| ledger.inputs.len())
    }

    /// Open inputs of all partitions.
    #[must_use]
    pub fn open_total(&self) -> usize {
        self.partitions
            .values()
            .map(|ledger| ledger.inputs.len())
            .sum()
    }

    /// When the oldest open input of a partition was begun, in the caller's microseconds: no offset passes it.
    #[must_use]
    pub fn oldest_open_us(&self, partition: i32) -> Option<u64> {
        let ledger = self.partitions.get(&partition)?;
        ledger.inputs.front().map(|input| input.begun_us)
    }

    /// What may be committed and was not taken before: (partition, epoch, offset to commit).
    pub fn take_commits(&mut self) -> Vec<(i32, i64, i64)> {
        self.partitions
            .iter_mut()
            .filter(|(_, ledger)| ledger.committable != ledger.taken)
            .filter_map(|(partition, ledger)| {
                ledger.taken = ledger.committable;
                ledger
                    .committable
                    .map(|offset| (*partition, ledger.epoch, offset))
            })
            .collect()
    }

    fn find(&mut self, input: InputRef) -> Option<&mut Input> {
        let ledger = self.partitions.get_mut(&input.partition)?;
        if ledger.epoch != input.epoch {
            return None;
        }
        // Offsets rise but may have gaps (compaction, transaction markers), hence the search.
        let index = ledger
            .inputs
            .binary_search_by_key(&input.offset, |entry| entry.offset)
            .ok()?;
        ledger.inputs.get_mut(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owned() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.assign(0, 1);
        ledger
    }

    #[test]
    fn commits_only_the_done_prefix() {
        let mut ledger = owned();
        let [a, b, c] = [10, 11, 15].map(|offset| ledger.begin(0, offset, 0).unwrap());
        ledger.settle(b);
        ledger.settle(c);
        assert_eq!(ledger.take_commits(), []);
        ledger.settle(a);
        assert_eq!(ledger.take_commits(), [(0, 1, 16)]);
        assert_eq!(ledger.take_commits(), [], "a commit is taken once");
    }

    #[test]
    fn the_oldest_open_input_is_told_of_each_partition() {
        let mut ledger = owned();
        ledger.assign(1, 1);
        assert_eq!(ledger.oldest_open_us(0), None);
        let first = ledger.begin(0, 10, 100).unwrap();
        ledger.begin(0, 11, 200).unwrap();
        let done = ledger.begin(1, 10, 50).unwrap();
        ledger.settle(done);
        let open = |ledger: &Ledger| [0, 1, 2].map(|partition| ledger.oldest_open_us(partition));
        assert_eq!(open(&ledger), [Some(100), None, None]);
        ledger.settle(first);
        assert_eq!(open(&ledger), [Some(200), None, None]);
    }

    #[test]
    fn an_input_is_done_when_all_its_outputs_are() {
        let mut ledger = owned();
        let input = ledger.begin(0, 0, 0).unwrap();
        ledger.expect_output(input);
        ledger.expect_output(input);
        ledger.settle(input);
        ledger.settle(input);
        assert_eq!(ledger.take_commits(), []);
        ledger.settle(input);
        assert_eq!(ledger.take_commits(), [(0, 1, 1)]);
    }

    #[test]
    fn late_acknowledgements_of_an_earlier_epoch_change_nothing() {
        let mut ledger = owned();
        let early = ledger.begin(0, 5, 0).unwrap();
        ledger.revoke(0);
        ledger.settle(early);
        ledger.assign(0, 2);
        let again = ledger.begin(0, 5, 0).unwrap();
        ledger.settle(early);
        assert_eq!(ledger.take_commits(), []);
        assert!(!ledger.owns(early) && ledger.owns(again));
        ledger.settle(again);
        assert_eq!(ledger.take_commits(), [(0, 2, 6)]);
    }

    #[test]
    fn repeated_offsets_and_foreign_partitions_are_not_begun() {
        let mut ledger = owned();
        let input = ledger.begin(0, 5, 0).unwrap();
        assert_eq!(ledger.begin(0, 5, 0), None);
        ledger.settle(input);
        assert_eq!(ledger.begin(0, 5, 0), None);
        assert_eq!(ledger.begin(7, 0, 0), None);
        assert!(ledger.begin(0, 6, 0).is_some());
    }

    #[derive(Debug, Clone)]
    enum Op {
        Begin { gap: i64 },
        Output(usize),
        Settle(usize),
        Reassign,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            3 => (0..3i64).prop_map(|gap| Op::Begin { gap }),
            2 => any::<usize>().prop_map(Op::Output),
            5 => any::<usize>().prop_map(Op::Settle),
            1 => Just(Op::Reassign),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]

        /// Against a model that keeps every input with its count: what is committed never lies
        /// past an unfinished input, and once all is settled it lies past them all.
        #[test]
        fn never_commits_past_an_unfinished_input(ops in prop::collection::vec(op(), 1..200)) {
            let mut ledger = owned();
            let mut epoch = 1;
            let mut next_offset = 0;
            let mut model: Vec<(InputRef, u32)> = Vec::new();
            let check = |ledger: &mut Ledger, model: &[(InputRef, u32)]| {
                for (_, _, committed) in ledger.take_commits() {
                    for (input, outstanding) in model {
                        prop_assert!(
                            *outstanding == 0 || input.offset >= committed,
                            "{committed} was committed past {input:?}"
                        );
                    }
                }
                Ok(())
            };
            for op in ops {
                match op {
                    Op::Begin { gap } => {
                        next_offset += gap;
                        let input = ledger.begin(0, next_offset, 0).unwrap();
                        model.push((input, 1));
                        next_offset += 1;
                    }
                    Op::Output(pick) => {
                        let open: Vec<usize> =
                            (0..model.len()).filter(|index| model[*index].1 > 0).collect();
                        if !open.is_empty() {
                            let index = open[pick % open.len()];
                            ledger.expect_output(model[index].0);
                            model[index].1 += 1;
                        }
                    }
                    Op::Settle(pick) => {
                        if !model.is_empty() {
                            let index = pick % model.len();
                            ledger.settle(model[index].0);
                            model[index].1 = model[index].1.saturating_sub(1);
                        }
                    }
                    Op::Reassign => {
                        epoch += 1;
                        ledger.revoke(0);
                        ledger.assign(0, epoch);
                        // The new owner starts at the lowest offset that was still needed.
                        next_offset = model
                            .iter()
                            .find(|(_, outstanding)| *outstanding > 0)
                            .map_or(next_offset, |(input, _)| input.offset);
                        model.clear();
                    }
                }
                check(&mut ledger, &model)?;
            }
            let last = model.last().map(|(input, _)| input.offset + 1);
            for (input, outstanding) in &mut model {
                while *outstanding > 0 {
                    ledger.settle(*input);
                    *outstanding -= 1;
                }
            }
            prop_assert_eq!(ledger.open_total(), 0);
            let committed = ledger.partitions[&0].committable;
            prop_assert_eq!(committed, last.or(committed));
        }
    }
}
