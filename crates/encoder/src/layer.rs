//! One layer: attention and a feed-forward part, each added to its input and normalised.

use candle_core::{Device, Storage, Tensor};

use crate::kernels::Norm;
use crate::ops::{AddNorm, Bias, BiasGelu, Softmax, whole};
use crate::weights::Linear;
use crate::{Config, EncoderError, Weights};

pub(crate) struct Layer {
    pub(crate) heads: usize,
    /// Query, key and value in one product. Queries come scaled by the root of a head's width.
    pub(crate) qkv: Linear,
    pub(crate) out: Linear,
    pub(crate) after_attention: Norm,
    pub(crate) up: Linear,
    pub(crate) down: Linear,
    pub(crate) after_feed_forward: Norm,
}

impl Layer {
    pub(crate) fn load(
        weights: &Weights<'_>,
        index: usize,
        config: &Config,
    ) -> Result<Self, EncoderError> {
        let name = |part: &str| format!("encoder.layer.{index}.{part}");
        let one =
            |part: &str, inputs, outputs| weights.linear(&[(name(part), 1.0)], inputs, outputs);
        let norm = |part: &str| weights.norm(&name(part), config.hidden, config.epsilon);
        let scale = 1.0 / ((config.hidden / config.heads) as f32).sqrt();
        let qkv = [
            (name("attention.self.query"), scale),
            (name("attention.self.key"), 1.0),
            (name("attention.self.value"), 1.0),
        ];
        Ok(Self {
            heads: config.heads,
            qkv: weights.linear(&qkv, config.hidden, config.hidden)?,
            out: one("attention.output.dense", config.hidden, config.hidden)?,
            after_attention: norm("attention.output.LayerNorm")?,
            up: one("intermediate.dense", config.hidden, config.inner)?,
            down: one("output.dense", config.inner, config.hidden)?,
            after_feed_forward: norm("output.LayerNorm")?,
        })
    }

    /// From tokens x hidden to the same. `lengths` are the tokens of each text.
    pub(crate) fn forward(&self, x: &Tensor, lengths: &[usize]) -> Result<Tensor, EncoderError> {
        let qkv = x.matmul(&self.qkv.weight)?;
        qkv.inplace_op1(&Bias(&self.qkv.bias))?;
        let mixed = self.attend(&qkv, lengths)?;
        let y = mixed.matmul(&self.out.weight)?;
        y.inplace_op2(
            x,
            &AddNorm {
                norm: &self.after_attention,
                bias: &self.out.bias,
            },
        )?;
        let inner = y.matmul(&self.up.weight)?;
        inner.inplace_op1(&BiasGelu(&self.up.bias))?;
        let z = inner.matmul(&self.down.weight)?;
        z.inplace_op2(
            &y,
            &AddNorm {
                norm: &self.after_feed_forward,
                bias: &self.down.bias,
            },
        )?;
        Ok(z)
    }

    /// Values mixed by attention, text by text, all heads of one at once. Queries, keys and values
    /// are views: the products take any stride.
    fn attend(&self, qkv: &Tensor, lengths: &[usize]) -> Result<Tensor, EncoderError> {
        let (tokens, columns) = qkv.dims2()?;
        let hidden = columns / 3;
        let width = hidden / self.heads;
        let parts = qkv.reshape((tokens, 3, self.heads, width))?;
        let part = |index, from, length| {
            let part = parts.narrow(0, from, length)?.narrow(1, index, 1)?;
            part.squeeze(1)?.transpose(0, 1)
        };
        let mut mixed = vec![0.0; tokens * hidden];
        let mut from = 0;
        for length in lengths.iter().copied() {
            let scores = part(0, from, length)?.matmul(&part(1, from, length)?.t()?)?;
            scores.inplace_op1(&Softmax)?;
            let values = scores.matmul(&part(2, from, length)?)?;
            let rows = &mut mixed[from * hidden..(from + length) * hidden];
            place(&values, rows, length, width)?;
            from += length;
        }
        Ok(Tensor::from_vec(mixed, (tokens, hidden), &Device::Cpu)?)
    }
}

/// Puts heads x tokens x width into `rows`, which are tokens x heads x width.
fn place(
    values: &Tensor,
    rows: &mut [f32],
    length: usize,
    width: usize,
) -> Result<(), EncoderError> {
    let (storage, layout) = values.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else {
        return Err(EncoderError::Failed("not on the processor".to_owned()));
    };
    let heads = whole(storage, layout)?.chunks_exact(length * width);
    let hidden = heads.len() * width;
    for (head, values) in heads.enumerate() {
        let rows = rows.chunks_exact_mut(hidden);
        for (row, values) in rows.zip(values.chunks_exact(width)) {
            row[head * width..(head + 1) * width].copy_from_slice(values);
        }
    }
    Ok(())
}
