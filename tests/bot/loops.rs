//! Playbooks that do one thing for each of many.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, build};
use dogwatch::model::*;
use dogwatch::store::RunStore;
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
        let cronjob =
            build::cronjob("databases", &name(n), "0 1 * * *").with(&json!({ "spec": { "jobTemplate": labels } }));
        let status = json!({ "failed": 1, "conditions": [{ "type": "Failed", "status": "True" }] });
        let job = build::owned_by(build::job("databases", &night(n)), &cronjob)
            .with(&labels)
            .with(&json!({ "status": status }));
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

async fn firing(playbook: &str, count: usize) -> Bot {
    let mut bot = Bot::begins(&[playbook], failed(count)).await;
    bot.passes(minutes(5)).await;
    bot.fires("JobsFailing", &[]).await;
    bot
}

pub async fn records(bot: &Bot, name: &str) -> usize {
    bot.log().await.iter().filter(|(_, event)| event.name() == name).count()
}

#[tokio::test]
async fn forty_jobs_are_started_again_in_waves() {
    let mut bot = firing(RESTART, 40).await;
    // The first alone.
    assert_eq!(bot.mutations(), [created(1)]);
    bot.passes(minutes(1)).await;
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

/// What is on the page of the escalation, and on no other.
pub async fn escalates(bot: &mut Bot) -> String {
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}: {:#?}", bot.log().await);
    bot.pages(["databases escalated"]).await;
    bot.keeps_the_laws().await;
    bot.page_texts().await
}

/// A wave that has begun is finished, no other one begins, and the page names all.
#[tokio::test]
async fn the_loop_stops_at_the_first_that_does_not_help() {
    let mut bot = firing(RESTART, 40).await;
    bot.cluster.fault(Fault::JobFails { job: made(2) });
    let told = escalates(&mut bot).await;
    assert_eq!(bot.mutations(), [created(1), created(2), created(3)]);
    let summary = "restart_all: 2 of 40 done, 1 failed, 37 untouched; failed: databases/pg-02-night (the verify of";
    assert!(told.contains(summary), "{told}");
    assert!(told.contains("untouched: databases/pg-04-night, databases/pg-05-night, "), "{told}");
    assert!(told.contains("databases/pg-03-night=done databases/pg-04-night=untouched"), "{told}");
}

/// An item that cannot be begun is no reason to begin those behind it.
#[tokio::test]
async fn what_is_refused_fails_its_item_and_stops_the_loop() {
    let mut bot = Bot::begins(&[RESTART], failed(6)).await;
    bot.passes(minutes(5)).await;
    let suspended = json!({ "spec": { "suspend": true } });
    bot.cluster.change(&ObjectKey::new("CronJob", "databases", name(2)), &suspended, "kubectl").unwrap();
    bot.fires("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    // The third has its turn in the same wave, and was not begun.
    assert_eq!(bot.mutations(), [created(1)]);
    assert!(told.contains("1 of 6 done, 1 failed, 4 untouched"), "{told}");
    assert!(told.contains("is suspended: somebody stopped it on purpose"), "{told}");
}

#[tokio::test]
async fn an_unmet_requirement_fails_its_item_alone() {
    let playbook = RESTART.replace("max: 60", "max: 60\n    stop_after: 2");
    let mut bot = Bot::begins(&[&playbook], failed(6)).await;
    bot.passes(minutes(5)).await;
    let broken = json!({ "metadata": { "annotations": { "broken": "yes" } } });
    bot.cluster.change(&ObjectKey::new("Job", "databases", night(3)), &broken, "kubectl").unwrap();
    bot.fires("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    assert_eq!(bot.mutations(), [1, 2, 4, 5, 6].map(created));
    assert!(told.contains("failed: databases/pg-03-night (pg-03-night is known to be broken)"), "{told}");
}

/// A loop that takes longer than it was to: what was begun is finished, and the rest is a person's.
#[tokio::test]
async fn no_other_item_begins_when_the_time_of_the_loop_is_over() {
    let bounded = |within: &str| RESTART.replace("max: 60", &format!("max: 60\n    within: {within}"));
    let mut short = Bot::begins(&[&bounded("90s")], failed(8)).await;
    short.passes(minutes(5)).await;
    short.fires("JobsFailing", &[]).await;
    let told = escalates(&mut short).await;
    // The first, and a minute later the two behind it: those were begun, and are finished.
    assert_eq!(short.mutations(), [1, 2, 3].map(created));
    assert!(told.contains("its `within` of 1m30s is over") || told.contains("its `within` of 90s is over"), "{told}");
    assert!(told.contains("3 of 8 done, 5 untouched"), "{told}");
    assert!(told.contains("databases/pg-08-night=untouched"), "{told}");
    // Where all of it is done in time, or was begun in time, nothing is left to tell.
    let mut long = Bot::begins(&[&bounded("90s")], failed(3)).await;
    long.passes(minutes(5)).await;
    long.fires("JobsFailing", &[]).await;
    let (outcome, because) = long.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    // A question that lies there takes none of the time.
    let asks = bounded("90s").replace("autonomy: auto", "autonomy: approve");
    let mut asked = Bot::begins(&[&asks], failed(3)).await;
    asked.passes(minutes(5)).await;
    asked.fires("JobsFailing", &[]).await;
    asked.passes(minutes(10)).await;
    asked.says("anna", Command::Approve { approval: ApprovalId(1), verdict: Verdict::Approve, digest: None }).await;
    let (outcome, because) = asked.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
}

/// Somebody works on one of forty: the others need help all the same.
#[tokio::test]
async fn what_is_held_or_gone_is_left_alone() {
    let mut bot = Bot::begins(&[RESTART], failed(6)).await;
    bot.passes(minutes(5)).await;
    let held = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "we look at it" } } });
    bot.cluster.change(&ObjectKey::new("Job", "databases", night(1)), &held, "kubectl").unwrap();
    bot.fires("JobsFailing", &[]).await;
    bot.cluster.remove(&ObjectKey::new("Job", "databases", night(5)));
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), [2, 3, 4, 6].map(created));
    assert!(because.contains("4 of 6 done, 2 left alone"), "{because}");
    assert!(because.contains("dogwatch/hands-off=we look at it"), "{because}");
    assert!(because.contains("databases/pg-05-night (it is not there any more)"), "{because}");
}

