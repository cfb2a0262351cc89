//! Work that a playbook files (`ticket`) outlives its incident: it is filed once, and closed by
//! people alone.

use std::sync::Arc;
use std::time::Duration;

use dogwatch::message::{Room, tickets_text};
use dogwatch::model::*;
use dogwatch::notify::{ParcelKind, TicketWebhook};
use dogwatch::store::*;

use crate::bot::{Bot, minutes};
use crate::crashes::coredns;
use crate::tickets::{begins, options, sink, states, tickets, tickets_of_all, timeline};
use crate::world::trackers::{Kind, StandIn};
use crate::world::webhook_receiver::WebhookReceiver;

const BOTH: [Kind; 2] = [Kind::GitHub, Kind::GitLab];

/// Helps for now, and says what is to be done for good.
const GROW: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: grow, version: 1.0.0, owner: databases }
summary: coredns has too few replicas
severity: S2
autonomy: auto
triggers:
  - alert: Slow
target: { kind: Deployment, namespace: kube-system, name: coredns }
mitigate:
  - id: scale
    k8s.scale: { by: 1, max: 20 }
    verify: { until: "target.status.?readyReplicas.orValue(0) == target.spec.replicas", settle: 1m, within: 10m }
    undo: never
  - id: raise
    ticket:
      title: "Raise the replicas of {{target.metadata.name}}"
      text: |
        It has {{scale.to}} now, and its manifest has less; says @eve; fixes #1
        /close
escalate:
  - page: { message: help }
"#;

/// Files, and pages for it.
fn look(ticket: &str) -> String {
    format!(
        "
apiVersion: dogwatch/v1
kind: Playbook
metadata: {{ name: look, version: 1.0.0, owner: databases }}
summary: the disk is slow
severity: S2
autonomy: auto
triggers: [{{ alert: Slow }}]
target: {{ kind: Deployment, namespace: kube-system, name: coredns }}
diagnose:
  - require: 'false'
    because: the disk is full
escalate:
{ticket}
  - page: {{ message: look at the disk }}
"
    )
}

/// What whoever is called reads.
async fn page_of(bot: &Bot) -> String {
    let told = crate::page_texts::told(bot, Room::Whole).await;
    told.into_iter().filter(|parcel| parcel.kind == ParcelKind::Page).map(|parcel| parcel.body).collect()
}

fn days(n: u64) -> Duration {
    minutes(n * 24 * 60)
}

/// The alert fires, is helped, and is over; hours later its incident is.
async fn it_happens(bot: &mut Bot) {
    bot.fires("Slow", &[]).await;
    bot.passes(minutes(30)).await;
    bot.resolves("Slow", &[]).await;
    bot.passes(minutes(180)).await;
}

#[tokio::test]
async fn it_is_filed_once_and_stays_when_its_incident_is_over() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        bot.fires("Slow", &[]).await;
        let (outcome, _) = bot.end().await;
        assert_eq!(outcome, Outcome::Fixed, "{:#?}", bot.log().await);
        bot.settles().await;
        bot.resolves("Slow", &[]).await;
        bot.passes(minutes(180)).await;
        assert_eq!(bot.incident(1).await.state, IncidentState::Resolved);
        assert!(bot.paged().await.is_empty());
        assert_eq!(states(&tracker.issues()), [(1, true, 0)], "{kind:?}: nothing closes it or says more");
        let issue = tracker.issues().remove(0);
        assert_eq!(
            (&*issue.title, issue.labels),
            ("Raise the replicas of coredns", vec!["dogwatch".into(), "disk".into()])
        );
        assert!(issue.body.contains("It has 5 now"), "{}", issue.body);
        assert!(issue.body.contains("found by: RUN-1 of grow 1.0.0"), "{}", issue.body);
        assert!(issue.body.contains("It stays open when INC-1 is over"), "{}", issue.body);
        let mut in_code = false;
        for line in issue.body.lines() {
            in_code ^= line.starts_with("```");
            assert!(!line.starts_with('/') && (in_code || !line.contains("@eve") && !line.contains("#1")), "{line}");
        }
        let url = tickets(&bot).await[0].place.clone().unwrap().url.unwrap();
        let told = timeline(&bot, 1).await;
        assert!(told.contains("files a ticket with team databases: Raise the replicas of coredns"), "{told}");
        assert!(told.contains(&format!("ticket \"Raise the replicas of coredns\" in disks: {url}")), "{told}");
        let listed = tickets_text(&tickets(&bot).await);
        assert_eq!(listed, format!("tickets:\n  INC-1 \"Raise the replicas of coredns\" in disks: {url}"));
        let why = crate::why::asks(&bot, "/why INC-1").await;
        assert!(why.contains(&url), "{why}");
    }
}

