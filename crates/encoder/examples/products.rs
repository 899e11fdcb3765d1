//! What candle's matrix products cost on this processor, in the forms that the weights could have.
//!
//! `RAYON_NUM_THREADS=1 taskset --cpu-list 0 cargo run --release -p weir-encoder --example products`
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "an example, not the core; counts are small"
)]

use std::sync::Arc;
use std::time::Instant;

use candle_core::quantized::{GgmlDType, QMatMul, QTensor};
use candle_core::{Device, Module, Result, Tensor};

/// Width and inner width of e5-small.
const SHAPES: [(usize, usize); 2] = [(384, 1536), (1536, 384)];
/// Rows: a short text, a long one, a pass.
const ROWS: [usize; 3] = [32, 128, 512];
const TURNS: usize = 15;

fn main() -> Result<()> {
    println!("GFLOP/s, median of {TURNS}; products of rows x inputs by inputs x outputs");
    println!("rows  inputs  outputs  turned_each_time  turned_once  q8_0  q4_0  f16");
    for rows in ROWS {
        for (inputs, outputs) in SHAPES {
            let x = Tensor::randn(0_f32, 1.0, (rows, inputs), &Device::Cpu)?;
            // As stored: outputs x inputs.
            let weight = Tensor::randn(0_f32, 1.0, (outputs, inputs), &Device::Cpu)?;
            let turned = weight.t()?.contiguous()?;
            let blocks = |kind| {
                let blocks = QTensor::quantize(&weight, kind)?;
                QMatMul::from_arc(Arc::new(blocks))
            };
            let (q8, q4) = (blocks(GgmlDType::Q8_0)?, blocks(GgmlDType::Q4_0)?);
            let f16 = blocks(GgmlDType::F16)?;
            let work = 2.0 * (rows * inputs * outputs) as f64 / 1e9;
            let rate = |product: &dyn Fn() -> Result<Tensor>| {
                Ok::<_, candle_core::Error>(work / median(product)?)
            };
            println!(
                "{rows:>4}  {inputs:>6}  {outputs:>7}  {:>16.1}  {:>11.1}  {:>4.1}  {:>4.1}  {:>4.1}",
                rate(&|| x.matmul(&weight.t()?))?,
                rate(&|| x.matmul(&turned))?,
                rate(&|| q8.forward(&x))?,
                rate(&|| q4.forward(&x))?,
                rate(&|| f16.forward(&x))?,
            );
        }
    }
    Ok(())
}

/// Seconds.
fn median(product: &dyn Fn() -> Result<Tensor>) -> Result<f64> {
    let mut times = Vec::with_capacity(TURNS);
    for _ in 0..=TURNS {
        let began = Instant::now();
        std::hint::black_box(product()?);
        times.push(began.elapsed().as_secs_f64());
    }
    // The first one warms caches.
    times.remove(0);
    times.sort_unstable_by(f64::total_cmp);
    Ok(times[TURNS / 2])
}
