//! `prometheus`: where playbooks' queries are answered.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::AuthConfig;
use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrometheusConfig {
    /// Where its API begins: `http://prometheus.monitoring:9090`, or with the prefix under which it is served.
    pub url: String,
    #[serde(default)]
    pub auth: Option<AuthConfig>,
    /// How long one query may take.
    #[serde(default = "HumanDuration::ten_seconds")]
    pub timeout: HumanDuration,
    /// What its queries are written in. Left out: what only VictoriaMetrics takes is warned of.
    #[serde(default)]
    pub dialect: Option<Dialect>,
    /// Labels and values that each series must have which a playbook asks for, such as `cluster:
    /// eu-1` where one Prometheus answers for several clusters.
    #[serde(default, rename = "match")]
    pub matchers: BTreeMap<String, String>,
}

/// A language of queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Of Prometheus, Thanos, Mimir and Cortex: a playbook that asks for more is not loaded.
    Promql,
    /// Of VictoriaMetrics: what only it takes is no mistake.
    Metricsql,
}

impl PrometheusConfig {
    pub(super) fn anchor(&mut self, base: &Path) {
        if let Some(auth) = &mut self.auth {
            auth.anchor(base);
        }
    }
}
