//! A budget of pages: over it, pages of one shape are told in one; S1 always goes out, and nothing
//! is lost by it.

use dogwatch::clock::Clock as _;
use dogwatch::cluster::sim::build;
use dogwatch::message::Room;
use dogwatch::model::*;
use dogwatch::notify::{Parcel, ParcelKind};
use dogwatch::store::{FoldStore as _, IncidentFilter, IncidentStore as _, PageReason, WindowStore as _};

use serde_json::json;

use crate::bot::{Bot, minutes};
use crate::page_texts::{an_alert, told as delivered};

/// For which incidents somebody is paged, and which pages tell of which others: `INC-3 (INC-4)`.
async fn pages(bot: &Bot) -> Vec<String> {
    let mut told = Vec::new();
    for page in bot.store().pages(bot.started(), bot.started() + minutes(60 * 48)).await.unwrap() {
        if page.is_folded() {
            continue;
        }
        let folded = bot.store().folded_into(page.id).await.unwrap();
        let others = folded.iter().map(|folded| folded.incident).filter(|folded| *folded != page.incident);
        let folded: Vec<String> = others.map(|incident| incident.to_string()).collect();
        let folded = if folded.is_empty() { String::new() } else { format!(" ({})", folded.join(", ")) };
        told.push(format!("{}{folded}", page.incident));
    }
    told
}

/// An alert of a deployment of that name.
fn labels<'a>(alert: &'a str, name: &'a str, severity: &'a str) -> [(&'a str, &'a str); 4] {
    [("alertname", alert), ("namespace", name), ("deployment", name), ("severity", severity)]
}

async fn tells(bot: &mut Bot, labels: &[(&str, &str)], is_over: bool) {
    let labels: serde_json::Map<String, serde_json::Value> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
    let mut alert = an_alert(bot, labels.into(), json!({ "summary": "it is not well" }));
    alert["startsAt"] = json!(bot.started() - minutes(5));
    if is_over {
        alert["status"] = json!("resolved");
        alert["endsAt"] = json!(bot.clock.now());
    }
    // A route that groups by what each is about, so that none joins another by its group.
    let key =
        format!("{{}}:{{namespace={}, alertname={}}}", alert["labels"]["namespace"], alert["labels"]["alertname"]);
    let body =
        json!({ "version": "4", "groupKey": key, "receiver": "dogwatch", "status": "firing", "alerts": [alert] });
    bot.hears(body.to_string().as_bytes()).await;
}

pub async fn fires(bot: &mut Bot, alert: &str, name: &str, severity: &str) {
    tells(bot, &labels(alert, name, severity), false).await;
}

pub async fn resolves(bot: &mut Bot, alert: &str, name: &str, severity: &str) {
    tells(bot, &labels(alert, name, severity), true).await;
}

/// A bot whose team has been paged for two incidents, INC-1 and INC-2, and for a first full disk,
/// INC-3.
async fn over_budget() -> Bot {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3"], "what has no page of its shape goes out");
    bot
}

