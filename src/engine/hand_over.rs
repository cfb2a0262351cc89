//! Ending a run so that one of another playbook goes on.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::drive::{Driver, Flow};
use super::kind_worker;
use super::walk::StepAt;
use crate::action::ActionError;
use crate::model::{Severity, Target, TargetLimits, redact};
use crate::playbook::{HandOver, MOST_HAND_OVERS, Playbook};
use crate::store::{self, Append, Appended, NewRun, StoreError, unfit_to_act_on};

/// Hands over to the playbook that was there when the run was opened. Where that may not run, this
/// run escalates, with its own evidence.
pub(super) async fn hand_over(driver: &mut Driver<'_>, at: &StepAt<'_>, to: &HandOver) -> Result<Flow, StoreError> {
    let attempt = driver.state.next_attempt(&at.address);
    let Next { run, limits, severity } = match next_run(driver, at, to).await? {
        Ok(next) => next,
        Err(why) => return driver.failed(at, attempt, ActionError::needs_human(why), Vec::new()).await,
    };
    let hand_over = store::HandOver { step: at.address.clone(), run, limits, severity };
    let append = Append { hand_over: Some(Box::new(hand_over)), ..Append::default() };
    match driver.append(append).await? {
        None => Ok(Flow::Leave),
        Some(Appended::InboxFirst(inbox)) => {
            driver.inbox = inbox;
            Ok(Flow::On)
        }
        Some(Appended::NotHandedOver(why)) => {
            driver.failed(at, attempt, ActionError::needs_human(why), Vec::new()).await
        }
        // Nothing else is asked of it.
        Some(_) => Ok(Flow::On),
    }
}

struct Next {
    run: NewRun,
    limits: Option<TargetLimits>,
    severity: Severity,
}

/// The run that goes on; else why there is none.
async fn next_run(driver: &Driver<'_>, at: &StepAt<'_>, to: &HandOver) -> Result<Result<Next, String>, StoreError> {
    let run = &driver.frame.run;
    let name = &to.playbook;
    if run.handed_over >= MOST_HAND_OVERS {
        return Ok(Err(format!("{MOST_HAND_OVERS} runs have handed over in a row: `{name}` is not begun")));
    }
    // Also one that was there when the run began: what is disabled is begun by nothing.
    if let Some(why) = driver.catalog.why_disabled(name) {
        return Ok(Err(format!("`{name}` is not begun: it is {why}")));
    }
    let Some(pin) = run.pins.iter().find(|pin| pin.name == *name) else {
        return Ok(Err(format!("there was no playbook `{name}` when the run began")));
    };
    let playbook = match driver.catalog.by_digest(&pin.digest) {
        Some(playbook) => Some(playbook.clone()),
        None => {
            let source = driver.store.playbook_source(&pin.digest).await?;
            let read = |source: String| Playbook::from_store_with(&source, &driver.world.cluster.kinds()).ok();
            source.and_then(read).map(Arc::new)
        }
    };
    let Some(playbook) = playbook else { return Ok(Err(format!("the playbook {pin} cannot be read"))) };
    // Its text is of when the run began: by now the catalog may not name its kinds, and then nobody
    // has asked about them.
    kind_worker::ask(driver.world.cluster.as_ref(), playbook.custom_kinds()).await;
    let (target, inputs) = match given(driver, at, to, &playbook) {
        Ok(given) => given,
        Err(why) => return Ok(Err(why)),
    };
    if let Some(why) = unfit_to_act_on(&target, &serde_json::Value::Object(inputs.clone())) {
        return Ok(Err(format!("`{name}` is not begun: {why}")));
    }
    // Who sends alerts names the object, maybe: what the source may not start it may not start so.
    let sender = run.alert.get("source").and_then(|source| source.as_str());
    let alert = run.alert.get("name").and_then(|name| name.as_str()).unwrap_or_default();
    if let Some(sender) = sender.filter(|_| run.requested_by.is_none())
        && let Some(why) = driver.options.may_start.of(sender).why_not(alert, name, &target)
    {
        return Ok(Err(format!("`{name}` is not begun: {why}")));
    }
    let alert_waited = driver.state.left_alone.to_std().ok().filter(|waited| !waited.is_zero());
    let limits = run.requested_by.is_none().then(|| playbook.limits.of_target());
    let next = NewRun {
        playbook: pin.clone(),
        playbook_source: playbook.source.to_string(),
        alert: run.alert.clone(),
        alert_waited,
        autonomy: run.autonomy.min(playbook.autonomy),
        requested_by: run.requested_by.clone(),
        pins: driver.catalog.pins(&playbook),
        handed_over: run.handed_over + 1,
        because: format!("{}: {} goes on with {target}", to.branch, playbook.name),
        target,
        inputs,
    };
    Ok(Ok(Next { run: next, limits, severity: playbook.severity }))
}

/// What the next run is about, and its inputs: as they are given, else as the alert says.
fn given(
    driver: &Driver<'_>,
    at: &StepAt<'_>,
    to: &HandOver,
    playbook: &Playbook,
) -> Result<(Target, serde_json::Map<String, serde_json::Value>), String> {
    let scope = driver.frame.scope(&driver.state, &at.address);
    let text = to.target.as_ref().map(|target| target.render(&scope)).transpose();
    let text = text.map_err(|error| format!("its target cannot be told: {error}"))?;
    let target = playbook.handed_target(text.as_deref(), &driver.frame.run.target)?;
    let mut given = BTreeMap::new();
    let alert = playbook.sees(driver.frame.run.alert.clone());
    let labels = alert.get("labels");
    for (name, input) in &playbook.inputs {
        let label = input.label.as_ref().and_then(|label| labels?.get(label)?.as_str());
        given.extend(label.map(|value| (name.clone(), value.to_owned())));
    }
    for (name, value) in &to.inputs {
        let value = value.render(&scope).map_err(|error| format!("its input `{name}` cannot be told: {error}"))?;
        given.insert(name.clone(), value);
    }
    let inputs = playbook.inputs_for(None, &given).map_err(|problems| {
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        redact(&problems.join("; ")).into_owned()
    })?;
    Ok((target, inputs))
}
