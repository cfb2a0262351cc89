//! A diagnosis has an age: what is hours old is no ground to change anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use dogwatch::clock::Clock as _;
use dogwatch::model::*;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::crashes::Story;
use crate::evidence::front;

/// Asks before it scales, unless it is over or something else.
const ASKING: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: platform }
summary: the front end is slow
severity: S2
autonomy: approve
page_by: 9h
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - id: p99
    prometheus.query: { expr: front_p99 }
  - done_if: p99.value < 0.1
    because: \"it is fast again: {{p99.shown}}\"
  - require: p99.value < 100
    because: \"the number makes no sense: {{p99.shown}}\"
  - id: cause
    choose:
      - branch: it is very slow
        when: p99.value > 1
        do: [{ set: { to: \"8\" } }]
      - otherwise: it is a bit slow
        do: [{ set: { to: \"6\" } }]
mitigate:
  - id: scale
    k8s.scale: { to: \"{{to}}\", max: 10 }
    verify: { until: target.spec.replicas > 4, within: 10m }
escalate:
  - page: { message: \"{{because}}\" }
";

/// The bot asks, and the latency is whatever is put there.
async fn asks(playbook: &str) -> (Bot, Arc<AtomicI64>) {
    let mut bot = Bot::begins(&[playbook], front()).await;
    bot.passes(minutes(10)).await;
    let tenths = Arc::new(AtomicI64::new(4));
    let now = tenths.clone();
    #[allow(clippy::cast_precision_loss)]
    bot.prometheus.follows("front_p99", move || Some(now.load(Ordering::Relaxed) as f64 / 10.0));
    bot.fires("FrontSlow", &[]).await;
    assert_eq!(records(&bot, "approval_asked").await, 1, "{:#?}", bot.log().await);
    (bot, tenths)
}

async fn records(bot: &Bot, name: &str) -> usize {
    bot.log().await.iter().filter(|(_, event)| event.name() == name).count()
}

fn scaled() -> [String; 1] {
    ["patch deployment/front in web".to_owned()]
}

#[tokio::test]
async fn a_yes_in_time_is_to_what_was_found() {
    let (mut bot, _) = asks(ASKING).await;
    bot.passes(minutes(9)).await;
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!((outcome, records(&bot, "diagnosed_anew").await), (Outcome::Fixed, 0), "{because}");
    assert_eq!(records(&bot, "read").await, 1);
}

#[tokio::test]
async fn after_a_late_yes_it_is_found_out_again() {
    let (mut bot, _) = asks(ASKING).await;
    bot.passes(minutes(25)).await;
    bot.approves("alice").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    assert_eq!((records(&bot, "diagnosed_anew").await, records(&bot, "read").await), (1, 2));
    // The same comes of it, and the yes stands.
    assert_eq!((records(&bot, "approval_asked").await, bot.mutations()), (1, scaled().to_vec()));
    bot.keeps_the_laws().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    let told =
        "diagnoses again: what it found is from 02:10 UTC, and that is older than 10m (`engine.diagnosis_lasts`)";
    assert!(timeline.contains(told), "{timeline}");
}

#[tokio::test]
async fn what_is_over_by_then_is_not_done() {
    let (mut bot, tenths) = asks(ASKING).await;
    bot.passes(minutes(25)).await;
    tenths.store(0, Ordering::Relaxed);
    bot.approves("alice").await;
    assert_eq!(bot.ends(Outcome::NothingToDo).await, "it is fast again: 0");
    assert_eq!(bot.mutations(), Vec::<String>::new());
    let (mut bot, tenths) = asks(ASKING).await;
    bot.passes(minutes(25)).await;
    tenths.store(9_000, Ordering::Relaxed);
    bot.approves("alice").await;
    assert_eq!(bot.ends(Outcome::Escalated).await, "the number makes no sense: 900");
    assert_eq!(bot.mutations(), Vec::<String>::new());
}

/// Another branch, another change: the yes was to something else.
#[tokio::test]
async fn what_would_be_something_else_is_asked_again() {
    let (mut bot, tenths) = asks(ASKING).await;
    bot.passes(minutes(25)).await;
    tenths.store(40, Ordering::Relaxed);
    bot.approves("alice").await;
    bot.settles().await;
    assert_eq!(records(&bot, "approval_asked").await, 2, "{:#?}", bot.log().await);
    assert_eq!(bot.mutations(), Vec::<String>::new());
    bot.types("bob", "/approve APR-2").await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let front = bot.cluster.object(&ObjectKey::new("Deployment", "web", "front")).unwrap();
    assert_eq!(front.at("/spec/replicas"), Some(&json!(8)));
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn a_target_that_is_another_by_then_is_for_a_human() {
    let (mut bot, _) = asks(ASKING).await;
    bot.passes(minutes(25)).await;
    let front = ObjectKey::new("Deployment", "web", "front");
    bot.cluster.remove(&front);
    bot.approves("alice").await;
    let because = bot.ends(Outcome::Escalated).await;
    assert_eq!(because, "the target is not there any more");
}

/// Also where nobody is asked: the mitigation waited for an hour.
#[tokio::test]
async fn what_a_run_itself_waited_for_ages_too() {
    let waiting =
        ASKING.replace("autonomy: approve", "autonomy: auto").replace("mitigate:\n", "mitigate:\n  - wait: 1h\n");
    Story {
        playbook: waiting,
        objects: front,
        world: |bot| {
            let (clock, begun) = (bot.clock.clone(), bot.started() + minutes(7 * 60));
            // It gets worse in the meantime.
            bot.prometheus.follows("front_p99", move || {
                Some(if clock.now() - begun < chrono::TimeDelta::minutes(30) { 0.4 } else { 4.0 })
            });
        },
        alert: ("FrontSlow", &[]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/front in web"],
        pages: &[],
    }
    .survives(30..140)
    .await;
}
