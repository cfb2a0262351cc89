//! What an incident is called, how bad it is and whose, when an alert opens it.

use super::{Coverage, IncidentRules};
use crate::model::{Alert, Severity, redact};
use crate::store::NewIncident;

/// The incident that an alert opens.
pub(super) fn new_incident(rules: &IncidentRules, grouping: String, alert: &Alert, coverage: &Coverage) -> NewIncident {
    NewIncident {
        grouping,
        title: title_of(alert, coverage),
        severity: severity_of(coverage, alert),
        target: coverage.target().cloned(),
        team: team_of(rules, coverage, alert),
        playbook: coverage.playbook().map(|playbook| playbook.name.clone()),
    }
}

fn title_of(alert: &Alert, coverage: &Coverage) -> String {
    const LONGEST: usize = 160;
    let title = match coverage {
        Coverage::Covered { playbook, target, .. } => format!("{}: {target}", playbook.summary),
        Coverage::Unusable { .. } | Coverage::Uncovered => {
            match alert.annotations.get("summary").or_else(|| alert.annotations.get("message")) {
                Some(summary) => format!("{}: {summary}", alert.name()),
                None => describe(alert),
            }
        }
    };
    // Masked before it is cut: a part of a secret does not look like one.
    redact(&title).chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

/// An alert in a line: its name and the labels that say where.
pub(super) fn describe(alert: &Alert) -> String {
    const WHERE: [&str; 8] =
        ["namespace", "deployment", "statefulset", "persistentvolumeclaim", "job_name", "pod", "node", "instance"];
    let place: Vec<String> =
        WHERE.iter().filter_map(|name| alert.label(name).map(|value| format!("{name}={value}"))).collect();
    if place.is_empty() { alert.name().to_owned() } else { format!("{} {}", alert.name(), place.join(" ")) }
}

pub(super) fn severity_of(coverage: &Coverage, alert: &Alert) -> Severity {
    match coverage.playbook() {
        Some(playbook) => playbook.severity,
        None => Severity::hint(alert.label("severity")),
    }
}

pub(super) fn team_of(rules: &IncidentRules, coverage: &Coverage, alert: &Alert) -> String {
    match (coverage.playbook(), alert.label("team")) {
        (Some(playbook), _) => playbook.owner.clone(),
        (None, Some(team)) if rules.teams.contains(team) => team.to_owned(),
        (None, _) => rules.default_team.clone(),
    }
}
