//! Tensors by name, out of safetensors.

use candle_core::{Device, Tensor};
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use crate::EncoderError;
use crate::kernels::Norm;
use crate::table::Table;

/// Tensors under BERT's names, in one file or several.
pub struct Weights<'a> {
    files: Vec<SafeTensors<'a>>,
}

/// A matrix product with weights; the bias goes into what comes after it.
pub(crate) struct Linear {
    pub(crate) weight: Tensor,
    pub(crate) bias: Vec<f32>,
}

impl<'a> Weights<'a> {
    /// Reads the headers of safetensors files. A tensor that several have is taken from the first.
    ///
    /// # Errors
    /// [`EncoderError::WeightsMalformed`].
    pub fn parse(files: &[&'a [u8]]) -> Result<Self, EncoderError> {
        let malformed = |error| EncoderError::WeightsMalformed(format!("{error}"));
        let files = files
            .iter()
            .map(|bytes| SafeTensors::deserialize(bytes).map_err(malformed))
            .collect::<Result<_, _>>()?;
        Ok(Self { files })
    }

    /// The tensor `name`, in which 0 of the `expected` shape stands for any number but 0.
    fn view(&self, name: &str, expected: &[usize]) -> Result<TensorView<'a>, EncoderError> {
        let mut files = self.files.iter();
        let view = files
            .find_map(|file| file.tensor(name).ok())
            .ok_or_else(|| EncoderError::WeightMissing(name.to_owned()))?;
        let fits = |(found, expected): (&usize, &usize)| {
            *found != 0 && (*expected == 0 || found == expected)
        };
        if view.shape().len() == expected.len() && view.shape().iter().zip(expected).all(fits) {
            return Ok(view);
        }
        Err(EncoderError::WeightShape {
            name: name.to_owned(),
            found: view.shape().to_vec(),
            expected: expected.to_vec(),
        })
    }

    /// A vector or, if it is stored so, a matrix in f32.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let view = self.view(name, shape)?;
        if view.dtype() != Dtype::F32 {
            return Err(wrong_type(name, &view));
        }
        let (numbers, _) = view.data().as_chunks::<4>();
        let values: Vec<_> = numbers
            .iter()
            .map(|four| f32::from_le_bytes(*four))
            .collect();
        if values.iter().all(|value| value.is_finite()) {
            Ok(values)
        } else {
            Err(EncoderError::WeightNotFinite(name.to_owned()))
        }
    }

    /// A matrix as it is stored: f32, or i8 with one scale a row. `name` is without `.weight`.
    pub(crate) fn table(&self, name: &str, shape: [usize; 2]) -> Result<Table, EncoderError> {
        let weight = format!("{name}.weight");
        let view = self.view(&weight, &shape)?;
        let rows = view.shape()[0];
        let width = view.shape()[1];
        match view.dtype() {
            Dtype::F32 => Ok(Table::floats(self.floats(&weight, &shape)?, width)),
            Dtype::I8 => {
                let scales = self.floats(&format!("{name}.scale"), &[rows])?;
                let values = view.data().iter().map(|byte| byte.cast_signed()).collect();
                Ok(Table::integers(values, scales, width))
            }
            _ => Err(wrong_type(&weight, &view)),
        }
    }

    /// Linear layers over the same input as one of `outputs` each, times `scales`.
    pub(crate) fn linear(
        &self,
        parts: &[(String, f32)],
        inputs: usize,
        outputs: usize,
    ) -> Result<Linear, EncoderError> {
        let mut weight = Vec::with_capacity(parts.len() * outputs * inputs);
        let mut bias = Vec::with_capacity(parts.len() * outputs);
        for (name, scale) in parts {
            let part = self.table(name, [outputs, inputs])?.into_floats();
            weight.extend(part.into_iter().map(|value| value * scale));
            let part = self.floats(&format!("{name}.bias"), &[outputs])?;
            bias.extend(part.into_iter().map(|value| value * scale));
        }
        let shape = (parts.len() * outputs, inputs);
        // Turned once: a product would turn it each time, which costs short texts half of their time.
        let weight = Tensor::from_vec(weight, shape, &Device::Cpu)?;
        let weight = weight.t()?.contiguous()?;
        Ok(Linear { weight, bias })
    }

    /// A layer normalisation.
    pub(crate) fn norm(
        &self,
        name: &str,
        width: usize,
        epsilon: f32,
    ) -> Result<Norm, EncoderError> {
        Ok(Norm {
            weight: self.floats(&format!("{name}.weight"), &[width])?,
            bias: self.floats(&format!("{name}.bias"), &[width])?,
            epsilon,
        })
    }
}

fn wrong_type(name: &str, view: &TensorView<'_>) -> EncoderError {
    EncoderError::WeightType {
        name: name.to_owned(),
        found: format!("{:?}", view.dtype()),
    }
}
