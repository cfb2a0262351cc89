//! What a human cares about.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{EpisodeId, Grouping, IncidentId, Merged, Severity, Target};

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
    /// What makes its alerts belong together.
    pub grouping: Grouping,
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
    /// How often it was opened: each spell may page anew.
    pub spell: u32,
    /// Episodes that are open now, and all that ever belonged to it.
    pub open_episodes: u64,
    pub episodes: u64,
    /// When something joined it last.
    pub joined_at: Option<DateTime<Utc>>,
    /// A maintenance window covers all of it, and holds its page back until then.
    pub held_until: Option<DateTime<Utc>>,
    /// It turned out to be part of another one, in which all is told since.
    pub merged: Option<Merged>,
}

impl Incident {
    /// Somebody takes it. Who took it first is when it was answered.
    pub fn acknowledge(&mut self, by: &str, now: DateTime<Utc>) {
        if self.state == IncidentState::Open {
            self.state = IncidentState::Acknowledged;
        }
        self.owner = Some(by.to_owned());
        self.acknowledged_at.get_or_insert(now);
        self.page_at = None;
    }

    /// A verify proved that it is mitigated. What is over stays over.
    pub fn mitigate(&mut self, now: DateTime<Utc>) {
        if !self.is_over() {
            self.state = IncidentState::Mitigated;
            self.mitigated_at = Some(now);
        }
    }

    /// It is over, and with it its episodes.
    pub fn resolve(&mut self, now: DateTime<Utc>) {
        self.state = IncidentState::Resolved;
        self.resolved_at = Some(now);
        self.page_at = None;
        self.open_episodes = 0;
    }

    /// It opens again: a new spell, in which nobody has it yet.
    pub fn reopen(&mut self) {
        self.state = IncidentState::Open;
        self.acknowledged_at = None;
        self.mitigated_at = None;
        self.resolved_at = None;
        self.owner = None;
        self.spell += 1;
    }

    /// It turned out to be part of another one: what is left of it is its number.
    pub fn merged_into(&mut self, whole: IncidentId, now: DateTime<Utc>) {
        self.resolve(now);
        self.merged = Some(Merged { into: whole, root: whole });
    }

    /// It is an incident of its own again, with as many open episodes: open, and nobody's, so that
    /// somebody is paged for it unless somebody takes it.
    pub fn splits(&mut self, open: u64, now: DateTime<Utc>) {
        self.merged = None;
        self.open_episodes = open;
        if open > 0 {
            self.reopen();
            let within = self.severity.ack_within().filter(|_| self.severity.pages());
            self.page_at = within.map(|within| now + within);
        }
    }

    /// What was told in it is told in another one.
    pub fn loses(&mut self, open: u64, all: u64) {
        self.open_episodes = self.open_episodes.saturating_sub(open);
        self.episodes = self.episodes.saturating_sub(all);
    }

    /// The incident in which all that concerns it is told.
    pub fn root(&self) -> IncidentId {
        self.merged.map_or(self.id, |merged| merged.root)
    }

    /// When something joined it last; it was opened for something.
    pub fn last_joined(&self) -> DateTime<Utc> {
        self.joined_at.unwrap_or(self.opened_at)
    }

    /// Whether it is resolved.
    pub fn is_over(&self) -> bool {
        self.state == IncidentState::Resolved
    }
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
