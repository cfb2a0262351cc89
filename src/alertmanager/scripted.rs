//! Alertmanager by a script, for rehearsals.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{AlertmanagerError, Alerts, AlertsQuery, FiringNow};

/// Answers with what fires by the script. Until it is configured, it is as where there is none.
#[derive(Debug, Default)]
pub struct ScriptedAlertmanager {
    script: Mutex<Script>,
}

#[derive(Debug, Default)]
struct Script {
    is_configured: bool,
    /// Why it does not answer.
    away: Option<String>,
    /// By their labels.
    firing: BTreeMap<BTreeMap<String, String>, FiringNow>,
}

impl ScriptedAlertmanager {
    /// From now on there is one.
    pub fn is_there(&self) {
        self.script().is_configured = true;
    }

    /// From now on it does not answer.
    pub fn is_away(&self, why: &str) {
        self.script().away = Some(why.to_owned());
    }

    /// From now on this fires, too.
    pub fn fires(&self, alert: FiringNow) {
        self.script().firing.insert(alert.labels.clone(), alert);
    }

    /// What has these labels fires no more.
    pub fn ends(&self, labels: &BTreeMap<String, String>) {
        self.script().firing.remove(labels);
    }

    /// A script is whole even if a holder panicked.
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Alerts for ScriptedAlertmanager {
    async fn alerts(&self, query: &AlertsQuery) -> Result<Vec<FiringNow>, AlertmanagerError> {
        let script = self.script();
        if !script.is_configured {
            return Err(AlertmanagerError::NotConfigured);
        }
        if let Some(why) = &script.away {
            return Err(AlertmanagerError::Unavailable(why.clone()));
        }
        Ok(script.firing.values().filter(|alert| query.is_about(alert)).cloned().collect())
    }
}
