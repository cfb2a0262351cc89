//! `k8s.hpa_set`: the least or the largest number of replicas that an autoscaler may ask for.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::scale::{self, Amount, Wish};
use super::{doubt, field_owner, objects, patch, way_back};
use crate::action::amounts::{Count, MoreReplicas};
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::{Cluster, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey, StepAddress};

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

/// A bound of an autoscaler.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) enum Bound {
    Min,
    Max,
}

impl Bound {
    pub(super) fn path(self) -> &'static [&'static str] {
        match self {
            Bound::Min => &["spec", "minReplicas"],
            Bound::Max => &["spec", "maxReplicas"],
        }
    }

    /// For people, and as the API has it.
    fn field(self) -> &'static str {
        match self {
            Bound::Min => "minReplicas",
            Bound::Max => "maxReplicas",
        }
    }

    /// What the autoscaler goes by: where it names no least number, that is 1. `None`: it is no
    /// number of replicas.
    pub(super) fn of(self, hpa: &Object) -> Option<u32> {
        match hpa.at(&format!("/spec/{}", self.field())) {
            None | Some(Value::Null) => (self == Bound::Min).then_some(1),
            Some(number) => u32::try_from(number.as_u64()?).ok(),
        }
    }
}

impl Typed for Bound {
    const WORDS: &'static str = "`min` or `max`";
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Bound::Min => "min",
            Bound::Max => "max",
        })
    }
}

/// A text that is no bound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no bound of an autoscaler; write `min` or `max`")]
pub(in crate::action) struct BoundError(String);

impl FromStr for Bound {
    type Err = BoundError;

