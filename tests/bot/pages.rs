//! Who is called, and for what: an incident that becomes worse, a second cause on the same target, what fires on.

use dogwatch::model::*;
use dogwatch::store::{IncidentFilter, IncidentStore as _};

use crate::bot::{Bot, minutes};
use crate::incidents::{PLAYBOOK, Shift, alert};

/// Another playbook on the target of the first one.
fn dns_errors(severity: &str) -> String {
    PLAYBOOK
        .replace("name: dns,", "name: dns-errors,")
        .replace("severity: S2", &format!("severity: {severity}"))
        .replace("  - alert: DNSSlow\n  - alert: NameResolutionFailing\n", "  - alert: DNSErrors\n")
}

/// Alerts that no playbook knows, one of each severity.
fn unknown(shift: &Shift, severities: &[&str]) -> Vec<Alert> {
    let firing = |severity: &&str| alert("Disk", &[("severity", severity)], now(shift), AlertStatus::Firing);
    severities.iter().map(firing).collect()
}

fn now(shift: &Shift) -> chrono::DateTime<chrono::Utc> {
    use dogwatch::clock::Clock as _;
    shift.clock.now()
}

#[tokio::test]
async fn the_worst_alert_of_a_body_says_how_bad_it_is() {
    let shift = Shift::begin().await;
    shift.delivers("g", unknown(&shift, &["info", "critical", "warning"])).await;
    assert_eq!(shift.told().await, ["INC-1 open 3/3 runs=0"]);
    assert_eq!(shift.incidents().await[0].severity, Severity::S1);
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne"]);
}

#[tokio::test]
async fn what_becomes_worse_calls_anew_although_somebody_has_it() {
    let shift = Shift::begin().await;
    shift.delivers("g", unknown(&shift, &["info"])).await;
    assert!(shift.pages().await.is_empty());
    shift.delivers("g", unknown(&shift, &["warning"])).await;
    assert_eq!(shift.pages().await, ["INC-1 Uncovered"]);
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.passes(60).await;
    shift.delivers("g", unknown(&shift, &["critical"])).await;
    assert_eq!(shift.pages().await, ["INC-1 Uncovered", "INC-1 SeverityOne"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("severity S3 -> S2: Disk fires"), "{timeline}");
    assert!(timeline.contains("severity S2 -> S1: Disk fires"), "{timeline}");
    assert_eq!(shift.told().await, ["INC-1 acknowledged 3/3 runs=0"]);

    let another = |node| alert("Disk", &[("severity", "critical"), ("node", node)], now(&shift), AlertStatus::Firing);
    shift.delivers("g", vec![another("b")]).await;
    assert_eq!(shift.pages().await.len(), 2, "no worse than what somebody was called for");
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("whoever was paged hears that 4 alerts fire"), "{timeline}");

    shift.passes(60).await;
    shift.delivers("g", vec![another("c")]).await;
    assert_eq!(shift.pages().await[2..], ["INC-2 SeverityOne"], "an hour later, another node is another thing");
}

#[tokio::test]
async fn what_is_over_opens_again_as_bad_as_what_fires_now() {
    let shift = Shift::begin().await;
    let critical = unknown(&shift, &["critical"]);
    let since = critical[0].starts_at;
    shift.delivers("g", critical).await;
    shift.passes(5).await;
    shift.resolves("Disk", &[("severity", "critical")], since).await;
    shift.passes(5).await;
    shift.delivers("g", unknown(&shift, &["info"])).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/2 runs=0"]);
    assert_eq!(shift.incidents().await[0].severity, Severity::S3);
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne"]);
    assert!(shift.timeline(1).await.contains("severity S1 -> S3: Disk fires"));
}

#[tokio::test]
async fn alerts_that_only_share_a_group_are_no_one_incident() {
    let shift = Shift::begin().await;
    let firing = |name: &str| alert(name, &[], now(&shift), AlertStatus::Firing);
    shift.delivers("{}:{}", vec![firing("DiskFull"), firing("NodeDown"), firing("DiskFull2")]).await;
    assert_eq!(shift.told().await.len(), 3);
    assert_eq!(shift.pages().await.len(), 3);
}

