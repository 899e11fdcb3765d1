//! `weir bench rescore`: the heavy model's network by candle and by ONNX Runtime, on one core.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use anyhow::{Context as _, bail};
use clap::Args;
use serde::Serialize;
use weir_infer::{Classifier as _, OnnxEncoder};
use weir_types::ModelRef;

use super::report::{self, Machine};
use crate::stage::HeavyArgs;

/// Lengths that are measured, in tokens.
const TOKENS: [usize; 3] = [32, 128, 256];
/// Texts together.
const BATCHES: [usize; 2] = [1, 16];
/// Outputs may be so far apart.
const APART: f32 = 1e-3;
/// Each measurement goes through at least so many tokens.
const TOKENS_A_TURN: usize = 1024;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  weir bench rescore --onnx /tmp/heavy.onnx         a table
  weir bench rescore --onnx /tmp/heavy.onnx --json  for figures to publish

models/train/onnx_heavy.py writes the graphs. Both run in f32 on the same weights and the same token ids, one thread each,
pinned to one core by taskset, in turns; outputs must agree within 0.001. With --int8 ONNX Runtime also runs a graph with products
in 8 bits: beside the shipped model, whose 8-bit weights candle multiplies in f32.")]
pub(crate) struct RescoreArgs {
    #[command(flatten)]
    heavy: HeavyArgs,
    /// The same network as an ONNX graph.
    #[arg(long, value_name = "FILE")]
    onnx: PathBuf,
    /// The same with products in 8 bits, to compare with as well; outputs may differ.
    #[arg(long, value_name = "FILE")]
    int8: Option<PathBuf>,
    /// Rounds over all measurements in turn; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..=100))]
    rounds: u8,
    /// The core to run on.
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    core: u16,
    /// Write JSON.
    #[arg(long)]
    json: bool,
    /// This process is pinned.
    #[arg(long, hide = true)]
    pinned: bool,
}

#[derive(Debug, Serialize)]
struct RescoreReport {
    /// Throughput of candle over that of ONNX Runtime; geometric mean over all shapes.
    candle_over_onnxruntime: f64,
    /// The same over ONNX Runtime with products in 8 bits, and how far its logits are from candle's.
    candle_over_onnxruntime_int8: Option<f64>,
    apart_int8: Option<f32>,
    by_shape: Vec<ByShape>,
    /// Largest difference between two logits.
    apart: f32,
    model: ModelRef,
    rounds: u8,
    machine: Machine,
    commit: &'static str,
    date: String,
}

#[derive(Debug, Serialize)]
struct ByShape {
    tokens: usize,
    batch: usize,
    candle: Rate,
    onnxruntime: Rate,
    onnxruntime_int8: Option<Rate>,
    candle_over_onnxruntime: f64,
}

/// Of one core.
#[derive(Debug, Serialize)]
struct Rate {
    texts_per_s: f64,
    tokens_per_s: f64,
}

/// Texts of one shape, and the seconds that each turn took.
struct Shape {
    tokens: usize,
    texts: Vec<Vec<u32>>,
    candle: Vec<f64>,
    onnx: Vec<f64>,
    int8: Vec<f64>,
}

