//! Which playbook an alert starts, and what makes alerts belong together.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::model::{Alert, MayStart, Target};
use crate::playbook::{Catalog, Playbook};
use crate::store::unfit_to_act_on;

/// What is known about an alert before any incident is looked at.
#[derive(Debug, Clone)]
pub enum Coverage {
    /// A playbook knows it, and its target is known.
    Covered { playbook: Arc<Playbook>, target: Target, inputs: Map<String, Value> },
    /// A playbook is meant for it, but cannot begin.
    Unusable { playbook: Arc<Playbook>, because: String },
    /// No playbook knows it.
    Uncovered,
}

impl Coverage {
    pub fn playbook(&self) -> Option<&Arc<Playbook>> {
        match self {
            Coverage::Covered { playbook, .. } | Coverage::Unusable { playbook, .. } => Some(playbook),
            Coverage::Uncovered => None,
        }
    }

    pub fn target(&self) -> Option<&Target> {
        match self {
            Coverage::Covered { target, .. } => Some(target),
            Coverage::Unusable { .. } | Coverage::Uncovered => None,
        }
    }

    /// What makes alerts one incident: the playbook's target, else their name within Alertmanager's own group. Never the text
    /// of a summary. The name, as many have one group for a whole cluster: what has nothing in common is not one cause.
    pub fn grouping(&self, source: &str, group_key: &str, alert: &Alert) -> String {
        match self {
            Coverage::Covered { target, .. } => grouping_of_target(target),
            Coverage::Unusable { .. } | Coverage::Uncovered => format!("alert:{source}:{}:{group_key}", alert.name()),
        }
    }
}

/// The grouping of everything that is about one target.
pub(super) fn grouping_of_target(target: &Target) -> String {
    format!("target:{}", target.key())
}

/// Finds the playbook for an alert, its target and its inputs; and what an operator should know about the search. `may_start`:
/// what the alert's source may start.
pub fn cover(catalog: &Catalog, may_start: &MayStart, alert: &Alert) -> (Coverage, Vec<String>) {
    let found = catalog.for_alert(alert);
    let remarks = found.problems;
    let Some(playbook) = found.playbook.cloned() else { return (Coverage::Uncovered, remarks) };
    let given = BTreeMap::new();
    let inputs = match playbook.inputs_for(Some(alert), &given) {
        Ok(inputs) => inputs,
        Err(problems) => {
            let because = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return (Coverage::Unusable { playbook, because }, remarks);
        }
    };
    let coverage = match playbook.target_for(Some(alert), &inputs, &given) {
        Ok(target) => match unfit_to_act_on(&target, &Value::Object(inputs.clone())) {
            Some(because) => Coverage::Unusable { playbook, because },
            None => match may_start.why_not(alert.name(), &playbook.name, &target) {
                Some(because) => Coverage::Unusable { playbook, because },
                None => Coverage::Covered { playbook, target, inputs },
            },
        },
        Err(error) => Coverage::Unusable { playbook, because: error.to_string() },
    };
    (coverage, remarks)
}
