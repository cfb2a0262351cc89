//! `incidents`: what belongs together in time.

use std::time::Duration;

use serde::Deserialize;

use crate::model::HumanDuration;

#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct IncidentsConfig {
    /// An incident that was resolved so recently is reopened instead of making another one.
    pub reopen_within: HumanDuration,
    /// How late a delivery of an earlier state may come. Alertmanager gives one up at its next group_interval.
    pub stale_within: HumanDuration,
    /// So soon after what joined an incident last, what has something in common with it joins it
    /// too.
    pub together_within: HumanDuration,
    /// On so many targets of one incident runs are opened in an hour. The others wait for a person.
    pub runs: usize,
    /// Whether the cluster is asked what alerts have in common. Their labels alone tell it
    /// otherwise.
    pub look_up: bool,
}

impl Default for IncidentsConfig {
    fn default() -> Self {
        Self {
            reopen_within: HumanDuration(Duration::from_secs(30 * 60)),
            stale_within: HumanDuration(Duration::from_secs(10 * 60)),
            together_within: HumanDuration(Duration::from_secs(15 * 60)),
            runs: 3,
            look_up: true,
        }
    }
}
