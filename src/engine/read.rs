//! Doing what changes nothing: reading, deciding conditions, looking whether it helped.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::evidence::{bounded, fields, trimmed};
use super::loops::item_read;
use super::scope::Frame;
use super::state::RunState;
use super::status::Status;
use super::timing::READ_TIMEOUT;
use super::walk::{ChooseAt, StepAt, find};
use crate::action::{Action, ActionError, Field, Read, RunMark, StepContext, World};
use crate::language::Expression;
use crate::model::{
    ActingRole, ConditionKind, Considered, FailureClass, Look, ObjectKey, Phase, RunEvent, StepAddress, redact,
    redact_value,
};
use crate::playbook::{Condition, Playbook, StepKind, Verify};

/// Reads the target anew, until then at most.
pub(super) async fn read_target(world: &World, frame: &Frame, until: DateTime<Utc>) -> Result<RunEvent, ActionError> {
    Ok(RunEvent::TargetRead { object: read_object(world, &frame.run.target, until).await? })
}

/// Reads what a step is about anew, until then at most: the target, or that of its item.
pub(super) async fn read_target_of(
    world: &World,
    frame: &Frame,
    state: &RunState,
    step: &StepAddress,
    until: DateTime<Utc>,
) -> Result<RunEvent, ActionError> {
    match (state.around(step), state.item(step).and_then(|item| item.target.as_ref())) {
        (Some(listed), Some(target)) => item_read(world, target, listed.address.for_items(step.items()), until).await,
        _ => read_target(world, frame, until).await,
    }
}