/// The same, and a second disk, INC-4, is told in the page of the first.
pub async fn folded() -> Bot {
    let mut bot = over_budget().await;
    bot.passes(minutes(2)).await;
    fires(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3 (INC-4)"]);
    bot
}

/// What the pages say that go out now, by their titles.
async fn titles(bot: &Bot) -> Vec<String> {
    let pages = delivered(bot, Room::Whole).await.into_iter().filter(|parcel| parcel.kind == ParcelKind::Page);
    pages.map(|page| page.title).collect()
}

#[tokio::test]
async fn over_the_budget_a_page_of_the_same_shape_is_told_in_the_one_that_is_there() {
    let bot = folded().await;
    let is_it = |parcel: &Parcel| parcel.kind == ParcelKind::Page && parcel.incident.id == IncidentId(3);
    let page = delivered(&bot, Room::Whole).await.into_iter().rfind(is_it);
    let page = page.unwrap();
    insta::assert_snapshot!(format!("{}\n\n{}", page.title, page.body), @"
    [S2] INC-3 and 1 more incident DiskFull namespace=a deployment=a: it is not well

    why a person is needed:
    no playbook knows this alert

    what fires:
    1 alert since 2026-03-02 01:55:00 UTC
    DiskFull: it is not well
    deployment=a, namespace=a

    what the bot did:
    nothing: no playbook was run

    what changed in the two hours before:
    nothing that the bot knows of

    other incidents whose pages are folded into this one:
    INC-4 open DiskFull namespace=b deployment=b: it is not well: no playbook knows this alert

    what to type next:
    kubectl -n a describe deployment a
    /why INC-3 (or: dogwatch why INC-3) tells all that the bot saw and decided

    links:
    query: http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1

    to acknowledge, so that nobody else is called:
    /ack INC-3 INC-4 takes all of them; /ack INC-3 (or: dogwatch ack INC-3) takes none of the others
    ");
    insta::assert_snapshot!(bot.tells(4).await.join("\n"), @"
    02:02:00 opened: DiskFull fires
    02:02:00 DiskFull fires: namespace=b deployment=b
    02:02:00 folded into INC-3's page until 02:32:00, as the budget of 2 incidents within 12h is spent on INC-1, INC-2, INC-3: no playbook knows this alert
    ");
    insta::assert_snapshot!(bot.tells(3).await.join("\n"), @"
    02:00:00 opened: DiskFull fires
    02:00:00 DiskFull fires: namespace=a deployment=a
    02:00:00 team platform is paged: no playbook knows this alert
    02:02:00 its page tells of INC-4 too: /ack INC-4
    ");
    assert_eq!(bot.incident(4).await.state, IncidentState::Open, "it stays open");
    let levels = bot.store().levels().await.unwrap();
    assert_eq!((levels.unacknowledged_pages, levels.folded, levels.undelivered_pages), (3, 1, 0));
    let made = bot.store().pages_made(PageId(0)).await.unwrap();
    assert_eq!(made.by_team_and_severity.values().sum::<u64>(), 3, "it is no page");
}

#[tokio::test]
async fn a_folded_incident_is_listed_as_such() {
    let bot = folded().await;
    let open = bot.store().incidents(IncidentFilter::Unresolved).await.unwrap();
    let waiting = bot.store().unanswered_pages().await.unwrap();
    let now = bot.clock.now();
    insta::assert_snapshot!(dogwatch::message::incidents_table(&open, &waiting, now, false), @"
           SEV  STATE  AGE  ALERTS  OWNER  WHAT
    INC-1  S1   open   2m   1       -      REACHED NOBODY: ApiDown namespace=api deployment=api: it is not well
    INC-2  S2   open   2m   1       -      REACHED NOBODY: QueueStuck namespace=queue deployment=queue: it is no…
    INC-3  S2   open   2m   1       -      REACHED NOBODY: DiskFull namespace=a deployment=a: it is not well
    INC-4  S2   open   0s   1       -      (folded into INC-3's page) DiskFull namespace=b deployment=b: it is n…
    ");
    let list: serde_json::Value =
        serde_json::from_str(&dogwatch::message::incidents_json(&open, &waiting, &[], now)).unwrap();
    let page = |id: &str| {
        let listed = list["incidents"].as_array().unwrap().iter().find(|incident| incident["id"] == id).unwrap();
        let page = &listed["pages"][0];
        (page["reach"].clone(), page["folded_into"].clone())
    };
    assert_eq!(page("INC-4"), (json!("folded"), json!("INC-3")));
    assert_eq!(page("INC-3").1, json!(null));
    let is_it = |parcel: &Parcel| parcel.kind == ParcelKind::Card && parcel.incident.id == IncidentId(4);
    let card = delivered(&bot, Room::Whole).await.into_iter().rfind(is_it);
    insta::assert_snapshot!(card.unwrap().body.lines().find(|line| line.starts_with("folded")).unwrap(), @"folded into INC-3's page, as the budget of 2 incidents within 12h is spent on INC-1, INC-2, INC-3; it pages by itself at 02:32:00, or when INC-3 is over, unless somebody acknowledges it before");
}

#[tokio::test]
async fn receivers_are_told_of_what_is_folded_within_a_minute_and_at_most_each_minute() {
    let mut bot = over_budget().await;
    assert_eq!(titles(&bot).await.len(), 3);
    fires(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(
        titles(&bot).await,
        ["[S2] INC-3 and 1 more incident DiskFull namespace=a deployment=a: it is not well"]
    );
    bot.passes(minutes(16)).await;
    fires(&mut bot, "DiskFull", "c", "warning").await;
    assert_eq!(titles(&bot).await.len(), 1);
    fires(&mut bot, "DiskFull", "d", "warning").await;
    assert_eq!(titles(&bot).await, [] as [&str; 0]);
    bot.passes(minutes(1)).await;
    assert_eq!(
        titles(&bot).await,
        ["[S2] INC-3 and 3 more incidents DiskFull namespace=a deployment=a: it is not well"]
    );
}

#[tokio::test]
async fn within_the_budget_nothing_is_folded() {
    let mut bot = Bot::begins(&[], vec![]).await;
    fires(&mut bot, "DiskFull", "a", "warning").await;
    fires(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2"]);
}

#[tokio::test]
async fn a_budget_that_is_off_folds_nothing() {
    let mut bot = Bot::begins(&[], vec![]).await;
    bot.sinks.budgets.by_team.insert("platform".into(), None);
    bot.is_restarted().await;
    for name in ["a", "b", "c", "d"] {
        fires(&mut bot, "DiskFull", name, "warning").await;
        bot.passes(minutes(16)).await;
    }
    assert_eq!(pages(&bot).await.len(), 4);
}

#[tokio::test]
async fn what_users_feel_always_goes_out() {
    let mut bot = over_budget().await;
    fires(&mut bot, "DiskFull", "b", "critical").await;
    assert_eq!(pages(&bot).await.last().unwrap(), "INC-4");
}

#[tokio::test]
async fn what_becomes_worse_while_it_is_folded_pages_at_once_and_once() {
    let mut bot = folded().await;
    fires(&mut bot, "DiskLost", "b", "critical").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4"]);
    bot.passes(minutes(60)).await;
    assert_eq!(pages(&bot).await.len(), 4, "what it was before pages no more");
    bot.types("anna", "/ack INC-4").await;
    assert_eq!(bot.store().levels().await.unwrap().folded, 0);
    bot.keeps_the_page_law().await;
}

#[tokio::test]
async fn another_shape_goes_out_and_so_does_another_teams() {
    let mut bot = over_budget().await;
    bot.rules.teams.insert("databases".into());
    bot.is_restarted().await;
    fires(&mut bot, "MemoryFull", "b", "warning").await;
    let mut other = labels("DiskFull", "c", "warning").to_vec();
    other.push(("team", "databases"));
    tells(&mut bot, &other, false).await;
    assert_eq!(pages(&bot).await[3..], ["INC-4", "INC-5"]);
}

#[tokio::test]
async fn a_budget_is_counted_anew_when_its_time_is_over() {
    let mut bot = over_budget().await;
    bot.passes(minutes(12 * 60 + 1)).await;
    fires(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(pages(&bot).await[3..], ["INC-4"]);
}

#[tokio::test]
async fn an_ack_of_the_page_takes_none_of_the_others_and_says_so() {
    let mut bot = folded().await;
    let reply = bot.types("anna", "/ack INC-3").await;
    insta::assert_snapshot!(reply, @"INC-3 is yours: DiskFull namespace=a deployment=a: it is not well; INC-4 is folded into its page and nobody's yet: /ack INC-4");
    assert_eq!(bot.incident(4).await.owner, None);
    bot.passes(minutes(29)).await;
    assert_eq!(pages(&bot).await.len(), 3);
    bot.passes(minutes(1)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4"]);
    assert!(titles(&bot).await.contains(&"[S2] INC-4 DiskFull namespace=b deployment=b: it is not well".to_owned()));
    assert_eq!(bot.tells(4).await.last().unwrap(), "02:32:00 team platform is paged: no playbook knows this alert");
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await.len(), 4);
}

#[tokio::test]
async fn whoever_has_the_page_already_is_told_of_what_is_folded_into_it() {
    let mut bot = over_budget().await;
    bot.types("anna", "/ack INC-3").await;
    titles(&bot).await;
    bot.passes(minutes(5)).await;
    fires(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(
        titles(&bot).await,
        ["[S2] INC-3 and 1 more incident DiskFull namespace=a deployment=a: it is not well"]
    );
}

#[tokio::test]
async fn one_command_takes_all_of_it() {
    let mut bot = folded().await;
    bot.types("anna", "/ack INC-3 INC-4").await;
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3"]);
    let mut bot = folded().await;
    let reply = bot.types("anna", "/ack --all-of platform").await;
    assert!(reply.starts_with("4 of 4 of platform acknowledged"), "{reply}");
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3"]);
}

#[tokio::test]
async fn what_is_over_meanwhile_pages_nobody() {
    let mut bot = folded().await;
    resolves(&mut bot, "DiskFull", "b", "warning").await;
    assert_eq!(bot.incident(4).await.state, IncidentState::Resolved);
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3"]);
}

/// Three more disks than pages for them: INC-4 and INC-5 are told in the page of INC-3.
async fn two_folded() -> Bot {
    let mut bot = folded().await;
    bot.passes(minutes(16)).await;
    fires(&mut bot, "DiskFull", "c", "warning").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3 (INC-4, INC-5)"]);
    bot
}

#[tokio::test]
async fn at_the_end_of_the_one_that_tells_of_them_the_first_pages_and_tells_of_the_others() {
    let mut bot = two_folded().await;
    resolves(&mut bot, "DiskFull", "a", "warning").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4 (INC-5)"]);
    let titles = titles(&bot).await;
    assert!(
        titles.contains(&"[S2] INC-4 and 1 more incident DiskFull namespace=b deployment=b: it is not well".into()),
        "{titles:?}"
    );
    assert_eq!(bot.tells(5).await.last().unwrap(), "02:18:00 folded into INC-4's page from now on, until 02:48:00");
    let mut bot = two_folded().await;
    bot.types("anna", "/resolve INC-3 a new disk").await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4 (INC-5)"]);
    bot.keeps_the_page_law().await;
}

#[tokio::test]
async fn who_acknowledges_nothing_gets_a_page_each_half_hour_that_tells_of_all_the_rest() {
    let mut bot = two_folded().await;
    bot.passes(minutes(30)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4 (INC-5)"]);
    bot.passes(minutes(30)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4", "INC-5"]);
}

#[tokio::test]
async fn a_restart_sends_nothing_that_is_folded_and_forgets_nothing() {
    let mut bot = folded().await;
    titles(&bot).await;
    bot.is_restarted().await;
    bot.passes(minutes(1)).await;
    assert_eq!(titles(&bot).await, [] as [&str; 0]);
    assert_eq!(pages(&bot).await.len(), 3);
    // It was away when the time came.
    bot.clock.set(bot.started() + minutes(100));
    bot.is_restarted().await;
    bot.settles().await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4"]);
}

#[tokio::test]
async fn a_window_that_covers_it_holds_back_what_would_go_out() {
    let mut bot = folded().await;
    bot.types("anna", "/silence namespace=b --for 2h a new disk").await;
    bot.passes(minutes(60)).await;
    assert_eq!(pages(&bot).await.len(), 3);
    assert!(bot.incident(4).await.held_until.is_some());
    bot.passes(minutes(61)).await;
    assert_eq!(bot.store().windows_at(bot.clock.now()).await.unwrap(), []);
    // Its end pages: in the page of its shape that is there.
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3 (INC-4)"]);
    bot.passes(minutes(30)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4"]);
}

#[tokio::test]
async fn a_merge_takes_along_what_is_folded() {
    // The one that tells of it becomes part of another one, which tells of it since.
    let mut bot = folded().await;
    bot.types("anna", "/merge INC-3 --into INC-2").await;
    bot.passes(minutes(5)).await;
    assert_eq!(bot.store().levels().await.unwrap().folded, 1);
    bot.types("anna", "/resolve INC-2").await;
    assert_eq!(pages(&bot).await.last().unwrap(), "INC-4");
    // What is told in it becomes part of it.
    let mut bot = folded().await;
    bot.types("anna", "/ack INC-3").await;
    bot.types("anna", "/merge INC-4 --into INC-3").await;
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await.len(), 3, "whoever has it knows");
    // The one that tells of it becomes part of what is told.
    let mut bot = folded().await;
    bot.types("anna", "/merge INC-3 --into INC-4").await;
    bot.passes(minutes(5)).await;
    bot.keeps_the_page_law().await;
    // What is told in it becomes part of a third one, whose page is its own.
    let mut bot = folded().await;
    bot.types("anna", "/merge INC-4 --into INC-2").await;
    bot.types("anna", "/ack INC-2").await;
    bot.passes(minutes(300)).await;
    assert_eq!(pages(&bot).await.len(), 3);
}

#[tokio::test]
async fn a_split_leaves_nobody_without_a_page() {
    let mut bot = folded().await;
    bot.types("anna", "/merge INC-3 --into INC-2").await;
    bot.types("anna", "/split INC-3").await;
    bot.settles().await;
    assert_eq!(pages(&bot).await.last().unwrap(), "INC-4", "it was opened again, and its page is of before");
    bot.keeps_the_page_law().await;
}

#[tokio::test]
async fn a_clock_that_is_set_makes_a_fold_neither_shorter_nor_longer() {
    for hours in [-5, 5] {
        let mut bot = folded().await;
        bot.has_its_clock_set(chrono::TimeDelta::hours(hours)).await;
        bot.passes(minutes(29)).await;
        assert_eq!(bot.store().levels().await.unwrap().folded, 1, "{hours}");
        bot.passes(minutes(2)).await;
        assert_eq!(bot.store().levels().await.unwrap().folded, 0, "{hours}");
        let pages = bot.store().pages(bot.started() - minutes(999), bot.started() + minutes(999)).await.unwrap();
        assert_eq!(pages.iter().filter(|page| !page.is_folded()).count(), 4);
    }
}

#[tokio::test]
async fn what_joins_a_folded_incident_is_told_to_whoever_has_the_page() {
    let mut bot = folded().await;
    titles(&bot).await;
    bot.passes(minutes(2)).await;
    for pod in ["b-1", "b-2", "b-3"] {
        let mut more = labels("PodsFull", "b", "warning").to_vec();
        more.push(("pod", pod));
        tells(&mut bot, &more, false).await;
    }
    bot.passes(minutes(1)).await;
    let told = titles(&bot).await;
    assert!(told.iter().all(|title| title.contains("INC-3")) && !told.is_empty(), "{told:?}");
}

#[tokio::test]
async fn what_joins_after_somebody_took_a_folded_incident_is_told_in_a_page() {
    let mut bot = folded().await;
    bot.types("anna", "/ack INC-4").await;
    bot.passes(minutes(2)).await;
    fires(&mut bot, "PodsFull", "b", "warning").await;
    let joined = |page: &dogwatch::store::Page| matches!(page.reason, PageReason::Joined { .. });
    let waiting = bot.store().unanswered_pages().await.unwrap();
    assert!(waiting.iter().any(|page| page.incident == IncidentId(4) && joined(page)), "{waiting:#?}");
}

#[tokio::test]
async fn a_fold_whose_row_is_damaged_goes_out() {
    for damage in [
        "UPDATE page SET folded_until = 'then' WHERE folded_into IS NOT NULL",
        "UPDATE page SET folded_by = '{', folded_at = 'then' WHERE folded_into IS NOT NULL; \
         UPDATE page SET folded_until = 0 WHERE folded_into IS NOT NULL",
        "UPDATE page SET reason = '{', folded_until = 0 WHERE folded_into IS NOT NULL",
        "UPDATE incident SET state = 'nonsense' WHERE id = 3",
    ] {
        let mut bot = folded().await;
        titles(&bot).await;
        bot.tampers(damage).await;
        bot.is_restarted().await;
        bot.passes(minutes(1)).await;
        assert!(titles(&bot).await.iter().any(|title| title.contains("INC-4") && !title.contains("INC-3")), "{damage}");
    }
}

/// Looks at what its alert says, and needs a person in either case, for different reasons.
const DISKS: &str = r#"
apiVersion: dogwatch/v1
kind: Playbook
metadata: { name: disks, version: 1.0.0, owner: platform }
summary: a disk is full
severity: S2
autonomy: auto
page_by: 2h
triggers:
  - alert: DiskFull
target: { kind: Deployment, from: alert }
diagnose:
  - require: alert.labels.disk != "broken"
    because: the disk is broken
  - require: alert.labels.disk != "small"
    because: the disk is too small
escalate:
  - page: { message: "see to the disk: {{because}}" }
"#;

#[tokio::test]
async fn why_a_folded_run_needs_a_person_is_told_in_the_page() {
    let objects = ["a", "b"].map(|name| build::deployment(name, name, 1)).to_vec();
    let mut bot = Bot::begins(&[DISKS], objects).await;
    fires(&mut bot, "ApiDown", "api", "critical").await;
    fires(&mut bot, "QueueStuck", "queue", "warning").await;
    for (name, disk) in [("a", "broken"), ("b", "small")] {
        let mut labels = labels("DiskFull", name, "warning").to_vec();
        labels.push(("disk", disk));
        tells(&mut bot, &labels, false).await;
    }
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3 (INC-4)"]);
    let page = delivered(&bot, Room::Whole).await.into_iter().rfind(|parcel| parcel.kind == ParcelKind::Page);
    let folded = page.unwrap().page.unwrap().folded;
    insta::assert_snapshot!(folded.join("\n"), @"INC-4 open a disk is full: deployment/b in b: RUN-2 of disks stopped and needs a person: the disk is too small");
    // Nobody has looked at it: it is not over when its alert is.
    let mut small = labels("DiskFull", "b", "warning").to_vec();
    small.push(("disk", "small"));
    tells(&mut bot, &small, true).await;
    assert_eq!(bot.incident(4).await.state, IncidentState::Open);
    bot.passes(minutes(30)).await;
    assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4"]);
}

/// A folded page and the end of the one that tells of it, by a bot that dies at each point of it.
#[tokio::test]
async fn whenever_the_bot_dies_what_was_folded_goes_out_once() {
    let goes = async |n: Option<usize>| {
        let mut bot = over_budget().await;
        let before = bot.fuse.passed().len();
        if let Some(n) = n {
            bot.fuse.dies_at(before + n);
        }
        fires(&mut bot, "DiskFull", "b", "warning").await;
        bot.passes(minutes(16)).await;
        fires(&mut bot, "DiskFull", "c", "warning").await;
        bot.keeps_the_page_law().await;
        resolves(&mut bot, "DiskFull", "a", "warning").await;
        assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4 (INC-5)"], "died at {n:?}");
        bot.passes(minutes(30)).await;
        assert_eq!(pages(&bot).await, ["INC-1", "INC-2", "INC-3", "INC-4", "INC-5"], "died at {n:?}");
        bot.passes(minutes(300)).await;
        assert_eq!(pages(&bot).await.len(), 5, "died at {n:?}");
        bot.fuse.passed().len() - before
    };
    let points = goes(None).await;
    assert!(points >= 10, "{points}");
    for n in 1..=points {
        goes(Some(n)).await;
    }
}

#[tokio::test]
async fn what_an_s1_is_merged_into_is_told_in_no_other_page_any_more() {
    let mut bot = folded().await;
    // Somebody has the S1, and so nothing of it waits.
    bot.types("anna", "/ack INC-1").await;
    bot.types("anna", "/merge INC-1 --into INC-4").await;
    let whole = bot.incident(4).await;
    assert_eq!((whole.severity, whole.state), (Severity::S1, IncidentState::Open));
    assert!(pages(&bot).await.contains(&"INC-4".to_owned()), "{:?}", pages(&bot).await);
    let told = bot.tells(4).await.join("\n");
    assert!(told.contains("it is S1 by now, and was only told in INC-3's page"), "{told}");
}
