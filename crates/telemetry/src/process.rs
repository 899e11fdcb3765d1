//! Memory and processor time of the process, read from `/proc` at each scrape.
//!
//! The metrics library's own collector is not used: it pulls in `procfs` and `rustix`, and it
//! counts processor time in whole seconds, too coarse to see a gate at rest.

use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge};

use crate::catalogue::{PROCESS_CPU, PROCESS_RESIDENT};
use crate::metrics::opts;

/// Ticks per second in `/proc/*/stat`: `USER_HZ`, 100 on every Linux architecture that Rust's
/// tier 1 and 2 cover, whatever the kernel's own rate (man 5 `proc_pid_stat`, man 7 `time`).
const USER_HZ: f64 = 100.0;

pub(crate) struct ProcessCollector {
    cpu: Counter,
    resident: Gauge,
    // The counter is rewritten at each scrape; two scrapes at once must not mix.
    collecting: Mutex<()>,
}

impl ProcessCollector {
    pub(crate) fn new() -> prometheus::Result<Self> {
        Ok(Self {
            cpu: Counter::with_opts(opts(&PROCESS_CPU))?,
            resident: Gauge::with_opts(opts(&PROCESS_RESIDENT))?,
            collecting: Mutex::new(()),
        })
    }
}

impl Collector for ProcessCollector {
    fn desc(&self) -> Vec<&Desc> {
        let mut descs = self.cpu.desc();
        descs.extend(self.resident.desc());
        descs
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let _guard = self
            .collecting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut families = Vec::with_capacity(2);
        if let Some(seconds) = read("/proc/self/stat").as_deref().and_then(cpu_seconds) {
            self.cpu.reset();
            self.cpu.inc_by(seconds);
            families.extend(self.cpu.collect());
        }
        // `status` gives kilobytes; `statm` counts pages, whose size only `libc` knows.
        if let Some(bytes) = read("/proc/self/status")
            .as_deref()
            .and_then(resident_bytes)
        {
            self.resident.set(bytes);
            families.extend(self.resident.collect());
        }
        families
    }
}

fn read(path: &str) -> Option<String> {
    // The command name in `stat` may hold any bytes, so invalid UTF-8 is not an error.
    let bytes = std::fs::read(path).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// User plus system time from the text of a `stat` file, in seconds.
pub(crate) fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the command in brackets and may itself hold spaces and brackets.
    let (_, after_command) = stat.rsplit_once(')')?;
    // Fields 14 and 15 of the line; field 3 is the first after the command.
    let mut fields = after_command.split_ascii_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / USER_HZ)
}

fn resident_bytes(status: &str) -> Option<f64> {
    let value = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: f64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_is_read_after_the_last_bracket_of_the_command() {
        let line = "7 (we (ir) 1 2) S 1 7 7 0 -1 4194560 5 0 0 0 250 50 0 0 20 0 3 0 9 1 2";
        assert_eq!(cpu_seconds(line), Some(3.0));
        for broken in [
            "",
            "7 weir",
            "7 (weir) S 1",
            "7 (w) S 1 7 7 0 -1 4 5 0 0 0 x 50",
        ] {
            assert_eq!(cpu_seconds(broken), None, "{broken}");
        }
    }

    #[test]
    fn resident_memory_is_kilobytes_of_status() {
        assert_eq!(
            resident_bytes("VmHWM:\t9 kB\nVmRSS:\t    12 kB\n"),
            Some(12_288.0)
        );
        assert_eq!(resident_bytes("VmHWM:\t9 kB\n"), None);
        assert_eq!(resident_bytes("VmRSS:\t9 MB\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_uses_memory() {
        let families = ProcessCollector::new().unwrap().collect();
        assert_eq!(families.len(), 2);
        assert!(families[1].get_metric()[0].get_gauge().get_value() > 100_000.0);
    }
}
