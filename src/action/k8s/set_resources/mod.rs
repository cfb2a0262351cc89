//! `k8s.set_resources`: a higher limit for a container.

mod around;
mod plan;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{deny, doubt, objects, way_back};
use crate::action::amounts::{MoreResource, Resource};
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::language::{AnyArg, Arg, Location, Scope, Template};
use crate::model::{Autonomy, Intent, StepAddress};
use around::Surroundings;
use plan::{Amount, Resources, Wish, plan};

arguments! {
    pub(in crate::action) struct K8sSetResources {
        /// The container's name
        container: Arg<String>,
        /// How its memory limit grows, as `{ by: 25%, max: 16Gi }`: by a share or an amount, and
        /// never beyond
        /// `max`. Rounded up to whole Mi
        memory: Option<Growth>,
        /// The same of its CPU limit, as `{ by: 500m, max: 4 }`. Rounded up to whole 10m
        cpu: Option<Growth>,
    }
}

/// By how much, and up to where.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::action) struct Growth {
    by: Arg<MoreResource>,
    max: Arg<Resource>,
}

impl Typed for Growth {
    const WORDS: &'static str = "growth";
}

impl AnyArg for Growth {
    fn text(&self) -> Option<(&str, Location)> {
        None
    }

    fn template(&self) -> Option<(&Template, Location)> {
        None
    }

    fn parts(&self) -> Vec<&dyn AnyArg> {
        vec![&self.by, &self.max]
    }
}

impl Growth {
    fn resolve(&self, scope: &Scope) -> Result<Amount, ActionError> {
        Ok(Amount { by: self.by.resolve(scope)?, max: self.max.resolve(scope)?.0 })
    }
}

output! {
    #[derive(Default)]
    pub(in crate::action) struct ResourcesSet {
        /// The container's name
        container: String,
        /// The memory limit that there was
        memory_from: Option<String>,
        /// The memory limit that there is now
        memory_to: Option<String>,
        /// The CPU limit that there was
        cpu_from: Option<String>,
        /// The CPU limit that there is now
        cpu_to: Option<String>,
    }
}

impl Declared for K8sSetResources {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.set_resources",
        summary: "Raises the memory or CPU limit of one container of the target, up to a cap",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The target is a Deployment or a StatefulSet, and all its pods are replaced by the change. A request that is the limit grows \
            along, so that the pods keep their quality of service; any other request stays. One merge patch of the template's \
            containers is made, on the condition of UID and resourceVersion, with the step's marker as field manager. An autoscaler that \
            goes by the utilisation of a request sees less of it where the request grows. Whether a quota or a node has room for it is \
            seen by the verify.",
        errors: "The container is not there, or has no such limit; the cap is reached; a LimitRange of the namespace allows no more; the \
            StatefulSet replaces no pods by itself (`OnDelete`). A human is needed where a repository, an operator, another controller or a \
            VerticalPodAutoscaler keeps the limits; for a Deployment that is paused and a StatefulSet with a `partition`; and for the pods of \
            a Patroni cluster, whose leader would be restarted. A conflict is tried again from the beginning.",
        repeated: "A repetition raises it again; the engine makes each attempt once.",
        way_back: Some(
            "The limits and requests that were there are put back, where they are still what the step made them. All pods are \
            replaced once more; in a StatefulSet a pod that does not become ready has to be deleted by hand before that.",
        ),
        arguments: Self::ARGUMENTS,
        output: ResourcesSet::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::POD, &["list"]),
            Right::on_kind(Kind::LIMIT_RANGE, &["list"]),
            Right::on_kind(Kind::VERTICAL_AUTOSCALER, &["list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: pods
  k8s.pods: {}
- id: raise
  k8s.set_resources: { container: web, memory: { by: 25%, max: 16Gi } }
  verify:
    query: pods
    until: total > 0 && not_ready == 0 && crash_looping == 0
    settle: 12m
    within: 30m
  undo: unless_verified
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT, Kind::STATEFUL_SET];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        match (&self.memory, &self.cpu) {
            (None, None) => Err("say what grows: `memory: { by: 25%, max: 16Gi }`, `cpu: { by: 500m, max: 4 }`".into()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Mutation for K8sSetResources {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let amount = |growth: &Option<Growth>| growth.as_ref().map(|growth| growth.resolve(step.scope)).transpose();
        let wish = Wish {
            container: self.container.resolve(step.scope)?,
            memory: amount(&self.memory)?,
            cpu: amount(&self.cpu)?,
        };
        let cluster = world.cluster.as_ref();
        let workload = objects::live_target(cluster, &step).await?;
        let around = Surroundings::of(cluster, &workload).await?;
        plan(&workload, &around, &wish, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        // The list of containers is written as a whole.
        let live = objects::as_decided(world.cluster.as_ref(), intent).await?;
        let body =
            json!({ "spec": { "template": { "spec": { "containers": plan::containers(&live, &intent.after) } } } });
        let patch = objects::patch_of(intent, body, dry_run);
        world.cluster.patch(&patch).await?;
        Ok(output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let look = |live: &_| plan::look(live, &intent.after);
        Ok(doubt::about(live.as_ref(), intent, look, Resources::are_same, || output(intent)))
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let back = way_back::reversed(made, plan::summary("lower", &made.object, &made.after, &made.before), run, step);
        let as_before = Output {
            summary: format!("{} has its former limits again: somebody has put them back", made.object),
            ..output(&back)
        };
        way_back::of(world.cluster.as_ref(), (made, back), run, |live| plan::look(live, &made.after), as_before).await
    }
}

fn output(intent: &Intent) -> Output {
    let limit = |of: &Value, resource: &str| of.pointer(&format!("/limits/{resource}")).map(plan::text_of);
    let set = ResourcesSet {
        container: Resources::container(&intent.after).to_owned(),
        memory_from: limit(&intent.before, "memory"),
        memory_to: limit(&intent.after, "memory"),
        cpu_from: limit(&intent.before, "cpu"),
        cpu_to: limit(&intent.after, "cpu"),
    };
    Output::new(&set, intent.summary.clone())
}
