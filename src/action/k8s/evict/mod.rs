//! `k8s.evict`: a pod leaves its node, as far as disruption budgets allow it.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{doubt, objects};
use crate::action::amounts::Count;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{ClusterError, Evict, ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey};

arguments! {
    pub(in crate::action) struct K8sEvict {
        /// How many other pods of its controller may be not ready or on their way out, where it is
        /// ready itself
        unready_peers: Option<Arg<Count>> = "0",
    }
}

output! {
    struct Evicted {
        /// The pod's name
        pod: String,
        /// Its UID: another one may come under its name
        uid: String,
        /// The node that it was on; empty: none yet
        node: String,
        /// What makes another one in its place: `ReplicaSet/web-5d4c`; empty where the pod was gone
        controller: String,
    }
}

impl Declared for K8sEvict {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.evict",
        summary: "Evicts the target, a Pod, so that its controller makes another one in its place",
        effect: Effect::Mutates(ChangeKind::Delete),
        about: "One eviction is asked for (`policy/v1`), on the condition of the UID: the API server heeds the PodDisruptionBudgets, \
            and the pod has its own time to stop. Where no budget does, one pod of a controller goes at a time: one that is ready \
            is not evicted while more of the others than `unready_peers` are not. Where the kubelet does not answer any more, the \
            pod is only marked, and stays. A pod that has ended, is being deleted or is gone needs no eviction: that is no error.",
        errors: "A disruption budget does not allow it, or other pods of its controller are not ready: it is tried again for as long \
            as `retry` says (two minutes if it does not), and the step fails with what the budget said. The pod is a DaemonSet's \
            or the kubelet's own, which would come back on the same node. Two budgets select it. A human is needed for a pod without \
            a controller, for the leader of a Patroni cluster, and where a volume of it exists on its node alone.",
        repeated: "What has the UID is evicted once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Evicted::FIELDS,
        rights: &[
            Right::on_kind(Kind::POD, &["get", "list"]),
            Right::on_kind(Kind::POD, &["create"]).of("eviction"),
            Right::on_kind(Kind::CLAIM, &["get"]),
            Right::on_kind(Kind::VOLUME, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        // Its controller makes another one, or it is refused.
        most_autonomy: Autonomy::Auto,
        example: "\
- id: there
  k8s.get: { kind: Pod, name: \"{{target.metadata.name}}\", optional: true }
- id: evict
  k8s.evict: {}
  retry: { for: 10m }
  verify: { query: there, until: \"!found || object.metadata.uid != evict.uid\", every: 10s, within: 10m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

/// The most pods of a namespace that are looked through for its peers.
const MOST_PODS: usize = 10_000;

#[async_trait]
impl Mutation for K8sEvict {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let unready_peers = self.unready_peers(step.scope)?.0 as usize;
        if step.target.kind != "Pod" {
            return Err(ActionError::fail(format!("{} is no Pod; k8s.evict evicts pods only", step.target)));
        }
        let Some(pod) = world.cluster.get(step.target).await? else {
            return Ok(unneeded(step.target, "is gone already"));
        };
        let namespace = step.target.namespace.clone();
        let query = ListQuery { kind: "Pod".into(), namespace, limit: MOST_PODS, ..ListQuery::default() };
        let pods = world.cluster.list(&query).await?;
        let plan = plan(&pod, &pods, unready_peers, step.marker())?;
        if matches!(plan, Plan::Do(_)) {
            check_volumes(world, &pod).await?;
        }
        Ok(plan)
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let evict = Evict { key: intent.object.clone(), uid: intent.uid.clone(), dry_run };
        match world.cluster.evict(&evict).await {
            // Somebody was faster: it is gone, as was wanted.
            Ok(()) | Err(ClusterError::NotFound(_)) => Ok(output(intent)),
            Err(error) => Err(error.into()),
        }
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        Ok(doubt::about_deletion(live.as_ref(), intent, || output(intent)))
    }
}

/// Decides it over all pods of the namespace.
fn plan(pod: &Object, pods: &[Object], unready_peers: usize, marker: String) -> Result<Plan, ActionError> {
    let key = pod.key();
    if pod.is_going() {
        return Ok(unneeded(&key, "is being deleted already"));
    }
    if has_ended(pod) {
        return Ok(unneeded(&key, "has ended, and holds nothing"));
    }
    let is_static = pod.annotation("kubernetes.io/config.mirror").is_some();
    let controller = match objects::controller(pod) {
        Some(owner) if !is_static => owner,
        None if !is_static => {
            return Err(ActionError::needs_human(format!(
                "{key} has no controller: nobody would make another one in its place"
            )));
        }
        _ => return Err(comes_back(&key, "the kubelet")),
    };
    let (kind, name) = (objects::word(controller, "kind"), objects::word(controller, "name"));
    match kind {
        "DaemonSet" => return Err(comes_back(&key, &format!("the DaemonSet `{name}`"))),
        "Node" => return Err(comes_back(&key, "the kubelet")),
        _ => {}
    }
    if is_ready(pod) {
        let uid = objects::word(controller, "uid");
        let is_peer = |other: &&Object| {
            other.uid() != pod.uid()
                && !has_ended(other)
                && objects::controller(other).is_some_and(|owner| objects::word(owner, "uid") == uid)
        };
        let peers = || pods.iter().filter(is_peer);
        let unready = peers().filter(|peer| !is_ready(peer)).count();
        if unready > unready_peers {
            let all = peers().count();
            return Err(ActionError::retry(format!(
                "{unready} of the {all} other pods of {kind} `{name}` are not ready, and {unready_peers} may be: {key} is one of \
                 those that work, and stays until they do"
            )));
        }
    }
    Ok(Plan::Do(Intent {
        summary: format!("evict {key}"),
        object: key,
        uid: pod.uid().to_owned(),
        resource_version: pod.resource_version().to_owned(),
        before: json!({ "node": pod.text("/spec/nodeName"), "controller": format!("{kind}/{name}") }),
        after: Value::Null,
        marker,
    }))
}

fn comes_back(pod: &ObjectKey, by: &str) -> ActionError {
    ActionError::fail(format!("{pod} is made by {by}, and would come back on the same node: there is nothing to evict"))
}

fn has_ended(pod: &Object) -> bool {
    matches!(pod.text("/status/phase"), "Succeeded" | "Failed")
}

fn is_ready(pod: &Object) -> bool {
    objects::condition_holds(pod, "Ready") && !pod.is_going()
}

/// Whether all volumes of the pod can be had on another node.
async fn check_volumes(world: &World, pod: &Object) -> Result<(), ActionError> {
    for volume in pod.at("/spec/volumes").and_then(Value::as_array).into_iter().flatten() {
        let Some(claim) = volume.pointer("/persistentVolumeClaim/claimName").and_then(Value::as_str) else { continue };
        let claim = ObjectKey::new("PersistentVolumeClaim", pod.namespace(), claim);
        let Some(claim) = world.cluster.get(&claim).await? else { continue };
        let name = claim.text("/spec/volumeName");
        if name.is_empty() {
            continue;
        }
        let volume = world.cluster.get(&ObjectKey::new("PersistentVolume", "", name)).await?;
        if volume.is_some_and(|volume| is_on_one_node(&volume)) {
            return Err(ActionError::held_up(format!(
                "{} has its data on {}, which exists on node `{}` alone: it could start nowhere else; get the node back, or move \
                 the data",
                pod.key(),
                claim.key(),
                pod.text("/spec/nodeName")
            )));
        }
    }
    Ok(())
}

/// Whether a volume is bound to one node by its affinity. Local drivers have words of their own for it:
/// `topology.topolvm.io/node`, `openebs.io/nodename`.
fn is_on_one_node(volume: &Object) -> bool {
    let terms = volume.at("/spec/nodeAffinity/required/nodeSelectorTerms").and_then(Value::as_array);
    let expressions = terms.into_iter().flatten().filter_map(|term| term.get("matchExpressions")?.as_array()).flatten();
    let mut keys = expressions.map(|expression| objects::word(expression, "key"));
    keys.any(|key| key.rsplit('/').next().is_some_and(|word| matches!(word, "hostname" | "node" | "nodename")))
}

fn unneeded(key: &ObjectKey, why: &str) -> Plan {
    let (pod, nothing) = (key.name.clone(), String::new);
    let evicted = Evicted { pod, uid: nothing(), node: nothing(), controller: nothing() };
    Plan::Unneeded(Output::new(&evicted, format!("{key} {why}")))
}

fn output(intent: &Intent) -> Output {
    let kept = |name: &str| objects::word(&intent.before, name).to_owned();
    let (pod, uid) = (intent.object.name.clone(), intent.uid.clone());
    let evicted = Evicted { pod, uid, node: kept("node"), controller: kept("controller") };
    Output::new(&evicted, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureClass;

    fn pod(name: &str, owner: Value, ready: bool) -> Object {
        let ready = if ready { "True" } else { "False" };
        Object(json!({
            "kind": "Pod",
            "metadata": { "name": name, "namespace": "shop", "uid": format!("u-{name}"), "ownerReferences": [owner] },
            "spec": { "nodeName": "a" },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": ready }] },
        }))
    }

    fn of(kind: &str) -> Value {
        json!({ "kind": kind, "name": "web", "uid": "u-web", "controller": true })
    }

    fn decide(pod: &Object, pods: &[Object]) -> Result<String, ActionError> {
        plan(pod, pods, 0, "m".into()).map(|plan| match plan {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn only_what_somebody_makes_again_elsewhere_is_evicted() {
        for kind in ["ReplicaSet", "StatefulSet", "Job", "Cluster"] {
            assert_eq!(decide(&pod("web-1", of(kind), true), &[]).unwrap(), "evict pod/web-1 in shop", "{kind}");
        }
        let refused = |pod: &Object| decide(pod, &[]).unwrap_err();
        let bare = refused(&pod("web-1", json!({ "kind": "ReplicaSet", "uid": "u" }), true));
        assert_eq!(bare.class, FailureClass::NeedsHuman);
        assert!(bare.message.contains("has no controller"), "{bare}");
        let daemon = refused(&pod("web-1", of("DaemonSet"), true));
        assert!(daemon.message.contains("is made by the DaemonSet `web`, and would come back"), "{daemon}");
        let mirror = json!({ "metadata": { "annotations": { "kubernetes.io/config.mirror": "x" } } });
        for of_kubelet in [pod("web-1", of("Node"), true), pod("web-1", json!({}), true).with(&mirror)] {
            assert!(refused(&of_kubelet).message.contains("is made by the kubelet"));
        }
    }

    #[test]
    fn what_has_ended_or_is_going_stays() {
        let ended = pod("web-1", of("Job"), false).with(&json!({ "status": { "phase": "Succeeded" } }));
        assert!(decide(&ended, &[]).unwrap().starts_with("unneeded: pod/web-1 in shop has ended"));
        let going = json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        let going = pod("web-1", of("ReplicaSet"), true).with(&going);
        assert!(decide(&going, &[]).unwrap().contains("is being deleted already"));
    }

    #[test]
    fn one_that_works_stays_while_its_peers_do_not() {
        let (fine, sick) = (pod("web-1", of("ReplicaSet"), true), pod("web-2", of("ReplicaSet"), false));
        let error = decide(&fine, &[fine.clone(), sick.clone()]).unwrap_err();
        assert_eq!(error.class, FailureClass::Retry);
        assert!(
            error.message.starts_with("1 of the 1 other pods of ReplicaSet `web` are not ready, and 0 may be"),
            "{error}"
        );
        assert_eq!(decide(&sick, &[fine.clone(), sick.clone()]).unwrap(), "evict pod/web-2 in shop");
        let other = json!({ "kind": "ReplicaSet", "name": "other", "uid": "u-other", "controller": true });
        let (elsewhere, ended) =
            (pod("other-1", other, false), sick.clone().with(&json!({ "status": { "phase": "Failed" } })));
        assert!(decide(&fine, &[fine.clone(), elsewhere, ended]).is_ok());
        assert!(matches!(plan(&fine, &[fine.clone(), sick], 1, "m".into()), Ok(Plan::Do(_))));
    }

    #[test]
    fn a_volume_that_is_on_one_node_is_told_from_one_of_a_zone() {
        let volume = |key: &str| {
            let terms = json!([{ "matchExpressions": [{ "key": key, "operator": "In", "values": ["a"] }] }]);
            Object(json!({ "spec": { "nodeAffinity": { "required": { "nodeSelectorTerms": terms } } } }))
        };
        for key in ["kubernetes.io/hostname", "topology.topolvm.io/node", "openebs.io/nodename"] {
            assert!(is_on_one_node(&volume(key)), "{key}");
        }
        for key in ["topology.kubernetes.io/zone", "topology.ebs.csi.aws.com/zone"] {
            assert!(!is_on_one_node(&volume(key)), "{key}");
        }
        assert!(!is_on_one_node(&Object(json!({ "spec": {} }))));
    }
}
