//! `k8s.expand_pvc`: a larger volume.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};

use super::amounts::{MoreStorage, Size};
use super::expand_plan::{self, STORAGE, Surroundings};
use super::k8s_claim_owner::stateful_set_of;
use super::kinds::rights;
use super::{
    ActionError, Describe, Doubt, Mutation, Output, Plan, StepContext, Verb, World, doubt, field_owner, objects,
};
use crate::cluster::{Access, Cluster, Object, Patch};
use crate::language::{AnyArg, Arg};
use crate::model::{Intent, ObjectKey, Quantity};

/// Asks for a larger volume for the target, a PersistentVolumeClaim. Never shrinks one.
///
/// Effect: one merge patch of `spec.resources.requests.storage`, on the condition of UID and resourceVersion, with the step's
/// marker as field manager. The storage driver and the kubelet do the rest, so that the new size shows in `status.capacity` later. The
/// `volumeClaimTemplates` of a StatefulSet cannot be changed and stay as they are: a replica that is added later starts with the old
/// size. There is no way back: Kubernetes shrinks no volume.
///
/// Arguments: `by` (`20%` or `10Gi`; the new size is rounded up to whole Gi, below 1Gi to whole Mi) and `max`, the cap, both required.
///
/// Output: `from` and `to` as quantities, `class`.
///
/// Errors: the cap is reached; the claim isn't bound; needs a human: a class that is missing or forbids expansion, an expansion
/// that is stuck, a claim that an operator's custom resource or a repository keeps. An expansion that is under way is
/// not an error: nothing more is asked for, and the verify says whether it arrives. A repetition grows again: the engine
/// makes each attempt once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct K8sExpandPvc {
    by: Arg<MoreStorage>,
    max: Arg<Size>,
}

impl Describe for K8sExpandPvc {
    fn name(&self) -> &'static str {
        "k8s.expand_pvc"
    }

    fn args(&self) -> Vec<(&'static str, &dyn AnyArg)> {
        vec![("by", &self.by), ("max", &self.max)]
    }

    fn access(&self, target_kind: &str) -> Vec<Access> {
        let mut access = rights(target_kind, &["get", "patch"]);
        access.extend(rights("StorageClass", &["get"]));
        access.extend(rights("StatefulSet", &["get"]));
        access.extend(rights("Namespace", &["get"]));
        access
    }

    fn output_fields(&self) -> Option<&'static [&'static str]> {
        Some(&["from", "to", "class"])
    }
}

#[async_trait]
impl Mutation for K8sExpandPvc {
    fn verb(&self) -> Verb {
        Verb::Patch
    }

    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let (by, max) = (self.by.resolve(step.scope)?, self.max.resolve(step.scope)?.0);
        let cluster = world.cluster.as_ref();
        let claim = objects::live_target(cluster, &step).await?;
        let class = match claim.text("/spec/storageClassName") {
            "" => None,
            name => cluster.get(&ObjectKey::new("StorageClass", "", name)).await?,
        };
        let around = Surroundings { class, made_by: made_by(cluster, &claim).await? };
        expand_plan::plan(&claim, &around, by, max, world.clock.now(), step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let patch = Patch {
            key: intent.object.clone(),
            subresource: None,
            body: STORAGE.iter().rev().fold(intent.after.clone(), |inner, name| json!({ *name: inner })),
            uid: intent.uid.clone(),
            resource_version: Some(intent.resource_version.clone()),
            field_manager: intent.marker.clone(),
            dry_run,
        };
        let claim = world.cluster.patch(&patch).await?;
        Ok(output(intent, claim.text("/spec/storageClassName")))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let class = live.as_ref().map(|live| live.text("/spec/storageClassName").to_owned()).unwrap_or_default();
        Ok(doubt::about_field(live.as_ref(), intent, &STORAGE, same_size, || output(intent, &class)))
    }

    fn as_describe(&self) -> &dyn Describe {
        self
    }
}

fn output(intent: &Intent, class: &str) -> Output {
    let fields = json!({ "from": intent.before, "to": intent.after, "class": class });
    Output::new(fields, intent.summary.clone())
}

/// `1Ti` and `1024Gi` are the same size: the API server keeps the spelling that it was given, and others may spell otherwise.
fn same_size(a: &Value, b: &Value) -> bool {
    let size = |value: &Value| value.as_str().and_then(|text| text.parse::<Quantity>().ok());
    size(a).is_some() && size(a) == size(b)
}

/// The custom resource that decides the claim's size, as a sentence for people: the claim's own controller, or that of the
/// StatefulSet that it belongs to. A StatefulSet itself decides nothing: it never changes a claim that is there.
async fn made_by(cluster: &dyn Cluster, claim: &Object) -> Result<Option<String>, ActionError> {
    const DECIDES_NOTHING: [&str; 2] = ["StatefulSet", "Pod"];
    if let Some(owner) = objects::controller(claim)
        && !owner.get("kind").and_then(Value::as_str).is_some_and(|kind| DECIDES_NOTHING.contains(&kind))
    {
        return Ok(field_owner::controller(claim));
    }
    let set = stateful_set_of(cluster, claim).await?;
    let who = set.as_ref().and_then(|set| Some((set.key(), field_owner::controller(set)?)));
    Ok(who.map(|(set, who)| format!("{} belongs to {set}; {who}", claim.key())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_compared_and_not_spellings() {
        assert!(same_size(&json!("1Ti"), &json!("1024Gi")));
        assert!(!same_size(&json!("1Ti"), &json!("1T")));
        assert!(!same_size(&Value::Null, &Value::Null));
    }
}
