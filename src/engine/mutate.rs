//! Changing the world: on the log first, within a deadline, and never twice.

use chrono::{DateTime, Utc};

use super::evidence::check_intent;
use super::read::within;
use super::scope::Frame;
use super::state::RunState;
use super::walk::StepAt;
use crate::action::{ActionError, Doubt, Mutation, Output, Plan, RunMark, StepContext, World, deny};
use crate::model::{FailureClass, Intent, ObjectKey};

/// Decides what a mutation would do, until then at most, and refuses what no playbook may do. Changes nothing.
pub(super) async fn prepare(
    world: &World,
    frame: &Frame,
    state: &RunState,
    at: &StepAt<'_>,
    action: &dyn Mutation,
    until: DateTime<Utc>,
) -> Result<Plan, ActionError> {
    let scope = frame.scope(state, &at.address);
    let context = StepContext {
        run: RunMark { database: &frame.mark, run: frame.run.id },
        step: &at.address,
        tag: at.tag.as_deref(),
        target: frame.target(state, &at.address),
        object: state.live_object_of(&at.address),
        scope: &scope,
    };
    let plan = within(world, until, crate::action::prepare(action, world, context)).await?;
    if let Plan::Do(intent) = &plan {
        check_intent(intent, frame.output_limit)?;
    }
    Ok(plan)
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

/// Makes the change within its deadline, and finds out, until then at most, what became of it when the answer does not
/// say.
pub(super) async fn apply(
    world: &World,
    target: &ObjectKey,
    action: &dyn Mutation,
    intent: &Intent,
    deadline: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Attempt {
    match within(world, deadline, action.apply(world, intent, false)).await {
        Ok(output) => Attempt::Done(output),
        // A lost answer and a conflict look alike from here: only the object itself tells.
        Err(error) if error.class == FailureClass::Retry => match doubt(world, target, action, intent, until).await {
            Attempt::NotDone(_) => Attempt::Failed(error),
            other => other,
        },
        Err(error) => Attempt::Failed(error),
    }
}

/// Finds out, until then at most, what became of a mutation whose answer nobody has.
pub(super) async fn doubt(
    world: &World,
    target: &ObjectKey,
    action: &dyn Mutation,
    intent: &Intent,
    until: DateTime<Utc>,
) -> Attempt {
    match within(world, until, action.doubt(world, intent)).await {
        Ok(Doubt::Done(output)) => Attempt::Recovered(output),
        // What was allowed before the crash may not be any more: on the object, and on the target for whose sake it is changed.
        Ok(Doubt::NotDone(intent)) => {
            let check = deny::check_intent(world, action.change_kind(), target, &intent);
            match within(world, until, check).await {
                Ok(()) => Attempt::NotDone(intent),
                Err(error) if error.class == FailureClass::Retry => Attempt::InDoubt(error),
                Err(error) => Attempt::Failed(error),
            }
        }
        Ok(Doubt::Unclear(message)) => Attempt::Failed(ActionError::needs_human(message)),
        Err(error) if error.class == FailureClass::Retry => Attempt::InDoubt(error),
        Err(error) => Attempt::Failed(ActionError::needs_human(format!(
            "it is not known whether this was done: {}: {error}",
            intent.summary
        ))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use chrono::DateTime;
    use serde_json::json;

    use super::*;
    use crate::action::Action;
    use crate::clock::ManualClock;
    use crate::cluster::sim::{SimCluster, build};
    use crate::playbook::{Playbook, StepKind};

    #[tokio::test]
    async fn hands_off_holds_also_for_what_was_begun_before_a_crash() {
        let clock = Arc::new(ManualClock::new(DateTime::UNIX_EPOCH));
        let coredns = build::deployment("kube-system", "coredns", 4);
        let cluster = SimCluster::from_objects(clock.clone(), vec![coredns.clone()]).unwrap();
        let world = crate::action::tests::world(&cluster, clock);
        let source = include_str!("../../playbooks/dns/coredns-saturated.yaml");
        let playbook = Playbook::parse(Path::new("coredns-saturated.yaml"), source).unwrap();
        let StepKind::Action(Action::Mutate(scale)) = &playbook.step_by_id("scale").unwrap().kind else { panic!() };
        let live = cluster.object(&coredns.key()).unwrap();
        let intent = Intent {
            summary: "scale deployment/coredns in kube-system 4 -> 6".into(),
            object: coredns.key(),
            uid: live.uid().into(),
            resource_version: live.resource_version().into(),
            before: json!(4),
            after: json!(6),
            marker: "dogwatch-run-7-scale".into(),
        };
        let until = world.clock.now() + std::time::Duration::from_secs(30);
        assert!(matches!(doubt(&world, &coredns.key(), scale.as_ref(), &intent, until).await, Attempt::NotDone(_)));

        let hold = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "upgrade" } } });
        cluster.change(&coredns.key(), &hold, "kubectl").unwrap();
        let Attempt::Failed(error) = doubt(&world, &coredns.key(), scale.as_ref(), &intent, until).await else {
            panic!()
        };
        assert!(error.message.contains("dogwatch/hands-off=upgrade"), "{error}");
    }
}
