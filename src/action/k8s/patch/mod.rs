//! `k8s.patch`: another number in one field, up to a cap.

mod allowed;
mod held;
mod plan;
mod scaled;

use async_trait::async_trait;
use serde_json::json;

use super::doubt::{self, Seen};
use super::field_path::FieldPath;
use super::{objects, way_back};
use crate::action::amounts::{Amount as Number, MoreOf};
use crate::action::holes;
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::{AnyArg, Arg};
use crate::model::{Autonomy, FailureClass, Intent, StepAddress};
pub use allowed::{ConfigMapKey, PatchField, Patchable, why_never};
use held::{PlainNumber, are_same};
use plan::{Amount, Amounts, Wish, plan, pointer};
pub(in crate::action::k8s) use scaled::scaled_by;

arguments! {
    pub(in crate::action) struct K8sPatch {
        /// The path of the field, written out: `spec.maxReplicas`
        field: Arg<FieldPath>,
        /// How much more it should be: a share of it (`25%`), or what is added (`2`, `10Gi`)
        by: Option<Arg<MoreOf>>,
        /// What it should be, instead of `by`
        to: Option<Arg<Number>>,
        /// The cap: it is never set beyond
        max: Arg<Number>,
        /// The floor of `to`; without it, it is never lowered
        min: Option<Arg<Number>>,
    }
}

output! {
    pub(in crate::action) struct Patched {
        /// The path of the field
        field: String,
        /// The number that there was; of a quantity in units, such as bytes
        from: PlainNumber,
        /// The number that there is now
        to: PlainNumber,
    }
}

