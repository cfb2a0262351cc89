//! `k8s.delete_job`: a Job that is stuck is taken away, with its pods.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::jobs::{self, State};
use super::{deny, doubt, field_owner, objects};
use crate::action::typed::{Arguments as _, Typed, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{ClusterError, Delete, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, ObjectKey, redact_value};

arguments! {
    pub(in crate::action) struct K8sDeleteJob {
        /// What it can be made from again: the `cronjob` that made it, which must still be there;
        /// or `self`, for a Job that somebody made by hand and that a later step makes again from
        /// `object`
        recreate_from: Option<Arg<RecreateFrom>> = "cronjob",
    }
}

output! {
    struct Deleted {
        /// The Job's name
        name: String,
        /// The CronJob that made it; empty: none
        cronjob: String,
        /// With `recreate_from: self`, the Job without what the cluster filled in; else empty
        object: Value,
    }
}

/// What the Job can be made from again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::action) enum RecreateFrom {
    CronJob,
    Itself,
}

impl Typed for RecreateFrom {
    const WORDS: &'static str = "`cronjob` or `self`";
}

/// A text that is no source.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that a Job is made from; write `cronjob` or `self`")]
pub(in crate::action) struct SourceError(String);

impl std::str::FromStr for RecreateFrom {
    type Err = SourceError;

    fn from_str(text: &str) -> Result<Self, SourceError> {
        match text {
            "cronjob" => Ok(RecreateFrom::CronJob),
            "self" => Ok(RecreateFrom::Itself),
            other => Err(SourceError(other.chars().take(40).collect())),
        }
    }
}

impl Declared for K8sDeleteJob {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.delete_job",
        summary: "Deletes the target, a Job that runs or has failed, and its pods with it",
        effect: Effect::Mutates(ChangeKind::Delete),
        about: "One deletion is made in the foreground, on the condition of the UID: the Job stays, marked, until its pods are gone. \
            Their logs go with them. There is no cap, as it is one Job. A Job that has succeeded, is being deleted or is gone needs \
            no deletion: that is no error.",
        errors: "The target is no Job. A human is needed for a Job that something else makes, or that could not be made again, also \
            because it holds a secret that must not be kept, and for a CronJob that is annotated `dogwatch/hands-off`.",
        repeated: "What has the UID is deleted once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Deleted::FIELDS,
        rights: &[
            Right::on_kind(Kind::JOB, &["get", "delete"]),
            Right::on_kind(Kind::CRON_JOB, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        // What is deleted can be made again, or it is refused: no data is lost by it.
        most_autonomy: Autonomy::Auto,
        example: "\
- id: jobs
  k8s.list: { kind: Job, labels: app=backup }
- id: stop
  k8s.delete_job: { recreate_from: cronjob }
  verify:
    query: jobs
    until: '!items.exists(j, j.metadata.name == stop.name)'
    within: 15m
",
    };

    const TARGETS: &'static [Kind] = &[Kind::JOB];

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }
}

#[async_trait]
impl Mutation for K8sDeleteJob {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let source = self.recreate_from(step.scope)?;
        if !step.target.is_a("Job") {
            return Err(ActionError::fail(format!("{} is no Job; k8s.delete_job takes away Jobs only", step.target)));
        }
        let Some(job) = world.cluster.get(step.target).await? else {
            return Ok(unneeded(step.target, "is gone already"));
        };
        let cronjob = match jobs::cronjob_of(&job) {
            Some(name) => world.cluster.get(&ObjectKey::new("CronJob", job.namespace(), name)).await?,
            None => None,
        };
        plan(&job, cronjob.as_ref(), source, step.marker())
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        let delete = Delete { key: intent.object.clone(), uid: intent.uid.clone(), wait_for_dependents: true, dry_run };
        match world.cluster.delete(&delete).await {
            // Somebody was faster: it is gone, as was wanted.
            Ok(()) | Err(ClusterError::NotFound(_)) => Ok(output(intent)),
            Err(error) => Err(error.into()),
        }
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        let live = world.cluster.get(&intent.object).await?;
        Ok(doubt::about_deletion(live.as_ref(), intent, || output(intent)))
    }

    /// Its next Job would hang as well.
    fn remedied(&self, intent: &Intent) -> ObjectKey {
        match intent.before.get("cronjob").and_then(Value::as_str) {
            Some(cronjob) if !cronjob.is_empty() => ObjectKey::new("CronJob", &intent.object.namespace, cronjob),
            _ => intent.object.clone(),
        }
    }
}