#[tokio::test]
async fn a_second_playbook_waits_for_the_first_and_then_runs() {
    let shift = Shift::with(&[PLAYBOOK, &dns_errors("S2")]).await;
    shift.fires("DNSSlow", &[]).await;
    shift.fires("DNSErrors", &[("pod", "a")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=1"]);
    let timeline = shift.timeline(1).await;
    let note = "playbook dns-errors is not run: RUN-1 of dns is at work for this incident, and two at once would work against each other";
    assert!(timeline.contains(note), "{timeline}");
    shift.run_ends(Outcome::Escalated).await;
    shift.fires("DNSErrors", &[("pod", "b")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 3/3 runs=2"]);
    shift.fires("DNSErrors", &[("pod", "c")]).await;
    shift.fires("DNSSlow", &[("pod", "c")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 5/5 runs=2"], "each runs once, however many alerts join");
}

#[tokio::test]
async fn late_news_of_what_was_mitigated_runs_no_second_playbook() {
    let shift = Shift::with(&[PLAYBOOK, &dns_errors("S2")]).await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.passes(2).await;
    shift.run_ends(Outcome::Fixed).await;
    shift.passes(3).await;
    shift.delivers("g", vec![alert("DNSErrors", &[], since, AlertStatus::Firing)]).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 2/2 runs=1"]);
    let timeline = shift.timeline(1).await;
    let note = "playbook dns-errors is not run: its alert began before the incident was mitigated";
    assert!(timeline.contains(note), "{timeline}");
}

#[tokio::test]
async fn of_two_playbooks_at_once_the_worse_one_runs() {
    let shift = Shift::with(&[PLAYBOOK, &dns_errors("S1")]).await;
    let firing = |name: &str| alert(name, &[], now(&shift), AlertStatus::Firing);
    shift.delivers("g", vec![firing("DNSSlow"), firing("DNSErrors")]).await;
    assert_eq!(shift.told().await, ["INC-1 open 2/2 runs=1"]);
    assert_eq!(shift.incidents().await[0].playbook.as_deref(), Some("dns-errors"));
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne"]);
    assert!(shift.timeline(1).await.contains("playbook dns is not run: a run of dns-errors is at work"));
}

#[tokio::test]
async fn a_worse_playbook_calls_while_another_one_is_at_work() {
    let shift = Shift::with(&[PLAYBOOK, &dns_errors("S1")]).await;
    shift.fires("DNSSlow", &[]).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.fires("DNSErrors", &[]).await;
    assert_eq!(shift.told().await, ["INC-1 acknowledged 2/2 runs=1"]);
    assert_eq!(shift.pages().await, ["INC-1 SeverityOne"]);
}

#[tokio::test]
async fn a_second_playbook_with_less_patience_sets_an_earlier_time() {
    let eager = dns_errors("S2").replace("page_by: 10m", "page_by: 2m");
    let shift = Shift::with(&[PLAYBOOK, &eager]).await;
    shift.fires("DNSSlow", &[]).await;
    shift.fires("DNSErrors", &[]).await;
    shift.passes(3).await;
    assert_eq!(shift.pages().await, ["INC-1 Overdue"]);
}

#[tokio::test]
async fn what_was_called_fixed_and_fires_on_calls_somebody() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.passes(2).await;
    shift.run_ends(Outcome::Fixed).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 1/1 runs=1"]);
    shift.passes(9).await;
    assert!(shift.pages().await.is_empty(), "the news that it is over may be on its way");
    shift.passes(2).await;
    assert_eq!(shift.pages().await, ["INC-1 StillFires { run: RunId(1), outcome: Fixed }"]);
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=1"], "it was not mitigated");
    let timeline = shift.timeline(1).await;
    assert!(
        timeline.contains("team platform is paged: its alerts still fire although RUN-1 called it fixed"),
        "{timeline}"
    );
    shift.passes(600).await;
    assert_eq!(shift.pages().await.len(), 1);
}

#[tokio::test]
async fn having_found_nothing_to_do_makes_nobody_wait_longer() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    let databases: Vec<Alert> = (0..500)
        .map(|n| alert("NameResolutionFailing", &[("pod", &format!("pg-{n}"))], now(&shift), AlertStatus::Firing))
        .collect();
    shift.delivers("another group", databases).await;
    shift.passes(5).await;
    shift.run_ends(Outcome::NothingToDo).await;
    shift.passes(4).await;
    assert!(shift.pages().await.is_empty());
    shift.passes(2).await;
    assert_eq!(shift.pages().await, ["INC-1 StillFires { run: RunId(1), outcome: NothingToDo }"]);
}

#[tokio::test]
async fn having_found_nothing_to_do_calls_nobody_who_is_at_it() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.run_ends(Outcome::NothingToDo).await;
    shift.passes(600).await;
    assert!(shift.pages().await.is_empty());
}

#[tokio::test]
async fn a_page_that_nobody_answered_is_no_reason_not_to_say_that_it_fires_on() {
    let severe = PLAYBOOK.replace("severity: S2", "severity: S1");
    let shift = Shift::with(&[&severe]).await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::NothingToDo).await;
    shift.passes(11).await;
    let pages = shift.pages().await;
    assert_eq!(pages, ["INC-1 SeverityOne", "INC-1 StillFires { run: RunId(1), outcome: NothingToDo }"]);
    shift.resolves("DNSSlow", &[], since).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=1"]);
}

#[tokio::test]
async fn what_escalated_is_not_over_when_its_alerts_are() {
    let shift = Shift::begin().await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Escalated).await;
    shift.passes(5).await;
    shift.resolves("DNSSlow", &[], since).await;
    assert_eq!(shift.told().await, ["INC-1 open 0/1 runs=1"]);
    let timeline = shift.timeline(1).await;
    assert!(timeline.contains("it stays open: RUN-1 needs a person, and nobody has looked at it"), "{timeline}");
    assert_eq!(shift.store.levels().await.unwrap().unacknowledged_pages, 1);
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    let reply = shift.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    assert_eq!(reply, "INC-1 is resolved");
}

#[tokio::test]
async fn a_second_run_that_helped_does_not_close_what_escalated_unseen() {
    let shift = Shift::with(&[PLAYBOOK, &dns_errors("S2")]).await;
    let slow = shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Escalated).await;
    let errors = shift.fires("DNSErrors", &[]).await;
    shift.resolves("DNSSlow", &[], slow).await;
    shift.resolves("DNSErrors", &[], errors).await;
    shift.run_ends(Outcome::Fixed).await;
    assert_eq!(shift.told().await, ["INC-1 mitigated 0/2 runs=2"]);
}

