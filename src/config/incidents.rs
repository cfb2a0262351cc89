//! `incidents`: what belongs together in time.

use std::time::Duration;

use serde::Deserialize;

use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentsConfig {
    /// An incident that was resolved so recently is reopened instead of making another one.
    pub reopen_within: HumanDuration,
    /// How late a delivery of an earlier state may come. Alertmanager gives one up at its next group_interval.
    pub stale_within: HumanDuration,
}

impl Default for IncidentsConfig {
    fn default() -> Self {
        Self {
            reopen_within: HumanDuration(Duration::from_secs(30 * 60)),
            stale_within: HumanDuration(Duration::from_secs(10 * 60)),
        }
    }
}
