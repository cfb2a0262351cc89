//! Backups that failed at once, and the shipped playbook that starts them again.

use std::sync::atomic::{AtomicUsize, Ordering};

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::*;
use dogwatch::store::RunStore;
use serde_json::json;

use crate::bot::{Bot, minutes, shipped};

const ALERT: (&str, &[(&str, &str)]) = ("PgBackRestBackupsOverdue", &[("namespace", "databases")]);

fn database(n: usize) -> String {
    format!("pg-{n:02}")
}

fn cronjob(n: usize) -> ObjectKey {
    ObjectKey::new("CronJob", "databases", format!("{}-backup", database(n)))
}

/// The Job that is made for a database.
fn made(n: usize) -> ObjectKey {
    let step: StepAddress = format!("mitigate.start[{}]", database(n)).parse().unwrap();
    ObjectKey::new("Job", "databases", format!("{}-dogwatch-1-{}", cronjob(n).name, step.tag()))
}

fn created(n: usize) -> String {
    format!("create {}", made(n))
}

/// So many databases whose backups of the night failed, as their CronJobs and Jobs say.
fn failed(count: usize) -> Vec<Object> {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "databases" } });
    let mut objects = vec![Object(namespace)];
    for n in 1..=count {
        let labels = json!({ "metadata": { "labels": { "app": "pgbackrest", "database": database(n) } } });
        let cronjob = build::cronjob("databases", &cronjob(n).name, "0 21 * * *")
            .with(&labels)
            .with(&json!({ "spec": { "jobTemplate": labels.clone() } }))
            .with(&json!({ "status": {
                "lastScheduleTime": "2026-03-01T21:00:00Z", "lastSuccessfulTime": "2026-02-28T22:00:00Z",
            } }));
        let status = json!({ "failed": 1, "conditions": [{ "type": "Failed", "status": "True" }] });
        let job = build::job("databases", &format!("{}-backup-1", database(n)));
        let job = build::owned_by(job, &cronjob).with(&labels).with(&json!({ "status": status }));
        objects.extend([cronjob, job]);
    }
    objects
}

/// All that failed is over, and nothing is due for long.
fn well(bot: &Bot) {
    bot.prometheus.follows("pgbackrest_repo_status", || Some(0.0));
    bot.prometheus.follows("pg_stat_archiver_failed_count", || Some(0.0));
    bot.prometheus.follows("pg_stat_archiver_last_archive_age", || Some(60.0));
    bot.prometheus.follows("kube_cronjob_next_schedule_time", || Some(57_600.0));
    bot.prometheus.follows("pgbackrest_backup_since_last_completion_seconds", || Some(60.0));
}

async fn firing(count: usize) -> Bot {
    let mut bot = Bot::begins(&[&shipped("backups-failed")], failed(count)).await;
    well(&bot);
    bot.passes(minutes(5)).await;
    bot.fires(ALERT.0, ALERT.1).await;
    bot
}

#[tokio::test]
async fn forty_backups_are_started_again_after_one_yes() {
    let mut bot = firing(40).await;
    let open = bot.store().open_approvals().await.unwrap();
    let text = dogwatch::message::preview_text(&open[0].preview);
    assert!(text.starts_with("40 items, and an answer is about exactly these: pg-01, pg-02, "), "{text}");
    assert!(text.contains(&format!("40. CHANGES: create {} from cronjob/pg-40-backup", made(40))), "{text}");
    assert!(!text.contains("does not cover it"), "{text}");
    assert!(bot.mutations().is_empty());

    // Who does not know databases does not say yes.
    let answer = bot.types("ada", "/approve APR-1").await;
    assert!(answer.contains("databases"), "{answer}");
    bot.types("bob", "/approve APR-1").await;
    // The first alone; then two, while both are waited for.
    assert_eq!(bot.mutations(), [created(1)]);
    bot.passes(minutes(2)).await;
    assert_eq!(bot.mutations(), [1, 2, 3].map(created));
    // So few are left by then that the rule does not hold any more: the yes was one to all.
    bot.passes(minutes(6)).await;
    bot.resolves(ALERT.0, ALERT.1).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), (1..=40).map(created).collect::<Vec<_>>());
    bot.pages([]).await;
    bot.keeps_the_laws().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("restart_all: 40 items: pg-01, pg-02, "), "{timeline}");
}

/// Whoever is paged reads which databases have none, and what to type.
#[tokio::test]
async fn a_second_wave_that_fails_is_the_last_one() {
    let mut bot = firing(40).await;
    bot.cluster.fault(Fault::JobFails { job: made(2) });
    bot.types("bob", "/approve APR-1").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert_eq!(bot.mutations(), [1, 2, 3].map(created));
    bot.pages(["databases escalated"]).await;
    let told = bot.page_texts().await;
    assert!(told.contains("It did: 2 of 40 done, 1 failed, 37 untouched."), "{told}");
    assert!(told.contains("No backup: pg-02: failed, the verify of"), "{told}");
    assert!(told.contains("No backup: pg-04: untouched, it did not begin"), "{told}");
    assert!(
        told.contains("kubectl -n databases create job --from=cronjob/pg-02-backup pg-02-backup-by-hand"),
        "{told}"
    );
}

/// A backup that a person starts between the look and the request: theirs is left to run, and the
/// others go on.
#[tokio::test]
async fn a_backup_that_somebody_else_starts_in_the_last_moment_is_theirs() {
    let mut bot = Bot::begins(&[&shipped("backups-failed")], failed(3)).await;
    let theirs = build::job("databases", "pg-02-by-hand").with(&json!({ "metadata": {
        "labels": { "app": "pgbackrest", "database": "pg-02" },
        "ownerReferences": [{
            "apiVersion": "batch/v1", "kind": "CronJob", "name": "pg-02-backup", "controller": true,
            "uid": bot.cluster.object(&cronjob(2)).unwrap().uid(),
        }],
    } }));
    bot.cluster.fault(Fault::JobHangs { job: theirs.key(), times: 1 });
    let (cluster, asked) = (bot.cluster.clone(), AtomicUsize::new(0));
    bot.prometheus.follows(r#"failed_count{namespace="databases",database="pg-02"}"#, move || {
        // The last that is asked at its turn.
        if asked.fetch_add(1, Ordering::SeqCst) == 1 {
            cluster.apply(&theirs, "kubectl").unwrap();
        }
        Some(0.0)
    });
    well(&bot);
    bot.passes(minutes(5)).await;
    bot.fires(ALERT.0, ALERT.1).await;
    bot.types("bob", "/approve APR-1").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [1, 3].map(created));
    assert!(
        because.contains("2 of 3 done, 1 left alone; left alone: pg-02 (job/pg-02-by-hand in databases"),
        "{because}"
    );
    bot.pages(["databases escalated"]).await;
}

#[tokio::test]
async fn nobody_is_asked_while_archiving_still_fails() {
    let mut bot = Bot::begins(&[&shipped("backups-failed")], failed(12)).await;
    bot.prometheus.follows("pg_stat_archiver_failed_count", || Some(15.0));
    well(&bot);
    bot.passes(minutes(5)).await;
    bot.fires(ALERT.0, ALERT.1).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    assert!(
        because.contains("not known to be over for 12 of 12 databases: pg-01: archiving has failed 15"),
        "{because}"
    );
    assert!(bot.store().open_approvals().await.unwrap().is_empty() && bot.mutations().is_empty());
    bot.pages(["databases escalated"]).await;
}
