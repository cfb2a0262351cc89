//! What is asked of Alertmanager.

pub(super) mod alerts;
mod matchers;