#[tokio::test]
async fn what_escalated_and_was_looked_at_is_over_with_its_alerts() {
    let shift = Shift::begin().await;
    let since = shift.fires("DNSSlow", &[]).await;
    shift.run_ends(Outcome::Escalated).await;
    shift.says("alice", Command::Ack { incident: IncidentId(1) }).await;
    shift.resolves("DNSSlow", &[], since).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=1"]);
}

#[tokio::test]
async fn a_page_that_was_made_after_the_ack_is_acknowledged_by_another_one() {
    let shift = Shift::begin().await;
    let ack = || Command::Ack { incident: IncidentId(1) };
    let unanswered = async || shift.store.levels().await.unwrap().unacknowledged_pages;
    shift.delivers("g", unknown(&shift, &["info"])).await;
    shift.says("alice", ack()).await;
    shift.passes(1).await;
    shift.delivers("g", unknown(&shift, &["critical"])).await;
    assert_eq!(unanswered().await, 1);
    assert_eq!(shift.says("alice", ack()).await, "INC-1 is yours already; its page is acknowledged");
    assert_eq!(unanswered().await, 0);
    shift.passes(1).await;
    assert_eq!(shift.says("alice", ack()).await, "INC-1 is yours already");
    assert_eq!(shift.timeline(1).await.matches("alice has acknowledged it").count(), 1);
}

