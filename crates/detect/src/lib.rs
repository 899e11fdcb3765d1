//! The rules engine: literal rules, validated PII and secrets, as spans of the original bytes.
