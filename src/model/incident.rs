//! What a human cares about.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EpisodeId, IncidentId, Severity, Target};

/// The life of an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncidentState {
    Open,
    Acknowledged,
    /// A verify proved the mitigation, but the alert has not yet resolved.
    Mitigated,
    Resolved,
}

impl std::fmt::Display for IncidentState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            IncidentState::Open => "open",
            IncidentState::Acknowledged => "acknowledged",
            IncidentState::Mitigated => "mitigated",
            IncidentState::Resolved => "resolved",
        })
    }
}

/// One or more episodes with one cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// What makes alerts belong together: `target:Deployment/kube-system/coredns` or
    /// `alert:<source>:<name>:<group key>`.
    pub grouping: String,
    pub title: String,
    pub severity: Severity,
    pub state: IncidentState,
    pub target: Option<Target>,
    /// The team that owns it.
    pub team: String,
    /// The person who acknowledged it.
    pub owner: Option<String>,
    /// The playbook that its alerts triggered, if any.
    pub playbook: Option<String>,
    pub opened_at: DateTime<Utc>,
    pub acknowledged_at: Option<DateTime<Utc>>,
    pub mitigated_at: Option<DateTime<Utc>>,
    pub resolved_at: Option<DateTime<Utc>>,
    /// When somebody is paged, whatever the run is doing then. `None`: already paged, or no need.
    pub page_at: Option<DateTime<Utc>>,
    /// Episodes that are open now, and all that ever belonged to it.
    pub open_episodes: u64,
    pub episodes: u64,
}

/// One firing of one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    pub id: EpisodeId,
    pub source: String,
    pub fingerprint: String,
    pub incident: IncidentId,
    pub alert: String,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    pub opened_at: DateTime<Utc>,
    pub closed_at: Option<DateTime<Utc>>,
}
