//! A team that is paged for S3 in its working hours.

use std::sync::Arc;

use chrono::NaiveTime;
use dogwatch::model::*;
use dogwatch::store::*;

use crate::bot::{Bot, minutes};
use crate::tickets::LOOK;

/// Every day from nine to five, in UTC. The conversation begins at two in the morning.
fn office_hours() -> Arc<PageFor> {
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let hours = PageHours {
        days: PageHours::parse_days("daily").unwrap(),
        from: time(9),
        to: time(17),
        zone: chrono_tz::UTC,
        written: "daily".into(),
    };
    Arc::new(PageFor::with(["platform", "databases"].map(|team| (team.to_owned(), hours.clone()))))
}

async fn begins(playbooks: &[&str]) -> Bot {
    let mut bot = Bot::begins(playbooks, crate::crashes::coredns()).await;
    (bot.sinks.page_for, bot.rules.page_for) = (office_hours(), office_hours());
    bot.sinks.tickets.others = Some("ticket:disks".into());
    bot.is_restarted().await;
    bot
}

/// Those that go to somebody, and those that only stand in chat.
async fn pages(bot: &Bot) -> (usize, usize) {
    let mut pages = Vec::new();
    for n in 1..10 {
        pages.extend(bot.store().page(PageId(n)).await.unwrap());
    }
    let calls = pages.iter().filter(|page| page.is_call()).count();
    (pages.len() - calls, calls)
}

async fn tickets(bot: &Bot) -> usize {
    bot.store().tickets_of(&(1..10).map(IncidentId).collect::<Vec<_>>()).await.unwrap().len()
}

async fn timeline(bot: &Bot, incident: i64) -> String {
    let timeline = bot.store().timeline(IncidentId(incident)).await.unwrap();
    dogwatch::message::timeline_lines(&timeline).join("\n")
}

const S3: [(&str, &str); 1] = [("severity", "info")];

#[tokio::test]
async fn in_its_hours_a_team_is_paged_and_outside_of_them_there_is_a_ticket() {
    let mut bot = begins(&[]).await;
    bot.fires("Disk", &S3).await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((0, 0), 1), "it is night");
    bot.passes(minutes(60 * 8)).await;
    assert_eq!(pages(&bot).await, (0, 0), "it does not page later");

    bot.fires("Other", &[("severity", "info"), ("node", "b")]).await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((1, 0), 1), "it is ten in the morning");
    let told = timeline(&bot, 2).await;
    assert!(told.contains("S3 pages team platform daily 09:00 to 17:00 UTC (its page_for in oncall.yaml)"), "{told}");
    assert!(told.contains("team platform is paged: no playbook knows this alert"), "{told}");
    let made = bot.store().pages_made(PageId(0)).await.unwrap();
    assert_eq!(made.by_team_and_severity.len(), 1, "a page of it is one in the numbers");

    bot.fires("Trend", &[("severity", "debug"), ("node", "c")]).await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((1, 0), 2), "S4 pages nobody at any time");
    bot.passes(minutes(60 * 7)).await;
    bot.fires("Late", &[("severity", "info"), ("node", "d")]).await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((1, 0), 3), "at five, the day is over");
}

#[tokio::test]
async fn what_escalates_pages_by_the_hours_of_its_team() {
    let mut bot = begins(&[LOOK]).await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((0, 1), 1));
    let mut bot = begins(&[LOOK]).await;
    bot.passes(minutes(60 * 8)).await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.settles().await;
    assert_eq!((pages(&bot).await, tickets(&bot).await), ((1, 0), 0));
}

/// A call of the night does not become a page at nine because something joins or a run ends.
#[tokio::test]
async fn a_call_stays_one_unless_it_becomes_worse() {
    let mut bot = begins(&[LOOK]).await;
    bot.fires("DiskSlow", &[]).await;
    bot.end().await;
    bot.passes(minutes(60 * 8)).await;
    let page = NewPage { level: 1, team: "databases".into(), reason: PageReason::Overdue, text: Some("more".into()) };
    let page = NewPage { reason: PageReason::Escalated { run: RunId(1) }, ..page };
    decides(&mut bot, vec![Change::Page { incident: IncidentRef::Existing(IncidentId(1)), page }]).await;
    assert_eq!(pages(&bot).await, (0, 1));
    bot.fires("DiskSlow", &[("pod", "b")]).await;
    assert_eq!(pages(&bot).await, (0, 1));
    bot.is_restarted().await;
    bot.passes(minutes(60)).await;
    assert_eq!(pages(&bot).await, (0, 1), "nor at a start");
}

/// What is decided of something else that came in.
async fn decides(bot: &mut Bot, changes: Vec<Change>) {
    let person = Person { name: "test".into(), via: Via::Api, id: "test".into(), role: Some(Role::Admin) };
    let body = SignalBody::Command { person, command: Command::Help };
    let signal = Signal { source: "test".into(), key: "1".into(), received_at: bot.started(), body };
    let id = bot.store().accept(&signal).await.unwrap().id();
    bot.store().apply(id, Decision { changes, reply: None }).await.unwrap();
    bot.settles().await;
}
