//! What `weir bench stream` reports.

use std::io::Write;

use serde::Serialize;
use weir_types::Micros;

use super::memory::Memory;
use super::watched::{Tally, duration};
use crate::bench::report::{Machine, Quantiles};

#[derive(Debug, Serialize)]
pub(crate) struct Report {
    #[serde(flatten)]
    pub(crate) latency: Option<Latency>,
    /// Chunks a second that were answered with P95 <= 50 ms, at the best step.
    pub(crate) sustained_chunks_per_s: Option<f64>,
    pub(crate) sustained_steps: Vec<Step>,
    pub(crate) bytes_per_stream: Option<f64>,
    pub(crate) memory: Option<Memory>,
    pub(crate) cpu_per_chunk_long_over_short: Option<f64>,
    pub(crate) length: Option<Length>,
    /// Over all parts, warm-up included.
    pub(crate) safety: Safety,
    pub(crate) leaked_bytes: usize,
    pub(crate) fail_mode_cuts: usize,
    pub(crate) timeouts: u64,
    pub(crate) load_average_before: String,
    pub(crate) load_average_after: String,
    pub(crate) machine: Machine,
    pub(crate) commit: &'static str,
    pub(crate) date: String,
    pub(crate) broker: String,
}

/// Streams at a rate that the machine carries easily.
#[derive(Debug, Serialize)]
pub(crate) struct Latency {
    pub(crate) added_first_text_p50_ms: f64,
    pub(crate) added_first_text_p95_ms: f64,
    pub(crate) added_first_text_p99_ms: f64,
    pub(crate) first_texts: usize,
    pub(crate) chunk_verdict_p50_ms: f64,
    pub(crate) chunk_verdict_p95_ms: f64,
    pub(crate) chunk_verdict_p99_ms: f64,
    pub(crate) chunk_verdict_p999_ms: f64,
    /// Share of chunks whose verdict took longer than the policy's budget: there the fail mode would have
    /// decided.
    pub(crate) over_budget_share: f64,
    /// By byte.
    pub(crate) clean_hold_p95_ms: f64,
    pub(crate) clean_hold_p99_ms: f64,
    /// By chunk: until its last byte is shown.
    pub(crate) clean_hold_chunk_p95_ms: f64,
    pub(crate) clean_hold_chunk_p99_ms: f64,
    /// Of the bytes.
    pub(crate) held_share: f64,
    /// Of the chunks.
    pub(crate) held_chunk_share: f64,
    pub(crate) gate_cpu_us_per_chunk: f64,
    /// How late the load itself was, P95.
    pub(crate) load_lateness_p95_ms: f64,
    pub(crate) streams: u32,
    pub(crate) tokens_per_second: u32,
    pub(crate) tokens_per_stream: usize,
    pub(crate) tokens: usize,
    pub(crate) chunks: usize,
    pub(crate) clean_bytes: u64,
    pub(crate) seconds: u64,
    pub(crate) rounds: u8,
}

/// What was shown and cut.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Safety {
    pub(crate) streams: usize,
    pub(crate) planted: usize,
    /// Streams that a verdict cut.
    pub(crate) blocked: usize,
    /// Those among them in which no rule finds anything to block.
    pub(crate) blocked_harmless: usize,
    /// Chunks without a verdict.
    pub(crate) missing: usize,
    /// Streams that ended well and were not shown to their end.
    pub(crate) incomplete: usize,
    /// Records that were no verdicts.
    pub(crate) unreadable: usize,
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Step {
    pub(crate) streams: u32,
    pub(crate) tokens_per_s: f64,
    pub(crate) chunks_per_s: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p95_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) gate_cpu_us_per_chunk: f64,
    pub(crate) load_lateness_p95_ms: f64,
    pub(crate) missing: usize,
    pub(crate) held: bool,
}

/// The gate's processor time by length of stream, at the same rate of tokens.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Length {
    pub(crate) long_tokens: usize,
    pub(crate) long_chunks: usize,
    pub(crate) long_cpu_us_per_chunk: f64,
    pub(crate) short_tokens: usize,
    pub(crate) short_chunks: usize,
    pub(crate) short_cpu_us_per_chunk: f64,
}

impl Safety {
    pub(crate) fn of(all: &Tally) -> Self {
        Self {
            streams: all.streams,
            planted: all.planted,
            blocked: all.blocked,
            blocked_harmless: all.blocked_harmless,
            missing: all.missing,
            incomplete: all.incomplete,
            unreadable: all.unreadable,
        }
    }
}

