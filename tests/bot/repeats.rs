//! Conversations about what comes back: the same is not done again within the time in which it
//! should have held.

use dogwatch::cluster::sim::{Fault, Verb};
use dogwatch::model::*;
use dogwatch::store::RunStore as _;
use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, shop, web};

const SLOW: Option<f64> = Some(0.4);
const FAST: Option<f64> = Some(0.02);

/// A bot that scaled the shop up at 02:00, which helped; the alert is over.
async fn has_fixed(playbook: &str, latencies: &[Option<f64>]) -> Bot {
    let mut bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", latencies);
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.pages([]).await;
    bot
}

/// So often within the hour, in steps.
fn in_steps() -> String {
    SHOP.replace("diagnose:", "limits: { runs: 3 per 1h }\ndiagnose:")
}

#[tokio::test]
async fn what_comes_back_is_told_with_what_was_tried() {
    let mut bot = has_fixed(SHOP, &[SLOW, FAST, SLOW]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    insta::assert_snapshot!(because, @"
    mitigate.scale needs a human: RUN-1 did the same at 02:00 UTC (scale deployment/web in shop 4 -> 6), which helped for 35m: it is not done again within 1h (`engine.fix_holds_for`)
    ");
    bot.pages(["shop escalated"]).await;
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn what_comes_back_after_a_while_is_another_story() {
    let mut bot = has_fixed(SHOP, &[SLOW, FAST, SLOW, FAST]).await;
    bot.passes(minutes(61)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 6 -> 9").await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

/// What was tried before decides what is done now, and is shown.
#[tokio::test]
async fn what_did_not_hold_is_evidence() {
    let asks = "diagnose:\n  - id: before\n    history.runs: { within: 24h }\n  - escalate_if: before.did_not_hold > 0\n    \
                because: \"it does not hold: {{before.summary}}\"\n    role: applications\n";
    let mut bot = has_fixed(&SHOP.replacen("diagnose:\n", asks, 1), &[SLOW, FAST, SLOW]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(
        because.starts_with("it does not hold: 1 run within 1d, of which 1 mended it; the last: RUN-1"),
        "{because}"
    );
    assert!(because.contains("scale deployment/web in shop 4 -> 6; fixed, and the next one began 35m"), "{because}");
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn a_clock_that_was_set_counts_for_nothing() {
    let mut bot = has_fixed(SHOP, &[SLOW, FAST, SLOW, FAST, SLOW]).await;
    bot.passes(minutes(10)).await;
    bot.has_its_clock_set(chrono::TimeDelta::hours(3)).await;
    bot.passes(minutes(10)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.ends(Outcome::Escalated).await;
}

#[tokio::test]
async fn the_next_step_is_made_where_the_playbook_speaks_of_several() {
    let mut bot = has_fixed(&in_steps(), &[SLOW, FAST, SLOW, FAST, SLOW]).await;
    bot.passes(minutes(20)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 6 -> 9").await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
}

/// Twice a day for the same object, whatever the engine says of an hour.
fn twice_a_day() -> String {
    SHOP.replace("    verify: {", "    at_most: 2 per 24h\n    verify: {")
}

#[tokio::test]
async fn a_playbook_says_how_often_the_same_is_done() {
    let answers = [SLOW, FAST, SLOW, FAST, SLOW, FAST];
    let mut bot = has_fixed(&twice_a_day(), &answers).await;
    bot.passes(minutes(5)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 6 -> 9").await;
    bot.ends(Outcome::Fixed).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.passes(minutes(23 * 60)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    insta::assert_snapshot!(because, @"mitigate.scale needs a human: RUN-2 did the same at 02:06 UTC (scale deployment/web in shop 6 -> 9), which helped for 23h: it is done 2 per 1d at the most, as the playbook says (`at_most`)");
    bot.pages(["shop escalated"]).await;
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn what_somebody_took_back_is_not_done_again_however_many_steps_there_may_be() {
    let mut bot = has_fixed(&in_steps(), &[SLOW, FAST, SLOW]).await;
    bot.cluster.change(&web(), &json!({ "spec": { "replicas": 4 } }), "kubectl").unwrap();
    bot.passes(minutes(20)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("RUN-1 did the same at 02:00 UTC (scale deployment/web in shop 4 -> 6)"), "{because}");
}

#[tokio::test]
async fn what_did_not_help_is_not_tried_again() {
    let mut bot = Bot::begins(&[&in_steps()], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[SLOW, Some(9.0), SLOW]);
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Escalated).await;
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    insta::assert_snapshot!(because, @"
    mitigate.scale needs a human: RUN-1 tried the same at 02:00 UTC (scale deployment/web in shop 4 -> 6) and ended escalated 35m ago (the verify of mitigate.scale failed: 9 for `shop_latency_seconds`: `value > 5.0`): it is not done again within 1h (`engine.fix_holds_for`)
    ");
}

#[tokio::test]
async fn nobody_is_asked_for_what_would_be_refused() {
    let mut bot = Bot::begins(&[&asking()], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[SLOW, FAST, SLOW]);
    bot.fires("ShopSlow", &[]).await;
    bot.approves("alice").await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    let because = bot.ends(Outcome::Escalated).await;
    assert!(because.contains("RUN-1 did the same"), "{because}");
    assert!(bot.store().open_approvals().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_person_who_asks_knows_what_was_tried() {
    let mut bot = has_fixed(SHOP, &[SLOW, FAST, SLOW, SLOW, FAST]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.ends(Outcome::Escalated).await;
    let run = Command::Run { playbook: "shop-slow".into(), set: Default::default(), dry_run: false };
    bot.says("alice", run).await;
    bot.approves("alice").await;
    bot.does("scale deployment/web in shop 6 -> 9").await;
    bot.ends(Outcome::Fixed).await;
}

#[tokio::test]
async fn what_failed_without_an_effect_was_not_tried() {
    let mut bot = Bot::begins(&[SHOP], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[SLOW, SLOW, FAST]);
    bot.cluster.fault(Fault::Unavailable { verb: Verb::Patch, kind: "Deployment".into(), times: 10 });
    bot.fires("ShopSlow", &[]).await;
    let (outcome, because) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "{because}");
    bot.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    bot.resolves("ShopSlow", &[]).await;
    bot.passes(minutes(35)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(3)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
}
