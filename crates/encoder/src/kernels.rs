//! What is not a matrix product: plain loops over rows, compiled for the widest vectors that the
//! processor at hand has ([`pulp`] chooses at run time).
//!
//! No `mul_add`: without the instruction it is a call into libm.

use pulp::Arch;

/// Sums and maxima run in this many lanes, as compilers may not reorder them.
const LANES: usize = 16;

/// Adds `bias` to each row of `rows`.
pub(crate) fn add_bias(rows: &mut [f32], bias: &[f32]) {
    Arch::new().dispatch(|| {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value += bias;
            }
        }
    });
}

/// Adds `bias` to each row of `rows`, then takes GELU (the exact one, by the error function).
pub(crate) fn add_bias_gelu(rows: &mut [f32], bias: &[f32]) {
    Arch::new().dispatch(|| {
        for row in rows.chunks_exact_mut(bias.len()) {
            for (value, bias) in row.iter_mut().zip(bias) {
                *value = gelu(*value + bias);
            }
        }
    });
}

/// Layer normalisation of rows as wide as `weight`.
#[derive(Debug, Clone)]
pub(crate) struct Norm {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) epsilon: f32,
}

impl Norm {
    /// `rows` become the normalised sum of themselves, `bias` and `residual`.
    pub(crate) fn add(&self, rows: &mut [f32], bias: &[f32], residual: &[f32]) {
        let width = self.weight.len();
        Arch::new().dispatch(|| {
            let residual = residual.chunks_exact(width);
            for (row, residual) in rows.chunks_exact_mut(width).zip(residual) {
                for ((value, bias), residual) in row.iter_mut().zip(bias).zip(residual) {
                    *value += bias + residual;
                }
                self.normalise(row);
            }
        });
    }

    /// Normalises `rows`.
    pub(crate) fn apply(&self, rows: &mut [f32]) {
        Arch::new().dispatch(|| {
            for row in rows.chunks_exact_mut(self.weight.len()) {
                self.normalise(row);
            }
        });
    }

    #[inline(always)]
    fn normalise(&self, row: &mut [f32]) {
        let share = 1.0 / row.len() as f32;
        let mean = sum(row, |value| value) * share;
        let variance = sum(row, |value| (value - mean) * (value - mean)) * share;
        let scale = 1.0 / (variance + self.epsilon).sqrt();
        for ((value, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
            *value = (*value - mean) * scale * weight + bias;
        }
    }
}

/// Softmax of each row of `width` numbers.
pub(crate) fn softmax(rows: &mut [f32], width: usize) {
    Arch::new().dispatch(|| {
        for row in rows.chunks_exact_mut(width) {
            let highest = max(row);
            for value in row.iter_mut() {
                *value = exp(*value - highest);
            }
            let share = 1.0 / sum(row, |value| value);
            for value in row {
                *value *= share;
            }
        }
    });
}

/// The mean of rows as wide as `mean`, which is overwritten.
pub(crate) fn mean(rows: &[f32], mean: &mut [f32]) {
    Arch::new().dispatch(|| {
        mean.fill(0.0);
        let share = mean.len() as f32 / rows.len() as f32;
        for row in rows.chunks_exact(mean.len()) {
            for (sum, value) in mean.iter_mut().zip(row) {
                *sum += value;
            }
        }
        for sum in mean {
            *sum *= share;
        }
    });
}

#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += of(*value);
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane += of(*value);
    }
    lanes.iter().sum()
}

#[inline(always)]
fn max(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    for (lane, value) in lanes.iter_mut().zip(rest) {
        *lane = if *value > *lane { *value } else { *lane };
    }
    lanes.iter().fold(f32::NEG_INFINITY, |a, b| a.max(*b))
}

/// `x` times the normal distribution's share below it.
#[inline(always)]
fn gelu(x: f32) -> f32 {
    // Abramowitz and Stegun 7.1.26: erf to 1.5e-7. Half of 1 - erf(|x| / sqrt 2) is the tail, so
    // that nothing is lost to cancellation where x is far below zero.
    let t = 1.0 / (1.0 + 0.327_591_1 * core::f32::consts::FRAC_1_SQRT_2 * x.abs());
    let series = 1.421_413_7 + t * (-1.453_152 + t * 1.061_405_4);
    let series = t * (0.254_829_6 + t * (-0.284_496_74 + t * series));
    let tail = 0.5 * series * exp(-0.5 * x * x);
    if x < 0.0 { x * tail } else { x - x * tail }
}

