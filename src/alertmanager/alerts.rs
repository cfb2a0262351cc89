//! What fires now, for playbooks that look around.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::AlertmanagerError;
use crate::model::Matcher;

/// Which alerts are asked for: those for which all matchers hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertsQuery {
    pub matchers: Vec<Matcher>,
    /// Also those that a silence covers.
    pub silenced: bool,
    /// Also those that others inhibit.
    pub inhibited: bool,
}

impl AlertsQuery {
    pub(super) fn is_about(&self, alert: &FiringNow) -> bool {
        (self.silenced || alert.silenced_by.is_empty())
            && (self.inhibited || alert.inhibited_by.is_empty())
            && self.matchers.iter().all(|matcher| matcher.matches(&alert.labels))
    }
}

/// An alert that fires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FiringNow {
    pub labels: BTreeMap<String, String>,
    pub starts_at: DateTime<Utc>,
    /// The ids of the silences that cover it.
    pub silenced_by: Vec<String>,
    /// The fingerprints of the alerts that inhibit it.
    pub inhibited_by: Vec<String>,
}

/// Tells what fires.
#[async_trait]
pub trait Alerts: Send + Sync + 'static {
    /// All alerts that fire and are asked for. None is an answer. May be repeated.
    async fn alerts(&self, query: &AlertsQuery) -> Result<Vec<FiringNow>, AlertmanagerError>;
}

/// No Alertmanager: whatever asks it, fails, and so escalates.
#[derive(Debug, Default, Clone, Copy)]
pub struct NoAlertmanager;

#[async_trait]
impl Alerts for NoAlertmanager {
    async fn alerts(&self, _query: &AlertsQuery) -> Result<Vec<FiringNow>, AlertmanagerError> {
        Err(AlertmanagerError::NotConfigured)
    }
}
