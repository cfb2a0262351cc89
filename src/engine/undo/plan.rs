//! When a change is taken back: decided where a run, or an item of a loop, would end.
//!
//! Not knowing is no permission: only a look that was made, and spoke against the change, has it
//! taken back. What a person stopped, what a brake holds, and what the alert's end came before
//! stands, and is told.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use super::Undone;
use crate::action::Action;
use crate::engine::in_step::doubt;
use crate::engine::plan::Next;
use crate::engine::state::RunState;
use crate::engine::status::{Status, Tried};
use crate::engine::timing::{SEEN_LATELY, UNDO_PATIENCE};
use crate::engine::walk::{StepAt, steps_at};
use crate::model::{ItemKey, ItemOutcome, Outcome, Phase, StepAddress, StepName, Undo};
use crate::playbook::{Playbook, StepKind};

/// How the run, or the item, would end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Well,
    Badly,
}

/// What is to become of one change.
enum Due {
    /// It is taken back. `seen_at`: when that was found to be needed.
    Back {
        seen_at: Option<DateTime<Utc>>,
    },
    Stands(&'static str),
}

/// Taking back something whose fate is open: it comes before everything else.
pub(in crate::engine) fn in_doubt<'p>(
    playbook: &'p Playbook,
    state: &RunState,
    now: DateTime<Utc>,
) -> Option<Next<'p>> {
    let is_open =
        |(address, status): &(&StepAddress, &Status)| address.is_undo() && matches!(status, Status::Started { .. });
    let (address, _) = state.steps.iter().find(is_open)?;
    let at = steps_at(playbook, address.items()).into_iter().find(|at| at.address == address.of_step())?;
    doubt(&at.undo(), state, now)
}

/// What comes before `next`, which ends the run or the item with those keys: taking back what is
/// to be. Behind that `next` tells of it.
pub(in crate::engine) fn before<'p>(
    playbook: &'p Playbook,
    items: &[ItemKey],
    state: &RunState,
    now: DateTime<Utc>,
    next: Next<'p>,
) -> Next<'p> {
    // Whatever wrote a log that cannot be would write it again; and an item asks for itself.
    if state.illegal.is_some() || (items.is_empty() && matches!(next, Next::EndItem { .. })) {
        return next;
    }
    let end = match &next {
        Next::Enter { phase: Phase::Escalate, .. } => End::Badly,
        Next::EndItem { outcome, .. } if outcome.is_bad() => End::Badly,
        Next::EndItem { .. } | Next::End { outcome: Outcome::Fixed, .. } => End::Well,
        Next::End { outcome: Outcome::Cancelled, because } => {
            let stands = still_stands(playbook, state);
            // Whoever stopped it is there; behind a brake is nobody.
            return match (&state.cancelled_by, stands.is_empty()) {
                (None, false) => told(Next::Enter { phase: Phase::Escalate, because: because.clone() }, stands),
                _ => told(next, stands),
            };
        }
        _ => return next,
    };
    let mut undone = Vec::new();
    for at in changed(playbook, items, state) {
        let Some(due) = due(&at, end, state) else { continue };
        match state.undone.get(&at.address) {
            // An item has told of its own.
            Some(outcome) if at.address.items() == items => undone.push((at.step.undo, outcome)),
            Some(_) => {}
            None => {
                if let Some(next) = next_about(&at, &due, state, now) {
                    return next;
                }
            }
        }
    }
    let stands = |(undo, outcome): &(Undo, &Undone)| *undo == Undo::AtEnd && matches!(outcome, Undone::Stands(_));
    let next = match next {
        // What was made for a while is somebody's to take away.
        Next::End { because, .. } if undone.iter().any(stands) => Next::Enter { phase: Phase::Escalate, because },
        Next::EndItem { address, because, .. } if undone.iter().any(stands) => {
            Next::EndItem { address, outcome: ItemOutcome::Failed, because }
        }
        next => next,
    };
    told(next, undone.into_iter().map(|(_, outcome)| outcome.to_string()).collect())
}

/// The steps that changed something, the last one first: of the item with those keys, or of the
/// run with all of its items.
fn changed<'p>(playbook: &'p Playbook, items: &[ItemKey], state: &RunState) -> Vec<StepAt<'p>> {
    let of: BTreeSet<&[ItemKey]> = match items {
        [] => state.made.keys().map(StepAddress::items).collect(),
        items => BTreeSet::from([items]),
    };
    let order: Vec<&StepName> = playbook.steps(Phase::Mitigate).map(|step| step.address.name()).collect();
    let mut changed: Vec<_> = of.into_iter().flat_map(|items| steps_at(playbook, items)).collect();
    changed.retain(|at| state.made.contains_key(&at.address));
    changed.sort_by_key(|at| Reverse(order.iter().position(|name| *name == at.address.name())));
    changed
}

