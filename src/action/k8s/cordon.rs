//! `k8s.cordon`: no new pods come to a node that is sick.

use async_trait::async_trait;
use serde_json::Value;

use super::{field_owner, objects, unschedulable, way_back};
use crate::action::amounts::Most;
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::{ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sCordon {
        /// How many nodes may be cordoned or not ready at the same time, this one and those of
        /// anybody else counted: a share of all, rounded down (`5%`), or a number (`2`). One always
        /// may
        at_most: Option<Arg<Most>> = "5%",
    }
}

impl Declared for K8sCordon {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.cordon",
        summary: "Has no new pods come to the target, a Node",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch sets `spec.unschedulable`, on the condition of UID and resourceVersion, with the step's marker as \
            field manager. The pods that are there stay. All nodes are listed before, as they are at that moment. A node that is \
            cordoned already is left as it is, whoever did it: that is no error.",
        errors: "With this one, more nodes than `at_most` would be cordoned or not ready; no other node would take pods any more: \
            none that is ready, not cordoned, and without a taint that keeps pods away. The node is being deleted. A \
            human is needed where a repository keeps the field. A conflict is tried again from the beginning.",
        repeated: "A node that is cordoned needs no second time.",
        way_back: Some("The node takes pods again, where it is still cordoned by this run."),
        arguments: Self::ARGUMENTS,
        output: unschedulable::FIELDS,
        rights: &[Right::on_kind(Kind::NODE, &["get", "list", "patch"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: cordon
  k8s.cordon: { at_most: 5% }
  verify: { until: target.spec.?unschedulable.orValue(false), within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::NODE];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

/// No cluster has so many nodes: what tells of more is no answer.
const MOST_NODES: usize = 20_000;

#[async_trait]
impl Mutation for K8sCordon {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let at_most = self.at_most(step.scope)?;
        let cluster = world.cluster.as_ref();
        let node = objects::live_target(cluster, &step).await?;
        let query = ListQuery { kind: "Node".into(), limit: MOST_NODES, ..ListQuery::default() };
        plan(&node, &cluster.list(&query).await?, at_most, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        unschedulable::apply(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        unschedulable::doubt(world, intent).await
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let node = &made.object;
        // What takes pods has no mark, however it was written before.
        let back = Intent { after: Value::Null, ..way_back::reversed(made, format!("uncordon {node}"), run, step) };
        let summary = format!("{node} takes pods again: somebody has uncordoned it");
        let as_before = unschedulable::output(&node.name, false, summary);
        way_back::of_field(world.cluster.as_ref(), (made, back), run, unschedulable::PATH, as_before).await
    }
}

/// Decides it over all nodes that there are.
fn plan(node: &Object, nodes: &[Object], at_most: Most, marker: String) -> Result<Plan, ActionError> {
    let key = node.key();
    if node.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if unschedulable::is_cordoned(node) {
        let by = unschedulable::by_whom(node).map_or_else(String::new, |manager| format!(", by `{manager}`"));
        let summary = format!("{key} is cordoned already{by}");
        return Ok(Plan::Unneeded(unschedulable::output(node.name(), true, summary)));
    }
    if let Some(who) = field_owner::keeper(node, unschedulable::PATH) {
        return Err(ActionError::needs_human(who));
    }
    let others = || nodes.iter().filter(|other| other.name() != node.name());
    let is_away = |other: &&Object| unschedulable::is_cordoned(other) || !objects::condition_holds(other, "Ready");
    let (away, all) = (others().filter(is_away).count(), others().count() + 1);
    let allowed = at_most.of(all);
    if away + 1 > allowed {
        return Err(ActionError::fail(format!(
            "{away} of {all} nodes are cordoned or not ready already, and the cap is {allowed}: with {key}, what is left may not hold \
             all pods; look whether those can be used again, or let a human decide"
        )));
    }
    if !others().any(takes_pods) {
        return Err(ActionError::fail(format!(
            "{key} is the last node that could take pods: none of the {} others is ready and not cordoned; look at those first",
            all - 1
        )));
    }
    Ok(Plan::Do(unschedulable::intent(node, true, marker)))
}

/// Whether pods in general can come to it. Some may tolerate a taint of the site's own; that those
/// which are to move do is not known.
fn takes_pods(node: &Object) -> bool {
    let mut taints = node.at("/spec/taints").and_then(Value::as_array).into_iter().flatten();
    let is_kept_free = taints.any(|taint| objects::word(taint, "effect") != "PreferNoSchedule");
    objects::condition_holds(node, "Ready") && !unschedulable::is_cordoned(node) && !node.is_going() && !is_kept_free
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FailureClass;

    fn node(name: &str, spec: Value, ready: &str) -> Object {
        Object(json!({
            "kind": "Node",
            "metadata": { "name": name, "uid": format!("u-{name}"), "resourceVersion": "10" },
            "spec": spec,
            "status": { "conditions": [{ "type": "Ready", "status": ready }] },
        }))
    }

    fn fine(name: &str) -> Object {
        node(name, json!({}), "True")
    }

    fn cordoned(name: &str) -> Object {
        node(name, json!({ "unschedulable": true }), "True")
    }

    /// What is decided about the first of them.
    fn decide(nodes: &[Object], at_most: &str) -> String {
        match plan(&nodes[0], nodes, at_most.parse().unwrap(), "m".into()) {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => error.message,
        }
    }

    #[test]
    fn a_sick_node_is_cordoned_while_another_takes_its_pods() {
        let nodes = [node("a", json!({}), "Unknown"), fine("b")];
        assert_eq!(decide(&nodes, "5%"), "cordon node/a");
        let Ok(Plan::Do(intent)) = plan(&nodes[0], &nodes, Most::Count(1), "m".into()) else { panic!() };
        assert_eq!((&intent.before, &intent.after, &*intent.uid), (&Value::Null, &json!(true), "u-a"));
    }

    #[test]
    fn a_share_of_the_nodes_stays_as_it_is() {
        let of = |all: usize, away: usize| -> Vec<Object> {
            let name = |n: usize| format!("n{n:03}");
            (0..all).map(|n| if (1..=away).contains(&n) { cordoned(&name(n)) } else { fine(&name(n)) }).collect()
        };
        assert_eq!(decide(&of(100, 4), "5%"), "cordon node/n000");
        assert!(
            decide(&of(100, 5), "5%").starts_with("5 of 100 nodes are cordoned or not ready already, and the cap is 5")
        );
        assert!(
            decide(&of(10, 1), "5%").starts_with("1 of 10 nodes are cordoned or not ready already, and the cap is 1")
        );
        assert_eq!(decide(&of(10, 1), "2"), "cordon node/n000");
        let mut sick = of(10, 0);
        sick[3] = node("n003", json!({}), "Unknown");
        assert!(decide(&sick, "5%").starts_with("1 of 10 nodes are cordoned or not ready already"));
    }

    #[test]
    fn the_last_node_that_takes_pods_keeps_taking_them() {
        let control = json!({ "taints": [{ "key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule" }] });
        let sick = json!({ "taints": [{ "key": "node.kubernetes.io/disk-pressure", "effect": "NoSchedule" }] });
        let mut going = fine("going");
        going.0["metadata"]["deletionTimestamp"] = json!("2026-05-01T12:00:00Z");
        let dedicated = json!({ "taints": [{ "key": "team", "value": "ml", "effect": "NoSchedule" }] });
        for left in [
            cordoned("b"),
            node("b", json!({}), "False"),
            node("b", control, "True"),
            node("b", sick, "True"),
            node("b", dedicated, "True"),
            going,
        ] {
            assert!(decide(&[fine("a"), left], "100%").contains("is the last node that could take pods"));
        }
        assert!(decide(&[fine("a")], "100%").contains("is the last node"));
        let avoided = json!({ "taints": [{ "key": "team", "value": "ml", "effect": "PreferNoSchedule" }] });
        assert_eq!(decide(&[fine("a"), node("b", avoided, "True")], "5%"), "cordon node/a");
    }

    #[test]
    fn what_is_cordoned_is_left_as_it_is() {
        assert_eq!(decide(&[cordoned("a"), cordoned("b")], "5%"), "unneeded: node/a is cordoned already");
    }

    #[test]
    fn what_a_repository_keeps_is_for_a_human() {
        let kept = fine("a").with(&json!({ "metadata": { "managedFields": [
            { "manager": "argocd-controller", "fieldsV1": { "f:spec": { "f:unschedulable": {} } } },
        ] } }));
        let error = plan(&kept, &[kept.clone(), fine("b")], Most::Count(1), "m".into()).unwrap_err();
        assert_eq!(error.class, FailureClass::NeedsHuman);
        assert!(error.message.contains("spec.unschedulable of node/a is kept by Argo CD"), "{error}");
    }
}
