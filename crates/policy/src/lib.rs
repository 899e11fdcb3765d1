//! Policy as code: who is judged by which thresholds, and what follows.
//!
//! A deployment's policies are a folder of YAML files:
//!
//! ```text
//! policies/
//!   default.yaml        tenants: ["*"]; every other policy may extend it
//!   tenants/*.yaml      one policy each, for the tenants that it names
//!   rules/*.yaml        literal rules, shared by all policies
//! ```
//!
//! [`PolicySet::load`] reads, checks and compiles them at start. Whatever is wrong is reported
//! with file, line and column, all at once, and nothing starts on a policy that has a problem.
//! [`PolicySet::parse`] does the same for sources that were read already, and reads no file.

mod calibration;
mod document;
mod error;
mod locale;
mod policy;
mod resolve;
mod rules;
mod second_look;
mod set;
mod source;
mod stream;
mod yaml;

pub use calibration::{Calibration, Curve, Local};
pub use error::{PolicyError, Problem};
pub use policy::{NEVER, Policy, Required, Tiers};
pub use rules::{Near, TextRule};
pub use second_look::SecondLook;
pub use set::{PolicySet, Sources};
pub use source::SourceFile;
pub use stream::StreamPolicy;

#[cfg(test)]
mod tests;
