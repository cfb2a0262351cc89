//! Of which metrics that playbooks ask for a Prometheus has no series now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::diagnostics::Location;
use crate::playbook::Playbook;
use crate::prometheus::{Prometheus, Query, QueryError, all_selectors};

/// Looks metrics up. What was asked once is not asked again.
pub struct Series {
    prometheus: Arc<dyn Prometheus>,
    now: DateTime<Utc>,
    /// Whether there are series of that name; `None`: it was not answered.
    known: BTreeMap<String, Option<bool>>,
    /// How many questions in a row were not answered.
    silent: usize,
}

/// After so many questions without an answer nothing is asked any more: each may take its whole
/// patience, and there are hundreds.
const SILENT: usize = 3;

/// A metric without series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    pub metric: String,
    /// Where the playbook asks for it first.
    pub at: Location,
    /// Prometheus says so; else it did not answer.
    pub is_known: bool,
}

impl Series {
    pub fn new(prometheus: Arc<dyn Prometheus>, now: DateTime<Utc>) -> Self {
        Self { prometheus, now, known: BTreeMap::new(), silent: 0 }
    }

    /// By the names of its metrics, and not their labels: which series are there changes from day
    /// to day. None where no Prometheus is configured.
    pub async fn lacking(&mut self, playbook: &Playbook) -> Vec<Lacking> {
        let mut found = Vec::new();
        let mut told = BTreeSet::new();
        for (expr, at) in playbook.queries() {
            for metric in names(&expr) {
                if !told.insert(metric.clone()) {
                    continue;
                }
                if !self.known.contains_key(&metric) && self.silent < SILENT {
                    let query = Query::new(format!("count({metric})"), self.now);
                    let answer = match self.prometheus.query(&query).await {
                        Ok(samples) => Some(!samples.is_empty()),
                        Err(QueryError::NotConfigured) => return found,
                        Err(_) => None,
                    };
                    self.silent = if answer.is_some() { 0 } else { self.silent + 1 };
                    self.known.insert(metric.clone(), answer);
                }
                let answer = self.known.get(&metric).copied().flatten();
                if answer != Some(true) {
                    found.push(Lacking { metric, at, is_known: answer.is_some() });
                }
            }
        }
        found
    }
}

/// The names of the metrics of a query. What selects by something else than a name, or is not
/// understood, has none.
fn names(expr: &str) -> Vec<String> {
    let selectors = all_selectors(expr).unwrap_or_default();
    let name = |text: &str| text.split('{').next().unwrap_or_default().trim().to_owned();
    selectors.iter().map(|selector| name(&selector.text)).filter(|name| !name.is_empty()).collect()
}