#[tokio::test]
async fn a_loop_that_was_held_everywhere_is_for_a_human() {
    let held = json!({ "metadata": { "annotations": { "dogwatch/hands-off": "upgrade" } } });
    let mut objects = failed(3);
    objects[0] = objects[0].clone().with(&held);
    let mut bot = Bot::begins(&[RESTART], objects).await;
    bot.passes(minutes(5)).await;
    bot.fires("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("0 of 3 done, 3 left alone"), "{told}");
    assert!(bot.mutations().is_empty());
}

#[tokio::test]
async fn an_empty_list_is_nothing_to_do() {
    let mut bot = firing(RESTART, 0).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::NothingToDo, "{because}");
    assert_eq!(records(&bot, "wave").await, 0);
}

#[tokio::test]
async fn a_list_that_nobody_agreed_to_changes_nothing() {
    let mut bot = firing(&RESTART.replace("max: 60", "max: 5"), 6).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("there are 6, and 5 is the most that is agreed to (`max`): nothing was done"), "{told}");

    let twice = RESTART.replace("max: 60", "max: 60\n    key: job.metadata.namespace");
    let mut bot = firing(&twice, 6).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("two items have the key `databases`: nothing was done"), "{told}");

    let empty = RESTART.replace("max: 60", "max: 60\n    key: job.metadata.?labels[?'none'].orValue('')");
    let mut bot = firing(&empty, 6).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("item 1: its key is empty: nothing was done"), "{told}");
    assert!(bot.mutations().is_empty());
}

/// What is waited for is over first; what has not begun is named to whoever stopped it.
#[tokio::test]
async fn a_person_stops_it_in_the_middle() {
    let mut bot = firing(RESTART, 6).await;
    bot.passes(minutes(1) + std::time::Duration::from_secs(5)).await;
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Cancelled, "{because}");
    assert!(because.contains("3 of 6 done, 3 untouched; untouched: databases/pg-04-night"), "{because}");
    assert_eq!(bot.mutations(), [1, 2, 3].map(created));
}

/// The alert counts the Jobs that failed: that it is over does not say that the others are well.
#[tokio::test]
async fn an_alert_that_ends_in_the_middle_is_no_fix() {
    let mut bot = firing(RESTART, 6).await;
    bot.passes(minutes(1) + std::time::Duration::from_secs(5)).await;
    bot.resolves("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("the alert resolved, and the rest is for a human"), "{told}");
    assert!(told.contains("3 of 6 done, 3 untouched"), "{told}");

    let finish = RESTART.replace("max: 60", "max: 60\n    when_resolved: finish");
    let mut bot = firing(&finish, 6).await;
    bot.passes(minutes(1) + std::time::Duration::from_secs(5)).await;
    bot.resolves("JobsFailing", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}");
    assert_eq!(bot.mutations().len(), 6);
}

/// What was true when the list was made is asked again before each wave.
#[tokio::test]
async fn the_guard_is_asked_before_each_wave() {
    let guarded = RESTART.replace(
        "max: 60",
        "max: 60
    guard:
      - id: sick
        prometheus.query: { expr: repository_sick }
      - require: sick.value < 1
        because: the repository is sick again",
    );
    let mut bot = Bot::begins(&[&guarded], failed(6)).await;
    bot.prometheus.answers_in_turn("repository_sick", &[Some(0.0), Some(0.0), Some(3.0)]);
    bot.passes(minutes(5)).await;
    bot.fires("JobsFailing", &[]).await;
    let told = escalates(&mut bot).await;
    assert!(told.contains("the repository is sick again; mitigate.restart_all: 3 of 6 done, 3 untouched"), "{told}");
    assert_eq!(bot.mutations(), [1, 2, 3].map(created));
}

/// Has each Deployment of the shop have some replicas more.
pub const GROW: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: shop-small, version: 1.0.0, owner: platform }
summary: The shop is too small
severity: S2
autonomy: auto
page_by: 20h
triggers: [{ alert: ShopSlow }]
target: { kind: Namespace, name: shop }
diagnose:
  - id: webs
    k8s.list: { kind: Deployment, namespace: shop }
