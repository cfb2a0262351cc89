//! The part of driving a run in which the world is changed: the intent goes on the log first, and what became of it
//! after.

use chrono::{DateTime, Utc};

use super::brakes::{Held, brake, held_up, namespaces, run_limits};
use super::drive::{Driver, Flow};
use super::evidence::kept;
use super::in_step::left_alone;
use super::mutate::{self, Attempt};
use super::preview;
use super::read;
use super::repeats::{remedy, why_not_again};
use super::state::Approval;
use super::status::Status;
use super::timing::{DOUBT_LOOK_EVERY, DOUBT_PATIENCE, LEASE_MARGIN, LEAST_MANDATE, MUTATION_WITHIN};
use super::waits::{wait_for_limit, wait_for_lock, wait_for_mandate};
use super::walk::StepAt;
use crate::action::{ActionError, Mutation, Output, Plan};
use crate::mandate::NoMandate;
use crate::model::{FailureClass, Intent, PreviewStep, RunEvent};
use crate::store::{Append, Appended, Guard, StoreError};

/// A renewal is due by now, and late.
fn soon_renewed() -> NoMandate {
    NoMandate {
        observes: false,
        refused: false,
        because: "the lease of this cluster is about to run out, and is renewed first".into(),
    }
}

/// Reads the target again, decides, and makes the change.
///
/// A request of an earlier attempt that was given up may have come through late: then this is what was wanted, and to
/// decide anew, on what it left behind, would be to do it twice.
pub(super) async fn act(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    attempt: u32,
) -> Result<Flow, StoreError> {
    match settle(driver, at, action, attempt).await? {
        Some(flow) => Ok(flow),
        None => decide(driver, at, action, attempt).await,
    }
}

/// Finds out what became of an attempt that was given up. `None`: there is none, or it had no
/// effect.
pub(super) async fn settle(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    attempt: u32,
) -> Result<Option<Flow>, StoreError> {
    let Some((earlier, intent)) = driver.state.tried(&at.address).begun else { return Ok(None) };
    let target = driver.frame.target(&driver.state, &at.address).clone();
    match mutate::doubt(driver.world, &target, action, &intent, driver.until()).await {
        Attempt::NotDone(_) => Ok(None),
        Attempt::Done(output) | Attempt::Recovered(output) => made(driver, at, earlier, output, true).await.map(Some),
        Attempt::Failed(error) | Attempt::InDoubt(error) => {
            driver.failed(at, attempt, error, Vec::new()).await.map(Some)
        }
    }
}

/// The run begins no further change. `before` goes on the log ahead of it; an attempt that was on
/// the log is known not to have been made. Of a loop only the item is left alone, unless it is the
/// whole run that is held: another one may be elsewhere.
async fn braked(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    by: String,
    mut before: Vec<RunEvent>,
) -> Result<Flow, StoreError> {
    if at.address.is_undo() || (at.is_in_loop() && brake(driver, true).await?.is_none()) {
        return driver.held(at, attempt, ActionError::held_up(format!("{by} holds it")), before).await;
    }
    if let Some(Status::Started { tried, .. }) = driver.state.status(&at.address) {
        let (attempt, error) = (tried.attempts, format!("it was not done, and {by} holds it up"));
        before.push(RunEvent::Failed {
            step: at.address.clone(),
            attempt,
            class: FailureClass::Fail,
            error,
            held: false,
        });
    }
    before.push(RunEvent::Braked { by });
    driver.append(Append { events: before, ..Append::default() }).await?;
    Ok(Flow::On)
}

/// A ceiling where the object is lets the run ask only.
async fn ask_first(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    before: Vec<RunEvent>,
    why: &str,
) -> Result<Flow, StoreError> {
    if at.is_in_loop() || at.address.is_undo() {
        let message = format!("a person has to be asked about it first: {why}");
        return driver.failed(at, attempt, ActionError::held_up(message), before).await;
    }
    if let Some(Status::Started { .. }) = driver.state.status(&at.address) {
        let message = format!("it was not done, and a person is asked first: {why}");
        return driver.failed(at, attempt, ActionError::retry(message), before).await;
    }
    driver.append(Append { events: before, ..Append::default() }).await?;
    driver.ask(at, None).await
}

