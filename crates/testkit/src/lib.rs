//! Broker fixtures and generators for tests and benchmarks.
