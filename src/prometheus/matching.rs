//! A Prometheus of several clusters: each series that is asked for must be of this one.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::selectors::with_matchers;
use super::{Prometheus, Query, QueryError, Sample};

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

#[async_trait]
impl Prometheus for MatchingPrometheus {
    async fn query(&self, query: &Query) -> Result<Vec<Sample>, QueryError> {
        let refused = |message| QueryError::Refused { expr: query.expr.clone(), message };
        let expr = with_matchers(&query.expr, &self.matchers).map_err(refused)?;
        self.inner.query(&Query { expr, ..query.clone() }).await
    }
}
