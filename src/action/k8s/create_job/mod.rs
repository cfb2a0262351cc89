//! `k8s.create_job`: one more Job from where the last one came.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;

use super::jobs::{self, MARKER, PreImage, State};
use super::{deny, objects};
use crate::action::typed::{Arguments as _, Typed as _, arguments, output};
use crate::action::{
    Action, ActionError, ChangeKind, Declaration, Declared, Doubt, Effect, Kind, Mutation, Output, Plan, Right,
    StepContext, World,
};
use crate::cluster::{Cluster, ClusterError, ListQuery, Object};
use crate::language::Arg;
use crate::model::{Autonomy, Intent, MASK, ObjectKey};

arguments! {
    pub(in crate::action) struct K8sCreateJob {
        /// The name of a CronJob in the target's namespace. By default the target, if it is one, or
        /// the CronJob that made the target; give it when an earlier step deletes the target
        from_cronjob: Option<Arg<String>>,
        /// Instead, a Job that `k8s.delete_job: { recreate_from: self }` took away:
        /// `"{{stop.object}}"`
        from_object: Option<Arg<PreImage>>,
    }
}

output! {
    pub(in crate::action) struct Created {
        /// The name of the Job that is there now; empty: none was needed
        name: String,
        /// The CronJob that it is from; empty: none, or none was needed
        from: String,
    }
}

/// The most Jobs that are looked through for one that is under way.
const MOST_JOBS: usize = 2_000;

impl Declared for K8sCreateJob {
    const DECLARATION: Declaration = Declaration {
        name: "k8s.create_job",
        summary: "Starts a Job now, from where the last one came",
        effect: Effect::Mutates(ChangeKind::Create),
        about: "One Job is created, as `kubectl create job --from=cronjob/NAME` makes it, with the step's marker as the annotation \
            `dogwatch/marker`. Its name follows from the CronJob and the run: `NAME-dogwatch-3f9a1c2e-7`; a second step of the \
            playbook that creates, and each item of a loop, has ten digits of its address after that. There is no cap beyond that: \
            one Job for each step, of a template that is there already, and only when no other Job of the CronJob is under way. The \
            CronJob's own schedule doesn't know it, so that `concurrencyPolicy: Forbid` doesn't hold back the next regular one.\n\n\
            A target that has succeeded meanwhile needs no other Job: that is no error. Nor does one that is out of the way when a \
            later Job of its CronJob is under way or has succeeded by then: with `concurrencyPolicy: Forbid`, the CronJob's \
            controller starts the run that it has missed as soon as the Job before it is gone. `name` is then that Job's. While the \
            target is still being deleted, the step is tried again.",
        errors: "Another Job of the CronJob is under way beside or before the target: an item of a loop is left alone then. A human is \
            needed for a CronJob that is suspended or annotated `dogwatch/hands-off`, and for a Job of that name that isn't ours.",
        repeated: "The name is the same, and a Job with our marker is the one: it is made once.",
        way_back: None,
        arguments: Self::ARGUMENTS,
        output: Created::FIELDS,
        rights: &[
            Right::on_kind(Kind::JOB, &["get", "list", "create"]),
            Right::on_kind(Kind::CRON_JOB, &["get"]),
            Right::on_kind(Kind::NAMESPACE, &["get"]),
        ],
        most_autonomy: Autonomy::Auto,
        example: "\
- id: jobs
  k8s.list: { kind: Job, labels: app=backup }
- id: start
  k8s.create_job: { from_cronjob: backup }
  verify:
    query: jobs
    until: items.exists(j, j.metadata.name == start.name && j.status.?succeeded.orValue(0) > 0)
    within: 2h
",
    };

    fn into_action(self) -> Action {
        Action::Mutate(Box::new(self))
    }

