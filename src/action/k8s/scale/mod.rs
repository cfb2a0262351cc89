//! `k8s.scale`: more replicas, where their number is decided.

mod plan;
mod replica_owner;
mod wish;

use async_trait::async_trait;
use serde::Serialize;
use serde_json::{Value, json};

use super::hpa_set::Bound;
use super::{doubt, objects, way_back};
use crate::action::amounts::{Count, MoreReplicas};
use crate::action::typed::{Arguments as _, OrNull, Typed, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::{Cluster, Object, Patch};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey, StepAddress};
use plan::{linear_min, plan};
use replica_owner::Owner;
pub(super) use wish::{Amount, Wish, WishArguments};

arguments! {
    pub(in crate::action) struct K8sScale {
        /// How many replicas more: a share of them, rounded up (`50%`), or a number (`2`). Not for
        /// a StatefulSet
        by: Option<Arg<MoreReplicas>>,
        /// How many there should be, instead of `by`
        to: Option<Arg<Count>>,
        /// The cap: it is never scaled beyond
        max: Arg<Count>,
        /// The floor; without it, it is never scaled down
        min: Option<Arg<Count>>,
    }
}

output! {
    pub(in crate::action) struct Scaled {
        /// How many there were: replicas, or the autoscaler's least number; null where the object
        /// does not say
        from: OrNull<u64>,
        /// How many are asked for now
        to: u64,
        /// The object that was changed: `deployment/coredns in kube-system`
        object: String,
        /// How: through `scale`, the `hpa` or the proportional `autoscaler`
        via: Via,
    }
}

