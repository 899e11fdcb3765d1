//! Checkpoints as records, and what a log of them says.

use std::collections::HashMap;

use weir_bus::{InRecord, unix_ms};
use weir_lane::SavedStream;
use weir_registry::Ids;
use weir_wire::Checkpoint;

/// Header of a tombstone, decimal: one of an earlier owner's does not end a stream that a later one saved.
pub(super) const EPOCH_HEADER: &str = "weir-owner-epoch";

/// The last word on a stream.
pub(super) enum Last<'a> {
    Saved(&'a InRecord, Box<Checkpoint>),
    /// Its last checkpoint cannot be read.
    Unreadable,
    Over,
}

/// What the log says last of each stream, by partition and key. An owner that has been replaced may go on
/// writing for a moment: what a later one wrote counts.
pub(super) fn last_words<'a>(
    records: &'a [InRecord],
    ids: &Ids,
) -> HashMap<(i32, &'a [u8]), Last<'a>> {
    let mut last: HashMap<(i32, &[u8]), (i64, Last<'a>)> = HashMap::new();
    for record in records {
        let key = (record.partition, record.key.as_deref().unwrap_or_default());
        let known = last.get(&key).map_or(i64::MIN, |(epoch, _)| *epoch);
        let (epoch, word) = match &record.payload {
            None => (tombstone_epoch(record), Last::Over),
            Some(value) => match read_checkpoint(record, value, ids) {
                Ok(checkpoint) => (
                    checkpoint.owner_epoch,
                    Last::Saved(record, Box::new(checkpoint)),
                ),
                Err(reason) => {
                    tracing::warn!(
                        partition = record.partition,
                        offset = record.offset,
                        reason,
                        "a checkpoint cannot be read"
                    );
                    (known, Last::Unreadable)
                }
            },
        };
        if epoch >= known {
            last.insert(key, (epoch, word));
        }
    }
    last.into_iter()
        .map(|(key, (_, word))| (key, word))
        .collect()
}

/// Of whose ownership a tombstone is; without a word of it, it ends what is there.
fn tombstone_epoch(record: &InRecord) -> i64 {
    let epoch = record.header(EPOCH_HEADER);
    let epoch = epoch.and_then(|epoch| std::str::from_utf8(epoch).ok());
    epoch
        .and_then(|epoch| epoch.parse().ok())
        .unwrap_or(i64::MAX)
}

/// The checkpoint in a record, or what is wrong with it.
fn read_checkpoint(record: &InRecord, value: &[u8], ids: &Ids) -> Result<Checkpoint, String> {
    let checkpoint: Checkpoint =
        weir_wire::decode_with(ids, value).map_err(|error| error.to_string())?;
    if record.key.as_deref() != Some(checkpoint.stream_id.as_bytes()) {
        return Err("its key is not its stream's id".to_owned());
    }
    if checkpoint.source.partition != record.partition {
        return Err("its stream belongs to another partition".to_owned());
    }
    if checkpoint.next_seq < 0 {
        return Err("next_seq begins at 0".to_owned());
    }
    Ok(checkpoint)
}

pub(super) fn checkpoint(saved: SavedStream) -> Checkpoint {
    Checkpoint {
        stream_id: saved.stream_id,
        request_id: saved.request_id,
        tenant: saved.tenant,
        policy_hash: saved.policy_hash,
        owner_epoch: saved.owner_epoch,
        next_seq: saved.next_seq,
        source: saved.source,
        saved_at_ms: unix_ms(),
        state: saved.state,
    }
}

pub(super) fn saved_stream(checkpoint: Checkpoint) -> SavedStream {
    SavedStream {
        stream_id: checkpoint.stream_id,
        request_id: checkpoint.request_id,
        tenant: checkpoint.tenant,
        policy_hash: checkpoint.policy_hash,
        owner_epoch: checkpoint.owner_epoch,
        next_seq: checkpoint.next_seq,
        source: checkpoint.source,
        state: checkpoint.state,
    }
}

#[cfg(test)]
mod tests {
    use weir_types::Source;

    use super::*;

    fn saved(stream_id: &str, owner_epoch: i64, next_seq: i64) -> Checkpoint {
        Checkpoint {
            stream_id: stream_id.to_owned(),
            request_id: "r".to_owned(),
            tenant: "acme".to_owned(),
            policy_hash: "00".to_owned(),
            owner_epoch,
            next_seq,
            source: Source {
                topic: "chunks".into(),
                partition: 1,
                offset: 7,
            },
            saved_at_ms: 0,
            state: vec![1, 2, 3],
        }
    }

    fn record(key: &str, checkpoint: &Checkpoint) -> InRecord {
        let mut payload = Vec::new();
        weir_wire::encode(checkpoint, &mut payload).unwrap();
        InRecord {
            partition: 1,
            key: Some(key.into()),
            payload: Some(payload),
            ..InRecord::default()
        }
    }

    fn tombstone(key: &str, epoch: Option<&str>) -> InRecord {
        let header = |epoch: &str| (EPOCH_HEADER.to_owned(), Some(epoch.into()));
        InRecord {
            partition: 1,
            key: Some(key.into()),
            headers: epoch.map(header).into_iter().collect(),
            ..InRecord::default()
        }
    }

    /// The last word on the only stream: the next chunk's number, `over` or `unreadable`.
    fn word(records: &[InRecord]) -> String {
        let words: Vec<_> = last_words(records, &Ids::compiled_in())
            .into_values()
            .collect();
        match &words[..] {
            [Last::Saved(_, checkpoint)] => checkpoint.next_seq.to_string(),
            [Last::Unreadable] => "unreadable".to_owned(),
            [Last::Over] => "over".to_owned(),
            _ => panic!("{} streams", words.len()),
        }
    }

    #[test]
    fn the_last_word_on_a_stream_counts_and_the_later_owners() {
        let at = |epoch, next_seq| record("s", &saved("s", epoch, next_seq));
        let over = |epoch| tombstone("s", epoch);
        for (records, expected) in [
            (vec![at(1, 3), at(1, 5)], "5"),
            (vec![at(1, 3), at(2, 5), at(1, 9)], "5"),
            (vec![at(1, 3), over(Some("1"))], "over"),
            (vec![at(2, 3), over(Some("1"))], "3"),
            (vec![at(2, 3), over(Some("not a number"))], "over"),
            (vec![at(2, 3), over(None)], "over"),
            // The same id again, after it was over.
            (vec![at(1, 3), over(Some("1")), at(1, 2)], "2"),
        ] {
            assert_eq!(word(&records), expected);
        }
    }

    #[test]
    fn a_checkpoint_that_cannot_be_read_is_no_reason_to_go_on_from_the_one_before() {
        let good = record("s", &saved("s", 1, 3));
        let with = |payload: &[u8]| InRecord {
            payload: Some(payload.to_vec()),
            ..good.clone()
        };
        let frame = good.payload.clone().unwrap();
        let mut elsewhere = saved("s", 1, 3);
        elsewhere.source.partition = 0;
        for bad in [
            with(b""),
            with(b"{}"),
            with(&frame[..frame.len() - 1]),
            record("s", &saved("another", 1, 3)),
            record("s", &saved("s", 1, -1)),
            record("s", &elsewhere),
        ] {
            assert_eq!(word(&[good.clone(), bad.clone()]), "unreadable");
            assert_eq!(word(&[bad, good.clone()]), "3");
        }
    }

    #[test]
    fn keys_of_other_partitions_are_other_streams() {
        let one = record("s", &saved("s", 1, 3));
        let other = InRecord {
            partition: 0,
            ..tombstone("s", None)
        };
        assert_eq!(last_words(&[one, other], &Ids::compiled_in()).len(), 2);
    }
}
