//! For inference workers: checks a prompt, and guards its answer while it streams, by the release
//! protocol (`docs/STREAMS.md`).
//!
//! ```no_run
//! # use futures_core::Stream;
//! use weir_client::{BusConfig, Event, Prompt, StreamName, Worker, WorkerConfig};
//!
//! # async fn example(
//! #     engine: impl Stream<Item = Result<Vec<u8>, std::io::Error>>,
//! # ) -> Result<(), Box<dyn std::error::Error>> {
//! // Once a process. It blocks for a moment.
//! let worker = Worker::connect(WorkerConfig::new(BusConfig::new("localhost:9092")))?;
//!
//! // The check runs while the engine prefills; nothing is shown before its verdict.
//! let request = worker.submit(Prompt::user("acme", "What is a weir?"))?;
//! let mut answer = request.guard(StreamName::default(), engine);
//! while let Some(event) = answer.next().await {
//!     match event? {
//!         Event::Text(text) => { /* show it */ }
//!         Event::Retract { keep_bytes } => { /* take back all but so much */ }
//!         Event::Cut(cut) => { /* show cut.completion; no more text comes */ }
//!         Event::TooLong(error) => eprintln!("{error}"),
//!         Event::Done(summary) => println!("{}", summary.ended.as_str()),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it is made of
//!
//! - [`Guard`], [`PromptCheck`] and [`Breaker`] decide. They are pure: inputs and the time go in,
//!   [`Effect`]s come out. They know no clock, thread, Kafka or tokio, so `weir check` and the tests
//!   drive them under a clock of their own. `clients/vectors` is what every implementation must do.
//! - [`Worker`], [`Request`] and [`GuardedStream`] carry out what they decide, on tokio's timers and
//!   two threads of their own: one producer, one consumer of verdicts.
//! - [`RequestIds`] draws ids whose verdicts come back on the partitions that the worker reads.

/// Compiles what the front page says.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct FrontPage;

mod breaker;
mod clock;
mod config;
mod early;
mod effect;
mod error;
mod guard;
mod inbox;
mod masks;
mod murmur2;
mod outbox;
mod position;
mod prompt;
mod request;
mod request_id;
mod routes;
mod ruling;
mod schemas;
mod screen;
mod stream;
mod text;
mod timer;
mod unjudged;
mod worker;

pub use breaker::{Admission, Breaker};
pub use config::WorkerConfig;
pub use effect::{ChunkParts, Cut, Effect, Ended, OpeningParts, Summary};
pub use error::ClientError;
pub use guard::{Guard, TooLong};
pub use murmur2::{murmur2, partition_of};
pub use prompt::{Block, PromptCheck, PromptOutcome};
pub use request::{Request, StreamName};
pub use request_id::{RequestIds, choose_partitions};
pub use stream::{Event, GuardedStream};
pub use text::MAX_STREAM_BYTES;
pub use weir_bus::BusConfig;
pub use weir_types::{FailMode, OnExpiry, StreamContract};
pub use weir_wire::{Channel, Prompt, Role, Segment};
pub use worker::Worker;
