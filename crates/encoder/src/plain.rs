//! The network by candle's own operations alone, which every device has; slower on a processor than
//! [`crate::layer`].

use candle_core::{D, Device, Tensor};

use crate::EncoderError;
use crate::kernels::Norm;
use crate::layer::Layer;
use crate::weights::Linear;

/// A layer on a device.
pub(crate) struct PlainLayer {
    heads: usize,
    qkv: PlainLinear,
    out: PlainLinear,
    after_attention: PlainNorm,
    up: PlainLinear,
    down: PlainLinear,
    after_feed_forward: PlainNorm,
}

struct PlainLinear {
    weight: Tensor,
    bias: Tensor,
}

struct PlainNorm {
    weight: Tensor,
    bias: Tensor,
    epsilon: f64,
}

impl PlainLayer {
    pub(crate) fn new(layer: &Layer, device: &Device) -> Result<Self, EncoderError> {
        Ok(Self {
            heads: layer.heads,
            qkv: PlainLinear::new(&layer.qkv, device)?,
            out: PlainLinear::new(&layer.out, device)?,
            after_attention: PlainNorm::new(&layer.after_attention, device)?,
            up: PlainLinear::new(&layer.up, device)?,
            down: PlainLinear::new(&layer.down, device)?,
            after_feed_forward: PlainNorm::new(&layer.after_feed_forward, device)?,
        })
    }

    /// As [`Layer::forward`].
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor, EncoderError> {
        let mixed = self.attend(&self.qkv.apply(x)?, lengths)?;
        let y = self
            .after_attention
            .apply(&(self.out.apply(&mixed)? + x)?)?;
        let inner = self.up.apply(&y)?.gelu_erf()?;
        self.after_feed_forward
            .apply(&(self.down.apply(&inner)? + &y)?)
    }

    fn attend(&self, qkv: &Tensor, lengths: &[usize]) -> Result<Tensor, EncoderError> {
        let (tokens, columns) = qkv.dims2()?;
        let width = columns / 3 / self.heads;
        let parts = qkv.reshape((tokens, 3, self.heads, width))?;
        let mut mixed = Vec::with_capacity(lengths.len());
        let mut from = 0;
        for length in lengths.iter().copied() {
            let text = parts.narrow(0, from, length)?;
            let part = |index| {
                let part = text.narrow(1, index, 1)?.squeeze(1)?;
                part.transpose(0, 1)?.contiguous()
            };
            let scores = part(0)?.matmul(&part(1)?.t()?.contiguous()?)?;
            let values = softmax(&scores)?.matmul(&part(2)?)?;
            mixed.push(values.transpose(0, 1)?.reshape((length, columns / 3))?);
            from += length;
        }
        Ok(Tensor::cat(&mixed, 0)?)
    }
}

impl PlainLinear {
    fn new(linear: &Linear, device: &Device) -> Result<Self, EncoderError> {
        Ok(Self {
            weight: linear.weight.contiguous()?.to_device(device)?,
            bias: Tensor::new(linear.bias.as_slice(), device)?,
        })
    }

    fn apply(&self, x: &Tensor) -> Result<Tensor, EncoderError> {
        Ok(x.matmul(&self.weight)?.broadcast_add(&self.bias)?)
    }
}

impl PlainNorm {
    fn new(norm: &Norm, device: &Device) -> Result<Self, EncoderError> {
        Ok(Self {
            weight: Tensor::new(norm.weight.as_slice(), device)?,
            bias: Tensor::new(norm.bias.as_slice(), device)?,
            epsilon: f64::from(norm.epsilon),
        })
    }

    fn apply(&self, x: &Tensor) -> Result<Tensor, EncoderError> {
        let centred = x.broadcast_sub(&x.mean_keepdim(D::Minus1)?)?;
        let variance = centred.sqr()?.mean_keepdim(D::Minus1)?;
        let scaled = centred.broadcast_div(&(variance + self.epsilon)?.sqrt()?)?;
        Ok(scaled
            .broadcast_mul(&self.weight)?
            .broadcast_add(&self.bias)?)
    }
}

fn softmax(scores: &Tensor) -> Result<Tensor, EncoderError> {
    let shifted = scores.broadcast_sub(&scores.max_keepdim(D::Minus1)?)?;
    let powers = shifted.exp()?;
    Ok(powers.broadcast_div(&powers.sum_keepdim(D::Minus1)?)?)
}
