//! Reads that are repeated until something holds.

use std::time::Duration;

use dogwatch::clock::Clock as _;
use dogwatch::model::*;

use crate::bot::{Bot, minutes};
use crate::crashes::Story;
use crate::evidence::front;

/// Waits whether it passes by itself before more is made.
const PATIENT: &str = "
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: front-slow, version: 1.0.0, owner: platform }
summary: the front end is slow
severity: S2
autonomy: auto
page_by: 9h
triggers: [{ alert: FrontSlow }]
target: { kind: Deployment, namespace: web, name: front }
diagnose:
  - id: p99
    prometheus.query: { expr: front_p99 }
    watch: { until: value < 0.1, fail_if: value > 5, every: 30s, within: 5m }
  - done_if: p99.held
    because: \"it is fast again: {{p99.shown}}\"
mitigate:
  - id: scale
    k8s.scale: { by: 50%, max: 10 }
    verify: { query: p99, until: value < 0.1, settle: 1m, every: 1m, within: 10m }
escalate:
  - page: { message: \"{{because}}\" }
";

async fn slow(playbook: &str, answers: &[Option<f64>]) -> Bot {
    let mut bot = Bot::begins(&[playbook], front()).await;
    bot.passes(minutes(10)).await;
    bot.prometheus.answers_in_turn("front_p99", answers);
    bot.fires("FrontSlow", &[]).await;
    bot
}

async fn records(bot: &Bot, name: &str) -> usize {
    bot.log().await.iter().filter(|(_, event)| event.name() == name).count()
}

fn asked(bot: &Bot) -> usize {
    bot.prometheus.asked().len()
}

#[tokio::test]
async fn it_is_read_until_it_holds() {
    let mut bot = slow(PATIENT, &[Some(0.4), Some(0.4), None, Some(0.02)]).await;
    let begun = bot.clock.now();
    let because = bot.ends(Outcome::NothingToDo).await;
    assert_eq!(because, "it is fast again: 0.02");
    // What has no answer is "not yet".
    assert_eq!((asked(&bot), bot.clock.now() - begun), (4, chrono::TimeDelta::seconds(90)));
    assert_eq!((records(&bot, "watching").await, records(&bot, "watched").await), (1, 1));
    let held = bot.log().await.into_iter().find_map(|(_, event)| match event {
        RunEvent::Read { output, .. } => output.get("held").cloned(),
        _ => None,
    });
    assert_eq!(held, Some(true.into()));
    bot.keeps_the_laws().await;
    let timeline = crate::why::asks(&bot, "/timeline INC-1").await;
    assert!(timeline.contains("p99: 0.4 for `front_p99`: not yet `value < 0.1`: not yet"), "{timeline}");
}

/// That the time is over is no failure.
#[tokio::test]
async fn what_follows_says_what_it_means_that_the_time_is_over() {
    let mut slow_for_a_while = vec![Some(0.4); 11];
    slow_for_a_while.push(Some(0.02));
    let mut bot = slow(PATIENT, &slow_for_a_while).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    assert_eq!(bot.mutations(), ["patch deployment/front in web"]);
    // Eleven looks in five minutes, and one of the verify.
    assert_eq!(asked(&bot), 12);
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn it_fails_where_waiting_is_no_use_and_where_the_last_look_does() {
    let mut bot = slow(PATIENT, &[Some(0.4), Some(7.0)]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("diagnose.p99 failed: 7 for `front_p99`: `value > 5`"), "{because}");
    let mut bot = slow(PATIENT, &[Some(0.4), None]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("diagnose.p99 failed: its last look failed: "), "{because}");
    let without = PATIENT
        .replace("    watch:", "    on_error: go_on\n    watch:")
        .replace("done_if: p99.held", "done_if: \"!has(p99.error) && p99.held\"");
    let mut bot = slow(&without, &[Some(0.4), Some(7.0), Some(0.02)]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
}

#[tokio::test]
async fn a_stop_and_the_end_of_the_alert_are_heeded_at_once() {
    let mut bot = slow(PATIENT, &[Some(0.4)]).await;
    bot.passes(Duration::from_secs(70)).await;
    bot.resolves("FrontSlow", &[]).await;
    let run = &bot.runs().await[0];
    assert_eq!(run.outcome, Some(Outcome::NothingToDo), "{:#?}", bot.log().await);
    let mut bot = slow(PATIENT, &[Some(0.4)]).await;
    bot.passes(Duration::from_secs(70)).await;
    bot.types("alice", "/resolve INC-1").await;
    bot.settles().await;
    let run = &bot.runs().await[0];
    assert_eq!(run.outcome, Some(Outcome::Cancelled), "{:#?}", bot.log().await);
}

/// A day of looks is no log that somebody could read.
#[tokio::test]
async fn of_many_looks_few_are_on_the_log() {
    let long = PATIENT.replace("every: 30s, within: 5m", "every: 30s, within: 2h");
    let mut bot = slow(&long, &[Some(0.4)]).await;
    bot.passes(minutes(119)).await;
    let looks = asked(&bot);
    assert!((238..=240).contains(&looks), "{looks}");
    let told = records(&bot, "watched").await;
    assert!((22..=25).contains(&told), "{told}");
}

/// One good sample between two bad ones is none.
#[tokio::test]
async fn it_has_to_hold_for_a_while() {
    let lasting = PATIENT.replace("every: 30s, within: 5m", "every: 30s, within: 5m, for: 70s");
    let mut bot = slow(&lasting, &[Some(0.4), Some(0.02), Some(0.4), Some(0.02)]).await;
    let begun = bot.clock.now();
    bot.ends(Outcome::NothingToDo).await;
    // It holds from 90 s on, and at 160 s it has for long enough: that is when it is looked at.
    assert_eq!((asked(&bot), bot.clock.now() - begun), (7, chrono::TimeDelta::seconds(160)));
    assert_eq!(records(&bot, "watched").await, 4);
}

#[tokio::test]
async fn a_verify_may_ask_for_a_while_too() {
    let lasting = PATIENT.replace("settle: 1m, every: 1m, within: 10m", "settle: 1m, every: 1m, within: 10m, for: 2m");
    let mut answers = vec![Some(0.4); 11];
    answers.extend([Some(0.02), Some(0.4), Some(0.02)]);
    let mut bot = slow(&lasting, &answers).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Fixed, "{because}: {:#?}", bot.log().await);
    let verdicts: Vec<Look> = bot
        .log()
        .await
        .iter()
        .filter_map(|(_, event)| match event {
            RunEvent::Looked { verdict, .. } => Some(*verdict),
            _ => None,
        })
        .collect();
    assert_eq!(verdicts, [Look::Holds, Look::NotYet, Look::Holds, Look::Holds, Look::Good]);
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn it_goes_on_whenever_the_bot_dies() {
    Story {
        playbook: PATIENT.replace("within: 5m", "within: 5m, for: 1m"),
        objects: front,
        world: |bot| {
            let (clock, cluster) = (bot.clock.clone(), bot.cluster.clone());
            let begun = bot.started() + minutes(7 * 60);
            bot.prometheus.follows("front_p99", move || {
                let front = cluster.object(&ObjectKey::new("Deployment", "web", "front")).unwrap();
                let replicas = front.at("/spec/replicas").and_then(serde_json::Value::as_i64);
                let is_soon = clock.now() - begun < chrono::TimeDelta::minutes(4);
                Some(if is_soon || replicas == Some(4) { 0.4 } else { 0.02 })
            });
        },
        alert: ("FrontSlow", &[]),
        ends: Outcome::Fixed,
        mutations: &["patch deployment/front in web"],
        pages: &[],
    }
    .survives(30..160)
    .await;
}