/// The exponential of `x <= 0`, to about 2e-7 of itself; below -87 that of -87.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest integer in the lowest bits of the sum.
    const ROUND: f32 = 12_582_912.0;
    /// ln 2 in two parts: few bits, so that its multiples are exact, and the rest.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Not `max`, which would hide NaN.
    let x = if x < -87.0 { -87.0 } else { x };
    let shifted = x * core::f32::consts::LOG2_E + ROUND;
    let power = shifted - ROUND;
    let r = x - power * LN_2_HIGH - power * LN_2_LOW;
    let series = 1.0 / 24.0 + r * (1.0 / 120.0 + r * (1.0 / 720.0 + r * (1.0 / 5040.0)));
    let series = 1.0 + r * (1.0 + r * (0.5 + r * (1.0 / 6.0 + r * series)));
    series * f32::from_bits((shifted.to_bits() << 23).wrapping_add(127 << 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(from: i32, to: i32) -> impl Iterator<Item = f32> {
        // A prime step, so that the points are no round numbers.
        (from * 997..=to * 997).map(|at| at as f32 / 997.0)
    }

    #[test]
    fn exp_is_exact_to_rounding() {
        for x in grid(-86, 0) {
            let want = f64::from(x).exp();
            let error = (f64::from(exp(x)) - want).abs() / want;
            assert!(error < 3e-7, "exp({x}) is off by {error}");
        }
        assert!(exp(-1e30) < 1e-37 && exp(f32::NEG_INFINITY) < 1e-37);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn gelu_is_that_of_the_error_function() {
        for x in grid(-12, 12) {
            let x64 = f64::from(x);
            let want = 0.5 * x64 * (1.0 + libm::erf(x64 / 2_f64.sqrt()));
            let error = (f64::from(gelu(x)) - want).abs();
            assert!(
                error < 4e-7 * x64.abs().max(1.0),
                "gelu({x}) is off by {error}"
            );
        }
        assert!(gelu(f32::NAN).is_nan());
        assert!((gelu(1e30) - 1e30).abs() < 1e24 && gelu(-1e30).abs() < 1e-6);
    }

    #[test]
    fn bias_is_added_to_each_row() {
        let mut rows = [1.0, 2.0, 3.0, 4.0];
        add_bias(&mut rows, &[10.0, 20.0]);
        assert_eq!(rows, [11.0, 22.0, 13.0, 24.0]);
        add_bias_gelu(&mut rows, &[-11.0, -22.0]);
        assert_eq!(rows[0], 0.0);
        assert!((rows[2] - 1.954_499_7).abs() < 1e-6);
    }

    #[test]
    fn rows_of_softmax_sum_to_one_however_large() {
        for width in [1, 2, 15, 16, 17, 70] {
            let mut rows: Vec<f32> = (0..width * 3).map(|at| (at % 7) as f32 * 500.0).collect();
            softmax(&mut rows, width);
            for row in rows.chunks(width) {
                assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-6);
            }
        }
        let mut rows = [0.0, 1.0, f32::NAN, 0.0];
        softmax(&mut rows, 2);
        assert!((rows[1] - 0.731_058_6).abs() < 1e-6);
        assert!(rows[2].is_nan() || rows[3].is_nan());
    }

    #[test]
    fn a_normalised_row_has_mean_and_spread_of_the_weights() {
        let norm = Norm {
            weight: vec![2.0; 20],
            bias: vec![3.0; 20],
            epsilon: 1e-12,
        };
        let mut rows: Vec<f32> = (0..40).map(|at| 1000.0 + (at % 20) as f32).collect();
        norm.add(&mut rows, &[5.0; 20], &[-7.0; 40]);
        for row in rows.chunks(20) {
            let mean: f32 = row.iter().sum::<f32>() / 20.0;
            let variance: f32 = row.iter().map(|x| (x - mean).powi(2)).sum::<f32>() / 20.0;
            assert!((mean - 3.0).abs() < 1e-4 && (variance - 4.0).abs() < 1e-3);
        }
    }

    #[test]
    fn the_mean_is_over_rows() {
        let mut out = [9.0; 2];
        mean(&[1.0, 2.0, 3.0, 6.0], &mut out);
        assert_eq!(out, [2.0, 4.0]);
    }
}
