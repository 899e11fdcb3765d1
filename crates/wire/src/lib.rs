//! Avro records and Confluent framing: how Weir's records look on a topic.
