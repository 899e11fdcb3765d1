//! Model inference behind one small trait; the only crate that sees ONNX Runtime.
