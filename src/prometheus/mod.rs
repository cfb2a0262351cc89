//! Prometheus: what a playbook may ask about the present.

mod http;
mod scripted;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

pub use http::{HttpPrometheus, NoPrometheus, PrometheusAuth, PrometheusError};
pub use scripted::ScriptedPrometheus;

/// One time series at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    /// May be NaN, as of 0 of 0: a series that has no number is there all the same, and whoever decides by it must know.
    pub value: f64,
}

/// Answers instant queries.
#[async_trait]
pub trait Prometheus: Send + Sync + 'static {
    /// The instant vector (or scalar, as one sample without labels) that `expr` has now. Empty when nothing matches.
    /// May be repeated.
    async fn query(&self, expr: &str) -> Result<Vec<Sample>, QueryError>;
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The expression is wrong; the same one will not work later.
    #[error("prometheus refused the query `{expr}`: {message}")]
    Refused { expr: String, message: String },
    /// Not reachable, overloaded or too slow.
    #[error("prometheus did not answer: {0}")]
    Unavailable(String),
    /// No Prometheus is configured.
    #[error("no prometheus is configured; set `prometheus.url` in dogwatch.yaml")]
    NotConfigured,
}
