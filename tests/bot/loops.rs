//! Playbooks that do one thing for each of many.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::model::*;
use serde_json::json;

use crate::bot::{Bot, minutes};

/// Starts each Job that failed once more, a few at a time.
pub const RESTART: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: jobs-failed, version: 1.0.0, owner: databases }
summary: Many Jobs have failed at once
severity: S2
autonomy: auto
page_by: 20h
triggers: [{ alert: JobsFailing }]
target: { kind: Namespace, name: databases }
diagnose:
  - id: jobs
    k8s.list: { kind: Job, namespace: databases }
  - set:
      failed: jobs.items.filter(j, j.status.?failed.orValue(0) > 0 && j.metadata.name.endsWith('-night'))
mitigate:
  - id: restart_all
    foreach: job in failed
    target: { kind: Job, namespace: databases, name: \"{{job.metadata.name}}\" }
    max: 60
    waves: [1, 2, 4, 8]
    do:
      - require: target.metadata.?annotations[?'broken'].orValue('') == ''
        because: \"{{job.metadata.name}} is known to be broken\"
      - id: start
        k8s.create_job: {}
        verify:
          query: jobs
          until: items.exists(j, j.metadata.name == start.name && j.status.?succeeded.orValue(0) > 0)
          fail_if: items.exists(j, j.metadata.name == start.name && j.status.?failed.orValue(0) > 0)
          settle: 1m
          every: 1m
          within: 30m
escalate:
  - page: { message: \"{{because}} | {{restart_all.summary}}:{{#each restart_all.items}} {{key}}={{outcome}}{{/each}}\" }
";

fn namespace() -> Object {
    Object(json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "databases" } }))
}

/// So many databases whose backups of the night failed.
pub fn failed(count: usize) -> Vec<Object> {
    let mut objects = vec![namespace()];
    for n in 1..=count {
        let labels = json!({ "metadata": { "labels": { "database": name(n) } } });
        let cronjob = build::cronjob("databases", &name(n), "0 1 * * *").with(&json!({ "spec": { "jobTemplate": labels } }));
        let status = json!({ "failed": 1, "conditions": [{ "type": "Failed", "status": "True" }] });
        let job = build::owned_by(build::job("databases", &night(n)), &cronjob).with(&labels).with(&json!({ "status": status }));
        objects.extend([cronjob, job]);
    }
    objects
}

fn name(n: usize) -> String {
    format!("pg-{n:02}")
}

pub fn night(n: usize) -> String {
    format!("pg-{n:02}-night")
}

fn item(n: usize) -> String {
    format!("databases/{}", night(n))
}

/// The Job that the step makes for that item.
fn made(n: usize) -> ObjectKey {
    let step: StepAddress = format!("mitigate.start[{}]", item(n)).parse().unwrap();
    ObjectKey::new("Job", "databases", format!("{}-dogwatch-1-{}", name(n), step.tag()))
}

fn created(n: usize) -> String {
    format!("create {}", made(n))
}

fn change(n: usize) -> String {
    format!("create {} from cronjob/{}", made(n), name(n))
}

async fn firing(playbook: &str, count: usize) -> Bot {
    let mut bot = Bot::begins(&[playbook], failed(count)).await;
    bot.passes(minutes(5)).await;
    bot.fires("JobsFailing", &[]).await;
    bot
}

async fn records(bot: &Bot, name: &str) -> usize {
    bot.log().await.iter().filter(|(_, event)| event.name() == name).count()
}

#[tokio::test]
async fn forty_jobs_are_started_again_in_waves() {
    let mut bot = firing(RESTART, 40).await;
    // The first alone.
    assert_eq!(bot.mutations(), [created(1)]);
    bot.passes(minutes(3)).await;
    // Then two at once, while both are waited for.
    assert_eq!(bot.mutations(), [created(1), created(2), created(3)]);
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let expected: Vec<String> = (1..=40).map(created).collect();
    assert_eq!(bot.mutations(), expected);
    // 1, 2, 4, 8, 8, 8, 8, 1
    assert_eq!((records(&bot, "listed").await, records(&bot, "wave").await), (1, 8));
    bot.pages([]).await;
    bot.keeps_the_laws().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("restart_all: 40 items: databases/pg-01-night, "), "{timeline}");
}
