//! Anything that came in through the front door.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{
    Alert, AlertStatus, Command, Digest, HeartbeatKey, HeartbeatNews, IncidentId, Notification, Outcome, Person, RunId,
    Severities, Severity, WindowId,
};

/// What came in. `source` and `key` are unique together, so that a redelivery changes nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Configured, never the peer that happened to deliver: `alertmanager`, `discord`, `run`.
    pub source: String,
    pub key: String,
    pub received_at: DateTime<Utc>,
    pub body: SignalBody,
}

/// The sorts of signals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "sort", rename_all = "snake_case")]
pub enum SignalBody {
    /// A delivery of Alertmanager.
    Notification(Notification),
    /// A person asked for something that changes the world.
    Command { person: Person, command: Command },
    /// A run came to its end.
    RunEnded { run: RunId, outcome: Outcome, because: String },
    /// What must keep coming does not, or does again.
    Heartbeat { key: HeartbeatKey, name: String, news: HeartbeatNews },
    /// An incident that flaps was held open, and nothing fired since then unless something joined
    /// it.
    Quiet { incident: IncidentId, since: DateTime<Utc> },
    /// A maintenance window is over.
    WindowEnded { window: WindowId },
    /// The time has come that a playbook is planned for.
    Planned { playbook: String, at: DateTime<Utc> },
}

/// How the keys of signals begin that tell ends which nobody told: when asked, the source listed
/// those alerts no more.
pub const UNLISTED: &str = "not listed any more: ";

/// Who goes first. What is about one alert is always in one lane: which one follows from its
/// labels, which are what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// Somebody waits for the answer; and the ends of runs, which are few.
    People,
    /// Alerts that say that they are S1.
    Urgent,
    Usual,
}

impl Lane {
    pub fn of(alert: &Alert, severities: &Severities) -> Self {
        Self::rated(severities.of(alert))
    }

    pub fn rated(severity: Severity) -> Self {
        if severity == Severity::S1 { Lane::Urgent } else { Lane::Usual }
    }
}

impl Signal {
    /// The lane of all that is in it. The front door makes a signal for each lane of a body.
    pub fn lane(&self, severities: &Severities) -> Lane {
        match &self.body {
            SignalBody::Command { .. } | SignalBody::RunEnded { .. } => Lane::People,
            // Whoever is blind must know it first, and what was held back may be S1.
            SignalBody::Heartbeat { .. } | SignalBody::WindowEnded { .. } => Lane::Urgent,
            SignalBody::Quiet { .. } | SignalBody::Planned { .. } => Lane::Usual,
            SignalBody::Notification(notification) => {
                notification.alerts.first().map_or(Lane::Usual, |alert| Lane::of(alert, severities))
            }
        }
    }

    /// Whether episodes may end by it.
    pub fn may_end(&self) -> bool {
        match &self.body {
            SignalBody::Notification(notification) => {
                notification.alerts.iter().any(|alert| alert.status == AlertStatus::Resolved)
            }
            SignalBody::Command { command, .. } => {
                matches!(command, Command::Resolve { .. } | Command::ResolveMany { .. })
            }
            SignalBody::RunEnded { .. }
            | SignalBody::Heartbeat { .. }
            | SignalBody::WindowEnded { .. }
            | SignalBody::Quiet { .. }
            | SignalBody::Planned { .. } => false,
        }
    }

    /// What a command asks for and who asks, by digest: what has the same key must have the same.
    pub fn said(&self) -> Option<Digest> {
        let SignalBody::Command { person, command } = &self.body else { return None };
        Some(Digest::of(format!("{}\n{command:?}", person.id)))
    }
}
