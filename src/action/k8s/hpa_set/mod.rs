//! `k8s.hpa_set`: the least or the largest number of replicas that an autoscaler may ask for.

mod bound;
mod plan;

use async_trait::async_trait;
use serde_json::json;

use super::scale::{self, WishArguments};
use super::{doubt, objects, patch, way_back};
use crate::action::amounts::{Count, MoreReplicas};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::{Cluster, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};
pub(super) use bound::Bound;
use plan::{may_be, number, output, plan, summary};

arguments! {
    pub(in crate::action) struct K8sHpaSet {
        /// Which of its bounds, written out: `min` (`spec.minReplicas`) or `max`
        /// (`spec.maxReplicas`)
        bound: Arg<Bound>,
        /// How much more it should be: a share of it, rounded up (`50%`), or a number (`2`)
        by: Option<Arg<MoreReplicas>>,
        /// What it should be, instead of `by`
        to: Option<Arg<Count>>,
        /// The cap: it is never set beyond
        max: Arg<Count>,
        /// The floor; without it, it is never lowered
        min: Option<Arg<Count>>,
    }
}

output! {
    pub(in crate::action) struct BoundSet {
        /// Which bound: `min` or `max`
        bound: String,
        /// What it was
        from: u64,
        /// What it is now
        to: u64,
    }
}

impl Declared for K8sHpaSet {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.hpa_set",
        summary: "Changes the least or the largest number of replicas of the target, a HorizontalPodAutoscaler",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch of `spec.minReplicas` or `spec.maxReplicas` is made, on the condition of UID and resourceVersion, with the \
            step's marker as field manager. The autoscaler goes up and down between them by itself, so that pods come and go by it only \
            where the load, or the new bound, says so. Where the workload is the target of the playbook, `k8s.scale` finds the autoscaler.",
        errors: "The cap is reached; it would be lowered, and there is no `min`; the least number would be above the largest one, or the \
            largest one below the least or below the replicas that there are or that are wanted now. A human is needed where a repository, an operator, KEDA or \
            another controller keeps the bound, or the workload; where two autoscalers scale it; and where it is no Deployment, or one \
            that is annotated `dogwatch/hands-off`. A conflict is tried again from the beginning.",
        repeated: "A repetition with `by` adds again; the engine makes each attempt once. With `to`, it finds that it is so already.",
        way_back: Some(
            "The number that was there is put back, where it is still what the step made it, and where as many replicas as there are by \
            then may be there.",
        ),
        arguments: Self::ARGUMENTS,
        output: BoundSet::FIELDS,
        rights: &[
            Right::on_kind(Kind::AUTOSCALER, &["get", "list", "patch"]),
            Right::on_kind(Kind::DEPLOYMENT, &["get", "list"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: floor
  k8s.hpa_set: { bound: min, by: 50%, max: 10 }
  verify: { until: target.status.?currentReplicas.orValue(0) >= floor.to, within: 10m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::AUTOSCALER];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        if self.bound.literal().is_none() {
            return Err("`bound` must be written out, so that it is seen beforehand what is changed".into());
        }
        self.wish().check_amount()?;
        let literal = |arg: Option<&Arg<Count>>| arg.and_then(Arg::literal).copied();
        let (max, min, to) = (literal(Some(&self.max)), literal(self.min.as_ref()), literal(self.to.as_ref()));
        if [max, min, to].contains(&Some(Count(0))) {
            return Err("the least number is 1: scaling to nothing is never automatic".into());
        }
        for (name, less, other, more) in [("to", to, "max", max), ("min", min, "max", max), ("min", min, "to", to)] {
            if let (Some(less), Some(more)) = (less, more)
                && less > more
            {
                return Err(format!("`{name}: {less}` is beyond `{other}: {more}`"));
            }
        }
        Ok(())
    }
}

impl K8sHpaSet {
    fn wish(&self) -> WishArguments<'_> {
        WishArguments { by: self.by.as_ref(), to: self.to.as_ref(), max: &self.max, min: self.min.as_ref() }
    }

    /// A check held that it is written out.
    fn bound(&self) -> Result<Bound, ActionError> {
        let bound = self.bound.literal().copied();
        bound.ok_or_else(|| ActionError::fail("`bound` of k8s.hpa_set is not written out"))
    }
}

#[async_trait]
impl Mutation for K8sHpaSet {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let wish = self.wish().resolve(step.scope)?;
        if !step.target.is_a("HorizontalPodAutoscaler") {
            return Err(ActionError::fail(format!("{} is no HorizontalPodAutoscaler", step.target)));
        }
        let hpa = objects::live_target(world.cluster.as_ref(), &step).await?;
        let plan = plan(&hpa, self.bound()?, wish, step.marker())?;
        if let Plan::Do(_) = plan {
            check_workload(world.cluster.as_ref(), &hpa).await?;
        }
        Ok(plan)
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let bound = self.bound()?;
        let body = json!({ "spec": { bound.field(): intent.after } });
        world.cluster.patch(&objects::patch_of(intent, body, dry_run)).await?;
        Ok(output(intent, bound))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let bound = self.bound()?;
        let live = world.cluster.get(&intent.object).await?;
        let doubt = doubt::about_field(live.as_ref(), intent, bound.path(), |a, b| a == b, || output(intent, bound));
        let (Doubt::NotDone(_), Some(live)) = (&doubt, &live) else { return Ok(doubt) };
        let still = match number(&intent.after).map_or(Ok(()), |wanted| may_be(live, bound, wanted)) {
            Ok(()) => check_workload(world.cluster.as_ref(), live).await,
            refused => refused,
        };
        doubt::unless_refused(doubt, still, intent)
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let (cluster, bound) = (world.cluster.as_ref(), self.bound()?);
        // Which is what counts where nothing is said.
        let after = if made.before.is_null() { json!(1) } else { made.before.clone() };
        let summary = summary(&made.object, bound, number(&made.after), number(&after));
        let back = Intent { after, ..way_back::reversed(made, summary, run, step) };
        let was = number(&back.after);
        let as_before = Output {
            summary: format!("{} of {} is as it was: somebody has put it back", bound.field(), made.object),
            ..output(&back, bound)
        };
        let plan = way_back::of_field(cluster, (made, back), run, bound.path(), as_before).await?;
        if let (Plan::Do(_), Some(live), Some(was)) = (&plan, cluster.get(&made.object).await?, was) {
            may_be(&live, bound, was)?;
            check_workload(cluster, &live).await?;
        }
        Ok(plan)
    }
}

/// More or fewer pods are a change of the workload as well.
async fn check_workload(cluster: &dyn Cluster, hpa: &Object) -> Result<(), ActionError> {
    let workload = patch::scaled_by(cluster, hpa).await?;
    scale::check_owner(cluster, &workload).await
}
