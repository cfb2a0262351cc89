//! A ticket of a playbook: what is filed, and by what the same is known again.

use super::scope::Frame;
use super::state::RunState;
use crate::action::{Filing, Ticket};
use crate::language::Scope;
use crate::model::{HumanDuration, RunEvent, StepAddress};
use crate::playbook::Playbook;
use crate::store::NewTicket;

/// A run that files more files one for each of many: that is no list that somebody works off.
const MOST: usize = 10;

/// The record of a ticket that the step asks for.
pub(super) fn filed(
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    step: &StepAddress,
    (team, ticket, scope): (String, &Ticket, &Scope),
) -> RunEvent {
    let target = &frame.run.target;
    let Filing { title, text, key, again } = ticket.filing(scope, &format!("{} of {target}", playbook.name));
    let key = key.unwrap_or_else(|| format!("{} {} {step}", playbook.name, target.key()));
    let is_one_too_many = state.filed.len() >= MOST && !state.filed.contains(&key);
    let left_out = is_one_too_many.then(|| format!("a run files at most {MOST} tickets"));
    RunEvent::Filed { step: step.clone(), team, title, text, key, again: HumanDuration(again), left_out }
}

/// What belongs to that record in the store; `None`: it is another one.
pub(super) fn of_record(record: &RunEvent) -> Option<NewTicket> {
    let RunEvent::Filed { team, title, text, key, again, left_out, .. } = record else { return None };
    Some(NewTicket {
        team: team.clone(),
        title: title.clone(),
        text: text.clone(),
        key: key.clone(),
        again: again.0,
        left_out: left_out.clone(),
    })
}