fn plan(job: &Object, cronjob: Option<&Object>, from: RecreateFrom, marker: String) -> Result<Plan, ActionError> {
    let key = job.key();
    match jobs::state(job) {
        State::Going => {
            let why = format!("is being deleted already; {}", jobs::still_there(job));
            return Ok(unneeded(&key, &why));
        }
        State::Succeeded => return Ok(unneeded(&key, "has succeeded, and holds nothing up")),
        State::Failed | State::Live => {}
    }
    match (cronjob, jobs::cronjob_of(job), from) {
        (Some(cronjob), _, _) => deny::check_hands_off(cronjob)?,
        (None, Some(name), _) => {
            return Err(ActionError::needs_human(format!(
                "{key} comes from the CronJob `{name}`, which is not there any more: it could not be made again"
            )));
        }
        (None, None, _) if objects::controller(job).is_some() => {
            let who = field_owner::controller(job).unwrap_or_else(|| key.to_string());
            return Err(ActionError::needs_human(who));
        }
        (None, None, RecreateFrom::Itself) => {}
        (None, None, RecreateFrom::CronJob) => {
            return Err(ActionError::needs_human(format!(
                "{key} comes from no CronJob: somebody made it by hand, and would have to make it again"
            )));
        }
    }
    // What the output says goes along, as after a crash the Job can no longer be asked: the whole
    // of it only where nothing else says how to make it again.
    let object = if from == RecreateFrom::Itself { kept(job)? } else { json!({}) };
    let before = json!({ "cronjob": jobs::cronjob_of(job).unwrap_or_default(), "object": object });
    Ok(Plan::Do(Intent {
        summary: format!("delete {key}"),
        object: key,
        uid: job.uid().to_owned(),
        resource_version: job.resource_version().to_owned(),
        before,
        after: Value::Null,
        marker,
    }))
}

/// All that it takes to make the Job again. It goes on the run's log: what would be masked there
/// could not be made again.
fn kept(job: &Object) -> Result<Value, ActionError> {
    let image = jobs::pre_image(job);
    let mut masked = image.clone();
    redact_value(&mut masked);
    if masked == image {
        return Ok(image);
    }
    Err(ActionError::needs_human(format!(
        "{} holds what looks like a secret, which must not be kept, and without which it could not be made again; \
         delete it by hand, and let its next one take the secret from a Secret",
        job.key()
    )))
}

fn unneeded(key: &ObjectKey, why: &str) -> Plan {
    let deleted = Deleted { name: key.name.clone(), cronjob: String::new(), object: json!({}) };
    Plan::Unneeded(Output::new(&deleted, format!("{key} {why}")))
}