/// What is to become of a change.
fn due(at: &StepAt<'_>, end: End, state: &RunState) -> Option<Due> {
    match (at.step.undo, end) {
        (Undo::Never, _) | (Undo::UnlessVerified, End::Well) => None,
        (Undo::AtEnd, _) => Some(Due::Back { seen_at: None }),
        (Undo::UnlessVerified, End::Badly) => match proof(at, state) {
            Proof::Held => None,
            Proof::Refuted(seen_at) => Some(Due::Back { seen_at: Some(seen_at) }),
            Proof::Unknown(why) => Some(Due::Stands(why)),
        },
    }
}

/// What the verify of a step has shown, or that of its group.
enum Proof {
    Held,
    Refuted(DateTime<Utc>),
    Unknown(&'static str),
}

fn proof(at: &StepAt<'_>, state: &RunState) -> Proof {
    let verifies: Vec<Option<&Status>> = at.verified_by().map(|address| state.status(&address)).collect();
    if let Some(seen_at) = verifies.iter().find_map(|status| status.as_ref()?.refuted_at()) {
        return Proof::Refuted(seen_at);
    }
    match verifies.last() {
        Some(Some(Status::Finished { .. })) => Proof::Held,
        Some(Some(Status::Verifying { against: None, .. })) => {
            Proof::Unknown("its verify had no answer at its last look, so that nothing speaks against it")
        }
        Some(Some(_)) => Proof::Unknown("its verify was not over"),
        Some(None) | None => Proof::Unknown("its group was not finished, and so nothing was verified"),
    }
}

/// The next thing to do about it. `None` never comes of a step that `changed` gives.
fn next_about<'p>(at: &StepAt<'p>, due: &Due, state: &RunState, now: DateTime<Utc>) -> Option<Next<'p>> {
    let at = at.undo();
    let address = at.address.clone();
    let stand = |because: String| Some(Next::Stand { address: address.clone(), because });
    let seen_at = match due {
        Due::Stands(why) => return stand((*why).to_owned()),
        Due::Back { seen_at } => *seen_at,
    };
    let status = state.status(&at.address);
    if let Some(Status::Failed { error, .. }) = status {
        return stand(error.clone());
    }
    let is_late = |tried: &Tried| {
        let since = tried.first_failed_at.into_iter().chain(tried.waits.map(|(_, at)| at)).min();
        since.is_some_and(|since| now >= since + UNDO_PATIENCE)
    };
    match status {
        Some(Status::Waiting { tried, .. }) if is_late(tried) => {
            return stand("it could not be taken back within two minutes".to_owned());
        }
        Some(Status::Waiting { until, .. }) if now < *until => return Some(Next::Park { until: *until }),
        _ => {}
    }
    if let Some(by) = state.cancelled_by.as_ref().or(state.braked_by.as_ref()) {
        return stand(format!("{by} stopped the run"));
    }
    if seen_at.is_some() && state.alert_resolved {
        return stand("the alert has resolved since".to_owned());
    }
    if seen_at.is_some_and(|at| now > at + SEEN_LATELY) {
        return stand("what speaks against it was seen more than ten minutes ago, and nobody went on since".to_owned());
    }
    let made = state.made.get(&at.address.of_step())?.clone();
    let StepKind::Action(Action::Mutate(action)) = &at.step.kind else { return None };
    let attempt = state.next_attempt(&at.address);
    Some(Next::TakeBack { at, action: action.as_ref(), made: Box::new(made), attempt })
}

/// Whoever stops a run does not expect it to move once more.
fn still_stands(playbook: &Playbook, state: &RunState) -> Vec<String> {
    let all = state.made.iter().filter(|(address, _)| !state.undone.contains_key(*address));
    all.filter_map(|(address, made)| {
        let at = steps_at(playbook, address.items()).into_iter().find(|at| at.address == *address)?;
        (at.step.undo == Undo::AtEnd)
            .then(|| format!("it was to be taken back at the end, and stands: {}", made.summary))
    })
    .collect()
}

fn told(next: Next<'_>, more: Vec<String>) -> Next<'_> {
    let tell = |because: String| std::iter::once(because).chain(more).collect::<Vec<_>>().join("; ");
    match next {
        Next::Enter { phase, because } => Next::Enter { phase, because: tell(because) },
        Next::End { outcome, because } => Next::End { outcome, because: tell(because) },
        Next::EndItem { address, outcome, because } => Next::EndItem { address, outcome, because: tell(because) },
        next => next,
    }
}
