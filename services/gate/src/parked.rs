//! Records whose schema has still to be asked for. They stay open in the ledger, so that no offset passes them, and others
//! are judged meanwhile.

use weir_bus::{InRecord, InputRef};
use weir_registry::Ids;

/// With so many records or bytes parked the lane takes up no more: a registry that is away must not fill memory.
const MOST_RECORDS: usize = 1000;
const MOST_BYTES: usize = 16 << 20;

#[derive(Debug, Default)]
pub(crate) struct Parked {
    records: Vec<(InRecord, InputRef)>,
    bytes: usize,
}

impl Parked {
    pub(crate) fn add(&mut self, record: &InRecord, input: InputRef) {
        self.bytes += record.bytes();
        self.records.push((record.clone(), input));
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.records.len() >= MOST_RECORDS || self.bytes >= MOST_BYTES
    }

    /// Takes out those that need wait no more, in the order in which they came.
    pub(crate) fn take_ready(&mut self, ids: &mut Ids) -> (Vec<InRecord>, Vec<InputRef>) {
        let ready = self
            .records
            .extract_if(.., |(record, _)| !ids.is_waiting(record.payload.as_deref()));
        let (records, inputs): (Vec<_>, Vec<_>) = ready.unzip();
        self.bytes -= records.iter().map(InRecord::bytes).sum::<usize>();
        (records, inputs)
    }

    /// Others own these partitions from now on.
    pub(crate) fn forget(&mut self, partitions: &[i32]) {
        self.records
            .retain(|(record, _)| !partitions.contains(&record.partition));
        self.bytes = self.records.iter().map(|(record, _)| record.bytes()).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(records: usize, bytes: usize) -> Parked {
        let mut parked = Parked::default();
        for offset in 0..i64::try_from(records).unwrap() {
            let partition = i32::from(offset % 2 == 1);
            let record = InRecord {
                partition,
                offset,
                payload: Some(vec![0; bytes]),
                ..InRecord::default()
            };
            let input = InputRef {
                partition,
                epoch: 1,
                offset,
            };
            parked.add(&record, input);
        }
        parked
    }

    #[test]
    fn it_is_full_of_records_or_of_bytes_until_they_go() {
        assert!(!parked(MOST_RECORDS - 1, 1).is_full());
        let mut many = parked(MOST_RECORDS, 1);
        assert!(many.is_full());
        many.forget(&[0]);
        assert!(!many.is_full() && many.len() == MOST_RECORDS / 2);

        let mut large = parked(2, MOST_BYTES / 2);
        assert!(large.is_full());
        let (records, inputs) = large.take_ready(&mut Ids::compiled_in());
        let offsets: Vec<i64> = inputs.iter().map(|input| input.offset).collect();
        assert_eq!((records.len(), offsets), (2, vec![0, 1]));
        assert!(!large.is_full() && large.len() == 0);
    }
}
