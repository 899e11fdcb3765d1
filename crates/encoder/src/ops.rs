//! The kernels as candle's in-place operations, so that tensors need not be copied.

use candle_core::{CpuStorage, InplaceOp1, InplaceOp2, Layout, Result, bail};

use crate::kernels::{self, Norm};

/// `x + bias` row by row.
pub(crate) struct Bias<'a>(pub(crate) &'a [f32]);

/// `gelu(x + bias)` row by row.
pub(crate) struct BiasGelu<'a>(pub(crate) &'a [f32]);

/// Softmax over the last dimension.
pub(crate) struct Softmax;

/// `norm(x + bias + residual)` row by row; the residual is the second operand.
pub(crate) struct AddNorm<'a> {
    pub(crate) norm: &'a Norm,
    pub(crate) bias: &'a [f32],
}

impl InplaceOp1 for Bias<'_> {
    fn name(&self) -> &'static str {
        "bias"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        kernels::add_bias(whole_mut(storage, layout)?, self.0);
        Ok(())
    }
}

impl InplaceOp1 for BiasGelu<'_> {
    fn name(&self) -> &'static str {
        "bias-gelu"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        kernels::add_bias_gelu(whole_mut(storage, layout)?, self.0);
        Ok(())
    }
}

impl InplaceOp1 for Softmax {
    fn name(&self) -> &'static str {
        "softmax"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let width = layout.dims().last().copied().unwrap_or(1);
        kernels::softmax(whole_mut(storage, layout)?, width);
        Ok(())
    }
}

impl InplaceOp2 for AddNorm<'_> {
    fn name(&self) -> &'static str {
        "add-norm"
    }

    fn cpu_fwd(
        &self,
        storage: &mut CpuStorage,
        layout: &Layout,
        residual: &CpuStorage,
        residual_layout: &Layout,
    ) -> Result<()> {
        let residual = whole(residual, residual_layout)?;
        let rows = whole_mut(storage, layout)?;
        if rows.len() != residual.len() {
            bail!("add-norm: {} and {} numbers", rows.len(), residual.len());
        }
        self.norm.add(rows, self.bias, residual);
        Ok(())
    }
}

/// A contiguous tensor's numbers.
pub(crate) fn whole<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&values[from..to]),
        _ => bail!("not a contiguous f32 tensor"),
    }
}

fn whole_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((from, to))) => Ok(&mut values[from..to]),
        _ => bail!("not a contiguous f32 tensor"),
    }
}