#[tokio::test]
async fn an_ack_after_a_fix_keeps_the_call_away() {
    let shift = Shift::begin().await;
    shift.fires("DNSSlow", &[]).await;
    let ack = || Command::Ack { incident: IncidentId(1) };
    shift.says("alice", ack()).await;
    shift.passes(1).await;
    shift.run_ends(Outcome::Fixed).await;
    assert_eq!(shift.says("alice", ack()).await, "INC-1 is yours already; nobody is paged about it");
    shift.passes(60).await;
    assert!(shift.pages().await.is_empty());
}

#[tokio::test]
async fn a_page_of_what_is_resolved_can_be_acknowledged() {
    let shift = Shift::begin().await;
    let critical = unknown(&shift, &["critical"]);
    let since = critical[0].starts_at;
    shift.delivers("g", critical).await;
    shift.passes(1).await;
    // Nothing delivers the page here.
    shift.resolves("Disk", &[("severity", "critical")], since).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
    assert_eq!(shift.store.levels().await.unwrap().unacknowledged_pages, 1);
    let ack = || Command::Ack { incident: IncidentId(1) };
    assert_eq!(shift.says("alice", ack()).await, "INC-1 is resolved; its page is acknowledged");
    assert_eq!(shift.store.levels().await.unwrap().unacknowledged_pages, 0);
    shift.passes(1).await;
    assert_eq!(shift.says("bob", ack()).await, "INC-1 is resolved; there is nothing to acknowledge");
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
}

#[tokio::test]
async fn whoever_resolves_what_fires_is_told_what_will_come_of_it() {
    let shift = Shift::begin().await;
    let critical = unknown(&shift, &["critical"]);
    shift.delivers("g", critical.clone()).await;
    let reply = shift.says("alice", Command::Resolve { incident: IncidentId(1), note: None }).await;
    assert_eq!(
        reply,
        "INC-1 is resolved; 1 of its alerts still fire: told again, they open an incident again, 10m from now at the earliest; \
         silence them in Alertmanager if they are not to"
    );
    shift.passes(5).await;
    shift.delivers("g", critical).await;
    shift.passes(4).await;
    assert_eq!(shift.told().await, ["INC-1 resolved 0/1 runs=0"]);
    shift.passes(2).await;
    assert_eq!(shift.told().await, ["INC-1 open 1/1 runs=0"], "as it was said");
    assert_eq!(shift.pages().await.len(), 2);
}

/// Whatever of what is known of an alert is damaged, its next firing calls somebody.
#[tokio::test]
async fn an_alert_whose_rows_are_damaged_is_heard_when_it_is_told_again() {
    for damage in [
        "UPDATE episode SET labels = '{', annotations = '{'",
        "UPDATE episode SET labels = x'00', annotations = x'00', alert = x'ff'",
        "UPDATE episode SET opened_at = 'then', closed_at = 'then'",
        "UPDATE episode SET starts_at = 'then'",
        "UPDATE episode SET starts_at = 9223372036854775807",
        "UPDATE incident SET state = 'nonsense', resolved_at = 'then'",
        "UPDATE incident SET severity = 'S9', target = '{', opened_at = 'then'",
        "UPDATE incident SET resolved_at = 9223372036854775807",
        "UPDATE page SET reason = '{'",
        "UPDATE page SET reason = x'00', text = x'ff'",
        "UPDATE incident_event SET event = '{'",
    ] {
        let mut bot = Bot::begins(&[], Vec::new()).await;
        let labels = [("severity", "critical")];
        bot.fires("Disk", &labels).await;
        bot.resolves("Disk", &labels).await;
        bot.passes(minutes(60)).await;
        bot.tampers(damage).await;
        bot.fires("Disk", &labels).await;
        bot.passes(minutes(1)).await;
        let levels = bot.store().levels().await.unwrap();
        assert_eq!(levels.pending_signals, 0, "{damage}: it waits for ever");
        let open = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
        assert!(!open.is_empty(), "{damage}");
        let unanswered = levels.unacknowledged_pages;
        assert!(unanswered > 0, "{damage}: nobody is called");
    }
}
