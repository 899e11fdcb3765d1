//! Metric catalogue, health and the admin endpoints.
