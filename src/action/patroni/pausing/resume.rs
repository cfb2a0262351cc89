//! `patroni.resume`: Patroni, which was paused, keeps its cluster again.

use async_trait::async_trait;

use super::{FIELDS, RIGHTS, apply, doubt, prepare};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, StepContext,
    World,
};
use crate::model::{Autonomy, Intent};

arguments! {
    pub(in crate::action) struct PatroniResume {}
}

impl Declared for PatroniResume {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.resume",
        summary: "Has Patroni, which was paused, keep the cluster again, as `patronictl resume` does",
        effect: Effect::Mutates(ChangeKind::Cluster),
        about: "The target is a pod of the cluster, whose own Patroni is asked: one `PATCH /config` takes `pause` away. \
            Whether it is so is read before and in the moment in which it is sent. Patroni does not say who paused it, nor why: somebody may be at work on the \
            cluster, and whoever says yes must know that nobody is. One that is not paused is left as it is: that is no error.",
        errors: "The target is no pod, is gone, or is no member. Its Patroni does not answer, or does not let us. A human is needed where nobody \
            leads, as Patroni then has somebody lead at once, and where who answers may be another one than the pod's own Patroni.",
        repeated: "A cluster that is not paused needs no second time; after a crash it is read whether it is.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: resume
  patroni.resume: {}
  verify: { query: cluster, until: '!paused', within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for PatroniResume {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        prepare(world, &step, false).await
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        apply(world, intent, false, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        doubt(world, intent, false).await
    }
}
