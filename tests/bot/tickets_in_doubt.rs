//! Trackers whose answers are lost, that want to be left alone, and that are another one from now
//! on.

use std::sync::Arc;
use std::time::Duration;

use dogwatch::clock::Clock as _;
use dogwatch::message::tickets_text;
use dogwatch::model::*;
use dogwatch::notify::TicketWebhook;
use dogwatch::store::*;

use crate::bot::{Bot, minutes};
use crate::tickets::{LOOK, S3, begins, options, sink, states, tickets, tickets_of_all, timeline};
use crate::world::trackers::{Kind, StandIn};
use crate::world::webhook_receiver::WebhookReceiver;

const BOTH: [Kind; 2] = [Kind::GitHub, Kind::GitLab];
const OTHER: [(&str, &str); 2] = [("severity", "ticket"), ("node", "b")];

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn ack(incident: i64) -> Command {
    Command::Ack { incident: IncidentId(incident) }
}

fn resolve(incident: i64, note: Option<&str>) -> Command {
    Command::Resolve { incident: IncidentId(incident), note: note.map(str::to_owned) }
}

#[tokio::test]
async fn the_first_attempt_looks_for_nothing() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[]).await;
        (0..1_500).for_each(|n| tracker.somebody_writes(&n.to_string(), ""));
        bot.fires("Disk", &S3).await;
        assert_eq!(states(&tracker.issues()).last(), Some(&(1_501, true, 0)));
        bot.says("ada", resolve(1, None)).await;
        assert_eq!(states(&tracker.issues()).last(), Some(&(1_501, false, 1)));
        assert_eq!(tracker.asked("GET"), 0, "{kind:?}: {:?}", tracker.tracker().requests);
    }
}

/// What was made a moment ago is in no list yet.
#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_ticket_and_no_second_comment() {
    for (kind, breaks_off) in [(Kind::GitHub, false), (Kind::GitHub, true), (Kind::GitLab, false), (Kind::GitLab, true)]
    {
        let (mut bot, tracker) = begins(kind, &[]).await;
        tracker.shows_after(seconds(45));
        let loses = |on| if breaks_off { tracker.breaks_off(on) } else { tracker.loses_the_answer_of(on) };
        loses("POST");
        bot.fires("Disk", &S3).await;
        // What changes meanwhile is not in the ticket.
        bot.passes(seconds(20)).await;
        bot.says("ada", ack(1)).await;
        bot.passes(minutes(2)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 1)], "{kind:?} {breaks_off}");
        let said = &tracker.issues()[0].comments[0].body;
        assert!(said.contains("**INC-1** is acknowledged, S3.") && said.contains("- ada has it"), "{said}");

        loses("POST");
        bot.resolves("Disk", &S3).await;
        bot.passes(minutes(3)).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 2)], "{kind:?} {breaks_off}");
        bot.passes(minutes(60)).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 2)], "and that is all there is to tell");
    }
}

#[tokio::test]
async fn whoever_dies_between_the_request_and_its_answer_waits_too() {
    for kind in BOTH {
        for point in ["after ticket_tried", "before delivered"] {
            let (mut bot, tracker) = begins(kind, &[]).await;
            tracker.shows_after(seconds(45));
            bot.fuse.dies_at_next(point);
            bot.fires("Disk", &S3).await;
            // Neither a start nor a second reason has it tried earlier.
            bot.says("ada", ack(1)).await;
            bot.passes(seconds(50)).await;
            bot.is_restarted().await;
            assert!(tracker.issues().len() <= 1);
            bot.passes(minutes(4)).await;
            let issues = tracker.issues();
            assert_eq!(issues.len(), 1, "{kind:?} {point}");
            let told = format!("{} {:?}", issues[0].body, issues[0].comments);
            bot.passes(minutes(10)).await;
            assert_eq!(told.matches("- ada has it").count(), usize::from(point == "before delivered"), "{told}");
        }
    }
}

