//! `k8s.expand_pvc`: a larger volume.

mod plan;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::claims::stateful_set_of;
use super::{doubt, field_owner, objects};
use crate::action::amounts::{MoreStorage, Size};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{Cluster, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey, Quantity};
use plan::{STORAGE, Surroundings};

arguments! {
    pub(in crate::action) struct K8sExpandPvc {
        /// How much it grows: a share (`20%`) or a size (`10Gi`). The new size is rounded up to
        /// whole Gi, below 1Gi to whole Mi
        by: Arg<MoreStorage>,
        /// The cap: it never grows beyond
        max: Arg<Size>,
    }
}

output! {
    pub(in crate::action) struct Expanded {
        /// The size that was asked for before
        from: String,
        /// The size that is asked for now; `status.capacity` follows later
        to: String,
        /// The storage class
        class: String,
    }
}

impl Declared for K8sExpandPvc {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.expand_pvc",
        summary: "Asks for a larger volume for the target, a PersistentVolumeClaim",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch of `spec.resources.requests.storage` is made, on the condition of UID and resourceVersion, with the \
            step's marker as field manager. The storage driver and the kubelet do the rest. The `volumeClaimTemplates` of a \
            StatefulSet cannot be changed and stay as they are: a replica that is added later starts with the old size. There is \
            no way back: Kubernetes shrinks no volume. An expansion that is under way is no error: nothing more is asked for, and \
            the verify says whether it arrives.",
        errors: "The cap is reached; the claim isn't bound. A human is needed for a class that is missing or forbids expansion, an \
            expansion that is stuck, and a claim that an operator's custom resource or a repository keeps; that of prometheus-operator \
            decides about later claims alone.",
        repeated: "A repetition grows it again; the engine makes each attempt once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Expanded::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::STORAGE_CLASS, &["get"]),
            Right::on_kind(Kind::STATEFUL_SET, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: grow
  k8s.expand_pvc: { by: 20%, max: 500Gi }
  verify:
    until: quantity(target.status.capacity.storage) >= quantity(grow.to)
    within: 30m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CLAIM];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sExpandPvc {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let (by, max) = (self.by.resolve(step.scope)?, self.max.resolve(step.scope)?.0);
        let cluster = world.cluster.as_ref();
        let claim = objects::live_target(cluster, &step).await?;
        let class = match claim.text("/spec/storageClassName") {
            "" => None,
            name => cluster.get(&ObjectKey::new("StorageClass", "", name)).await?,
        };
        let around = Surroundings { class, made_by: made_by(cluster, &claim).await? };
        plan::plan(&claim, &around, by, max, world.clock.now(), step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let body = STORAGE.iter().rev().fold(intent.after.clone(), |inner, name| json!({ *name: inner }));
        let patch = objects::patch_of(intent, body, dry_run);
        let claim = world.cluster.patch(&patch).await?;
        Ok(output(intent, claim.text("/spec/storageClassName")))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let class = live.as_ref().map(|live| live.text("/spec/storageClassName").to_owned()).unwrap_or_default();
        Ok(doubt::about_field(live.as_ref(), intent, &STORAGE, same_size, || output(intent, &class)))
    }
}

fn output(intent: &Intent, class: &str) -> Output {
    let size = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let expanded = Expanded { from: size(&intent.before), to: size(&intent.after), class: class.to_owned() };
    Output::new(&expanded, intent.summary.clone())
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
    let decides = set.as_ref().filter(|set| !objects::controller(set).is_some_and(leaves_claims));
    let who = decides.and_then(|set| Some((set.key(), field_owner::controller(set)?)));
    Ok(who.map(|(set, who)| format!("{} belongs to {set}; {who}", claim.key())))
}

/// Whether that controller never changes a claim that is there: what it keeps says how large those
/// are that are made later.
/// <https://prometheus-operator.dev/docs/platform/storage/#resizing-volumes>
fn leaves_claims(controller: &Value) -> bool {
    let version = controller.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    version.starts_with("monitoring.coreos.com/")
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
