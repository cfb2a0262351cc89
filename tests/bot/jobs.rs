//! Conversations about Jobs that are replaced.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::*;
use serde_json::json;

use crate::bot::{Bot, shipped};

/// Makes a Job that hangs again, as it is.
const IMPORT: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: import-hangs, version: 1.0.0, owner: shop }
summary: the import hangs
severity: S3
autonomy: auto
page_by: 2h
triggers:
  - alert: ImportHangs
target: { kind: Job, namespace: shop, name: import }
diagnose:
  - require: target.status.?active.orValue(0) > 0
    because: it does not run
  - id: jobs
    k8s.list: { kind: Job }
mitigate:
  - atomic:
      - id: stop
        k8s.delete_job: { recreate_from: self }
      - id: start
        k8s.create_job: { from_object: "{{stop.object}}" }
        retry: { for: 15m }
        verify: { query: jobs, until: items.size() > 0, settle: 1m, within: 5m }
escalate:
  - page: { message: "the import: {{because}}" }
"#;

const BACKUP: &[(&str, &str)] = &[("namespace", "databases"), ("job_name", "backup-db-17-1")];

fn password() -> serde_json::Value {
    json!({ "template": { "spec": { "containers": [{
        "name": "main", "image": "import", "env": [{ "name": "PGPASSWORD", "value": "hunter2" }],
    }] } } })
}

/// A backup that hangs, and the CronJob that it comes from.
fn backup() -> Vec<Object> {
    let template = json!({ "metadata": { "labels": { "database": "db-17" } }, "spec": password() });
    let cronjob = build::cronjob("databases", "backup-db-17", "0 0 * * *")
        .with(&json!({ "spec": { "jobTemplate": template.clone() } }));
    let job = build::owned_by(build::job("databases", "backup-db-17-1").with(&template), &cronjob);
    vec![cronjob, job]
}

/// What Prometheus knows of a backup that hangs.
fn stands_still(bot: &Bot) {
    bot.prometheus.follows("complete_bytes", || Some(0.0));
    bot.prometheus.follows("container_network", || Some(200.0));
    bot.prometheus.follows("ALERTS", || Some(1.0));
}

#[tokio::test]
async fn a_password_in_a_template_is_in_the_new_job_and_on_no_log() {
    let mut bot = Bot::begins(&[&shipped("backup-timeout")], backup()).await;
    let job = ObjectKey::new("Job", "databases", "backup-db-17-1");
    bot.cluster.fault(Fault::JobHangs { job, times: 1 });
    stands_still(&bot);
    bot.passes(crate::bot::minutes(7 * 60)).await;
    bot.fires("PgBackRestBackupTimeout", BACKUP).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    let new = bot.cluster.object(&ObjectKey::new("Job", "databases", "backup-db-17-dogwatch-1")).unwrap();
    assert_eq!(new.text("/spec/template/spec/containers/0/env/0/value"), "hunter2");
    let log = format!("{:?}", bot.log().await);
    assert!(log.contains("backup-db-17") && !log.contains("hunter2"), "{log}");
}

