//! PromQL, as far as a playbook can be held to it before anything is asked: its form, the types of its
//! parts, and how far back it looks. Nothing is evaluated here.
//!
//! The grammar is that of Prometheus 3 (<https://prometheus.io/docs/prometheus/latest/querying/basics/>). A
//! hole of a playbook, `{{inputs.x}}`, is a name, a number or a part of either.

mod calls;
mod functions;
mod parse;
mod selector;
#[cfg(test)]
mod tests;
mod times;
mod token;

use std::time::Duration;

/// What is known of a query.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Promql {
    /// How far back it looks at most: 5 min for `rate(x[5m])`, 65 min for `rate(x[5m] offset 1h)`.
    pub window: Option<Duration>,
    /// Functions that Prometheus does not have; another server may.
    pub unknown: Vec<UnknownFunction>,
}

/// A function that is not one of Prometheus's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownFunction {
    pub name: String,
    /// Where it stands, in characters.
    pub offset: usize,
    /// The one that is meant, where that can be told.
    pub meant: Option<&'static str>,
}

/// Why Prometheus would refuse the query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PromqlError {
    pub message: String,
    /// Where it is wrong, in characters.
    pub offset: usize,
    /// What to write instead; may be empty.
    pub remedy: String,
    /// VictoriaMetrics might take it.
    pub is_metricsql: bool,
}

/// Reads a query as an instant query is read: it must give numbers.
///
/// # Errors
/// When Prometheus would refuse it.
pub fn parse_promql(text: &str) -> Result<Promql, PromqlError> {
    parse::parse(text)
}
