//! What the receivers of pages hear: that somebody is called, that there is more to say, that
//! somebody has it, and that it is over.

use std::sync::Arc;

use dogwatch::model::{Command, IncidentId};
use dogwatch::store::EscalationStore as _;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::{fires, resolves};
use crate::runs::{asking, shop};
use crate::why::asks_with;

pub const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
";

async fn begins(pager: fn(&str, Arc<dogwatch::clock::ManualClock>) -> Arc<Pager>) -> (Bot, Arc<Pager>) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let pager = pager("pager", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&pager), ONCALL).await;
    (bot, pager)
}

#[tokio::test]
async fn who_listens_hears_who_has_it_and_that_it_is_over() {
    let (mut bot, pager) = begins(Pager::listening).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1 a cable").await;
    bot.passes(minutes(2)).await;
    assert_eq!(
        pager.heard(),
        [
            "02:00 trigger INC-1-1-S1",
            "02:02 acknowledge INC-1-1-S1: anna has acknowledged it",
            "02:04 resolve INC-1-1-S1: resolved by anna: a cable",
        ]
    );
}

#[tokio::test]
async fn who_does_not_listen_hears_of_calls_alone() {
    let (mut bot, pager) = begins(Pager::new).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/resolve INC-1").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pager.heard(), ["02:00 trigger INC-1-1-S1"]);
}

#[tokio::test]
async fn each_level_hears_of_the_end_and_all_are_one_incident_to_the_receiver() {
    let (mut bot, pager) = begins(Pager::listening).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    let acknowledged = "02:06 acknowledge INC-1-1-S1: anna has acknowledged it";
    assert_eq!(pager.heard(), ["02:00 trigger INC-1-1-S1", "02:05 trigger INC-1-1-S1", acknowledged, acknowledged]);
}

#[tokio::test]
async fn where_the_receiver_calls_the_next_itself_the_bot_only_watches() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(120)).await;
    assert_eq!(pager.heard(), ["02:00 trigger INC-1-1-S1"]);
    let why = asks_with(&bot, bot.rules.oncall.clone(), "/why INC-1").await;
    assert!(why.contains("whom pager calls, which has the page and escalates by its own policy"), "{why}");
    bot.types("anna", "/ack INC-1").await;
    // What somebody has and nobody touches is the receiver's to call for again, too.
    bot.passes(minutes(600)).await;
    assert_eq!(pager.heard().len(), 2, "{:?}", pager.heard());
}

#[tokio::test]
async fn where_the_page_went_another_way_the_bot_calls_the_next() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    let phone = Pager::listening("phone", bot.clock.clone());
    bot.pagers.push(phone.clone());
    bot.is_restarted().await;
    pager.refuses();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    assert_eq!(pager.heard(), [""; 0]);
    assert_eq!(phone.heard(), ["02:00 trigger INC-1-1-S1", "02:05 trigger INC-1-1-S1"]);
}

#[tokio::test]
async fn somebody_who_is_asked_for_is_called_even_where_the_receiver_escalates() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/escalate INC-1").await;
    bot.passes(minutes(2)).await;
    assert_eq!(pager.heard(), ["02:00 trigger INC-1-1-S1", "02:02 trigger INC-1-1-S1-2"]);
}

#[tokio::test]
async fn a_receiver_that_escalates_is_told_when_nobody_is_needed_for_now_and_when_somebody_is_again() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(2)).await;
    resolves(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!(
        pager.heard()[1..],
        ["02:02 resolve INC-1-1-S2: resolved by alertmanager: all its alerts have resolved"],
        "{:?}",
        pager.heard()
    );
    bot.passes(minutes(1)).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(11)).await;
    assert_eq!(
        pager.heard()[2..],
        ["02:12 trigger INC-1-2-S2"],
        "once, and not for the page of before: {:?}",
        pager.heard()
    );
}

#[tokio::test]
async fn what_comes_back_calls_by_its_own_page_and_not_by_those_of_before() {
    for receiver in [Pager::listening, Pager::escalating] {
        let (mut bot, pager) = begins(receiver).await;
        fires(&mut bot, "DiskFull", "a", "warning").await;
        bot.passes(minutes(20)).await;
        resolves(&mut bot, "DiskFull", "a", "warning").await;
        bot.passes(minutes(12)).await;
        let before = pager.heard().len();
        fires(&mut bot, "DiskFull", "a", "warning").await;
        bot.passes(minutes(1)).await;
        let since = pager.heard()[before..].to_vec();
        assert_eq!(since.len(), 1, "{since:?}");
        assert!(since[0].contains(" trigger INC-1-2-S2"), "{since:?}");
    }
}

