//! Positions in a stream's text: `usize` here, `i64` in records.

/// A record's position; what no text can have becomes the nearest that one can.
pub(crate) fn from_record(position: i64) -> usize {
    usize::try_from(position.max(0)).unwrap_or(usize::MAX)
}

/// A position for a record.
pub(crate) fn to_record(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