    fn from_str(text: &str) -> Result<Self, BoundError> {
        match text {
            "min" => Ok(Bound::Min),
            "max" => Ok(Bound::Max),
            other => Err(BoundError(other.chars().take(40).collect())),
        }
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
        match (&self.by, &self.to) {
            (None, None) => return Err("say how many: `by: 50%` or `to: 6`".into()),
            (Some(_), Some(_)) => return Err("`by` and `to` are both given; choose one".into()),
            _ => {}
        }
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
    /// A check held that it is written out.
    fn bound(&self) -> Result<Bound, ActionError> {
        let bound = self.bound.literal().copied();
        bound.ok_or_else(|| ActionError::fail("`bound` of k8s.hpa_set is not written out"))
    }
}

#[async_trait]
impl Mutation for K8sHpaSet {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let amount = match (&self.by, &self.to) {
            (Some(by), _) => Amount::By(by.resolve(step.scope)?),
            (None, Some(to)) => Amount::To(to.resolve(step.scope)?.0),
            (None, None) => return Err(ActionError::fail("k8s.hpa_set has neither `by` nor `to`")),
        };
        let wish = Wish {
            amount,
            max: self.max.resolve(step.scope)?.0,
            min: self.min.as_ref().map(|min| min.resolve(step.scope)).transpose()?.map(|min| min.0),
        };
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

fn plan(hpa: &Object, bound: Bound, wish: Wish, marker: String) -> Result<Plan, ActionError> {
    let (key, field) = (hpa.key(), bound.field());
    if hpa.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if let Some(who) = field_owner::controller(hpa).or_else(|| field_owner::keeper(hpa, bound.path())) {
        return Err(ActionError::needs_human(who));
    }
    let Some(current) = bound.of(hpa).filter(|current| *current > 0) else {
        return Err(ActionError::needs_human(format!("{key} has no {field} that could be changed; look at it first")));
    };
    let wanted = wanted(&key, field, current, wish)?;
    let before = hpa.at(&format!("/spec/{field}")).cloned().unwrap_or(Value::Null);
    let intent = Intent {
        summary: summary(&key, bound, Some(current), Some(wanted)),
        object: key,
        uid: hpa.uid().to_owned(),
        resource_version: hpa.resource_version().to_owned(),
        before,
        after: json!(wanted),
        marker,
    };
    if wanted == current {
        let summary = format!("{field} of {} is {current} already", intent.object);
        return Ok(Plan::Unneeded(Output { summary, ..output(&intent, bound) }));
    }
    may_be(hpa, bound, wanted)?;
    Ok(Plan::Do(intent))
}

/// Within cap and floor.
fn wanted(key: &ObjectKey, field: &str, current: u32, wish: Wish) -> Result<u32, ActionError> {
    let asked = match wish.amount {
        Amount::By(more) => more.on(current),
        Amount::To(number) => number,
    };
    if asked > current && current >= wish.max {
        return Err(ActionError::fail(format!(
            "{field} of {key} is {current}, and the cap is {}: look what the pods wait for, or let a human raise the cap",
            wish.max
        )));
    }
    match wish.min {
        _ if asked >= current => Ok(asked.min(wish.max).max(current)),
        Some(min) => Ok(asked.max(min).max(1).min(current)),
        None => Err(ActionError::fail(format!(
            "{field} of {key} would be lowered {current} -> {asked}, and the playbook names no `min`"
        ))),
    }
}

/// Whether a bound fits the other one, and what runs now.
fn may_be(hpa: &Object, bound: Bound, wanted: u32) -> Result<(), ActionError> {
    let key = hpa.key();
    let (least, most) = (Bound::Min.of(hpa).unwrap_or(1), Bound::Max.of(hpa).unwrap_or(0));
    match bound {
        Bound::Min if wanted > most => Err(ActionError::fail(format!(
            "minReplicas of {key} would be {wanted}, above its maxReplicas of {most}: raise that first, if there are nodes for more"
        ))),
        Bound::Max if wanted < least => {
            Err(ActionError::fail(format!("maxReplicas of {key} would be {wanted}, below its minReplicas of {least}")))
        }
        Bound::Max if wanted < most => {
            let now = ["/status/currentReplicas", "/status/desiredReplicas"].map(|at| hpa.number(at));
            match now.into_iter().flatten().max() {
                Some(now) if now <= i64::from(wanted) => Ok(()),
                Some(now) => Err(ActionError::fail(format!(
                    "maxReplicas of {key} would be {wanted}, and there are or shall be {now} replicas now: pods that the load asked for would \
                     be taken away"
                ))),
                None => Err(ActionError::fail(format!(
                    "how many replicas {key} has asked for is not known, so that its maxReplicas is not lowered"
                ))),
            }
        }
        _ => Ok(()),
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn summary(key: &ObjectKey, bound: Bound, from: Option<u32>, to: Option<u32>) -> String {
    let (from, to) = (from.unwrap_or(1), to.unwrap_or(1));
    let verb = if to < from { "lower" } else { "raise" };
    format!("{verb} {} of {key} {from} -> {to}", bound.field())
}

fn output(intent: &Intent, bound: Bound) -> Output {
    let value = |value: &Value| u64::from(number(value).unwrap_or(1));
    let set = BoundSet { bound: bound.to_string(), from: value(&intent.before), to: value(&intent.after) };
    Output::new(&set, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn to(number: u32, max: u32, min: Option<u32>) -> Wish {
        Wish { amount: Amount::To(number), max, min }
    }

    fn by(text: &str, max: u32) -> Wish {
        Wish { amount: Amount::By(text.parse().unwrap()), max, min: None }
    }

    /// Of an autoscaler from 2 to 10, with 4 replicas.
    fn decide(bound: Bound, wish: Wish, patch: &Value) -> Result<String, ActionError> {
        let status = json!({ "status": { "currentReplicas": 4, "desiredReplicas": 4 } });
        let hpa = build::hpa("shop", "web", 2, 10).with(&status).with(patch);
        Ok(match plan(&hpa, bound, wish, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    fn refused(bound: Bound, wish: Wish) -> String {
        let error = decide(bound, wish, &json!({})).unwrap_err();
        assert_eq!(error.class, FailureClass::Fail, "{error}");
        error.message
    }

    #[test]
    fn a_bound_is_set_up_to_its_cap_and_down_to_its_floor() {
        for (bound, wish, told) in [
            (Bound::Min, by("50%", 8), "raise minReplicas of horizontalpodautoscaler/web in shop 2 -> 3"),
            (Bound::Min, by("20", 8), "raise minReplicas of horizontalpodautoscaler/web in shop 2 -> 8"),
            (Bound::Max, to(12, 20, None), "raise maxReplicas of horizontalpodautoscaler/web in shop 10 -> 12"),
            (Bound::Max, to(5, 20, Some(6)), "lower maxReplicas of horizontalpodautoscaler/web in shop 10 -> 6"),
            (Bound::Min, to(1, 8, Some(1)), "lower minReplicas of horizontalpodautoscaler/web in shop 2 -> 1"),
            (Bound::Min, to(2, 8, None), "unneeded: minReplicas of horizontalpodautoscaler/web in shop is 2 already"),
        ] {
            assert_eq!(decide(bound, wish, &json!({})).unwrap(), told);
        }
        let unsaid = json!({ "spec": { "minReplicas": null } });
        assert!(
            decide(Bound::Min, to(2, 8, None), &unsaid).unwrap().ends_with("1 -> 2"),
            "where it says nothing it is 1"
        );
    }

    #[test]
    fn bounds_never_cross_each_other_or_what_runs() {
        assert!(refused(Bound::Min, to(11, 20, None)).contains("above its maxReplicas of 10"));
        assert!(refused(Bound::Max, to(1, 20, Some(1))).contains("below its minReplicas of 2"));
        assert!(refused(Bound::Max, to(3, 20, Some(1))).contains("there are or shall be 4 replicas now"));
        let more_are_wanted = json!({ "status": { "desiredReplicas": 7 } });
        assert!(decide(Bound::Max, to(5, 20, Some(1)), &more_are_wanted).unwrap_err().message.contains("shall be 7"));
        let unknown = json!({ "status": { "currentReplicas": null, "desiredReplicas": null } });
        assert!(decide(Bound::Max, to(5, 20, Some(1)), &unknown).unwrap_err().message.contains("is not known"));
        assert!(decide(Bound::Max, to(12, 20, None), &unknown).is_ok());
    }

    #[test]
    fn cap_and_floor_are_named_by_the_playbook() {
        assert!(refused(Bound::Max, by("1", 10)).contains("is 10, and the cap is 10"));
        assert!(
            refused(Bound::Max, to(5, 20, None)).contains("would be lowered 10 -> 5, and the playbook names no `min`")
        );
    }

    #[test]
    fn what_others_keep_is_theirs() {
        let owner = json!([{ "kind": "ScaledObject", "name": "web", "controller": true }]);
        let fields = json!({ "f:spec": { "f:maxReplicas": {} } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        for (patch, told) in [
            (json!({ "metadata": { "ownerReferences": owner } }), "is made by ScaledObject `web`"),
            (kept.clone(), "is kept by Argo CD"),
            (json!({ "spec": { "maxReplicas": 0 } }), "has no maxReplicas"),
        ] {
            let error = decide(Bound::Max, to(12, 20, None), &patch).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains(told), "{error}");
        }
        assert!(decide(Bound::Min, to(3, 20, None), &kept).is_ok(), "the other bound is nobody's");
    }
}
