//! Fixtures for tests and benchmarks: a real Apache Kafka and schema registry, child processes, a virtual clock.
//!
//! ```no_run
//! # fn make_topic(_bootstrap: &str, _topic: &str) {}
//! #[test]
//! fn verdicts_arrive() {
//!     let Some(kafka) = weir_testkit::kafka_or_skip() else { return };
//!     let topic = weir_testkit::unique_name("verdicts");
//!     make_topic(kafka.bootstrap(), &topic);
//! }
//! ```
//!
//! Tests on a real broker run where `WEIR_TEST_KAFKA=1` is set (`make test` sets it) and say that
//! they are skipped elsewhere. One broker serves a whole test binary, so topics and groups need
//! names of their own ([`unique_name`]); a test that stops or kills its broker takes one for
//! itself ([`own_kafka_or_skip`]). The same holds of registries ([`registry_or_skip`], [`own_registry_or_skip`]).
//!
//! Nothing here knows a Kafka client: the crates under test bring theirs.

mod clock;
mod kafka;
mod node;
mod port;
mod process;
mod registry;
mod tls;
mod tools;

pub use clock::VirtualClock;
pub use kafka::switch::{
    kafka_enabled, kafka_or_skip, own_kafka_or_skip, own_secured_kafka_or_skip, unique_name,
};
pub use kafka::{Kafka, KafkaError, Secured};
pub use port::free_port;
pub use process::{Process, ProcessError};
pub use registry::{SchemaRegistry, SchemaRegistryError, own_registry_or_skip, registry_or_skip};
pub use tls::{Authority, Certificate};
