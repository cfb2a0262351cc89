//! Where people are called: several receivers at once, and those that each of them wants.

use std::sync::Arc;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::receivers::ONCALL;

/// The pages go to these entries of receivers, each of which hears of ends; who is called
/// `pagerduty` calls the next by itself.
async fn begins<const N: usize>(
    names: [&'static str; N],
    entries: &[&[&'static str]],
    oncall: &str,
) -> (Bot, [Arc<Pager>; N]) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let pagers = names.map(|name| match name {
        "pagerduty" => Pager::escalating(name, bot.clock.clone()),
        name => Pager::listening(name, bot.clock.clone()),
    });
    bot.page_entries = entries.iter().map(|entry| entry.to_vec()).collect();
    bot.pages_by(&pagers, oncall).await;
    (bot, pagers)
}

const THREE: [&str; 3] = ["pagerduty", "slack", "email"];

#[tokio::test]
async fn all_of_an_entry_are_told_at_once() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["pagerduty", "slack"], &["email"]], ONCALL).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(30)).await;
    // One of them calls the next by itself, and so the bot does not.
    assert_eq!(pagerduty.heard(), ["02:00 trigger INC-1-1-S1"]);
    assert_eq!(slack.heard(), ["02:00 trigger INC-1-1-S1"]);
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    for pager in [pagerduty, slack] {
        assert_eq!(pager.heard()[1..], ["02:30 acknowledge INC-1-1-S1: anna has acknowledged it"]);
    }
    assert_eq!(email.heard(), [""; 0]);
}

#[tokio::test]
async fn the_next_entry_is_asked_where_nobody_of_one_has_the_page() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["pagerduty", "slack"], &["email"]], ONCALL).await;
    pagerduty.refuses();
    slack.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    assert_eq!(email.heard(), ["02:00 trigger INC-1-1-S1"]);
    slack.is_back();
    bot.passes(minutes(3)).await;
    assert!(slack.heard()[0].ends_with(" trigger INC-1-1-S1"), "it is tried on: {:?}", slack.heard());
}

#[tokio::test]
async fn where_another_of_the_entry_has_the_page_no_other_entry_is_asked_and_the_bot_calls_the_next() {
    let (mut bot, [slack, pagerduty, email]) =
        begins(["slack", "pagerduty", "email"], &[&["slack", "pagerduty"], &["email"]], ONCALL).await;
    pagerduty.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    assert_eq!(slack.heard(), ["02:00 trigger INC-1-1-S1", "02:05 trigger INC-1-1-S1"]);
    assert_eq!(email.heard(), [""; 0], "somebody knows");
}

#[tokio::test]
async fn after_a_death_all_of_the_entry_are_told_still() {
    let (mut bot, [pagerduty, slack, _]) = begins(THREE, &[&["pagerduty", "slack"], &["email"]], ONCALL).await;
    for pager in [&pagerduty, &slack] {
        pager.is_away();
    }
    fires(&mut bot, "ApiDown", "api", "critical").await;
    for pager in [&pagerduty, &slack] {
        pager.is_back();
    }
    bot.is_restarted().await;
    bot.passes(minutes(4)).await;
    for pager in [pagerduty, slack] {
        assert_eq!(pager.heard().len(), 1, "{:?}", pager.heard());
    }
}

/// Alice is on call until nine, and then bob.
const WANTED: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: alice, slack: U012AB3CD, contacts: { S1: [pagerduty, slack], S2: [slack] } }
  - { name: bob, slack: U012AB3CE }
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
";

#[tokio::test]
async fn whoever_is_called_is_told_where_they_want_all_at_once() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["email"]], WANTED).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(30)).await;
    assert_eq!(pagerduty.heard(), ["02:00 trigger INC-1-1-S1"], "which calls the next by itself");
    assert_eq!(slack.heard(), ["02:00 trigger INC-1-1-S1"]);
    assert_eq!(email.heard(), [""; 0]);
    let told = bot.tells(1).await.join("\n");
    assert!(told.contains("PAGE-1 goes to pagerduty and slack, as the contacts of who is called say"), "{told}");
}

#[tokio::test]
async fn where_they_leave_out_who_escalates_the_bot_calls_the_next_and_them_as_usual() {
    let (mut bot, [pagerduty, slack, _]) = begins(THREE, &[&["pagerduty"], &["email"]], WANTED).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(29)).await;
    assert_eq!(slack.calls(), ["02:00 alice", "02:15 alice"]);
    assert_eq!(pagerduty.heard(), [""; 0]);
    // Bob wants nothing in particular.
    bot.passes(minutes(2)).await;
    assert_eq!(pagerduty.heard(), ["02:30 trigger INC-1-1-S2"]);
    assert_eq!(slack.calls()[2..], ["02:30 bob"], "whom pagerduty, which knows no names, would not call");
    bot.passes(minutes(30)).await;
    assert_eq!(slack.calls()[3..], ["02:45 alice", "03:00 alice"], "and the bot goes on");
}

#[tokio::test]
async fn where_nobody_is_reached_so_the_usual_order_follows() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["email"], &["pagerduty"]], WANTED).await;
    slack.refuses();
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!(email.heard(), ["02:00 trigger INC-1-1-S2"]);
    email.refuses();
    bot.passes(minutes(15)).await;
    assert_eq!(pagerduty.heard(), ["02:15 trigger INC-1-1-S2"], "and all of it");
}

