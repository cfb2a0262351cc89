//! Maintenance windows: what they cover pages nobody and is changed by no run, and what still fires
//! at their end pages.

use dogwatch::model::*;
use dogwatch::store::WindowStore as _;

use crate::bot::{Bot, minutes};
use crate::runs::{SHOP, UP, asking, in_three_steps, shop};

async fn bot(playbook: &str) -> Bot {
    let bot = Bot::begins(&[playbook], shop()).await;
    bot.prometheus.answers_in_turn("shop_latency", &[Some(0.4), Some(0.02)]);
    bot
}

const DOWN: &[(&str, &str)] = &[("severity", "critical"), ("namespace", "db")];

#[tokio::test]
async fn what_is_covered_pages_nobody_and_runs_nothing_and_its_end_pages_what_still_fires() {
    let mut bot = bot(SHOP).await;
    let reply = bot.types("anna", "/silence alertname=ShopSlow --for 2h moving the shop").await;
    let said = "WIN-1: until 2026-03-02 04:00 UTC nobody is paged about alertname=ShopSlow, and no run changes it; \
                /unsilence WIN-1 ends it before";
    assert_eq!(reply, said);
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(119)).await;
    bot.pages([]).await;
    bot.does_nothing_more().await;
    assert!(bot.runs().await.is_empty());
    let held = bot.incident(1).await;
    assert_eq!((held.state, held.open_episodes, held.page_at), (IncidentState::Open, 1, None));
    assert_eq!(held.held_until, Some(bot.started() + minutes(120)));

    bot.passes(minutes(1)).await;
    bot.pages(["shop window ended"]).await;
    assert_eq!(bot.incident(1).await.held_until, None);
    // Told again, it asks for what it asked for.
    bot.fires("ShopSlow", &[]).await;
    bot.does(UP).await;
    bot.ends(Outcome::Fixed).await;
    bot.pages(["shop window ended"]).await;
    insta::assert_snapshot!(bot.tells(1).await.join("\n"), @"
    02:00:00 opened: ShopSlow fires
    02:00:00 ShopSlow fires
    02:00:00 WIN-1 covers 1 alert until 04:00:00: nobody is paged, and nothing is run
    02:00:00 playbook shop-slow is not run: WIN-1 covers deployment/web in shop
    04:00:00 WIN-1 is over: 1 alert that it held back still fires
    04:00:00 team shop is paged: WIN-1 has ended, which held it back, and 1 alert still fires
    04:00:00 RUN-1 starts: playbook shop-slow (34e493cbb076), because its alert fires
    04:01:00 mitigated: every step of the mitigation is done
    ");
}

#[tokio::test]
async fn what_is_told_again_after_the_end_runs_once() {
    let mut bot = bot(SHOP).await;
    bot.types("anna", "/silence alertname=ShopSlow --for 1h moving the shop").await;
    bot.fires("ShopSlow", &[]).await;
    bot.passes(minutes(61)).await;
    for _ in 0..3 {
        bot.fires("ShopSlow", &[]).await;
        bot.passes(minutes(30)).await;
    }
    assert_eq!(bot.runs().await.len(), 1);
}

#[tokio::test]
async fn what_resolved_meanwhile_pages_nobody() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.passes(minutes(30)).await;
    bot.resolves("Down", DOWN).await;
    assert_eq!(bot.incident(1).await.state, IncidentState::Resolved);
    bot.passes(minutes(60)).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn what_no_matcher_covers_is_paged_at_once() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", &[("severity", "critical"), ("namespace", "shop")]).await;
    bot.pages(["platform severity one"]).await;
}

#[tokio::test]
async fn an_alert_that_no_window_covers_pages_for_an_incident_that_was_held_back() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence pod=a --for 1h an upgrade").await;
    let object = |pod| [("severity", "warning"), ("namespace", "db"), ("deployment", "pg"), ("pod", pod)];
    bot.fires("Slow", &object("a")).await;
    bot.pages([]).await;
    bot.fires("Slower", &object("b")).await;
    bot.pages(["platform uncovered"]).await;
    assert_eq!(bot.incident(1).await.held_until, None);
}