impl Scaled {
    fn new(from: u32, to: u32, object: &ObjectKey, via: Via) -> Self {
        Self { from: OrNull(Some(from.into())), to: to.into(), object: object.to_string(), via }
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::action) enum Via {
    Scale,
    Hpa,
    Autoscaler,
}

impl Typed for Via {
    const WORDS: &'static str = "string";
}

impl Declared for K8sScale {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.scale",
        summary: "Changes how many replicas the target has, where their number is decided",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The target is a Deployment, or a StatefulSet that is scaled up to a given number. One merge patch is made, on the \
            condition of UID and resourceVersion, with the step's marker as field manager. It goes where the number is decided: \
            to the `scale` subresource of the target; to `spec.minReplicas` of the HorizontalPodAutoscaler that names it; to \
            `min` in the ConfigMap of the cluster-proportional-autoscaler that scales it.",
        errors: "The cap is reached. A human is needed where a repository, an operator or another controller keeps the number (it \
            is changed at its source, or not at all), for an autoscaler in ladder mode, a target that was scaled to nothing, and \
            a StatefulSet that would be scaled down or by a share. A conflict is tried again from the beginning.",
        repeated: "A repetition adds again; the engine makes each attempt once.",
        way_back: Some(
            "The number that was there is put back, where it is still what the step made it. A StatefulSet is not scaled \
            down: a person does that.",
        ),
        arguments: Self::ARGUMENTS,
        output: Scaled::FIELDS,
        rights: &[
            Right::on_target(&["get"]),
            Right::on_target(&["patch"]).of("scale"),
            Right::on_kind(Kind::AUTOSCALER, &["get", "list", "patch"]),
            Right::on_kind(Kind::DEPLOYMENT, &["list"]),
            Right::on_kind(Kind::CONFIG_MAP, &["get", "patch"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: scale
  k8s.scale: { by: 50%, max: 10 }
  verify: { until: target.status.?readyReplicas.orValue(0) >= scale.to, within: 10m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT, Kind::STATEFUL_SET];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        self.wish().check_amount()?;
        let literal = |arg: &Arg<Count>| arg.literal().map(|count| count.0);
        let (max, min) = (literal(&self.max), self.min.as_ref().and_then(literal));
        if max == Some(0) || min == Some(0) {
            return Err("the least cap and floor is 1: scaling to nothing is never automatic".into());
        }
        if let (Some(max), Some(to)) = (max, self.to.as_ref().and_then(literal))
            && to > max
        {
            return Err(format!("`to: {to}` is beyond `max: {max}`"));
        }
        match (max, min) {
            (Some(max), Some(min)) if min > max => Err(format!("`min: {min}` is beyond `max: {max}`")),
            _ => Ok(()),
        }
    }
}

impl K8sScale {
    fn wish(&self) -> WishArguments<'_> {
        WishArguments { by: self.by.as_ref(), to: self.to.as_ref(), max: &self.max, min: self.min.as_ref() }
    }
}

#[async_trait]
impl Mutation for K8sScale {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let wish = self.wish().resolve(step.scope)?;
        let cluster = world.cluster.as_ref();
        let workload = objects::live_target(cluster, &step).await?;
        let owner = replica_owner::find(cluster, &workload).await?;
        let config = match &owner {
            Owner::Proportional { config, .. } => cluster.get(config).await?,
            _ => None,
        };
        plan(&workload, &owner, config.as_ref(), wish, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let place = Place::of(intent);
        let patch = objects::patch_of(intent, place.body(&intent.after), dry_run);
        let patch = Patch { subresource: place.subresource(), ..patch };
        world.cluster.patch(&patch).await?;
        Ok(place.output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let place = Place::of(intent);
        let live = world.cluster.get(&intent.object).await?;
        let done = || place.output(intent);
        Ok(doubt::about_field(live.as_ref(), intent, place.path(), |a, b| a == b, done))
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let place = Place::of(made);
        if made.object.kind == "StatefulSet" {
            let message = format!("{} is not scaled down by a program: its pods have data", made.object);
            return Err(ActionError::needs_human(message));
        }
        if matches!(place, Place::Workload)
            && let Some(live) = world.cluster.get(&made.object).await?
        {
            match replica_owner::find(world.cluster.as_ref(), &live).await? {
                Owner::Nobody => {}
                Owner::Other(who) => return Err(ActionError::needs_human(who)),
                Owner::Hpa(_) | Owner::Proportional { .. } => {
                    let message = format!("an autoscaler decides how many replicas {} has since", made.object);
                    return Err(ActionError::needs_human(message));
                }
            }
        }
        let after = match (&made.before, place) {
            // Which is what counts where nothing is said.
            (Value::Null, Place::Workload | Place::Hpa) => json!(1),
            (before, _) => before.clone(),
        };
        let (more, less) = (place.number(&made.after), place.number(&after));
        let (more, less) = (more.unwrap_or_default(), less.unwrap_or_default());
        let object = &made.object;
        let summary = match place {
            Place::Workload => format!("scale {object} {more} -> {less}"),
            Place::Hpa => format!("lower minReplicas of {object} {more} -> {less}"),
            Place::Config => format!("lower min of {object} {more} -> {less}"),
        };
        let back = Intent { after, ..way_back::reversed(made, summary, run, step) };
        let as_before =
            Output { summary: format!("{object} has {less} again: somebody has put it back"), ..place.output(&back) };
        way_back::of_field(world.cluster.as_ref(), (made, back), run, place.path(), as_before).await
    }
}

/// Whether the number of replicas is nobody's, or an autoscaler's.
///
/// # Errors
/// A human is needed: something that no program should argue with decides it.
pub(super) async fn check_owner(cluster: &dyn Cluster, workload: &Object) -> Result<(), ActionError> {
    match replica_owner::find(cluster, workload).await? {
        Owner::Other(who) => Err(ActionError::needs_human(who)),
        Owner::Nobody | Owner::Hpa(_) | Owner::Proportional { .. } => Ok(()),
    }
}

/// Where the number is written.
#[derive(Debug, Clone, Copy)]
enum Place {
    Workload,
    Hpa,
    Config,
}

impl Place {
    fn of(intent: &Intent) -> Self {
        match intent.object.kind.as_str() {
            "HorizontalPodAutoscaler" => Place::Hpa,
            "ConfigMap" => Place::Config,
            _ => Place::Workload,
        }
    }

    fn path(self) -> &'static [&'static str] {
        match self {
            Place::Workload => &["spec", "replicas"],
            Place::Hpa => Bound::Min.path(),
            Place::Config => &["data", "linear"],
        }
    }

    fn subresource(self) -> Option<&'static str> {
        matches!(self, Place::Workload).then_some("scale")
    }

    fn body(self, value: &Value) -> Value {
        self.path().iter().rev().fold(value.clone(), |inner, name| json!({ *name: inner }))
    }

    fn number(self, value: &Value) -> Option<u64> {
        match self {
            Place::Config => Some(linear_min(value.as_str().unwrap_or_default())),
            Place::Workload | Place::Hpa => value.as_u64(),
        }
    }

    fn output(self, intent: &Intent) -> Output {
        let via = match self {
            Place::Workload => Via::Scale,
            Place::Hpa => Via::Hpa,
            Place::Config => Via::Autoscaler,
        };
        // What is intended is always a number.
        let (from, to) = (OrNull(self.number(&intent.before)), self.number(&intent.after).unwrap_or_default());
        Output::new(&Scaled { from, to, object: intent.object.to_string(), via }, intent.summary.clone())
    }
}