#[tokio::test]
async fn what_is_open_is_not_filed_again_but_told_that_it_was_seen_again() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        it_happens(&mut bot).await;
        // Twice in a day is said once.
        it_happens(&mut bot).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0)], "{kind:?}: {:#?}", bot.log().await);
        bot.passes(days(7)).await;
        it_happens(&mut bot).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 1)], "{kind:?}");
        let said = &tracker.issues()[0].comments[0].body;
        assert!(said.contains("Seen again in **INC-3**, 3 times in all.") && said.contains("It has 7 now"), "{said}");
        let told = timeline(&bot, 3).await;
        assert!(told.contains("ticket \"Raise the replicas of coredns\" is in disks since 2026-03-02 02:0"), "{told}");
        assert!(told.contains("asked for 3 times: https://"), "{told}");
        assert!(crate::why::asks(&bot, "/why INC-3").await.contains("/issues/1"));
    }
}

#[tokio::test]
async fn what_somebody_has_closed_is_filed_again_only_after_a_while() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        it_happens(&mut bot).await;
        tracker.somebody_closes(1);
        bot.passes(days(20)).await;
        it_happens(&mut bot).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 0)], "{kind:?}: whoever closed it has decided");
        let told = timeline(&bot, 2).await;
        assert!(told.contains("was filed in disks on 2026-03-02 02:0"), "{told}");
        assert!(
            told.contains("and is closed") && told.contains("it is not filed again before 2026-04-01 02:0"),
            "{told}"
        );
        bot.passes(days(11)).await;
        it_happens(&mut bot).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 0), (2, true, 0)], "{kind:?}");
        let body = &tracker.issues()[1].body;
        assert!(body.contains("filed before: https://"), "{body}");
    }
}

#[tokio::test]
async fn what_is_deleted_is_filed_anew() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        it_happens(&mut bot).await;
        tracker.somebody_deletes(1);
        it_happens(&mut bot).await;
        let titles: Vec<String> = tracker.issues().into_iter().map(|issue| issue.title).collect();
        assert_eq!(titles, ["Raise the replicas of coredns"], "{kind:?}: {}", timeline(&bot, 2).await);
    }
}

/// The bot files it, or says that it was seen again, and dies before it hears of it, or keeps that
/// it did.
#[tokio::test]
async fn there_is_one_issue_and_one_comment_whenever_the_bot_dies() {
    for kind in BOTH {
        let goes = async |n: Option<usize>| {
            let (mut bot, tracker) = begins(kind, &[GROW]).await;
            bot.dies_at(n).await;
            it_happens(&mut bot).await;
            bot.passes(days(7)).await;
            it_happens(&mut bot).await;
            let issues = tracker.issues();
            assert_eq!(states(&issues), [(1, true, 1)], "{kind:?}, died at {n:?}: {:?}", bot.fuse.passed());
            for incident in [1, 2] {
                let told = timeline(&bot, incident).await;
                let times =
                    told.lines().filter(|line| line.contains("ticket \"") && line.contains("/issues/1")).count();
                assert_eq!(times, 1, "{kind:?}, died at {n:?}: {told}");
            }
            bot.fuse.points_that_differ().await
        };
        let points = goes(None).await;
        assert!((20..120).contains(&points.len()), "{points:?}");
        for n in points {
            goes(Some(n)).await;
        }
    }
}

#[tokio::test]
async fn what_is_asked_for_while_the_tracker_is_away_is_one_issue_when_it_is_back() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        tracker.is_away(10_000);
        it_happens(&mut bot).await;
        it_happens(&mut bot).await;
        let told = timeline(&bot, 1).await;
        let trouble = "the ticket \"Raise the replicas of coredns\" in disks cannot be made";
        assert_eq!(told.matches(trouble).count(), 1, "{told}");
        assert!(
            tickets_text(&tickets(&bot).await)
                .contains("INC-2 \"Raise the replicas of coredns\" in disks: not made yet")
        );
        tracker.is_back();
        bot.passes(days(1)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 0)], "{kind:?}: though both incidents are over");
        for incident in [1, 2] {
            let told = timeline(&bot, incident).await;
            assert!(told.contains("ticket \"Raise the replicas of coredns\" in disks: https://"), "{told}");
        }
    }
}

/// What was made a moment ago is in no list yet.
#[tokio::test]
async fn an_answer_that_is_lost_files_nothing_twice() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[GROW]).await;
        tracker.shows_after(Duration::from_secs(45));
        tracker.loses_the_answer_of("POST");
        it_happens(&mut bot).await;
        bot.passes(days(2)).await;
        tracker.breaks_off("POST");
        it_happens(&mut bot).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 1)], "{kind:?}: {:?}", tracker.tracker().requests);
    }
}

