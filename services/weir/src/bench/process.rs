//! The program under test, in a process of its own so that its costs are its own.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

/// Clock ticks a second in `/proc/<pid>/stat`: 100 on every Linux that Rust's std supports.
const TICKS_PER_SECOND: f64 = 100.0;
/// How long a process may take to be ready.
const READY_PATIENCE: Duration = Duration::from_secs(30);

/// A child that is killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Subject {
    child: Child,
}

impl Subject {
    /// Starts this very program with `args` and waits for a line of its standard output that
    /// `ready` takes something from.
    pub(crate) fn start<T>(
        args: &[String],
        ready: impl Fn(&str) -> Option<T>,
    ) -> anyhow::Result<(Self, T)> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut child = Command::new(program)
            .args(args)
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the program under test")?;
        let stdout = child
            .stdout
            .take()
            .context("the program under test has no output")?;
        let subject = Self { child };
        let deadline = Instant::now() + READY_PATIENCE;
        for line in BufReader::new(stdout).lines() {
            if let Some(found) = ready(&line?) {
                return Ok((subject, found));
            }
            if Instant::now() >= deadline {
                break;
            }
        }
        bail!(
            "the program under test ended or was not ready: {}",
            args.join(" ")
        )
    }

    /// Processor time it has used, all threads, in seconds; in steps of 10 ms.
    pub(crate) fn cpu_seconds(&self) -> anyhow::Result<f64> {
        cpu_seconds(&self.child.id().to_string())
    }

    /// Resident memory, MiB.
    pub(crate) fn rss_mib(&self) -> anyhow::Result<f64> {
        mib(&self.child.id().to_string(), "VmRSS:")
    }
}

/// Most memory that this process has had at once, MiB.
pub(crate) fn peak_rss_mib() -> anyhow::Result<f64> {
    mib("self", "VmHWM:")
}

/// Processor time a process (its id, or `self`) has used, all threads, in seconds; in steps of 10 ms.
pub(crate) fn cpu_seconds(process: &str) -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The second field is the name in parentheses and may hold spaces.
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = after_name.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next().and_then(|field| field.parse::<f64>().ok());
    let (user, system) = (ticks(), ticks());
    match (user, system) {
        (Some(user), Some(system)) => Ok((user + system) / TICKS_PER_SECOND),
        _ => bail!("/proc/{process}/stat is not as expected"),
    }
}

fn mib(process: &str, field: &str) -> anyhow::Result<f64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status"))?;
    status
        .lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|rest| rest.split_ascii_whitespace().next()?.parse::<f64>().ok())
        .map(|kib| kib / 1024.0)
        .with_context(|| format!("{field} is not in /proc/{process}/status"))
}

impl Drop for Subject {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `http://addr/ready` says 200.
pub(crate) fn wait_until_ready(addr: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + READY_PATIENCE;
    while Instant::now() < deadline {
        if get(addr, "/ready").is_ok_and(|answer| answer.starts_with("HTTP/1.1 200")) {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    bail!(
        "the gate at {addr} was not ready within {} s",
        READY_PATIENCE.as_secs()
    )
}

/// Sum of a metric's samples over all its labels.
pub(crate) fn metric_sum(exposition: &str, name: &str) -> f64 {
    exposition
        .lines()
        .filter_map(|line| line.strip_prefix(name))
        .filter(|rest| rest.starts_with(['{', ' ']))
        .filter_map(|rest| rest.rsplit_once(' ')?.1.parse::<f64>().ok())
        .sum()
}

/// The raw answer to a GET.
pub(crate) fn get(addr: &str, path: &str) -> anyhow::Result<String> {
    let mut stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: {addr}\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_a_metric_over_its_labels_and_no_other() {
        let text =
            "# HELP a_total x\na_total{x=\"1\"} 2\na_total{x=\"2 }\"} 3\na_total_more 9\nb 4\n";
        assert!((metric_sum(text, "a_total") - 5.0).abs() < 1e-9);
        assert!((metric_sum(text, "b") - 4.0).abs() < 1e-9);
    }
}
