//! What follows when somebody wants another one to be called.

use super::commands::{decide_ack, decline};
use crate::model::{IncidentId, IncidentState, Person};
use crate::oncall::OnCall;
use crate::store::{Change, CommandReply, Decision, EscalationWhy, IncidentRef, IncidentView};

/// Whoever comes next is called now, or the experts of the area that the note names.
pub(super) fn decide_escalate(
    oncall: &OnCall,
    view: &IncidentView,
    person: &Person,
    note: Option<&String>,
) -> Decision {
    let id = view.incident.id;
    if view.incident.state == IncidentState::Resolved {
        return over(id);
    }
    let why = EscalationWhy::Asked { by: person.name.clone(), note: note.cloned() };
    if let Some(area) = oncall.area_asked_for(note.map(String::as_str)) {
        let (area, people) = (&area.name, area.names().join(", "));
        return call(id, why, format!("{id}: the experts of {area} are called: {people}; /why {id} tells who"));
    }
    let team = &view.incident.team;
    call(id, why, format!("{id}: whoever comes next in the escalation of team {team} is called; /why {id} tells who"))
}

/// `to` is called, whom the on-call file knows.
pub(super) fn decide_assign(view: &IncidentView, person: &Person, to: &str, note: Option<&String>) -> Decision {
    let id = view.incident.id;
    if view.incident.state == IncidentState::Resolved {
        return over(id);
    }
    if person.name == to {
        return decide_ack(view, person, &[]);
    }
    let why = EscalationWhy::Assigned { by: person.name.clone(), to: to.to_owned(), note: note.cloned() };
    let until = match &view.incident.owner {
        Some(owner) if owner == to => return decline(format!("{id} is {to}'s already; /escalate {id} calls one more")),
        Some(owner) => format!("it stays {owner}'s until somebody acknowledges that"),
        None => "it is nobody's until somebody acknowledges that".to_owned(),
    };
    call(id, why, format!("{id}: {to} is called; {until}"))
}

fn call(id: IncidentId, why: EscalationWhy, reply: String) -> Decision {
    let changes = vec![Change::Call { incident: IncidentRef::Existing(id), why }];
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

fn over(id: IncidentId) -> Decision {
    decline(format!("{id} is resolved; nobody is called for it"))
}
