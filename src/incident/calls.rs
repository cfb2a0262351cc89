//! What follows when somebody wants another one to be called, or takes over by hand.

use super::commands::{decide_ack, decline};
use crate::model::{IncidentId, IncidentState, Person};
use crate::oncall::OnCall;
use crate::store::{Change, CommandReply, Decision, EscalationWhy, InboxItem, IncidentRef, IncidentView};

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

/// It is theirs, and the bot begins nothing more of what it is doing about it.
pub(super) fn decide_take(view: &IncidentView, person: &Person) -> Decision {
    let Decision { mut changes, reply } = decide_ack(view, person, &[]);
    let reply = reply.unwrap_or_default();
    if !reply.granted || view.runs.is_empty() {
        return Decision { changes, reply: Some(reply) };
    }
    let stop = |item: &crate::store::RunHead| Change::ToRun {
        run: item.id,
        item: InboxItem::Cancel { by: person.name.clone() },
    };
    changes.extend(view.runs.iter().map(stop));
    let named: Vec<String> = view.runs.iter().map(|run| run.id.to_string()).collect();
    let text = format!("{}; {} begins nothing more", reply.text, named.join(", "));
    Decision { changes, reply: Some(CommandReply::granted(text)) }
}

fn call(id: IncidentId, why: EscalationWhy, reply: String) -> Decision {
    let changes = vec![Change::Call { incident: IncidentRef::Existing(id), why }];
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

fn over(id: IncidentId) -> Decision {
    decline(format!("{id} is resolved; nobody is called for it"))
}
