//! What follows from a person's word that the bot is to change nothing: there, or for an incident.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::commands::{decide_ack, decline, is_so};
use crate::model::{
    Digest, Freeze, FreezeId, FreezeMapNow, FreezeScope, HumanDuration, LONGEST_FREEZE, ObjectKey, Person, redact,
    to_the_minute,
};
use crate::store::{
    Change, CommandReply, Decision, Groups, InboxItem, IncidentEvent, IncidentRef, IncidentView, NewFreeze, StartedOf,
};

/// A freeze that a person asks for.
pub(super) struct Wanted<'a> {
    pub scope: &'a FreezeScope,
    /// `None`: until somebody ends it.
    pub lasting: Option<Duration>,
    pub reason: &'a str,
}

/// `id`: the number that it is given. Each ask is a freeze of its own, and lasts until its own end:
/// who else froze the same may lift theirs. What is begun is told in the transaction that keeps it.
pub(super) fn decide_freeze(
    wanted: Wanted<'_>,
    id: FreezeId,
    groups: BTreeMap<Digest, Groups>,
    map: &FreezeMapNow,
    person: &Person,
    now: DateTime<Utc>,
) -> Decision {
    let Wanted { scope, lasting, reason } = wanted;
    let written = scope.written();
    if redact(&written) != written {
        return decline("its name holds what looks like a secret, which would have to stand where people read it");
    }
    if lasting.is_some_and(|lasting| lasting.is_zero() || lasting > LONGEST_FREEZE) {
        return decline(format!(
            "a freeze lasts up to {}; without --for it lasts until somebody ends it",
            HumanDuration(LONGEST_FREEZE)
        ));
    }
    let until = lasting.map(|lasting| now + lasting);
    let (by, via) = (person.name.clone(), person.via.to_string());
    let freeze = Box::new(NewFreeze { scope: scope.clone(), reason: reason.to_owned(), by, via, until });
    let until = until.map_or_else(|| "until somebody ends it".to_owned(), |at| format!("until {}", to_the_minute(at)));
    let what = match scope {
        FreezeScope::All => String::new(),
        scope => format!(" of {scope}"),
    };
    let without_us = match &map.map {
        Some(map) => format!("where this server cannot be reached, {} does the same", map_command(map)),
        None => "no ConfigMap is asked: where this server cannot be reached, nothing else freezes".to_owned(),
    };
    let reply = format!("{id}: no run changes anything{what} {until}; /unfreeze {id} ends it\n{without_us}");
    let started = Change::TellStarted { of: StartedOf::Frozen(scope.clone()), groups };
    Decision { changes: vec![Change::KeepFreeze { id, freeze }, started], reply: Some(CommandReply::granted(reply)) }
}

/// How somebody makes the ConfigMap that freezes everything.
fn map_command(map: &ObjectKey) -> String {
    format!("`kubectl create configmap {} -n {} --from-literal=all='the reason'`", map.name, map.namespace)
}

/// Nothing is begun, nor said yes to, while it holds.
pub(super) fn decline_frozen(freeze: &Freeze) -> Decision {
    let id = freeze.id;
    decline(format!(
        "{} freezes {}; nothing is begun there until it is over: /unfreeze {id} ends it",
        freeze.named(),
        freeze.scope
    ))
}

/// `active`: the freezes that hold.
pub(super) fn decide_unfreeze(
    id: FreezeId,
    known: Option<&Freeze>,
    active: &[Freeze],
    person: &Person,
    now: DateTime<Utc>,
) -> Decision {
    let Some(freeze) = known else { return decline(format!("there is no {id}; /freezes lists those that hold")) };
    if !freeze.is_active(now) {
        let at = freeze.ended.as_ref().map(|(at, _)| *at).or(freeze.until).unwrap_or(now);
        let by = freeze.ended.as_ref().map_or_else(String::new, |(_, by)| format!(", by {by}"));
        return is_so(format!("{id} has ended already, at {}{by}", to_the_minute(at)));
    }
    let left: Vec<String> = active
        .iter()
        .filter(|other| other.id != id)
        .map(|other| format!("{} freezes {}", other.id, other.scope))
        .collect();
    let scope = &freeze.scope;
    let left = if left.is_empty() { String::new() } else { format!("; but {}", left.join(", ")) };
    let reply = format!("{id} has ended: runs may change what it covered ({scope}) again{left}");
    let changes = vec![Change::EndFreeze { id, by: person.name.clone() }];
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}

/// It is theirs, and the bot begins nothing more for it.
pub(super) fn decide_take(view: &IncidentView, person: &Person, groups: BTreeMap<Digest, Groups>) -> Decision {
    let Decision { mut changes, reply } = decide_ack(view, person, &[]);
    let reply = reply.unwrap_or_default();
    if !reply.granted || view.incident.is_over() {
        return Decision { changes, reply: Some(reply) };
    }
    let (id, by) = (view.incident.id, person.name.clone());
    let incident = IncidentRef::Existing(id);
    changes
        .extend(view.runs.iter().map(|run| Change::ToRun { run: run.id, item: InboxItem::Cancel { by: by.clone() } }));
    if view.taken_by.as_ref() != Some(&by) {
        let text = format!("{by} works on it by hand: no run is begun for it until /release {id}, or its end");
        changes.push(Change::Note { incident, event: IncidentEvent::Remark { text } });
    }
    changes.push(Change::Take { incident, by });
    changes.push(Change::TellStarted { of: StartedOf::Incident(id), groups });
    let named: Vec<String> = view.runs.iter().map(|run| run.id.to_string()).collect();
    let runs = if named.is_empty() { String::new() } else { format!("; {} begins nothing more", named.join(", ")) };
    let text = format!("{}{runs}; no run begins for it until /release {id}, or its end", reply.text);
    Decision { changes, reply: Some(CommandReply::granted(text)) }
}

/// The bot may work on it again.
pub(super) fn decide_release(view: &IncidentView, person: &Person) -> Decision {
    let id = view.incident.id;
    let Some(by) = &view.taken_by else { return is_so(format!("nobody keeps runs from {id}")) };
    let incident = IncidentRef::Existing(id);
    let text = format!("{} gives it back, which {by} took: runs may begin for it again", person.name);
    let changes = vec![Change::GiveBack { incident }, Change::Note { incident, event: IncidentEvent::Remark { text } }];
    let reply =
        format!("{id}: runs may begin again for what fires in it from now on; for what fires already, /run begins one");
    Decision { changes, reply: Some(CommandReply::granted(reply)) }
}
