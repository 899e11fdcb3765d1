//! Token ids to vectors.

use candle_core::{Device as Place, Tensor};

use crate::kernels::{self, Norm};
use crate::layer::Layer;
use crate::plain::PlainLayer;
use crate::table::Table;
use crate::{Base, Config, Device, EncoderError, Weights};

/// A BERT-shaped encoder in f32 with the mean over its tokens.
pub struct Encoder {
    hidden: usize,
    words: Table,
    /// With the first token type added: there is but one here.
    positions: Vec<f32>,
    norm: Norm,
    layers: Layers,
}

enum Layers {
    Fused(Vec<Layer>),
    Plain(Vec<PlainLayer>, Place),
}

impl Encoder {
    /// Takes the weights under BERT's names. Vocabulary and positions are as many as there are.
    ///
    /// # Errors
    /// [`EncoderError::ConfigMalformed`] or one of the `Weight...` errors.
    pub fn load(weights: &Weights<'_>, config: &Config) -> Result<Self, EncoderError> {
        config.check()?;
        let words = weights.table("embeddings.word_embeddings", [0, config.hidden])?;
        Self::new(weights, config, words)
    }

    /// Takes sizes and word embeddings from `base`, all else from `weights`.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_upon(weights: &Weights<'_>, base: Base) -> Result<Self, EncoderError> {
        Self::new(weights, &base.config(), base.words)
    }

    fn new(weights: &Weights<'_>, config: &Config, words: Table) -> Result<Self, EncoderError> {
        let hidden = config.hidden;
        let types = weights.table("embeddings.token_type_embeddings", [0, hidden])?;
        let positions = weights.table("embeddings.position_embeddings", [0, hidden])?;
        let mut first_type = vec![];
        types.push_row(0, &mut first_type);
        let mut positions = positions.into_floats();
        kernels::add_bias(&mut positions, &first_type);
        Ok(Self {
            hidden,
            words,
            positions,
            norm: weights.norm("embeddings.LayerNorm", hidden, config.epsilon)?,
            layers: Layers::Fused(
                (0..config.layers)
                    .map(|index| Layer::load(weights, index, config))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }

    /// The same on a device; a new one runs on [`Device::Cpu`].
    ///
    /// # Errors
    /// [`EncoderError::NoDevice`], [`EncoderError::Failed`].
    pub fn on(mut self, device: Device) -> Result<Self, EncoderError> {
        if let (Layers::Fused(layers), true) = (&self.layers, device != Device::Cpu) {
            let place = device.open()?;
            let layers = layers.iter().map(|layer| PlainLayer::new(layer, &place));
            self.layers = Layers::Plain(layers.collect::<Result<_, _>>()?, place);
        }
        Ok(self)
    }

    /// Most tokens of a text.
    #[must_use]
    pub fn positions(&self) -> usize {
        self.positions.len() / self.hidden
    }

    /// Token ids that it knows: 0 to one less than this.
    #[must_use]
    pub fn vocabulary(&self) -> usize {
        self.words.rows()
    }

    /// Numbers in a vector.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// One vector of [`Self::hidden`] numbers a text, one after the other: the mean of its tokens'
    /// (not scaled to length 1). All texts go through the network in one pass; [`crate::plan`]
    /// says how many should.
    ///
    /// # Errors
    /// [`EncoderError::TextLength`], [`EncoderError::UnknownToken`], [`EncoderError::NotFinite`],
    /// [`EncoderError::Failed`]; no text of the call has a vector then.
    pub fn encode(&self, texts: &[&[u32]]) -> Result<Vec<f32>, EncoderError> {
        if texts.is_empty() {
            return Ok(vec![]);
        }
        let rows = self.embed(texts)?;
        let lengths: Vec<_> = texts.iter().map(|text| text.len()).collect();
        let shape = (rows.len() / self.hidden, self.hidden);
        let mut x = Tensor::from_vec(rows, shape, &Place::Cpu)?;
        match &self.layers {
            Layers::Fused(layers) => {
                for layer in layers {
                    x = layer.forward(&x, &lengths)?;
                }
            }
            Layers::Plain(layers, place) => {
                x = x.to_device(place)?;
                for layer in layers {
                    x = layer.forward(&x, &lengths)?;
                }
            }
        }
        self.means(&x.flatten_all()?.to_vec1()?, &lengths)
    }

    fn embed(&self, texts: &[&[u32]]) -> Result<Vec<f32>, EncoderError> {
        let tokens: usize = texts.iter().map(|text| text.len()).sum();
        let mut rows = Vec::with_capacity(tokens * self.hidden);
        for (index, text) in texts.iter().enumerate() {
            if text.is_empty() || text.len() > self.positions() {
                return Err(EncoderError::TextLength {
                    index,
                    tokens: text.len(),
                    most: self.positions(),
                });
            }
            let start = rows.len();
            for id in text.iter().copied() {
                let row = usize::try_from(id).unwrap_or(usize::MAX);
                if row >= self.vocabulary() {
                    return Err(EncoderError::UnknownToken {
                        index,
                        id,
                        vocabulary: self.vocabulary(),
                    });
                }
                self.words.push_row(row, &mut rows);
            }
            for (value, position) in rows[start..].iter_mut().zip(&self.positions) {
                *value += position;
            }
        }
        self.norm.apply(&mut rows);
        Ok(rows)
    }

    fn means(&self, rows: &[f32], lengths: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let mut means = vec![0.0; lengths.len() * self.hidden];
        let mut from = 0;
        for (mean, length) in means.chunks_exact_mut(self.hidden).zip(lengths) {
            let to = from + length * self.hidden;
            kernels::mean(&rows[from..to], mean);
            from = to;
        }
        if means.iter().all(|value| value.is_finite()) {
            Ok(means)
        } else {
            Err(EncoderError::NotFinite)
        }
    }
}