/// A busy project, in which nobody sees that anything was made.
#[tokio::test]
async fn more_issues_of_others_than_anybody_reads_keep_no_ticket_back() {
    for (kind, is_done) in [(Kind::GitHub, true), (Kind::GitHub, false), (Kind::GitLab, true), (Kind::GitLab, false)] {
        let (mut bot, tracker) = begins(kind, &[]).await;
        if is_done {
            tracker.loses_the_answer_of("POST");
        } else {
            tracker.refuses("POST", 504, &[], "gateway time-out");
        }
        bot.fires("Disk", &S3).await;
        (0..1_500).for_each(|n| tracker.somebody_writes(&n.to_string(), "INC-1"));
        bot.passes(minutes(3)).await;
        let ours = tracker.issues().iter().filter(|issue| issue.title == "[S3] INC-1 Disk").count();
        assert_eq!((ours, tracker.issues().len()), (1, 1_501), "{kind:?} {is_done}");
        assert!(tracker.asked("GET") <= 7, "{kind:?}: {}", tracker.asked("GET"));
    }
}

/// Each attempt may make one more where no answer ever comes and no list ever shows it.
#[tokio::test]
async fn a_tracker_that_never_says_what_it_did_is_not_flooded() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    tracker.shows_after(minutes(60 * 24 * 60));
    (0..5_000).for_each(|_| tracker.loses_the_answer_of("POST"));
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(60)).await;
    assert!(tracker.issues().len() <= 6, "{}", tracker.issues().len());
    assert_eq!(timeline(&bot, 1).await.matches("its ticket in disks cannot be made").count(), 1);
    bot.passes(minutes(60 * 24 * 14)).await;
    assert!(tracker.issues().len() < 45, "{}", tracker.issues().len());
    assert!(tickets_text(&tickets(&bot).await).contains("not tried any more"));
}

#[tokio::test]
async fn a_tracker_that_limits_is_left_alone_by_all_and_says_until_when() {
    for (status, headers, said, until) in [
        (403, vec![], "You have exceeded a secondary rate limit", "02:01:00"),
        (403, vec![("retry-after", "600")], "slow down", "02:10:00"),
        (429, vec![("retry-after", "600")], "Retry later", "02:10:00"),
        (503, vec![("retry-after", "600")], "maintenance", "02:10:00"),
    ] {
        let (mut bot, tracker) = begins(Kind::GitHub, &[LOOK]).await;
        tracker.refuses("POST", status, &headers, said);
        bot.fires("Disk", &S3).await;
        bot.fires("Other", &OTHER).await;
        bot.says("ada", ack(2)).await;
        bot.passes(seconds(30)).await;
        bot.is_restarted().await;
        bot.fires("DiskSlow", &[]).await;
        bot.passes(seconds(20)).await;
        assert_eq!(tracker.tracker().requests.len(), 1, "{status}: {:?}", tracker.tracker().requests);
        let text = tickets_text(&tickets(&bot).await);
        let left_alone = format!("not made yet: left alone until 2026-03-02 {until} UTC: GitHub");
        for incident in ["INC-1", "INC-2"] {
            let line = text.lines().find(|line| line.contains(incident)).unwrap();
            assert!(line.contains(&left_alone), "{status}: {text}");
            assert_eq!(line.contains("limits how often it is asked"), status != 503, "{line}");
        }
        assert!(!timeline(&bot, 1).await.contains("cannot be made"), "that passes by itself");
        bot.passes(minutes(16)).await;
        assert_eq!(tracker.issues().len(), 3, "{status}");
        assert!(!tickets_text(&tickets(&bot).await).contains("left alone"), "it is over");
    }
}

#[tokio::test]
async fn a_missing_right_is_no_limit_and_a_failure_is_none_either() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    let reset = (bot.clock.now() + minutes(45)).timestamp().to_string();
    let tells = [("x-ratelimit-remaining", "4000"), ("x-ratelimit-reset", reset.as_str())];
    tracker.refuses("POST", 502, &tells, "bad gateway");
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(2)).await;
    assert_eq!(states(&tracker.issues()), [(1, true, 0)], "as soon as it would show what it made");
    tracker.refuses("POST", 403, &tells, "Resource not accessible by personal access token");
    bot.fires("Other", &OTHER).await;
    assert!(timeline(&bot, 2).await.contains("give the token the right to write issues of acme/db"));
}

