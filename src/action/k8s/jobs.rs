//! Jobs: how they do, where they come from, and how another one is made from the same source.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::objects;
use crate::action::RunMark;
use crate::action::typed::Typed;
use crate::cluster::Object;

/// On a Job that the bot made: the marker of the step that did.
pub(super) const MARKER: &str = "dogwatch/marker";

/// How a Job does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Going,
    Succeeded,
    Failed,
    /// Neither ended nor going: it may start pods at any time.
    Live,
}

pub(super) fn state(job: &Object) -> State {
    let conditions = || job.at("/status/conditions").and_then(Value::as_array).into_iter().flatten();
    let holds = |kind: &str| {
        conditions().any(|condition| {
            let text = |name: &str| condition.get(name).and_then(Value::as_str);
            text("type") == Some(kind) && text("status") == Some("True")
        })
    };
    if job.is_going() {
        State::Going
    } else if holds("Complete") {
        State::Succeeded
    } else if holds("Failed") {
        State::Failed
    } else {
        State::Live
    }
}

/// Why a Job whose deletion was asked for is still there.
pub(super) fn still_there(job: &Object) -> String {
    // `foregroundDeletion` is our own: the Job stays until its pods are gone.
    let finalizers = job.at("/metadata/finalizers").and_then(Value::as_array).into_iter().flatten();
    let others: Vec<&str> =
        finalizers.filter_map(Value::as_str).filter(|name| !matches!(*name, "foregroundDeletion" | "orphan")).collect();
    match others.as_slice() {
        [] => "its pods are ending".to_owned(),
        names => format!(
            "its deletion waits for the finalizer {}, which only the program that set it takes off",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        ),
    }
}

/// The name of the CronJob that made it.
pub(super) fn cronjob_of(job: &Object) -> Option<&str> {
    let owner = objects::controller(job)?;
    (owner.get("kind").and_then(Value::as_str) == Some("CronJob")).then(|| owner.get("name")?.as_str()).flatten()
}

/// Whether `job` was made by that very CronJob, by its schedule or by hand.
pub(super) fn is_of(job: &Object, cronjob: &Object) -> bool {
    let owner = objects::controller(job).and_then(|owner| owner.get("uid")?.as_str());
    owner.is_some_and(|uid| !uid.is_empty() && uid == cronjob.uid())
}

/// The name of the Job that a step makes from `source`: the same for every attempt, another one for
/// each step, and within the 63 characters that the names of a Job's pods and labels leave it.
pub(super) fn name_for(source: &str, run: RunMark<'_>, tag: Option<&str>) -> String {
    let tag = tag.map(|tag| format!("-{tag}")).unwrap_or_default();
    let suffix = format!("-dogwatch-{run}{tag}");
    let stem: String = source.chars().take(63_usize.saturating_sub(suffix.len())).collect();
    format!("{}{suffix}", stem.trim_end_matches(['-', '.']))
}

/// All that an intent keeps of a CronJob: its template may hold passwords, and the log is no place for them. The Job is made
/// from the CronJob itself, on the condition that it still has this specification. (Its resourceVersion would not do: that
/// changes with each Job of the schedule, and what was approved before would be something else after.)
pub(super) fn source(cronjob: &Object) -> Value {
    let generation = cronjob.at("/metadata/generation");
    json!({ "cronjob": { "name": cronjob.name(), "uid": cronjob.uid(), "generation": generation } })
}

/// The name in a [`source`]; `None`: the Job is kept whole.
pub(super) fn source_name(source: &Value) -> Option<&str> {
    source.pointer("/cronjob/name")?.as_str()
}

/// A Job as `kubectl create job --from=cronjob/NAME` makes it, with our marker.
///
/// The CronJob is its owner, so that it goes when the CronJob goes and counts in its history.
pub(super) fn from_cronjob(cronjob: &Object, name: &str, marker: &str) -> Object {
    let template = cronjob.at("/spec/jobTemplate").cloned().unwrap_or_default();
    let part = |pointer: &str| template.pointer(pointer).cloned().unwrap_or_else(|| json!({}));
    let mut annotations = object(part("/metadata/annotations"));
    annotations.insert("cronjob.kubernetes.io/instantiate".into(), json!("manual"));
    annotations.insert(MARKER.into(), json!(marker));
    Object(json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": cronjob.namespace(),
            "labels": part("/metadata/labels"),
            "annotations": annotations,
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "kind": "CronJob",
                "name": cronjob.name(),
                "uid": cronjob.uid(),
                "controller": true,
            }],
        },
        "spec": part("/spec"),
    }))
}