impl Declared for K8sPatch {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.patch",
        summary: "Changes one number of the target, in a field for which that is allowed",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "The field holds a whole number, which stays one, or a quantity; what is added is rounded up, and `max` never passed. One merge \
            patch of that field is made, on the condition of UID and resourceVersion, with the step's marker as field manager. Each bot may \
            change `spec.maxReplicas` of a HorizontalPodAutoscaler and `spec.maxReplicaCount` of KEDA's `ScaledObject.keda.sh`: they are \
            ceilings, under which the autoscaler goes up and down by itself. They are never set below `minReplicas` and `minReplicaCount`, \
            take whole numbers up to 100000, and are changed only where a Deployment is scaled that may be changed itself. A number has a \
            unit where the field has one, of the same sort. `by`, `to`, `max` and `min` take plain holes, and none that names `alert` or \
            `target`: how far it goes is for the author to bound, by inputs and by what `set` makes of the rest. \
            What else a bot may change says `actions.patch` in its dogwatch.yaml, and no playbook.",
        errors: "The cap is reached, the field is not there or holds no such number, or the number would be lowered and there is no `min`. What \
            the bot may not change is refused, and so is, whatever its configuration says, what has an action of its own (replicas, \
            `spec.minReplicas`, storage of claims, resources of containers, annotations, `unschedulable`), what is part of a template, a \
            number of a database's members, metadata and status. A human is needed where a repository, an operator, KEDA or another controller keeps the field, \
            where it is 0, and where an autoscaler scales what is no Deployment, or one that is annotated `dogwatch/hands-off`. A conflict \
            is tried again from the beginning.",
        repeated: "A repetition with `by` adds again; the engine makes each attempt once. With `to`, it finds that it is so already.",
        way_back: Some("The number that was there is put back, where it is still what the step made it."),
        arguments: Self::ARGUMENTS,
        output: Patched::FIELDS,
        rights: &[
            Right::on_target(&["get", "patch"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
            Right::on_kind(Kind::DEPLOYMENT, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: raise
  k8s.patch: { field: spec.maxReplicas, by: 25%, max: 20 }
  verify:
    until: target.status.?currentReplicas.orValue(0) < target.spec.maxReplicas
    settle: 5m
    within: 20m
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        let Some(field) = self.field.literal() else {
            return Err("`field` must be written out, so that it is seen beforehand what is changed".into());
        };
        for (name, arg) in self.numbers() {
            check_hole(name, arg)?;
        }
        match (&self.by, &self.to, &self.min) {
            (None, None, _) => return Err("say how much: `by: 25%` or `to: 20`".into()),
            (Some(_), Some(_), _) => return Err("`by` and `to` are both given; choose one".into()),
            (Some(_), None, Some(_)) => {
                return Err("`by` only raises, so that `min` says nothing; take one of them out".into());
            }
            _ => {}
        }
        let by = self.by.as_ref().and_then(Arg::literal).copied();
        let literal = |arg: &Option<Arg<Number>>| arg.as_ref().and_then(Arg::literal).copied();
        let (max, to, min) = (self.max.literal().copied(), literal(&self.to), literal(&self.min));
        let amounts = Amounts { by: by.and_then(MoreOf::amount), to, max, min };
        plan::check_counts(field, amounts)?;
        for (name, less, other, more) in [("to", to, "max", max), ("min", min, "max", max), ("min", min, "to", to)] {
            if let (Some(less), Some(more)) = (less, more)
                && less > more
            {
                return Err(format!("`{name}: {less}` is beyond `{other}: {more}`"));
            }
        }
        Ok(())
    }

    fn patched(&self) -> Option<&FieldPath> {
        self.field.literal()
    }
}

/// Whoever fires an alert, or writes an object, must not say how far the bot goes.
fn check_hole(name: &str, arg: &dyn AnyArg) -> Result<(), String> {
    holes::check_plain(name, arg)?;
    let Some((template, _)) = arg.template() else { return Ok(()) };
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    for path in template.paths() {
        let mut names = path.split(|c| !is_letter(c)).filter(|name| !matches!(*name, "" | "this" | "root"));
        if let Some(root @ ("alert" | "target")) = names.next() {
            return Err(format!(
                "`{name}` takes its number from `{root}`, so that whoever writes that decides how far the bot goes; take it from `inputs`, \
                 or from a name that `set` gives a bounded value"
            ));
        }
    }
    Ok(())
}

impl K8sPatch {
    /// What says how much.
    fn numbers(&self) -> [(&'static str, &dyn AnyArg); 4] {
        [("by", &self.by), ("to", &self.to), ("max", &self.max), ("min", &self.min)]
    }

    /// What held when it was decided, and may hold no more: a restart may have brought another
    /// configuration, and the time until then another owner.
    async fn still_may(&self, world: &World, live: &Object, intent: &Intent) -> Result<(), ActionError> {
        let field = self.path()?;
        if let Some(why) = world.patchable.refusal(&live.key().kind, field, &world.cluster.kinds()) {
            return Err(ActionError::fail(why));
        }
        plan::not_kept(live, field)?;
        plan::not_below(live, field, &intent.after)?;
        scaled::check(world.cluster.as_ref(), live, field).await
    }

    /// A check held that it is written out.
    fn path(&self) -> Result<&FieldPath, ActionError> {
        self.field.literal().ok_or_else(|| ActionError::fail("`field` of k8s.patch is not written out"))
    }
}

#[async_trait]
impl Mutation for K8sPatch {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let field = self.path()?;
        let kind = &step.target.kind;
        if let Some(why) = world.patchable.refusal(kind, field, &world.cluster.kinds()) {
            return Err(ActionError::fail(why));
        }
        let amount = match (&self.by, &self.to) {
            (Some(by), _) => Amount::By(by.resolve(step.scope)?),
            (None, Some(to)) => Amount::To(to.resolve(step.scope)?),
            (None, None) => return Err(ActionError::fail("k8s.patch has neither `by` nor `to`")),
        };
        let wish = Wish {
            amount,
            max: self.max.resolve(step.scope)?,
            min: self.min.as_ref().map(|min| min.resolve(step.scope)).transpose()?,
        };
        let object = objects::live_target(world.cluster.as_ref(), &step).await?;
        let plan = plan(&object, field, wish, step.marker())?;
        if let Plan::Do(_) = plan {
            scaled::check(world.cluster.as_ref(), &object, field).await?;
        }
        Ok(plan)
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let field = self.path()?;
        let body = field.names().iter().rev().fold(intent.after.clone(), |inner, name| json!({ *name: inner }));
        let patch = objects::patch_of(intent, body, dry_run);
        world.cluster.patch(&patch).await?;
        Ok(output(intent, field))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let field = self.path()?;
        let live = world.cluster.get(&intent.object).await?;
        let doubt =
            doubt::about(live.as_ref(), intent, |live| look(live, field, intent), are_same, || output(intent, field));
        let (Doubt::NotDone(_), Some(live)) = (&doubt, &live) else { return Ok(doubt) };
        match self.still_may(world, live, intent).await {
            Ok(()) => Ok(doubt),
            Err(error) if error.class == FailureClass::Retry => Err(error),
            Err(error) => Ok(Doubt::Unclear(format!("{error}; was: {}", intent.summary))),
        }
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let field = self.path()?;
        let object = &made.object;
        let live = world.cluster.get(object).await?;
        // What it must not be less than may have grown since.
        if let Some(live) = &live {
            plan::not_below(live, field, &made.before)?;
        }
        let back = way_back::reversed(made, plan::summary(object, field, &made.after, &made.before), run, step);
        let summary = format!("{field} of {object} is {} again: somebody has put it back", held::text(&made.before));
        let as_before = Output { summary, ..output(&back, field) };
        let plan =
            way_back::of(world.cluster.as_ref(), (made, back), run, |live| look(live, field, made), as_before).await?;
        // Fewer pods are a change of the workload as well.
        if let (Plan::Do(_), Some(live)) = (&plan, &live) {
            scaled::check(world.cluster.as_ref(), live, field).await?;
        }
        Ok(plan)
    }
}

/// The field as it is now: in the intent's own words, where the number is the same. The API server
/// may write a quantity otherwise than it was sent.
fn look(live: &Object, field: &FieldPath, intent: &Intent) -> Seen {
    let names = field.names();
    let seen = Seen {
        what: field.to_string(),
        value: live.at(&pointer(&names)).cloned().unwrap_or_default(),
        manager: live.field_manager(&names).map(|manager| manager.name),
    };
    let known = [&intent.before, &intent.after].into_iter().find(|known| are_same(known, &seen.value)).cloned();
    Seen { value: known.unwrap_or(seen.value), ..seen }
}

fn output(intent: &Intent, field: &FieldPath) -> Output {
    let patched =
        Patched { field: field.to_string(), from: PlainNumber::of(&intent.before), to: PlainNumber::of(&intent.after) };
    Output::new(&patched, intent.summary.clone())
}