#[tokio::test]
async fn a_tracker_that_is_away_is_told_of_after_a_while() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    tracker.is_away(10_000);
    bot.fires("Other", &OTHER).await;
    bot.passes(minutes(14)).await;
    assert!(!timeline(&bot, 1).await.contains("cannot be made"));
    bot.passes(minutes(60)).await;
    let told = timeline(&bot, 1).await;
    assert_eq!(told.matches("its ticket in disks cannot be made: GitHub answered 503").count(), 1, "{told}");
    // What must be put right is told also where only a failure was.
    tracker.is_back();
    tracker.refuses("GET", 401, &[], "Bad credentials");
    bot.passes(minutes(20)).await;
    let told = timeline(&bot, 1).await;
    assert_eq!(told.matches("put a token that it takes").count(), 1, "{told}");
    tracker.is_away(10_000);
    bot.fires("Disk", &S3).await;
    bot.passes(minutes(60 * 48)).await;
    tracker.is_back();
    bot.passes(minutes(20)).await;
    assert_eq!(tracker.issues().iter().filter(|issue| issue.title.contains("Disk")).count(), 1, "after a weekend");
}

/// As early as of one that is not made, whatever happens meanwhile.
#[tokio::test]
async fn trouble_with_a_ticket_that_is_there_is_told_as_early() {
    for (status, next) in
        [(403, "the right to write issues"), (404, "check that acme/db is there"), (410, "was deleted")]
    {
        for kind in BOTH {
            let (mut bot, tracker) = begins(kind, &[]).await;
            bot.fires("Disk", &S3).await;
            bot.passes(minutes(1)).await;
            (0..9).for_each(|_| tracker.refuses("/1", status, &[], "no"));
            bot.fires("Disk", &[("severity", "critical")]).await;
            let told = timeline(&bot, 1).await;
            assert!(told.contains("its ticket in disks cannot be told what changed") && told.contains(next), "{told}");
            bot.passes(minutes(30)).await;
            assert_eq!(timeline(&bot, 1).await.matches("cannot be told").count(), 1);
        }
    }
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    bot.fires("Disk", &S3).await;
    tracker.is_away(10_000);
    bot.says("ada", ack(1)).await;
    for person in ["bob", "ada", "bob", "ada", "bob"] {
        bot.passes(minutes(4)).await;
        bot.says(person, ack(1)).await;
    }
    bot.passes(minutes(4)).await;
    let told = timeline(&bot, 1).await;
    assert_eq!(told.matches("cannot be told what changed: GitHub answered 503").count(), 1, "{told}");
}

#[tokio::test]
async fn a_title_says_how_bad_it_is_now_and_keeps_what_people_made_of_it() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[]).await;
        bot.fires("Disk", &S3).await;
        bot.passes(minutes(1)).await;
        tracker.somebody_retitles(1, "[S3] INC-1 the new disk of db-1");
        bot.fires("Disk", &[("severity", "critical")]).await;
        assert_eq!(tracker.issues()[0].title, "[S1] INC-1 the new disk of db-1", "{kind:?}");
        bot.passes(minutes(60)).await;
        let asked = tracker.tracker().requests.len();
        bot.says("ada", ack(1)).await;
        bot.passes(minutes(60)).await;
        assert_eq!(tracker.tracker().requests.len(), asked + 1, "only where the severity is another");
        bot.fires("Other", &OTHER).await;
        bot.passes(minutes(1)).await;
        tracker.somebody_retitles(2, "buy disks");
        bot.fires("Other", &[("severity", "critical"), ("node", "b")]).await;
        assert_eq!(tracker.issues()[1].title, "buy disks", "{kind:?}: it is none of ours any more");
    }
}

