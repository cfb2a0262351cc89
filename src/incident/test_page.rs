//! What follows when somebody wants to know whether a team is reached.

use super::commands::decline;
use crate::model::{Grouping, Incident, IncidentId, IncidentState, Person, Severity};
use crate::oncall::OnCall;
use crate::store::{
    Change, CommandReply, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, NewPage, PageReason,
};

/// What all tests of a team share.
pub(super) fn grouping(team: &str) -> Grouping {
    Grouping::TestPage { team: team.to_owned() }
}

/// A page that goes the way of all pages, and says that it is none. `next`: the number that its
/// incident will have. `known`: the team's last test.
pub(super) fn decide_test_page(
    oncall: &OnCall,
    (team, severity): (&str, Severity),
    person: &Person,
    next: IncidentId,
    known: Option<&IncidentView>,
) -> Decision {
    if let Err(unknown) = oncall.team(team) {
        return decline(unknown.to_string());
    }
    if let Some(view) = known.filter(|view| view.incident.state != IncidentState::Resolved) {
        let id = view.incident.id;
        return decline(format!("{id} is a test page for team {team} that waits still: /ack {id}, or /resolve {id}"));
    }
    let incident = IncidentRef::New(0);
    let by = person.name.clone();
    let page = NewPage { level: 1, team: team.to_owned(), reason: PageReason::Test { by: by.clone() }, text: None };
    let changes = vec![
        Change::OpenIncident(NewIncident {
            grouping: grouping(team),
            gathers: Vec::new(),
            shares: Vec::new(),
            title: format!("this is a test: is team {team} reached?"),
            severity,
            target: None,
            team: team.to_owned(),
            playbook: None,
        }),
        Change::Note {
            incident,
            event: IncidentEvent::Opened { because: format!("{by} tests whether team {team} is reached") },
        },
        Change::Page { incident, page },
    ];
    let reply = format!("{next}: team {team} is paged as a test; /timeline {next} tells what comes of it");
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// Whoever has acknowledged a test has done all that it is for.
pub(super) fn ends_test(incident: &Incident, by: &str) -> Vec<Change> {
    if !matches!(incident.grouping, Grouping::TestPage { .. }) || incident.state == IncidentState::Resolved {
        return Vec::new();
    }
    let (id, because) = (IncidentRef::Existing(incident.id), "the test has reached them".to_owned());
    vec![
        Change::Resolve { incident: id, by_itself: false },
        Change::Note { incident: id, event: IncidentEvent::Resolved { by: by.to_owned(), because } },
    ]
}