async fn decide(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    attempt: u32,
) -> Result<Flow, StoreError> {
    let before = driver.state.object_of(&at.address).map(|object| object.uid().to_owned());
    let read = read::read_target_of(driver.world, &driver.frame, &driver.state, &at.address, driver.until()).await;
    let read = match read {
        Ok(event) => event,
        Err(error) => return driver.failed(at, attempt, error, Vec::new()).await,
    };
    let mut fresh = driver.state.clone();
    fresh.take(driver.now(), &read);
    let target = driver.frame.target(&driver.state, &at.address);
    let is_about_an_item = driver.state.item(&at.address).is_some_and(|item| item.target.is_some() && !item.is_touched);
    match (&before, fresh.live_object_of(&at.address)) {
        (Some(before), Some(object)) if before != object.uid() => {
            let message = format!("{target} was replaced by another of the same name meanwhile");
            let error =
                if is_about_an_item { ActionError::leave_alone(message) } else { ActionError::needs_human(message) };
            return driver.failed(at, attempt, error, vec![read]).await;
        }
        (Some(_), None) if is_about_an_item => {
            let error = ActionError::leave_alone(format!("{target} is not there any more"));
            return driver.failed(at, attempt, error, vec![read]).await;
        }
        _ => {}
    }
    let intent = match mutate::prepare(driver.world, &driver.frame, &fresh, at, action, driver.until()).await {
        Ok(Plan::Do(intent)) => intent,
        Ok(Plan::Unneeded(output)) => return unneeded(driver, at, output, vec![read]).await,
        Err(error) => return driver.failed(at, attempt, error, vec![read]).await,
    };
    // A group that was begun is finished.
    let in_group = at.is_in_begun_group(&driver.state);
    if !in_group && let Some(error) = why_not_again(driver, at, action, &intent).await? {
        return driver.failed(at, attempt, error, vec![read]).await;
    }
    if let Some(error) = not_as_approved(driver, at, &intent) {
        return driver.failed(at, attempt, error, vec![read]).await;
    }
    start(driver, at, action, attempt, intent, vec![read]).await
}

/// What was approved is what is done: to the letter, where the preview was certain. An item of a
/// loop that would be another thing now, or of which nobody was shown what it would be, is left
/// alone: the others were approved. One that was begun is finished.
fn not_as_approved(driver: &Driver<'_>, at: &StepAt<'_>, intent: &Intent) -> Option<ActionError> {
    let Approval::Granted { preview, by, .. } = &driver.state.approval else { return None };
    let shown = preview.steps.iter().find(|shown| shown.step == at.address);
    let message = match shown {
        None => format!("{by} approved what was shown, and not `{}`", intent.summary),
        Some(shown) if shown.certain => {
            let PreviewStep { summary, diff, uid, .. } = preview::of_intent(&at.address, intent);
            if shown.summary != summary {
                format!("{by} approved `{}`, but now it would `{summary}`", shown.summary)
            } else if shown.diff != diff {
                let (shown, diff) = (shown.diff.as_deref().unwrap_or("nothing"), diff.unwrap_or_default());
                format!("{by} approved `{summary}` as `{shown}`, but now it would be `{diff}`")
            } else if shown.uid.is_some() && shown.uid != uid {
                format!("{by} approved `{summary}`, but its object was replaced by another of the same name")
            } else {
                return None;
            }
        }
        Some(_) if at.is_in_loop() && !at.is_in_begun_group(&driver.state) => {
            format!(
                "what it would do was not known when {by} was asked, and so {by} did not approve `{}`",
                intent.summary
            )
        }
        Some(_) => return None,
    };
    Some(if at.is_in_loop() { ActionError::held_up(message) } else { ActionError::needs_human(message) })
}

/// Puts the intent on the log, then makes the change.
pub(super) async fn start(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    attempt: u32,
    intent: Intent,
    mut events: Vec<RunEvent>,
) -> Result<Flow, StoreError> {
    let finishes_group = at.is_in_begun_group(&driver.state);
    if !finishes_group {
        match held_up(driver, at, &intent).await? {
            Held::Not => {}
            Held::Braked(by) => return braked(driver, at, attempt, by, events).await,
            Held::Asks(why) => return ask_first(driver, at, attempt, events, &why).await,
            Held::Unknown(error) => return driver.failed(at, attempt, error, events).await,
        }
    }
    let mandate = match driver.options.mandate.left(driver.world.clock.as_ref()) {
        Ok(left) if left >= LEAST_MANDATE => left,
        Ok(_) => return wait_for_mandate(driver, at, attempt, events, soon_renewed()).await,
        Err(why) => return wait_for_mandate(driver, at, attempt, events, why).await,
    };
    // The append prolongs the lease: the deadline lies before its new end, and before anybody
    // else may change the cluster.
    let longest = driver.options.lease.saturating_sub(LEASE_MARGIN).min(MUTATION_WITHIN);
    let deadline = driver.now() + at.step.timeout.unwrap_or(longest).min(longest).min(mandate);
    events.push(RunEvent::Started {
        step: at.address.clone(),
        attempt,
        intent: intent.clone(),
        deadline,
        // What is taken back helps nobody.
        remedy: (!at.address.is_undo()).then(|| Box::new(remedy(action, &intent))),
    });
    let target = driver.frame.target(&driver.state, &at.address).clone();
    // A new object has a name of its own each time: what it is made for is what two must not make
    // at once.
    let mut locks = Vec::new();
    let remedied = action.remedied(&intent).key();
    for key in [driver.frame.run.target.key(), target.key(), intent.object.key(), remedied] {
        if !locks.contains(&key) {
            locks.push(key);
        }
    }
    let guard = Guard { locks, namespaces: namespaces(driver, &intent), finishes_group };
    let limits = run_limits(driver);
    match driver.append(Append { events, guard: Some(guard), limits, ..Append::default() }).await? {
        None => {}
        Some(Appended::InboxFirst(inbox)) => {
            driver.inbox = inbox;
            return Ok(Flow::On);
        }
        Some(Appended::Locked { key, by }) => {
            return wait_for_lock(driver, at, attempt, &key, &by.to_string()).await;
        }
        Some(Appended::Frozen(freeze)) => return braked(driver, at, attempt, freeze.named(), Vec::new()).await,
        Some(Appended::OverLimit(over)) => return wait_for_limit(driver, at, attempt, *over).await,
        // It was none.
        Some(Appended::NotHandedOver(because)) => {
            return driver.failed(at, attempt, ActionError::needs_human(because), Vec::new()).await;
        }
        Some(Appended::Done { .. }) => return Ok(Flow::On),
    }
    if driver.now() >= deadline {
        // The store took its time, and nothing was sent. Whether the attempt is still to be made is asked as after a
        // crash, and it gets a deadline of its own then.
        return Ok(Flow::On);
    }
    if driver.options.mandate.left(driver.world.clock.as_ref()).is_err() {
        // Lost since: nothing was sent, and the attempt is asked about as after a crash.
        return Ok(Flow::On);
    }
    match mutate::apply(driver.world, &target, action, &intent, deadline, driver.until()).await {
        Attempt::Done(output) => made(driver, at, attempt, output, false).await,
        Attempt::Recovered(output) => made(driver, at, attempt, output, true).await,
        Attempt::Failed(error) => driver.failed(at, attempt, error, Vec::new()).await,
        Attempt::InDoubt(error) => stay_in_doubt(driver, at, error).await,
        // `apply` answers this case as a failure: the attempt had no effect.
        Attempt::NotDone(_) => Ok(Flow::On),
    }
}

