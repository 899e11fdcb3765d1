//! Figures for people.

use super::vitals::Quantiles;

/// `-` for what is not known.
pub(crate) fn rate(per_s: Option<f64>) -> String {
    per_s.map_or_else(unknown, |rate| match rate {
        rate if rate >= 100.0 || rate == 0.0 => format!("{rate:.0}"),
        rate => format!("{rate:.1}"),
    })
}

pub(crate) fn count(count: Option<f64>) -> String {
    count.map_or_else(unknown, |count| format!("{count:.0}"))
}

/// Seconds, in the unit that suits them.
pub(crate) fn duration(seconds: f64) -> String {
    if seconds >= 1.0 {
        format!("{seconds:.1} s")
    } else {
        format!("{:.1} ms", seconds * 1000.0)
    }
}

/// p50, p95 and p99.
pub(crate) fn quantiles(latency: Option<Quantiles>) -> [String; 3] {
    latency.map_or_else(
        || [unknown(), unknown(), unknown()],
        |latency| [latency.p50_s, latency.p95_s, latency.p99_s].map(duration),
    )
}

pub(crate) fn mebibytes(bytes: Option<f64>) -> String {
    bytes.map_or_else(unknown, |bytes| {
        format!("{:.0} MiB", bytes / f64::from(1 << 20))
    })
}

/// `0-3`, `0,2`; `-` for none.
pub(crate) fn partitions(partitions: &[i32]) -> String {
    let mut runs: Vec<(i32, i32)> = Vec::new();
    for &partition in partitions {
        match runs.last_mut() {
            Some((_, last)) if *last + 1 == partition => *last = partition,
            _ => runs.push((partition, partition)),
        }
    }
    if runs.is_empty() {
        return unknown();
    }
    let shown = runs.into_iter().map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    shown.collect::<Vec<_>>().join(",")
}

fn unknown() -> String {
    "-".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        assert_eq!(rate(Some(0.0)), "0");
        assert_eq!(rate(Some(12.34)), "12.3");
        assert_eq!(rate(Some(1234.5)), "1234");
        assert_eq!(rate(None), "-");
        assert_eq!(duration(0.001_25), "1.2 ms");
        assert_eq!(duration(12.34), "12.3 s");
        assert_eq!(mebibytes(Some(2_097_152.0)), "2 MiB");
        assert_eq!(partitions(&[0, 1, 2, 5, 7, 8]), "0-2,5,7-8");
        assert_eq!(partitions(&[]), "-");
    }
}
