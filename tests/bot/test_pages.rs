//! Whether a team is reached: a page that says that it is a test, and goes the way of all pages.

use std::sync::Arc;

use dogwatch::model::{IncidentId, IncidentState};
use dogwatch::store::IncidentStore as _;

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};
use crate::budget::fires;
use crate::why::asks_with;

const ONCALL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: dan }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [dan] }
";

async fn begins() -> (Bot, Arc<Pager>) {
    let mut bot = Bot::begins(&[], vec![]).await;
    let pager = Pager::listening("pager", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&pager), ONCALL).await;
    (bot, pager)
}

#[tokio::test]
async fn a_test_pages_who_is_on_call_and_ends_with_the_acknowledgement() {
    let (mut bot, pager) = begins().await;
    let reply = bot.types("dan", "/page test databases").await;
    assert_eq!(reply, "INC-1: team databases is paged as a test; /timeline INC-1 tells what comes of it");
    let got = pager.got();
    assert_eq!(got[0].people, ["alice"]);
    assert!(got[0].text.contains("this is a test, and nothing is wrong: dan wants to know whether you are reached"));
    bot.passes(minutes(1)).await;
    bot.types("alice", "/ack INC-1").await;
    bot.passes(minutes(1)).await;
    insta::assert_snapshot!(asks_with(&bot, bot.rules.oncall.clone(), "/timeline INC-1").await, @"
    INC-1 is resolved: [S2] this is a test: is team databases reached?
    02:00:00 opened: dan tests whether team databases is reached
    02:00:00 team databases is paged: this is a test, and nothing is wrong: dan wants to know whether you are reached
    02:01:00 alice has acknowledged it
    02:01:00 resolved by alice: the test has reached them
    PAGE-1: pager: delivered at 2026-03-02 02:00:00 UTC
    ");
    assert_eq!(pager.heard()[1..], ["02:01 resolve INC-1-1-S2: resolved by alice: the test has reached them"]);
    bot.passes(minutes(24 * 60)).await;
    assert_eq!(pager.heard().len(), 2, "nobody is called any more: {:?}", pager.heard());
}

#[tokio::test]
async fn a_test_goes_on_by_the_teams_escalation() {
    let (mut bot, pager) = begins().await;
    bot.types("dan", "/page test databases --severity S1").await;
    bot.passes(minutes(16)).await;
    let called: Vec<String> = pager.got().iter().map(|got| got.people.join(", ")).collect();
    assert_eq!(called, ["alice", "alice", "bob", "dan"]);
}

#[tokio::test]
async fn one_test_of_a_team_at_a_time_and_none_of_nobody() {
    let (mut bot, _pager) = begins().await;
    bot.types("dan", "/page test databases").await;
    bot.passes(minutes(1)).await;
    let again = bot.types("dan", "/page test databases").await;
    assert_eq!(again, "INC-1 is a test page for team databases that waits still: /ack INC-1, or /resolve INC-1");
    let typo = bot.types("dan", "/page test database").await;
    assert_eq!(typo, "no team is called `database`; did you mean `databases`?");
    bot.types("dan", "/resolve INC-1").await;
    bot.passes(minutes(1)).await;
    let anew = bot.types("dan", "/page test databases").await;
    assert!(anew.starts_with("INC-2: "), "{anew}");
}

#[tokio::test]
async fn a_test_is_folded_into_nothing_and_nothing_joins_it() {
    let (mut bot, pager) = begins().await;
    for name in ["a", "b", "c", "d"] {
        fires(&mut bot, &format!("Stuck{name}"), name, "warning").await;
    }
    bot.types("dan", "/page test platform").await;
    let test = bot.store().incident(IncidentId(5)).await.unwrap().unwrap();
    assert_eq!((test.state, test.episodes), (IncidentState::Open, 0));
    assert!(pager.got().iter().any(|got| got.text.contains("this is a test")), "{:?}", pager.heard());
}
