//! Model inference behind one small trait; the only crate that sees ONNX Runtime.
//!
//! [`Classifier`] is what the rest of Weir uses, [`FastModel`] the implementation that comes with
//! it: hashed n-grams ([`features`]) into a small ONNX graph, calibrated ([`calibrate`]) per category.
//! [`HeavyModel`] is the transformer of the second look, by `weir-encoder` in place of ONNX Runtime.
//! A classifier is synchronous and belongs to the thread that owns it.

mod batch;
pub mod calibrate;
mod classifier;
mod digest;
mod error;
pub mod features;
mod files;
mod heavy;
mod heavy_manifest;
mod manifest;
mod onnx;
mod onnx_encoder;
mod require;
mod runtime;
mod scores;
pub mod window;

pub use classifier::Classifier;
pub use error::InferError;
pub use heavy::HeavyModel;
pub use onnx::FastModel;
pub use onnx_encoder::OnnxEncoder;
pub use runtime::{RUNTIME_ENV, check as check_runtime};
pub use weir_encoder::Device;
