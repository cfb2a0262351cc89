//! What is asked of Prometheus.

mod asked;
mod course;
pub(super) mod query;
pub(super) mod range;