/// The same name, and another repository, in which the same number is somebody else's.
#[tokio::test]
async fn a_ticket_stays_where_it_was_made_and_another_one_is_made_where_its_tracker_is_now() {
    for (from, to) in [(Kind::GitHub, Kind::GitHub), (Kind::GitHub, Kind::GitLab), (Kind::GitLab, Kind::GitLab)] {
        let (mut bot, before) = begins(from, &[]).await;
        bot.fires("Disk", &S3).await;
        bot.fires("Other", &OTHER).await;
        bot.says("ada", resolve(2, None)).await;
        let old = tickets(&bot).await[0].place.clone().unwrap().url.unwrap();
        let left = before.tracker().requests.len();

        let after = StandIn::start(to, bot.clock.clone()).await;
        after.somebody_writes("theirs", "");
        bot.trackers = vec![sink(to, "disks", &after.url, true)];
        bot.is_restarted().await;
        bot.settles().await;
        assert_eq!(states(&after.issues()), [(1, true, 0), (2, true, 0)], "of what goes on, and at once");
        let told = timeline(&bot, 1).await;
        let text = format!("disks has its tickets in acme/db now: no more is written to {old}");
        assert_eq!(told.matches(&text).count(), 1, "{told}");
        bot.is_restarted().await;
        bot.says("ada", resolve(1, None)).await;
        bot.passes(minutes(10)).await;
        assert_eq!(states(&after.issues()), [(1, true, 0), (2, false, 1)]);
        assert_eq!(before.tracker().requests.len(), left, "nothing is asked of the old place");
        assert_eq!(timeline(&bot, 1).await.matches("no more is written to").count(), 1);
        assert!(!timeline(&bot, 2).await.contains("no more is written to"), "it was over");

        // Somebody takes it back: what is there is found, and goes on.
        bot.trackers = vec![sink(from, "disks", &before.url, true)];
        bot.is_restarted().await;
        bot.resolves("Disk", &S3).await;
        bot.fires("Disk", &S3).await;
        bot.passes(minutes(10)).await;
        let (number, open, comments) = states(&before.issues())[0];
        assert_eq!((number, open, before.issues().len()), (1, true, 2), "no third one");
        assert!(comments > 0);
    }
}

#[tokio::test]
async fn what_is_over_is_not_made_again_where_its_tracker_is_now() {
    let (mut bot, before) = begins(Kind::GitHub, &[]).await;
    bot.fires("Disk", &S3).await;
    before.is_away(10_000);
    bot.says("ada", resolve(1, None)).await;
    let after = StandIn::start(Kind::GitHub, bot.clock.clone()).await;
    bot.trackers = vec![sink(Kind::GitHub, "disks", &after.url, true)];
    for _ in 0..3 {
        bot.is_restarted().await;
        bot.passes(minutes(30)).await;
    }
    assert!(after.issues().is_empty());
    assert_eq!(timeline(&bot, 1).await.matches("no more is written to").count(), 1);
}

/// A repository that was renamed, or a project that is written by its number now.
#[tokio::test]
async fn the_same_place_under_another_name_has_the_same_ticket() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[]).await;
        bot.fires("Disk", &S3).await;
        bot.trackers = vec![sink(kind, "disks", &tracker.url.replace("127.0.0.1", "localhost"), true)];
        bot.is_restarted().await;
        bot.passes(minutes(5)).await;
        assert_eq!(states(&tracker.issues()), [(1, true, 1)], "{kind:?}");
        bot.says("ada", resolve(1, None)).await;
        assert_eq!(states(&tracker.issues()), [(1, false, 2)]);
    }
}

#[tokio::test]
async fn what_an_earlier_version_made_lies_where_its_tracker_is_when_this_one_starts() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    bot.fires("Disk", &S3).await;
    bot.tampers("UPDATE outbox SET external_id = json_remove(external_id, '$.site') WHERE sink = 'ticket:disks'").await;
    bot.is_restarted().await;
    bot.says("ada", ack(1)).await;
    bot.passes(minutes(10)).await;
    assert_eq!(states(&tracker.issues()), [(1, true, 1)]);
    let after = StandIn::start(Kind::GitHub, bot.clock.clone()).await;
    bot.trackers = vec![sink(Kind::GitHub, "disks", &after.url, true)];
    bot.is_restarted().await;
    bot.passes(minutes(10)).await;
    assert_eq!((states(&tracker.issues()), after.issues().len()), (vec![(1, true, 1)], 1));
}

