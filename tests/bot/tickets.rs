//! What pages nobody becomes a ticket: made once, kept up to date, closed and opened again.

use std::sync::Arc;
use std::time::Duration;

use dogwatch::incident::IncidentRules;
use dogwatch::message::tickets_text;
use dogwatch::model::*;
use dogwatch::notify::{GitHub, GitLab, Sink, TicketSink, TicketWebhook, TrackerOptions};
use dogwatch::store::*;

use crate::bot::{Bot, minutes};
use crate::world::trackers::{Issue, Kind, StandIn, TOKEN};
use crate::world::webhook_receiver::WebhookReceiver;

/// A playbook that needs a person whenever it runs.
pub const LOOK: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: look, version: 1.0.0, owner: databases }
summary: the disk is slow
severity: S3
autonomy: auto
triggers:
  - alert: DiskSlow
target: { kind: Deployment, namespace: kube-system, name: coredns }
diagnose:
  - require: "false"
    because: "the disk is full, says @eve; fixes #1"
escalate:
  - page:
      message: |
        look at the disk
        /close
        Next: kubectl get pv
"#;

pub fn options(url: &str) -> TrackerOptions {
    TrackerOptions {
        url: url.to_owned(),
        token: Some(Secret::new(TOKEN)),
        allow_hosts: Vec::new(),
        timeout: Duration::from_secs(5),
        labels: vec!["dogwatch".into(), "disk".into()],
    }
}

pub fn tickets_of_all(sink: &str) -> Sinks {
    let tickets = TicketSinks { others: Some(format!("ticket:{sink}")), ..TicketSinks::default() };
    Sinks { tickets, ..crate::world::story::sinks(&["console"], &["console"]) }
}

pub fn sink(kind: Kind, name: &str, url: &str, closes: bool) -> Arc<dyn Sink> {
    match kind {
        Kind::GitHub => Arc::new(TicketSink::new(name, GitHub::new(&options(url), "acme/db").unwrap(), closes)),
        Kind::GitLab => Arc::new(TicketSink::new(name, GitLab::new(&options(url), "acme/db").unwrap(), closes)),
    }
}

/// A bot whose tickets are all made in one tracker.
pub async fn begins(kind: Kind, playbooks: &[&str]) -> (Bot, StandIn) {
    let mut bot = Bot::begins(playbooks, crate::crashes::coredns()).await;
    let tracker = StandIn::start(kind, bot.clock.clone()).await;
    bot.sinks = tickets_of_all("disks");
    bot.trackers = vec![sink(kind, "disks", &tracker.url, true)];
    bot.is_restarted().await;
    (bot, tracker)
}

pub async fn timeline(bot: &Bot, incident: i64) -> String {
    let timeline = bot.store().timeline(IncidentId(incident)).await.unwrap();
    dogwatch::message::timeline_lines(&timeline).join("\n")
}

pub async fn tickets(bot: &Bot) -> Vec<Ticket> {
    let all: Vec<IncidentId> = (1..20).map(IncidentId).collect();
    bot.store().tickets_of(&all).await.unwrap()
}

pub fn states(issues: &[Issue]) -> Vec<(u64, bool, usize)> {
    issues.iter().map(|issue| (issue.number, issue.open, issue.comments.len())).collect()
}

pub const S3: [(&str, &str); 1] = [("severity", "info")];

#[tokio::test]
async fn what_pages_nobody_is_a_ticket_that_lives_with_its_incident() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let (mut bot, tracker) = begins(kind, &[]).await;
        bot.fires("Disk", &S3).await;
        let issues = tracker.issues();
        assert_eq!(states(&issues), [(1, true, 0)], "{kind:?}");
        assert_eq!(issues[0].labels, ["dogwatch", "disk"]);
        assert_eq!(issues[0].title, "[S3] INC-1 Disk");
        assert!(bot.paged().await.is_empty(), "nobody is called");
        let told = timeline(&bot, 1).await;
        let url = tickets(&bot).await[0].place.clone().unwrap().url.unwrap();
        assert!(told.contains(&format!("ticket in disks: {url}")), "{told}");
        assert_eq!(tickets_text(&tickets(&bot).await), format!("tickets:\n  INC-1 in disks: {url}"));

        // The same again is the same ticket, and nothing new.
        bot.fires("Disk", &S3).await;
        bot.passes(minutes(30)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0)]);

        // Somebody has it: that closes nothing.
        bot.says("ada", Command::Ack { incident: IncidentId(1) }).await;
        bot.passes(minutes(10)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 1)]);
        assert!(tracker.issues()[0].comments[0].body.contains("ada has acknowledged it"));

        bot.resolves("Disk", &S3).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 2)]);
        let end = &tracker.issues()[0].comments[1].body;
        assert!(end.contains("resolved by alertmanager: all its alerts have resolved"), "{end}");
        assert_eq!(tickets_text(&tickets(&bot).await), format!("tickets:\n  INC-1 in disks: {url} (closed)"));

        // It fires again within half an hour: the same ticket is opened again.
        bot.passes(minutes(15)).await;
        bot.fires("Disk", &S3).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 3)]);
        assert!(tracker.issues()[0].comments[2].body.contains("opened again: Disk fires again"));

        // A day later it is another incident, and another ticket.
        bot.says("ada", Command::Resolve { incident: IncidentId(1), note: Some("a new disk".into()) }).await;
        assert!(tracker.issues()[0].comments[3].body.contains("resolved by ada: a new disk"));
        bot.resolves("Disk", &S3).await;
        bot.passes(minutes(60 * 24)).await;
        bot.fires("Disk", &S3).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 4), (2, true, 0)]);
    }
}

