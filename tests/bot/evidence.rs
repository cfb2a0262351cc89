//! Reads without which a run goes on.

use dogwatch::cluster::Object;
use dogwatch::cluster::sim::{Fault, Verb, build};
use dogwatch::model::*;

use crate::bot::{Bot, minutes};
use crate::crashes::Story;

const SLOW: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: platform }
summary: the front end is slow
severity: S2
autonomy: auto
page_by: 1h
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - id: p99
    prometheus.query: { expr: front_p99 }
  - id: pods
    k8s.pods: {}
    retry: { for: 10s }
    on_error: go_on
  - id: cause
    choose:
      - branch: the pods crash
        when: \"!has(pods.error) && pods.crash_looping > 0\"
        escalate: \"{{pods.summary}}\"
      - otherwise: there is too much to do
        go_on: more of them help
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 1m, every: 1m, within: 5m }
escalate:
  - page: { message: \"{{because}} | {{pods.summary}}{{#if pods.error}}, as said{{/if}}\" }
";

pub fn front() -> Vec<Object> {
    vec![build::deployment("web", "front", 4)]
}

/// The pods cannot be asked for.
fn is_refused(bot: &Bot) {
    bot.cluster.fault(Fault::Forbidden { verb: Verb::List, kind: "Pod".into() });
}

async fn log_names(bot: &Bot) -> Vec<&'static str> {
    bot.log().await.iter().map(|(_, event)| event.name()).filter(|name| *name != "claimed").collect()
}

#[tokio::test]
async fn a_run_goes_on_without_what_it_cannot_find_out() {
    let mut bot = Bot::begins(&[SLOW], front()).await;
    bot.passes(minutes(10)).await;
    is_refused(&bot);
    bot.prometheus.answers_in_turn("front_p99", &[Some(0.4), Some(0.02)]);
    bot.fires("FrontSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let names = log_names(&bot).await;
    assert_eq!(names[..6], ["entered", "target_read", "read", "failed", "read_failed", "chosen"], "{names:?}");
    bot.keeps_the_laws().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("pods has no answer, and it goes on without"), "{timeline}");
}

/// What fails for a moment is tried again before the run goes on without it.
#[tokio::test]
async fn what_may_pass_is_tried_again_first() {
    let mut bot = Bot::begins(&[SLOW], front()).await;
    bot.passes(minutes(10)).await;
    bot.cluster.fault(Fault::Unavailable { verb: Verb::List, kind: "Pod".into(), times: 1 });
    bot.prometheus.answers_in_turn("front_p99", &[Some(0.4), Some(0.02)]);
    bot.fires("FrontSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let names = log_names(&bot).await;
    assert!(names.contains(&"failed") && !names.contains(&"read_failed"), "{names:?}");
}

#[tokio::test]
async fn the_page_says_why_there_is_none() {
    let mut bot = Bot::begins(&[SLOW], front()).await;
    bot.passes(minutes(10)).await;
    is_refused(&bot);
    bot.prometheus.follows("front_p99", || Some(0.4));
    bot.fires("FrontSlow", &[]).await;
    let (outcome, _) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated);
    let told = bot.page_texts().await;
    assert!(told.contains("did not help in time"), "{told}");
    assert!(told.contains("| no answer: ") && told.contains(", as said"), "{told}");
}

/// Not to know is no answer of a condition that does not ask for it.
#[tokio::test]
async fn a_condition_that_needs_it_is_for_a_human() {
    let needs =
        SLOW.replace("!has(pods.error) && pods.crash_looping > 0", "pods['crash_looping'] > 0 || has(pods.error)");
    let mut bot = Bot::begins(&[&needs], front()).await;
    bot.passes(minutes(10)).await;
    is_refused(&bot);
    bot.prometheus.follows("front_p99", || Some(0.4));
    bot.fires("FrontSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("whether it is `the pods crash`"), "{because}");
    assert_eq!(bot.mutations(), Vec::<String>::new());
}

/// What could not be found out is not asked again, also where it would work by now.
#[tokio::test]
async fn it_is_not_found_out_once_whenever_the_bot_dies() {
    Story {
        playbook: SLOW.to_owned(),
        objects: front,
        world: |bot| {
            is_refused(bot);
            let cluster = bot.cluster.clone();
            bot.prometheus.follows("front_p99", move || {
                let front = cluster.object(&ObjectKey::new("Deployment", "web", "front")).unwrap();
                let replicas = front.at("/spec/replicas").and_then(serde_json::Value::as_i64);
                Some(if replicas == Some(4) { 0.4 } else { 0.02 })
            });
        },
        alert: ("FrontSlow", &[]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/front in web"],
        pages: &[],
    }
    .survives(30..90)
    .await;
}
