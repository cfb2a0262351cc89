//! Changing the world: on the log first, within a deadline, and never twice.

use std::time::Duration;

use super::read::within;
use super::scope::Frame;
use super::state::RunState;
use crate::action::{ActionError, Doubt, Mutation, Output, Plan, StepContext, World};
use crate::model::{FailureClass, Intent};
use crate::playbook::Step;

/// How long one attempt of a mutation may take, where the playbook does not say. A lease is longer than that.
pub(super) const MUTATION_TIMEOUT: Duration = Duration::from_secs(20);

/// Decides what a mutation would do, and refuses what no playbook may do. Changes nothing.
pub(super) async fn prepare(
    world: &World,
    frame: &Frame,
    state: &RunState,
    step: &Step,
    action: &dyn Mutation,
) -> Result<Plan, ActionError> {
    let scope = frame.scope(state);
    let context = StepContext {
        run: frame.run.id,
        step: &step.path,
        target: &frame.run.target,
        object: state.live_object(),
        scope: &scope,
    };
    crate::action::prepare(action, world, context).await
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Attempt {
    Done(Output),
    /// Found done: not by this call, but by the one before it.
    Recovered(Output),
    Failed(ActionError),
    /// It cannot be found out now: the cluster does not answer.
    InDoubt(ActionError),
    /// It was not made, and may be made on this intent.
    NotDone(Intent),
}

/// Makes the change, and finds out what became of it when the answer does not say.
pub(super) async fn apply(world: &World, step: &Step, action: &dyn Mutation, intent: &Intent) -> Attempt {
    let timeout = step.timeout.unwrap_or(MUTATION_TIMEOUT).min(MUTATION_TIMEOUT);
    match within(world, timeout, action.apply(world, intent, false)).await {
        Ok(output) => Attempt::Done(output),
        // A lost answer and a conflict look alike from here: only the object itself tells.
        Err(error) if error.class == FailureClass::Retry => match resolve(world, action, intent).await {
            Attempt::NotDone(_) => Attempt::Failed(error),
            other => other,
        },
        Err(error) => Attempt::Failed(error),
    }
}

/// Finds out what became of a mutation whose answer nobody has.
pub(super) async fn resolve(world: &World, action: &dyn Mutation, intent: &Intent) -> Attempt {
    match action.doubt(world, intent).await {
        Ok(Doubt::Done(output)) => Attempt::Recovered(output),
        Ok(Doubt::NotDone(intent)) => Attempt::NotDone(intent),
        Ok(Doubt::Unclear(message)) => Attempt::Failed(ActionError::needs_human(message)),
        Err(error) if error.class == FailureClass::Retry => Attempt::InDoubt(error),
        Err(error) => Attempt::Failed(ActionError::needs_human(format!(
            "it is not known whether this was done: {}: {error}",
            intent.summary
        ))),
    }
}
