//! What a benchmark reports: JSON for machines, a few lines for people.

use std::io::Write;
use std::process::Command;

use serde::Serialize;

use super::quantiles::Latencies;

/// Latency quantiles in milliseconds, and what they count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Quantiles {
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) p999_ms: f64,
    pub(crate) count: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) echo: Quantiles,
    /// How the better echo sent.
    pub(crate) echo_sending: &'static str,
    pub(crate) weir: Quantiles,
    pub(crate) ratio_p95: f64,
    pub(crate) ratio_p99: f64,
    pub(crate) gate_cpu_us_per_prompt: f64,
    pub(crate) echo_cpu_us_per_prompt: f64,
    /// The gate's beyond the echo's.
    pub(crate) added_cpu_us_per_prompt: f64,
    pub(crate) classifier_cpu_us_per_prompt: f64,
    pub(crate) rss_mib: f64,
    pub(crate) rate_per_s: u32,
    pub(crate) seconds: u64,
    pub(crate) rounds: u8,
    pub(crate) text_bytes: usize,
    pub(crate) answered: usize,
    pub(crate) missing: usize,
    pub(crate) repeated: usize,
    /// Verdicts that something did not judge, over the whole run.
    pub(crate) unjudged: f64,
    pub(crate) sustained_per_s: Option<u32>,
    pub(crate) sustained: Option<Quantiles>,
    pub(crate) sustained_steps: Vec<SustainStep>,
    pub(crate) machine: Machine,
    pub(crate) commit: &'static str,
    pub(crate) date: String,
    pub(crate) broker: String,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct SustainStep {
    pub(crate) rate_per_s: u32,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) missing: usize,
    pub(crate) unjudged: f64,
    pub(crate) held: bool,
}

#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) os: &'static str,
}

impl Quantiles {
    pub(crate) fn of(latencies: &Latencies) -> Self {
        let [p50_ms, p95_ms, p99_ms, p999_ms] = latencies.quantiles_ms();
        Self {
            p50_ms,
            p95_ms,
            p99_ms,
            p999_ms,
            count: latencies.count(),
        }
    }
}

pub(crate) fn machine() -> Machine {
    let cpu = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split_once(": ")?.1.to_owned())
        })
        .unwrap_or_else(|| "unknown".to_owned());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    Machine {
        cpu,
        cores,
        os: std::env::consts::OS,
    }
}

pub(crate) fn date() -> anyhow::Result<String> {
    let output = Command::new("date")
        .args(["-u", "+%Y-%m-%dT%H:%M:%SZ"])
        .output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

pub(crate) fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    let line = |out: &mut dyn Write, name: &str, q: &Quantiles| {
        writeln!(
            out,
            "{name:<6} p50 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2} ms",
            q.p50_ms, q.p95_ms, q.p99_ms, q.p999_ms
        )
    };
    writeln!(
        out,
        "{}/s for {} s on {}",
        report.rate_per_s, report.seconds, report.broker
    )?;
    line(out, "echo", &report.echo)?;
    line(out, "weir", &report.weir)?;
    writeln!(
        out,
        "ratio  p95 {:.2}  p99 {:.2}",
        report.ratio_p95, report.ratio_p99
    )?;
    writeln!(
        out,
        "cpu    gate {:.1}, echo {:.1}, classifier {:.1} us a prompt; {:.0} MiB",
        report.gate_cpu_us_per_prompt,
        report.echo_cpu_us_per_prompt,
        report.classifier_cpu_us_per_prompt,
        report.rss_mib
    )?;
    writeln!(
        out,
        "answered {}, missing {}, unjudged {}",
        report.answered, report.missing, report.unjudged
    )?;
    if let Some(rate) = report.sustained_per_s {
        writeln!(out, "sustained {rate}/s")?;
    }
    Ok(())
}
