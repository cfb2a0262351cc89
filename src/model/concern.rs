//! What an incident is about, for whoever knows such things.

use std::collections::BTreeSet;

use super::{Incident, may_start};

/// The names of its alerts, the playbook, and the namespaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concern {
    pub alerts: BTreeSet<String>,
    pub playbooks: BTreeSet<String>,
    pub namespaces: BTreeSet<String>,
}

impl Concern {
    /// `alerts`: those that ever belonged to it, each with the namespace that its labels say.
    pub fn of(incident: &Incident, alerts: impl IntoIterator<Item = (String, Option<String>)>) -> Self {
        let mut concern = Self::default();
        for (alert, namespace) in alerts {
            concern.alerts.insert(alert);
            concern.namespaces.extend(namespace);
        }
        concern.playbooks.extend(incident.playbook.clone());
        concern.namespaces.extend(incident.target.as_ref().map(|target| target.namespace.clone()));
        concern.namespaces.remove("");
        concern
    }

    pub fn has_alert_like(&self, pattern: &str) -> bool {
        has_like(&self.alerts, pattern)
    }

    pub fn has_playbook_like(&self, pattern: &str) -> bool {
        has_like(&self.playbooks, pattern)
    }

    pub fn has_namespace_like(&self, pattern: &str) -> bool {
        has_like(&self.namespaces, pattern)
    }
}

/// In a pattern, `*` stands for any text.
fn has_like(names: &BTreeSet<String>, pattern: &str) -> bool {
    names.iter().any(|name| may_start::fits(pattern, name))
}
