//! `k8s.evict`: a pod leaves its node, as far as disruption budgets allow it.

pub(super) mod peers;
pub(super) mod volumes;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{doubt, objects};
use crate::action::amounts::{Count, Flag};
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
        /// How many other pods of its controller may be not ready, not there or on their way out
        unready_peers: Option<Arg<Count>> = "0",
        /// Whether what the pod has in volumes of the kind `emptyDir` may be lost, as with
        /// kubectl's
        /// `--delete-emptydir-data`
        emptydir: Option<Arg<Flag>> = "false",
    }
}

output! {
    pub(in crate::action) struct Evicted {
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
            and the pod has its own time to stop. Where no budget does, one pod of a controller goes at a time: it stays \
            while more of the others that its StatefulSet or ReplicaSet wants than `unready_peers` are not ready, or not there. One \
            that is not ready itself may go all the same, unless it is a StatefulSet's. Where the kubelet does not answer any more, the \
            pod is only marked, and stays. A pod that has ended, is being deleted or is gone needs no eviction: that is no error.",
        errors: "A disruption budget does not allow it, or other pods of its controller are not ready: it is tried again for as long \
            as `retry` says (two minutes if it does not), and the step fails with what the budget said. The pod is a DaemonSet's \
            or the kubelet's own, which would come back on the same node. Two budgets select it. A human is needed for a pod without \
            a controller, for one of a Job (what it has done so far would be lost), for the leader of a Patroni cluster, for one whose \
            annotation `cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\"` or `karpenter.sh/do-not-disrupt: \"true\"` holds it, and \
            where a volume of it exists on its node alone or ends with the pod: `emptyDir` (not in memory), `hostPath`, `ephemeral`.",
        repeated: "What has the UID is evicted once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Evicted::FIELDS,
        rights: &[
            Right::on_kind(Kind::POD, &["get", "list"]),
            Right::on_kind(Kind::POD, &["create"]).of("eviction"),
            Right::on_kind(Kind::REPLICA_SET, &["get"]),
            Right::on_kind(Kind::STATEFUL_SET, &["get"]),
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

/// By which annotations people keep a pod where it is.
const HOLDS: [(&str, &str); 2] =
    [("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"), ("karpenter.sh/do-not-disrupt", "true")];

/// The most pods of a namespace that are looked through for its peers.
const MOST_PODS: usize = 10_000;

#[async_trait]
impl Mutation for K8sEvict {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let unready_peers = self.unready_peers(step.scope)?.0 as usize;
        let emptydir = self.emptydir(step.scope)?.0;
        if step.target.kind != "Pod" {
            return Err(ActionError::fail(format!("{} is no Pod; k8s.evict evicts pods only", step.target)));
        }
        let Some(pod) = world.cluster.get(step.target).await? else {
            return Ok(unneeded(step.target, "is gone already"));
        };
        let plan = plan(&pod, step.marker())?;
        if matches!(plan, Plan::Do(_)) {
            volumes::check(world, &pod, emptydir, true).await?;
            let wanted = peers::wanted(world, &pod).await?;
            let namespace = step.target.namespace.clone();
            let query = ListQuery { kind: "Pod".into(), namespace, limit: MOST_PODS, ..ListQuery::default() };
            peers::check(&pod, &world.cluster.list(&query).await?, wanted, unready_peers)?;
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

/// Decides it by the pod alone.
fn plan(pod: &Object, marker: String) -> Result<Plan, ActionError> {
    let key = pod.key();
    if pod.is_going() {
        return Ok(unneeded(&key, "is being deleted already"));
    }
    if objects::has_ended(pod) {
        return Ok(unneeded(&key, "has ended, and holds nothing"));
    }
    if is_of_kubelet(pod) {
        return Err(comes_back(&key, "the kubelet"));
    }
    let Some(controller) = objects::controller(pod) else {
        let message = format!("{key} has no controller: nobody would make another one in its place");
        return Err(ActionError::needs_human(message));
    };
    let (kind, name) = (objects::word(controller, "kind"), objects::word(controller, "name"));
    match kind {
        "DaemonSet" => return Err(comes_back(&key, &format!("the DaemonSet `{name}`"))),
        "Job" => {
            return Err(ActionError::held_up(format!(
                "{key} is of the Job `{name}`: what it has done so far would be lost, and counts as one of the failures that the Job \
                 may have"
            )));
        }
        _ => {}
    }
    may_be_moved(pod)?;
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

/// Whether it is made from a file of its node.
pub(super) fn is_of_kubelet(pod: &Object) -> bool {
    let is_of_node = || objects::controller(pod).is_some_and(|controller| objects::word(controller, "kind") == "Node");
    pod.annotation("kubernetes.io/config.mirror").is_some() || is_of_node()
}

/// Whether nobody has asked for it to stay.
pub(super) fn may_be_moved(pod: &Object) -> Result<(), ActionError> {
    let Some((name, value)) = HOLDS.iter().find(|(name, value)| pod.annotation(name) == Some(*value)) else {
        return Ok(());
    };
    Err(ActionError::held_up(format!("{} says `{name}: \"{value}\"`: somebody wants it to stay", pod.key())))
}

fn comes_back(pod: &ObjectKey, by: &str) -> ActionError {
    ActionError::fail(format!("{pod} is made by {by}, and would come back on the same node: there is nothing to evict"))
}

pub(super) fn is_ready(pod: &Object) -> bool {
    objects::condition_holds(pod, "Ready") && !pod.is_going()
}

pub(super) fn unneeded(key: &ObjectKey, why: &str) -> Plan {
    let (pod, nothing) = (key.name.clone(), String::new);
    let evicted = Evicted { pod, uid: nothing(), node: nothing(), controller: nothing() };
    Plan::Unneeded(Output::new(&evicted, format!("{key} {why}")))
}

pub(super) fn output(intent: &Intent) -> Output {
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

    fn decide(pod: &Object) -> Result<String, ActionError> {
        plan(pod, "m".into()).map(|plan| match plan {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn only_what_somebody_makes_again_elsewhere_is_evicted() {
        for kind in ["ReplicaSet", "StatefulSet", "Cluster"] {
            assert_eq!(decide(&pod("web-1", of(kind), true)).unwrap(), "evict pod/web-1 in shop", "{kind}");
        }
        let refused = |pod: &Object| decide(pod).unwrap_err();
        let bare = refused(&pod("web-1", json!({ "kind": "ReplicaSet", "uid": "u" }), true));
        assert_eq!(bare.class, FailureClass::NeedsHuman);
        assert!(bare.message.contains("has no controller"), "{bare}");
        let job = refused(&pod("web-1", of("Job"), true));
        assert_eq!(job.class, FailureClass::HeldUp, "the others of a drain go on");
        assert!(job.message.contains("is of the Job `web`"), "{job}");
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
        assert!(decide(&ended).unwrap().starts_with("unneeded: pod/web-1 in shop has ended"));
        let going = json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        let going = pod("web-1", of("ReplicaSet"), true).with(&going);
        assert!(decide(&going).unwrap().contains("is being deleted already"));
    }

    #[test]
    fn what_somebody_wants_to_stay_stays() {
        let saying = |name: &str, value: &str| {
            decide(
                &pod("web-1", of("ReplicaSet"), true).with(&json!({ "metadata": { "annotations": { name: value } } })),
            )
        };
        for (name, value) in HOLDS {
            let error = saying(name, value).unwrap_err();
            assert_eq!(error.class, FailureClass::HeldUp);
            assert!(error.message.ends_with("somebody wants it to stay"), "{error}");
        }
        assert!(saying("cluster-autoscaler.kubernetes.io/safe-to-evict", "true").is_ok());
    }
}
