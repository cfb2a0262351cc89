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
    /// Alertmanager's hash of the labels, 16 hexadecimal digits: the alert's identity within its source.
    pub fingerprint: String,
    pub status: AlertStatus,
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    /// `None` while it fires: Alertmanager then writes the year 1.
    #[serde(default)]
    pub ends_at: Option<DateTime<Utc>>,
    #[serde(default)]
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
    pub alerts: Vec<Alert>,
    /// Nobody vouches for who sent it, so it starts no mutation. What an older version took in says nothing of it, and keeps what
    /// it was let in for.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unauthenticated: bool,
}
