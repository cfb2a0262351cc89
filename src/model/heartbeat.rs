//! What must keep coming, and whose absence is the news.

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Severity;

/// What must keep coming: an alert that always fires, such as `Watchdog`, or the calls of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatRule {
    pub source: String,
    /// The alert's name. `None`: whatever the source sends.
    pub alert: Option<String>,
    /// The longest time between two of them.
    pub within: Duration,
    pub severity: Severity,
    /// Who is called. `None`: the default team.
    pub team: Option<String>,
}

/// One heartbeat: each set of labels of such an alert is one of its own, as each comes from another
/// place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HeartbeatKey {
    pub source: String,
    /// The alert's fingerprint; empty for the source itself.
    pub key: String,
}

/// That it came, or that its sender says that it is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beat {
    pub key: HeartbeatKey,
    pub alert: Option<String>,
    /// For people: `Watchdog prometheus=monitoring/k8s`.
    pub name: String,
    pub is_over: bool,
}

/// How a heartbeat stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heartbeat {
    pub key: HeartbeatKey,
    pub alert: Option<String>,
    pub name: String,
    /// How often it came.
    pub beats: u64,
    pub last_at: DateTime<Utc>,
    /// Its sender says that it is over: nobody waits for it any longer.
    pub is_over: bool,
}

/// News of a heartbeat.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "news", rename_all = "snake_case")]
pub enum HeartbeatNews {
    Missing {
        /// When it came last; `None`: it never came.
        last_at: Option<DateTime<Utc>>,
        /// In seconds.
        within: u64,
        severity: Severity,
        team: Option<String>,
    },
    Back,
}

impl HeartbeatRule {
    /// Whether it is about that heartbeat.
    pub fn is_about(&self, heartbeat: &Heartbeat) -> bool {
        self.source == heartbeat.key.source && self.alert == heartbeat.alert
    }
}