#[tokio::test]
async fn what_the_first_run_of_a_lost_database_left_is_not_taken_for_our_own() {
    let mut bot = Bot::begins(&[&shipped("backup-timeout")], backup()).await;
    let hangs = |name: &str| Fault::JobHangs { job: ObjectKey::new("Job", "databases", name), times: 1 };
    bot.cluster.fault(hangs("backup-db-17-1"));
    stands_still(&bot);
    bot.loses_its_database("aaaaaaaa").await;
    bot.passes(crate::bot::minutes(7 * 60)).await;
    bot.fires("PgBackRestBackupTimeout", BACKUP).await;
    assert_eq!(bot.end().await.0, Outcome::Fixed);

    let again = "backup-db-17-2";
    let cronjob = ObjectKey::new("CronJob", "databases", "backup-db-17");
    let labels = json!({ "metadata": { "labels": { "database": "db-17" } } });
    let job = build::owned_by(build::job("databases", again).with(&labels), &bot.cluster.object(&cronjob).unwrap());
    bot.cluster.fault(hangs(again));
    bot.cluster.apply(&job, "cronjob-controller").unwrap();
    bot.loses_its_database("bbbbbbbb").await;
    bot.passes(crate::bot::minutes(7 * 60)).await;
    bot.fires("PgBackRestBackupTimeout", &[("namespace", "databases"), ("job_name", again)]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let expected = ["delete", "create"].map(|verb| bot.mutations().iter().filter(|m| m.starts_with(verb)).count());
    assert_eq!(expected, [2, 2], "{:#?}", bot.mutations());
    for mark in ["aaaaaaaa", "bbbbbbbb"] {
        let name = format!("create job/backup-db-17-dogwatch-{mark}-1 in databases");
        assert!(bot.mutations().contains(&name), "{:#?}", bot.mutations());
    }
}

#[tokio::test]
async fn a_job_that_could_be_made_again_only_with_its_password_is_left_to_a_human() {
    let job = build::job("shop", "import").with(&json!({ "spec": password() }));
    let mut bot = Bot::begins(&[IMPORT], vec![job.clone()]).await;
    bot.cluster.fault(Fault::JobHangs { job: job.key(), times: 1 });
    bot.passes(crate::bot::minutes(5)).await;
    bot.fires("ImportHangs", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("holds what looks like a secret"), "{because}");
    assert!(!format!("{:?}", bot.log().await).contains("hunter2"));
    bot.pages(["shop escalated"]).await;
}

/// Two steps of one run make two Jobs from one CronJob.
#[tokio::test]
async fn each_step_that_makes_a_job_has_a_name_of_its_own() {
    let playbook = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: twice, version: 1.0.0, owner: platform }
summary: A Job is needed twice
severity: S3
autonomy: auto
triggers: [{ alert: JobIsNeededTwice }]
target: { kind: CronJob, namespace: databases, name: backup-db-17 }
mitigate:
  - id: first
    k8s.create_job: {}
    verify: { until: target.kind == 'CronJob', within: 5m }
  - wait: 30m
  - id: second
    k8s.create_job: {}
    verify: { until: target.kind == 'CronJob', within: 5m }
escalate: [{ page: { message: help } }]
";
    let mut objects = backup();
    objects.retain(|object| object.kind() == "CronJob");
    let mut bot = Bot::begins(&[playbook], objects).await;
    bot.fires("JobIsNeededTwice", &[]).await;
    bot.passes(crate::bot::minutes(60)).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let made = bot.mutations();
    assert_eq!(made[0], "create job/backup-db-17-dogwatch-1 in databases");
    assert!(made[1].starts_with("create job/backup-db-17-dogwatch-1-") && made.len() == 2, "{made:#?}");
}

/// Whoever makes a Job from a CronJob has it for as long as its run goes on, whatever the other run
/// is about. Where an alert asks, it is not done again at once; a person may ask for it all the same.
#[tokio::test]
async fn two_runs_do_not_start_one_cronjob_at_once() {
    let playbook = |name: &str| {
        format!(
            "
apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: {name}, version: 1.0.0, owner: platform }}
summary: A backup is needed
severity: S3
autonomy: auto
triggers: [{{ alert: {name} }}]
target: {{ kind: Deployment, namespace: databases, name: {name} }}
mitigate:
  - id: start
    k8s.create_job: {{ from_cronjob: backup-db-17 }}
    verify: {{ until: \"target.kind == 'Deployment'\", settle: 10m, within: 30m }}
escalate: [{{ page: {{ message: \"{{{{because}}}}\" }} }}]
"
        )
    };
    let mut objects = backup();
    objects.retain(|object| object.kind() == "CronJob");
    objects.extend(["one", "two"].map(|name| build::deployment("databases", name, 1)));
    let mut bot = Bot::begins(&[&playbook("one"), &playbook("two")], objects).await;
    bot.fires("one", &[("namespace", "databases")]).await;
    // Its Job has ended by now, and its run has not.
    bot.passes(crate::bot::minutes(5)).await;
    let run = Command::Run { playbook: "two".into(), set: Default::default(), dry_run: false };
    bot.says("alice", run).await;
    bot.approves("alice").await;
    bot.passes(crate::bot::minutes(2)).await;
    let told = format!("{:#?}", bot.log().await);
    assert_eq!(bot.mutations().len(), 1, "{told}");
    assert!(told.contains("RUN-1 works on CronJob/databases/backup-db-17"), "{told}");
    bot.passes(crate::bot::minutes(60)).await;
    assert_eq!(bot.mutations().len(), 2, "{told}");
    assert_eq!(bot.locks().await, 0);
}
