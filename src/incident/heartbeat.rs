//! What follows from a heartbeat that is missing, or is back.

use super::IncidentRules;
use crate::model::{Grouping, HeartbeatKey, HeartbeatNews, IncidentState, Severity};
use crate::store::{Change, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason};

/// What makes news of a heartbeat one incident.
pub(super) fn grouping_of_heartbeat(key: &HeartbeatKey) -> Grouping {
    Grouping::Heartbeat { source: key.source.clone(), key: key.key.clone() }
}

/// Decides what follows. `known`: the last incident of the heartbeat.
pub(super) fn decide_heartbeat(
    rules: &IncidentRules,
    key: &HeartbeatKey,
    name: &str,
    news: &HeartbeatNews,
    known: Option<&IncidentView>,
) -> Decision {
    let open = known.filter(|view| view.incident.state != IncidentState::Resolved);
    let changes = match (news, open) {
        (HeartbeatNews::Back, Some(view)) => back(view, name, &key.source),
        (HeartbeatNews::Back, None) | (HeartbeatNews::Missing { .. }, Some(_)) => Vec::new(),
        (HeartbeatNews::Missing { last_at, within, severity, team }, None) => {
            let team = team.as_ref().filter(|team| rules.teams.contains(*team)).unwrap_or(&rules.default_team);
            let reason = PageReason::HeartbeatMissing {
                name: name.to_owned(),
                source: key.source.clone(),
                last_at: *last_at,
                within: *within,
            };
            missing(key, name, *severity, team, reason)
        }
    };
    Decision { changes, reply: None }
}

fn missing(key: &HeartbeatKey, name: &str, severity: Severity, team: &str, reason: PageReason) -> Vec<Change> {
    let incident = IncidentRef::New(0);
    let new = NewIncident {
        grouping: grouping_of_heartbeat(key),
        gathers: Vec::new(),
        shares: Vec::new(),
        title: format!("the heartbeat {name} of {} is missing", key.source),
        severity,
        target: None,
        team: team.to_owned(),
        playbook: None,
    };
    let because = format!("{name} has not come for too long");
    let mut changes =
        vec![Change::OpenIncident(new), Change::Note { incident, event: IncidentEvent::Opened { because } }];
    if severity <= Severity::S2 {
        let page = NewPage { level: 1, team: team.to_owned(), reason, text: None };
        changes.push(Change::Page { incident, page });
    }
    changes
}

fn back(view: &IncidentView, name: &str, source: &str) -> Vec<Change> {
    let incident = IncidentRef::Existing(view.incident.id);
    let event = IncidentEvent::Resolved { by: source.to_owned(), because: format!("{name} comes again") };
    vec![Change::Resolve { incident, by_itself: true }, Change::Note { incident, event }]
}