/// It is as wanted already. `before` goes on the log ahead of that.
pub(super) async fn unneeded(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    output: Output,
    mut before: Vec<RunEvent>,
) -> Result<Flow, StoreError> {
    let (output, summary) = kept(output, driver.frame.output_limit);
    before.push(RunEvent::Unneeded { step: at.address.clone(), summary, output });
    driver.append(Append { events: before, ..Append::default() }).await?;
    Ok(Flow::On)
}

async fn made(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    output: Output,
    recovered: bool,
) -> Result<Flow, StoreError> {
    let (output, summary) = kept(output, driver.frame.output_limit);
    driver.record(RunEvent::Done { step: at.address.clone(), attempt, output, summary, recovered }).await
}

/// A mutation was on the log, and nobody knows what became of it.
pub(super) async fn doubt(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    attempt: u32,
    intent: &Intent,
    since: DateTime<Utc>,
) -> Result<Flow, StoreError> {
    let target = driver.frame.target(&driver.state, &at.address).clone();
    match mutate::doubt(driver.world, &target, action, intent, driver.until()).await {
        Attempt::Done(output) | Attempt::Recovered(output) => made(driver, at, attempt, output, true).await,
        Attempt::Failed(error) => driver.failed(at, attempt, error, Vec::new()).await,
        // Doubt keeps the attempt: the same one is made, on a fresh precondition.
        Attempt::NotDone(_) if at.address.is_undo() => {
            let message = "it was not taken back before the restart, and is decided anew";
            driver.failed(at, attempt, ActionError::retry(message), Vec::new()).await
        }
        Attempt::NotDone(intent) => {
            let unwanted = at.is_unwanted(&driver.state);
            // A group that was begun is finished: deleting a Job may well be what resolved the alert, and what is left
            // then is to start it again.
            let in_group = at.is_in_begun_group(&driver.state);
            if unwanted && !in_group {
                let message = "it was not done before the restart, and is not wanted any more";
                return driver.failed(at, attempt, ActionError::fail(message), Vec::new()).await;
            }
            if !in_group && left_alone(driver.playbook, &driver.state).is_some() {
                let message = "it was not done before nobody went on with it, and is decided anew";
                return driver.failed(at, attempt, ActionError::retry(message), Vec::new()).await;
            }
            if !in_group && let Some(by) = brake(driver, false).await? {
                return braked(driver, at, attempt, by, Vec::new()).await;
            }
            start(driver, at, action, attempt, intent, Vec::new()).await
        }
        Attempt::InDoubt(error) if driver.now() < since + DOUBT_PATIENCE => stay_in_doubt(driver, at, error).await,
        Attempt::InDoubt(error) => {
            let message = format!("it is not known whether this was done: {}: {error}", intent.summary);
            driver.failed(at, attempt, ActionError::needs_human(message), Vec::new()).await
        }
    }
}

async fn stay_in_doubt(driver: &mut Driver<'_>, at: &StepAt<'_>, error: ActionError) -> Result<Flow, StoreError> {
    let until = driver.now() + DOUBT_LOOK_EVERY;
    let because = format!("it is not known yet whether it was done: {error}");
    driver
        .wait(&at.address, vec![RunEvent::Waiting { step: at.address.clone(), until, because, waits_for: None }], until)
        .await
}
