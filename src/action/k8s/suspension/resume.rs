//! `k8s.resume_cronjob`: a CronJob that was suspended begins Jobs again.

use async_trait::async_trait;

use super::{FIELDS, SUSPEND, made, may_change, missed, output};
use crate::action::amounts::Flag;
use crate::action::k8s::{doubt, objects};
use crate::action::typed::{Arguments as _, arguments};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    RunMark, StepContext, World,
};
use crate::cluster::Object;
use crate::language::Arg;
use crate::model::{Autonomy, Intent, StepAddress};

arguments! {
    pub(in crate::action) struct K8sResumeCronJob {
        /// Whether it is done also where somebody else suspended the CronJob
        whoever: Option<Arg<Flag>> = "false",
    }
}

impl Declared for K8sResumeCronJob {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.resume_cronjob",
        summary: "Has the target, a CronJob that was suspended, begin Jobs again",
        effect: Effect::Mutates(ChangeKind::Patch),
        about: "One merge patch sets `spec.suspend` to `false`, on the condition of UID and resourceVersion, with the step's marker as \
            field manager. It is done where a run of the bot suspended the CronJob, as its field manager says (`dogwatch-run-...`): \
            somebody else had a reason that nobody here knows. `whoever: true` overrides that. The latest run that was missed may start at once, within \
            `startingDeadlineSeconds` or, where that is not set, however long ago it was; the summary says so. One that is not suspended is \
            left as it is: that is no error.",
        errors: "The CronJob is being deleted. A human is needed where somebody else suspended it, and where a repository, an operator or \
            another controller keeps the field. A conflict is tried again from the beginning.",
        repeated: "A CronJob that begins Jobs needs no second time.",
        way_back: Some(
            "It is suspended again, where nobody has written the field since. A Job that has begun meanwhile goes on.",
        ),
        arguments: Self::ARGUMENTS,
        output: FIELDS,
        rights: &[Right::on_kind(Kind::CRON_JOB, &["get", "patch"]), Right::on_kind(Kind::NAMESPACE, &["get"])],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: resume
  k8s.resume_cronjob: {}
  verify: { until: \"!target.spec.?suspend.orValue(false)\", within: 1m }
",
    };

    const TARGETS: &'static [Kind] = &[Kind::CRON_JOB];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sResumeCronJob {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let whoever = self.whoever(step.scope)?.0;
        plan(&objects::live_target(world.cluster.as_ref(), &step).await?, whoever, step.marker())
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
        let key = &made.object;
        let as_before = output(&key.name, true, format!("{key} is suspended again: somebody has done it"));
        SUSPEND.take_back(world.cluster.as_ref(), (made, format!("suspend {key}")), run, step, as_before).await
    }
}

fn plan(cronjob: &Object, whoever: bool, marker: String) -> Result<Plan, ActionError> {
    let key = cronjob.key();
    if !SUSPEND.holds(cronjob) {
        return Ok(Plan::Unneeded(output(cronjob.name(), false, format!("{key} begins Jobs already"))));
    }
    may_change(cronjob)?;
    if !whoever && !SUSPEND.is_by_a_run(cronjob) {
        let by = doubt::by_whom(SUSPEND.by_whom(cronjob).as_deref());
        return Err(ActionError::needs_human(format!(
            "{key} was suspended by {by}, and by no run: whoever did it knows why, and when it may begin Jobs again"
        )));
    }
    Ok(Plan::Do(SUSPEND.intent(cronjob, false, format!("resume {key}; {}", missed(cronjob)), marker)))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cluster::sim::build;
    use crate::model::FailureClass;

    fn suspended(manager: &str, spec: Value) -> Object {
        let fields = json!({ "f:spec": { "f:suspend": {} } });
        let managers = json!([{ "manager": manager, "time": "2026-05-01T12:00:00Z", "fieldsV1": fields }]);
        let cronjob = build::cronjob("databases", "backup", "0 1 * * *");
        cronjob
            .with(&json!({ "metadata": { "managedFields": managers }, "spec": { "suspend": true } }))
            .with(&json!({ "spec": spec }))
    }

    fn decide(cronjob: &Object, whoever: bool) -> Result<String, ActionError> {
        Ok(match plan(cronjob, whoever, "m".into())? {
            Plan::Do(intent) => intent.summary,
            Plan::Unneeded(output) => format!("unneeded: {}", output.summary),
        })
    }

    #[test]
    fn what_a_run_suspended_is_resumed_with_a_word_about_what_was_missed() {
        assert_eq!(
            decide(&suspended("dogwatch-run-3f9a1c2e-7-hold", json!({})), false).unwrap(),
            "resume cronjob/backup in databases; the last run that was missed may start at once, however long ago (it has no \
             startingDeadlineSeconds)"
        );
        let ours = suspended("dogwatch-run-7-hold", json!({ "startingDeadlineSeconds": 600 }));
        assert!(
            decide(&ours, false).unwrap().ends_with("a run that was missed within the last 600s may start at once")
        );
        let runs = suspended("kubectl-patch", json!({ "suspend": false }));
        assert_eq!(decide(&runs, false).unwrap(), "unneeded: cronjob/backup in databases begins Jobs already");
    }

    #[test]
    fn what_somebody_else_suspended_stays_so() {
        let theirs = suspended("kubectl-patch", json!({}));
        let error = decide(&theirs, false).unwrap_err();
        assert_eq!(error.class, FailureClass::NeedsHuman);
        assert!(error.message.contains("was suspended by `kubectl-patch`, and by no run"), "{error}");
        assert!(decide(&theirs, true).is_ok());
        let nobodys = theirs.with(&json!({ "metadata": { "managedFields": null } }));
        assert!(decide(&nobodys, false).unwrap_err().message.contains("was suspended by somebody"));
        let kept = suspended("argocd-controller", json!({}));
        assert!(decide(&kept, true).unwrap_err().message.contains("is kept by Argo CD"));
    }
}
