//! What is asked of Prometheus.

mod asked;
mod course;
mod grid;
pub(super) mod query;
pub(super) mod range;
