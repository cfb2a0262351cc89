//! `k8s.rollout_undo`: the template of an earlier revision again.

mod plan;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::revisions::{self, digest, template};
use super::{doubt, objects};
use crate::action::amounts::Count;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{Object, difference};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey};
use plan::{Place, Wish, plan};

arguments! {
    pub(in crate::action) struct K8sRolloutUndo {
        /// The number of the revision whose template is put back: `{{rollout.previous}}` of
        /// `k8s.rollout_history`
        to_revision: Arg<Count>,
        /// The number of the revision that is left: `{{rollout.revision}}`. Where somebody has
        /// changed the template since, nothing is done
        from_revision: Option<Arg<Count>>,
    }
}

output! {
    pub(in crate::action) struct Undone {
        /// The number of the revision that was left
        from: i64,
        /// The number of the revision that was gone back to; the cluster gives it a new one
        to: i64,
        /// The Helm release that the Deployment belongs to, which does not know of it; empty: none
        helm_release: String,
    }
}

/// What `kubectl rollout history` shows beside a revision. It is of each template's own time; here
/// it is also by which a change is known again that only took something away: no field manager is
/// left by that.
const CAUSE: &str = "kubernetes.io/change-cause";

impl Declared for K8sRolloutUndo {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_undo",
        summary: "Puts the pod template of an earlier revision of the target, a Deployment, back",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The template is that of the revision's ReplicaSet without the label `pod-template-hash`, as `kubectl rollout undo` has \
            it. One merge patch is made of `spec.template`, which also takes away what the old template did not have, and of the annotation \
            `kubernetes.io/change-cause`, which then names the run; on the condition of UID and resourceVersion, with the step's marker as \
            field manager. The cluster replaces the pods. There is no way back: what was there did not come up, and a second rollout over \
            the first one helps nobody. Nothing but the template goes back: no number of replicas, no ConfigMap, no schema of a database. The summary names the \
            parts of the template that differ, beside images.",
        errors: "The revision is not kept any more. A human is needed where it has no available pod, which alone proves that it runs, where it \
            has fewer than must be available during a rollout and no more than the present one, or where pods of a third one \
            are there; where the two differ in what pods may do (`securityContext`, service account, the node's network, processes or \
            directories); where the Deployment is paused, or is not at `from_revision` any more; and where a repository, an operator or another controller keeps the \
            template (it is changed at its source). A Helm release does not keep it: the summary names the release, and its next \
            upgrade brings back what its chart says. A conflict is tried again from the beginning.",
        repeated: "A repetition finds that it is there already.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Undone::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::REPLICA_SET, &["get", "list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: rollout
  k8s.rollout_history: {}
- id: back
  k8s.rollout_undo: { to_revision: \"{{rollout.previous}}\", from_revision: \"{{rollout.revision}}\" }
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

    fn check(&self) -> Result<(), String> {
        let literal = |arg: &Arg<Count>| arg.literal().copied();
        match (literal(&self.to_revision), self.from_revision.as_ref().and_then(literal)) {
            (Some(Count(0)), _) => Err("`to_revision: 0` is no revision: the number is written out".into()),
            (Some(to), Some(from)) if to == from => {
                Err(format!("`to_revision` and `from_revision` are both {to}: nothing would change"))
            }
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Mutation for K8sRolloutUndo {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let number = |arg: &Arg<Count>| arg.resolve(step.scope).map(|count| i64::from(count.0));
        let wish = Wish { to: number(&self.to_revision)?, from: self.from_revision.as_ref().map(number).transpose()? };
        let cluster = world.cluster.as_ref();
        let deployment = objects::live_target(cluster, &step).await?;
        plan::may_change(&deployment)?;
        let revisions = revisions::find(cluster, &deployment).await?;
        plan(&deployment, &revisions, wish, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let wanted = Place::of(&intent.after);
        let cluster = world.cluster.as_ref();
        // What is taken away follows from what is there.
        let live = objects::as_decided(cluster, intent).await?;
        let key = ObjectKey::new("ReplicaSet", &intent.object.namespace, wanted.set);
        let set = cluster.get(&key).await?.filter(|set| digest(set).as_str() == wanted.template);
        let Some(set) = set else {
            return Err(ActionError::fail(format!("{key} is gone since this was decided: {}", intent.summary)));
        };
        let body = json!({
            "metadata": { "annotations": { CAUSE: cause(intent) } },
            "spec": { "template": difference(live.at("/spec/template").unwrap_or(&Value::Null), &template(&set)) },
        });
        let patch = objects::patch_of(intent, body, dry_run);
        let changed = cluster.patch(&patch).await?;
        Ok(output(intent, &changed))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        Ok(about(world.cluster.get(&intent.object).await?.as_ref(), intent))
    }
}

fn cause(intent: &Intent) -> String {
    format!("{}: back to revision {}", intent.marker, Place::of(&intent.after).revision)
}

fn about(live: Option<&Object>, intent: &Intent) -> Doubt {
    let live = match doubt::still_there(live, intent) {
        Ok(live) => live,
        Err(why) => return Doubt::Unclear(why),
    };
    let present = digest(live);
    if present.as_str() == Place::of(&intent.after).template && live.annotation(CAUSE) == Some(&cause(intent)) {
        return Doubt::Done(output(intent, live));
    }
    // The same template may be there again because somebody has undone what was done here: its
    // controller then counts it anew, and what this run wrote beside it may still be there.
    let before = Place::of(&intent.before);
    let is_as_before = present.as_str() == before.template
        && revisions::number(live) == Some(before.revision)
        && live.annotation(CAUSE) != Some(&cause(intent));
    if is_as_before {
        return doubt::not_done(live, intent);
    }
    let by = doubt::by_whom(live.field_manager(&["spec", "template"]).as_ref().map(|manager| manager.name.as_str()));
    Doubt::Unclear(format!(
        "the template of {} was written by {by} while this was under way: {}; look which one is meant",
        intent.object, intent.summary
    ))
}

fn output(intent: &Intent, deployment: &Object) -> Output {
    let undone = Undone {
        from: Place::of(&intent.before).revision,
        to: Place::of(&intent.after).revision,
        helm_release: plan::helm_release(deployment).to_owned(),
    };
    Output::new(&undone, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::super::revisions::tests::{deployment, set};
    use super::*;

    fn intent() -> Intent {
        let web = deployment("shop:3");
        let revisions = revisions::of(&web, vec![set(6, "shop:2", 3), set(7, "shop:3", 0)]).unwrap();
        match plan(&web, &revisions, Wish { to: 6, from: Some(7) }, "dogwatch-run-7-back".into()).unwrap() {
            Plan::Do(intent) => intent,
            other => panic!("{other:?}"),
        }
    }

    fn live(image: &str, cause: &str) -> Object {
        deployment(image).with(&json!({ "metadata": { "resourceVersion": "12", "annotations": { CAUSE: cause } } }))
    }

    #[test]
    fn our_own_change_is_known_by_its_template_and_its_cause() {
        let ours = live("shop:2", "dogwatch-run-7-back: back to revision 6");
        assert!(matches!(about(Some(&ours), &intent()), Doubt::Done(_)));
        let theirs = live("shop:2", "dogwatch-run-8-back: back to revision 6");
        assert!(matches!(about(Some(&theirs), &intent()), Doubt::Unclear(_)));
    }

    #[test]
    fn what_is_as_before_is_made_on_a_fresh_precondition() {
        let Doubt::NotDone(fresh) = about(Some(&live("shop:3", "")), &intent()) else { panic!() };
        assert_eq!(fresh.resource_version, "12");
        assert_eq!(Intent { resource_version: "10".into(), ..fresh }, intent());
    }

    #[test]
    fn what_was_done_and_undone_by_somebody_is_not_done_again() {
        let counted_anew = json!({ "metadata": { "annotations": { "deployment.kubernetes.io/revision": "9" } } });
        for undone in
            [live("shop:3", "").with(&counted_anew), live("shop:3", "dogwatch-run-7-back: back to revision 6")]
        {
            assert!(matches!(about(Some(&undone), &intent()), Doubt::Unclear(_)), "{undone:?}");
        }
    }

    #[test]
    fn anything_else_is_for_a_human() {
        let unclear = |live: Option<&Object>| match about(live, &intent()) {
            Doubt::Unclear(why) => why,
            other => panic!("{other:?}"),
        };
        let newer = live("shop:4", "");
        assert!(unclear(Some(&newer)).contains("was written by somebody while this was under way"));
        let other = deployment("shop:3").with(&json!({ "metadata": { "uid": "other" } }));
        assert!(unclear(Some(&other)).contains("was replaced by another of the same name"));
        assert!(unclear(None).contains("is not there any more"));
    }
}
