//! `k8s.uncordon`: a node that was cordoned takes pods again.

use async_trait::async_trait;

use super::{doubt, field_owner, objects, unschedulable};
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent};

arguments! {
    pub(in crate::action) struct K8sUncordon {
        /// Whether it is done also where somebody else cordoned the node
        of_others: Option<Arg<Flag>> = "false",
    }
}

impl Declared for K8sUncordon {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.uncordon",
        summary: "Has new pods come to the target again, a Node that was cordoned",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch takes `spec.unschedulable` away, on the condition of UID and resourceVersion. It is done where a \
            run of the bot cordoned the node, as its field manager says (`dogwatch-run-...`): somebody else had a reason that \
            nobody here knows, an upgrade or a repair, and takes the node into use again when that is over. `of_others: true` \
            overrides that. A node that is not cordoned is left as it is: that is no error.",
        errors: "The node is not ready, or is being deleted: pods that come there would not run. A human is needed where somebody \
            else cordoned it, and where a repository keeps the field. A conflict is tried again from the beginning.",
        repeated: "A node that takes pods needs no second time.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: unschedulable::FIELDS,
        rights: &[Right::on_kind(Kind::NODE, &["get", "patch"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: uncordon
  k8s.uncordon: {}
  verify: { until: \"!target.spec.?unschedulable.orValue(false)\", within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::NODE];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sUncordon {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let of_others = self.of_others(step.scope)?.0;
        let node = objects::live_target(world.cluster.as_ref(), &step).await?;
        plan(&node, of_others, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        unschedulable::apply(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        unschedulable::doubt(world, intent).await
    }
}

fn plan(node: &Object, of_others: bool, marker: String) -> Result<Plan, ActionError> {
    let key = node.key();
    if !unschedulable::is_cordoned(node) {
        let output = unschedulable::output(node.name(), false, format!("{key} takes pods already"));
        return Ok(Plan::Unneeded(output));
    }
    if node.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if let Some(who) = field_owner::keeper(node, unschedulable::PATH) {
        return Err(ActionError::needs_human(who));
    }
    if !of_others && !unschedulable::is_by_a_run(node) {
        let by = doubt::by_whom(unschedulable::by_whom(node).as_deref());
        return Err(ActionError::needs_human(format!(
            "{key} was cordoned by {by}, and by no run: whoever did it knows why, and when it may take pods again"
        )));
    }
    if !objects::condition_holds(node, "Ready") {
        return Err(ActionError::fail(format!("{key} is not ready: pods that come there would not run")));
    }
    Ok(Plan::Do(unschedulable::intent(node, false, marker)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn node(spec: Value, manager: &str, ready: &str) -> Object {
        Object(json!({
            "kind": "Node",
            "metadata": {
                "name": "a", "uid": "u1", "resourceVersion": "10",
                "managedFields": [{
                    "manager": manager, "time": "2026-05-01T12:00:00Z",
                    "fieldsV1": { "f:spec": { "f:unschedulable": {} } },
                }],
            },
            "spec": spec,
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        }))
    }

    fn decide(node: &Object, of_others: bool) -> String {
        match plan(node, of_others, "m".into()) {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => error.message,
        }
    }

    #[test]
    fn what_a_run_cordoned_takes_pods_again() {
        let cordoned = json!({ "unschedulable": true });
        let ours = node(cordoned.clone(), "dogwatch-run-3f9a1c2e-7-cordon", "True");
        assert_eq!(decide(&ours, false), "uncordon node/a");
        let Ok(Plan::Do(intent)) = plan(&ours, false, "m".into()) else { panic!() };
        assert_eq!((&intent.before, &intent.after), (&json!(true), &Value::Null));

        let theirs = node(cordoned.clone(), "kubectl-cordon", "True");
        assert!(decide(&theirs, false).contains("was cordoned by `kubectl-cordon`, and by no run"));
        assert_eq!(decide(&theirs, true), "uncordon node/a");
        let nobodys = theirs.with(&json!({ "metadata": { "managedFields": null } }));
        assert!(decide(&nobodys, false).contains("was cordoned by somebody"));
    }

    #[test]
    fn a_node_that_is_not_ready_takes_none() {
        let sick = node(json!({ "unschedulable": true }), "dogwatch-run-7-cordon", "Unknown");
        assert!(decide(&sick, true).contains("is not ready"));
    }

    #[test]
    fn what_takes_pods_is_left_as_it_is() {
        assert_eq!(decide(&node(json!({}), "x", "False"), false), "unneeded: node/a takes pods already");
    }
}
