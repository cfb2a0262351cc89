//! `k8s.suspend_cronjob`: a CronJob begins no Jobs for now.

use async_trait::async_trait;

use super::{FIELDS, SUSPEND, made, may_change, missed, output};
use crate::action::k8s::objects;
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sSuspendCronJob {}
}

impl Declared for K8sSuspendCronJob {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.suspend_cronjob",
        summary: "Has the target, a CronJob, begin no Jobs until it is resumed",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch sets `spec.suspend`, on the condition of UID and resourceVersion, with the step's marker as field \
            manager. Jobs that run go on. Nothing says later that the CronJob is suspended, unless somebody asks: with `undo: at_end` it is \
            for the time of the run alone. One that is suspended already is left as it is, whoever did it: that is no error.",
        errors: "The CronJob is being deleted. A human is needed where a repository, an operator or another controller keeps the field. A \
            conflict is tried again from the beginning.",
        repeated: "A CronJob that is suspended needs no second time.",
        way_back: Some(
            "It begins Jobs again, where it is still suspended by this run. A run that was missed meanwhile may then start at once.",
        ),
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: &[Right::on_kind(Kind::CRON_JOB, &["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: suspend
  k8s.suspend_cronjob: {}
  verify: { until: target.spec.?suspend.orValue(false), within: 1m }
  undo: at_end
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CRON_JOB];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sSuspendCronJob {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        plan(&objects::live_target(world.cluster.as_ref(), &step).await?, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        SUSPEND.apply(world, intent, dry_run).await?;
        Ok(made(intent))
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        SUSPEND.doubt(world, intent, || made(intent)).await
    }

    async fn take_back(
        &self,
        world: &World,
        made: &Intent,
        run: RunMark<'_>,
        step: &StepAddress,
    ) -> Result<Plan, ActionError> {
        let (cluster, key) = (world.cluster.as_ref(), &made.object);
        let live = cluster.get(key).await?;
        let missed = live.as_ref().map(|live| format!("; {}", missed(live))).unwrap_or_default();
        let as_before = output(&key.name, false, format!("{key} begins Jobs again: somebody has resumed it"));
        SUSPEND.take_back(cluster, (made, format!("resume {key}{missed}")), run, step, as_before).await
    }
}

fn plan(cronjob: &Object, marker: String) -> Result<Plan, ActionError> {
    let key = cronjob.key();
    if SUSPEND.holds(cronjob) {
        let by = SUSPEND.by_whom(cronjob).map_or_else(String::new, |manager| format!(", by `{manager}`"));
        return Ok(Plan::Unneeded(output(cronjob.name(), true, format!("{key} is suspended already{by}"))));
    }
    may_change(cronjob)?;
    let active = cronjob.at("/status/active").and_then(|active| active.as_array()).map_or(0, Vec::len);
    let go_on = if active == 0 { String::new() } else { format!("; Jobs of it that go on: {active}") };
    Ok(Plan::Do(SUSPEND.intent(cronjob, true, format!("suspend {key}{go_on}"), marker)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn decide(patch: &Value) -> Result<String, ActionError> {
        let cronjob = build::cronjob("databases", "backup", "0 1 * * *").with(patch);
        Ok(match plan(&cronjob, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn one_that_begins_jobs_is_suspended_and_those_that_run_are_told() {
        assert_eq!(decide(&json!({})).unwrap(), "suspend cronjob/backup in databases");
        let runs = json!({ "spec": { "suspend": false }, "status": { "active": [{ "name": "backup-1" }] } });
        assert_eq!(decide(&runs).unwrap(), "suspend cronjob/backup in databases; Jobs of it that go on: 1");
        let is_already = json!({ "spec": { "suspend": true } });
        assert_eq!(decide(&is_already).unwrap(), "unneeded: cronjob/backup in databases is suspended already");
    }

    #[test]
    fn what_others_keep_is_theirs() {
        let fields = json!({ "f:spec": { "f:suspend": {} } });
        let kept = json!({ "metadata": { "managedFields": [{ "manager": "argocd-controller", "fieldsV1": fields }] } });
        let owner = json!([{ "kind": "PerconaBackup", "name": "b", "controller": true }]);
        let owned = json!({ "metadata": { "ownerReferences": owner } });
        for (patch, told) in [(kept, "is kept by Argo CD"), (owned, "is made by PerconaBackup `b`")] {
            let error = decide(&patch).unwrap_err();
            assert_eq!(error.class, FailureClass::NeedsHuman);
            assert!(error.message.contains(told), "{error}");
        }
        let going = json!({ "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        assert_eq!(decide(&going).unwrap_err().class, FailureClass::Fail);
    }
}
