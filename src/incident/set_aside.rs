//! What follows from a signal that cannot be worked on: a person hears of it, as nothing else will come of it.

use super::IncidentRules;
use super::commands::decline;
use super::opening::describe;
use crate::model::{AlertStatus, IncidentState, LeftOut, Notification, Severity, Signal, SignalBody, SignalId};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason};

/// What makes such signals one incident.
pub(super) const GROUPING: &str = "dogwatch:set-aside";

/// Decides what follows instead. `signal`: `None` when it is what cannot be read. `known`: the last incident of [`GROUPING`].
pub(super) fn decide_set_aside(
    rules: &IncidentRules,
    id: SignalId,
    signal: Option<&Signal>,
    because: &str,
    known: Option<&IncidentView>,
) -> Decision {
    let (severity, what) = match signal {
        // Whoever gave it is told, and may give it again.
        Some(Signal { body: SignalBody::Command { .. }, .. }) => {
            return decline(format!("that could not be worked on, and nothing was done: {because}"));
        }
        Some(Signal { body: SignalBody::Notification(notification), source, .. }) => alerts_of(source, notification),
        Some(Signal { body: SignalBody::RunEnded { run, outcome, because }, .. }) => {
            (Severity::S2, format!("the end of {run}: {outcome}: {because}"))
        }
        None => (Severity::S2, "its source: it cannot be read, so nobody knows what was in it".to_owned()),
    };
    let news = News {
        title: "what came in could not be worked on, and was set aside",
        severity,
        opened_because: "nothing else follows from what was set aside",
        text: format!("{id} was set aside: {because}; in it: {what}"),
        reason: PageReason::SetAside { signal: id, what, because: because.to_owned() },
    };
    Decision { changes: tell(rules, known, 0, news), reply: None }
}

/// What follows from a body that had more than is taken of one. `opened`: how many incidents the
/// decision opens already.
pub(super) fn decide_left_out(
    rules: &IncidentRules,
    id: SignalId,
    source: &str,
    notification: &Notification,
    known: Option<&IncidentView>,
    opened: usize,
) -> Vec<Change> {
    let LeftOut { alerts, labels } = notification.left_out;
    let what = format!("{alerts} alerts and {labels} labels or annotations of {source}");
    let because =
        "one body had more than is taken of one; what fits was taken: group by more labels in alertmanager's route";
    let news = News {
        title: "what came in was more than is taken at once, and some was left out",
        severity: Severity::S2,
        opened_because: because,
        text: format!("of {id} was left out: {what}: {because}"),
        reason: PageReason::SetAside { signal: id, what, because: because.to_owned() },
    };
    tell(rules, known, opened, news)
}

/// What the default team is to hear of what came in.
struct News {
    title: &'static str,
    severity: Severity,
    opened_because: &'static str,
    text: String,
    reason: PageReason,
}

/// Tells it in the incident that collects such news, and pages. Whoever has acknowledged that one has
/// not seen this: it is opened anew then. `opened`: how many incidents the decision opens already.
fn tell(rules: &IncidentRules, known: Option<&IncidentView>, opened: usize, news: News) -> Vec<Change> {
    let mut changes = Vec::new();
    let incident = match known.filter(|view| view.incident.state == IncidentState::Open) {
        Some(view) => IncidentRef::Existing(view.incident.id),
        None => {
            changes.push(Change::OpenIncident(NewIncident {
                grouping: GROUPING.to_owned(),
                title: news.title.to_owned(),
                severity: news.severity,
                target: None,
                team: rules.default_team.clone(),
                playbook: None,
            }));
            let (incident, because) = (IncidentRef::New(opened), news.opened_because.to_owned());
            changes.push(Change::Note { incident, event: IncidentEvent::Opened { because } });
            incident
        }
    };
    changes.push(Change::Note { incident, event: IncidentEvent::Remark { text: news.text } });
    let page = NewPage { level: 1, team: rules.default_team.clone(), reason: news.reason, text: None };
    changes.push(Change::Page { incident, page });
    changes
}

/// The worst severity among the alerts, S2 at least, and some of them in words.
fn alerts_of(source: &str, notification: &Notification) -> (Severity, String) {
    const NAMED: usize = 3;
    let firing = || notification.alerts.iter().filter(|alert| alert.status == AlertStatus::Firing);
    let severity = firing().map(|alert| Severity::hint(alert.label("severity"))).fold(Severity::S2, Ord::min);
    let named: Vec<String> = firing().take(NAMED).map(describe).collect();
    let (all, firing) = (notification.alerts.len(), firing().count());
    let mut what = format!("the alerts of {source} ({firing} firing, {} resolved)", all - firing);
    if !named.is_empty() {
        what.push_str(&format!(", such as {}", named.join(", ")));
    }
    (severity, what)
}