/// What it takes to make a Job again: without all that the cluster filled in, so that it doesn't change while the Job runs.
pub(super) fn pre_image(job: &Object) -> Value {
    let part = |pointer: &str| job.at(pointer).cloned().unwrap_or_else(|| json!({}));
    let mut labels = object(part("/metadata/labels"));
    let mut annotations = object(part("/metadata/annotations"));
    let mut spec = object(part("/spec"));
    labels.retain(|name, _| !is_tracking_label(name));
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    annotations.remove("batch.kubernetes.io/job-tracking");
    spec.remove("selector");
    spec.remove("manualSelector");
    if let Some(labels) = spec.get_mut("template").and_then(|t| t.pointer_mut("/metadata/labels")?.as_object_mut()) {
        labels.retain(|name, _| !is_tracking_label(name));
    }
    json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job.name(),
            "namespace": job.namespace(),
            "labels": labels,
            "annotations": annotations,
        },
        "spec": spec,
    })
}

/// Labels by which the Job controller finds the pods of one Job: they must not be those of another.
fn is_tracking_label(name: &str) -> bool {
    matches!(
        name,
        "controller-uid" | "job-name" | "batch.kubernetes.io/controller-uid" | "batch.kubernetes.io/job-name"
    )
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

/// A Job that was taken away, as `k8s.delete_job` gives it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct PreImage(Value);

impl PreImage {
    pub(super) fn name(&self) -> &str {
        self.0.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> &str {
        self.0.pointer("/metadata/namespace").and_then(Value::as_str).unwrap_or_default()
    }

    /// The same Job under another name, with our marker.
    pub(super) fn again(&self, name: &str, marker: &str) -> Object {
        let mut job = self.0.clone();
        if let Some(metadata) = job.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.insert("name".into(), json!(name));
            let mut annotations = object(metadata.remove("annotations").unwrap_or_default());
            annotations.insert(MARKER.into(), json!(marker));
            metadata.insert("annotations".into(), Value::Object(annotations));
        }
        Object(job)
    }
}

impl Typed for PreImage {
    const WORDS: &'static str = "Job";
}

/// A text that is no Job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "this is no Job to make again; write `from_object: \"{{{{stop.object}}}}\"`, where `stop` is the step with \
     `k8s.delete_job: {{ recreate_from: self }}`"
)]
pub(super) struct NoJob;

impl FromStr for PreImage {
    type Err = NoJob;

