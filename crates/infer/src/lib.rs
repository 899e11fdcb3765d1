//! Model inference behind one small trait; the only crate that sees ONNX Runtime.
//!
//! [`Classifier`] is what the rest of Weir uses, [`FastModel`] the implementation that comes with
//! it: hashed n-grams ([`features`]) into a small ONNX graph, calibrated ([`calibrate`]) per category.
//! A classifier is synchronous and belongs to the thread that owns it.

mod batch;
pub mod calibrate;
mod classifier;
mod digest;
mod error;
pub mod features;
mod manifest;
mod onnx;
mod runtime;
pub mod window;

pub use classifier::Classifier;
pub use error::InferError;
pub use onnx::FastModel;
