//! `k8s.scale`: more replicas, where their number is decided.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::{Count, MoreReplicas};
use super::kinds::rights;
use super::replica_owner::{self, Owner};
use super::scale_plan::{Amount, Wish, linear_min, plan};
use super::{ActionError, Describe, Doubt, Kind, Mutation, Output, Plan, StepContext, Verb, World, doubt, objects};
use crate::cluster::{Access, Patch};
use crate::language::{AnyArg, Arg};
use crate::model::Intent;

/// Changes how many replicas the target has: a Deployment, or a StatefulSet upwards to a given number.
///
/// Effect: one merge patch, on the condition of UID and resourceVersion, with the step's marker as field manager. It goes where the
/// number is decided: to the `scale` subresource of the target; to `spec.minReplicas` of the HorizontalPodAutoscaler that names it;
/// to `min` in the ConfigMap of the cluster-proportional-autoscaler that scales it. What a repository, an operator or
/// another controller keeps is refused with its name: it is changed at its source, or not at all.
///
/// Arguments: `by` (`50%`, rounded up, or `2`) or `to` (`6`); `max`, the cap, required; `min`, the floor, required for going
/// down. Scaling a StatefulSet down, or by a share, is never automatic.
///
/// Output: `from` and `to` (replicas, or the autoscaler's least number), `object`, `via` (`scale`, `hpa` or `autoscaler`).
///
/// Errors: the cap is reached; needs a human: the owner of the number, an autoscaler in ladder mode, a target that was scaled
/// to nothing. A conflict is tried again from the beginning. A repetition adds again: the engine makes each attempt once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sScale {
    by: Option<Arg<MoreReplicas>>,
    to: Option<Arg<Count>>,
    max: Arg<Count>,
    min: Option<Arg<Count>>,
}

impl Describe for K8sScale {
    fn name(&self) -> &'static str {
        "k8s.scale"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("by", &self.by), ("to", &self.to), ("max", &self.max), ("min", &self.min)]
    }

    fn check(&self) -> Result<(), String> {
        match (&self.by, &self.to) {
            (None, None) => return Err("say how many: `by: 50%` or `to: 6`".into()),
            (Some(_), Some(_)) => return Err("`by` and `to` are both given; choose one".into()),
            _ => {}
        }
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

    fn access(&self, target_kind: &str) -> Vec<Access> {
        let mut access = rights(target_kind, &["get"]);
        access.extend(target_kind.parse::<Kind>().map(|kind| kind.access_to("patch", "scale")));
        access.extend(rights("HorizontalPodAutoscaler", &["get", "list", "patch"]));
        access.extend(rights("Deployment", &["list"]));
        access.extend(rights("ConfigMap", &["get", "patch"]));
        access.extend(rights("Namespace", &["get"]));
        access
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["from", "to", "object", "via"])
    }
}

#[async_trait]
impl Mutation for K8sScale {
    fn verb(&self) -> Verb {
        Verb::Patch
    }

    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let amount = match (&self.by, &self.to) {
            (Some(by), _) => Amount::By(by.resolve(step.scope)?),
            (None, Some(to)) => Amount::To(to.resolve(step.scope)?.0),
            (None, None) => return Err(ActionError::fail("k8s.scale has neither `by` nor `to`")),
        };
        let wish = Wish {
            amount,
            max: self.max.resolve(step.scope)?.0,
            min: self.min.as_ref().map(|min| min.resolve(step.scope)).transpose()?.map(|min| min.0),
        };
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
        let patch = Patch {
            key: intent.object.clone(),
            subresource: place.subresource(),
            body: place.body(&intent.after),
            uid: intent.uid.clone(),
            resource_version: Some(intent.resource_version.clone()),
            field_manager: intent.marker.clone(),
            dry_run,
        };
        world.cluster.patch(&patch).await?;
        Ok(place.output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let place = Place::of(intent);
        let live = world.cluster.get(&intent.object).await?;
        let done = || place.output(intent);
        Ok(doubt::about_field(live.as_ref(), intent, place.path(), |a, b| a == b, done))
    }

    fn as_describe(&self) -> &dyn Describe {
        self
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
            Place::Hpa => &["spec", "minReplicas"],
            Place::Config => &["data", "linear"],
        }
    }

    fn subresource(self) -> Option<&'static str> {
        matches!(self, Place::Workload).then_some("scale")
    }

    fn body(self, value: &Value) -> Value {
        self.path().iter().rev().fold(value.clone(), |inner, name| json!({ *name: inner }))
    }

    fn output(self, intent: &Intent) -> Output {
        let number = |value: &Value| match self {
            Place::Config => json!(linear_min(value.as_str().unwrap_or_default())),
            Place::Workload | Place::Hpa => value.clone(),
        };
        let via = match self {
            Place::Workload => "scale",
            Place::Hpa => "hpa",
            Place::Config => "autoscaler",
        };
        let fields = json!({
            "from": number(&intent.before),
            "to": number(&intent.after),
            "object": intent.object.to_string(),
            "via": via,
        });
        Output::new(fields, intent.summary.clone())
    }
}