#[tokio::test]
async fn a_run_that_needs_a_person_is_a_ticket_of_its_team() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let (mut bot, tracker) = begins(kind, &[LOOK]).await;
        bot.fires("DiskSlow", &[]).await;
        bot.end().await;
        bot.settles().await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0)]);
        let body = &tracker.issues()[0].body;
        assert!(
            body.contains("### Why a person is needed\n\n```text\nRUN-1 of look stopped and needs a person"),
            "{body}"
        );
        assert!(body.contains("### What to type next\n\n```text\nkubectl get pv\n"), "{body}");
        // Whatever a playbook or an alert says: it stands in code, and no line is a quick action.
        assert!(body.contains("\n /close\n"), "{body}");
        assert!(body.lines().all(|line| !line.starts_with('/')), "{body}");
        let mut in_code = false;
        for line in body.lines() {
            in_code ^= line.starts_with("```");
            assert!(in_code || !line.contains("@eve") && !line.contains("#1"), "{line}");
        }
        bot.passes(minutes(60)).await;
        assert_eq!(tracker.issues().len(), 1, "its end is in it, and what it says is no news");
    }
}

/// The bot makes the issue, and dies before it hears of it, or keeps that it did.
#[tokio::test]
async fn there_is_one_ticket_whenever_the_bot_dies() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let goes = async |n: Option<usize>| {
            let (mut bot, tracker) = begins(kind, &[LOOK]).await;
            bot.dies_at(n).await;
            bot.fires("DiskSlow", &[]).await;
            bot.end().await;
            bot.passes(minutes(10)).await;
            bot.says("ada", Command::Ack { incident: IncidentId(1) }).await;
            bot.passes(minutes(10)).await;
            bot.says("ada", Command::Resolve { incident: IncidentId(1), note: None }).await;
            bot.passes(minutes(10)).await;
            let issues = tracker.issues();
            assert_eq!(issues.len(), 1, "{kind:?}, died at {n:?}: {:?}", bot.fuse.passed());
            assert!(!issues[0].open, "{kind:?}, died at {n:?}");
            for said in ["ada has acknowledged it", "resolved by ada"] {
                let times = issues[0].comments.iter().filter(|comment| comment.body.contains(said)).count();
                assert_eq!(times, 1, "{kind:?}, died at {n:?}: {:#?}", issues[0].comments);
            }
            bot.fuse.points_that_differ().await
        };
        let points = goes(None).await;
        assert!((10..80).contains(&points.len()), "{points:?}");
        for n in points {
            goes(Some(n)).await;
        }
    }
}

/// Whoever may write issues knows how marks look.
#[tokio::test]
async fn nobody_elses_issue_is_taken_for_a_ticket() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let (mut bot, tracker) = begins(kind, &[]).await;
        tracker.somebody_writes("mine", "<!-- dogwatch-00000000-INC-1-0123456789abcdef -->");
        bot.fires("Disk", &S3).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0), (2, true, 0)]);
        let (first, marked) = (&tracker.issues()[0].body, &tracker.issues()[1].body);
        assert!(!marked.contains("0123456789abcdef"), "{first} {marked}");
    }
}

#[tokio::test]
async fn a_storm_is_a_few_comments() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    for n in 0..12 {
        let node = format!("n{n}");
        bot.fires(&format!("Disk{n}"), &[("severity", "info"), ("node", "a"), ("device", &node)]).await;
        bot.passes(minutes(1)).await;
    }
    bot.passes(minutes(30)).await;
    let issues = tracker.issues();
    let comments: usize = issues.iter().map(|issue| issue.comments.len()).sum();
    assert!(issues.iter().filter(|issue| issue.open).count() <= 2 && comments <= 8, "{issues:#?}");
}

