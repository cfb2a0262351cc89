//! Who is called next while nobody acknowledges, and again where nobody touches what somebody has.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use dogwatch::clock::Clock as _;
use dogwatch::model::IncidentId;
use dogwatch::store::{EscalationStore, IncidentStore};

use crate::bot::pager::Pager;
use crate::bot::{Bot, minutes};

/// Two in a rotation, and another team to fall back on.
const USUAL: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: dan }, { name: erin }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [dan] }
";

/// A written policy: who is called by name, a manager, and an end.
const WRITTEN: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: dan }, { name: erin }, { name: mia }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
    manager: mia
    escalation:
      steps:
        - { call: [on-call, person: erin], within: 3m }
        - { call: [rotation: platform] }
        - { call: [manager, everybody], within: 20m }
      repeat: 2
      ack_within: { S1: 10m }
      touch_within: { S1: 30m }
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [dan] }
";

/// A playbook of team databases that finds nothing that it could do.
fn look(severity: &str) -> String {
    crate::tickets::LOOK.replace("severity: S3", &format!("severity: {severity}"))
}

/// A bot that pages one receiver, and calls the next while nobody acknowledges.
async fn begins(severity: &str, oncall: &'static str) -> (Bot, Arc<Pager>) {
    let mut bot = Bot::begins(&[&look(severity)], crate::crashes::coredns()).await;
    let pager = Pager::new("pager", bot.clock.clone());
    bot.pages_by(std::slice::from_ref(&pager), oncall).await;
    (bot, pager)
}

async fn is_called(bot: &mut Bot) {
    bot.fires("DiskSlow", &[]).await;
}

async fn timeline(bot: &Bot) -> String {
    bot.tells(1).await.join("\n")
}

/// `5 alice`: so many minutes after the first call. When what failed is tried again is left to
/// chance.
fn after_the_first(pager: &Pager) -> Vec<String> {
    let got = pager.got();
    let after = |at: DateTime<Utc>| (at - got[0].at).num_minutes();
    got.iter().map(|got| format!("{} {}", after(got.at), got.people.join(", "))).collect()
}

