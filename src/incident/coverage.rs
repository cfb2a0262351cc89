//! Which playbook an alert starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::IncidentRules;
use crate::model::{Alert, Target};
use crate::playbook::{Catalog, Playbook};
use crate::store::unfit_to_act_on;

/// What is known about an alert before any incident is looked at.
#[derive(Debug, Clone)]
pub enum Coverage {
    /// A playbook knows it, and its target is known.
    Covered { playbook: Arc<Playbook>, target: Target, inputs: Map<String, Value> },
    /// A playbook is meant for it, but cannot begin.
    Unusable { playbook: Arc<Playbook>, because: String },
    /// It is about another cluster, where this bot changes nothing; and the playbook that would
    /// know it here.
    Elsewhere { playbook: Option<Arc<Playbook>>, cluster: String, because: String },
    /// No playbook knows it.
    Uncovered,
}

impl Coverage {
    pub fn playbook(&self) -> Option<&Arc<Playbook>> {
        match self {
            Coverage::Covered { playbook, .. } | Coverage::Unusable { playbook, .. } => Some(playbook),
            Coverage::Elsewhere { playbook, .. } => playbook.as_ref(),
            Coverage::Uncovered => None,
        }
    }

    pub fn target(&self) -> Option<&Target> {
        match self {
            Coverage::Covered { target, .. } => Some(target),
            Coverage::Unusable { .. } | Coverage::Elsewhere { .. } | Coverage::Uncovered => None,
        }
    }
}

/// Finds the playbook for an alert, its target and its inputs; and what an operator should know about the search.
pub fn cover(catalog: &Catalog, rules: &IncidentRules, source: &str, alert: &Alert) -> (Coverage, Vec<String>) {
    let found = catalog.for_alert(alert);
    let mut remarks = found.problems;
    let playbook = found.playbook.cloned();
    let rated = rules.severities.rate(|label| alert.label(label));
    if let (None, Some(word)) = (&playbook, rated.unknown) {
        let (word, severity) = (word.chars().take(LONGEST_WORD).collect::<String>(), rated.severity);
        remarks.push(format!(
            "what the severity `{word}` of {} means is not known, so it is taken for {severity}; `severities` in dogwatch.yaml \
             can say it",
            alert.name()
        ));
    }
    if let Some(cluster) = rules.cluster.other(alert) {
        let home = rules.cluster.name.as_deref().unwrap_or_default();
        let because = format!("it is about the cluster {cluster}, and this bot works on {home}");
        return (Coverage::Elsewhere { playbook, cluster: cluster.to_owned(), because }, remarks);
    }
    let Some(playbook) = playbook else { return (Coverage::Uncovered, remarks) };
    // Evidence decides, and not the order of files.
    if let Some(because) = found.undecided {
        return (Coverage::Unusable { playbook, because }, remarks);
    }
    let given = BTreeMap::new();
    let inputs = match playbook.inputs_for(Some(alert), &given) {
        Ok(inputs) => inputs,
        Err(problems) => {
            let because = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            return (Coverage::Unusable { playbook, because }, remarks);
        }
    };
    let coverage = match playbook.target_for(Some(alert), &rules.labels, &inputs, &given) {
        Ok(target) => {
            let because = unfit_to_act_on(&target, &Value::Object(inputs.clone()))
                .or_else(|| rules.may_start.of(source).why_not(alert.name(), &playbook.name, &target));
            remarks.extend(exported(alert, &target));
            match because {
                Some(because) => Coverage::Unusable { playbook, because },
                None => Coverage::Covered { playbook, target, inputs },
            }
        }
        Err(error) => Coverage::Unusable { playbook, because: error.to_string() },
    };
    (coverage, remarks)
}

/// No word for severity is longer; a text that somebody put there is cut.
const LONGEST_WORD: usize = 40;

/// That the target is in the namespace that the metric says, and not in the one that people look at
/// first.
fn exported(alert: &Alert, target: &Target) -> Option<String> {
    let scraped = alert.label("namespace")?;
    let exported = alert.label("exported_namespace").filter(|exported| *exported == target.namespace)?;
    (scraped != exported).then(|| {
        format!(
            "the target is taken from exported_namespace={exported}: namespace={scraped} is where {} was scraped \
             (set `honor_labels: true` for that scrape)",
            alert.name()
        )
    })
}
