//! What a change waits for that may pass by itself: the lease of the cluster, another run's lock,
//! and limits over all runs. Each has a patience of its own.

use chrono::{DateTime, Utc};

use super::drive::{Driver, Flow};
use super::status::Status;
use super::timing::{LIMIT_LOOK_AT_LEAST, LIMIT_PATIENCE, LOCK_LOOK_EVERY, LOCK_PATIENCE};
use super::timing::{MANDATE_LOOK_EVERY, MANDATE_PATIENCE};
use super::walk::StepAt;
use crate::action::ActionError;
use crate::mandate::NoMandate;
use crate::model::{RunEvent, WaitsFor};
use crate::store::{OverLimit, StoreError};

/// Nothing is sent while another bot may change the cluster. Whether that is so shows in a
/// moment, but for one that only observes.
pub(super) async fn wait_for_mandate(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    mut events: Vec<RunEvent>,
    why: NoMandate,
) -> Result<Flow, StoreError> {
    let now = driver.now();
    let since = waited_since(driver, at, WaitsFor::Mandate);
    if why.observes || now >= since + MANDATE_PATIENCE {
        let error = ActionError::needs_human(format!("it was not done, as {why}"));
        return driver.failed(at, attempt, error, events).await;
    }
    let until = now + MANDATE_LOOK_EVERY;
    events.push(RunEvent::Waiting {
        step: at.address.clone(),
        until,
        because: why.because,
        waits_for: Some(WaitsFor::Mandate),
    });
    driver.wait(&at.address, events, until).await
}

pub(super) async fn wait_for_lock(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    key: &str,
    by: &str,
) -> Result<Flow, StoreError> {
    let now = driver.now();
    let run = &driver.frame.run.target;
    // What holds the run's own target holds every item: it is waited for once.
    let is_the_runs = key == run.key() && driver.frame.target(&driver.state, &at.address) != run;
    let since = if is_the_runs {
        driver.state.lock_waited_since(&at.address)
    } else {
        driver.state.tried(&at.address).waits_since(WaitsFor::Lock)
    };
    let since = since.unwrap_or(now);
    if now >= since + LOCK_PATIENCE {
        let message = format!("{by} holds {key} since more than {} minutes", LOCK_PATIENCE.as_secs() / 60);
        let error = if is_the_runs { ActionError::needs_human(message) } else { ActionError::held_up(message) };
        return driver.failed(at, attempt, error, Vec::new()).await;
    }
    let until = now + LOCK_LOOK_EVERY;
    let because = format!("{by} works on {key}");
    driver
        .wait(
            &at.address,
            vec![RunEvent::Waiting { step: at.address.clone(), until, because, waits_for: Some(WaitsFor::Lock) }],
            until,
        )
        .await
}

/// What passes by itself is waited for, within bounds: `page_by` goes on meanwhile. The rest is a
/// person's, and so is what did not pass: those that stop for the same reason are one incident.
pub(super) async fn wait_for_limit(
    driver: &mut Driver<'_>,
    at: &StepAt<'_>,
    attempt: u32,
    over: OverLimit,
) -> Result<Flow, StoreError> {
    let now = driver.now();
    driver.metrics.over_limit(over.limit);
    let since = waited_since(driver, at, WaitsFor::Limit);
    let again_at = over.again_at.filter(|_| now < since + LIMIT_PATIENCE);
    let Some(again_at) = again_at else {
        let error = if at.is_in_loop() { ActionError::held_up(over.said) } else { ActionError::needs_human(over.said) };
        return driver.held(at, attempt, error, Vec::new()).await;
    };
    let until = again_at.min(since + LIMIT_PATIENCE).max(now + LIMIT_LOOK_AT_LEAST);
    let waits_for = Some(WaitsFor::Limit);
    let waits = RunEvent::Waiting { step: at.address.clone(), until, because: over.said, waits_for };
    driver.wait(&at.address, vec![waits], until).await
}

/// Since when it is waited for; of an attempt that is in doubt, since that began.
fn waited_since(driver: &Driver<'_>, at: &StepAt<'_>, waits_for: WaitsFor) -> DateTime<Utc> {
    match driver.state.status(&at.address) {
        Some(Status::Started { since, .. }) => *since,
        _ => driver.state.tried(&at.address).waits_since(waits_for).unwrap_or_else(|| driver.now()),
    }
}