mitigate:
  - id: grow
    foreach: web in webs.items
    target: { kind: Deployment, namespace: shop, name: \"{{web.metadata.name}}\" }
    key: web.metadata.name
    max: 10
    waves: [1, 2]
    when_resolved: stop
    do:
      - done_if: target.spec.replicas > 5
        because: it is large already
      - choose:
          - branch: it is small
            when: target.spec.replicas < 4
            do: [{ set: { more: 2 } }]
          - otherwise: it is not so small
            do: [{ set: { more: 1 } }]
      - id: scale
        k8s.scale: { by: \"{{more}}\", max: 9 }
        verify:
          until: target.status.?readyReplicas.orValue(0) == target.spec.replicas
          settle: 1m
          every: 1m
          within: 10m
escalate:
  - page: { message: \"{{because}} | {{grow.summary}}\" }
";

/// A shop with Deployments of so many replicas.
pub fn shop_of(replicas: &[i64]) -> Vec<Object> {
    let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "shop" } });
    let web = |(n, replicas): (usize, &i64)| build::deployment("shop", &format!("web-{}", n + 1), *replicas);
    std::iter::once(Object(namespace)).chain(replicas.iter().enumerate().map(web)).collect()
}

pub fn web(n: usize) -> ObjectKey {
    ObjectKey::new("Deployment", "shop", format!("web-{n}"))
}

pub async fn slow_shop(playbook: &str, replicas: &[i64]) -> Bot {
    let mut bot = Bot::begins(&[playbook], shop_of(replicas)).await;
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    bot
}

/// Each item is its own: its object, its branch, its values.
#[tokio::test]
async fn each_item_goes_its_own_way() {
    let mut bot = slow_shop(GROW, &[2, 4, 6, 3]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    bot.does("scale deployment/web-1 in shop 2 -> 4").await;
    bot.does("scale deployment/web-2 in shop 4 -> 5").await;
    bot.does("scale deployment/web-4 in shop 3 -> 5").await;
    bot.does_nothing_more().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("grow for web-3: unneeded: it is large already"), "{timeline}");
}

pub fn asking() -> String {
    GROW.replace("autonomy: auto", "autonomy: approve")
}

/// One question for all of them, and an answer for exactly those.
#[tokio::test]
async fn a_yes_is_for_the_items_that_were_shown() {
    let mut bot = slow_shop(&asking(), &[2, 3, 2, 6]).await;
    let open = bot.store().open_approvals().await.unwrap();
    let shown: Vec<&str> = open[0].preview.steps.iter().map(|step| step.summary.as_str()).collect();
    assert_eq!(
        shown,
        [
            "scale deployment/web-1 in shop 2 -> 4",
            "scale deployment/web-2 in shop 3 -> 5",
            "scale deployment/web-3 in shop 2 -> 4",
            "nothing for web-4: it is large already",
        ]
    );
    let text = dogwatch::message::preview_text(&open[0].preview);
    let head =
        "4 items, and an answer is about exactly these: web-1, web-2, web-3, web-4\n1. CHANGES: scale deployment/web-1";
    assert!(text.starts_with(head), "{text}");
    // Somebody is faster than the answer with one of them, and one more comes.
    bot.cluster.change(&web(2), &json!({ "spec": { "replicas": 5 } }), "kubectl").unwrap();
    bot.cluster.apply(&build::deployment("shop", "web-5", 2), "helm").unwrap();
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    bot.does("scale deployment/web-1 in shop 2 -> 4").await;
    bot.does("scale deployment/web-3 in shop 2 -> 4").await;
    bot.does_nothing_more().await;
    let left = "alice approved `scale deployment/web-2 in shop 3 -> 5`, but now it would `scale deployment/web-2 in shop 5 -> 6`";
    assert!(because.contains("left alone: web-2 ("), "{because}");
    assert!(because.contains(left), "{because}");
}

