//! `k8s.delete_job` and `k8s.create_job`: a backup that hangs is replaced.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::cluster::Object;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::{FailureClass, ObjectKey};

const DELETE: &str = "k8s.delete_job: {}";
const CREATE: &str = "k8s.create_job: { from_cronjob: backup-db-17 }";

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("Job", "databases", name)
}

fn cronjob() -> Object {
    build::cronjob("databases", "backup-db-17", "0 1 * * *")
        .with(&json!({ "spec": { "jobTemplate": { "metadata": { "labels": { "database": "db-17" } } } } }))
}

fn job(name: &str) -> Object {
    build::owned_by(build::job("databases", name), &cronjob())
        .with(&json!({ "metadata": { "labels": { "database": "db-17" } } }))
}

/// A backup of the CronJob that has started and hangs.
fn hanging() -> Edge {
    let edge = Edge::about(vec![job("backup-db-17-29"), cronjob()]);
    edge.cluster.fault(Fault::JobHangs { job: edge.target.clone(), times: 1 });
    edge.passes(Duration::from_secs(300));
    assert_eq!(edge.live(&edge.target).number("/status/active"), Some(1));
    edge
}

fn is_there(edge: &Edge, name: &str) -> bool {
    edge.cluster.object(&key(name)).is_some()
}

#[tokio::test]
async fn a_backup_that_hangs_is_replaced() {
    let edge = hanging();
    let deleted = edge.does(DELETE).await;
    assert_eq!(deleted.summary, "delete job/backup-db-17-29 in databases");
    assert_eq!(field(&deleted, "cronjob"), &json!("backup-db-17"));

    // Its pod takes a while to end: the new one waits.
    let waits = edge.would(CREATE).await.unwrap_err();
    assert_eq!(waits.class, FailureClass::Retry, "{waits}");
    edge.passes(Duration::from_secs(60));
    assert!(!is_there(&edge, "backup-db-17-29"));

    let created = edge.does(CREATE).await;
    assert_eq!(created.summary, "create job/backup-db-17-dogwatch-7 in databases from cronjob/backup-db-17");
    edge.passes(Duration::from_secs(300));
    let new = edge.live(&key("backup-db-17-dogwatch-7"));
    assert_eq!(new.number("/status/succeeded"), Some(1));
    assert_eq!((new.annotation("dogwatch/marker"), new.label("database")), (Some("dogwatch-run-7-act"), Some("db-17")));
    assert_eq!(
        edge.written(),
        ["delete job/backup-db-17-29 in databases", "create job/backup-db-17-dogwatch-7 in databases"]
    );
}

#[tokio::test]
async fn a_deletion_whose_answer_is_lost_is_found_out() {
    let edge = hanging();
    let intent = edge.intends(DELETE).await;
    assert!(matches!(edge.doubts(DELETE, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Delete, kind: "Job".into(), times: 1 });
    assert_eq!(edge.makes(DELETE, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(DELETE, &intent).await, Doubt::Done(_)));
    edge.passes(Duration::from_secs(60));
    let Doubt::Done(output) = edge.doubts(DELETE, &intent).await else { panic!() };
    assert_eq!(field(&output, "cronjob"), &json!("backup-db-17"));
    assert_eq!(edge.written().len(), 1);
}

#[tokio::test]
async fn a_creation_whose_answer_is_lost_is_found_out_and_made_once() {
    let edge = hanging();
    edge.does(DELETE).await;
    edge.passes(Duration::from_secs(60));
    let intent = edge.intends(CREATE).await;
    assert!(matches!(edge.doubts(CREATE, &intent).await, Doubt::NotDone(_)));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "Job".into(), times: 1 });
    assert_eq!(edge.makes(CREATE, &intent).await.unwrap_err().class, FailureClass::Retry);
    assert!(matches!(edge.doubts(CREATE, &intent).await, Doubt::Done(_)));
    // Made again all the same, it is the same Job.
    edge.makes(CREATE, &intent).await.unwrap();
    assert_eq!(edge.cluster.objects("Job", "databases").len(), 1);
}

#[tokio::test]
async fn a_job_of_that_name_that_is_not_ours_is_for_a_human() {
    let edge = hanging();
    edge.does(DELETE).await;
    edge.passes(Duration::from_secs(60));
    let intent = edge.intends(CREATE).await;
    edge.cluster.apply(&build::job("databases", "backup-db-17-dogwatch-7"), "kubectl").unwrap();
    assert!(needs_human(edge.makes(CREATE, &intent).await).contains("was not made by this run"));
    assert!(matches!(edge.doubts(CREATE, &intent).await, Doubt::Unclear(_)));
}

