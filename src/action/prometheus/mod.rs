//! What is asked of Prometheus.

pub(super) mod query;
