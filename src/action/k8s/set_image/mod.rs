//! `k8s.set_image`: an image of one container that is known to run.

mod image;
mod plan;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{doubt, objects, revisions, way_back};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};
pub use image::Image;
use plan::{Wish, plan};

arguments! {
    pub(in crate::action) struct K8sSetImage {
        /// The container's name
        container: Arg<String>,
        /// The image, with a tag or a digest: `registry.example/shop/web:2.3.1`
        image: Arg<Image>,
    }
}

output! {
    pub(in crate::action) struct ImageSet {
        /// The container's name
        container: String,
        /// The image that there was
        from: String,
        /// The image that there is now
        to: String,
        /// The revision that proves that it runs; 0: the bot's configuration allows it by its
        /// digest
        revision: i64,
    }
}

impl Declared for K8sSetImage {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.set_image",
        summary: "Has one container of the target, a Deployment, run another image that is known to run",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "An image is known to run where an earlier revision of the Deployment has it in that container, and the pods of that \
            revision are available now: as many as there must be during a rollout. That is so while a change does not come up. Any other \
            image must be one that `actions.images` of dogwatch.yaml names, with its digest; no playbook allows itself one. One merge patch of the template's containers is \
            made, on the condition of UID and resourceVersion, with the step's marker as field manager, and the cluster replaces all pods. \
            Nothing but the image changes: the summary names what else that revision had otherwise, and `k8s.rollout_undo` puts all of it back.",
        errors: "The container is not there, or the image is `latest` or has neither tag nor digest: what that is changes by itself. No revision has \
            it in that container, and no configuration allows it. A human is needed where the pods of that revision do not prove that it runs; where the Deployment is paused; for a \
            Patroni cluster, whose leader would be restarted; and where a repository, an operator or another controller keeps the image. A \
            conflict is tried again from the beginning.",
        repeated: "A repetition finds that it is there already.",
        way_back: Some(
            "The image that was there is put back, where it is still what the step made it. All pods are replaced once more.",
        ),
        arguments: Self::ARGUMENTS,
        output: ImageSet::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::REPLICA_SET, &["list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: image
  k8s.set_image: { container: web, image: \"registry.example/shop/web:2.3.1\" }
  verify:
    until: >-
      target.status.observedGeneration == target.metadata.generation
      && target.status.?updatedReplicas.orValue(0) == target.spec.replicas
      && target.status.?availableReplicas.orValue(0) == target.spec.replicas
    within: 15m
  undo: unless_verified
",
    };

    const TARGETS: &'static [Kind] = &[Kind::DEPLOYMENT];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sSetImage {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let wish = Wish { container: self.container.resolve(step.scope)?, image: self.image.resolve(step.scope)? };
        let deployment = objects::live_target(world.cluster.as_ref(), &step).await?;
        decide(world, &deployment, &wish, step.marker()).await
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        // The list of containers is written as a whole.
        let live = objects::as_decided(world.cluster.as_ref(), intent).await?;
        let containers = plan::containers(&live, &intent.after);
        let body = json!({ "spec": { "template": { "spec": { "containers": containers } } } });
        world.cluster.patch(&objects::patch_of(intent, body, dry_run)).await?;
        Ok(output(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        let same = |a: &Value, b: &Value| a.get("image") == b.get("image");
        let look = |live: &_| plan::look(live, intent);
        let doubt = doubt::about(live.as_ref(), intent, look, same, || output(intent));
        let (Doubt::NotDone(_), Some(live)) = (&doubt, &live) else { return Ok(doubt) };
        // What goes back needs no proof: it was there.
        if intent.after.get("revision").is_none() {
            return Ok(doubt);
        }
        let wish = Wish::of(intent)?;
        let still = decide(world, live, &wish, intent.marker.clone()).await;
        doubt::unless_refused(doubt, still, intent)
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let image = |value: &Value| json!({ "container": value["container"], "image": value["image"] });
        let (was, is) = (image(&made.before), image(&made.after));
        let back = way_back::reversed(made, plan::summary(&made.object, &is, &was), run, step);
        let back = Intent { before: is.clone(), after: was, ..back };
        let as_before = Output {
            summary: format!("{} has its former image again: somebody has put it back", made.object),
            ..output(&back)
        };
        let made = Intent { after: is, ..made.clone() };
        way_back::of(world.cluster.as_ref(), (&made, back), run, |live| plan::look(live, &made), as_before).await
    }
}

async fn decide(world: &World, deployment: &Object, wish: &Wish, marker: String) -> Result<Plan, ActionError> {
    plan::may_change(deployment, &wish.container)?;
    let revisions = revisions::find(world.cluster.as_ref(), deployment).await?;
    plan(deployment, &revisions, world.patchable.allows_image(&wish.image), wish, marker)
}

fn output(intent: &Intent) -> Output {
    let image = |value: &Value| objects::word(value, "image").to_owned();
    let set = ImageSet {
        container: objects::word(&intent.after, "container").to_owned(),
        from: image(&intent.before),
        to: image(&intent.after),
        revision: intent.after.get("revision").and_then(Value::as_i64).unwrap_or_default(),
    };
    Output::new(&set, intent.summary.clone())
}