#[tokio::test]
async fn what_becomes_worse_pages_and_its_ticket_says_so() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(1)).await;
    bot.fires("Disk", &[("severity", "critical")]).await;
    bot.pages(["platform severity one"]).await;
    let issue = tracker.issues()[0].clone();
    assert_eq!((issue.open, issue.comments.len()), (true, 1));
    assert!(issue.comments[0].body.contains("severity S3 -> S1: Disk fires; it pages now"), "{:?}", issue.comments);
    assert_eq!(issue.title, "[S1] INC-1 Disk");
    let told = timeline(&bot, 1).await;
    assert!(told.contains("https://github.example/acme/db/issues/1"), "{told}");
}

#[tokio::test]
async fn a_tracker_that_refuses_is_told_of_with_the_next_move_and_tried_on() {
    for (kind, status, next) in [
        (Kind::GitHub, 401, "put a token that it takes"),
        (Kind::GitHub, 403, "give the token the right to write issues of acme/db"),
        (Kind::GitLab, 403, "give the token the right to write issues of acme/db"),
        (Kind::GitHub, 404, "check that acme/db is there"),
        (Kind::GitLab, 404, "check that acme/db is there"),
        (Kind::GitHub, 410, "issues are disabled for acme/db"),
        (Kind::GitHub, 422, "check its `labels`"),
        (Kind::GitHub, 301, "acme/db has moved, and redirects are not followed"),
    ] {
        let (mut bot, tracker) = begins(kind, &[]).await;
        tracker.refuses("POST", status, &[("location", "https://elsewhere.example/")], "no, says @eve");
        bot.fires("Disk", &S3).await;
        let told = timeline(&bot, 1).await;
        assert!(told.contains("its ticket in disks cannot be made") && told.contains(next), "{status}: {told}");
        let open = tickets_text(&tickets(&bot).await);
        assert!(open.contains("INC-1 in disks: not made yet"), "{open}");
        bot.passes(minutes(8)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0)], "{status}: somebody has put it right");
        assert_eq!(timeline(&bot, 1).await.matches("cannot be made").count(), 1);
    }
}

#[tokio::test]
async fn what_was_over_before_its_ticket_was_made_needs_none() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    tracker.is_away(10_000);
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(20)).await;
    bot.resolves("Disk", &S3).await;
    tracker.is_back();
    bot.passes(minutes(60)).await;
    assert!(tracker.issues().is_empty());
    assert!(tickets_text(&tickets(&bot).await).contains("INC-1 in disks: none was needed"));
    // Unless an attempt of before has made it after all.
    tracker.loses_the_answer_of("POST");
    bot.fires("Other", &[("severity", "ticket"), ("node", "b")]).await;
    tracker.is_away(3);
    bot.resolves("Other", &[("severity", "ticket"), ("node", "b")]).await;
    bot.passes(minutes(60)).await;
    assert_eq!(states(&tracker.issues()), [(1, false, 1)]);
    assert!(tracker.issues()[0].comments[0].body.contains("- resolved by alertmanager: all its alerts have resolved"));
}

#[tokio::test]
async fn each_team_has_its_own_tracker() {
    let mut bot = Bot::begins(&[LOOK], crate::crashes::coredns()).await;
    let (ours, theirs) =
        (StandIn::start(Kind::GitHub, bot.clock.clone()).await, StandIn::start(Kind::GitLab, bot.clock.clone()).await);
    let by_team = [("databases".to_owned(), "ticket:db".to_owned())].into();
    bot.sinks.tickets = TicketSinks { by_team, others: Some("ticket:ops".into()), ..Default::default() };
    bot.trackers = vec![sink(Kind::GitHub, "ops", &ours.url, true), sink(Kind::GitLab, "db", &theirs.url, true)];
    bot.is_restarted().await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.fires("Disk", &S3).await;
    bot.settles().await;
    assert_eq!((ours.issues().len(), theirs.issues().len()), (1, 1));
    assert_eq!(ours.issues()[0].title, "[S3] INC-2 Disk");
    ours.is_away(10_000);
    bot.says("ada", Command::Resolve { incident: IncidentId(1), note: None }).await;
    assert!(!theirs.issues()[0].open, "one that is away holds up no other");
}

#[tokio::test]
async fn a_team_without_a_tracker_is_asked_in_chat_as_before() {
    let mut bot = Bot::begins(&[LOOK], crate::crashes::coredns()).await;
    let by_team = [("platform".to_owned(), "ticket:ops".to_owned())].into();
    bot.sinks.tickets = TicketSinks { by_team, others: None, ..Default::default() };
    bot.is_restarted().await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert!(tickets(&bot).await.is_empty());
    assert!(timeline(&bot, 1).await.contains("a person of team databases is needed, and nobody is paged"));
}