#[tokio::test]
async fn nothing_is_started_beside_a_backup_that_lives() {
    let edge = hanging();
    let beside_itself = edge.would(CREATE).await.unwrap_err();
    assert_eq!(beside_itself.class, FailureClass::HeldUp);
    assert!(beside_itself.message.contains("is still under way"), "{beside_itself}");

    let other = job("backup-db-17-30").with(&json!({ "metadata": { "ownerReferences": [{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "backup-db-17", "controller": true,
        "uid": edge.live(&ObjectKey::new("CronJob", "databases", "backup-db-17")).uid(),
    }] } }));
    edge.cluster.apply(&other, "kubectl").unwrap();
    edge.cluster.fault(Fault::JobHangs { job: other.key(), times: 1 });
    edge.does(DELETE).await;
    edge.passes(Duration::from_secs(60));
    let beside_another = edge.would(CREATE).await.unwrap_err();
    assert_eq!(beside_another.class, FailureClass::HeldUp);
    assert!(
        beside_another.message.contains("job/backup-db-17-30 in databases of cronjob/backup-db-17"),
        "{beside_another}"
    );
}

#[tokio::test]
async fn a_backup_that_succeeds_in_the_last_moment_is_let_be() {
    let edge = Edge::about(vec![job("backup-db-17-29"), cronjob()]);
    edge.passes(Duration::from_secs(300));
    let Plan::Unneeded(kept) = edge.would(DELETE).await.unwrap() else { panic!() };
    assert!(kept.summary.contains("has succeeded"), "{}", kept.summary);
    let Plan::Unneeded(none) = edge.would(CREATE).await.unwrap() else { panic!() };
    assert!(none.summary.contains("no other Job is needed"), "{}", none.summary);
}

#[tokio::test]
async fn a_backup_that_its_deadline_ended_is_replaced_too() {
    let limited = job("backup-db-17-29").with(&json!({ "spec": { "activeDeadlineSeconds": 600 } }));
    let edge = Edge::about(vec![limited, cronjob()]);
    edge.cluster.fault(Fault::JobHangs { job: edge.target.clone(), times: 1 });
    edge.passes(Duration::from_secs(1200));
    assert_eq!(edge.live(&edge.target).text("/status/conditions/1/reason"), "DeadlineExceeded");
    edge.does(DELETE).await;
    edge.passes(Duration::from_secs(60));
    assert!(edge.does(CREATE).await.summary.starts_with("create job/backup-db-17-dogwatch-7"));
}

#[tokio::test]
async fn what_somebody_stopped_or_holds_stays_so() {
    let change = |patch: Value| {
        let edge = hanging();
        edge.cluster.change(&ObjectKey::new("CronJob", "databases", "backup-db-17"), &patch, "kubectl").unwrap();
        edge
    };
    let held = change(json!({ "metadata": { "annotations": { "dogwatch/hands-off": "true" } } }));
    assert!(needs_human(held.would(DELETE).await).contains("dogwatch/hands-off"));
    let suspended = change(json!({ "spec": { "suspend": true } }));
    suspended.does(DELETE).await;
    suspended.passes(Duration::from_secs(60));
    assert!(needs_human(suspended.would(CREATE).await).contains("is suspended"));
}

#[tokio::test]
async fn a_job_that_somebody_made_by_hand_is_made_again_from_itself() {
    let by_hand = build::job("databases", "once");
    let edge = Edge::about(vec![by_hand]);
    edge.cluster.fault(Fault::JobHangs { job: edge.target.clone(), times: 1 });
    edge.passes(Duration::from_secs(300));
    assert!(needs_human(edge.would(DELETE).await).contains("comes from no CronJob"));
    let deleted = edge.does("k8s.delete_job: { recreate_from: self }").await;
    edge.passes(Duration::from_secs(60));

    let edge = edge.with(json!({ "stop": deleted.value }));
    let created = edge.does("k8s.create_job: { from_object: '{{stop.object}}' }").await;
    assert_eq!(field(&created, "name"), &json!("once-dogwatch-7"));
    edge.passes(Duration::from_secs(300));
    assert_eq!(edge.live(&key("once-dogwatch-7")).number("/status/succeeded"), Some(1));
}

#[tokio::test]
async fn the_cronjob_is_found_by_the_job_that_it_made() {
    let edge = Edge::about(vec![job("backup-db-17-29"), cronjob()]);
    edge.cluster.fault(Fault::JobFails { job: edge.target.clone() });
    edge.passes(Duration::from_secs(300));
    assert!(edge.does("k8s.create_job: {}").await.summary.ends_with("from cronjob/backup-db-17"));
    edge.cluster.remove(&edge.target);
    edge.passes(Duration::from_secs(60));
    let error = edge.would("k8s.create_job: {}").await.unwrap_err();
    assert!(error.message.ends_with("say `from_cronjob`"), "{error}");
}