pub(crate) fn run(args: &RescoreArgs) -> anyhow::Result<ExitCode> {
    if !args.pinned {
        return pinned(args.core);
    }
    let report = measure(args)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report)?;
        writeln!(out)?;
    } else {
        print(&mut out, &report)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The same command again on one core: candle reads the number of its threads when a process starts.
fn pinned(core: u16) -> anyhow::Result<ExitCode> {
    let status = Command::new("taskset")
        .args(["--cpu-list", &core.to_string()])
        .arg(std::env::current_exe()?)
        .args(std::env::args_os().skip(1))
        .arg("--pinned")
        .env("RAYON_NUM_THREADS", "1")
        .status()
        .context("taskset cannot be run; install it (Debian: util-linux)")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

fn measure(args: &RescoreArgs) -> anyhow::Result<RescoreReport> {
    let candle = args.heavy.load()?;
    let mut onnx = OnnxEncoder::load(&args.onnx)?;
    let mut int8 = args.int8.as_deref().map(OnnxEncoder::load).transpose()?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut shapes = Vec::new();
    for tokens in TOKENS {
        for batch in BATCHES {
            let text = |_| {
                (0..tokens)
                    .map(|_| random.below(candle.vocabulary()))
                    .collect()
            };
            shapes.push(Shape {
                tokens,
                texts: (0..batch).map(text).collect(),
                candle: vec![],
                onnx: vec![],
                int8: vec![],
            });
        }
    }
    let (mut apart, mut apart_int8) = (0.0_f32, 0.0_f32);
    // One round is not counted: it warms caches, and compares.
    for round in 0..=args.rounds {
        for shape in &mut shapes {
            let Shape { tokens, texts, .. } = shape;
            if round == 0 {
                let logits = candle.logits(texts)?;
                apart = apart.max(close(&logits, &onnx.logits(texts, *tokens)?)?);
                if let Some(int8) = &mut int8 {
                    apart_int8 =
                        apart_int8.max(difference(&logits, &int8.logits(texts, *tokens)?)?);
                }
            }
            let by_candle = seconds(texts, *tokens, || Ok(candle.logits(texts)?))?;
            let by_onnx = seconds(texts, *tokens, || Ok(onnx.logits(texts, *tokens)?))?;
            let by_int8 = match &mut int8 {
                Some(int8) => Some(seconds(
                    texts,
                    *tokens,
                    || Ok(int8.logits(texts, *tokens)?),
                )?),
                None => None,
            };
            if round > 0 {
                shape.candle.push(by_candle);
                shape.onnx.push(by_onnx);
                shape.int8.extend(by_int8);
            }
        }
    }
    let by_shape: Vec<ByShape> = shapes.into_iter().map(Shape::rates).collect();
    let ratios = by_shape.iter().map(|shape| shape.candle_over_onnxruntime);
    let ratios_int8 = by_shape.iter().filter_map(|shape| {
        let int8 = shape.onnxruntime_int8.as_ref()?;
        Some(shape.candle.tokens_per_s / int8.tokens_per_s)
    });
    Ok(RescoreReport {
        candle_over_onnxruntime: geometric_mean(ratios),
        candle_over_onnxruntime_int8: int8.is_some().then(|| geometric_mean(ratios_int8)),
        apart_int8: int8.is_some().then_some(apart_int8),
        by_shape,
        apart,
        model: candle.describe().clone(),
        rounds: args.rounds,
        machine: report::machine(),
        commit: env!("WEIR_COMMIT"),
        date: report::date()?,
    })
}

fn geometric_mean(ratios: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = ratios.map(f64::ln).collect();
    (logs.iter().sum::<f64>() / number(logs.len())).exp()
}

/// The largest difference between two logits; NaN is the highest.
fn difference(a: &[f32], b: &[f32]) -> anyhow::Result<f32> {
    if a.len() != b.len() {
        bail!("candle gives {} logits, ONNX Runtime {}", a.len(), b.len());
    }
    let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
    Ok(differences.max_by(f32::total_cmp).unwrap_or_default())
}

/// The same where it must be small.
fn close(a: &[f32], b: &[f32]) -> anyhow::Result<f32> {
    let apart = difference(a, b)?;
    if apart.is_nan() || apart > APART {
        bail!("logits are {apart} apart, more than {APART}: the graph is not of these weights");
    }
    Ok(apart)
}

/// Seconds of one pass over `texts`.
fn seconds(
    texts: &[Vec<u32>],
    tokens: usize,
    mut pass: impl FnMut() -> anyhow::Result<Vec<f32>>,
) -> anyhow::Result<f64> {
    let passes = TOKENS_A_TURN.div_ceil(texts.len() * tokens);
    let began = Instant::now();
    for _ in 0..passes {
        std::hint::black_box(pass()?);
    }
    Ok(began.elapsed().as_secs_f64() / number(passes))
}

impl Shape {
    fn rates(self) -> ByShape {
        let batch = self.texts.len();
        let rate = |seconds: f64| Rate {
            texts_per_s: number(batch) / seconds,
            tokens_per_s: number(batch * self.tokens) / seconds,
        };
        let (candle, onnx) = (median(self.candle), median(self.onnx));
        ByShape {
            tokens: self.tokens,
            batch,
            candle: rate(candle),
            onnxruntime: rate(onnx),
            onnxruntime_int8: (!self.int8.is_empty()).then(|| rate(median(self.int8))),
            candle_over_onnxruntime: onnx / candle,
        }
    }
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Counts here are far below 2^53.
#[allow(clippy::cast_precision_loss)]
fn number(count: usize) -> f64 {
    count as f64
}

/// Xorshift: repeatable, and good enough to draw tokens.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let drawn = usize::try_from(self.0 >> 33).map_or(0, |value| value % limit);
        u32::try_from(drawn).unwrap_or(0)
    }
}

fn print(out: &mut impl Write, report: &RescoreReport) -> std::io::Result<()> {
    writeln!(
        out,
        "{:>6}  {:>5}  {:>14}  {:>14}  {:>5}  {:>14}",
        "tokens", "batch", "candle tok/s", "onnx tok/s", "ratio", "int8 tok/s"
    )?;
    for shape in &report.by_shape {
        let int8 = shape.onnxruntime_int8.as_ref();
        let int8 = int8.map_or_else(
            || "-".to_owned(),
            |rate| format!("{:.0}", rate.tokens_per_s),
        );
        writeln!(
            out,
            "{:>6}  {:>5}  {:>14.0}  {:>14.0}  {:>5.2}  {:>14}",
            shape.tokens,
            shape.batch,
            shape.candle.tokens_per_s,
            shape.onnxruntime.tokens_per_s,
            shape.candle_over_onnxruntime,
            int8
        )?;
    }
    writeln!(
        out,
        "\ncandle's rate is {:.2} times ONNX Runtime's; logits are {:.1e} apart",
        report.candle_over_onnxruntime, report.apart
    )?;
    if let (Some(ratio), Some(apart)) = (report.candle_over_onnxruntime_int8, report.apart_int8) {
        writeln!(
            out,
            "{ratio:.2} times that of its products in 8 bits; those logits are {apart:.2} apart"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_that_differ_are_refused() {
        assert!(close(&[1.0, 2.0], &[1.0, 2.0005]).is_ok());
        assert!(close(&[1.0, 2.0], &[1.0, 2.002]).is_err());
        assert!(close(&[1.0, f32::NAN], &[1.0, 2.0]).is_err());
        assert!(close(&[1.0], &[1.0, 2.0]).is_err());
    }
}
