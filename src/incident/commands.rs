//! What follows from a person's command that changes something.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::IncidentRules;
use super::opening::incident_for_run;
use super::test_page::ends_test;
use super::work::{lowered, new_run};
use crate::model::{Autonomy, HumanDuration, IncidentId, IncidentState, Person, Target};
use crate::playbook::Playbook;
use crate::store::{
    Change, CommandReply, Decision, InboxItem, IncidentEvent, IncidentRef, IncidentView, NewRun, PageReason, RunHead,
};

/// Nothing follows, and that is why.
pub(super) fn decline(why: impl Into<String>) -> Decision {
    Decision { changes: Vec::new(), reply: Some(CommandReply::declined(why)) }
}

/// It is so already: asking again does no harm.
pub(super) fn is_so(reply: impl Into<String>) -> Decision {
    Decision { changes: Vec::new(), reply: Some(CommandReply::granted(reply)) }
}

/// `all`: the incidents that the same command takes.
pub(super) fn decide_ack(view: &IncidentView, person: &Person, all: &[IncidentId]) -> Decision {
    let id = view.incident.id;
    let incident = IncidentRef::Existing(id);
    let by = person.name.clone();
    let is_paged = !view.unanswered.is_empty();
    let is_resolved = view.incident.state == IncidentState::Resolved;
    if is_resolved && !is_paged {
        return decline(format!("{id} is resolved; there is nothing to acknowledge"));
    }
    if view.incident.owner.as_deref() == Some(&person.name) {
        // A page may have been made, or be about to be made, since.
        if !is_paged && view.incident.page_at.is_none() {
            let reply = CommandReply::granted(format!("{id} is yours already"));
            return Decision { changes: vec![Change::Touch { incident }], reply: Some(reply) };
        }
        if is_paged && view.unanswered.iter().all(PageReason::is_asked_for) {
            let reply = CommandReply::granted(format!("{id} is yours already; whoever was asked for is called on"));
            return Decision { changes: vec![Change::Touch { incident }], reply: Some(reply) };
        }
        let what = if is_paged { "its page is acknowledged" } else { "nobody is paged about it" };
        let reply = CommandReply::granted(format!("{id} is yours already; {what}"));
        return Decision { changes: vec![Change::Acknowledge { incident, by }], reply: Some(reply) };
    }
    let reply = match &view.incident.owner {
        _ if is_resolved => format!("{id} is resolved; its page is acknowledged"),
        Some(before) => format!("{id} is yours now; it was {before}'s"),
        None => format!("{id} is yours: {}", view.incident.title),
    };
    let reply = reply + &others_wait(view, all);
    let mut changes = vec![
        Change::Acknowledge { incident, by: by.clone() },
        Change::Note { incident, event: IncidentEvent::Acknowledged { by: by.clone() } },
    ];
    changes.extend(ends_test(&view.incident, &by));
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// Somebody has closed it where it is paged: they have it, unless somebody else does.
pub(super) fn decide_closed_at_pager(view: &IncidentView, person: &Person) -> Decision {
    let id = view.incident.id;
    if view.incident.state == IncidentState::Resolved {
        return is_so(format!("{id} is resolved here, too"));
    }
    let is_anothers = view.incident.owner.as_deref().is_some_and(|owner| owner != person.name);
    let mut decision = if is_anothers && view.unanswered.is_empty() {
        is_so(format!("{id} goes on here"))
    } else {
        decide_ack(view, person, &[])
    };
    let text = format!(
        "{person} has resolved it there, which is no proof that it is over: it goes on here until its alerts end, or \
         somebody types /resolve {id}"
    );
    let incident = IncidentRef::Existing(id);
    // From now on, whoever does nothing about it is called for again from here.
    decision.changes.push(Change::ClosedThere { incident });
    decision.changes.push(Change::Note { incident, event: IncidentEvent::Remark { text } });
    decision
}

/// That the page tells of others, too, whom this takes not.
fn others_wait(view: &IncidentView, all: &[IncidentId]) -> String {
    let others: Vec<String> =
        view.carries.iter().filter(|other| !all.contains(other)).map(ToString::to_string).collect();
    let named = others.join(" ");
    match others.as_slice() {
        [] => String::new(),
        [_] => format!("; {named} is folded into its page and nobody's yet: /ack {named}"),
        _ => format!("; {} are folded into its page and nobody's yet: /ack {named}", others.join(", ")),
    }
}

pub(super) fn decide_resolve(
    rules: &IncidentRules,
    view: &IncidentView,
    person: &Person,
    note: Option<&str>,
) -> Decision {
    let id = view.incident.id;
    if view.incident.state == IncidentState::Resolved {
        let Some(note) = note else { return is_so(format!("{id} is resolved already")) };
        let event = IncidentEvent::Resolved { by: person.name.clone(), because: note.to_owned() };
        let changes = vec![Change::Note { incident: IncidentRef::Existing(id), event }];
        let reply = CommandReply::granted(format!("{id} is resolved already; your note stands on its timeline"));
        return Decision { changes, reply: Some(reply) };
    }
    let incident = IncidentRef::Existing(id);
    let by = person.name.clone();
    let because = note.unwrap_or("a person closed it").to_owned();
    let mut changes = Vec::new();
    for run in &view.runs {
        changes.push(Change::ToRun { run: run.id, item: InboxItem::Cancel { by: by.clone() } });
    }
    changes.push(Change::Resolve { incident, by_itself: false });
    changes.push(Change::Note { incident, event: IncidentEvent::Resolved { by, because } });
    let mut reply = format!("{id} is resolved");
    if view.incident.open_episodes > 0 {
        let count = view.incident.open_episodes;
        let earliest = HumanDuration(rules.stale_within);
        reply.push_str(&format!(
            "; {count} of its alerts still fire: told again, they open an incident again, {earliest} from now at the earliest; \
             silence them in Alertmanager if they are not to"
        ));
    }
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// What a person asked to run, found to be sound.
pub(super) struct Wish<'a> {
    pub playbook: &'a Playbook,
    pub target: Target,
    pub inputs: Map<String, Value>,
    pub set: &'a BTreeMap<String, String>,
}

pub(super) fn decide_run(
    rules: &IncidentRules,
    wish: Wish<'_>,
    known: Option<&IncidentView>,
    history: &[RunHead],
    person: &Person,
) -> Decision {
    let Wish { playbook, target, inputs, set } = wish;
    if let Some(run) = history.iter().find(|run| run.ended_at.is_none()) {
        return decline(format!("{} of {} is under way on {target}; see /why {}", run.id, playbook.name, run.incident));
    }
    let goes_on = known.filter(|view| !view.incident.is_over());
    if let Some((id, by)) = goes_on.and_then(|view| Some((view.incident.id, view.taken_by.as_ref()?)))
        && *by != person.name
    {
        return decline(format!("{by} works on {id} by hand; /release {id} lets runs begin for it again"));
    }
    let mut changes = Vec::new();
    let known = known.filter(|view| view.incident.state != IncidentState::Resolved);
    let because = || format!("{} asked to run {}", person.name, playbook.name);
    let incident = incident_for_run(&mut changes, playbook, &target, known, because);
    let name = known.map_or("a new incident".to_owned(), |view| view.incident.id.to_string());
    // Nothing fires: whoever asks is asked about what it would change, whatever the playbook may do when its alert fires.
    let (autonomy, lowered) = match lowered(rules, playbook, &target, Autonomy::Approve) {
        Some((lowered, text)) => (lowered, Some(text)),
        None => (Autonomy::Approve, None),
    };
    let alert = serde_json::json!({ "name": "", "labels": set, "annotations": {} });
    let run = NewRun {
        alert,
        requested_by: Some(person.name.clone()),
        because: format!("{} asked for it", person.name),
        ..new_run(playbook, target.clone(), inputs, autonomy)
    };
    changes.push(Change::OpenRun { incident, run: Box::new(run) });
    let mut reply = format!("{} runs on {target} for {name}, autonomy {autonomy}", playbook.reference);
    if let Some(text) = lowered {
        reply.push_str(&format!("; {text}"));
        changes.push(Change::Note { incident, event: IncidentEvent::Remark { text } });
    }
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}
