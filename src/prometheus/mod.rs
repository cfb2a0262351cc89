//! Prometheus: what a playbook may ask about the present, and about how it came to that.

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
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

pub use http::{HttpPrometheus, NoPrometheus, PrometheusError};
pub use matching::MatchingPrometheus;
pub use promql::{Promql, PromqlError, UnknownFunction, parse_promql};
pub use rules::{AlertRule, RulesError, alert_rules};
pub use scripted::{Drawn, Scripted, ScriptedPrometheus};
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

/// What is asked of a stretch of time that ends at the query's moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeQuery {
    pub query: Query,
    /// From one point to the next; whole milliseconds, and more than none.
    pub step: Duration,
    /// How many steps it is long: there is one point more.
    pub steps: u32,
}

impl RangeQuery {
    /// The moment of the first point.
    pub fn start(&self) -> DateTime<Utc> {
        let over = TimeDelta::from_std(self.step * self.steps).unwrap_or(TimeDelta::MAX);
        self.query.at.checked_sub_signed(over).unwrap_or(DateTime::<Utc>::MIN_UTC)
    }

    /// The moments of all points, in order; the last one is the query's.
    pub fn moments(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let (start, step) = (self.start(), self.step);
        (0..=self.steps).map(move |n| start + TimeDelta::from_std(step * n).unwrap_or_default())
    }
}

/// How one time series ran.
#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub labels: BTreeMap<String, String>,
    /// In order, at moments of the question. Where the series had no sample, there is no point; the
    /// list is never empty.
    pub points: Vec<Point>,
}

/// The value of a series at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    pub at: DateTime<Utc>,
    /// May be NaN, as in [`Sample`].
    pub value: f64,
}

/// Answers queries.
#[async_trait]
pub trait Prometheus: Send + Sync + 'static {
    /// The instant vector (or scalar, as one sample without labels) that the expression has at that
    /// time, whole: an answer from which a part is missing is [`QueryError::Partial`]. Empty when
    /// nothing matches. May be repeated.
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError>;

    /// How the series of the expression ran, each with those points that it has; whole, as
    /// [`query`](Self::query) is. Empty when nothing matches at any of the moments. May be
    /// repeated.
    async fn range(&self, range: &RangeQuery) -> Result<Vec<Course>, QueryError>;
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