#[tokio::test]
async fn a_covered_alert_makes_nothing_worse_that_somebody_is_called_for() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence alertname=Worse --for 1h an upgrade").await;
    let object = |severity| [("severity", severity), ("namespace", "db"), ("deployment", "pg")];
    bot.fires("Slow", &object("warning")).await;
    bot.fires("Worse", &object("critical")).await;
    bot.pages(["platform uncovered"]).await;
    assert_eq!(bot.incident(1).await.severity, Severity::S2);
    bot.passes(minutes(61)).await;
    assert_eq!(bot.incident(1).await.severity, Severity::S1);
    bot.pages(["platform uncovered", "platform window ended"]).await;
}

#[tokio::test]
async fn ended_early_it_pages_what_still_fires() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 4h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.passes(minutes(10)).await;
    let reply = bot.types("bob", "/unsilence 1").await;
    assert_eq!(reply, "WIN-1 has ended; what it covered and still fires pages now");
    bot.pages(["platform window ended"]).await;
    let told = bot.tells(1).await.join("\n");
    assert!(told.contains("WIN-1 was ended by bob: 1 alert that it held back still fires"), "{told}");
    assert_eq!(bot.types("carol", "/unsilence 1").await, "WIN-1 has ended already, at 2026-03-02 02:10 UTC");
    assert!(bot.types("bob", "/unsilence 2").await.starts_with("there is no WIN-2"));
}

#[tokio::test]
async fn another_window_that_covers_it_holds_it_back_longer() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.types("anna", "/silence namespace=db --for 3h it takes longer").await;
    bot.passes(minutes(90)).await;
    bot.pages([]).await;
    assert_eq!(bot.incident(1).await.held_until, Some(bot.started() + minutes(180)));
    bot.passes(minutes(90)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn whoever_took_it_meanwhile_is_not_paged() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.types("anna", "/ack 1").await;
    bot.passes(minutes(61)).await;
    bot.pages([]).await;
}

#[tokio::test]
async fn a_window_that_begins_later_holds_back_the_page_that_is_due_in_it() {
    let mut bot =
        bot(&SHOP.replace("autonomy: auto", "autonomy: suggest").replace("page_by: 2h", "page_by: 30m")).await;
    bot.fires("ShopSlow", &[]).await;
    bot.types("anna", "/silence Deployment/shop/* --for 1h --from 20m moving the shop").await;
    bot.passes(minutes(79)).await;
    bot.pages([]).await;
    bot.passes(minutes(2)).await;
    bot.pages(["shop window ended"]).await;
}

/// Three steps that do not belong together.
fn one_by_one() -> String {
    in_three_steps().replace("  - atomic:\n      - ", "  - ").replace("\n      - ", "\n  - ")
}

#[tokio::test]
async fn a_run_begins_no_change_in_a_window_that_begins_between_two() {
    let mut bot = bot(&one_by_one()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.types("anna", "/silence Deployment/shop/web --for 1h moving the shop").await;
    let because = bot.ends(Outcome::Cancelled).await;
    assert_eq!(because, "WIN-1 (until 2026-03-02 03:00 UTC) stopped it");
    bot.passes(minutes(30)).await;
    bot.pages([]).await;
    bot.passes(minutes(31)).await;
    bot.pages(["shop window ended"]).await;
}

#[tokio::test]
async fn a_group_that_was_begun_is_finished_in_a_window() {
    let mut bot = bot(&in_three_steps()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.does("scale deployment/web in shop 4 -> 5").await;
    bot.types("anna", "/silence Deployment/shop/web --for 1h moving the shop").await;
    bot.passes(minutes(2)).await;
    bot.does("scale deployment/web in shop 5 -> 6").await;
    bot.ends(Outcome::Cancelled).await;
    bot.keeps_the_laws().await;
}

#[tokio::test]
async fn a_yes_in_a_window_changes_nothing() {
    let mut bot = bot(&asking()).await;
    bot.fires("ShopSlow", &[]).await;
    bot.types("anna", "/silence namespace=shop --for 1h moving the shop").await;
    bot.approves("alice").await;
    bot.ends(Outcome::Cancelled).await;
    let reply = bot.types("bob", "/run shop-slow").await;
    assert!(reply.starts_with("WIN-1 covers deployment/web in shop until 2026-03-02 03:00 UTC"), "{reply}");
}

#[tokio::test]
async fn a_restart_in_the_middle_changes_nothing() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.is_restarted().await;
    bot.passes(minutes(30)).await;
    bot.pages([]).await;
    bot.is_restarted().await;
    bot.passes(minutes(30)).await;
    bot.pages(["platform window ended"]).await;
    bot.is_restarted().await;
    bot.passes(minutes(30)).await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn a_bot_that_was_away_at_the_end_tells_it_later() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.fires("Down", DOWN).await;
    bot.clock.set(bot.started() + minutes(100));
    bot.is_restarted().await;
    bot.settles().await;
    bot.pages(["platform window ended"]).await;
}

#[tokio::test]
async fn a_window_says_what_it_covers_and_lasts_no_month() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let broad = bot.types("anna", "/silence alertname=~.* --for 1h all of it").await;
    assert!(broad.starts_with("alertname=~.* covers nearly everything, which needs the role admin"), "{broad}");
    let long = bot.types("anna", "/silence namespace=db --for 31d a month").await;
    assert_eq!(long, "a window lasts up to 30d");
    let past = bot.types("anna", "/silence namespace=db --for 1h --from 2026-03-01T22:00Z yesterday").await;
    assert_eq!(past, "that would be over already, at 2026-03-01 23:00 UTC");
    assert!(bot.store().windows_since(bot.started()).await.unwrap().is_empty());
}

