//! The suites that every implementation of an edge must pass.

mod store;
