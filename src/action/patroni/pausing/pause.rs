//! `patroni.pause`: Patroni leaves its cluster alone until it is resumed.

use async_trait::async_trait;

use super::{FIELDS, RIGHTS, apply, doubt, prepare};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, StepContext,
    World,
};
use crate::model::{Autonomy, Intent};

arguments! {
    pub(in crate::action) struct PatroniPause {}
}

impl Declared for PatroniPause {
    const DECLARATION: Declaration = Declaration {
        name: "patroni.pause",
        summary: "Has Patroni leave the cluster alone, as `patronictl pause` does",
        effect: Effect::Mutates(ChangeKind::Cluster),
        about: "The target is a pod of the cluster, whose own Patroni is asked: one `PATCH /config` sets `pause`. \
            Whether it is so is read before and in the moment in which it is sent. While a cluster is paused, nobody takes over where its leader goes, and no other \
            `patroni.*` that changes something touches it. Nothing ends that by itself. One that is paused already is left as it is, \
            whoever did it: that is no error.",
        errors: "The target is no pod, is gone, or is no member. Its Patroni does not answer, or does not let us. A human is needed where who \
            answers may be another one than the pod's own Patroni.",
        repeated: "A cluster that is paused needs no second time; after a crash it is read whether it is.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: RIGHTS,
        most_autonomy: Autonomy::Approve,
        example: "\
- id: cluster
  patroni.cluster: {}
- id: pause
  patroni.pause: {}
  verify: { query: cluster, until: paused, within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::POD];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for PatroniPause {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        prepare(world, &step, true).await
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        apply(world, intent, true, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        doubt(world, intent, true).await
    }
}
