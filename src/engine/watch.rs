//! Reads that are repeated until something holds, or their time is over.
//!
//! Of the looks those are on the log at which the answer changes, and one in ten of the others: a
//! day of them would be a log that nobody reads. What is not on it is made again after a crash.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::evidence::fields;
use super::observe::Observed;
use super::plan::Next;
use super::read::read;
use super::scope::Frame;
use super::state::RunState;
use super::status::{Status, Watched};
use super::walk::StepAt;
use crate::action::{ActionError, Read, World};
use crate::model::{Look, RunEvent, StepAddress};
use crate::playbook::Watch;

/// Without a change, one look in so many is on the log.
const TOLD_EACH: u32 = 10;

/// How it goes on with a read that is repeated.
pub fn go_on<'p>(
    at: StepAt<'p>,
    action: &'p dyn Read,
    watch: &'p Watch,
    state: &RunState,
    now: DateTime<Utc>,
) -> Next<'p> {
    let Some(Status::Watching(watched)) = state.status(&at.address) else {
        return Next::BeginWatch { at, watch };
    };
    let look_at = next_look(watched, watch);
    if now < look_at { Next::Park { until: look_at } } else { Next::Watch { at, action, watch } }
}

/// The next look; the first is made at once.
fn next_look(watched: &Watched, watch: &Watch) -> DateTime<Utc> {
    let Some(last) = watched.last_at else { return watched.since };
    let proved_at = watched.holds_since.zip(watch.lasting).map(|(since, lasting)| since + lasting);
    let soon = proved_at.filter(|at| *at > last);
    let regular = last + watch.every;
    soon.map_or(regular, |soon| soon.min(regular)).min(watched.give_up_at.max(last))
}

/// Looks once. Only a look that ends it, or says something new, is one for the log.
pub(super) async fn look<'p>(
    world: &World,
    frame: &Frame,
    state: &RunState,
    (at, action, watch): (StepAt<'p>, &dyn Read, &Watch),
    until: DateTime<Utc>,
) -> Observed<'p> {
    let Some(Status::Watching(watched)) = state.status(&at.address) else {
        return Observed::Failed { at, attempt: 1, error: ActionError::fail("it is not being watched") };
    };
    let found = read(world, frame, state, &at, action, until).await;
    let now = world.clock.now();
    let (verdict, summary) = match &found {
        Ok(found) => judge(world, frame, state, &at, (action, watch), found),
        // What cannot be asked for the moment may be in the next one.
        Err(error) => (Look::NotYet, error.message.clone()),
    };
    let holds_since = matches!(verdict, Look::Good).then(|| watched.holds_since.unwrap_or(now));
    let is_proved = holds_since.is_some_and(|since| watch.lasting.is_none_or(|lasting| since + lasting <= now));
    match (verdict, found) {
        (Look::Bad, _) => Observed::Failed { at, attempt: 1, error: ActionError::fail(summary) },
        (_, Ok(found)) if is_proved || now >= watched.give_up_at => {
            Observed::Record(over(&at.address, found, is_proved))
        }
        (_, Err(error)) if now >= watched.give_up_at => {
            let message = format!("its last look failed: {error}");
            Observed::Failed { at, attempt: 1, error: ActionError::fail(message) }
        }
        (verdict, found) => {
            let verdict = if verdict == Look::Good { Look::Holds } else { verdict };
            let told_at = watched.told.as_ref().map(|(told_at, before)| (*told_at, *before == verdict));
            let is_told = match told_at {
                Some((told_at, true)) => now >= told_at + watch.every.saturating_mul(TOLD_EACH),
                Some((_, false)) | None => true,
            };
            let step = at.address.clone();
            Observed::NotYet { looked: RunEvent::Watched { step, verdict, summary }, is_told, found: found.ok() }
        }
    }
}

/// The read as it is on the log when it is not repeated any more.
pub(super) fn over(step: &StepAddress, (mut output, summary): (Value, String), held: bool) -> RunEvent {
    if let Some(fields) = output.as_object_mut() {
        fields.insert("held".to_owned(), json!(held));
    }
    RunEvent::Read { step: step.clone(), output, summary }
}

/// What a look says. A condition that has no answer yet is "not yet".
fn judge(
    world: &World,
    frame: &Frame,
    state: &RunState,
    at: &StepAt<'_>,
    (action, watch): (&dyn Read, &Watch),
    (output, summary): &(Value, String),
) -> (Look, String) {
    let mut scope = frame.scope(state, &at.address);
    // What this look does not find has no value here, whatever else is called so.
    for field in action.declaration().output {
        scope.remove(field.name);
    }
    scope.extend(fields(output.clone()));
    let now = world.clock.now();
    match watch.fail_if.as_ref().map(|fail_if| (fail_if, fail_if.holds(&scope, now))) {
        Some((fail_if, Ok(true))) => return (Look::Bad, format!("{summary}: `{}`", fail_if.source())),
        Some((_, Err(error))) => return (Look::NotYet, error.to_string()),
        Some((_, Ok(false))) | None => {}
    }
    let until = watch.until.source();
    match watch.until.holds(&scope, now) {
        Ok(true) => (Look::Good, format!("{summary}: `{until}`")),
        Ok(false) => (Look::NotYet, format!("{summary}: not yet `{until}`")),
        Err(error) => (Look::NotYet, error.to_string()),
    }
}

/// How long a run may not be gone on with, as it is between two looks that are not on its log.
pub(super) fn between_looks(state: &RunState) -> TimeDelta {
    let every = state.steps.values().filter_map(|status| match status {
        Status::Watching(watched) => Some(watched.every),
        _ => None,
    });
    every.max().and_then(|every| TimeDelta::from_std(every.0).ok()).unwrap_or_default()
}