#[tokio::test]
async fn nobody_answers_so_the_next_is_called_until_somebody_does() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    assert_eq!(pager.calls(), ["02:00 alice"]);
    bot.passes(minutes(27)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    02:05 alice
    02:10 bob
    02:15 dan
    02:20 alice
    02:25 alice
    ");
    bot.types("bob", "ack INC-1").await;
    bot.passes(minutes(25)).await;
    assert_eq!(pager.calls().len(), 6, "bob has it");
    insta::assert_snapshot!(timeline(&bot).await, @"
    02:00:00 opened: DiskSlow fires
    02:00:00 DiskSlow fires
    02:00:00 RUN-1 starts: playbook look (5c2f3443edb4), because its alert fires
    02:00:00 team databases is paged: it is S1, which pages at once
    02:00:00 the page of team databases says more: RUN-1 needs a person
    02:05:00 alice of team databases is paged: RUN-1 needs a person; nobody has acknowledged PAGE-1, made at 02:00 UTC
    02:10:00 bob of team databases is paged: RUN-1 needs a person; nobody has acknowledged PAGE-2, made at 02:05 UTC
    02:15:00 dan of team platform is paged: RUN-1 needs a person; nobody has acknowledged PAGE-3, made at 02:10 UTC
    02:20:00 alice of team databases is paged: RUN-1 needs a person; nobody has acknowledged PAGE-4, made at 02:15 UTC
    02:25:00 alice of team databases is paged: RUN-1 needs a person; nobody has acknowledged PAGE-5, made at 02:20 UTC
    02:27:00 bob has acknowledged it
    ");
    insta::assert_snapshot!(pager.got().last().unwrap().text, @r#"
    [S1] INC-1 deployment/coredns in kube-system: the disk is slow
    why a person is needed:
    RUN-1 of look stopped and needs a person: the disk is full, says @eve; fixes #1; nobody has acknowledged PAGE-5, made at 02:20 UTC

    what fires:
    1 alert since 2026-03-02 02:00:00 UTC, about deployment/coredns in kube-system
    DiskSlow

    what the playbook says:
    look at the disk
    /close

    what RUN-1 found:
    - requirement not met: the disk is full, says @eve; fixes #1

    what RUN-1 did:
    nothing

    what changed in the two hours before:
    - 02:00:00, 25m before: deployment/coredns was created
    - 02:00:00, 25m before: rollout of deployment/coredns: NewReplicaSetAvailable: ReplicaSet "coredns-tvkk4msgn7" has successfully progressed.

    what to type next:
    kubectl get pv
    /why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided

    to acknowledge, so that nobody else is called:
    /ack INC-1 (or: dogwatch ack INC-1)
    "#);
}

#[tokio::test]
async fn s2_has_more_time_and_s3_wakes_nobody() {
    let (mut bot, pager) = begins("S2", USUAL).await;
    is_called(&mut bot).await;
    bot.passes(minutes(50)).await;
    assert_eq!(pager.calls(), ["02:00 alice", "02:15 alice", "02:30 bob", "02:45 dan"]);
    let (mut bot, pager) = begins("S3", USUAL).await;
    is_called(&mut bot).await;
    bot.passes(minutes(24 * 60)).await;
    assert!(pager.calls().is_empty());
}

#[tokio::test]
async fn a_written_policy_says_who_how_long_and_how_often() {
    let (mut bot, pager) = begins("S1", WRITTEN).await;
    is_called(&mut bot).await;
    bot.passes(minutes(3 * 60)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice, erin
    02:03 dan
    02:13 mia, bob, alice
    02:33 alice, erin
    02:36 dan
    02:46 mia, bob, alice
    ");
    let told = timeline(&bot).await;
    assert!(
        told.ends_with("nobody else is called: the escalation of team databases is at its end, after 6 steps"),
        "{told}"
    );
}

/// A night of 24 hours is not quiet because nobody answers.
#[tokio::test]
async fn it_does_not_end_by_itself_without_a_policy_that_says_so() {
    let (mut bot, pager) = begins("S2", USUAL).await;
    is_called(&mut bot).await;
    bot.passes(minutes(24 * 60)).await;
    assert_eq!(pager.calls().len(), 24 * 4 + 1);
}

#[tokio::test]
async fn what_nobody_touches_is_called_for_again() {
    let (mut bot, pager) = begins("S1", WRITTEN).await;
    is_called(&mut bot).await;
    bot.types("alice", "ack INC-1").await;
    bot.passes(minutes(29)).await;
    assert_eq!(pager.calls(), ["02:00 alice, erin"]);
    // Whatever somebody does about it is a touch.
    bot.types("alice", "ack INC-1").await;
    bot.types("alice", "take INC-1").await;
    bot.passes(minutes(29)).await;
    assert_eq!(pager.calls().len(), 1);
    bot.passes(minutes(2)).await;
    assert_eq!(pager.calls()[1..], ["02:59 alice"]);
    insta::assert_snapshot!(pager.got().last().unwrap().text, @r#"
    [S1] INC-1 deployment/coredns in kube-system: the disk is slow
    why a person is needed:
    alice has it since 02:29 UTC, nobody has done anything about it since then, and it still fires: /ack says that it is worked on

    what fires:
    1 alert since 2026-03-02 02:00:00 UTC, about deployment/coredns in kube-system
    DiskSlow

    what RUN-1 found:
    - requirement not met: the disk is full, says @eve; fixes #1

    what RUN-1 did:
    nothing

    what changed in the two hours before:
    - 02:00:00, 59m before: deployment/coredns was created
    - 02:00:00, 59m before: rollout of deployment/coredns: NewReplicaSetAvailable: ReplicaSet "coredns-tvkk4msgn7" has successfully progressed.

    what to type next:
    kubectl -n kube-system describe deployment coredns
    /why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided

    to acknowledge, so that nobody else is called:
    /ack INC-1 (or: dogwatch ack INC-1)
    "#);
    // Alice has gone to sleep.
    bot.passes(minutes(11)).await;
    assert_eq!(pager.calls()[2..], ["03:09 alice, erin"], "the policy, from its beginning");
    bot.types("dan", "ack INC-1").await;
    bot.resolves("DiskSlow", &[]).await;
    bot.passes(minutes(12 * 60)).await;
    assert_eq!(pager.calls().len(), 3, "it is over");
}

#[tokio::test]
async fn what_is_over_calls_nobody() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.resolves("DiskSlow", &[]).await;
    bot.passes(minutes(60)).await;
    assert_eq!(pager.calls().len(), 1, "it stands until somebody looks, and wakes nobody");
    // It comes back, and nobody has answered yet.
    is_called(&mut bot).await;
    bot.passes(minutes(11)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    03:05 alice
    03:10 bob
    ");
    bot.types("bob", "resolve INC-1").await;
    assert_eq!(bot.store().escalation_of(IncidentId(1)).await.unwrap(), None);
}

/// A receiver that is down for an hour: whoever has not heard of it has not failed to answer.
#[tokio::test]
async fn the_time_begins_when_somebody_is_reached() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    pager.is_away();
    is_called(&mut bot).await;
    bot.passes(minutes(60)).await;
    assert_eq!(bot.store().pages_of(IncidentId(1)).await.unwrap().len(), 1);
    pager.is_back();
    bot.passes(minutes(32)).await;
    assert_eq!(after_the_first(&pager)[..4], ["0 alice", "5 alice", "10 bob", "15 dan"]);
}

/// The first refuses, the second is away for a while.
#[tokio::test]
async fn two_receivers_are_down() {
    let (mut bot, first) = begins("S1", USUAL).await;
    let second = Pager::new("second", bot.clock.clone());
    bot.pagers.push(second.clone());
    bot.is_restarted().await;
    first.refuses();
    second.is_away();
    is_called(&mut bot).await;
    bot.passes(minutes(10)).await;
    second.is_back();
    bot.passes(minutes(32)).await;
    assert!(first.calls().is_empty());
    assert_eq!(after_the_first(&second)[..4], ["0 alice", "5 alice", "10 bob", "15 dan"]);
}

#[tokio::test]
async fn somebody_asks_for_one_more() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.types("alice", "ack INC-1").await;
    bot.passes(minutes(1)).await;
    insta::assert_snapshot!(bot.types("alice", "escalate INC-1 the replica is corrupt: I need a DBA").await, @"
    INC-1: whoever comes next in the escalation of team databases is called; /why INC-1 tells who
    ");
    assert_eq!(pager.calls()[1..], ["02:01 bob"], "not alice, who asks");
    insta::assert_snapshot!(pager.got().last().unwrap().text, @r#"
    [S1] INC-1 deployment/coredns in kube-system: the disk is slow
    why a person is needed:
    alice asks for you: the replica is corrupt: I need a DBA; RUN-1 of look stopped and needs a person: the disk is full, says @eve; fixes #1

    what fires:
    1 alert since 2026-03-02 02:00:00 UTC, about deployment/coredns in kube-system
    DiskSlow

    what the playbook says:
    look at the disk
    /close

    what RUN-1 found:
    - requirement not met: the disk is full, says @eve; fixes #1

    what RUN-1 did:
    nothing

    what changed in the two hours before:
    - 02:00:00, 1m before: deployment/coredns was created
    - 02:00:00, 1m before: rollout of deployment/coredns: NewReplicaSetAvailable: ReplicaSet "coredns-tvkk4msgn7" has successfully progressed.

    what to type next:
    kubectl get pv
    /why INC-1 (or: dogwatch why INC-1) tells all that the bot saw and decided

    to acknowledge, so that nobody else is called:
    /ack INC-1 (or: dogwatch ack INC-1)
    "#);
    bot.passes(minutes(4)).await;
    bot.types("alice", "escalate INC-1").await;
    assert_eq!(pager.calls()[2..], ["02:05 dan"], "bob does not answer, and she does not wait");
    bot.types("dan", "ack INC-1").await;
    bot.passes(minutes(10)).await;
    assert_eq!(pager.calls().len(), 3);
    insta::assert_snapshot!(timeline(&bot).await, @"
    02:00:00 opened: DiskSlow fires
    02:00:00 DiskSlow fires
    02:00:00 RUN-1 starts: playbook look (5c2f3443edb4), because its alert fires
    02:00:00 team databases is paged: it is S1, which pages at once
    02:00:00 the page of team databases says more: RUN-1 needs a person
    02:00:00 alice has acknowledged it
    02:01:00 bob of team databases is paged: alice asks for you: the replica is corrupt: I need a DBA; RUN-1 needs a person
    02:05:00 dan of team platform is paged: alice asks for you; RUN-1 needs a person
    02:05:00 dan has acknowledged it
    ");
    bot.types("dan", "resolve INC-1").await;
    insta::assert_snapshot!(bot.types("dan", "escalate INC-1").await, @"
    INC-1 is resolved; nobody is called for it
    ");
}

/// Somebody who is impatient goes round all of them.
#[tokio::test]
async fn who_was_called_last_is_not_who_comes_next() {
    let (mut bot, pager) = begins("S1", WRITTEN).await;
    is_called(&mut bot).await;
    bot.types("alice", "ack INC-1").await;
    for n in 0..8 {
        bot.passes(minutes(1)).await;
        bot.types("alice", &format!("escalate INC-1 for the {n}th time")).await;
    }
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice, erin
    02:01 erin
    02:02 dan
    02:03 mia, bob
    02:04 erin
    02:05 dan
    02:06 mia, bob
    02:07 erin
    02:08 dan
    ");
}

#[tokio::test]
async fn somebody_gives_it_to_another_one() {
    let (mut bot, pager) = begins("S2", USUAL).await;
    is_called(&mut bot).await;
    bot.types("alice", "ack INC-1").await;
    insta::assert_snapshot!(bot.types("alice", "assign INC-1 erin it is her migration").await, @"
    INC-1: erin is called; it stays alice's until somebody acknowledges that
    ");
    assert_eq!(pager.calls()[1..], ["02:00 erin"]);
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("alice"), "until erin has it");
    bot.passes(minutes(16)).await;
    assert_eq!(pager.calls()[2..], ["02:15 alice"], "erin does not answer");
    bot.types("erin", "ack INC-1").await;
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("erin"));
    insta::assert_snapshot!(bot.types("bob", "assign INC-1 erin").await, @"
    INC-1 is erin's already; /escalate INC-1 calls one more
    ");
    insta::assert_snapshot!(bot.types("bob", "assign INC-1 bob").await, @"
    INC-1 is yours now; it was erin's
    ");
    assert_eq!(bot.incident(1).await.owner.as_deref(), Some("bob"));
    assert_eq!(pager.calls().len(), 3);
    insta::assert_snapshot!(timeline(&bot).await, @"
    02:00:00 opened: DiskSlow fires
    02:00:00 DiskSlow fires
    02:00:00 RUN-1 starts: playbook look (1669b7e43922), because its alert fires
    02:00:00 team databases is paged: RUN-1 needs a person
    02:00:00 alice has acknowledged it
    02:00:00 erin of team databases is paged: alice gives it to erin: it is her migration; RUN-1 needs a person
    02:15:00 alice of team databases is paged: alice gives it to erin: it is her migration; RUN-1 needs a person; nobody has acknowledged PAGE-2, made at 02:00 UTC
    02:16:00 erin has acknowledged it
    02:16:00 bob has acknowledged it
    ");
}

#[tokio::test]
async fn a_team_that_it_is_given_to_has_it_from_then_on() {
    let (mut bot, pager) = begins("S1", WRITTEN).await;
    is_called(&mut bot).await;
    bot.types("alice", "assign INC-1 platform a node, no database").await;
    assert_eq!(pager.calls()[1..], ["02:00 dan"]);
    assert_eq!(bot.incident(1).await.team, "platform");
    bot.passes(minutes(6)).await;
    assert_eq!(pager.calls()[2..], ["02:05 dan"], "by its own policy");
}

/// A severity that calls nobody, and a window: a person outranks them.
#[tokio::test]
async fn whom_a_person_asks_for_is_called_whatever_holds_the_bot_back() {
    let (mut bot, pager) = begins("S3", USUAL).await;
    is_called(&mut bot).await;
    bot.types("bob", "silence alertname=DiskSlow --for 2h moving it").await;
    bot.types("bob", "escalate INC-1").await;
    assert_eq!(pager.calls(), ["02:00 alice"]);
    bot.passes(minutes(60)).await;
    assert_eq!(pager.calls().len(), 1, "nobody is called again for S3");
}

#[tokio::test]
async fn a_window_holds_the_next_calls_back_and_its_end_begins_anew() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.types("bob", "silence alertname=DiskSlow --for 1h moving it").await;
    bot.passes(minutes(59)).await;
    assert_eq!(pager.calls(), ["02:00 alice"]);
    bot.passes(minutes(12)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    03:00 alice
    03:05 bob
    03:10 dan
    ");
}

#[tokio::test]
async fn what_becomes_worse_is_called_for_by_its_new_time() {
    let (mut bot, pager) = begins("S2", USUAL).await;
    is_called(&mut bot).await;
    bot.passes(minutes(1)).await;
    bot.fires("Other", &[("severity", "critical"), ("node", "b")]).await;
    bot.types("bob", "merge INC-2 --into INC-1").await;
    bot.passes(minutes(12)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    02:01 dan
    02:06 alice
    02:11 bob
    ");
}

#[tokio::test]
async fn of_two_that_are_one_only_the_whole_is_called_for() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.fires("Other", &[("severity", "critical"), ("node", "b")]).await;
    bot.types("bob", "merge INC-2 --into INC-1").await;
    bot.passes(minutes(6)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    02:00 dan
    02:05 alice
    ");
    insta::assert_snapshot!(bot.types("bob", "split INC-2").await, @"
    INC-2 is an incident of its own again, and no part of INC-1; /ack INC-2 if it is yours; if it fires, somebody is paged in 5m unless somebody takes it
    ");
    bot.passes(minutes(6)).await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    02:00 dan
    02:05 alice
    02:10 bob
    02:11 dan
    ");
}

/// The clock of the machine is set: nobody is called early, or late.
#[tokio::test]
async fn a_clock_that_is_set_makes_nobody_late() {
    for hours in [-5, 5] {
        let (mut bot, pager) = begins("S1", USUAL).await;
        is_called(&mut bot).await;
        bot.passes(minutes(2)).await;
        bot.has_its_clock_set(TimeDelta::hours(hours)).await;
        bot.passes(minutes(2)).await;
        assert_eq!(pager.calls().len(), 1, "{hours}");
        bot.passes(minutes(2)).await;
        assert_eq!(pager.calls().len(), 2, "{hours}");
        bot.passes(minutes(5)).await;
        assert_eq!(pager.calls().len(), 3, "{hours}");
    }
}

/// The bot dies at each point of a night, one after the other: each page arrives, in its order, and
/// nobody is called twice for one.
#[tokio::test]
async fn nothing_is_lost_or_doubled_whenever_the_bot_dies() {
    async fn night(n: Option<usize>) -> (Vec<String>, Vec<String>, Vec<usize>) {
        let (mut bot, pager) = begins("S1", WRITTEN).await;
        bot.dies_at(n).await;
        is_called(&mut bot).await;
        bot.passes(minutes(4)).await;
        bot.types("alice", "ack INC-1").await;
        bot.passes(minutes(31)).await;
        bot.types("alice", "escalate INC-1").await;
        bot.passes(minutes(10)).await;
        bot.types("dan", "ack INC-1").await;
        bot.types("dan", "resolve INC-1").await;
        bot.passes(minutes(60)).await;
        let mut keys: Vec<String> = pager.got().into_iter().map(|got| got.key).collect();
        keys.dedup();
        let people = pager.calls().into_iter().map(|call| call.split_once(' ').unwrap().1.to_owned()).collect();
        (keys, people, bot.fuse.points_that_differ().await)
    }
    let (keys, people, points) = night(None).await;
    assert!((15..300).contains(&points.len()), "{points:?}");
    assert!(keys.len() >= 4, "{keys:?}");
    for n in points {
        let (after, called, _) = night(Some(n)).await;
        assert_eq!((after, called), (keys.clone(), people.clone()), "died at {n}");
    }
}

/// What the database says of it is damaged: somebody is called rather than nobody.
#[tokio::test]
async fn a_damaged_row_calls_somebody() {
    for damage in [
        "UPDATE escalation SET due_at = 'soon'",
        "UPDATE escalation SET why = '???', due_at = 'x'",
        "UPDATE escalation SET step = 'x'",
        "UPDATE escalation SET page_id = NULL",
        "UPDATE page SET reason = '???'",
        "UPDATE page SET called = '???'",
        "UPDATE page SET arrived_at = 'x'",
        "UPDATE page SET arrived_at = 9000000000000000",
    ] {
        let (mut bot, pager) = begins("S1", USUAL).await;
        is_called(&mut bot).await;
        bot.tampers(damage).await;
        bot.passes(minutes(12)).await;
        assert!((2..=5).contains(&pager.calls().len()), "{damage}: {:?}", pager.calls());
    }
}

/// Something keeps the bot from a call that is due: the default team is told.
#[tokio::test]
async fn a_call_that_is_overdue_is_told_to_the_default_team() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.fuse.hides(IncidentId(1));
    bot.clock.set(bot.clock.now() + TimeDelta::minutes(5));
    assert!(bot.turns_in_vain().await, "the worker says that it cannot");
    bot.clock.set(bot.clock.now() + TimeDelta::minutes(5));
    bot.turns_in_vain().await;
    insta::assert_snapshot!(pager.calls().join("\n"), @"
    02:00 alice
    02:10 dan
    ");
    insta::assert_snapshot!(timeline(&bot).await, @"
    02:00:00 opened: DiskSlow fires
    02:00:00 DiskSlow fires
    02:00:00 RUN-1 starts: playbook look (5c2f3443edb4), because its alert fires
    02:00:00 team databases is paged: it is S1, which pages at once
    02:00:00 the page of team databases says more: RUN-1 needs a person
    02:10:00 team platform is paged: somebody was to be called at 2026-03-02 02:05:00 UTC, and the bot did not come to it
    ");
}

/// Somebody has it, silences it for a while, and falls asleep.
#[tokio::test]
async fn a_window_over_what_somebody_has_only_puts_the_call_off() {
    for ends_early in [false, true] {
        let (mut bot, pager) = begins("S1", USUAL).await;
        is_called(&mut bot).await;
        bot.types("alice", "ack INC-1").await;
        bot.types("alice", "silence alertname=DiskSlow --for 2h moving it").await;
        bot.passes(minutes(61)).await;
        assert_eq!(pager.calls().len(), 1, "nobody is called in it");
        if ends_early {
            bot.types("bob", "unsilence WIN-1").await;
            assert_eq!(pager.calls()[1..], ["03:01 alice"]);
        } else {
            bot.passes(minutes(60)).await;
            assert_eq!(pager.calls()[1..], ["04:00 alice"]);
        }
    }
}

/// Two windows, one over each alert, that end together while the bot is away.
#[tokio::test]
async fn windows_that_end_together_leave_nobody_uncalled() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.types("bob", "silence alertname=DiskSlow --for 1h moving it").await;
    bot.types("bob", "silence alertname=Other --for 1h moving it").await;
    bot.fires("Other", &[("severity", "critical"), ("node", "b")]).await;
    bot.types("bob", "merge INC-2 --into INC-1").await;
    bot.passes(minutes(10)).await;
    bot.resolves("DiskSlow", &[]).await;
    bot.clock.set(bot.started() + TimeDelta::hours(2));
    bot.is_restarted().await;
    bot.passes(minutes(6)).await;
    assert!(pager.calls().len() >= 2, "{:?}", pager.calls());
}

/// Flaps, and is held open while nothing fires. `databases` has ten minutes to touch what it has.
async fn flaps() -> (Bot, Arc<Pager>) {
    const HASTY: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: dan }]
escalation: { touch_within: { S1: 10m } }
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [bob, alice] }
  - name: platform
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [dan] }
";
    let (mut bot, pager) = begins("S1", HASTY).await;
    for _ in 0..3 {
        bot.fires("ApiDown", &FLAPS).await;
        bot.passes(minutes(1)).await;
        bot.resolves("ApiDown", &FLAPS).await;
        bot.passes(minutes(4)).await;
    }
    let incident = bot.incident(1).await;
    assert!(!incident.is_over() && incident.open_episodes == 0, "it is held open: {incident:#?}");
    (bot, pager)
}

const FLAPS: [(&str, &str); 2] = [("severity", "critical"), ("node", "a")];

#[tokio::test]
async fn what_comes_back_after_an_ack_while_it_was_quiet_is_called_for_again() {
    let (mut bot, pager) = flaps().await;
    bot.types("dan", "ack INC-1").await;
    let before = pager.calls().len();
    bot.fires("ApiDown", &FLAPS).await;
    bot.passes(minutes(11)).await;
    assert_eq!(pager.calls()[before..], ["02:25 dan"]);
}

/// The touch timer wakes nobody for what is quiet.
#[tokio::test]
async fn what_is_quiet_needs_no_touch() {
    let (mut bot, pager) = flaps().await;
    bot.types("dan", "ack INC-1").await;
    let before = pager.calls().len();
    bot.passes(minutes(20)).await;
    assert!(!bot.incident(1).await.is_over(), "it is held open still");
    assert_eq!(pager.calls().len(), before);
}

/// Whoever has the part has not taken what is worse, or what is another matter.
#[tokio::test]
async fn a_merge_leaves_nobody_uncalled() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    bot.fires("Slow", &[("severity", "warning"), ("node", "a")]).await;
    bot.types("dan", "ack INC-1").await;
    is_called(&mut bot).await;
    bot.types("bob", "merge INC-2 --into INC-1").await;
    bot.passes(minutes(11)).await;
    assert!(pager.calls().len() >= 3, "dan has something less: {:?}", pager.calls());

    let (mut bot, pager) = begins("S1", USUAL).await;
    bot.fires("Trend", &[("severity", "info"), ("node", "a")]).await;
    is_called(&mut bot).await;
    bot.types("bob", "ack INC-2").await;
    bot.types("dan", "merge INC-2 --into INC-1").await;
    bot.passes(minutes(6)).await;
    assert_eq!(bot.incident(1).await.severity, dogwatch::model::Severity::S1);
    assert!(pager.calls().len() >= 2, "it is nobody's: {:?}", pager.calls());
}

/// To say that it is worked on takes the help away from nobody.
#[tokio::test]
async fn an_ack_by_whoever_asked_for_help_keeps_the_help() {
    let (mut bot, pager) = begins("S1", USUAL).await;
    is_called(&mut bot).await;
    bot.types("alice", "ack INC-1").await;
    bot.types("alice", "escalate INC-1 I need a DBA").await;
    bot.passes(minutes(1)).await;
    insta::assert_snapshot!(bot.types("alice", "ack INC-1").await, @"
    INC-1 is yours already; whoever was asked for is called on
    ");
    bot.passes(minutes(5)).await;
    assert_eq!(pager.calls()[1..], ["02:00 bob", "02:05 dan"]);
    bot.types("dan", "ack INC-1").await;
    bot.passes(minutes(20)).await;
    assert_eq!(pager.calls().len(), 3);
}

/// A step without a time of its own has that of the severity, and whoever is called by name takes
/// no step.
#[tokio::test]
async fn each_step_has_its_own_time_and_names_take_none() {
    const ONE: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }, { name: bob }, { name: carol }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [alice] }
    escalation:
      steps: [{ call: [on-call], within: 30m }, { call: [person: bob] }, { call: [person: carol] }]
      repeat: 1
      touch_within: { S1: 10m }
";
    let (mut bot, pager) = begins("S1", ONE).await;
    is_called(&mut bot).await;
    bot.passes(minutes(36)).await;
    assert_eq!(pager.calls(), ["02:00 alice", "02:30 bob", "02:35 carol"]);
    bot.types("carol", "ack INC-1").await;
    bot.passes(minutes(16)).await;
    assert_eq!(pager.calls()[3..], ["02:46 carol", "02:51 alice"], "carol, and then the policy from its beginning");
}

/// Nobody else is known, and who was to be called keeps the time that they had.
#[tokio::test]
async fn asking_in_vain_puts_nobody_off() {
    const ALONE: &str = "
apiVersion: dogwatch/v1
kind: OnCall
members: [{ name: alice }]
teams:
  - name: databases
    rotation: { time_zone: UTC, start: 2026-01-05, handoff: { at: \"09:00\", every: 1w }, members: [alice] }
";
    let (mut bot, pager) = begins("S1", ALONE).await;
    is_called(&mut bot).await;
    for _ in 0..4 {
        bot.passes(minutes(1)).await;
        bot.types("alice", "escalate INC-1").await;
    }
    bot.passes(minutes(2)).await;
    assert_eq!(pager.calls(), ["02:00 alice", "02:05 alice"]);
}

/// What is asked for goes on although nothing fires.
#[tokio::test]
async fn whom_somebody_asks_for_is_called_on_also_when_it_is_quiet() {
    let (mut bot, pager) = flaps().await;
    bot.types("dan", "ack INC-1").await;
    bot.types("dan", "assign INC-1 alice is the data whole?").await;
    let before = pager.calls().len();
    bot.passes(minutes(11)).await;
    assert!(!bot.incident(1).await.is_over(), "it is held open still");
    insta::assert_snapshot!(pager.calls()[before - 1..].join("\n"), @"
    02:15 alice
    02:20 dan
    02:25 dan
    ");
}
