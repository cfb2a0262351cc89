//! Alerts, as Alertmanager tells of them, freed of the wire's oddities.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whether the alert's condition holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AlertStatus {
    Firing,
    Resolved,
}

/// One alert in one notification.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// The hash of the labels as Alertmanager makes it, 16 hexadecimal digits: the alert's identity
    /// within its source. It is made here, and never taken from the sender; of the `key` alone
    /// where a source's `map` names one.
    pub fingerprint: String,
    /// What the sender calls it, where that is not the hash of its labels. Episodes of earlier
    /// versions go by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<String>,
    /// Its sender tells one firing from another by no start: what fires while it is open is the
    /// same firing, and what fires after its end a new one, in the order in which they came in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_order: bool,
    pub status: AlertStatus,
    pub labels: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    /// `None` while it fires: Alertmanager then writes the year 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub generator_url: String,
}

impl Alert {
    /// The `alertname` label; `(unnamed alert)` where a sender left it out, or empty.
    pub fn name(&self) -> &str {
        let name = self.labels.get("alertname").map(String::as_str);
        name.filter(|name| !name.trim().is_empty()).unwrap_or("(unnamed alert)")
    }

    /// One label, if it is there.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.get(name).map(String::as_str)
    }
}

/// One delivery of Alertmanager: a group of alerts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification {
    pub receiver: String,
    pub group_key: String,
    /// How many alerts the sender left out (`max_alerts`). When it is not 0, an alert that is absent is not resolved.
    #[serde(default)]
    pub truncated: u64,
    /// What was over the bounds of a body, and is not among the alerts.
    #[serde(default, skip_serializing_if = "LeftOut::is_nothing")]
    pub left_out: LeftOut,
    /// Nobody vouches for who sent it, so it starts no mutation. What an older version took in says
    /// nothing of it, and keeps what it was let in for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unauthenticated: bool,
    /// The last field: the front door writes the alerts behind the others, as they come.
    pub alerts: Vec<Alert>,
}

/// What of a body was not taken. Nobody sends it again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    pub alerts: u64,
    /// Labels and annotations.
    pub labels: u64,
    /// Alerts that the sender itself has left out (Alertmanager's `max_alerts`).
    #[serde(default)]
    pub by_sender: u64,
    /// Alerts that cannot be read. Where the text itself is damaged, there may be more of them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: u64,
    /// Where and why, of the first few; also of what is no alert and was done without.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damage: Vec<String>,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl LeftOut {
    pub fn is_nothing(&self) -> bool {
        *self == LeftOut::default()
    }
}
