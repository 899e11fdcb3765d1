//! The only crate that sees Kafka: readers, publisher, offset ledger, rebalance, admin, embedded broker.
