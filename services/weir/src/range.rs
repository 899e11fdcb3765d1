//! Records of a topic in a range of time.

use std::time::Duration;

use anyhow::bail;
use chrono::DateTime;
use clap::Args;
use weir_bus::{InRecord, LogReader, unix_ms};
use weir_registry::Subjects;
use weir_wire::Record;

use crate::args::BrokerArgs;
use crate::progress::progress_bar;
use crate::registry::RegistryArgs;

/// Offsets read at once: bounds what is held in memory.
const PIECE: i64 = 20_000;
/// How long one piece may take, and a transaction that is open to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Which records, by their timestamps.
#[derive(Debug, Clone, Args)]
pub(crate) struct RangeArgs {
    /// Only records written so long ago or less, by their timestamps: 90m, 24h, 7d.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Duration>,
    /// Only records from this moment on: 24h (ago), or 2026-11-29T00:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = moment, conflicts_with = "since")]
    from: Option<i64>,
    /// Only records before this moment.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<i64>,
}

/// From and until when, Unix milliseconds; the end is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from_ms: Option<i64>,
    pub(crate) until_ms: i64,
}

impl Range {
    /// The last so and so long; `None`: all.
    pub(crate) fn since(since: Option<Duration>) -> Self {
        Self {
            from_ms: since.map(ago),
            until_ms: i64::MAX,
        }
    }

    fn holds(&self, at_ms: i64) -> bool {
        self.from_ms.is_none_or(|from| at_ms >= from) && at_ms < self.until_ms
    }
}

impl RangeArgs {
    pub(crate) fn range(&self) -> anyhow::Result<Range> {
        let range = Range {
            from_ms: self.since.map(ago).or(self.from),
            until_ms: self.until.unwrap_or(i64::MAX),
        };
        if range.from_ms.is_some_and(|from| from >= range.until_ms) {
            bail!("the range ends before it begins: --until must be later than --from or --since");
        }
        Ok(range)
    }
}

fn ago(duration: Duration) -> i64 {
    unix_ms().saturating_sub(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// Hands over the committed records that are there now, piece by piece; `None` for one of another kind, which is
/// logged.
pub(crate) fn read<T: Record>(
    broker: &BrokerArgs,
    registry: &RegistryArgs,
    topic: &str,
    range: Range,
    mut take: impl FnMut(Option<T>),
) -> anyhow::Result<()> {
    let reader = LogReader::new(&broker.bus()?.read_committed(), topic)?;
    // The embedded broker does not find offsets by time; it holds little, and timestamps are looked at below.
    let from_ms = range.from_ms.filter(|_| !broker.options.embedded_broker);
    let stretches = reader.stretches(None, from_ms, PATIENCE)?;
    let whole: i64 = stretches
        .iter()
        .map(|stretch| stretch.end - stretch.start)
        .sum();
    let bar = progress_bar(usize::try_from(whole).unwrap_or(0), "records");
    let subjects = Subjects::default().on_topic(T::SUBJECT, topic);
    let mut ids = registry.ids(&subjects, &[], &[T::SUBJECT], None)?;
    for piece in stretches.into_iter().flat_map(|one| one.pieces(PIECE)) {
        for record in reader.read_stretch(piece, PATIENCE)? {
            // Those that are younger than the first may lie behind one that is older.
            if range.holds(record.timestamp_ms) {
                ids.wait_long(record.payload.as_deref())?;
                take(decoded(&record, &ids));
            }
        }
        bar.inc(piece.end.abs_diff(piece.start));
    }
    bar.finish_and_clear();
    Ok(())
}

fn decoded<T: Record>(record: &InRecord, ids: &weir_registry::Ids) -> Option<T> {
    let payload = record.payload.as_deref().unwrap_or_default();
    weir_wire::decode_with(ids, payload)
        .inspect_err(|error| {
            tracing::warn!(
                %error,
                partition = record.partition,
                offset = record.offset,
                "a record of another kind"
            );
        })
        .ok()
}

/// A length of time: a whole number and `s`, `m`, `h` or `d`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let wrong = || format!("\"{text}\" is no time: a number and s, m, h or d, as in 24h");
    let unit = text.chars().last().ok_or_else(wrong)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    Ok(Duration::from_secs(u64::from(number) * seconds))
}

/// A time ago, or a time; Unix milliseconds.
pub(crate) fn moment(text: &str) -> Result<i64, String> {
    if let Ok(duration) = time(text) {
        return Ok(ago(duration));
    }
    DateTime::parse_from_rfc3339(text)
        .map(|at| at.timestamp_millis())
        .map_err(|_| format!("\"{text}\" is no time: 90m, 24h, 7d (ago), or 2026-11-29T12:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_with_a_unit() {
        for (text, seconds) in [("0s", 0), ("90m", 5400), ("24h", 86_400), ("7d", 604_800)] {
            assert_eq!(time(text), Ok(Duration::from_secs(seconds)));
        }
        for text in [
            "", "h", "24", "-1h", "1.5h", "24 h", "24H", "1h30m", "1\u{fc}",
        ] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn moments_are_times_or_times_ago() {
        assert_eq!(moment("1970-01-01T00:00:01Z"), Ok(1000));
        assert_eq!(moment("1970-01-01T01:00:01.5+01:00"), Ok(1500));
        assert!(moment("1h").unwrap() <= ago(Duration::from_secs(3600)));
        for text in ["yesterday", "2026-11-29", "2026-11-29T00:00:00", "24"] {
            assert!(moment(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_range_has_its_beginning_and_not_its_end() {
        let range = Range {
            from_ms: Some(5),
            until_ms: 9,
        };
        assert_eq!(
            [4, 5, 8, 9].map(|at| range.holds(at)),
            [false, true, true, false]
        );
        let backwards = RangeArgs {
            since: None,
            from: Some(9),
            until: Some(5),
        };
        assert!(backwards.range().is_err());
    }
}
