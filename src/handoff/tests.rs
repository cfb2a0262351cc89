//! Handoffs of shifts that were lived through in a store.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use insta::assert_snapshot;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::*;
use crate::clock::Clock as _;
use crate::model::{
    FailureClass, FreezeMapNow, Intent, Outcome, PageBudget, PageBudgets, RunEvent, Severity, StepAddress,
};
use crate::oncall::OnCall;
use crate::playbook::Catalog;
use crate::store::story::Story;
use crate::store::{Append, Change, IncidentRef, NewTicket, PageReason, Sinks, TicketSinks};
use crate::worker::{Turn, Worker as _};

/// Two shifts a day, at nine in the morning and in the evening in Paris (an hour ahead of UTC in March), and another team.
/// Ada lives in Paris, Bob in New York.
fn oncall() -> OnCall {
    let text = "
apiVersion: dogwatch/v1
kind: OnCall
members:
  - { name: ada, time_zone: Europe/Paris }
  - { name: bob, time_zone: America/New_York }
teams:
  - name: platform
    rotation: { time_zone: Europe/Paris, start: 2026-01-05, handoff: { at: [\"09:00\", \"21:00\"], every: 1d }, members: [ada, bob] }
  - name: databases
    rotation: { time_zone: UTC, start: 2026-03-02, handoff: { at: \"12:00\", every: 1w }, members: [bob] }
";
    OnCall::parse("oncall.yaml", text).unwrap()
}

async fn summary(bot: &Story, which: WhichShift) -> Summary {
    let (oncall, now) = (oncall(), bot.clock.now());
    let shift = shift_of(&oncall, "platform", which, now).unwrap();
    summarise(
        bot.store.as_ref(),
        &oncall,
        Around { budget: Some(PageBudget::USUAL), freeze_map: &FreezeMapNow::default(), catalog: &Catalog::default() },
        ("platform", shift),
        now,
    )
    .await
    .unwrap()
}

async fn report(bot: &Story, which: WhichShift) -> String {
    Template::built_in().unwrap().render(&summary(bot, which).await).unwrap()
}

fn at(hour: u32, minute: u32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, hour, minute, 0).unwrap()
}

/// 08:00 UTC is nine in Paris: Ada's shift begins. One incident is fixed by the bot, one needs a human, one waits for
/// an answer, one is what nobody covers.
async fn busy_morning(bot: &Story) {
    let dns = bot.incident(Severity::S2, "CoreDNS has too little capacity", "CoreDNSLatencyHigh", 40).await;
    let run = bot.opens_run(dns, "coredns-saturated").await;
    bot.passes(1);
    bot.mutates(run, "mitigate.scale", "scale deployment/coredns in kube-system 4 -> 6", json!(4), json!(6)).await;
    bot.passes(7);
    bot.ends(run, Outcome::Fixed, "p99 is 0.02 s").await;
    bot.decide(vec![Change::Mitigate { incident: IncidentRef::Existing(dns) }]).await;
    bot.resolve(dns, "dogwatch").await;

    bot.passes(10);
    let volume = bot.incident(Severity::S2, "data-pg-0007 is nearly full", "PVCFilling", 1).await;
    let run = bot.opens_run(volume, "pvc-filling").await;
    let step: StepAddress = "mitigate.expand".parse().unwrap();
    let intent = Intent {
        summary: "expand pvc/data-pg-0007 in db".into(),
        object: crate::model::ObjectKey::new("PersistentVolumeClaim", "db", "data-pg-0007"),
        uid: "u".into(),
        resource_version: "1".into(),
        before: json!("100Gi"),
        after: json!("150Gi"),
        marker: "m".into(),
    };
    let deadline = bot.clock.now() + Duration::from_secs(30);
    let started = RunEvent::Started { step: step.clone(), attempt: 1, intent, deadline, remedy: None };
    let error = "the class does not allow expansion".to_owned();
    let failed = RunEvent::Failed { step, attempt: 1, class: FailureClass::Fail, error, held: false };
    bot.logs(run, Append { events: vec![started, failed], ..Append::default() }).await;
    bot.ends(run, Outcome::Escalated, "mitigate.expand failed: the class does not allow expansion").await;
    bot.page(volume, PageReason::Escalated { run }).await;
    bot.passes(4);
    bot.ack(volume, "ada").await;

    bot.passes(60);
    let backup = bot.incident(Severity::S3, "backup of pg-0042 timed out", "BackupTimeout", 1).await;
    let run = bot.opens_run(backup, "backup-timeout").await;
    bot.asks(run, "replace job/backup-pg-0042 in db", at(10, 0)).await;

    for n in 0..3 {
        let title = format!("the queue is long ({n})");
        let severity = if n < 2 { Severity::S2 } else { Severity::S3 };
        let odd = bot.incident_of("platform", severity, &title, "QueueLong", 1, None).await;
        bot.page(odd, PageReason::Uncovered).await;
        bot.passes(1);
    }
}

#[tokio::test]
async fn a_busy_shift_while_it_goes_on() {
    let bot = Story::new(&[], &[]).await;
    busy_morning(&bot).await;
    assert_snapshot!(report(&bot, WhichShift::Current).await);
}

/// Attempts that a budget refused are one change that was not made.
#[tokio::test]
async fn a_change_that_was_refused_thirty_times_is_told_once() {
    let bot = Story::new(&[], &[]).await;
    bot.passes(60 * 8);
    let volume = bot.incident(Severity::S2, "node-7 is to be drained", "NodeDrain", 1).await;
    let run = bot.opens_run(volume, "drain").await;
    let step: StepAddress = "mitigate.evict".parse().unwrap();
    let intent = Intent {
        summary: "evict pod/pg-0 in db".into(),
        object: crate::model::ObjectKey::new("Pod", "db", "pg-0"),
        uid: "u".into(),
        resource_version: "1".into(),
        before: json!(null),
        after: json!(null),
        marker: "m".into(),
    };
    for attempt in 1..=30 {
        let (step, deadline, intent) = (step.clone(), bot.clock.now() + Duration::from_secs(30), intent.clone());
        let started = RunEvent::Started { step: step.clone(), attempt, intent, deadline, remedy: None };
        let error = if attempt < 30 { "its budget allows no disruption" } else { "it is gone" }.to_owned();
        let failed = RunEvent::Failed { step, attempt, class: FailureClass::Retry, error, held: false };
        bot.logs(run, Append { events: vec![started, failed], ..Append::default() }).await;
    }
    let report = report(&bot, WhichShift::Current).await;
    assert_eq!(report.matches("evict pod/pg-0 in db").count(), 2, "{report}");
    assert!(report.contains("failed 29 times: its budget allows no disruption"), "{report}");
    assert!(report.contains("failed: it is gone"), "{report}");
}

/// What a report says under this heading.
fn section(report: &str, heading: &str) -> String {
    let (_, rest) = report.split_once(heading).unwrap_or_else(|| panic!("no {heading} in {report}"));
    rest.split("\n## ").next().unwrap().trim().to_owned()
}

#[tokio::test]
async fn what_was_told_in_other_pages_is_counted_and_listed() {
    let budgets = PageBudgets::usual();
    let bot = Story::new(&[], &[]).await.reopens_with(Sinks { budgets, ..Sinks::default() }).await;
    let mut ids = Vec::new();
    for n in 1..=5 {
        let id = bot.incident(Severity::S2, &format!("disk {n} is full"), "DiskFull", 1).await;
        bot.page(id, PageReason::Overdue).await;
        ids.push(id);
        bot.passes(5);
    }
    bot.ack(ids[2], "ada").await;
    bot.resolve(ids[1], "ada").await;
    let (due, _) = bot.store.due_folds(bot.clock.now()).await.unwrap();
    bot.store.unfold(due[0]).await.unwrap();
    let report = report(&bot, WhichShift::Current).await;
    assert_snapshot!(section(&report, "## Told in other pages"), @"
    , as the budget was spent

    - Mon 2 Mar 09:10 INC-3 S2 disk 3 is full: folded into INC-2's page; acknowledged
    - Mon 2 Mar 09:15 **INC-4 S2** disk 4 is full: paged by itself since; open, nobody has acknowledged it
    - Mon 2 Mar 09:20 **INC-5 S2** disk 5 is full: folded into INC-4's page; open, nobody has acknowledged it
    ");
    assert_snapshot!(section(&report, "## Time-critical"), @"
    - **Mon 2 Mar 09:00** (overdue): INC-1 S2: tell somebody: PAGE-1 has reached nobody since 2026-03-02 08:00:00 UTC: no sink for pages is configured
    - **Mon 2 Mar 09:25** (overdue): INC-4 S2: tell somebody: PAGE-6 has reached nobody since 2026-03-02 08:25:00 UTC: no sink for pages is configured
    - **Mon 2 Mar 09:55**: INC-5 S2: acknowledge it: only INC-4's page tells of it, and it pages by itself then
    - **Mon 2 Mar 11:00**: INC-1 S2: mitigate: disk 1 is full
    - **Mon 2 Mar 11:10**: INC-3 S2: mitigate: disk 3 is full
    - **Mon 2 Mar 11:15**: INC-4 S2: mitigate: disk 4 is full
    - **Mon 2 Mar 11:20**: INC-5 S2: mitigate: disk 5 is full
    ");
    assert_snapshot!(report.lines().find(|line| line.starts_with("- Pages")).unwrap(), @"- Pages: 3 pages for 3 incidents; the budget is 2 and was **exceeded**; 3 pages folded into others; 0 at night (22:00 to 07:00)");
}

#[tokio::test]
async fn what_a_busy_shift_leaves_when_it_is_over() {
    let bot = Story::new(&[], &[]).await;
    busy_morning(&bot).await;
    bot.clock.set(at(20, 0));
    let summary = summary(&bot, WhichShift::Previous).await;
    assert!(summary.shift.over);
    assert_eq!((summary.outgoing.as_deref(), summary.incoming.as_deref()), (Some("ada"), Some("bob")));
    assert!(summary.time_critical.items.iter().all(|critical| critical.overdue));
    assert_eq!(summary.open_incidents.items.len(), 5);
    // Another shift, in which nothing happened, takes over what is open and nothing else.
    let next = self::summary(&bot, WhichShift::Current).await;
    assert_eq!(next.open_incidents, summary.open_incidents);
    assert_eq!((next.changes.items.len(), next.numbers.pages, next.noisy.len()), (0, 0, 0));
}

#[tokio::test]
async fn a_quiet_shift_says_so() {
    let bot = Story::new(&[], &[]).await;
    bot.passes(60);
    assert_snapshot!(report(&bot, WhichShift::Current).await);
}

#[tokio::test]
async fn numbers_count_people_and_not_the_clock_of_the_machine() {
    let bot = Story::new(&[], &[]).await;
    // 08:00 UTC is 09:00 where Ada lives, who is on call: no night. The page waits ten minutes for her.
    let one = bot.incident(Severity::S1, "one", "A", 1).await;
    bot.page(one, PageReason::SeverityOne).await;
    bot.passes(10);
    bot.ack(one, "ada").await;
    bot.passes(20);
    bot.resolve(one, "ada").await;
    // Resolved by nobody's answer: it counts for the pages, not for the time to acknowledge.
    let two = bot.incident(Severity::S1, "two", "A", 1).await;
    bot.page(two, PageReason::SeverityOne).await;
    bot.passes(30);
    bot.resolve(two, "alertmanager").await;
    let numbers = summary(&bot, WhichShift::Current).await.numbers;
    assert_eq!((numbers.pages, numbers.paged_incidents, numbers.budget, numbers.over_budget), (2, 2, Some(2), false));
    assert_eq!((numbers.mtta.as_deref(), numbers.acknowledged), (Some("10m"), 1));
    assert_eq!(numbers.mttr.as_deref(), Some("30m"));
    assert_eq!(numbers.night_pages, 0);
    assert_eq!((numbers.closed, numbers.fixed_alone), (2, 0));
    // 20:30 UTC: Bob's shift has begun. It is half past nine in the evening in Paris, but the afternoon in New York. And at
    // 03:30 UTC it is half past ten in the evening there.
    for (day, hour, nights) in [(2, 20, 0), (3, 3, 1)] {
        bot.clock.set(Utc.with_ymd_and_hms(2026, 3, day, hour, 30, 0).unwrap());
        let late = bot.incident(Severity::S1, &format!("late {hour}"), "A", 1).await;
        bot.page(late, PageReason::SeverityOne).await;
        assert_eq!(summary(&bot, WhichShift::Current).await.numbers.night_pages, nights, "at {hour}:30 UTC");
    }
}

#[tokio::test]
async fn who_answered_a_page_is_told_by_no_clock() {
    let bot = Story::new(&[], &["webhook"]).await;
    // Within one moment somebody takes it and finds that it is over; later it opens again.
    let one = bot.incident(Severity::S1, "one", "A", 1).await;
    bot.page(one, PageReason::SeverityOne).await;
    bot.passes(10);
    bot.ack(one, "ada").await;
    bot.resolve(one, "ada").await;
    bot.passes(5);
    bot.decide(vec![Change::Reopen { incident: IncidentRef::Existing(one) }]).await;
    // Somebody had it before it was paged for; the page comes in when all is over.
    let two = bot.incident(Severity::S1, "two", "A", 1).await;
    bot.ack(two, "ada").await;
    bot.passes(5);
    bot.page(two, PageReason::SeverityOne).await;
    bot.decide(vec![Change::Resolve { incident: IncidentRef::Existing(two), by_itself: true }]).await;
    bot.passes(30);
    for delivery in bot.store.take_deliveries(&["webhook"], 10, Duration::from_secs(60)).await.unwrap() {
        bot.store.delivered(delivery.id, None, None, None).await.unwrap();
    }
    // The clock is set back before somebody answers: nobody knows how long that took.
    let three = bot.incident(Severity::S1, "three", "A", 1).await;
    bot.page(three, PageReason::SeverityOne).await;
    bot.clock.follow(-chrono::TimeDelta::minutes(5));
    bot.ack(three, "ada").await;
    let numbers = summary(&bot, WhichShift::Current).await.numbers;
    assert_eq!((numbers.pages, numbers.mtta.as_deref(), numbers.acknowledged), (3, Some("10m"), 1));
}

#[tokio::test]
async fn no_label_breaks_the_report() {
    let bot = Story::new(&[], &[]).await;
    let title =
        "# <img src=x onerror=alert(1)> `code` | cell | **bold** [x](javascript:1)\n\n## Not a heading\n- no item";
    let incident = bot.incident(Severity::S1, title, "A|B`<b>\u{202e}\n| c |", 4).await;
    let run = bot.opens_run(incident, "coredns-saturated").await;
    bot.mutates(run, "mitigate.x", "set `a` | <b>", json!("a|b\n```\n<script>"), json!("x".repeat(500))).await;
    bot.mutates(run, "mitigate.y", "delete job/x", json!({"kind": "Job"}), json!(null)).await;
    bot.ends(run, Outcome::Escalated, "because\n\n# of | <this>").await;
    let report = report(&bot, WhichShift::Current).await;
    assert_snapshot!(report);
    for line in report.lines() {
        assert!(!line.contains("<img") && !line.contains("<script") && !line.contains("<b>"), "{line}");
        assert!(!line.starts_with("## Not") && !line.starts_with("- no"), "{line}");
    }
    let rows: Vec<&str> = report.lines().filter(|line| line.starts_with('|')).collect();
    for row in rows {
        let cells = row.replace("\\|", "").matches('|').count();
        assert_eq!(cells, 5, "{row}");
    }
}

#[tokio::test]
async fn another_teams_trouble_is_not_in_it() {
    let bot = Story::new(&[], &[]).await;
    bot.incident_of("databases", Severity::S1, "pg-0001 is down", "PgDown", 5, None).await;
    bot.incident_of("gone", Severity::S2, "an orphan", "Orphan", 1, None).await;
    let summary = summary(&bot, WhichShift::Current).await;
    let titles: Vec<&str> = summary.open_incidents.items.iter().map(|open| open.title.as_str()).collect();
    assert_eq!(titles, ["an orphan"], "what nobody's team owns, the first team hears of");
    let uncovered: Vec<&str> = summary.uncovered.iter().map(|alert| alert.alert.as_str()).collect();
    assert_eq!(uncovered, ["Orphan"], "and of its alerts too");
    assert_eq!(summary.noisy, []);
}

#[tokio::test]
async fn an_own_template_is_used_and_its_mistakes_are_told() {
    let bot = Story::new(&[], &[]).await;
    bot.incident(Severity::S1, "a | b", "A", 1).await;
    let summary = summary(&bot, WhichShift::Current).await;
    let own = |text: &str| {
        let file = bot.place.folder().join("own.hbs");
        std::fs::write(&file, text).unwrap();
        Template::load(Some(&file)).and_then(|template| template.render(&summary))
    };
    assert_eq!(own("{{team}}: {{#each open_incidents.items}}{{title}}{{/each}}").unwrap(), "platform: a \\| b\n");
    assert!(matches!(own("{{#each"), Err(TemplateError::Syntax { .. })));
    let error = own("{{teem}}").unwrap_err().to_string();
    assert!(error.contains("teem") && error.contains("compare its template"), "{error}");
    assert!(matches!(Template::load(Some("/nowhere.hbs".as_ref())), Err(TemplateError::Unreadable { .. })));
}

#[tokio::test]
async fn a_team_or_shift_that_is_not_there() {
    let oncall = oncall();
    let error = shift_of(&oncall, "platfrom", WhichShift::Current, at(8, 0)).unwrap_err().to_string();
    assert!(error.contains("platform"), "{error}");
    let error = shift_of(&oncall, "databases", WhichShift::Previous, at(13, 0)).unwrap_err();
    assert!(matches!(error, HandoffError::NotBegun(_)), "{error}");
}

#[tokio::test]
async fn whoever_asks_gets_the_shifts_so_far() {
    let bot = Story::new(&[], &[]).await;
    bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    let oncall = Arc::new(oncall());
    let reporter = Reporter::new(bot.store.clone(), bot.clock.clone(), oncall, Template::built_in().unwrap());
    let one = reporter.so_far().await.unwrap();
    assert!(one.starts_with("# Handoff of platform") && one.contains("CoreDNS is down"), "{one}");
    assert!(!one.contains("databases"), "its rotation begins at noon");
    bot.passes(5 * 60);
    assert!(reporter.so_far().await.unwrap().contains("# Handoff of databases: Mon 2 Mar 12:00 to Mon 9 Mar 12:00"));
}

struct Desk {
    bot: Story,
    worker: HandoffWorker,
}

impl Desk {
    async fn new() -> Self {
        let bot = Story::new(&[], &[]).await;
        let dir = bot.place.folder().join("handoffs");
        let (template, oncall) = (Template::built_in().unwrap(), Arc::new(oncall()));
        let reporter = Reporter::new(bot.store.clone(), bot.clock.clone(), oncall, template);
        let worker = HandoffWorker::new(reporter, dir);
        Self { bot, worker }
    }

    /// Turns until nothing is due; gives the time of the next change.
    async fn settle(&self) -> DateTime<Utc> {
        loop {
            if let Turn::Idle { until } = self.worker.turn().await.unwrap() {
                return until.expect("there is always a next handoff");
            }
        }
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(self.bot.place.folder().join("handoffs"))
            .map(|dir| dir.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect())
            .unwrap_or_default();
        names.sort();
        names
    }
}

#[tokio::test]
async fn each_change_of_shift_is_written_once() {
    let desk = Desk::new().await;
    assert_eq!(desk.settle().await, at(12, 0), "the next change is the other team's first");
    assert_eq!(desk.files(), [""; 0], "a bot that is new has nothing to tell of the last shift");
    desk.bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    desk.bot.clock.set(at(20, 0));
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-02-2100.md"]);
    desk.bot.passes(5);
    desk.settle().await;
    assert_eq!(desk.files().len(), 1);
    let kept = desk.bot.store.last_handoff("platform").await.unwrap().unwrap();
    assert_eq!((kept.from, kept.to), (at(8, 0), at(20, 0)));
    assert!(std::fs::read_to_string(kept.path).unwrap().contains("CoreDNS is down"));
}

#[tokio::test]
async fn after_an_outage_the_last_missed_one_is_written() {
    let desk = Desk::new().await;
    desk.bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    desk.bot.clock.set(Utc.with_ymd_and_hms(2026, 3, 4, 9, 30, 0).unwrap());
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-04-0900.md"]);
}

#[tokio::test]
async fn what_an_engineer_wrote_stays() {
    let desk = Desk::new().await;
    desk.bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    let dir = desk.bot.place.folder().join("handoffs");
    std::fs::create_dir(&dir).unwrap();
    std::fs::write(dir.join("platform-2026-03-02-2100.md"), "my own words").unwrap();
    desk.bot.clock.set(at(20, 0));
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-02-2100-2.md", "platform-2026-03-02-2100.md"]);
    assert_eq!(std::fs::read_to_string(dir.join("platform-2026-03-02-2100.md")).unwrap(), "my own words");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_tried_again() {
    let desk = Desk::new().await;
    desk.bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    let dir = desk.bot.place.folder().join("handoffs");
    std::fs::write(&dir, "a file in the way").unwrap();
    desk.bot.clock.set(at(20, 0));
    assert_eq!(desk.settle().await, at(20, 5), "whoever mends it takes a while");
    desk.bot.clock.set(at(20, 5));
    std::fs::remove_file(&dir).unwrap();
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-02-2100.md"]);
}

#[tokio::test]
async fn a_quiet_shift_that_the_bot_lived_through_is_handed_over_too() {
    let desk = Desk::new().await;
    desk.settle().await;
    assert_eq!(desk.files(), [""; 0]);
    desk.bot.clock.set(at(20, 0));
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-02-2100.md"]);
    let kept = desk.bot.store.last_handoff("platform").await.unwrap().unwrap();
    assert!(std::fs::read_to_string(kept.path).unwrap().contains("**Nothing is outstanding:**"));
}

#[tokio::test]
async fn a_store_that_is_locked_leaves_no_copies_of_a_report() {
    let desk = Desk::new().await;
    desk.bot.incident(Severity::S1, "CoreDNS is down", "A", 1).await;
    let path = desk.bot.place.file();
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    desk.bot.clock.set(at(20, 0));
    assert_eq!(desk.settle().await, at(20, 5));
    assert_eq!(desk.files().len(), 1);
    other.close().await.unwrap();
    desk.bot.clock.set(at(20, 5));
    desk.settle().await;
    assert_eq!(desk.files(), ["platform-2026-03-02-2100.md"]);
    assert!(desk.bot.store.last_handoff("platform").await.unwrap().is_some());
}

#[tokio::test]
async fn a_playbook_that_somebody_was_to_look_at_is_handed_over_by_its_team() {
    let bot = Story::new(&[], &[]).await;
    let folder = tempfile::tempdir().unwrap();
    for (name, owner, by) in [
        ("a", "platform", "2026-03-02"),
        ("b", "nobody", "2025-12-31"),
        ("c", "databases", "2025-01-01"),
        ("d", "platform", "2026-03-03"),
    ] {
        let text = format!(
            "apiVersion: dogwatch/v1\nkind: Playbook\nmetadata: {{ name: {name}, version: 1.0.0, owner: {owner}, review_by: {by} }}\n\
             summary: x\nseverity: S3\nautonomy: observe\ntarget: {{ kind: Node, name: x }}\nescalate:\n  - page: {{ message: x }}\n"
        );
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    let (catalog, problems) = Catalog::load(folder.path());
    assert!(problems.iter().all(|problem| !problem.is_error()), "{problems:?}");
    let oncall = oncall();
    let reporter = Reporter::new(bot.store.clone(), bot.clock.clone(), oncall, Template::built_in().unwrap());
    let reporter = reporter.with_catalog(tokio::sync::watch::channel(Arc::new(catalog)).1);
    let shift = reporter.shift("platform", WhichShift::Current).unwrap();
    let (summary, text) = reporter.report("platform", shift).await.unwrap();
    // What nobody owns is told to the first team; a day that is yet to come is not told.
    let names: Vec<&str> = summary.reviews.items.iter().map(|due| due.name.as_str()).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(text.contains("## Playbooks to look at again\n\n- b: by 2025-12-31."), "{text}");
}

#[tokio::test]
async fn work_that_was_filed_is_told_also_of_what_is_over() {
    let tickets = TicketSinks { others: Some("ticket:ops".into()), ..TicketSinks::default() };
    let bot = Story::new(&[], &[]).await.reopens_with(Sinks { tickets, ..Sinks::default() }).await;
    let volume = bot.incident(Severity::S2, "data-pg-0007 is nearly full", "PVCFilling", 1).await;
    let run = bot.opens_run(volume, "pvc-filling").await;
    let ticket = NewTicket {
        team: "platform".into(),
        title: "ask for 120Gi in its manifest".into(),
        text: "it was grown".into(),
        key: "data-pg-0007".into(),
        again: Duration::from_secs(86_400),
        left_out: None,
    };
    bot.logs(run, Append { tickets: vec![ticket], ..Append::default() }).await;
    bot.ends(run, Outcome::Fixed, "there is room").await;
    bot.resolve(volume, "dogwatch").await;
    let said = report(&bot, WhichShift::Current).await;
    let wanted = "## Tickets that playbooks filed\n\n- Mon 2 Mar 09:00 ask for 120Gi in its manifest (team platform, from INC-1): not made yet\n";
    assert!(said.contains(wanted), "{said}");
}
