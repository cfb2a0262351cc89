//! What an operator may set about incidents.

use std::collections::BTreeSet;
use std::time::Duration;

/// The rules by which incidents are opened, reopened and paged.
#[derive(Debug, Clone)]
pub struct IncidentRules {
    /// The team that owns what nobody else does.
    pub default_team: String,
    /// The teams of `oncall.yaml`: an alert's `team` label counts only if it names one of them.
    pub teams: BTreeSet<String>,
    /// An incident that was resolved so recently is reopened by a new episode of its grouping instead of making another one.
    pub reopen_within: Duration,
    /// How late a delivery of an earlier state may come: Alertmanager gives one up at its next flush, which is its
    /// group_interval (5 min by default) away. A firing that is told so soon after its end waits until then: when its end was not
    /// told once more by that time, it is no echo, and fires again.
    pub stale_within: Duration,
}

impl Default for IncidentRules {
    fn default() -> Self {
        Self {
            default_team: "platform".into(),
            teams: BTreeSet::new(),
            reopen_within: Duration::from_secs(30 * 60),
            stale_within: Duration::from_secs(10 * 60),
        }
    }
}
