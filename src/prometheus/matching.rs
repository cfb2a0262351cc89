//! A Prometheus of several clusters: each series that is asked for must be of this one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::selectors::with_matchers;
use super::{Course, Prometheus, Query, QueryError, RangeQuery, Sample};

/// Asks another one, with matchers added to each selector of what is asked.
pub struct MatchingPrometheus {
    inner: Arc<dyn Prometheus>,
    matchers: BTreeMap<String, String>,
}

impl MatchingPrometheus {
    /// `matchers`: labels and their values.
    pub fn new(inner: Arc<dyn Prometheus>, matchers: BTreeMap<String, String>) -> Self {
        Self { inner, matchers }
    }
}

impl MatchingPrometheus {
    fn matched(&self, query: &Query) -> Result<Query, QueryError> {
        let refused = |message| QueryError::Refused { expr: query.expr.clone(), message };
        let expr = with_matchers(&query.expr, &self.matchers).map_err(refused)?;
        Ok(Query { expr, ..query.clone() })
    }
}

#[async_trait]
impl Prometheus for MatchingPrometheus {
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError> {
        self.inner.query(&self.matched(query)?).await
    }

    async fn range(&self, range: &RangeQuery) -> Result<Vec<Course>, QueryError> {
        self.inner.range(&RangeQuery { query: self.matched(&range.query)?, ..range.clone() }).await
    }
}
