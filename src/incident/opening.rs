//! What an incident is called, how bad it is and whose, when an alert opens it.

use super::{Coverage, IncidentRules};
use crate::model::{Alert, Grouping, NAMESPACE, Origin, Severity, Target, redact};
use crate::playbook::Playbook;
use crate::store::{Change, IncidentEvent, IncidentRef, IncidentView, NewIncident};

/// The incident that an alert opens.
pub(super) fn new_incident(
    rules: &IncidentRules,
    grouping: Grouping,
    alert: &Alert,
    coverage: &Coverage,
) -> NewIncident {
    NewIncident {
        grouping,
        gathers: Vec::new(),
        shares: Vec::new(),
        title: title_of(rules, alert, coverage),
        severity: severity_of(rules, coverage, alert),
        target: coverage.target().cloned(),
        team: team_of(rules, coverage, alert),
        playbook: coverage.playbook().map(|playbook| playbook.name.clone()),
    }
}

/// The incident of a run that no alert asks for: the one that is known, or a new one, with the
/// reason why.
pub(super) fn incident_for_run(
    changes: &mut Vec<Change>,
    playbook: &Playbook,
    target: &Target,
    known: Option<&IncidentView>,
    because: impl FnOnce() -> String,
) -> IncidentRef {
    if let Some(view) = known {
        return IncidentRef::Existing(view.incident.id);
    }
    changes.push(Change::OpenIncident(NewIncident {
        grouping: Grouping::Object { object: target.clone(), origin: Origin::Home },
        gathers: Vec::new(),
        shares: Vec::new(),
        title: format!("{}: {target}", playbook.summary),
        severity: playbook.severity,
        target: Some(target.clone()),
        team: playbook.owner.clone(),
        playbook: Some(playbook.name.clone()),
    }));
    let incident = IncidentRef::New(0);
    changes.push(Change::Note { incident, event: IncidentEvent::Opened { because: because() } });
    incident
}

fn title_of(rules: &IncidentRules, alert: &Alert, coverage: &Coverage) -> String {
    const LONGEST: usize = 160;
    let title = match coverage {
        Coverage::Covered { playbook, target, .. } => {
            let cluster = rules.cluster.named_by(alert).map(|cluster| format!(" ({}={cluster})", rules.cluster.label));
            format!("{}: {target}{}", playbook.summary, cluster.unwrap_or_default())
        }
        Coverage::Unusable { .. } | Coverage::Elsewhere { .. } | Coverage::Uncovered => {
            match alert.annotations.get("summary").or_else(|| alert.annotations.get("message")) {
                Some(summary) => {
                    let mut places = places(rules, alert);
                    places.retain(|place| !names(summary, &place.value));
                    // Whoever knows the node or the pod knows the port on it.
                    if places.len() > 1 {
                        places.retain(|place| place.name != INSTANCE);
                    }
                    format!("{}: {summary}", with_places(alert, &places))
                }
                None => describe(rules, alert),
            }
        }
    };
    // Masked before it is cut: a part of a secret does not look like one.
    redact(&title).chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

/// Whether a text names something, as a word of its own.
fn names(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':');
    let words = text.split(|c: char| !is_part(c)).map(|word| word.trim_end_matches(['.', ':']));
    words.flat_map(|word| std::iter::once(word).chain(word.split('/'))).any(|word| word == name)
}

const INSTANCE: &str = "instance";

/// The labels that say where, in the order in which they are told.
const WHERE: [&str; 12] = [
    "deployment",
    "statefulset",
    "daemonset",
    "persistentvolumeclaim",
    "persistentvolume",
    "job_name",
    "cronjob",
    "service",
    "ingress",
    "horizontalpodautoscaler",
    "pod",
    "node",
];

/// A label that says where, under the name that is usual for it.
struct Place {
    name: String,
    value: String,
}

fn places(rules: &IncidentRules, alert: &Alert) -> Vec<Place> {
    let place = |name: &str, value: &str| Place { name: name.to_owned(), value: value.to_owned() };
    let objects: Vec<_> = WHERE.iter().filter_map(|label| Some((*label, rules.labels.find(alert, label)?))).collect();
    let mut places: Vec<Place> = Vec::new();
    places.extend(rules.cluster.named_by(alert).map(|cluster| place(&rules.cluster.label, cluster)));
    match rules.labels.namespace(alert, objects.first().map(|(_, found)| found.name)) {
        Ok(namespace) => places.extend(namespace.map(|found| place(NAMESPACE, found.value))),
        Err(two) => {
            places.extend([two.scraped, two.exported].map(|found| place(found.name, found.value)));
        }
    }
    places.extend(objects.iter().map(|(label, found)| place(label, found.value)));
    places.extend(alert.label(INSTANCE).map(|instance| place(INSTANCE, instance)));
    places
}

fn with_places(alert: &Alert, places: &[Place]) -> String {
    let places = places.iter().map(|Place { name, value }| format!(" {name}={value}"));
    std::iter::once(alert.name().to_owned()).chain(places).collect()
}

/// An alert in a line: its name and the labels that say where.
pub(super) fn describe(rules: &IncidentRules, alert: &Alert) -> String {
    with_places(alert, &places(rules, alert))
}

pub(super) fn severity_of(rules: &IncidentRules, coverage: &Coverage, alert: &Alert) -> Severity {
    match coverage.playbook() {
        Some(playbook) => playbook.severity,
        None => rules.severities.of(alert),
    }
}

pub(super) fn team_of(rules: &IncidentRules, coverage: &Coverage, alert: &Alert) -> String {
    match (coverage.playbook(), alert.label("team")) {
        (Some(playbook), _) => playbook.owner.clone(),
        (None, Some(team)) if rules.teams.contains(team) => team.to_owned(),
        (None, _) => rules.default_team.clone(),
    }
}
