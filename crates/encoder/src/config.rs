//! Sizes of a network.

use crate::EncoderError;

/// What the weights do not say themselves, and what they are checked against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// Width of a token's vector; a multiple of `heads`.
    pub hidden: usize,
    /// Layers.
    pub layers: usize,
    /// Attention heads a layer.
    pub heads: usize,
    /// Width inside a layer's feed-forward part.
    pub inner: usize,
    /// Added to the variance in each layer normalisation.
    pub epsilon: f32,
}

impl Config {
    /// multilingual-e5-small.
    pub const E5_SMALL: Self = Self {
        hidden: 384,
        layers: 12,
        heads: 12,
        inner: 1536,
        epsilon: 1e-12,
    };

    pub(crate) fn check(&self) -> Result<(), EncoderError> {
        if self.hidden == 0 || self.heads == 0 || !self.hidden.is_multiple_of(self.heads) {
            return Err(EncoderError::ConfigMalformed {
                hidden: self.hidden,
                heads: self.heads,
            });
        }
        Ok(())
    }
}