#[tokio::test]
async fn windows_are_listed_with_what_they_hold_back() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.types("anna", "/silence namespace=db --for 1h an upgrade").await;
    bot.types("bob", "/silence Node//n1 --for 2h --from 2026-03-03T02:00Z a new kernel").await;
    bot.fires("Down", DOWN).await;
    let now = bot.started();
    let windows = bot.store().windows_since(now).await.unwrap();
    let held = bot.store().held_by(&[WindowId(1), WindowId(2)]).await.unwrap();
    insta::assert_snapshot!(dogwatch::message::windows_text(&windows, &held, now), @"
    WIN-1 is active until 2026-03-02 03:00:00 UTC
        covers namespace=db
        anna: an upgrade (by console)
        held back: 1 incident, 1 alert, 0 pages
            INC-1 S1 open, 1 alert firing: Down namespace=db
    WIN-2 begins at 2026-03-03 02:00:00 UTC, until 2026-03-03 04:00:00 UTC
        covers Node//n1
        bob: a new kernel (by console)
        has held nothing back
    ");
}

#[tokio::test]
async fn a_planned_window_comes_by_the_clocks_of_its_place() {
    let mut bot = Bot::begins(&[], vec![]).await;
    let file = "apiVersion: dogwatch/v1
kind: Maintenance
windows:
  - { name: backup, matchers: [namespace=db], reason: a backup, owner: dba, every: Sunday 02:00-04:00, zone: Europe/Berlin }
";
    bot.rules.planned = dogwatch::maintenance::parse_maintenance("maintenance.yaml", file).unwrap().into();
    bot.is_restarted().await;
    // 29 March: the clocks go from 02:00 to 03:00, and there is one hour of it, from 01:00 to 02:00
    // UTC.
    let at = |text: &str| text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    let now = bot.started();
    bot.passes((at("2026-03-29T00:55:00Z") - now).to_std().unwrap()).await;
    bot.fires("Before", DOWN).await;
    bot.pages(["platform severity one"]).await;
    bot.passes(minutes(10)).await;
    let other = [("severity", "critical"), ("namespace", "db"), ("deployment", "pg")];
    bot.fires("Within", &other).await;
    bot.pages(["platform severity one"]).await;
    bot.passes(minutes(60)).await;
    bot.pages(["platform severity one", "platform window ended"]).await;
    let windows = bot.store().windows_since(at("2026-03-29T00:00:00Z")).await.unwrap();
    let times: Vec<_> = windows.iter().map(|window| (window.starts_at, window.ends_at)).collect();
    assert_eq!(times[0], (at("2026-03-29T01:00:00Z"), at("2026-03-29T02:00:00Z")));
    assert_eq!(windows.len(), 2, "and the next one is known");
    // It is taken out of the file.
    bot.rules.planned = [].into();
    bot.is_restarted().await;
    bot.settles().await;
    let coming = bot.store().windows_since(bot.started()).await.unwrap();
    assert!(coming.iter().all(|window| window.told_at.is_some()), "{coming:#?}");
}
