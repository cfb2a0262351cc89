use serde_json::json;

use super::*;
use crate::model::FailureClass;

fn cronjob(spec: Value, annotations: Value) -> Object {
    Object(json!({
        "kind": "CronJob",
        "metadata": { "name": "backup-db-17", "namespace": "databases", "uid": "c1", "annotations": annotations },
        "spec": spec,
    }))
}

fn job(name: &str, cronjob_uid: &str, status: Value) -> Object {
    Object(json!({
        "kind": "Job",
        "metadata": {
            "name": name, "namespace": "databases",
            "ownerReferences": [
                { "kind": "CronJob", "name": "backup-db-17", "uid": cronjob_uid, "controller": true },
            ],
        },
        "status": status,
    }))
}

fn ended(kind: &str) -> Value {
    json!({ "conditions": [{ "type": kind, "status": "True" }] })
}

fn going(mut job: Object) -> Object {
    job.0["metadata"]["deletionTimestamp"] = json!("2026-05-01T12:00:00Z");
    job
}

fn made() -> Intent {
    let source = cronjob(json!({ "jobTemplate": { "spec": { "template": {} } } }), json!({}));
    intent(ObjectKey::new("Job", "databases", "backup-db-17-dogwatch-7"), jobs::source(&source), "m".into())
}

#[test]
fn the_intent_says_what_is_made_from_what() {
    let intent = made();
    assert_eq!(intent.summary, "create job/backup-db-17-dogwatch-7 in databases from cronjob/backup-db-17");
    assert_eq!(intent.before, Value::Null);
    assert_eq!(output(&intent).value.get("name"), Some(&json!("backup-db-17-dogwatch-7")));
}

#[test]
fn the_target_must_be_out_of_the_way() {
    let key = ObjectKey::new("Job", "databases", "old");
    let after = |status: Value| after_target(&key, Some(&job("old", "c1", status)));
    assert_eq!(after_target(&key, None), Ok(None));
    assert_eq!(after(ended("Failed")), Ok(None));
    assert_eq!(after(json!({ "active": 1 })).unwrap_err().class, FailureClass::HeldUp);
    assert!(matches!(after(ended("Complete")), Ok(Some(Plan::Unneeded(_)))));
    let waits = after_target(&key, Some(&going(job("old", "c1", json!({ "active": 1 })))));
    assert_eq!(waits.unwrap_err().class, FailureClass::Retry);
}

#[test]
fn one_job_of_a_cronjob_at_a_time() {
    let source = cronjob(json!({}), json!({}));
    let own = ObjectKey::new("Job", "databases", "own");
    let look = |job: Object| under_way(&[job], &source, &own, None).map(|_| ()).map_err(|error| error.class);
    assert_eq!(look(job("other", "c1", json!({ "active": 1 }))), Err(FailureClass::HeldUp));
    assert_eq!(look(going(job("other", "c1", json!({})))), Err(FailureClass::Retry));
    assert_eq!(look(job("other", "c1", ended("Failed"))), Ok(()));
    assert_eq!(look(job("other", "another cronjob", json!({ "active": 1 }))), Ok(()));
    // What we made ourselves before a crash is no hindrance.
    assert_eq!(look(job("own", "c1", json!({ "active": 1 }))), Ok(()));
}

#[test]
fn a_later_job_that_somebody_else_started_is_the_one() {
    let source = cronjob(json!({}), json!({}));
    let own = ObjectKey::new("Job", "databases", "own");
    let at = |minute: u32| format!("2026-05-01T12:{minute:02}:00Z");
    let made = |minute: u32| {
        let mut job = job("other", "c1", json!({ "active": 1 }));
        job.0["metadata"]["creationTimestamp"] = json!(at(minute));
        job
    };
    let after = Some(DateTime::parse_from_rfc3339(&at(30)).unwrap().to_utc());
    let jobs = [made(31)];
    let found = under_way(&jobs, &source, &own, after).unwrap().unwrap();
    assert_eq!(started_by_another(found).value.get("name"), Some(&json!("other")));
    // One from before is none that follows, and without a target that is gone nobody follows it.
    assert!(under_way(&[made(29)], &source, &own, after).is_err());
    assert!(under_way(&[made(31)], &source, &own, None).is_err());
    let ended = |minute: u32, how: &str| {
        let mut job = made(minute);
        job.0["status"] = ended(how);
        under_way(&[job], &source, &own, after).unwrap().is_some()
    };
    assert!(ended(31, "Complete"));
    assert!(!ended(31, "Failed") && !ended(29, "Complete"));
}

#[test]
fn what_somebody_stopped_stays_stopped() {
    let suspended = may_run(&cronjob(json!({ "suspend": true }), json!({}))).unwrap_err();
    assert_eq!(suspended.class, FailureClass::NeedsHuman);
    assert!(may_run(&cronjob(json!({}), json!({ "dogwatch/hands-off": "true" }))).is_err());
    assert_eq!(may_run(&cronjob(json!({ "suspend": false }), json!({}))), Ok(()));
}

#[test]
fn after_a_crash_the_mark_tells() {
    let intent = made();
    assert_eq!(about_creation(None, &intent), Doubt::NotDone(intent.clone()));
    let source = cronjob(json!({}), json!({}));
    let ours = jobs::from_cronjob(&source, "backup-db-17-dogwatch-7", "m");
    assert!(matches!(about_creation(Some(&ours), &intent), Doubt::Done(_)));
    let theirs = job("backup-db-17-dogwatch-7", "c1", json!({}));
    assert!(matches!(about_creation(Some(&theirs), &intent), Doubt::Unclear(_)));
}
