//! The only crate that sees Kafka.
//!
//! ```text
//! Reader (thread, group member) --Event--> lane --OutRecord--> Publisher --acks--> Ledger
//!                                                                 Committer <--"lowest offset
//!                                                                               still needed"
//! ```
//!
//! - [`Reader`] polls on a thread of its own, hands records over in batches as load makes them,
//!   and does rebalances outside librdkafka's callback.
//! - [`Publisher`] writes, lingering only under load, and sends again what failed.
//! - [`Transactor`] writes records and commits offsets, all or nothing.
//! - [`Ledger`] knows what may be committed: pure, property-tested.
//! - [`Tail`] reads without a group, [`Log`] what is there already; [`Observer`] looks at how far groups are;
//!   [`EmbeddedBroker`] is Kafka in this process;
//!   [`admin`] makes topics what their declaration says.

pub mod admin;
mod config;
mod context;
mod delivery;
mod embedded;
mod error;
mod ledger;
mod lines;
mod linger;
mod log;
mod observer;
mod options;
mod publisher;
mod reader;
mod reason;
mod record;
mod tail;
mod transactor;
mod trouble;

pub use config::BusConfig;
pub use delivery::Token;
pub use embedded::EmbeddedBroker;
pub use error::BusError;
pub use ledger::{InputRef, Ledger};
pub use linger::Linger;
pub use log::{Bound, Extent, Follow, Log, LogReader, Stretch};
pub use observer::{Group, Member, Observer};
pub use publisher::Publisher;
pub use reader::{Batch, Committer, Event, Reader, unix_ms};
pub use record::{InRecord, OutRecord};
pub use tail::{From as TailFrom, Tail, partition_count};
pub use transactor::{Membership, TransactionError, Transactor};
