//! What is to be read: bounds as they are asked for, and what they come to.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use weir_bus::{Bound, BusConfig, Extent, LogReader, Stretch};

use super::row::Kind;

/// How long the cluster may take to answer, and a record to come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Verdicts are looked for from so long before the range on: gates' and workers' clocks differ.
const BEFORE_MS: i64 = 600_000;

/// One of the two topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Only {
    Prompts,
    Chunks,
}

/// A bound as it was given, and what it came to then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Where {
    pub(crate) text: String,
    pub(crate) bound: Bound,
}

/// Where the range begins and ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    pub(crate) from: Option<Bound>,
    pub(crate) to: Option<Bound>,
    pub(crate) partitions: Vec<i32>,
    pub(crate) only: Option<Only>,
}

/// Names of the topics read.
#[derive(Debug, Clone)]
pub(crate) struct Names {
    pub(crate) prompts: String,
    pub(crate) chunks: String,
    /// `None`: recorded verdicts are not asked for.
    pub(crate) verdicts: Option<String>,
}

/// A partition's share of the range, fixed when the replay began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Part {
    pub(crate) kind: Kind,
    pub(crate) topic: String,
    pub(crate) partition: i32,
    /// As asked for; below `low`, if so much had been deleted.
    pub(crate) asked: i64,
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) low: i64,
    pub(crate) high: i64,
    /// The verdicts to compare with, by their offsets.
    pub(crate) verdicts: Option<(i64, i64)>,
}

impl Part {
    pub(crate) const fn stretch(&self) -> Stretch {
        Stretch {
            partition: self.partition,
            start: self.start,
            end: self.end,
        }
    }

    pub(crate) const fn extent(&self) -> Extent {
        Extent {
            stretch: self.stretch(),
            asked: self.asked,
            low: self.low,
            high: self.high,
        }
    }

    /// Whether all that the partition ever held is in it.
    pub(crate) const fn is_all(&self) -> bool {
        self.start == 0 && self.low == 0 && self.end == self.high
    }

    /// A name for files.
    pub(crate) fn name(&self) -> String {
        format!("{}-{}", self.kind.as_str(), self.partition)
    }
}

/// Looks up what there is of the range now: prompts first, by partition.
pub(crate) fn resolve(bus: &BusConfig, range: &Range, names: &Names) -> Result<Vec<Part>> {
    let wanted = (!range.partitions.is_empty()).then_some(range.partitions.as_slice());
    let extents = |topic: &str, from, to| -> Result<Vec<Extent>> {
        Ok(LogReader::new(bus, topic)?.extents(wanted, from, to, PATIENCE)?)
    };
    // Verdicts first: then what they answer lies before the end of the others.
    let since = match range.from {
        Some(Bound::Time(at_ms)) => Some(Bound::Time(at_ms.saturating_sub(BEFORE_MS))),
        _ => None,
    };
    let verdicts = match &names.verdicts {
        Some(topic) => Some(extents(topic, since, None)?),
        None => None,
    };
    let mut parts = Vec::new();
    for (kind, topic, left_out) in [
        (Kind::Prompt, &names.prompts, Only::Chunks),
        (Kind::Stream, &names.chunks, Only::Prompts),
    ] {
        if range.only == Some(left_out) {
            continue;
        }
        for extent in extents(topic, range.from, range.to)? {
            let stretch = extent.stretch;
            let same = |other: &&Extent| other.stretch.partition == stretch.partition;
            let its = verdicts.as_ref().and_then(|all| all.iter().find(same));
            parts.push(Part {
                kind,
                topic: topic.clone(),
                partition: stretch.partition,
                asked: extent.asked,
                start: stretch.start,
                end: stretch.end,
                low: extent.low,
                high: extent.high,
                verdicts: its.map(|it| (it.stretch.start, it.stretch.end)),
            });
        }
    }
    Ok(parts)
}

/// An offset, a time ago (90m, 24h, 7d) or a time (2026-11-29T12:00:00Z).
pub(crate) fn bound(text: &str) -> Result<Where, String> {
    let bound = match text.parse() {
        Ok(offset) if offset >= 0 => Bound::Offset(offset),
        Ok(_) => return Err("offsets begin at 0".to_owned()),
        Err(_) => return moment(text),
    };
    Ok(Where {
        text: text.to_owned(),
        bound,
    })
}

/// A time ago or a time.
pub(crate) fn moment(text: &str) -> Result<Where, String> {
    Ok(Where {
        text: text.to_owned(),
        bound: Bound::Time(crate::range::moment(text)?),
    })
}

pub(crate) fn check(range: &Range) -> Result<()> {
    let order = match (range.from, range.to) {
        (Some(Bound::Offset(from)), Some(Bound::Offset(to))) => (from, to),
        (Some(Bound::Time(from)), Some(Bound::Time(to))) => (from, to),
        _ => return Ok(()),
    };
    if order.0 > order.1 {
        bail!("the range ends before it begins");
    }
    Ok(())
}

/// Records in all, at most: offsets may be without one.
pub(crate) fn offsets(parts: &[Part]) -> Result<usize> {
    let sum: i64 = parts.iter().map(|part| part.end - part.start).sum();
    usize::try_from(sum).context("the range is larger than this machine counts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_offsets_or_times() {
        let at = |text| bound(text).unwrap().bound;
        assert_eq!(at("0"), Bound::Offset(0));
        assert_eq!(at("1970-01-01T00:00:01Z"), Bound::Time(1000));
        assert_eq!(at("1970-01-01T01:00:00.5+01:00"), Bound::Time(500));
        assert!(matches!(at("24h"), Bound::Time(at) if at > 1_700_000_000_000));
        for wrong in [
            "-1",
            "",
            "yesterday",
            "1.5",
            "2026-11-29",
            "2026-13-01T00:00:00Z",
        ] {
            assert!(bound(wrong).is_err(), "{wrong}");
        }
        assert!(moment("17").is_err());
        let range = |from, to| Range {
            from: Some(from),
            to: Some(to),
            ..Range::default()
        };
        assert!(check(&range(Bound::Offset(2), Bound::Offset(1))).is_err());
        assert!(check(&range(Bound::Time(1), Bound::Time(1))).is_ok());
    }
}