fn output(intent: &Intent) -> Output {
    let kept = |name: &str| intent.before.get(name).cloned().unwrap_or_default();
    let cronjob = kept("cronjob").as_str().unwrap_or_default().to_owned();
    let deleted = Deleted { name: intent.object.name.clone(), cronjob, object: kept("object") };
    Output::new(&deleted, intent.summary.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::FailureClass;

    fn job(owner: Value, status: Value) -> Object {
        Object(json!({
            "kind": "Job",
            "metadata": {
                "name": "backup-db-17-29", "namespace": "databases", "uid": "j1", "resourceVersion": "10",
                "ownerReferences": [owner],
            },
            "spec": { "template": { "spec": { "containers": [] } } },
            "status": status,
        }))
    }

    fn of_cronjob(status: Value) -> Object {
        job(json!({ "kind": "CronJob", "name": "backup-db-17", "uid": "c1", "controller": true }), status)
    }

    fn cronjob(annotations: Value) -> Object {
        Object(json!({
            "kind": "CronJob",
            "metadata": { "name": "backup-db-17", "namespace": "databases", "uid": "c1", "annotations": annotations },
        }))
    }

    fn told(plan: Result<Plan, ActionError>) -> String {
        match plan {
            Ok(Plan::Do(intent)) => intent.summary,
            Ok(Plan::Unneeded(output)) => format!("unneeded: {}", output.summary),
            Err(error) => {
                assert!(
                    matches!(error.class, FailureClass::NeedsHuman | FailureClass::LeaveAlone | FailureClass::HeldUp),
                    "{error}"
                );
                error.message
            }
        }
    }

    fn decide(job: &Object, cronjob: Option<&Object>, from: RecreateFrom) -> String {
        told(plan(job, cronjob, from, "m".into()))
    }

    fn ended(kind: &str) -> Value {
        json!({ "conditions": [{ "type": kind, "status": "True" }] })
    }

    #[test]
    fn a_job_that_hangs_or_failed_is_taken_away() {
        let source = cronjob(json!({}));
        for status in [json!({ "active": 1 }), ended("Failed")] {
            assert_eq!(
                decide(&of_cronjob(status), Some(&source), RecreateFrom::CronJob),
                "delete job/backup-db-17-29 in databases"
            );
        }
        let Ok(Plan::Do(intent)) = plan(&of_cronjob(json!({})), Some(&source), RecreateFrom::CronJob, "m".into())
        else {
            panic!()
        };
        assert_eq!((intent.uid.as_str(), &intent.after), ("j1", &Value::Null));
        let output = output(&intent);
        assert_eq!(output.value.get("cronjob"), Some(&json!("backup-db-17")));
        assert_eq!(output.value.get("object"), Some(&json!({})), "the CronJob says how it is made");
    }

    #[test]
    fn what_ended_well_or_is_going_needs_no_deletion() {
        let source = cronjob(json!({}));
        assert!(decide(&of_cronjob(ended("Complete")), Some(&source), RecreateFrom::CronJob).contains("has succeeded"));
        let mut going = of_cronjob(json!({ "active": 1 }));
        going.0["metadata"]["deletionTimestamp"] = json!("2026-05-01T12:00:00Z");
        assert!(decide(&going, Some(&source), RecreateFrom::CronJob).starts_with("unneeded: "));
    }

    #[test]
    fn what_could_not_be_made_again_stays() {
        let by_hand = job(json!({}), json!({ "active": 1 }));
        assert!(decide(&by_hand, None, RecreateFrom::CronJob).contains("comes from no CronJob"));
        assert!(decide(&by_hand, None, RecreateFrom::Itself).starts_with("delete "));
        assert!(decide(&of_cronjob(json!({})), None, RecreateFrom::Itself).contains("which is not there any more"));
        let workflow = job(json!({ "kind": "Workflow", "name": "w", "controller": true }), json!({}));
        assert!(decide(&workflow, None, RecreateFrom::Itself).contains("is made by Workflow `w`"));
    }

    #[test]
    fn a_job_that_is_kept_whole_must_hold_no_secret() {
        let mut by_hand = job(json!({}), json!({ "active": 1 }));
        let Ok(Plan::Do(intent)) = plan(&by_hand, None, RecreateFrom::Itself, "m".into()) else { panic!() };
        assert!(output(&intent).value.get("object").unwrap().pointer("/spec/template").is_some());
        by_hand.0["spec"]["template"]["spec"]["containers"] =
            json!([{ "name": "backup", "env": [{ "name": "PGPASSWORD", "value": "hunter2" }] }]);
        assert!(decide(&by_hand, None, RecreateFrom::Itself).contains("holds what looks like a secret"));
        let mut of_cronjob = of_cronjob(json!({}));
        of_cronjob.0["spec"] = by_hand.0["spec"].clone();
        let plan = plan(&of_cronjob, Some(&cronjob(json!({}))), RecreateFrom::CronJob, "m".into()).unwrap();
        assert!(!format!("{plan:?}").contains("hunter2"));
    }

    #[test]
    fn hands_off_the_cronjob_is_hands_off_its_jobs() {
        let held = cronjob(json!({ "dogwatch/hands-off": "true" }));
        assert!(decide(&of_cronjob(json!({})), Some(&held), RecreateFrom::CronJob).contains("dogwatch/hands-off"));
    }

    #[test]
    fn after_a_crash_the_uid_tells() {
        let alive = of_cronjob(json!({ "active": 1 }));
        let Ok(Plan::Do(intent)) = plan(&alive, Some(&cronjob(json!({}))), RecreateFrom::CronJob, "m".into()) else {
            panic!()
        };
        let ask = |live: Option<&Object>| doubt::about_deletion(live, &intent, || output(&intent));
        assert!(matches!(ask(Some(&alive)), Doubt::NotDone(_)));
        assert!(matches!(ask(None), Doubt::Done(_)));
        let mut going = alive.clone();
        going.0["metadata"]["deletionTimestamp"] = json!("2026-05-01T12:00:00Z");
        assert!(matches!(ask(Some(&going)), Doubt::Done(_)));
        let mut another = alive;
        another.0["metadata"]["uid"] = json!("j2");
        assert!(matches!(ask(Some(&another)), Doubt::Done(_)));
    }
}
