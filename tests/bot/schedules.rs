//! Conversations about playbooks that a time starts.

use dogwatch::model::*;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, shop, web};

/// Every night at four by Berlin's clocks, which is three, UTC.
fn nightly() -> String {
    let schedule = "triggers:\n  - schedule: { cron: \"0 4 * * *\", time_zone: Europe/Berlin }";
    SHOP.replace("triggers:\n  - alert: ShopSlow", schedule)
}

async fn bot() -> Bot {
    let bot = Bot::begins(&[&nightly()], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

#[tokio::test]
async fn a_planned_time_begins_one_run() {
    // It is two in the morning.
    let mut bot = bot().await;
    bot.passes(minutes(59)).await;
    assert!(bot.runs().await.is_empty());
    bot.passes(minutes(1)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages([]).await;
    let runs = bot.runs().await;
    assert_eq!(runs.len(), 1);
    assert_eq!((runs[0].requested_by.as_deref(), runs[0].autonomy), (None, Autonomy::Auto));
    let incident = bot.incident(1).await;
    assert_eq!(incident.state, IncidentState::Resolved, "it needed nobody");
    // The next one is tomorrow's.
    bot.passes(minutes(20 * 60)).await;
    assert_eq!(bot.runs().await.len(), 1);
    bot.passes(minutes(4 * 60)).await;
    assert_eq!(bot.runs().await.len(), 2);
}

/// A planned run is pinned as each other one: what it hands over to is what was there when it
/// began.
#[tokio::test]
async fn a_planned_run_is_handed_over_too() {
    let triage = crate::hand_over::TRIAGE.replace(
        "triggers: [{ alert: ShopSick }]",
        "triggers: [{ schedule: { cron: \"0 4 * * *\", time_zone: Europe/Berlin } }]",
    );
    let mut bot = Bot::begins(&[&triage, SHOP], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.4), Some(0.02)]);
    bot.passes(minutes(60)).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    assert_eq!(bot.runs().await[0].outcome, Some(Outcome::HandedOver));
}

#[tokio::test]
async fn what_a_short_absence_missed_is_made_up_for_once() {
    let mut bot = bot().await;
    bot.passes(minutes(30)).await;
    bot.is_gone_for(minutes(60)).await;
    bot.settles().await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.is_restarted().await;
    bot.passes(minutes(10)).await;
    assert_eq!(bot.runs().await.len(), 1);
}

#[tokio::test]
async fn what_is_an_hour_late_is_told_and_not_made_up_for() {
    let mut bot = bot().await;
    bot.passes(minutes(30)).await;
    bot.is_gone_for(minutes(100)).await;
    bot.passes(minutes(1)).await;
    assert!(bot.runs().await.is_empty());
    let news = bot.delivered_texts("announcement").await;
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(news[0].starts_with("shop-slow was not begun at its planned time"), "{}", news[0]);
    assert!(news[0].contains("2026-03-02 03:00 UTC"), "{}", news[0]);
}

#[tokio::test]
async fn what_needs_a_human_stays_open_and_pages() {
    let mut bot = Bot::begins(&[&nightly()], shop()).await;
    bot.prometheus.follows("shop_latency", || None);
    bot.passes(minutes(60)).await;
    bot.ends(Outcome::Escalated).await;
    bot.pages(["shop escalated"]).await;
    let incident = bot.incident(1).await;
    assert_eq!(incident.state, IncidentState::Open);
}

/// Whenever the bot dies, from the moment that the time comes: one run, and one change.
#[tokio::test]
async fn a_planned_time_begins_one_run_whenever_the_bot_dies() {
    let goes = async |n: Option<usize>| {
        let mut bot = Bot::begins(&[&nightly()], shop()).await;
        let cluster = bot.cluster.clone();
        // What is asked twice has the same answer.
        let is_larger = move || cluster.object(&web()).unwrap().number("/spec/replicas") > Some(4);
        bot.prometheus.follows("shop_latency", move || Some(if is_larger() { 0.02 } else { 0.4 }));
        bot.passes(minutes(59)).await;
        if let Some(n) = n {
            bot.fuse.dies_at(n);
        }
        bot.passes(minutes(1)).await;
        let (outcome, because) = bot.end().await;
        bot.settles().await;
        assert_eq!(outcome, Outcome::Fixed, "died at {n:?}: {because}");
        assert_eq!(bot.runs().await.len(), 1, "died at {n:?}");
        assert_eq!(bot.changes().await.len(), 1, "died at {n:?}");
        bot.pages([]).await;
        bot.keeps_the_laws().await;
        bot.fuse.passed().len()
    };
    let points = goes(None).await;
    assert!((10..80).contains(&points), "{points}");
    for n in 1..=points {
        goes(Some(n)).await;
    }
}

/// Two at once would work against each other, whatever begins the second one.
#[tokio::test]
async fn what_is_at_work_on_an_object_is_not_joined_by_a_planned_run() {
    let other = crate::runs::asking().replace("shop-slow", "shop-asks");
    let mut bot = Bot::begins(&[&nightly(), &other], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    bot.passes(minutes(50)).await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(11)).await;
    assert_eq!(bot.runs().await.len(), 1);
    let told = bot.delivered_texts("announcement").await.join("\n");
    assert!(told.contains("RUN-1 of shop-asks is at work on deployment/web in shop"), "{told}");
}
