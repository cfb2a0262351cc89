//! Who knows what: experts are called by steps of the escalation, and by people who ask for them.

use std::sync::Arc;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::why::asks_with;

/// Alice is on call until nine, and then bob.
const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: alice }
  - { name: bob }
  - { name: ada, slack: U012AB3CD, contacts: { S2: [slack] } }
  - { name: cy }
teams:
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
experts:
  - { area: storage, people: [ada, cy], alerts: [\"Disk*\"], playbooks: [pvc-pending] }
  - { area: network, people: [cy] }
escalation:
  steps: STEPS
";

async fn begins(steps: &str) -> (Bot, Arc<Pager>, Arc<Pager>) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let (pager, slack) = (Pager::listening("email", bot.clock.clone()), Pager::listening("slack", bot.clock.clone()));
    bot.pages_by(&[pager.clone(), slack.clone()], &ONCALL.replace("STEPS", steps)).await;
    (bot, pager, slack)
}

const SECOND: &str = "[{ call: [on-call] }, { call: [experts] }, { call: [next] }]";

#[tokio::test]
async fn a_step_calls_the_experts_of_what_it_is_about() {
    let (mut bot, pager, slack) = begins(SECOND).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(31)).await;
    // Ada wants it there, and cy as usual.
    assert_eq!(slack.calls(), ["02:15 ada, cy"]);
    assert_eq!(pager.calls(), ["02:00 alice", "02:15 ada, cy", "02:30 bob"]);
    assert!(pager.got()[0].text.contains("experts: ada, cy (storage)"), "{}", pager.got()[0].text);
    let why = asks_with(&bot, bot.rules.oncall.clone(), "/why INC-1").await;
    assert!(why.contains("experts: ada, cy (storage)"), "{why}");
}

#[tokio::test]
async fn where_nobody_knows_about_it_the_next_step_is_taken() {
    let (mut bot, pager, slack) = begins(SECOND).await;
    fires(&mut bot, "ApiSlow", "a", "warning").await;
    bot.passes(minutes(16)).await;
    assert_eq!((pager.calls(), slack.calls().len()), (vec!["02:00 alice".to_owned(), "02:15 bob".to_owned()], 0));
    assert!(!pager.got()[0].text.contains("experts:"), "{}", pager.got()[0].text);
}

#[tokio::test]
async fn the_first_step_may_call_them_where_they_want() {
    let (mut bot, pager, slack) = begins("[{ call: [experts] }, { call: [on-call] }]").await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    fires(&mut bot, "ApiSlow", "b", "warning").await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.calls(), ["02:00 ada, cy"]);
    assert_eq!(pager.calls(), ["02:00 ada, cy", "02:00 alice"]);
}

#[tokio::test]
async fn a_step_may_name_an_area_whatever_it_is_about() {
    let (mut bot, pager, _) = begins("[{ call: [on-call] }, { call: [{ experts: network }] }]").await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    bot.passes(minutes(16)).await;
    assert_eq!(pager.calls(), ["02:00 alice", "02:15 cy"]);
}

#[tokio::test]
async fn somebody_who_asks_for_an_area_has_its_experts_called() {
    let (mut bot, pager, slack) = begins(SECOND).await;
    fires(&mut bot, "ApiSlow", "a", "warning").await;
    bot.types("alice", "/ack INC-1").await;
    bot.passes(minutes(2)).await;
    bot.types("alice", "/escalate INC-1 Network!").await;
    bot.passes(minutes(1)).await;
    assert_eq!(pager.calls(), ["02:00 alice", "02:02 cy"]);
    bot.types("cy", "/escalate INC-1 storage: it does not grow").await;
    bot.passes(minutes(1)).await;
    assert_eq!(slack.calls(), ["02:03 ada"], "but not who asks");
    bot.types("cy", "/escalate INC-1 network").await;
    bot.passes(minutes(1)).await;
    let told = bot.tells(1).await.join("\n");
    assert!(told.contains("cy asks for the experts of network, of whom nobody else is left to call"), "{told}");
}
