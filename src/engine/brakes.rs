//! What stops mutations although a playbook wants them: freezes, windows, and ceilings on autonomy
//! that were lowered meanwhile. A group that was begun is finished, and nothing else is changed.

use super::act::settle;
use super::drive::{Driver, Flow};
use super::freeze_map::{MapSays, freeze_map_says};
use super::plan::Next;
use super::state::{Approval, RunState};
use super::status::Status;
use super::walk::{Place, StepAt, next_place};
use super::windows::{window_over, window_over_object};
use crate::action::{Action, ActionError};
use crate::model::{Autonomy, FailureClass, FleetLimits, Intent, Outcome, Phase, RunEvent, RunLimits, Severity, Under};
use crate::playbook::StepKind;
use crate::store::StoreError;

/// How far the run may go alone now; `Some` says why it goes less far than it was opened for. Where
/// nothing was begun, it shows what it would do.
pub(super) fn autonomy(driver: &Driver<'_>) -> (Autonomy, Option<String>) {
    let (own, lowered) = match under_ceilings(driver, driver.frame.run.autonomy, &[]) {
        Some((ceiling, why)) => (ceiling, Some(why)),
        None => (driver.frame.run.autonomy, None),
    };
    let shown = |why: String| format!("what it would do is shown, not done: {why}");
    match driver.options.mandate.left(driver.world.clock.as_ref()) {
        Err(why) if why.observes && !has_begun(driver) && own > Autonomy::Suggest => {
            (Autonomy::Suggest, Some(shown(why.to_string())))
        }
        _ => (own, lowered.map(shown)),
    }
}

fn has_begun(driver: &Driver<'_>) -> bool {
    matches!(driver.state.phase, Some(Phase::Mitigate | Phase::Escalate))
}

fn under_ceilings(driver: &Driver<'_>, wanted: Autonomy, namespaces: &[&str]) -> Option<(Autonomy, String)> {
    let run = &driver.frame.run;
    let namespaces: Vec<&str> = std::iter::once(run.target.place()).chain(namespaces.iter().copied()).collect();
    let under = Under { playbook: &run.playbook.name, team: &driver.playbook.owner, namespaces: &namespaces };
    driver.options.ceilings.get().lower(wanted, under)
}

/// Whether a brake or a limit is why it ends, and it has begun no change: then it counts for no
/// limit.
pub(super) fn is_held_back(driver: &Driver<'_>, outcome: Outcome) -> bool {
    let has_begun = driver.state.steps.values().any(Status::has_begun_a_change);
    let is_lowered = || under_ceilings(driver, driver.playbook.autonomy, &[]).is_some();
    let ends_early = matches!(outcome, Outcome::Proposed | Outcome::Cancelled);
    let is_braked =
        ends_early && !has_begun && !driver.state.mutated && (driver.state.braked_by.is_some() || is_lowered());
    is_braked || is_held(&driver.state)
}

/// Nothing but limits and brakes keeps it from changing something: no attempt was begun.
fn is_held(state: &RunState) -> bool {
    let is_wrong = |status: &Status| match status {
        Status::Failed { class, held, .. } => !held && *class != FailureClass::LeaveAlone,
        _ => false,
    };
    let any = |is: fn(&Status) -> bool| state.steps.values().any(is);
    let has_begun = state.mutated || any(Status::has_begun_a_change);
    // What is wrong with the run itself is not the limit's.
    !has_begun && state.trouble.is_none() && any(Status::is_held) && !any(is_wrong)
}

/// What freezes the run where it is about to mitigate: then it shows what it would do. What cannot
/// be found out now is asked again before the change itself.
pub(super) async fn frozen_before_it_begins(
    driver: &Driver<'_>,
    next: &Next<'_>,
) -> Result<Option<String>, StoreError> {
    if !matches!(next, Next::Enter { phase: Phase::Mitigate, .. }) {
        return Ok(None);
    }
    match frozen_here(driver).await? {
        Some(by) => Ok(Some(by)),
        None => Ok(map_freezes(driver).await),
    }
}

/// Stops the run if a brake holds. It is asked before each change, before somebody is asked about
/// one and while an answer is waited for; but never within a group that was begun, nor while it is
/// not known what became of a change: a brake is no answer to that. `None`: it goes on.
pub(super) async fn is_stopped_by_a_brake(
    driver: &mut Driver<'_>,
    next: &Next<'_>,
) -> Result<Option<Flow>, StoreError> {
    let waits_for_an_answer = matches!(driver.state.approval, Approval::Asked { .. });
    let asks = matches!(next, Next::Ask { .. } | Next::AskSource { .. }) || waits_for_an_answer;
    let would_change = match next {
        Next::Act { .. } | Next::Ask { .. } | Next::AskSource { .. } => true,
        Next::Park { .. } | Next::Expire { .. } => waits_for_an_answer,
        _ => false,
    };
    if !would_change || driver.state.phase != Some(Phase::Mitigate) {
        return Ok(None);
    }
    let at = match (next, next_place(driver.playbook, Phase::Mitigate, &driver.state)) {
        // Of a loop, the step of its item.
        (Next::Act { at, .. } | Next::Ask { at }, _) => Some(at.clone()),
        (_, Some(Place::Step(at))) => Some(at),
        (_, Some(Place::Choose(_) | Place::Loop(_)) | None) => None,
    };
    if at.as_ref().is_some_and(|at| at.is_in_begun_group(&driver.state)) {
        return Ok(None);
    }
    // What holds the run holds each item that has yet to begin.
    let asks = asks || at.as_ref().is_some_and(StepAt::is_in_loop);
    let Some(by) = brake(driver, asks).await? else { return Ok(None) };
    if let Some(at) = at
        && let StepKind::Action(Action::Mutate(action)) = &at.step.kind
    {
        let attempt = driver.state.next_attempt(&at.address);
        if let Some(flow) = settle(driver, &at, action.as_ref(), attempt).await? {
            return Ok(Some(flow));
        }
    }
    driver.record(RunEvent::Braked { by }).await.map(Some)
}

