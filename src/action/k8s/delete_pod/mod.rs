//! `k8s.delete_pod`: a pod that hangs is deleted, so that its controller makes another one.

mod plan;

use async_trait::async_trait;

use super::evict::{self, Evicted, peers, volumes};
use super::{deny, doubt};
use crate::action::amounts::{Count, Flag};
use crate::action::typed::{Arguments as _, Typed as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World, patroni,
};
use crate::cluster::{ClusterError, Delete, ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent};
use plan::plan;

arguments! {
    pub(in crate::action) struct K8sDeletePod {
        /// How many other pods of its controller may be not ready, not there or on their way out
        unready_peers: Option<Arg<Count>> = "0",
        /// Whether what the pod has in volumes of the kind `emptyDir` may be lost
        emptydir: Option<Arg<Flag>> = "false",
    }
}

impl Declared for K8sDeletePod {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.delete_pod",
        summary: "Deletes the target, a Pod that hangs, so that its controller makes another one in its place",
        effect: Effect::Mutates(ChangeKind::Delete),
        about: "One deletion is made, on the condition of the UID, and the pod has its own time to stop: nothing is ever deleted by force. It is \
            for a pod that is not ready, which a disruption budget may keep from an eviction for ever, and for the pod of a DaemonSet, which is \
            not evicted; any other one that is ready is for `k8s.evict`, which asks the budgets. Its controller must be a ReplicaSet, a \
            StatefulSet or a DaemonSet, and of the others that this one wants no more than `unready_peers` may be not ready, or not there. Of a \
            member of Patroni, Patroni is asked who leads. The pod itself and who leads are looked at again in the moment in which it is \
            deleted. A pod that has ended, is being deleted or is gone needs no deletion: that is no error. A dry run asks the server whether it would.",
        errors: "The pod is ready, or the kubelet's own. While other pods of its controller are not ready, it is tried again for as long as `retry` \
            says. A human is needed for a pod that should have stopped by now and has not: its node does not say that it has, and a second one \
            beside it may write to the same data; for a pod without a controller, or of another one than these, as of a Job; for one that would \
            be given no time to stop (`terminationGracePeriodSeconds: 0`); for the leader and a synchronous standby of a Patroni cluster, and \
            where it is paused, or nobody leads it, or none of its members answers; for a pod that is annotated \
            `cluster-autoscaler.kubernetes.io/safe-to-evict: \"false\"` or `karpenter.sh/do-not-disrupt: \"true\"`; and where a volume \
            of it exists on its node alone or ends with the pod: `emptyDir` (not in memory), `ephemeral` and, but for a DaemonSet, `hostPath`.",
        repeated: "What has the UID is deleted once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Evicted::FIELDS,
        rights: &[
            Right::on_kind(Kind::POD, &["get", "list", "delete"]),
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
- id: delete
  k8s.delete_pod: {}
  retry: { for: 10m }
  verify: { query: there, until: \"!found || object.metadata.uid != delete.uid\", every: 10s, within: 10m }
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
impl Mutation for K8sDeletePod {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let unready_peers = self.unready_peers(step.scope)?.0 as usize;
        let emptydir = self.emptydir(step.scope)?.0;
        if !step.target.is_a("Pod") {
            return Err(ActionError::fail(format!("{} is no Pod; k8s.delete_pod deletes pods only", step.target)));
        }
        let Some(pod) = world.cluster.get(step.target).await? else {
            return Ok(evict::unneeded(step.target, "is gone already"));
        };
        let plan = plan(&pod, world.clock.now(), step.marker())?;
        if matches!(plan, Plan::Do(_)) {
            deny::check(ChangeKind::Delete, "Pod", Some(&pod))?;
            volumes::check(world, &pod, emptydir, !plan::comes_back_there(&pod)).await?;
            let wanted = peers::wanted(world, &pod).await?;
            let namespace = step.target.namespace.clone();
            let query = ListQuery { kind: "Pod".into(), namespace, limit: MOST_PODS, ..ListQuery::default() };
            peers::check_others(&pod, &world.cluster.list(&query).await?, wanted, unready_peers)?;
            check_leader(world, &pod).await?;
        }
        Ok(plan)
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        // The condition of the server is the UID alone: it may lead by now, or work again.
        let live = world.cluster.get(&intent.object).await?.filter(|live| live.uid() == intent.uid);
        let Some(pod) = live else { return Ok(evict::output(intent)) };
        match plan(&pod, world.clock.now(), intent.marker.clone())? {
            Plan::Unneeded(_) => return Ok(evict::output(intent)),
            Plan::Do(_) => {}
        }
        deny::check(ChangeKind::Delete, "Pod", Some(&pod))?;
        check_leader(world, &pod).await?;
        let (key, uid) = (intent.object.clone(), intent.uid.clone());
        let delete = Delete { key, uid, wait_for_dependents: false, dry_run };
        match world.cluster.delete(&delete).await {
            // Somebody was faster: it is gone, as was wanted.
            Ok(()) | Err(ClusterError::NotFound(_)) => Ok(evict::output(intent)),
            Err(error) => Err(error.into()),
        }
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        Ok(doubt::about_deletion(live.as_ref(), intent, || evict::output(intent)))
    }
}

/// Labels follow a switchover a moment later: where Patroni can be asked, it says who leads.
async fn check_leader(world: &World, pod: &Object) -> Result<(), ActionError> {
    match patroni::why_it_stays(world, pod).await? {
        Some(why) => Err(ActionError::needs_human(format!("{} is not deleted: {why}", pod.key()))),
        None => Ok(()),
    }
}