    fn check(&self) -> Result<(), String> {
        match (&self.from_cronjob, &self.from_object) {
            (Some(_), Some(_)) => Err("`from_cronjob` and `from_object` are both given; choose one".into()),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Mutation for K8sCreateJob {
    async fn prepare(&self, world: &World, step: StepContext<'_>) -> Result<Plan, ActionError> {
        let target = world.cluster.get(step.target).await?;
        let Some(image) = &self.from_object else {
            let name = self.cronjob(&step, target.as_ref())?;
            return prepare_from(world, &step, target.as_ref(), &name).await;
        };
        let image = image.resolve(step.scope)?;
        if image.namespace() != step.target.namespace {
            return Err(ActionError::fail("a Job is made again in the target's namespace only"));
        }
        let name = jobs::name_for(image.name(), step.run, step.tag);
        let job = image.again(&name, &step.marker());
        if job.0.to_string().contains(MASK) {
            return Err(ActionError::needs_human(format!(
                "job/{} was read with its secrets masked: it cannot be made again from that",
                image.name()
            )));
        }
        if let Some(unneeded) = after_target(step.target, target.as_ref())? {
            return Ok(unneeded);
        }
        Ok(Plan::Do(intent(ObjectKey::new("Job", &step.target.namespace, name), job.0, step.marker())))
    }

    async fn apply(&self, world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
        create(world, intent, dry_run).await
    }

    async fn doubt(&self, world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
        doubt(world, intent).await
    }

    fn remedied(&self, intent: &Intent) -> ObjectKey {
        remedied(intent)
    }
}

/// What it takes to start a Job of that CronJob now, in the target's namespace.
///
/// # Errors
/// It is not there or not to be run, or another Job of it is under way.
pub(in crate::action) async fn prepare_from(
    world: &World,
    step: &StepContext<'_>,
    target: Option<&Object>,
    cronjob: &str,
) -> Result<Plan, ActionError> {
    let cluster = world.cluster.as_ref();
    let key = ObjectKey::new("CronJob", &step.target.namespace, cronjob);
    let cronjob = cluster.get(&key).await?;
    let cronjob = cronjob
        .ok_or_else(|| ActionError::needs_human(format!("{key} is not there: nothing says how a Job would be made")))?;
    let name = jobs::name_for(cronjob.name(), step.run, step.tag);
    let key = ObjectKey::new("Job", &step.target.namespace, name);
    if let Some(unneeded) = after_target(step.target, target)? {
        return Ok(unneeded);
    }
    may_run(&cronjob)?;
    let made_before = if target.is_none() { made_at_last(step) } else { None };
    if let Some(other) = under_way(&jobs_of(cluster, &cronjob).await?, &cronjob, &key, made_before)? {
        return Ok(Plan::Unneeded(started_by_another(other)));
    }
    Ok(Plan::Do(intent(key, jobs::source(&cronjob), step.marker())))
}

/// Creates the Job that an intent wants, or finds it created.
///
/// # Errors
/// Its CronJob has changed, or a Job of that name is another's.
pub(in crate::action) async fn create(world: &World, intent: &Intent, dry_run: bool) -> Result<Output, ActionError> {
    let job = wanted(world.cluster.as_ref(), intent).await?;
    match world.cluster.create(&job, &intent.marker, dry_run).await {
        Ok(_) => Ok(output(intent)),
        Err(ClusterError::AlreadyExists(_)) => match doubt(world, intent).await? {
            Doubt::Done(output) => Ok(output),
            Doubt::Unclear(why) => Err(ActionError::needs_human(why)),
            Doubt::NotDone(_) => Err(ActionError::retry(format!("{} came and went at the same time", intent.object))),
        },
        Err(error) => Err(error.into()),
    }
}

/// Whether the Job that an intent wants is there, and whose it is.
///
/// # Errors
/// The cluster does not answer.
pub(in crate::action) async fn doubt(world: &World, intent: &Intent) -> Result<Doubt, ActionError> {
    Ok(about_creation(world.cluster.get(&intent.object).await?.as_ref(), intent))
}

/// The CronJob whose Job it is, or else the Job.
pub(in crate::action) fn remedied(intent: &Intent) -> ObjectKey {
    match jobs::source_name(&intent.after) {
        Some(cronjob) => ObjectKey::new("CronJob", &intent.object.namespace, cronjob),
        None => intent.object.clone(),
    }
}

impl K8sCreateJob {
    fn cronjob(&self, step: &StepContext<'_>, target: Option<&Object>) -> Result<String, ActionError> {
        if let Some(name) = &self.from_cronjob {
            return objects::safe_name(name.resolve(step.scope)?, "name");
        }
        if step.target.is_a("CronJob") {
            return Ok(step.target.name.clone());
        }
        let made_by = target.or(step.object).and_then(jobs::cronjob_of);
        made_by.map(str::to_owned).ok_or_else(|| {
            ActionError::fail(format!(
                "{} does not say which CronJob made it (it may be gone by now); say `from_cronjob`",
                step.target
            ))
        })
    }
}

/// What the target, if it is a Job, says about the need for another one.
fn after_target(key: &ObjectKey, target: Option<&Object>) -> Result<Option<Plan>, ActionError> {
    let Some(target) = target.filter(|_| key.kind == "Job") else { return Ok(None) };
    match jobs::state(target) {
        State::Going => Err(ActionError::retry(format!("{key} is still there; {}", jobs::still_there(target)))),
        State::Live => {
            Err(ActionError::held_up(format!("{key} is still under way: a second Job would get in its way")))
        }
        State::Failed => Ok(None),
        State::Succeeded => {
            let kept = Created { name: key.name.clone(), from: String::new() };
            Ok(Some(Plan::Unneeded(Output::new(&kept, format!("{key} has succeeded: no other Job is needed")))))
        }
    }
}

fn may_run(cronjob: &Object) -> Result<(), ActionError> {
    let key = cronjob.key();
    if cronjob.is_going() {
        return Err(ActionError::fail(format!("{key} is being deleted")));
    }
    if cronjob.at("/spec/suspend") == Some(&Value::Bool(true)) {
        return Err(ActionError::needs_human(format!("{key} is suspended: somebody stopped it on purpose")));
    }
    deny::check_hands_off(cronjob)
}

/// All Jobs that may be of that CronJob: those with the labels of its template, or, where it has
/// none, of the namespace; and those that its status names.
async fn jobs_of(cluster: &dyn Cluster, cronjob: &Object) -> Result<Vec<Object>, ActionError> {
    let labels = cronjob.at("/spec/jobTemplate/metadata/labels").and_then(Value::as_object);
    let labels: Vec<String> =
        labels.into_iter().flatten().filter_map(|(name, value)| Some(format!("{name}={}", value.as_str()?))).collect();
    let query = ListQuery {
        kind: "Job".into(),
        namespace: cronjob.namespace().into(),
        labels: labels.join(","),
        limit: MOST_JOBS,
        ..ListQuery::default()
    };
    let mut found = cluster.list(&query).await?;
    let active = cronjob.at("/status/active").and_then(Value::as_array);
    for name in active.into_iter().flatten().filter_map(|job| job.get("name")?.as_str()) {
        if found.iter().all(|job| job.name() != name) {
            found.extend(cluster.get(&ObjectKey::new("Job", cronjob.namespace(), name)).await?);
        }
    }
    Ok(found)
}

/// When the target, a Job that is gone by now, was made.
fn made_at_last(step: &StepContext<'_>) -> Option<DateTime<Utc>> {
    let target = step.scope.get("target").filter(|_| step.target.is_a("Job"))?;
    objects::time_at(target, "/metadata/creationTimestamp")
}

/// The Job of the CronJob that is under way already or has succeeded, and was made after `after`:
/// after a Job that is gone.
fn under_way<'j>(
    found: &'j [Object],
    cronjob: &Object,
    own: &ObjectKey,
    after: Option<DateTime<Utc>>,
) -> Result<Option<&'j Object>, ActionError> {
    let is_later = |job: &Object| {
        let made = objects::time_at(&job.0, "/metadata/creationTimestamp");
        made.zip(after).is_some_and(|(made, after)| made > after)
    };
    let mut later = None;
    let others = found.iter().filter(|job| jobs::is_of(job, cronjob) && job.name() != own.name);
    for job in others {
        match jobs::state(job) {
            State::Live | State::Succeeded if is_later(job) => later = Some(job),
            State::Live => {
                return Err(ActionError::held_up(format!(
                    "{} of {} is under way: a second one would get in its way",
                    job.key(),
                    cronjob.key()
                )));
            }
            State::Going => {
                return Err(ActionError::retry(format!("{} is still there; {}", job.key(), jobs::still_there(job))));
            }
            State::Failed | State::Succeeded => {}
        }
    }
    Ok(later)
}

/// That there is no need for a Job, and why.
pub(in crate::action) fn none_needed(why: &str) -> Output {
    Output::new(&Created { name: String::new(), from: String::new() }, why)
}

fn started_by_another(job: &Object) -> Output {
    let from = jobs::cronjob_of(job).unwrap_or_default().to_owned();
    let other = Created { name: job.name().to_owned(), from };
    Output::new(&other, format!("{} was started by somebody else meanwhile: no other Job is needed", job.key()))
}

/// `after` is the source, or the Job itself.
fn intent(object: ObjectKey, after: Value, marker: String) -> Intent {
    let from = match jobs::source_name(&after) {
        Some(name) => format!("cronjob/{name}"),
        None => "the one that was deleted".into(),
    };
    Intent {
        summary: format!("create {object} from {from}"),
        object,
        uid: String::new(),
        resource_version: String::new(),
        before: Value::Null,
        after,
        marker,
    }
}

/// The Job that an intent wants: from its CronJob as it was when that was decided.
async fn wanted(cluster: &dyn Cluster, intent: &Intent) -> Result<Object, ActionError> {
    let Some(name) = jobs::source_name(&intent.after) else { return Ok(Object(intent.after.clone())) };
    let key = ObjectKey::new("CronJob", &intent.object.namespace, name);
    match cluster.get(&key).await? {
        Some(cronjob) if jobs::source(&cronjob) == intent.after => {
            Ok(jobs::from_cronjob(&cronjob, &intent.object.name, &intent.marker))
        }
        Some(_) => Err(ActionError::retry(format!("{key} has changed since this was decided: {}", intent.summary))),
        None => Err(ActionError::fail(format!("{key} is gone since this was decided: {}", intent.summary))),
    }
}

fn output(intent: &Intent) -> Output {
    let from = jobs::source_name(&intent.after).unwrap_or_default().to_owned();
    Output::new(&Created { name: intent.object.name.clone(), from }, intent.summary.clone())
}

fn about_creation(live: Option<&Object>, intent: &Intent) -> Doubt {
    match live {
        None => Doubt::NotDone(intent.clone()),
        Some(live) if live.annotation(MARKER) == Some(intent.marker.as_str()) => Doubt::Done(output(intent)),
        Some(_) => Doubt::Unclear(format!("{} is there already, and was not made by this run", intent.object)),
    }
}

#[cfg(test)]
mod tests;
