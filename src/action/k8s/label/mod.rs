//! `k8s.label`: one label of the target.

mod selectors;

use async_trait::async_trait;

use super::{keys, metadata_key, objects};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::language::Arg;
use crate::model::{Autonomy, FailureClass, Intent, StepAddress};
use metadata_key::LABEL;

arguments! {
    pub(in crate::action) struct K8sLabel {
        /// The label's key with its domain, written out: `example.com/inspect`
        key: Arg<String>,
        /// Its value, up to 63 letters, digits, `-`, `_` and `.`
        value: Arg<String>,
    }
}

const LONGEST: usize = 63;

impl Declared for K8sLabel {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.label",
        summary: "Sets one label of the target",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch of that label is made, on the condition of UID and resourceVersion, with the step's marker as field manager. \
            What is labelled is the target itself, and no template of pods. Keys are those that `k8s.annotate` takes, but for its exceptions: \
            they have a domain, which is none of Kubernetes (and so none such as `topology.kubernetes.io`), of Helm, Argo and Flux or of this \
            bot, and none of programs that delete, scale, restore or grant. Nor may anything select by the key: Services, \
            PodDisruptionBudgets, NetworkPolicies and workloads of the namespace are listed before, with all selectors and affinities that \
            stand in them; for a target that is in no namespace, such as a Node, those of all namespaces. What else may watch a label nobody \
            can know, so a human approves each.",
        errors: "Something selects, routes or schedules by the key: traffic or pods would move. The target is being deleted, or of a kind by \
            whose labels something is granted, admitted or deleted, as for `k8s.annotate`. A human is needed where a repository keeps the \
            label. A conflict is tried again from the beginning.",
        repeated: "A repetition finds that the value is there already.",
        way_back: Some(
            "The value that was there is put back, or the label taken away, where it is still what the step made it.",
        ),
        arguments: Self::ARGUMENTS,
        output: metadata_key::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::SERVICE, &["list"]),
            Right::on_kind(Kind::DISRUPTION_BUDGET, &["list"]),
            Right::on_kind(Kind::NETWORK_POLICY, &["list"]),
            Right::on_kind(Kind::DEPLOYMENT, &["list"]),
            Right::on_kind(Kind::STATEFUL_SET, &["list"]),
            Right::on_kind(Kind::DAEMON_SET, &["list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Approve,
        example: "\
- id: mark
  k8s.label: { key: example.com/inspect, value: \"true\" }
  verify:
    until: target.metadata.labels[?'example.com/inspect'].orValue('') == 'true'
    within: 1m
  undo: at_end
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        let Some(key) = self.key.literal() else {
            return Err("`key` must be written out, so that it is seen beforehand what is labelled".into());
        };
        keys::may_be_set(key, "label")?;
        self.value.literal().map_or(Ok(()), |value| fits(value))
    }
}

fn fits(value: &str) -> Result<(), String> {
    let is_word = |c: char| c.is_ascii_alphanumeric();
    let is_value = value.len() <= LONGEST
        && value.starts_with(is_word)
        && value.ends_with(is_word)
        && value.chars().all(|c| is_word(c) || matches!(c, '-' | '_' | '.'));
    if is_value {
        return Ok(());
    }
    let shown: String = value.chars().take(80).collect();
    Err(format!("`{shown}` is no value of a label: up to {LONGEST} letters, digits, `-`, `_` and `.`"))
}

#[async_trait]
impl Mutation for K8sLabel {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let (key, value) = (self.key.resolve(step.scope)?, self.value.resolve(step.scope)?);
        keys::may_be_set(&key, "label").and_then(|()| fits(&value)).map_err(ActionError::fail)?;
        let object = objects::live_target(world.cluster.as_ref(), &step).await?;
        let plan = LABEL.plan(&object, &key, &value, step.marker())?;
        if let Plan::Do(_) = plan {
            selectors::check(world.cluster.as_ref(), &object.key(), &key).await?;
        }
        Ok(plan)
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        LABEL.apply(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        LABEL.doubt(world, intent).await
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let plan = LABEL.take_back(world, made, run, step).await?;
        // Somebody may select by it since.
        if let (Plan::Do(_), Some(key)) = (&plan, made.after.get("key").and_then(|key| key.as_str())) {
            selectors::check(world.cluster.as_ref(), &made.object, key).await.map_err(|error| match error.class {
                FailureClass::Fail => ActionError::needs_human(error.message),
                _ => error,
            })?;
        }
        Ok(plan)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_one_that_a_label_may_have() {
        for value in ["true", "2026-05-01", "a_b.c", &"x".repeat(63)] {
            assert_eq!(fits(value), Ok(()), "{value}");
        }
        for value in ["", "-x", "x.", "a b", "a/b", &"x".repeat(64)] {
            assert!(fits(value).unwrap_err().contains("is no value of a label"), "{value}");
        }
    }
}