#[tokio::test]
async fn a_webhook_that_leads_elsewhere_hears_of_it_as_of_a_new_one() {
    let (one, two) = (WebhookReceiver::start().await, WebhookReceiver::start().await);
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.sinks = tickets_of_all("hook");
    let hook = |receiver: &WebhookReceiver| TicketWebhook::new("hook", &options(&receiver.url()), true).unwrap();
    bot.trackers = vec![Arc::new(hook(&one))];
    bot.is_restarted().await;
    bot.fires("Disk", &S3).await;
    bot.trackers = vec![Arc::new(hook(&two))];
    bot.is_restarted().await;
    bot.says("ada", resolve(1, None)).await;
    let events = |receiver: &WebhookReceiver| -> Vec<String> {
        receiver.deliveries().iter().map(|delivery| delivery.json()["event"].as_str().unwrap().to_owned()).collect()
    };
    bot.settles().await;
    assert_eq!((events(&one), events(&two)), (vec!["trigger".to_owned()], vec!["resolve".to_owned()]));
}

/// The bot with a tracker from now on.
async fn gets_a_tracker(bot: &mut Bot) -> StandIn {
    let tracker = StandIn::start(Kind::GitHub, bot.clock.clone()).await;
    bot.sinks = tickets_of_all("disks");
    bot.trackers = vec![sink(Kind::GitHub, "disks", &tracker.url, true)];
    bot.is_restarted().await;
    tracker
}

fn titles(tracker: &StandIn) -> Vec<(String, bool)> {
    tracker.issues().into_iter().map(|issue| (issue.title, issue.open)).collect()
}

fn open(title: &str) -> (String, bool) {
    (title.to_owned(), true)
}

#[tokio::test]
async fn what_is_taken_apart_has_a_ticket_of_its_own() {
    let mut bot = Bot::begins(&[LOOK], crate::crashes::coredns()).await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.fires("Disk", &[("severity", "info"), ("device", "a")]).await;
    bot.fires("Disks", &[("severity", "info"), ("device", "a")]).await;
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(1)], into: IncidentId(2) }).await;
    let tracker = gets_a_tracker(&mut bot).await;
    bot.says("ada", Command::Split { incident: IncidentId(1), object: None }).await;
    assert_eq!(titles(&tracker), [open("[S3] INC-1 deployment/coredns in kube-system: the disk is slow")]);
    assert!(tracker.issues()[0].body.contains("the disk is full"), "it says what it was called for");
    bot.says("ada", resolve(1, None)).await;
    assert!(!tracker.issues()[0].open);
}

#[tokio::test]
async fn a_whole_whose_ticket_was_its_parts_has_one_of_its_own_once_they_are_apart() {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    bot.fires("Disk", &S3).await;
    let tracker = gets_a_tracker(&mut bot).await;
    bot.fires("Other", &OTHER).await;
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(2)], into: IncidentId(1) }).await;
    bot.passes(minutes(10)).await;
    assert_eq!(titles(&tracker), [open("[S3] INC-2 Other node=b")], "the whole goes on in its part's");
    bot.says("ada", Command::Split { incident: IncidentId(2), object: None }).await;
    bot.passes(minutes(10)).await;
    assert_eq!(titles(&tracker), [open("[S3] INC-2 Other node=b"), open("[S3] INC-1 Disk")]);
    assert!(tracker.issues()[1].body.contains("it told of itself in the ticket of INC-2"));
}

/// One object of many, of an incident that pages nobody.
#[tokio::test]
async fn an_object_that_is_split_off_has_a_ticket_of_its_own() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    for pod in ["a", "b", "c", "d"] {
        let labels = [("severity", "info"), ("namespace", "db"), ("pod", pod), ("node", "n1")];
        bot.fires(&format!("Slow{pod}"), &labels).await;
    }
    let before = tracker.issues().len();
    let of: Vec<ObjectRow> = bot.store().objects_of(IncidentId(1), 10).await.unwrap();
    let said = bot.types("ada", &format!("/split INC-1 --object {}", of.last().unwrap().shown())).await;
    assert!(said.contains("is an incident of its own"), "{said} {of:#?}");
    assert_eq!(tracker.issues().len(), before + 1, "{said} {:#?}", titles(&tracker));
    assert!(tracker.issues().last().unwrap().body.contains("it was taken out of INC-1"));
}