#[tokio::test]
async fn what_somebody_closed_at_the_receiver_is_called_for_again_from_here() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.says("anna", Command::ClosedAtPager { incident: IncidentId(1) }).await;
    bot.passes(minutes(180)).await;
    let heard = pager.heard();
    assert_eq!(heard[..1], ["02:00 trigger INC-1-1-S1"]);
    assert!(
        heard.len() > 1 && heard[1].contains(" trigger INC-1-1-S1"),
        "who does nothing about it is called: {heard:?}"
    );
}

#[tokio::test]
async fn what_becomes_part_of_what_somebody_has_calls_nobody_at_the_receiver_any_more() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "DiskLost", "b", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    bot.types("anna", "/merge INC-2 --into INC-1").await;
    bot.passes(minutes(1)).await;
    assert!(pager.heard().iter().any(|heard| heard.starts_with("02:03 acknowledge INC-2-1-S1")), "{:?}", pager.heard());
}

#[tokio::test]
async fn who_is_asked_for_by_name_is_called_by_a_sink_that_knows_names() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    let phone = Pager::listening("phone", bot.clock.clone());
    bot.pagers.push(phone.clone());
    bot.is_restarted().await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(2)).await;
    bot.types("anna", "/assign INC-1 bob").await;
    bot.passes(minutes(1)).await;
    assert_eq!(phone.got()[0].people, ["bob"]);
    assert_eq!(pager.heard(), ["02:00 trigger INC-1-1-S1", "02:02 trigger INC-1-1-S1-2"]);
    // And whoever comes after him, as the receiver's own policy does not know of that.
    bot.passes(minutes(10)).await;
    assert!(phone.got().len() > 1, "{:?}", phone.heard());
}

#[tokio::test]
async fn a_receiver_that_was_away_hears_how_it_stands_and_calls_nobody_who_is_not_needed() {
    let (mut bot, pager) = begins(Pager::listening).await;
    pager.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(30)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    pager.is_back();
    bot.passes(minutes(61)).await;
    let heard: Vec<String> = pager.heard().iter().map(|heard| heard[6..].to_owned()).collect();
    // It may have had the page. What follows is of those who do nothing about what they have.
    let first: Vec<&String> =
        heard.iter().filter(|heard| heard.contains("INC-1-1-S1") && !heard.starts_with("trigger")).collect();
    assert_eq!(first[0], "acknowledge INC-1-1-S1: anna has acknowledged it", "{heard:?}");
}

#[tokio::test]
async fn what_is_over_before_anybody_could_be_called_is_told_as_over() {
    let (mut bot, pager) = begins(Pager::listening).await;
    pager.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(3)).await;
    resolves(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(180)).await;
    pager.is_back();
    bot.passes(minutes(61)).await;
    let heard: Vec<String> = pager.heard().iter().map(|heard| heard[6..].to_owned()).collect();
    assert!(heard.iter().all(|heard| heard.starts_with("resolve ")), "{heard:?}");
    assert!(bot.store().escalation_of(dogwatch::model::IncidentId(1)).await.unwrap().is_none());
}

#[tokio::test]
async fn what_became_worse_is_another_incident_to_the_receiver_and_the_former_is_over_there() {
    let (mut bot, pager) = begins(Pager::escalating).await;
    bot.fires("DiskSlow", &[("severity", "warning")]).await;
    bot.passes(minutes(2)).await;
    bot.fires("DiskSlow", &[("severity", "critical")]).await;
    bot.passes(minutes(2)).await;
    let heard = pager.heard();
    assert!(heard.contains(&"02:02 trigger INC-1-1-S1".to_owned()), "{heard:?}");
    let told = "02:02 resolve INC-1-1-S2: it became worse, and another page tells of that";
    assert!(heard.contains(&told.to_owned()), "{heard:?}");
}

#[tokio::test]
async fn what_a_person_asked_for_stays_an_incident_of_its_own_whatever_is_said_of_it_since() {
    let mut bot = Bot::begins(&[&asking().replace("severity: S2", "severity: S1")], shop()).await;
    bot.prometheus.follows("shop_latency", || Some(0.4));
    let pager = Pager::escalating("pager", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&pager), ONCALL).await;
    bot.fires("ShopSlow", &[("severity", "critical")]).await;
    bot.passes(minutes(1)).await;
    bot.types("anna", "/escalate INC-1").await;
    bot.passes(minutes(1)).await;
    bot.denies("alice").await;
    bot.passes(minutes(1)).await;
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    let heard = pager.heard();
    let of_second: Vec<&str> =
        heard.iter().filter(|heard| heard.contains("INC-1-1-S1-2")).map(|heard| &heard[6..13]).collect();
    assert_eq!(of_second, ["trigger", "update ", "acknowl"], "{heard:?}");
    let of_first = heard.iter().filter(|heard| heard.ends_with("INC-1-1-S1") || heard.contains("INC-1-1-S1:"));
    let of_first: Vec<&str> = of_first.map(|heard| &heard[6..13]).collect();
    assert_eq!(of_first, ["trigger", "acknowl"], "{heard:?}");
}
