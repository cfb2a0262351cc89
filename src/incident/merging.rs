//! What follows when a person says that incidents have one cause, or that they do not.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::commands::decline;
use crate::model::{Grouping, HumanDuration, Incident, Person};
use crate::store::{Change, CommandReply, Decision, IncidentEvent, IncidentRef, IncidentView, NewIncident, ObjectRow};

/// `part` becomes part of `whole`. Both are as they are, not what they are part of.
pub(super) fn decide_merge(part: &IncidentView, whole: &IncidentView, person: &Person) -> Decision {
    let (from, into) = (&part.incident, &whole.incident);
    if from.root() == into.id {
        return decline(if from.id == into.id {
            format!("{} is itself; name two", from.id)
        } else {
            format!("{} is part of {} already", from.id, into.id)
        });
    }
    if let Some(merged) = from.merged {
        let (id, root) = (from.id, merged.root);
        return decline(format!("{id} is part of {root}: take it back with /split {id}, or merge {root}"));
    }
    for (incident, other) in [(from, into), (into, from)] {
        if incident.is_over() {
            let what = format!("{} is resolved, and {} goes on", incident.id, other.id);
            return decline(format!("{what}; a note says what they have in common: /resolve {} NOTE", incident.id));
        }
    }
    let by = person.name.clone();
    let change = Change::Merge {
        from: from.id,
        into: IncidentRef::Existing(into.id),
        by: Some(by),
        because: "a person says that they have one cause".to_owned(),
    };
    let mut reply = format!("{} is part of {} now; /split {} takes it back", from.id, into.id, from.id);
    for (taken, other) in [(part, whole), (whole, part)] {
        let Some(by) = &taken.taken_by else { continue };
        let stops = other.runs.iter().filter(|run| run.requested_by.as_ref() != Some(by));
        let stops: Vec<String> = stops.map(|run| run.id.to_string()).collect();
        if !stops.is_empty() {
            reply.push_str(&format!("; {} begins nothing more, as {by} works on it by hand", stops.join(", ")));
        }
    }
    Decision { changes: vec![change], reply: Some(CommandReply::granted(reply)) }
}

/// What was taken for part of another one is an incident of its own.
pub(super) fn decide_split(view: &IncidentView, person: &Person) -> Decision {
    let id = view.incident.id;
    let Some(merged) = view.incident.merged else {
        return decline(format!(
            "{id} is part of no other incident; to take one object out of it, write /split {id} --object OBJECT: /objects {id} \
             lists them"
        ));
    };
    let changes = vec![Change::Split { incident: id, by: person.name.clone() }];
    let within = view.incident.severity.ack_within().filter(|_| view.incident.severity.pages());
    let when = within.map_or_else(String::new, |within| {
        format!("; if it fires, somebody is paged in {} unless somebody takes it", HumanDuration(within))
    });
    let root = merged.root;
    let reply = format!("{id} is an incident of its own again, and no part of {root}; /ack {id} if it is yours{when}");
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// One object of an incident is an incident of its own. `within`: so long until somebody is paged
/// unless somebody has taken it.
pub(super) fn decide_split_off(
    view: &IncidentView,
    object: &ObjectRow,
    person: &Person,
    within: Option<Duration>,
    now: DateTime<Utc>,
) -> Decision {
    let from = &view.incident;
    if !view.is_of_many {
        return decline(format!("{} is about nothing else", from.id));
    }
    let incident = IncidentRef::New(0);
    let by = person.name.clone();
    let because = format!("{by} split it from {}", from.id);
    let changes = vec![
        Change::OpenIncident(split_off(from, object)),
        Change::Note { incident, event: IncidentEvent::Opened { because } },
        Change::Detach { from: from.id, into: incident, object: object.object.clone() },
        Change::Note {
            incident: IncidentRef::Existing(from.id),
            event: IncidentEvent::Remark { text: format!("{by} has split {} from it", object.shown()) },
        },
        Change::PageAt { incident, at: within.filter(|_| from.severity.pages()).map(|within| now + within) },
    ];
    let when = within.filter(|_| from.severity.pages()).map_or_else(String::new, |within| {
        format!("; somebody is paged in {} unless somebody takes it", HumanDuration(within))
    });
    let reply = format!("{} is an incident of its own, and no part of {}{when}", object.shown(), from.id);
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

fn split_off(from: &Incident, object: &ObjectRow) -> NewIncident {
    NewIncident {
        grouping: Grouping::Other { text: object.object.clone() },
        gathers: Vec::new(),
        shares: Vec::new(),
        title: format!("{} {}", object.alert, object.shown()),
        severity: from.severity,
        target: from.target.clone().filter(|target| format!("target:{}", target.key()) == object.object),
        team: from.team.clone(),
        playbook: from.playbook.clone(),
    }
}
