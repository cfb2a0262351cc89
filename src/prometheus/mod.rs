//! Prometheus: what a playbook may ask about the present.

mod answer;
mod http;
mod matching;
mod promql;
mod rules;
mod scripted;
mod selectors;

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

pub use http::{HttpPrometheus, NoPrometheus, PrometheusError};
pub use matching::MatchingPrometheus;
pub use promql::{Promql, PromqlError, UnknownFunction, parse_promql};
pub use rules::{AlertRule, RulesError, alert_rules};
pub use scripted::{Scripted, ScriptedPrometheus};
pub use selectors::{Selector, all_selectors, selectors, with_matchers};

use crate::model::HumanDuration;

/// One time series at one moment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub labels: BTreeMap<String, String>,
    /// May be NaN, as of 0 of 0: a series that has no number is there all the same, and whoever decides by it must know.
    pub value: f64,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// PromQL.
    pub expr: String,
    /// The moment for which it is evaluated, by our clock; to the millisecond.
    pub at: DateTime<Utc>,
    /// How old the samples may be that it is made of: all series of an instant selector, the newest
    /// of a range.
    pub max_age: Option<Duration>,
}

impl Query {
    /// Of any age that Prometheus itself allows.
    pub fn new(expr: impl Into<String>, at: DateTime<Utc>) -> Self {
        Self { expr: expr.into(), at, max_age: None }
    }
}

/// Answers instant queries.
#[async_trait]
pub trait Prometheus: Send + Sync + 'static {
    /// The instant vector (or scalar, as one sample without labels) that the expression has at that
    /// time, whole: an answer from which a part is missing is [`QueryError::Partial`]. Empty when
    /// nothing matches. May be repeated.
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError>;
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
    /// It answered with a part of what there is. What is missing may be what matters, so that it is
    /// no evidence.
    #[error("prometheus gave a partial answer to `{expr}`, which is no evidence: {warning}")]
    Partial { expr: String, warning: String },
    /// What the answer is made of is older than the query allows.
    #[error("`{expr}` is made of samples that are {} old, and `max_age` is {}: is `{selector}` still scraped?", HumanDuration(*.age), HumanDuration(*.max_age))]
    Stale { expr: String, selector: String, age: Duration, max_age: Duration },
    /// No Prometheus is configured.
    #[error("no prometheus is configured; set `prometheus.url` in dogwatch.yaml")]
    NotConfigured,
}