#[tokio::test]
async fn what_pages_or_is_over_gets_no_ticket_when_it_is_taken_apart() {
    let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
    bot.fires("Down", &[("severity", "critical"), ("node", "a")]).await;
    bot.fires("Disk", &[("severity", "critical"), ("node", "b")]).await;
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(2)], into: IncidentId(1) }).await;
    bot.says("ada", Command::Split { incident: IncidentId(2), object: None }).await;
    bot.settles().await;
    assert!(tracker.issues().is_empty());
    bot.says("ada", resolve(2, None)).await;
    bot.fires("Later", &S3).await;
    bot.says("ada", Command::Merge { incidents: vec![IncidentId(3)], into: IncidentId(1) }).await;
    bot.resolves("Later", &S3).await;
    bot.settles().await;
    let made = tracker.issues().len();
    bot.says("ada", Command::Split { incident: IncidentId(3), object: None }).await;
    bot.settles().await;
    assert_eq!(tracker.issues().len(), made);
}

/// What a label, a note or a person's name says does nothing where it is shown.
#[tokio::test]
async fn nothing_that_others_say_calls_refers_or_closes() {
    for kind in BOTH {
        let (mut bot, tracker) = begins(kind, &[]).await;
        let evil = "@team #1 fixes #1\n/close\n```\r/assign @eve\u{2028}/lock <img src=x> GH-1 group!2";
        bot.fires("Disk /close @team #1", &[("severity", "info"), ("device", evil), ("summary", evil)]).await;
        bot.says("ada\n/close @team", ack(1)).await;
        bot.passes(minutes(10)).await;
        bot.says("ada", resolve(1, Some(evil))).await;
        bot.passes(minutes(10)).await;
        let issue = tracker.issues()[0].clone();
        assert_eq!(issue.title.lines().count(), 1);
        assert!(!issue.title.contains("@team") && !issue.title.contains("#1"), "{}", issue.title);
        let texts = issue.comments.iter().map(|comment| &comment.body).chain([&issue.body]);
        for text in texts {
            let mut fence: Option<&str> = None;
            for line in text.split(['\n', '\r', '\u{2028}']) {
                assert!(!line.starts_with('/'), "a quick action: {text}");
                let ticks = line.trim_end_matches("text");
                match fence {
                    Some(open) if line == open => fence = None,
                    None if !ticks.is_empty() && ticks.starts_with("```") => fence = Some(ticks),
                    Some(_) => {}
                    None => assert!(
                        !line.contains('@') && !line.contains('#') || line.starts_with("### "),
                        "{line}: {text}"
                    ),
                }
            }
            assert!(fence.is_none(), "{text}");
        }
    }
}

/// A tracker that belongs to somebody who means harm costs no page, no second issue and no rest.
#[tokio::test]
async fn a_hostile_tracker_harms_itself() {
    let huge = "x".repeat(9 * 1024 * 1024);
    for (status, headers, body) in [
        (201, vec![], huge.as_str()),
        (201, vec![], "{}"),
        (201, vec![], r#"{"number":-1,"title":[],"state":"open"}"#),
        (500, vec![], huge.as_str()),
        (302, vec![("location", "http://127.0.0.1:1/steal")], ""),
        (429, vec![("retry-after", "99999999999")], ""),
        (429, vec![("retry-after", "-1"), ("x-ratelimit-reset", "99999999999999")], ""),
        (403, vec![("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "nonsense")], "\u{1b}[31m@everyone"),
    ] {
        let (mut bot, tracker) = begins(Kind::GitHub, &[]).await;
        if status == 201 {
            tracker.answers_after("POST", status, body);
        } else {
            tracker.refuses("POST", status, &headers, body);
        }
        bot.fires("Disk", &S3).await;
        bot.fires("Down", &[("severity", "critical"), ("node", "a")]).await;
        bot.pages(["platform severity one"]).await;
        bot.passes(minutes(100)).await;
        assert_eq!(tracker.issues().len(), 1, "{status} {headers:?}");
        let told = timeline(&bot, 1).await;
        assert!(!told.contains('\u{1b}') && told.len() < 4_000, "{told}");
    }
}