/// The brake that holds now, whatever the run would change. With `asks`, the ConfigMap is among
/// them; else it is asked with the change itself.
pub(super) async fn brake(driver: &Driver<'_>, asks: bool) -> Result<Option<String>, StoreError> {
    if let Some(by) = &driver.state.braked_by {
        return Ok(Some(by.clone()));
    }
    if let Some(window) = window_over(driver).await? {
        return Ok(Some(window));
    }
    if let Some(by) = frozen_here(driver).await? {
        return Ok(Some(by));
    }
    match under_ceilings(driver, allowed(driver), &[]) {
        // One that was lowered to `approve` has the run ask.
        Some((Autonomy::Suggest, why)) => Ok(Some(ceiling(&why))),
        _ if asks => Ok(map_freezes(driver).await),
        _ => Ok(None),
    }
}

/// What stands against this very change.
pub(super) enum Held {
    Not,
    /// By what, as people are told.
    Braked(String),
    /// A person has to say yes first.
    Asks(String),
    /// It is not known, which holds it up as well.
    Unknown(ActionError),
}

/// Why this very change is held up: by a window over what it is about, by a ceiling where its
/// object is, or by the ConfigMap.
pub(super) async fn held_up(driver: &Driver<'_>, at: &StepAt<'_>, intent: &Intent) -> Result<Held, StoreError> {
    for object in [driver.frame.target(&driver.state, &at.address), &intent.object] {
        if *object != driver.frame.run.target
            && let Some(window) = window_over_object(driver, object).await?
        {
            return Ok(Held::Braked(window));
        }
    }
    let namespaces = namespaces(driver, intent);
    let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    let lowered = under_ceilings(driver, allowed(driver), &namespaces);
    if let Some((Autonomy::Observe | Autonomy::Suggest, why)) = &lowered {
        return Ok(Held::Braked(ceiling(why)));
    }
    Ok(match (freeze_map_says(driver, &namespaces).await, lowered) {
        (MapSays::Frozen(by), _) => Held::Braked(by),
        (MapSays::Unknown(error), _) => Held::Unknown(error),
        (MapSays::NotFrozen, Some((_, why))) => Held::Asks(why),
        (MapSays::NotFrozen, None) => Held::Not,
    })
}

fn ceiling(why: &str) -> String {
    format!("the ceiling on autonomy ({why})")
}

/// The limits over all runs that hold for this one.
pub(super) fn run_limits(driver: &Driver<'_>) -> RunLimits {
    let (fleet, own) = (*driver.options.limits.get(), &driver.playbook.limits);
    let fleet = if driver.playbook.severity == Severity::S1 { fleet.with_reserve() } else { fleet };
    RunLimits {
        fleet: FleetLimits { ramp: own.ramp.or(fleet.ramp).filter(|ramp| !ramp.is_zero()), ..fleet },
        runs_per_playbook: own.runs_per_playbook,
        runs_per_namespace: own.runs_per_namespace,
    }
}

/// Where it changes something, and for whose sake.
pub(super) fn namespaces(driver: &Driver<'_>, intent: &Intent) -> Vec<String> {
    let mut namespaces = vec![driver.frame.run.target.place().to_owned(), intent.object.place().to_owned()];
    namespaces.dedup();
    namespaces
}

/// How far it has gone: what a person said yes to needs no more than `approve`.
fn allowed(driver: &Driver<'_>) -> Autonomy {
    match driver.state.approval {
        Approval::Granted { .. } => Autonomy::Approve,
        _ => driver.frame.run.autonomy,
    }
}

async fn frozen_here(driver: &Driver<'_>) -> Result<Option<String>, StoreError> {
    let run = &driver.frame.run;
    let freezes = driver.store.freezes_at(driver.now()).await?;
    let covers = freezes.iter().find(|freeze| freeze.scope.covers_run(&run.playbook.name, &run.target));
    Ok(covers.map(crate::model::Freeze::named))
}

async fn map_freezes(driver: &Driver<'_>) -> Option<String> {
    match freeze_map_says(driver, &[driver.frame.run.target.place()]).await {
        MapSays::Frozen(by) => Some(by),
        MapSays::NotFrozen | MapSays::Unknown(_) => None,
    }
}