    fn from_str(text: &str) -> Result<Self, NoJob> {
        let value: Value = serde_json::from_str(text).map_err(|_| NoJob)?;
        let job = Self(value);
        let is_job = job.0.get("kind").and_then(Value::as_str) == Some("Job")
            && job.0.pointer("/spec/template").is_some()
            && !job.name().is_empty();
        if is_job { Ok(job) } else { Err(NoJob) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunId;

    fn cronjob() -> Object {
        Object(json!({
            "kind": "CronJob",
            "metadata": { "name": "backup-db-17", "namespace": "databases", "uid": "c1" },
            "spec": {
                "schedule": "0 1 * * *",
                "jobTemplate": {
                    "metadata": { "labels": { "database": "db-17" }, "annotations": { "team": "dba" } },
                    "spec": { "backoffLimit": 0, "template": { "spec": { "containers": [] } } },
                },
            },
        }))
    }

    #[test]
    fn a_job_is_made_as_kubectl_makes_it() {
        let job = from_cronjob(&cronjob(), "backup-db-17-dogwatch-7", "dogwatch-run-7-restart");
        assert_eq!(
            job.0,
            json!({
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": "backup-db-17-dogwatch-7",
                    "namespace": "databases",
                    "labels": { "database": "db-17" },
                    "annotations": {
                        "team": "dba",
                        "cronjob.kubernetes.io/instantiate": "manual",
                        "dogwatch/marker": "dogwatch-run-7-restart",
                    },
                    "ownerReferences": [{
                        "apiVersion": "batch/v1", "kind": "CronJob", "name": "backup-db-17", "uid": "c1", "controller": true,
                    }],
                },
                "spec": { "backoffLimit": 0, "template": { "spec": { "containers": [] } } },
            })
        );
        assert!(is_of(&job, &cronjob()));
        assert_eq!(cronjob_of(&job), Some("backup-db-17"));
    }

    #[test]
    fn names_stay_within_what_labels_hold() {
        let run = |database, run| RunMark { database, run: RunId(run) };
        assert_eq!(name_for("backup-db-17", run("", 7), None), "backup-db-17-dogwatch-7");
        assert_eq!(name_for("backup-db-17", run("3f9a1c2e", 7), None), "backup-db-17-dogwatch-3f9a1c2e-7");
        let longest = name_for(&"a".repeat(80), run("3f9a1c2e", i64::MAX), None);
        assert_eq!(longest.len(), 63);
        assert!(longest.ends_with("-dogwatch-3f9a1c2e-9223372036854775807"));
        let tagged = name_for(&"a".repeat(80), run("3f9a1c2e", i64::MAX), Some("0123456789"));
        assert_eq!(tagged.len(), 63);
        assert!(tagged.ends_with("-dogwatch-3f9a1c2e-9223372036854775807-0123456789"));
        let cut = name_for(&format!("{}-{}", "a".repeat(51), "b".repeat(9)), run("", 7), None);
        assert_eq!(cut, format!("{}-dogwatch-7", "a".repeat(51)));
    }

    #[test]
    fn a_pre_image_holds_what_was_wanted_and_not_what_happened() {
        let job = Object(json!({
            "kind": "Job",
            "metadata": {
                "name": "once", "namespace": "databases", "uid": "j1", "resourceVersion": "10",
                "labels": { "database": "db-17", "job-name": "once" },
                "annotations": { "batch.kubernetes.io/job-tracking": "", "a": "b" },
                "managedFields": [1], "generation": 1,
            },
            "spec": {
                "backoffLimit": 0,
                "selector": { "matchLabels": { "batch.kubernetes.io/controller-uid": "j1" } },
                "template": {
                    "metadata": { "labels": { "controller-uid": "j1", "database": "db-17" } },
                    "spec": { "containers": [] },
                },
            },
            "status": { "active": 1 },
        }));
        let image = pre_image(&job);
        assert_eq!(
            image,
            json!({
                "apiVersion": "batch/v1",
                "kind": "Job",
                "metadata": {
                    "name": "once", "namespace": "databases",
                    "labels": { "database": "db-17" }, "annotations": { "a": "b" },
                },
                "spec": {
                    "backoffLimit": 0,
                    "template": { "metadata": { "labels": { "database": "db-17" } }, "spec": { "containers": [] } },
                },
            })
        );
        let again = image.to_string().parse::<PreImage>().unwrap().again("once-dogwatch-7", "m");
        assert_eq!((again.name(), again.annotation(MARKER)), ("once-dogwatch-7", Some("m")));
        assert_eq!(again.annotation("a"), Some("b"));
    }

    #[test]
    fn what_is_no_job_is_refused() {
        for wrong in ["", "[]", "{}", r#"{"kind":"Pod","spec":{"template":{}},"metadata":{"name":"x"}}"#] {
            assert_eq!(wrong.parse::<PreImage>(), Err(NoJob), "{wrong}");
        }
    }

    #[test]
    fn a_deletion_that_waits_says_for_what() {
        let job = |finalizers: Value| Object(json!({ "kind": "Job", "metadata": { "finalizers": finalizers } }));
        for ours in [json!([]), json!(null), json!(["foregroundDeletion"])] {
            assert_eq!(still_there(&job(ours)), "its pods are ending");
        }
        let held = still_there(&job(json!(["foregroundDeletion", "example.com/archive"])));
        assert!(held.starts_with("its deletion waits for the finalizer `example.com/archive`"), "{held}");
    }

    #[test]
    fn the_state_of_a_job() {
        let job = |status: Value| Object(json!({ "kind": "Job", "metadata": {}, "status": status }));
        let with = |kind: &str, status: &str| job(json!({ "conditions": [{ "type": kind, "status": status }] }));
        assert_eq!(state(&job(json!({ "active": 1 }))), State::Live);
        assert_eq!(state(&job(json!({}))), State::Live);
        assert_eq!(state(&with("Complete", "True")), State::Succeeded);
        assert_eq!(state(&with("Failed", "True")), State::Failed);
        assert_eq!(state(&with("Failed", "False")), State::Live);
        // Its pods are still ending.
        assert_eq!(state(&with("FailureTarget", "True")), State::Live);
        let going = json!({ "kind": "Job", "metadata": { "deletionTimestamp": "2026-05-01T12:00:00Z" } });
        assert_eq!(state(&Object(going)), State::Going);
    }
}
