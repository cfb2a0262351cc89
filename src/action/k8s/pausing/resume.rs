//! `k8s.rollout_resume`: what was paused is rolled out.

use async_trait::async_trait;

use super::{FIELDS, PAUSED, deployment, made, may_change, output};
use crate::action::amounts::Flag;
use crate::action::k8s::doubt;
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sRolloutResume {
        /// Whether it is done also where somebody else paused the Deployment
        whoever: Option<Arg<Flag>> = "false",
    }
}

impl Declared for K8sRolloutResume {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_resume",
        summary: "Has the rollout of the target, a Deployment that was paused, go on",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch takes `spec.paused` away, on the condition of UID and resourceVersion. It is done where a run of the bot \
            paused the Deployment, as its field manager says (`dogwatch-run-...`): somebody else had a reason that nobody here knows. \
            `whoever: true` overrides that. What was changed in the template meanwhile is rolled out then. One that is not paused is left as \
            it is: that is no error.",
        errors: "The Deployment is being deleted. A human is needed where somebody else paused it, for a StatefulSet, which cannot be \
            paused, and where a repository, an operator or another controller keeps the field. A conflict is tried again from the beginning.",
        repeated: "A Deployment that is not paused needs no second time.",
        way_back: Some(
            "It is paused again, where nothing in its spec was written since. The pods that were replaced meanwhile stay.",
        ),
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: &[Right::on_target(&["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: resume
  k8s.rollout_resume: {}
  verify:
    until: >-
      target.status.observedGeneration == target.metadata.generation
      && target.status.?updatedReplicas.orValue(0) == target.spec.replicas
      && target.status.?availableReplicas.orValue(0) == target.spec.replicas
    within: 15m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sRolloutResume {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let whoever = self.whoever(step.scope)?.0;
        plan(&deployment(world, &step).await?, whoever, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        PAUSED.apply(world, intent, dry_run).await?;
        Ok(made(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        PAUSED.doubt(world, intent, || made(intent)).await
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let key = &made.object;
        let as_before = output(&key.name, true, format!("{key} is paused again: somebody has done it"));
        PAUSED.take_back(world.cluster.as_ref(), (made, format!("pause {key}")), run, step, as_before).await
    }
}

fn plan(deployment: &Object, whoever: bool, marker: String) -> Result<Plan, ActionError> {
    let key = deployment.key();
    if !PAUSED.holds(deployment) {
        return Ok(Plan::Unneeded(output(deployment.name(), false, format!("{key} is not paused"))));
    }
    may_change(deployment)?;
    if !whoever && !PAUSED.is_by_a_run(deployment) {
        let by = doubt::by_whom(PAUSED.by_whom(deployment).as_deref());
        return Err(ActionError::needs_human(format!(
            "{key} was paused by {by}, and by no run: whoever did it is at work on it, and knows when it may go on"
        )));
    }
    let updated = deployment.number("/status/updatedReplicas").unwrap_or(0);
    let wanted = deployment.number("/spec/replicas").unwrap_or(1);
    let summary = format!("resume {key}: {updated} of {wanted} pods are of its present template");
    Ok(Plan::Do(PAUSED.intent(deployment, false, summary, marker)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn paused(manager: &str) -> Object {
        let fields = json!({ "f:spec": { "f:paused": {} } });
        let managers = json!([{ "manager": manager, "time": "2026-05-01T12:00:00Z", "fieldsV1": fields }]);
        build::deployment("shop", "web", 3)
            .with(&json!({ "metadata": { "managedFields": managers }, "spec": { "paused": true } }))
    }

    #[test]
    fn what_a_run_paused_goes_on_and_what_others_paused_does_not() {
        let Ok(Plan::Do(intent)) = plan(&paused("dogwatch-run-3f9a1c2e-7-pause"), false, "m".into()) else { panic!() };
        assert_eq!(intent.summary, "resume deployment/web in shop: 3 of 3 pods are of its present template");
        let theirs = paused("kubectl-rollout");
        let error = plan(&theirs, false, "m".into()).unwrap_err();
        assert_eq!(error.class, FailureClass::NeedsHuman);
        assert!(error.message.contains("was paused by `kubectl-rollout`, and by no run"), "{error}");
        assert!(plan(&theirs, true, "m".into()).is_ok());
        let runs = theirs.with(&json!({ "spec": { "paused": null } }));
        assert!(matches!(plan(&runs, false, "m".into()), Ok(Plan::Unneeded(_))));
        let going = json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        assert_eq!(plan(&paused("x").with(&going), true, "m".into()).unwrap_err().class, FailureClass::Fail);
    }
}
