//! The heavy model's transformer: text to token windows to vectors to logits; the only crate that
//! sees candle and the tokenizer.
//!
//! A text is cut into windows of tokens by [`Tokenizer`], windows are put together into passes by
//! [`plan`], a pass through [`Encoder`] gives one vector a window, and a [`Head`] turns vectors into
//! logits. Everything comes in as bytes and slices: no file, clock or topic is touched, and nothing
//! of a text is in an error.
//!
//! **Texts are packed, not padded.** The rows of a pass are the tokens of its texts, one after the
//! other: matrix products see all of them at once, attention sees one text at a time. There is no
//! padding to mask, and a vector does not depend on the texts beside it.
//!
//! **Threads.** This crate starts none. candle's matrix products use rayon's global pool unless
//! `RAYON_NUM_THREADS` is 1 when the process starts, which is what a worker a core wants.
//!
//! **Devices.** On a processor layers run by fused kernels (`layer`); on a graphics card, with the feature `cuda`, by
//! candle's own operations (`plain`), which tests compare with the former.
//!
//! **8-bit weights** (`X.weight` as i8 with one f32 a row as `X.scale`) become f32 when they are
//! loaded, all but the word embeddings, which are only looked up. These may also come from [`Base`],
//! in 4 bits. candle has no i8 tensors; its
//! quantised products take GGUF blocks (`Q8_0`: 32 weights a scale), so products in 8 bits need
//! either weights exported in such blocks or a kernel of our own.

mod base;
mod batch;
mod config;
mod device;
mod encoder;
mod error;
mod head;
mod kernels;
mod layer;
mod ops;
mod plain;
mod table;
mod tokenizer;
mod weights;
mod window;

pub use base::Base;
pub use batch::plan;
pub use config::Config;
pub use device::Device;
pub use encoder::Encoder;
pub use error::EncoderError;
pub use head::Head;
pub use tokenizer::{Encoded, Tokenizer, Window};
pub use weights::Weights;
pub use window::Windowing;