#[tokio::test]
async fn what_was_decided_holds_after_a_death_and_for_what_is_more_to_say() {
    let (mut bot, [pagerduty, slack, _]) = begins(THREE, &[&["pagerduty"]], WANTED).await;
    slack.is_away();
    fires(&mut bot, "DiskFull", "a", "warning").await;
    slack.is_back();
    bot.is_restarted().await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.calls(), ["02:00 alice"]);
    bot.types("anna", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.heard().len(), 2, "{:?}", slack.heard());
    assert_eq!(pagerduty.heard(), [""; 0]);
}

#[tokio::test]
async fn of_several_who_are_called_each_is_told_where_they_want() {
    let both = format!("{WANTED}    escalation: {{ steps: [{{ call: [on-call, {{ person: bob }}] }}] }}\n");
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["email"], &["pagerduty"]], &both).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    for pager in [slack, email] {
        assert_eq!(pager.calls(), ["02:00 alice, bob"]);
    }
    assert_eq!(pagerduty.heard(), [""; 0]);
}

#[tokio::test]
async fn a_sink_that_is_not_there_is_passed_over() {
    let (mut bot, [email]) = begins(["email"], &[&["email"]], WANTED).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!(email.calls(), ["02:00 alice"]);
}

#[tokio::test]
async fn who_is_on_call_by_an_override_is_told_where_they_want() {
    let wanted =
        WANTED.replace("slack: U012AB3CE }", "slack: U012AB3CE, email: bob@example.org, contacts: { S2: [email] } }");
    let (mut bot, [_, slack, email]) = begins(THREE, &[&["pagerduty"]], &wanted).await;
    bot.types("bob", "/oncall take platform").await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!((email.calls(), slack.calls().len()), (vec!["02:00 bob".to_owned()], 0));
}

#[tokio::test]
async fn who_escalates_has_not_called_whom_somebody_names() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["pagerduty", "slack"], &["email"]], ONCALL).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    slack.is_away();
    bot.types("anna", "/assign INC-1 bob").await;
    bot.passes(minutes(1)).await;
    assert_eq!(pagerduty.heard()[1..], ["02:01 trigger INC-1-1-S1-2"]);
    assert_eq!(email.calls(), ["02:01 bob"]);
}

/// Each of them is wanted at one sink.
const TWO: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: alice, slack: U012AB3CD, contacts: { S2: [slack] } }
  - { name: bob, contacts: { S2: [webhook] } }
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
    escalation: { steps: [{ call: [on-call, { person: bob }] }] }
";

#[tokio::test]
async fn of_several_who_are_called_one_who_is_reached_does_not_stand_for_another() {
    let (mut bot, [slack, webhook, email]) = begins(["slack", "webhook", "email"], &[&["email"]], TWO).await;
    webhook.is_away();
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!(
        (slack.calls(), email.calls()),
        (vec!["02:00 alice, bob".to_owned()], vec!["02:00 alice, bob".to_owned()])
    );
}

#[tokio::test]
async fn a_first_step_that_names_somebody_calls_them_where_names_are_known() {
    let named = format!("{ONCALL}    escalation: {{ steps: [{{ call: [{{ person: bob }}] }}] }}\n");
    let (mut bot, [pagerduty, slack, _]) = begins(THREE, &[&["pagerduty"], &["slack"]], &named).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    assert_eq!(slack.calls(), ["02:00 bob", "02:05 bob"], "and who escalates does not keep the bot from it");
    assert_eq!(pagerduty.heard()[..1], ["02:00 trigger INC-1-1-S1"]);
}

#[tokio::test]
async fn what_was_under_way_goes_by_the_order_of_the_next_start() {
    let (mut bot, [slack, pagerduty, email]) = begins(["slack", "pagerduty", "email"], &[&["pagerduty"]], ONCALL).await;
    pagerduty.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.page_entries = vec![vec!["slack", "pagerduty"], vec!["email"]];
    bot.is_restarted().await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.heard(), ["02:00 trigger INC-1-1-S1"], "also where another of the entry was told before");
    assert_eq!(email.heard(), [""; 0]);
}

#[tokio::test]
async fn what_only_the_console_has_goes_to_those_who_call_at_the_next_start() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(1)).await;
    let slack = Pager::listening("slack", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&slack), ONCALL).await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.heard()[0], "02:01 trigger INC-1-1-S1", "{:?}", slack.heard());
}

/// Alice is called as usual, and bob at a sink of his own.
const APART: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob, slack: U012AB3CE, contacts: { S1: [slack] } }]
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
    escalation: { steps: [{ call: [on-call] }, { call: [{ person: bob }], within: 30m }, { call: [everybody] }] }
";

#[tokio::test]
async fn who_escalates_and_has_an_earlier_page_of_it_calls_the_next_alone() {
    let (mut bot, [pagerduty, slack, email]) = begins(THREE, &[&["pagerduty"], &["email"]], APART).await;
    pagerduty.is_away();
    fires(&mut bot, "ApiDown", "api", "critical").await;
    bot.passes(minutes(6)).await;
    assert_eq!(slack.calls(), ["02:05 bob"]);
    pagerduty.is_back();
    bot.passes(minutes(60)).await;
    assert!(pagerduty.heard().iter().all(|heard| heard.ends_with("trigger INC-1-1-S1")), "{:?}", pagerduty.heard());
    assert!(!pagerduty.heard().is_empty());
    assert_eq!((slack.calls().len(), email.calls().len()), (1, 1));
    let why = crate::why::asks_with(&bot, bot.rules.oncall.clone(), "/why INC-1").await;
    assert!(why.contains("whom pagerduty calls, which has the page"), "{why}");
}
