//! What stops mutations although a playbook wants them: freezes, and ceilings on autonomy that were
//! lowered meanwhile. A group that was begun is finished, and nothing else is changed.

use super::drive::{Driver, Flow};
use super::freeze_map::{MapSays, freeze_map_says};
use super::plan::Next;
use super::state::Approval;
use crate::model::{Autonomy, Intent, Phase, RunEvent, Under};
use crate::store::{Append, StoreError};

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
    let namespaces: Vec<&str> =
        std::iter::once(run.target.namespace.as_str()).chain(namespaces.iter().copied()).collect();
    let under = Under { playbook: &run.playbook.name, team: &driver.playbook.owner, namespaces: &namespaces };
    driver.options.ceilings.get().lower(wanted, under)
}

/// By what the run is frozen, where it is about to mitigate: then it shows what it would do. What
/// cannot be found out now is asked again before the change itself.
pub(super) async fn frozen_before_it_begins(
    driver: &Driver<'_>,
    next: &Next<'_>,
) -> Result<Option<String>, StoreError> {
    if !matches!(next, Next::Enter { phase: Phase::Mitigate, .. }) {
        return Ok(None);
    }
    let by = match frozen_here(driver).await? {
        Some(by) => Some(by),
        None => map_freezes(driver).await,
    };
    Ok(by.map(|by| format!("what it would do is shown, not done: {by} freezes it")))
}

/// Whether a freeze or a ceiling stops the run, which is asked before each change, and before
/// somebody is asked about one.
pub(super) async fn is_stopped_by_a_brake(driver: &mut Driver<'_>, next: &Next<'_>) -> Result<bool, StoreError> {
    let asks = matches!(next, Next::Ask { .. } | Next::AskSource { .. });
    let would_change = asks || matches!(next, Next::Act { .. } | Next::Doubt { .. });
    if !would_change || driver.state.cancelled_by.is_some() || driver.state.phase != Some(Phase::Mitigate) {
        return Ok(false);
    }
    let brake = match frozen_here(driver).await? {
        Some(by) => Some(by),
        None => match under_ceilings(driver, allowed(driver), &[]) {
            // One that was lowered to `approve` has the run ask.
            Some((Autonomy::Suggest, why)) => Some(format!("the ceiling on autonomy ({why})")),
            _ if asks => map_freezes(driver).await,
            _ => None,
        },
    };
    let Some(by) = brake else { return Ok(false) };
    stopped_by(driver, by, Vec::new()).await?;
    Ok(true)
}

/// Why this very change is held up: by a ceiling where its object is, or by the ConfigMap.
pub(super) async fn held_up(driver: &Driver<'_>, intent: &Intent) -> MapSays {
    let namespaces = namespaces(driver, intent);
    let namespaces: Vec<&str> = namespaces.iter().map(String::as_str).collect();
    if let Some((_, why)) = under_ceilings(driver, allowed(driver), &namespaces) {
        return MapSays::Frozen(format!("the ceiling on autonomy ({why})"));
    }
    freeze_map_says(driver, &namespaces).await
}

/// Where it changes something, and for whose sake.
pub(super) fn namespaces(driver: &Driver<'_>, intent: &Intent) -> Vec<String> {
    let mut namespaces = vec![driver.frame.run.target.namespace.clone(), intent.object.namespace.clone()];
    namespaces.dedup();
    namespaces
}

/// The run goes the way of one that a person stopped. `before` goes on the log ahead of it.
pub(super) async fn stopped_by(
    driver: &mut Driver<'_>,
    by: String,
    mut before: Vec<RunEvent>,
) -> Result<Flow, StoreError> {
    before.push(RunEvent::CancelAsked { by });
    driver.append(Append { events: before, ..Append::default() }).await?;
    Ok(Flow::On)
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
    match freeze_map_says(driver, &[driver.frame.run.target.namespace.as_str()]).await {
        MapSays::Frozen(by) => Some(by),
        MapSays::NotFrozen | MapSays::Unknown(_) => None,
    }
}
