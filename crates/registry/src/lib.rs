//! Schema ids from a Confluent-compatible schema registry. The only crate that speaks to one.
//!
//! ```text
//! lane --"is this id known?"--> Ids (its own, no lock once known)
//!                                 |  not yet: the record is parked
//!                                 v
//!                   Directory (one thread) --HTTP--> registry
//! ```
//!
//! - [`Client`] makes the calls: `schema_registry_converter`'s, and the two about compatibility that it lacks.
//! - [`Directory`] looks up what is written before anything is, and ids that are met later on a thread of its own.
//! - [`Ids`] answers a lane from memory, and says of a frame whose id nobody has answered for that it must wait. An id
//!   that the registry does not know is poison; a registry that does not answer makes nothing poison.
//! - [`Pages`] reads what else is served by HTTP: a gate's admin endpoints, and what time it is at a server.

mod client;
mod directory;
mod ids;
mod pages;
mod subjects;

pub use client::{CallError, Client, FULL_TRANSITIVE, MEDIA_TYPE, Version};
pub use directory::{ConnectError, Directory, OnContact};
pub use ids::Ids;
pub use pages::{Page, PageError, Pages};
pub use subjects::Subjects;
