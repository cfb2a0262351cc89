//! `k8s.rollout_pause`: what is being rolled out goes no further.

use async_trait::async_trait;

use super::{FIELDS, PAUSED, deployment, made, may_change, output};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sRolloutPause {}
}

impl Declared for K8sRolloutPause {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_pause",
        summary: "Has the rollout of the target, a Deployment, go no further until it is resumed",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch sets `spec.paused`, on the condition of UID and resourceVersion, with the step's marker as field manager. \
            The pods that are there stay, those of the old template and those of the new one. While it is paused, no change of its template \
            is rolled out, whoever makes it, and `k8s.rollout_undo` and `k8s.rollout_restart` are refused. One that is paused already is \
            left as it is, whoever did it: that is no error.",
        errors: "The Deployment is being deleted, or nothing is being rolled out: that one would keep the next change back, long after. \
            A human is needed for a StatefulSet, which cannot be paused, and where a repository, an operator or another controller keeps the \
            field. A conflict is tried again from the beginning.",
        repeated: "A Deployment that is paused needs no second time.",
        way_back: Some("The rollout goes on, where it is still paused by this run."),
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: &[Right::on_target(&["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pause
  k8s.rollout_pause: {}
  verify: { until: target.spec.?paused.orValue(false), within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sRolloutPause {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        plan(&deployment(world, &step).await?, step.marker())
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
        let as_before = output(&key.name, false, format!("{key} rolls out again: somebody has resumed it"));
        PAUSED.take_back(world.cluster.as_ref(), (made, format!("resume {key}")), run, step, as_before).await
    }
}

fn plan(deployment: &Object, marker: String) -> Result<Plan, ActionError> {
    let key = deployment.key();
    if PAUSED.holds(deployment) {
        let by = PAUSED.by_whom(deployment).map_or_else(String::new, |manager| format!(", by `{manager}`"));
        return Ok(Plan::Unneeded(output(deployment.name(), true, format!("{key} is paused already{by}"))));
    }
    may_change(deployment)?;
    let number = |pointer: &str| deployment.number(pointer).unwrap_or(0);
    let wanted = deployment.number("/spec/replicas").unwrap_or(1);
    let (updated, total) = (number("/status/updatedReplicas"), number("/status/replicas"));
    let is_seen = deployment.at("/status/observedGeneration") == deployment.at("/metadata/generation");
    if is_seen && updated == wanted && total == wanted {
        return Err(ActionError::fail(format!(
            "nothing of {key} is being rolled out: paused, it would keep back whatever somebody changes next"
        )));
    }
    let summary = format!("pause {key}: {updated} of {wanted} pods are of its present template");
    Ok(Plan::Do(PAUSED.intent(deployment, true, summary, marker)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn decide(patch: &Value) -> Result<String, ActionError> {
        let metadata = json!({ "metadata": { "generation": 2 }, "status": { "observedGeneration": 2 } });
        let web = build::deployment("shop", "web", 3).with(&metadata).with(patch);
        Ok(match plan(&web, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn a_rollout_goes_no_further() {
        for under_way in [
            json!({ "status": { "updatedReplicas": 1 } }),
            json!({ "status": { "updatedReplicas": 1, "replicas": 4 } }),
        ] {
            assert_eq!(
                decide(&under_way).unwrap(),
                "pause deployment/web in shop: 1 of 3 pods are of its present template"
            );
        }
        assert!(decide(&json!({ "status": { "replicas": 4 } })).is_ok(), "an old one is still there");
        assert!(decide(&json!({ "status": { "observedGeneration": 1 } })).is_ok(), "it is about to begin");
        assert_eq!(
            decide(&json!({ "spec": { "paused": true } })).unwrap(),
            "unneeded: deployment/web in shop is paused already"
        );
    }

    #[test]
    fn what_is_not_rolled_out_or_is_others_is_left() {
        let error = decide(&json!({})).unwrap_err();
        assert_eq!(error.class, FailureClass::Fail);
        assert!(error.message.starts_with("nothing of deployment/web in shop is being rolled out"), "{error}");
        let fields = json!({ "f:spec": { "f:paused": {} } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        assert_eq!(decide(&kept).unwrap_err().class, FailureClass::NeedsHuman);
    }
}