impl Latency {
    /// All but what the options say.
    pub(crate) fn of(tally: &Tally, budget: Micros, cpu_seconds: f64) -> Self {
        let above = tally.chunk_verdict.count_above(duration(budget));
        let first = Quantiles::of(&tally.first_text);
        let chunk = Quantiles::of(&tally.chunk_verdict);
        Self {
            added_first_text_p50_ms: first.p50_ms,
            added_first_text_p95_ms: first.p95_ms,
            added_first_text_p99_ms: first.p99_ms,
            first_texts: first.count,
            chunk_verdict_p50_ms: chunk.p50_ms,
            chunk_verdict_p95_ms: chunk.p95_ms,
            chunk_verdict_p99_ms: chunk.p99_ms,
            chunk_verdict_p999_ms: chunk.p999_ms,
            over_budget_share: share(above, chunk.count),
            clean_hold_p95_ms: tally.clean_bytes.quantile_ms(950),
            clean_hold_p99_ms: tally.clean_bytes.quantile_ms(990),
            clean_hold_chunk_p95_ms: tally.clean_chunks.quantile_ms(950),
            clean_hold_chunk_p99_ms: tally.clean_chunks.quantile_ms(990),
            held_share: tally.clean_bytes.share(),
            held_chunk_share: tally.clean_chunks.share(),
            gate_cpu_us_per_chunk: us_per_chunk(cpu_seconds, chunk.count),
            load_lateness_p95_ms: Quantiles::of(&tally.lateness).p95_ms,
            tokens: tally.tokens,
            chunks: chunk.count,
            clean_bytes: tally.clean_bytes.weight(),
            streams: 0,
            tokens_per_second: 0,
            tokens_per_stream: 0,
            seconds: 0,
            rounds: 0,
        }
    }
}

#[allow(clippy::cast_precision_loss)]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

/// Counts here are far below 2^53.
#[allow(clippy::cast_precision_loss)]
pub(crate) fn us_per_chunk(cpu_seconds: f64, chunks: usize) -> f64 {
    cpu_seconds * 1e6 / chunks.max(1) as f64
}

pub(crate) fn print(out: &mut impl Write, report: &Report) -> std::io::Result<()> {
    writeln!(
        out,
        "on {}, load average {}",
        report.broker, report.load_average_before
    )?;
    if let Some(latency) = &report.latency {
        print_latency(out, latency)?;
    }
    for step in &report.sustained_steps {
        writeln!(
            out,
            "{:>6} streams  {:>6.0} tokens/s  {:>6.0} chunks/s  p50 {:.1}  p95 {:.1}  p99 {:.1} ms{}",
            step.streams,
            step.tokens_per_s,
            step.chunks_per_s,
            step.p50_ms,
            step.p95_ms,
            step.p99_ms,
            if step.held { "" } else { "  too slow" }
        )?;
    }
    if let Some(rate) = report.sustained_chunks_per_s {
        writeln!(out, "sustained   {rate:.0} chunks/s at P95 <= 50 ms")?;
    }
    if let Some(memory) = &report.memory {
        writeln!(
            out,
            "memory      {:.0} bytes a stream of {} bytes of text, {} open",
            memory.bytes_per_stream, memory.text_bytes_per_stream, memory.open_streams
        )?;
    }
    if let (Some(length), Some(ratio)) = (&report.length, report.cpu_per_chunk_long_over_short) {
        writeln!(
            out,
            "length      {:.1} us a chunk of {} tokens' streams, {:.1} of {}: {ratio:.2} times",
            length.long_cpu_us_per_chunk,
            length.long_tokens,
            length.short_cpu_us_per_chunk,
            length.short_tokens
        )?;
    }
    let safety = &report.safety;
    writeln!(
        out,
        "safety      {} streams, {} planted, {} blocked ({} harmless), {} bytes leaked",
        safety.streams,
        safety.planted,
        safety.blocked,
        safety.blocked_harmless,
        report.leaked_bytes
    )?;
    writeln!(
        out,
        "trouble     {} timeouts, {} cut for it, {} chunks without a verdict",
        report.timeouts, report.fail_mode_cuts, safety.missing
    )
}

fn print_latency(out: &mut impl Write, latency: &Latency) -> std::io::Result<()> {
    writeln!(
        out,
        "{} streams of {} tokens at {}/s for {} s, {} rounds: {} chunks",
        latency.streams,
        latency.tokens_per_stream,
        latency.tokens_per_second,
        latency.seconds,
        latency.rounds,
        latency.chunks
    )?;
    writeln!(
        out,
        "first text  p50 {:.2}  p95 {:.2}  p99 {:.2} ms later than without a guard",
        latency.added_first_text_p50_ms,
        latency.added_first_text_p95_ms,
        latency.added_first_text_p99_ms
    )?;
    writeln!(
        out,
        "chunk       p50 {:.2}  p95 {:.2}  p99 {:.2}  p99.9 {:.2} ms to its verdict, {:.2} % over budget; gate {:.1} us",
        latency.chunk_verdict_p50_ms,
        latency.chunk_verdict_p95_ms,
        latency.chunk_verdict_p99_ms,
        latency.chunk_verdict_p999_ms,
        latency.over_budget_share * 100.0,
        latency.gate_cpu_us_per_chunk
    )?;
    writeln!(
        out,
        "hold        p95 {:.2}  p99 {:.2} ms by byte, {:.2} and {:.2} by chunk; {:.2} % of bytes",
        latency.clean_hold_p95_ms,
        latency.clean_hold_p99_ms,
        latency.clean_hold_chunk_p95_ms,
        latency.clean_hold_chunk_p99_ms,
        latency.held_share * 100.0
    )
}
