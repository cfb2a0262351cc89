//! Doing what changes nothing: reading, deciding conditions, looking whether it helped.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::evidence::{bounded, fields, trimmed};
use super::scope::Frame;
use super::state::RunState;
use super::timing::READ_TIMEOUT;
use super::walk::{StepAt, find};
use crate::action::{Action, ActionError, Read, RunMark, StepContext, World};
use crate::model::{ConditionKind, FailureClass, Look, RunEvent};
use crate::playbook::{Condition, Playbook, StepKind, Verify};

/// Reads the target anew, until then at most.
pub(super) async fn read_target(world: &World, frame: &Frame, until: DateTime<Utc>) -> Result<RunEvent, ActionError> {
    let get = async { Ok(world.cluster.get(&frame.run.target).await?) };
    let object = within(world, until.min(world.clock.now() + READ_TIMEOUT), get).await?;
    Ok(RunEvent::TargetRead { object: object.map(|object| trimmed(&object).0) })
}

/// Asks a read-only action, until then at most.
pub(super) async fn read(
    world: &World,
    frame: &Frame,
    state: &RunState,
    at: &StepAt<'_>,
    action: &dyn Read,
    until: DateTime<Utc>,
) -> Result<(Value, String), ActionError> {
    let scope = frame.scope(state);
    let context = StepContext {
        run: RunMark { database: &frame.mark, run: frame.run.id },
        step: &at.address,
        tag: at.tag.as_deref(),
        target: &frame.run.target,
        object: state.live_object(),
        scope: &scope,
    };
    let until = until.min(world.clock.now() + at.step.timeout.unwrap_or(READ_TIMEOUT));
    let output = within(world, until, action.read(world, context)).await?;
    bounded(output, frame.output_limit)
}

/// Gives up on `work` at that time.
pub(super) async fn within<T>(
    world: &World,
    until: DateTime<Utc>,
    work: impl Future<Output = Result<T, ActionError>>,
) -> Result<T, ActionError> {
    let begun = world.clock.now();
    tokio::select! {
        biased;
        done = work => done,
        () = world.clock.sleep_until(until) => {
            let waited = (until - begun).to_std().unwrap_or_default();
            Err(ActionError::retry(format!("no answer within {} s", waited.as_secs_f32())))
        }
    }
}

/// Decides a condition. One that cannot be decided is a failure of the step, never "no".
pub(super) fn evaluate(
    world: &World,
    frame: &Frame,
    state: &RunState,
    at: &StepAt<'_>,
    kind: ConditionKind,
    condition: &Condition,
) -> RunEvent {
    let scope = frame.scope(state);
    match condition.expression.holds(&scope, world.clock.now()) {
        Ok(held) => {
            let because = match &condition.because {
                Some(because) => because.render_leniently(&scope),
                None => format!("`{}` is {held}", condition.expression.source()),
            };
            let expression = condition.expression.source().split_whitespace().collect::<Vec<_>>().join(" ");
            RunEvent::Checked { step: at.address.clone(), condition: kind, held, because, expression }
        }
        Err(error) => RunEvent::Failed {
            step: at.address.clone(),
            attempt: 1,
            class: FailureClass::Fail,
            error: error.to_string(),
        },
    }
}

/// Looks whether a mutation helped.
///
/// What cannot be decided yet (no samples while pods start, a server that is away) is "not yet": patience has its own end.
pub(super) async fn look(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    at: &StepAt<'_>,
    verify: &Verify,
    until: DateTime<Utc>,
) -> RunEvent {
    // The log needs what it came to and a line for people: a whole answer once more for each look would be noise.
    let looked = |verdict, summary: String| RunEvent::Looked { step: at.address.clone(), verdict, summary };
    let mut scope = frame.scope(state);
    let (observed, summary) = match observe(world, frame, state, playbook, verify, until).await {
        Ok(seen) => seen,
        Err(error) => return looked(Look::NotYet, error.message),
    };
    match &verify.query {
        Some(_) => scope.extend(fields(observed)),
        None => {
            scope.insert("target".into(), observed);
        }
    }
    let now = world.clock.now();
    if let Some(fail_if) = &verify.fail_if {
        match fail_if.holds(&scope, now) {
            Ok(true) => return looked(Look::Bad, format!("{summary}: `{}`", fail_if.source())),
            Ok(false) => {}
            Err(error) => return looked(Look::NotYet, error.to_string()),
        }
    }
    match verify.until.holds(&scope, now) {
        Ok(true) => looked(Look::Good, format!("{summary}: `{}`", verify.until.source())),
        Ok(false) => looked(Look::NotYet, format!("{summary}: not yet `{}`", verify.until.source())),
        Err(error) => looked(Look::NotYet, error.to_string()),
    }
}

async fn observe(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    verify: &Verify,
    until: DateTime<Utc>,
) -> Result<(Value, String), ActionError> {
    let Some(id) = &verify.query else {
        return match read_target(world, frame, until).await? {
            RunEvent::TargetRead { object: Some(object) } => Ok((object, frame.run.target.to_string())),
            _ => Err(ActionError::retry(format!("{} is not there", frame.run.target))),
        };
    };
    match find(playbook, id) {
        Some(at) => match &at.step.kind {
            StepKind::Action(Action::Read(action)) => read(world, frame, state, &at, action.as_ref(), until).await,
            _ => Err(ActionError::fail(format!("`{id}` is no step that reads"))),
        },
        None => Err(ActionError::fail(format!("there is no step `{id}`"))),
    }
}