/// An object as it goes on the log; `None`: it is not there.
pub(super) async fn read_object(
    world: &World,
    key: &ObjectKey,
    until: DateTime<Utc>,
) -> Result<Option<Value>, ActionError> {
    let get = async { Ok(world.cluster.get(key).await?) };
    let object = within(world, until.min(world.clock.now() + READ_TIMEOUT), get).await?;
    Ok(object.map(|object| trimmed(&object).0))
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
    let scope = frame.scope(state, &at.address);
    let context = StepContext {
        run: RunMark { database: &frame.mark, run: frame.run.id },
        step: &at.address,
        tag: at.tag.as_deref(),
        target: frame.target(state, &at.address),
        object: state.live_object_of(&at.address),
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
    let scope = frame.scope(state, &at.address);
    match condition.expression.holds(&scope, world.clock.now()) {
        Ok(held) => {
            let because = match &condition.because {
                Some(because) => because.render_leniently(&scope),
                None => format!("`{}` is {held}", condition.expression.source()),
            };
            let expression = on_one_line(&condition.expression);
            // What gives no role says nothing: then the page goes where it would without one.
            let role = condition.role.as_ref().filter(|_| kind.escalates(held));
            let role = role.and_then(|role| ActingRole::of_word(role.render_leniently(&scope).trim()));
            RunEvent::Checked { step: at.address.clone(), condition: kind, held, because, expression, role }
        }
        Err(error) => RunEvent::Failed {
            step: at.address.clone(),
            attempt: 1,
            class: FailureClass::Fail,
            error: error.to_string(),
            held: false,
        },
    }
}

/// Chooses the first branch whose condition holds. One that cannot be decided is a failure, and
/// never "the next branch"; but in the escalation, where a human waits for what there is.
pub(super) fn choose(world: &World, frame: &Frame, state: &RunState, at: &ChooseAt<'_>) -> RunEvent {
    // What masking would change could not be found again.
    if let Some(branch) = at.choose.branches.iter().find(|branch| redact(&branch.name) != branch.name) {
        let error = format!("the name of a branch holds what looks like a secret: `{}`", redact(&branch.name));
        return RunEvent::Failed {
            step: at.address.clone(),
            attempt: 1,
            class: FailureClass::Fail,
            error,
            held: false,
        };
    }
    let (scope, now) = (frame.scope(state, &at.address), world.clock.now());
    let is_lenient = state.phase == Some(Phase::Escalate);
    let mut considered = Vec::new();
    for branch in &at.choose.branches {
        let Some(when) = &branch.when else {
            return RunEvent::Chosen { step: at.address.clone(), branch: branch.name.clone(), considered };
        };
        let (held, error) = match when.holds(&scope, now) {
            Ok(held) => (held, None),
            Err(error) if is_lenient => (false, Some(redact(&error.to_string()).into_owned())),
            Err(error) => {
                let error = format!("whether it is `{}`: {error}", branch.name);
                return RunEvent::Failed {
                    step: at.address.clone(),
                    attempt: 1,
                    class: FailureClass::Fail,
                    error,
                    held: false,
                };
            }
        };
        considered.push(Considered { branch: branch.name.clone(), expression: on_one_line(when), held, error });
        if held {
            return RunEvent::Chosen { step: at.address.clone(), branch: branch.name.clone(), considered };
        }
    }
    let error = "none of its branches holds".to_owned();
    RunEvent::Failed { step: at.address.clone(), attempt: 1, class: FailureClass::Fail, error, held: false }
}

/// Gives names to values, as they are now. What masking would change is not kept: it would be
/// another value.
pub(super) fn values(
    world: &World,
    frame: &Frame,
    state: &RunState,
    at: &StepAt<'_>,
    values: &[(String, Expression)],
) -> RunEvent {
    let (scope, now) = (frame.scope(state, &at.address), world.clock.now());
    let mut named = Map::new();
    let failed = |error: String| RunEvent::Failed {
        step: at.address.clone(),
        attempt: 1,
        class: FailureClass::Fail,
        error,
        held: false,
    };
    for (name, expression) in values {
        match expression.evaluate(&scope, now) {
            Ok(value) => named.insert(name.clone(), value),
            Err(error) => return failed(format!("`{name}`: {error}")),
        };
    }
    let mut masked = Value::Object(named.clone());
    redact_value(&mut masked);
    if masked != Value::Object(named.clone()) {
        return failed("a value holds what looks like a secret, which is not kept".to_owned());
    }
    let size = masked.to_string().len();
    if size > frame.output_limit {
        let most = frame.output_limit;
        return failed(format!("its values have {size} bytes, and {most} is the most that is kept; name less"));
    }
    RunEvent::Set { step: at.address.clone(), values: named }
}

fn on_one_line(expression: &Expression) -> String {
    expression.source().split_whitespace().collect::<Vec<_>>().join(" ")
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
    let looked = |verdict, summary: String| {
        let step = at.address.clone();
        RunEvent::Looked { step, verdict, summary, unanswered: false }
    };
    let unanswered = |summary: String| {
        let step = at.address.clone();
        RunEvent::Looked { step, verdict: Look::NotYet, summary, unanswered: true }
    };
    let mut scope = frame.scope(state, &at.address);
    let (observed, summary) = match look_again(world, frame, state, playbook, at, verify, until).await {
        Ok(seen) => seen,
        Err(error) => return unanswered(error.message),
    };
    match &verify.query {
        Some(_) => {
            // What the query does not find has no value here, whatever else is called so.
            for field in asked_fields(playbook, at, verify) {
                scope.remove(field.name);
            }
            scope.extend(fields(observed));
        }
        None => {
            scope.insert("target".into(), observed);
        }
    }
    let now = world.clock.now();
    if let Some(fail_if) = &verify.fail_if {
        match fail_if.holds(&scope, now) {
            Ok(true) => return looked(Look::Bad, format!("{summary}: `{}`", fail_if.source())),
            Ok(false) => {}
            Err(error) => return unanswered(error.to_string()),
        }
    }
    match verify.until.holds(&scope, now) {
        Ok(true) => {
            let holds_since = match state.status(&at.address) {
                Some(Status::Verifying { holds_since, .. }) => holds_since.unwrap_or(now),
                _ => now,
            };
            let is_proved = verify.lasting.is_none_or(|lasting| holds_since + lasting <= now);
            let verdict = if is_proved { Look::Good } else { Look::Holds };
            looked(verdict, format!("{summary}: `{}`", verify.until.source()))
        }
        Ok(false) => looked(Look::NotYet, format!("{summary}: not yet `{}`", verify.until.source())),
        Err(error) => unanswered(error.to_string()),
    }
}

/// The fields that the query of a verify may leave.
fn asked_fields<'p>(playbook: &'p Playbook, asks: &StepAt<'p>, verify: &Verify) -> &'p [Field] {
    let at = verify.query.as_ref().and_then(|id| find(playbook, id, asks));
    match at.map(|at| &at.step.kind) {
        Some(StepKind::Action(Action::Read(action))) => action.declaration().output,
        _ => &[],
    }
}

async fn look_again(
    world: &World,
    frame: &Frame,
    state: &RunState,
    playbook: &Playbook,
    at: &StepAt<'_>,
    verify: &Verify,
    until: DateTime<Utc>,
) -> Result<(Value, String), ActionError> {
    let Some(id) = &verify.query else {
        let target = frame.target(state, &at.address);
        let object = read_object(world, target, until).await?;
        let object = object.ok_or_else(|| ActionError::retry(format!("{target} is not there")))?;
        return Ok((object, target.to_string()));
    };
    match find(playbook, id, at) {
        Some(at) => match &at.step.kind {
            StepKind::Action(Action::Read(action)) => read(world, frame, state, &at, action.as_ref(), until).await,
            _ => Err(ActionError::fail(format!("`{id}` is no step that reads"))),
        },
        None => Err(ActionError::fail(format!("there is no step `{id}`"))),
    }
}