const FILES: &str = "  - ticket: { title: replace the disk, text: 'it is {{because}}' }";

#[tokio::test]
async fn without_a_tracker_the_page_the_timeline_and_chat_say_what_would_be_filed() {
    let mut bot = Bot::begins(&[&look(FILES)], coredns()).await;
    bot.fires("Slow", &[]).await;
    let (outcome, _) = bot.end().await;
    assert_eq!(outcome, Outcome::Escalated, "that is no error of the run");
    bot.settles().await;
    let said = "no ticket is filed, as no tracker is configured for team databases (`tickets` of dogwatch.yaml)";
    let told = timeline(&bot, 1).await;
    assert!(told.contains(said) && told.contains("\"replace the disk\": it is the disk is full"), "{told}");
    assert!(crate::why::asks(&bot, "/why INC-1").await.contains(said));
    let page = page_of(&bot).await;
    assert!(page.contains(said), "{page}");
    assert!(bot.delivered_texts("notice").await.iter().any(|text| text.contains("replace the disk")));
    assert!(tickets(&bot).await.is_empty());
}

#[tokio::test]
async fn a_team_without_a_tracker_has_its_work_in_that_of_the_default_team() {
    let mut bot = Bot::begins(&[&look(FILES)], coredns()).await;
    let (ours, theirs) =
        (StandIn::start(Kind::GitHub, bot.clock.clone()).await, StandIn::start(Kind::GitLab, bot.clock.clone()).await);
    let by_team = [("platform".to_owned(), "ticket:ops".to_owned())].into();
    bot.sinks.tickets = TicketSinks { by_team, of_default_team: Some("ticket:ops".into()), ..Default::default() };
    bot.trackers = vec![sink(Kind::GitHub, "ops", &ours.url, true), sink(Kind::GitLab, "db", &theirs.url, true)];
    bot.is_restarted().await;
    bot.fires("Slow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert_eq!((ours.issues().len(), theirs.issues().len()), (1, 0));
    // A page of what is filed says where.
    let page = page_of(&bot).await;
    assert!(page.contains("ticket \"replace the disk\" in ops: https://"), "{page}");

    let mut bot = Bot::begins(&[&look(&FILES.replace("title", "team: platform, title"))], coredns()).await;
    let by_team = [("platform".to_owned(), "ticket:ops".to_owned()), ("databases".to_owned(), "ticket:db".to_owned())];
    bot.sinks.tickets = TicketSinks { by_team: by_team.into(), ..Default::default() };
    bot.trackers = vec![sink(Kind::GitHub, "ops", &ours.url, true), sink(Kind::GitLab, "db", &theirs.url, true)];
    bot.is_restarted().await;
    bot.fires("Slow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert_eq!((ours.issues().len(), theirs.issues().len()), (2, 0), "the team that the step names");
}

#[tokio::test]
async fn secrets_are_masked_and_what_is_too_long_is_cut() {
    let files = "  - ticket: { title: 'token=hunter2hunter2 {{alert.labels.what}}', text: 'PGPASSWORD=hunter2hunter2 {{alert.labels.what}}', key: 'password=hunter2hunter2' }";
    let (mut bot, tracker) = begins(Kind::GitHub, &[&look(files)]).await;
    bot.fires("Slow", &[("what", &"long ".repeat(3_000))]).await;
    bot.end().await;
    bot.settles().await;
    let issue = tracker.issues().remove(0);
    let all = format!("{issue:?} {} {:?} {:?}", timeline(&bot, 1).await, bot.log().await, tickets(&bot).await);
    assert!(!all.contains("hunter2"), "{all}");
    assert!(issue.title.contains("***") && issue.title.chars().count() <= 200, "{}", issue.title);
    assert!(issue.body.contains("more characters)") && issue.body.chars().count() < 10_000, "{}", issue.body);
}

#[tokio::test]
async fn a_run_files_ten_at_most_and_says_what_it_leaves_out() {
    let loops = "mitigate:
  - foreach: name in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
    id: each
    key: name
    max: 20
    do:
      - ticket: { title: 'replace disk {{name}}', text: it is worn }
escalate:";
    let many = look("").replace("escalate:", loops).replace("require: 'false'", "require: 'true'");
    let (mut bot, tracker) = begins(Kind::GitHub, &[&many]).await;
    bot.fires("Slow", &[]).await;
    bot.end().await;
    bot.settles().await;
    let titles: Vec<String> = tracker.issues().into_iter().map(|issue| issue.title).collect();
    let told = timeline(&bot, 1).await;
    assert_eq!(titles.len(), 10, "{told}");
    assert_eq!((&*titles[0], &*titles[9]), ("replace disk a", "replace disk j"));
    for left_out in ["k", "l"] {
        let said =
            format!("as a run files at most 10 tickets; for team databases it would be \"replace disk {left_out}\"");
        assert!(told.contains(&said), "{told}");
    }
}

/// Each asks for ten within one day.
#[tokio::test]
async fn what_is_open_already_takes_no_room_from_others() {
    let ten = |names: &str| {
        let each = format!(
            "mitigate:
  - foreach: name in [{names}]
    id: each
    key: name
    max: 20
    do:
      - ticket: {{ title: 'replace disk {{{{name}}}}', text: it is worn }}
escalate:"
        );
        look("").replace("escalate:", &each).replace("require: 'false'", "require: 'true'")
    };
    let first = ten("'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'");
    let other = ten("'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't'");
    let other = other.replace("name: look", "name: other").replace("alert: Slow", "alert: Full");
    let (mut bot, tracker) = begins(Kind::GitHub, &[&first, &other]).await;
    for (n, alert) in [(1, "Slow"), (2, "Slow"), (3, "Full")] {
        bot.fires(alert, &[]).await;
        bot.passes(minutes(30)).await;
        bot.resolves(alert, &[]).await;
        bot.says("ada", Command::Resolve { incident: IncidentId(n), note: None }).await;
        bot.passes(minutes(30)).await;
    }
    assert_eq!(tracker.issues().len(), 20, "{}", timeline(&bot, 3).await);
}

/// The items of a loop may all find the same.
#[tokio::test]
async fn what_is_asked_for_again_in_a_run_is_not_one_more() {
    let loops = "mitigate:
  - foreach: name in ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l']
    id: each
    key: name
    max: 20
    do:
      - ticket: { title: 'replace the rack', text: its disks are worn, key: 'rack of {{target.metadata.name}}' }
escalate:";
    let many = look("").replace("escalate:", loops).replace("require: 'false'", "require: 'true'");
    let (mut bot, tracker) = begins(Kind::GitHub, &[&many]).await;
    bot.fires("Slow", &[]).await;
    bot.end().await;
    bot.settles().await;
    let told = timeline(&bot, 1).await;
    assert_eq!(tracker.issues().len(), 1, "{told}");
    assert!(!told.contains("at most 10"), "{told}");
}

#[tokio::test]
async fn one_key_of_two_playbooks_is_one_piece_of_work() {
    let files = "  - ticket: { title: 'replace the disk', text: it is worn, key: 'disk of {{target.metadata.name}}' }";
    let other = look(files).replace("name: look", "name: other").replace("alert: Slow", "alert: Full");
    let (mut bot, tracker) = begins(Kind::GitHub, &[&look(files), &other]).await;
    for alert in ["Slow", "Full"] {
        bot.fires(alert, &[]).await;
        bot.end().await;
        bot.passes(minutes(10)).await;
        bot.resolves(alert, &[]).await;
        let open = IncidentId(if alert == "Slow" { 1 } else { 2 });
        bot.says("ada", Command::Resolve { incident: open, note: None }).await;
        bot.passes(days(2)).await;
    }
    assert_eq!(states(&tracker.issues()), [(1, true, 1)]);
}

#[tokio::test]
async fn a_webhook_is_told_of_work_by_a_kind_of_its_own_and_never_of_its_end() {
    let receiver = WebhookReceiver::start().await;
    let mut bot = Bot::begins(&[GROW], coredns()).await;
    bot.sinks = tickets_of_all("hook");
    bot.trackers = vec![Arc::new(TicketWebhook::new("hook", &options(&receiver.url()), true).unwrap())];
    bot.is_restarted().await;
    it_happens(&mut bot).await;
    it_happens(&mut bot).await;
    bot.passes(days(7)).await;
    it_happens(&mut bot).await;
    bot.passes(days(30)).await;
    it_happens(&mut bot).await;
    let told: Vec<serde_json::Value> = receiver.deliveries().iter().map(|delivery| delivery.json()).collect();
    let events: Vec<(&str, &str, u64)> = told
        .iter()
        .map(|told| (told["kind"].as_str().unwrap(), told["event"].as_str().unwrap(), told["times"].as_u64().unwrap()))
        .collect();
    assert_eq!(events, [("work", "trigger", 1), ("work", "update", 3), ("work", "trigger", 1)], "{told:#?}");
    assert_eq!(told[0]["title"], "Raise the replicas of coredns");
    assert!(told[0]["body"].as_str().unwrap().starts_with("It has 5 now"), "{told:#?}");
    assert_eq!(told[0]["dedup_key"], told[1]["dedup_key"], "it is the same as before");
    assert_ne!(told[0]["dedup_key"], told[2]["dedup_key"], "nobody knows whether it is done: its time is over");
    assert!(told[0]["origin"][0].as_str().unwrap().starts_with("incident: INC-1"), "{told:#?}");
}
