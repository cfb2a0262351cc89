//! `k8s.rollout_restart`: the pods of a workload are replaced by others of the same template.

mod plan;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use super::doubt::{self, Seen};
use super::{objects, template};
use crate::action::amounts::Flag;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{Cluster, ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent};
use plan::{Wish, plan};

arguments! {
    pub(in crate::action) struct K8sRolloutRestart {
        /// Whether it is done for pods that hang: also where not all of them are available. The
        /// rollout of their template must have succeeded once all the same
        of_broken: Option<Arg<Flag>> = "false",
        /// Whether all pods may be away at the same time, as with one replica or with the strategy
        /// `Recreate`
        outage: Option<Arg<Flag>> = "false",
    }
}

output! {
    pub(in crate::action) struct Restarted {
        /// What `kubectl.kubernetes.io/restartedAt` says now
        at: String,
        /// How many pods are replaced
        pods: i64,
    }
}

impl Declared for K8sRolloutRestart {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.rollout_restart",
        summary: "Replaces all pods of the target by others of the same template, as `kubectl rollout restart` does",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The target is a Deployment, a StatefulSet or a DaemonSet. One merge patch sets the annotation \
            `kubectl.kubernetes.io/restartedAt` of the pod template, on the condition of UID and resourceVersion, with the step's marker as \
            field manager. The cluster then replaces the pods as the target's strategy says; disruption budgets do not count in that. \
            Nothing else of the template changes, so that what runs afterwards is what ran before. There is no way back: the \
            pods that there were are gone, and to take the annotation away would replace all of them once more.",
        errors: "Where a rollout is under way it is tried again, for as long as `retry` says. It fails where the target was restarted less \
            than an hour ago, whoever did it, as a second restart helps nobody; where it has no pods, or replaces none by itself (`OnDelete`); and, without \
            `outage: true`, where all pods would be away at once. A human is needed where not all pods are available (`of_broken: true` \
            says that this is why), or the template never came up; for a Deployment that is paused and a StatefulSet with a \
            `partition`; for a StatefulSet with one replica, and for the pods of a Patroni cluster, whose leader would be restarted; and \
            where a repository, an operator or another controller keeps the template. A conflict is tried again from the beginning.",
        repeated: "A second restart within an hour is refused; later, all pods are replaced once more.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Restarted::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::POD, &["list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: restart
  k8s.rollout_restart: { of_broken: true }
  retry: { for: 10m }
  verify:
    until: >-
      target.status.observedGeneration == target.metadata.generation
      && target.status.?updatedReplicas.orValue(0) == target.spec.replicas
      && target.status.?availableReplicas.orValue(0) == target.spec.replicas
    settle: 2m
    within: 20m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT, Kind::STATEFUL_SET, Kind::DAEMON_SET];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

/// The most pods that one workload may have. More is not read but refused.
const MOST_PODS: usize = 10_000;

#[async_trait]
impl Mutation for K8sRolloutRestart {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let wish = Wish { of_broken: self.of_broken(step.scope)?.0, outage: self.outage(step.scope)?.0 };
        let cluster = world.cluster.as_ref();
        let workload = objects::live_target(cluster, &step).await?;
        plan(&workload, &pods_of(cluster, &workload).await?, wish, world.clock.now(), step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let annotations = json!({ template::RESTARTED_AT: intent.after["at"] });
        let body = json!({ "spec": { "template": { "metadata": { "annotations": annotations } } } });
        let patch = objects::patch_of(intent, body, dry_run);
        world.cluster.patch(&patch).await?;
        Ok(output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let cluster = world.cluster.as_ref();
        let live = cluster.get(&intent.object).await?;
        let same = |a: &Value, b: &Value| a.get("at") == b.get("at");
        let doubt = doubt::about(live.as_ref(), intent, look, same, || output(intent));
        let (Doubt::NotDone(_), Some(live)) = (&doubt, &live) else { return Ok(doubt) };
        // Somebody may have begun a rollout, or restarted it, while the bot was away.
        let pods = pods_of(cluster, live).await?;
        let still = plan(live, &pods, Wish::of(intent), world.clock.now(), intent.marker.clone());
        doubt::unless_refused(doubt, still, intent)
    }
}

async fn pods_of(cluster: &dyn Cluster, workload: &Object) -> Result<Vec<Object>, ActionError> {
    let query = ListQuery {
        kind: "Pod".into(),
        namespace: workload.namespace().into(),
        labels: objects::selector(workload)?,
        limit: MOST_PODS,
        ..ListQuery::default()
    };
    Ok(cluster.list(&query).await?)
}

/// When it was restarted last, as an intent has it.
fn look(workload: &Object) -> Seen {
    let path = ["spec", "template", "metadata", "annotations", template::RESTARTED_AT];
    Seen {
        what: template::RESTARTED_AT.to_owned(),
        value: json!({ "at": template::restarted_at(workload) }),
        manager: workload.field_manager(&path).map(|manager| manager.name),
    }
}

/// To the second and in UTC, as kubectl writes it.
fn written(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn output(intent: &Intent) -> Output {
    let restarted = Restarted {
        at: objects::word(&intent.after, "at").to_owned(),
        pods: intent.after.get("pods").and_then(Value::as_i64).unwrap_or_default(),
    };
    Output::new(&restarted, intent.summary.clone())
}