/// Whoever approved the list approved all of it, unless the playbook says otherwise.
#[tokio::test]
async fn what_was_approved_is_finished_although_the_alert_ends() {
    let mut bot = slow_shop(&asking().replace("    when_resolved: stop\n", ""), &[2, 2, 2, 2]).await;
    bot.approves("alice").await;
    bot.passes(std::time::Duration::from_secs(10)).await;
    bot.resolves("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!((outcome, bot.mutations().len()), (Outcome::Fixed, 4), "{because}");
}

#[tokio::test]
async fn nothing_is_begun_when_the_alert_ends_before_the_answer_or_the_answer_is_no() {
    let mut bot = slow_shop(&asking(), &[2, 2]).await;
    bot.resolves("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::NothingToDo, "{because}");
    assert!(bot.mutations().is_empty());

    let mut bot = slow_shop(&asking(), &[2, 2]).await;
    bot.denies("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    assert!(because.contains("alice said no to APR-1; mitigate.grow: 0 of 2 done, 2 untouched"), "{because}");
    assert!(bot.mutations().is_empty());
}

#[tokio::test]
async fn what_it_would_do_is_shown_for_each_item() {
    let bot = slow_shop(&GROW.replace("autonomy: auto", "autonomy: suggest"), &[2, 4, 6]).await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    let proposed = "proposes, and does not do: scale deployment/web-1 in shop 2 -> 4; \
                    scale deployment/web-2 in shop 4 -> 5; nothing for web-3: it is large already";
    assert!(timeline.contains(proposed), "{timeline}");
    assert!(bot.mutations().is_empty());
}

/// The others do not wait for what another run is at.
#[tokio::test]
async fn an_item_that_another_run_has_is_left_alone() {
    let other = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: web-2-slow, version: 1.0.0, owner: platform }
summary: One of them is slow
severity: S2
autonomy: auto
page_by: 20h
triggers: [{ alert: WebSlow }]
target: { kind: Deployment, namespace: shop, name: web-2 }
mitigate:
  - k8s.scale: { to: 3, max: 3 }
    verify: { until: target.spec.replicas == 99, within: 10h }
escalate: [{ page: { message: help } }]
";
    let mut bot = Bot::begins(&[GROW, other], shop_of(&[2, 2, 2])).await;
    bot.passes(minutes(5)).await;
    bot.fires("WebSlow", &[]).await;
    // A person may do the same again; but not beside the other run.
    bot.types("alice", "/run shop-small").await;
    bot.approves("alice").await;
    bot.passes(minutes(30)).await;
    let run = &bot.runs().await[1];
    assert_eq!(run.outcome, Some(Outcome::Escalated), "{:?}: {:#?}", run.because, bot.log().await);
    let because = run.because.clone().unwrap();
    assert!(because.contains("2 of 3 done, 1 left alone; left alone: web-2 (RUN-1 holds "), "{because}");
    // The third began while the second waited.
    assert_eq!(bot.mutations(), [2, 1, 3].map(|n| format!("patch {}", web(n))));

    // An alert asks for no remedy that was tried a moment ago, of one item as of a whole run.
    let mut bot = Bot::begins(&[GROW, other], shop_of(&[2, 2, 2])).await;
    bot.passes(minutes(5)).await;
    bot.fires("WebSlow", &[]).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(30)).await;
    let because = bot.runs().await[1].because.clone().unwrap();
    assert!(because.contains("left alone: web-2 (RUN-1 did the same at 02:05 UTC"), "{because}");
}

/// A brake that holds the run holds the items that have yet to begin, and the run is stopped.
#[tokio::test]
async fn a_freeze_in_the_middle_holds_what_has_yet_to_begin() {
    let frozen = async |scope: &str| {
        let mut bot = slow_shop(GROW, &[2, 2, 2, 2]).await;
        bot.passes(minutes(1) + std::time::Duration::from_secs(5)).await;
        bot.types("alice", &format!("/freeze {scope} upgrade")).await;
        let (outcome, because) = bot.end().await;
        assert_eq!(bot.mutations().len(), 3, "{because}");
        (outcome, because)
    };
    let (outcome, because) = frozen("playbook=shop-small").await;
    assert_eq!(outcome, Outcome::Cancelled, "{because}");
    assert!(because.contains("3 of 4 done, 1 untouched; untouched: web-4"), "{because}");
    // It is the run's target.
    let (outcome, because) = frozen("namespace=shop").await;
    assert_eq!(outcome, Outcome::Cancelled, "{because}");
    assert!(because.contains("FRZ-1 (alice: upgrade) stopped it; "), "{because}");
    assert!(because.contains("3 of 4 done, 1 untouched; untouched: web-4"), "{because}");
}