#[tokio::test]
async fn what_became_part_of_another_one_has_one_ticket() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    let other = [("severity", "info"), ("node", "b")];
    bot.fires("Disk", &S3).await;
    bot.fires("Other", &other).await;
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(2)], into: IncidentId(1) }).await;
    bot.passes(minutes(10)).await;
    let issues = tracker.issues();
    assert_eq!((issues[0].open, issues[1].open), (true, false));
    let said = &issues[1].comments[0].body;
    assert!(said.contains("INC-2 is part of INC-1 now, which has a ticket of its own: it goes on there"), "{said}");
    bot.says("ada", Command::Split { incident: IncidentId(2), object: None }).await;
    bot.passes(minutes(10)).await;
    let issues = tracker.issues();
    assert_eq!((issues.len(), issues[0].open, issues[1].open), (2, true, true));
    assert!(issues[1].comments.last().unwrap().body.contains("INC-2 is an incident of its own again"));
}

#[tokio::test]
async fn the_ticket_of_a_part_is_the_ticket_of_a_whole_that_has_none() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    bot.fires("Down", &[("severity", "critical"), ("node", "b")]).await;
    bot.fires("Disk", &S3).await;
    assert_eq!(states(&tracker.issues()), [(1, true, 0)]);
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(2)], into: IncidentId(1) }).await;
    bot.passes(minutes(10)).await;
    let issues = tracker.issues();
    assert_eq!((issues.len(), issues[0].open), (1, true));
    assert!(issues[0].comments[0].body.contains("INC-2 is part of INC-1 now: what follows is of that one"));
    bot.says("ada", Command::Resolve { incident: IncidentId(1), note: None }).await;
    bot.passes(minutes(10)).await;
    assert!(!tracker.issues()[0].open);
}

#[tokio::test]
async fn a_window_makes_no_ticket_before_its_end() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    let scope = WindowScope { matchers: vec!["alertname=Disk".parse().unwrap()], ..WindowScope::default() };
    let silence = Command::Silence { scope, lasting_secs: 3_600, from: None, reason: "a new disk".into() };
    bot.says("ada", silence).await;
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(30)).await;
    assert!(tracker.issues().is_empty());
    bot.passes(minutes(45)).await;
    assert_eq!(states(&tracker.issues()), [(1, true, 0)]);
}

#[tokio::test]
async fn a_tracker_whose_tickets_people_close() {
    let (mut bot, tracker) = begins(Kind::GitLab, &[]).await;
    bot.trackers = vec![sink(Kind::GitLab, "disks", &tracker.url, false)];
    bot.is_restarted().await;
    bot.fires("Disk", &S3).await;
    bot.resolves("Disk", &S3).await;
    bot.passes(minutes(60)).await;
    assert_eq!(states(&tracker.issues()), [(1, true, 1)], "it is told once, and left open");
    assert!(tracker.issues()[0].body.contains("leaves closing it to you"));
}

#[tokio::test]
async fn a_webhook_is_told_the_same_as_documents_under_one_key() {
    let receiver = WebhookReceiver::start().await;
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.sinks = tickets_of_all("hook");
    bot.trackers = vec![Arc::new(TicketWebhook::new("hook", &options(&receiver.url()), true).unwrap())];
    bot.is_restarted().await;
    bot.fires("Disk", &S3).await;
    bot.says("ada", Command::Ack { incident: IncidentId(1) }).await;
    bot.passes(minutes(10)).await;
    bot.resolves("Disk", &S3).await;
    bot.passes(minutes(15)).await;
    bot.fires("Disk", &S3).await;
    let told: Vec<serde_json::Value> = receiver.deliveries().iter().map(|delivery| delivery.json()).collect();
    let events: Vec<&str> = told.iter().map(|told| told["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["trigger", "update", "resolve", "trigger"]);
    for told in &told {
        assert_eq!((&told["kind"], &told["dedup_key"]), (&"ticket".into(), &told["dedup_key"]), "{told:#}");
        assert_eq!(told["dedup_key"], receiver.deliveries()[0].json()["dedup_key"]);
    }
    assert_eq!(told[1]["news"], serde_json::json!(["ada has acknowledged it"]));
    bot.passes(minutes(1)).await;
    bot.fires("Disk", &[("severity", "critical")]).await;
    let worse = receiver.deliveries().last().unwrap().json();
    let now = (&worse["event"], &worse["severity"], &worse["title"]);
    assert_eq!(now, (&"update".into(), &"S1".into(), &"[S1] INC-1 (2 alerts) Disk".into()));
    assert_eq!(receiver.deliveries()[0].authorization, format!("Bearer {TOKEN}"));
    let known = IncidentRules::default();
    assert_eq!(known.default_team, told[0]["team"]);
}
