//! `k8s.rollout_status`: where the rollout of the target stands.

mod ordered;
mod stand;

use async_trait::async_trait;
use chrono::SecondsFormat;

use super::revisions::{self, HASH};
use super::{objects, unready};
use crate::action::typed::{Arguments as _, OrNull, Typed as _, arguments, output};
use crate::action::{
    AT_WILL, Action, ActionError, Declaration, Declared, Effect, Kind, Output, Read, Right, StepContext, World,
};
use crate::cluster::{Cluster, ListQuery, Object};
use crate::model::Autonomy;
use stand::{Stand, stand};

arguments! {
    pub(in crate::action) struct K8sRolloutStatus {}
}

output! {
    struct RolloutStatus {
        /// `complete`, `progressing`, `stuck` (beyond its deadline, or the pod that holds it up is
        /// not ready for 10 minutes), `paused`, `partitioned` (as far as its `partition` lets it),
        /// `waiting` (its strategy is `OnDelete`, and pods are of an older template) or
        /// `unobserved` (its controller has not seen what it is now: no number is of it)
        state: &'static str,
        /// How many pods there should be
        desired: i64,
        /// How many are of the present template
        updated: i64,
        /// How many are ready, of whatever template
        ready: i64,
        /// How many are ready for long enough
        available: i64,
        /// The present revision: a number for a Deployment, a name for a StatefulSet; empty: not
        /// known
        revision: String,
        /// Since when: of the condition Progressing, or of the pod that holds it up; null: not
        /// known
        since: OrNull<String>,
        /// Why it is not complete; empty where it is, or nothing says so
        because: String,
        /// The pods of the present template that are not ready, at most 20
        bad_pods: Vec<BadPod>,
    }
}

output! {
    struct BadPod {
        /// Its name
        name: String,
        /// Why, in a word: `ImagePullBackOff`
        reason: String,
        /// What Kubernetes says about it, cut at 300 characters; may be empty
        message: String,
    }
}

/// The most pods of a workload. More is not read but refused.
const MOST: usize = 2_000;
const MOST_SHOWN: usize = 20;

impl Declared for K8sRolloutStatus {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_status",
        summary: "Finds out where the rollout of the target stands, and what holds it up",
        effect: Effect::Reads,
        about: "As `kubectl rollout status` and the conditions of the controllers tell it. A status of an older generation says nothing, and \
            is `unobserved`. A workload of no replicas is complete. A StatefulSet and a DaemonSet have no deadline: theirs is that of a \
            Deployment where nothing is said, 10 minutes, for the pod that holds them up. Of a StatefulSet that is the first one that is \
            missing or not ready; with `Parallel` the last one of the present template, once as many as `maxUnavailable` are not ready.",
        errors: "The target is not there any more, is no Deployment, StatefulSet or DaemonSet, or has more than 2000 pods.",
        repeated: AT_WILL,
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: RolloutStatus::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_kind(Kind::POD, &["list"]),
            Right::on_kind(Kind::REPLICA_SET, &["list"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: rollout
  k8s.rollout_status: {}
- require: rollout.state == 'stuck'
  because: \"{{rollout.summary}}\"
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::DAEMON_SET];

    fn into_action(self) -> Action {
        Action::Read(Box::new(self))
    }
}

#[async_trait]
impl Read for K8sRolloutStatus {
    async fn read(&self, world: &World, step: StepContext<'_>) -> Result<Output, ActionError> {
        let cluster = world.cluster.as_ref();
        let workload = objects::live_target(cluster, &step).await?;
        let pods = list(cluster, &workload, Kind::POD).await?;
        let label = present(cluster, &workload).await?;
        let is_owned = |pod: &&Object| !objects::has_ended(pod);
        let pods: Vec<Object> = pods.iter().filter(is_owned).cloned().collect();
        let stand = stand(&workload, &pods, label.as_ref(), world.clock.now())?;
        Ok(told(&workload, &pods, label.as_ref(), stand))
    }
}

async fn list(cluster: &dyn Cluster, workload: &Object, kind: Kind) -> Result<Vec<Object>, ActionError> {
    let query = ListQuery {
        kind: kind.id().into(),
        namespace: workload.namespace().into(),
        labels: objects::selector(workload)?,
        limit: MOST,
        ..ListQuery::default()
    };
    Ok(cluster.list(&query).await?)
}

/// The label by which pods of the present template are known.
pub(super) type Label = (&'static str, String);

async fn present(cluster: &dyn Cluster, workload: &Object) -> Result<Option<Label>, ActionError> {
    let value = match workload.kind() {
        "Deployment" => {
            let sets = list(cluster, workload, Kind::REPLICA_SET).await?;
            // One that is not made yet has no pods.
            revisions::of(workload, sets).ok().map(|revisions| (HASH, revisions.current.hash().to_owned()))
        }
        "StatefulSet" => Some(("controller-revision-hash", workload.text("/status/updateRevision").to_owned())),
        _ => {
            let generation = workload.annotation("deprecated.daemonset.template.generation").unwrap_or_default();
            Some(("pod-template-generation", generation.to_owned()))
        }
    };
    Ok(value.filter(|(_, value)| !value.is_empty()))
}

fn is_present(pod: &Object, label: Option<&Label>) -> bool {
    label.is_some_and(|(name, value)| pod.label(name) == Some(value))
}

fn told(workload: &Object, pods: &[Object], label: Option<&Label>, stand: Stand) -> Output {
    let bad = pods.iter().filter(|pod| is_present(pod, label) && !unready::is_ready(pod));
    let bad_pods = bad.take(MOST_SHOWN).map(|pod| {
        let unready::Why { reason, message } = unready::why(pod);
        BadPod { name: pod.name().to_owned(), reason, message }
    });
    let Stand { state, desired, updated, ready, available, since, because } = stand;
    let mut summary = format!(
        "{} is {}: of {desired} pods {updated} are of the present template, {ready} ready, {available} available",
        workload.key(),
        state.word()
    );
    if !because.is_empty() {
        summary.push_str(&format!("; {because}"));
    }
    let revision = match workload.kind() {
        "Deployment" => revisions::number(workload).map_or_else(String::new, |number| number.to_string()),
        _ => label.map(|(_, value)| value.clone()).unwrap_or_default(),
    };
    let status = RolloutStatus {
        state: state.word(),
        desired,
        updated,
        ready,
        available,
        revision,
        since: OrNull(since.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))),
        because,
        bad_pods: bad_pods.collect(),
    };
    Output::new(&status, summary)
}
