//! What every store promises. Each check is a short life of a bot, on a clock that stands still unless it is moved.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeZone, Utc};
use dogwatch::clock::{Clock, ManualClock};
use dogwatch::model::*;
use dogwatch::store::Sinks;
use dogwatch::store::sqlite::{Durability, SqliteStore};
use dogwatch::store::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

const LEASE: Duration = Duration::from_secs(60);

struct Shop {
    store: Arc<SqliteStore>,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
}

fn noon() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 3, 2, 12, 0, 0).unwrap()
}

fn sinks() -> Sinks {
    Sinks { chat: vec!["console".into()], pages: vec!["console".into(), "webhook".into()] }
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(noon()));
        let store = open(folder.path(), &clock).await.unwrap();
        Self { store: Arc::new(store), clock, folder }
    }

    /// As after a kill: what was committed is there, and nothing else.
    async fn reopen(self) -> Self {
        self.store.close().await;
        let Self { store, clock, folder } = self;
        drop(store);
        let store = open(folder.path(), &clock).await.unwrap();
        Self { store: Arc::new(store), clock, folder }
    }

    async fn signal(&self, key: &str) -> SignalId {
        self.signal_of(key, Vec::new()).await
    }

    async fn signal_of(&self, key: &str, alerts: Vec<Alert>) -> SignalId {
        let body = SignalBody::Notification(Notification {
            receiver: "dogwatch".into(),
            group_key: "g".into(),
            truncated: 0,
            left_out: Default::default(),
            alerts,
            unauthenticated: false,
        });
        let signal = Signal { source: "alertmanager".into(), key: key.into(), received_at: self.clock.now(), body };
        self.store.accept(&signal).await.unwrap().id()
    }

    async fn decide(&self, key: &str, changes: Vec<Change>) -> Applied {
        let signal = self.signal(key).await;
        self.store.apply(signal, Decision { changes, reply: None }).await.unwrap()
    }

    /// One incident with `episodes` open episodes.
    async fn incident(&self, name: &str, episodes: usize) -> IncidentId {
        let mut changes = vec![Change::OpenIncident(incident(name))];
        changes.extend((0..episodes).map(|n| episode(IncidentRef::New(0), &format!("{name}-{n}"))));
        self.decide(name, changes).await.incidents[0]
    }

    async fn run(&self, incident: IncidentId, target: &str) -> RunId {
        let change = Change::OpenRun { incident: IncidentRef::Existing(incident), run: Box::new(run(target)) };
        self.decide(&format!("run {target}"), vec![change]).await.runs[0]
    }

    async fn claim(&self, worker: &str) -> Option<ClaimedRun> {
        self.store.claim_run(worker, LEASE).await.unwrap()
    }
}

async fn open(folder: &std::path::Path, clock: &Arc<ManualClock>) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(&folder.join("dogwatch.db"), Durability::None, clock.clone(), sinks()).await
}

fn incident(name: &str) -> NewIncident {
    NewIncident {
        grouping: format!("target:{name}"),
        title: format!("{name} is unwell"),
        severity: Severity::S2,
        target: Some(Target::new("Deployment", "kube-system", name)),
        team: "platform".into(),
        playbook: Some("coredns-saturated".into()),
    }
}

fn episode(incident: IncidentRef, fingerprint: &str) -> Change {
    Change::OpenEpisode {
        incident,
        episode: NewEpisode {
            source: "alertmanager".into(),
            fingerprint: fingerprint.into(),
            alert: "CoreDNSLatencyHigh".into(),
            labels: [("alertname".to_owned(), "CoreDNSLatencyHigh".to_owned())].into(),
            annotations: [].into(),
            starts_at: noon(),
        },
    }
}

fn over(fingerprint: &str) -> Alert {
    Alert {
        given: None,
        fingerprint: fingerprint.into(),
        status: AlertStatus::Resolved,
        labels: [("alertname".to_owned(), "CoreDNSLatencyHigh".to_owned())].into(),
        annotations: [].into(),
        starts_at: noon(),
        ends_at: Some(noon()),
        generator_url: String::new(),
    }
}

fn run(target: &str) -> NewRun {
    NewRun {
        playbook: PlaybookRef { name: "coredns-saturated".into(), version: "1.0.0".into(), digest: Digest::of("text") },
        playbook_source: "text".into(),
        target: Target::new("Deployment", "kube-system", target),
        inputs: serde_json::Map::new(),
        alert: serde_json::json!({}),
        autonomy: Autonomy::Auto,
        requested_by: None,
        because: "its alert fires".into(),
    }
}

fn noted(text: &str) -> Append {
    Append { events: vec![RunEvent::Waited { step: StepPath(text.into()) }], ..Append::default() }
}

fn done(appended: Appended) -> LogPosition {
    match appended {
        Appended::Done { at, .. } => at,
        other => panic!("the append was refused: {other:?}"),
    }
}

#[tokio::test]
async fn a_signal_is_accepted_once_however_often_it_comes() {
    let shop = Shop::open().await;
    let first = shop.signal("a").await;
    assert_eq!(shop.signal("a").await, first);
    assert_eq!(shop.store.pending_signals(10).await.unwrap().len(), 1);
    assert_eq!(shop.store.reply(first).await.unwrap(), None);
    let reply = CommandReply::granted("done");
    shop.store.apply(first, Decision { changes: vec![], reply: Some(reply.clone()) }).await.unwrap();
    assert_eq!(shop.store.reply(first).await.unwrap(), Some(reply));
    assert_eq!(shop.signal("a").await, first);
    assert!(shop.store.pending_signals(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_known_key_with_another_command_is_not_taken_for_the_one_before() {
    let shop = Shop::open().await;
    let person = Person { name: "ada".into(), via: Via::Api, id: "ada".into(), role: Some(Role::Responder) };
    let asks = async |command: Command| {
        let body = SignalBody::Command { person: person.clone(), command };
        let signal = Signal { source: "api".into(), key: "k".into(), received_at: noon(), body };
        shop.store.accept(&signal).await.unwrap()
    };
    let ack = |n| Command::Ack { incident: IncidentId(n) };
    let Accepted::New(id) = asks(ack(1)).await else { panic!() };
    assert_eq!(asks(ack(2)).await, Accepted::Other(id));
    assert_eq!(asks(ack(1)).await, Accepted::Again(id));
    shop.store.apply(id, Decision::default()).await.unwrap();
    assert_eq!(asks(ack(2)).await, Accepted::Other(id));
    assert_eq!(asks(ack(1)).await, Accepted::Again(id));
    assert!(shop.store.pending_signals(10).await.unwrap().is_empty());
}

#[tokio::test]
async fn pieces_are_worked_on_one_by_one_and_one_that_is_set_aside_keeps_no_other_back() {
    let shop = Shop::open().await;
    let piece = |n: u32| {
        let body = Notification {
            receiver: n.to_string(),
            group_key: "g".into(),
            truncated: 0,
            left_out: LeftOut::default(),
            alerts: Vec::new(),
            unauthenticated: false,
        };
        serde_json::to_string(&SignalBody::Notification(body)).unwrap()
    };
    let delivered = || Delivered {
        source: "alertmanager".into(),
        received_at: noon(),
        parts: vec![DeliveredPart {
            key: "k".into(),
            lane: Lane::Usual,
            may_end: false,
            pieces: (0..4).map(piece).collect(),
        }],
        alerts: 0,
        firing: 0,
        left_out: LeftOut::default(),
    };
    let [Accepted::New(id)] = shop.store.accept_delivery(delivered()).await.unwrap()[..] else { panic!() };
    assert_eq!(shop.store.accept_delivery(delivered()).await.unwrap(), [Accepted::Again(id)]);
    for n in 0..4 {
        let next = shop.store.next_signal(false).await.unwrap().unwrap();
        let SignalBody::Notification(next) = next.signal.unwrap().body else { panic!() };
        assert_eq!(next.receiver, n.to_string());
        if n == 1 {
            shop.store.set_aside(id, "for a test", Decision::default()).await.unwrap();
        } else {
            shop.store.apply(id, Decision::default()).await.unwrap();
        }
    }
    assert_eq!(shop.store.next_signal(false).await.unwrap(), None);
    assert!(matches!(shop.store.apply(id, Decision::default()).await, Err(StoreError::Fenced(_))));
    assert_eq!(shop.store.levels().await.unwrap().set_aside_signals, 1);
}

#[tokio::test]
async fn who_goes_first_is_the_lane_and_in_it_the_order() {
    let shop = Shop::open().await;
    let lets_in = async |key: &str, lane| {
        let part = DeliveredPart { key: key.into(), lane, may_end: false, pieces: vec!["{}".into()] };
        let (source, parts, left_out) = ("alertmanager".into(), vec![part], LeftOut::default());
        let delivered = Delivered { source, received_at: noon(), parts, alerts: 0, firing: 0, left_out };
        shop.store.accept_delivery(delivered).await.unwrap()[0].id()
    };
    let usual = lets_in("usual", Lane::Usual).await;
    let urgent = lets_in("urgent", Lane::Urgent).await;
    let later = lets_in("urgent, later", Lane::Urgent).await;
    let person = lets_in("person", Lane::People).await;
    assert_eq!(shop.store.next_signal(true).await.unwrap().unwrap().id, usual);
    for id in [person, urgent, later, usual] {
        let next = shop.store.next_signal(false).await.unwrap().unwrap();
        assert_eq!(next.id, id);
        assert!(next.signal.is_err(), "it cannot be read, and is there all the same");
        shop.store.apply(id, Decision::default()).await.unwrap();
    }
}

#[tokio::test]
async fn a_try_is_counted_before_the_work_and_is_there_after_a_death() {
    let shop = Shop::open().await;
    let (first, second, third) = (shop.signal("a").await, shop.signal("b").await, shop.signal("c").await);
    assert_eq!(shop.store.begin_signal(first, 1).await.unwrap(), [second]);
    let shop = shop.reopen().await;
    assert_eq!(shop.store.next_signal(false).await.unwrap().unwrap().tries, 1);
    assert_eq!(shop.store.begin_signal(first, 0).await.unwrap(), []);
    assert_eq!(shop.store.next_signal(false).await.unwrap().unwrap().tries, 2);
    shop.store.apply(first, Decision::default()).await.unwrap();
    let next = shop.store.next_signal(false).await.unwrap().unwrap();
    assert_eq!((next.id, next.tries), (second, 1));
    assert_eq!(shop.store.begin_signal(second, 5).await.unwrap(), [third]);
}

#[tokio::test]
async fn a_no_is_kept_as_a_no() {
    let shop = Shop::open().await;
    let asked = shop.signal("a").await;
    let no = CommandReply::declined("there is no INC-9");
    shop.store.apply(asked, Decision { changes: vec![], reply: Some(no.clone()) }).await.unwrap();
    assert_eq!(shop.store.reply(asked).await.unwrap(), Some(no));
}

#[tokio::test]
async fn a_redelivery_is_worked_on_again_behind_what_may_have_ended_it() {
    let shop = Shop::open().await;
    let told = shop.signal("a").await;
    let waiting = async || -> Vec<SignalId> {
        shop.store.pending_signals(10).await.unwrap().into_iter().map(|(id, _)| id).collect()
    };
    shop.store.apply(told, Decision::default()).await.unwrap();
    shop.signal("b").await;
    shop.signal("a").await;
    assert_eq!(waiting().await.len(), 1, "nothing ended");
    let end = shop.signal_of("end", vec![over("coredns-0")]).await;
    // It is worked on behind that, and once, however often it comes and whoever is at work.
    for _ in 0..3 {
        let again = shop.signal("a").await;
        assert!(again > end);
        assert_eq!(waiting().await.last(), Some(&again));
        assert_eq!(waiting().await.len(), 3);
    }
    // What waits before the end keeps its place, and has another one behind it.
    let before = shop.signal("b").await;
    assert!(before > end);
    assert_eq!(waiting().await.len(), 4);
    let late = shop.store.apply(told, Decision::default()).await.unwrap_err();
    assert!(matches!(late, StoreError::Fenced(_)), "{late}");
    let shop = shop.reopen().await;
    assert_eq!(shop.store.pending_signals(10).await.unwrap().len(), 4);
}

/// The middle of a start: each of the tables in turn cannot be written to.
#[tokio::test]
async fn what_waits_is_moved_in_whole_or_not_at_all() {
    let day = 86_400_000_000;
    for trouble in [
        "INSERT ON incident_event",
        "INSERT ON run_event",
        "UPDATE OF page_at ON incident",
        "UPDATE OF due_at ON outbox",
        "UPDATE OF not_before ON signal",
    ] {
        let shop = Shop::open().await;
        let id = shop.incident("coredns", 1).await;
        shop.run(id, "coredns").await;
        let incident = IncidentRef::Existing(id);
        let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
        let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
        let held = Signal { source: "s".into(), key: "held".into(), received_at: noon(), body };
        let until = noon() + Duration::from_secs(600);
        let changes = vec![
            Change::Page { incident, page },
            Change::PageAt { incident, at: Some(until) },
            Change::Hold { signal: Box::new(held), lane: Lane::Usual, until, notes: Vec::new() },
        ];
        shop.decide("waits", changes).await;
        shop.store.close().await;
        let Shop { store, clock, folder } = shop;
        drop(store);
        let path = folder.path().join("dogwatch.db");
        let tampers = async |sql: String| {
            let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
            other.close().await.unwrap();
        };
        let waits = async || -> [i64; 5] {
            let mut other = SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
            let sql = "SELECT page_at, (SELECT wake_at FROM run), (SELECT MIN(due_at) FROM outbox WHERE urgency = 0),
                (SELECT MAX(not_before) FROM signal), (SELECT COUNT(*) FROM clock_move) FROM incident";
            let row = sqlx::query(sql).fetch_one(&mut other).await.unwrap();
            let waits = [0, 1, 2, 3, 4].map(|column| row.get(column));
            other.close().await.unwrap();
            waits
        };
        let before = waits().await;
        clock.follow(-chrono::TimeDelta::days(1));
        tampers(format!("CREATE TRIGGER trouble BEFORE {trouble} BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END"))
            .await;
        let refused = open(folder.path(), &clock).await.err().expect("it cannot be moved");
        assert!(refused.to_string().contains("the disk is gone"), "{trouble}: {refused}");
        assert_eq!(waits().await, before, "{trouble}: nothing is moved");
        tampers("DROP TRIGGER trouble".into()).await;
        for _ in 0..2 {
            open(folder.path(), &clock).await.unwrap().close().await;
            let [page_at, wake_at, due_at, not_before, _] = before.map(|time| time - day);
            assert_eq!(waits().await, [page_at, wake_at, due_at, not_before, 1], "{trouble}: once, and all of it");
        }
    }
}

#[tokio::test]
async fn a_signal_is_decided_about_once() {
    let shop = Shop::open().await;
    let signal = shop.signal("a").await;
    let decision = Decision { changes: vec![Change::OpenIncident(incident("coredns"))], reply: None };
    shop.store.apply(signal, decision.clone()).await.unwrap();
    let again = shop.store.apply(signal, decision).await.unwrap_err();
    assert!(matches!(again, StoreError::Fenced(_)), "{again}");
    assert_eq!(shop.store.incidents(IncidentFilter::Unresolved).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_decision_that_fails_leaves_nothing_behind() {
    let shop = Shop::open().await;
    let signal = shop.signal("a").await;
    let changes = vec![Change::OpenIncident(incident("coredns")), episode(IncidentRef::New(7), "x")];
    shop.store.apply(signal, Decision { changes, reply: None }).await.unwrap_err();
    assert!(shop.store.incidents(IncidentFilter::Unresolved).await.unwrap().is_empty());
    assert_eq!(shop.store.pending_signals(10).await.unwrap().len(), 1, "it is still to be worked on");
}

#[tokio::test]
async fn what_can_never_be_done_is_told_from_what_may_pass() {
    let shop = Shop::open().await;
    let signal = shop.signal("a").await;
    let twice = || episode(IncidentRef::New(0), "x");
    let changes = vec![Change::OpenIncident(incident("coredns")), twice(), twice()];
    let refused = shop.store.apply(signal, Decision { changes, reply: None }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Refused { .. }) && !refused.passes(), "{refused}");
    shop.store.close().await;
    let closed = shop.store.apply(signal, Decision::default()).await.unwrap_err();
    assert!(matches!(closed, StoreError::Failed { .. }) && closed.passes(), "{closed}");
}

#[tokio::test]
async fn a_locked_database_is_no_reason_to_give_anything_up() {
    let shop = Shop::open().await;
    let signal = shop.signal("a").await;
    let path = shop.folder.path().join("dogwatch.db");
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let locked = shop.store.apply(signal, Decision::default()).await.unwrap_err();
    assert!(locked.passes(), "{locked}");
    other.close().await.unwrap();
    shop.store.apply(signal, Decision::default()).await.unwrap();
}

#[tokio::test]
async fn what_is_set_aside_is_out_of_the_way_and_kept() {
    let shop = Shop::open().await;
    let first = shop.signal("a").await;
    let second = shop.signal("b").await;
    let changes = vec![Change::OpenIncident(incident("set aside"))];
    let decision = Decision { changes, reply: Some(CommandReply::declined("it cannot be read")) };
    let applied = shop.store.set_aside(first, "it cannot be read", decision.clone()).await.unwrap();
    assert_eq!(applied.incidents.len(), 1);
    let pending = shop.store.pending_signals(10).await.unwrap();
    assert_eq!(pending.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [second]);
    assert_eq!(shop.store.reply(first).await.unwrap().unwrap().text, "it cannot be read");
    assert_eq!(shop.store.levels().await.unwrap().set_aside_signals, 1);
    let again = shop.store.set_aside(first, "once more", decision).await.unwrap_err();
    assert!(matches!(again, StoreError::Fenced(_)), "{again}");
    let path = shop.folder.path().join("dogwatch.db");
    let mut other = SqliteConnectOptions::new().filename(path).connect().await.unwrap();
    let kept = sqlx::query("SELECT body, set_aside FROM signal WHERE id = ?").bind(first.0);
    let kept = kept.fetch_one(&mut other).await.unwrap();
    assert!(kept.get::<String, _>("body").contains("notification"), "it can be looked into");
    assert_eq!(kept.get::<String, _>("set_aside"), "it cannot be read");
    // Whoever repairs it by hand has it worked on again.
    sqlx::query("UPDATE signal SET processed_at = NULL WHERE id = ?").bind(first.0).execute(&mut other).await.unwrap();
    shop.store.apply(first, Decision::default()).await.unwrap();
    assert_eq!(shop.store.levels().await.unwrap().set_aside_signals, 0);
}

#[tokio::test]
async fn ten_thousand_episodes_are_one_decision() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 10_000).await;
    let found = shop.store.incident(id).await.unwrap().unwrap();
    assert_eq!((found.open_episodes, found.episodes), (10_000, 10_000));
    let names: Vec<String> = (0..10_000).map(|n| format!("coredns-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    assert_eq!(shop.store.latest_episodes("alertmanager", &names).await.unwrap().len(), 10_000);
    assert_eq!(shop.store.levels().await.unwrap().open_episodes, 10_000);
}

#[tokio::test]
async fn an_episode_that_moves_to_another_incident_counts_there() {
    let shop = Shop::open().await;
    let (first, second) = (shop.incident("coredns", 1).await, shop.incident("another", 1).await);
    let head = shop.store.latest_episodes("alertmanager", &["coredns-0"]).await.unwrap()["coredns-0"].clone();
    let close =
        Change::CloseEpisode { incident: IncidentRef::Existing(first), episode: head.id, at: noon(), start: None };
    shop.decide("close", vec![close]).await;
    let reopen = |incident| Change::ReopenEpisode { incident: IncidentRef::Existing(incident), episode: head.id };
    shop.decide("reopen", vec![reopen(second), reopen(second)]).await;
    let counts = async |id| {
        let incident = shop.store.incident(id).await.unwrap().unwrap();
        (incident.open_episodes, incident.episodes)
    };
    assert_eq!((counts(first).await, counts(second).await), ((0, 1), (2, 2)));
    assert_eq!(shop.store.episodes(second, 10).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_latest_episode_of_each_alert_is_found_among_many() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 2).await;
    let at = IncidentRef::Existing(id);
    for n in 1..=5 {
        let Change::OpenEpisode { episode, .. } = episode(at, "coredns-1") else { panic!() };
        let starts_at = noon() + Duration::from_secs(60 * n);
        let again = Change::OpenEpisode { incident: at, episode: NewEpisode { starts_at, ..episode } };
        shop.decide(&format!("again {n}"), vec![again]).await;
    }
    let heads = shop.store.latest_episodes("alertmanager", &["coredns-0", "coredns-1", "never"]).await.unwrap();
    assert_eq!(heads.len(), 2);
    assert_eq!(heads["coredns-1"].starts_at, noon() + Duration::from_secs(300));
    assert!(shop.store.latest_episodes("elsewhere", &["coredns-0"]).await.unwrap().is_empty());
    // The open ones first, the newest before the others; then those that were closed.
    let close = Change::CloseEpisode { incident: at, episode: heads["coredns-1"].id, at: noon(), start: None };
    shop.decide("close", vec![close]).await;
    let few: Vec<_> = shop.store.episodes(id, 3).await.unwrap().iter().map(|episode| episode.starts_at).collect();
    assert_eq!(few, [4, 3, 2].map(|n| noon() + Duration::from_secs(60 * n)));
    let all = shop.store.episodes(id, 100).await.unwrap();
    assert_eq!((all.len(), all[6].closed_at), (7, Some(noon())));
}

#[tokio::test]
async fn one_page_for_each_spell_and_level() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let at = IncidentRef::Existing(id);
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
    for key in ["p1", "p2", "p3"] {
        shop.decide(key, vec![Change::Page { incident: at, page: page.clone() }]).await;
    }
    let all = || async { shop.store.pages(noon(), noon() + Duration::from_secs(86_400)).await.unwrap() };
    assert_eq!(all().await.len(), 1);
    shop.decide("again", vec![Change::Resolve { incident: at, by_itself: false }, Change::Reopen { incident: at }])
        .await;
    shop.decide("p4", vec![Change::Page { incident: at, page }]).await;
    let pages = all().await;
    assert_eq!(pages.len(), 2);
    assert_ne!(pages[0].key, pages[1].key);
    assert!(pages[0].acknowledged_at.is_some(), "a page of an incident that is resolved needs nobody any more");
}

#[tokio::test]
async fn what_becomes_worse_is_another_page_of_the_same_spell() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let at = IncidentRef::Existing(id);
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Uncovered, text: None };
    let worse = NewPage { reason: PageReason::SeverityOne, ..page.clone() };
    shop.decide("page", vec![Change::Page { incident: at, page }]).await;
    shop.decide("ack", vec![Change::Acknowledge { incident: at, by: "ada".into() }]).await;
    let raise = Change::Severity { incident: at, severity: Severity::S1 };
    shop.decide("worse", vec![raise, Change::Page { incident: at, page: worse }]).await;
    let pages = shop.store.pages(noon(), noon() + Duration::from_secs(60)).await.unwrap();
    let told: Vec<_> = pages.iter().map(|page| (page.key.as_str(), page.acknowledged_at.is_some())).collect();
    assert_eq!(told, [("dogwatch-INC-1-1-1-S2", true), ("dogwatch-INC-1-1-1-S1", false)]);
    let group = |severity: &str| (("platform".to_owned(), severity.to_owned()), 1);
    let first = shop.store.pages_made(PageId(0)).await.unwrap();
    assert_eq!((first.last, first.by_team_and_severity), (PageId(2), [group("S1"), group("S2")].into()));
    let later = shop.store.pages_made(PageId(1)).await.unwrap();
    assert_eq!((later.last, later.by_team_and_severity), (PageId(2), [group("S1")].into()));
    assert_eq!(shop.store.pages_made(PageId(2)).await.unwrap().last, PageId(2), "none is new");
}

#[tokio::test]
async fn a_signal_that_is_put_off_comes_once_and_at_its_time() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let until = noon() + Duration::from_secs(600);
    let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
    let signal = Signal { source: "alertmanager".into(), key: "held".into(), received_at: noon(), body };
    let event = IncidentEvent::Held { alert: "CoreDNSLatencyHigh".into(), count: 1, until };
    for key in ["one", "two"] {
        let notes = vec![(IncidentRef::Existing(id), event.clone())];
        shop.decide(key, vec![Change::Hold { signal: Box::new(signal.clone()), lane: Lane::Usual, until, notes }])
            .await;
    }
    let shop = shop.reopen().await;
    assert!(shop.store.pending_signals(10).await.unwrap().is_empty());
    assert_eq!(shop.store.next_signal_due().await.unwrap(), Some(until));
    let levels = shop.store.levels().await.unwrap();
    assert_eq!((levels.pending_signals, levels.held_signals), (0, 1));
    let timeline = shop.store.timeline(id).await.unwrap();
    assert_eq!(timeline.len(), 1, "the same again is no news: {timeline:?}");
    shop.clock.set(until);
    let (held, came) = shop.store.pending_signals(10).await.unwrap().pop().expect("it is time");
    assert_eq!(came.key, "held");
    shop.store.apply(held, Decision::default()).await.unwrap();
    assert_eq!(shop.store.next_signal_due().await.unwrap(), None);
}

#[tokio::test]
async fn a_page_that_is_due_is_made_once() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let at = noon() + Duration::from_secs(600);
    shop.decide("due", vec![Change::PageAt { incident: IncidentRef::Existing(id), at: Some(at) }]).await;
    assert_eq!(shop.store.due_pages(shop.clock.now()).await.unwrap(), (vec![], Some(at)));
    shop.clock.set(at);
    assert_eq!(shop.store.due_pages(at).await.unwrap().0.len(), 1);
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
    let due = DuePage { state: IncidentState::Open, reopens: None, page };
    let decided_before = DuePage { state: IncidentState::Acknowledged, ..due.clone() };
    assert!(!shop.store.page_now(id, decided_before).await.unwrap(), "it is not as it was decided about");
    assert!(shop.store.page_now(id, due.clone()).await.unwrap());
    assert!(!shop.store.page_now(id, due).await.unwrap());
}

#[tokio::test]
async fn a_run_belongs_to_one_worker_until_its_lease_is_over() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let first = shop.claim("one").await.expect("it is due");
    assert_eq!((first.run.id, first.at.epoch, first.log.len()), (run, 1, 1));
    assert!(shop.claim("two").await.is_none());
    shop.clock.advance(LEASE);
    let second = shop.claim("two").await.expect("the lease is over");
    assert_eq!((second.at.epoch, second.fruitless_claims), (2, 2));
    let late = shop.store.append(first.at, noted("late")).await.unwrap_err();
    assert!(matches!(late, StoreError::Fenced(_)), "{late}");
    shop.store.append(second.at, noted("in time")).await.unwrap();
}

#[tokio::test]
async fn whoever_gets_on_with_a_run_keeps_it() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    shop.run(id, "coredns").await;
    let mut at = shop.claim("one").await.unwrap().at;
    for _ in 0..3 {
        shop.clock.advance(LEASE * 3 / 4);
        assert!(shop.claim("two").await.is_none(), "the last record prolonged the lease");
        at = done(shop.store.append(at, Append { prolong: Some(LEASE), ..noted("a") }).await.unwrap());
    }
    shop.clock.advance(LEASE);
    assert!(shop.claim("two").await.is_some());
}

#[tokio::test]
async fn the_log_has_no_gap_and_no_fork() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    let next = done(shop.store.append(claimed.at, noted("a")).await.unwrap());
    assert!(shop.store.append(claimed.at, noted("b")).await.is_err(), "the same position twice");
    done(shop.store.append(next, noted("c")).await.unwrap());
    assert_eq!(shop.store.run_log(run).await.unwrap().len(), 3);
}

#[tokio::test]
async fn a_parked_run_wakes_at_its_time_or_when_something_comes_in() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    let until = noon() + Duration::from_secs(600);
    shop.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(shop.claim("one").await.is_none());
    assert_eq!(shop.store.next_run_due().await.unwrap(), Some(until));
    shop.decide("resolved", vec![Change::ToRun { run, item: InboxItem::AlertResolved }]).await;
    let claimed = shop.claim("one").await.expect("woken");
    assert_eq!(claimed.inbox.len(), 1);
    assert_eq!(claimed.inbox[0].1, InboxItem::AlertResolved);
    let taken = Append { consumes: vec![claimed.inbox[0].0], park_until: Some(until), ..noted("taken") };
    shop.store.append(claimed.at, taken).await.unwrap();
    assert!(shop.claim("one").await.is_none());
    shop.clock.set(until);
    assert!(shop.claim("one").await.unwrap().inbox.is_empty());
}

#[tokio::test]
async fn the_engine_hears_of_a_timer_that_was_set() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    // Another worker finds nothing due before the end of the lease, and rests until then.
    let bell = shop.store.bells().runs.listen();
    assert_eq!(shop.store.next_run_due().await.unwrap(), Some(noon() + LEASE));
    let at = done(shop.store.append(claimed.at, noted("a")).await.unwrap());
    assert!(!bell.has_changed().unwrap());
    let until = noon() + Duration::from_secs(5);
    shop.store.append(at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(bell.has_changed().unwrap());
    assert_eq!(shop.store.next_run_due().await.unwrap(), Some(until));
}

#[tokio::test]
async fn a_run_never_wakes_before_its_time_however_exact_that_is() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    let until = noon() + Duration::from_nanos(1_000_000_001);
    shop.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(shop.store.next_run_due().await.unwrap().unwrap() >= until);
}

#[tokio::test]
async fn what_came_in_while_a_run_parked_wakes_it_at_once() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    shop.decide("cancel", vec![Change::ToRun { run, item: InboxItem::Cancel { by: "alice".into() } }]).await;
    let until = noon() + Duration::from_secs(600);
    shop.store.append(claimed.at, Append { park_until: Some(until), ..Append::default() }).await.unwrap();
    assert!(shop.claim("one").await.is_some());
}

#[tokio::test]
async fn no_mutation_begins_over_an_inbox_or_without_its_lock() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let (first, second) = (shop.run(id, "coredns").await, shop.run(id, "coredns-2").await);
    let guard = || Append { guard: Some(vec!["Deployment/kube-system/coredns".into()]), ..noted("start") };
    let one = shop.claim("one").await.unwrap();
    let two = shop.claim("two").await.unwrap();
    assert_eq!((one.run.id, two.run.id), (first, second));
    let one_at = done(shop.store.append(one.at, guard()).await.unwrap());
    let refused = shop.store.append(two.at, guard()).await.unwrap();
    assert_eq!(refused, Appended::Locked { key: "Deployment/kube-system/coredns".into(), by: first });
    assert_eq!(shop.store.run_log(second).await.unwrap().len(), 1, "a refused append writes nothing");
    shop.decide("cancel", vec![Change::ToRun { run: first, item: InboxItem::AlertResolved }]).await;
    let refused = shop.store.append(one_at, guard()).await.unwrap();
    assert!(matches!(refused, Appended::InboxFirst(items) if items.len() == 1));
    let end = Append { end: Some((Outcome::Cancelled, "enough".into())), ..noted("end") };
    done(shop.store.append(one_at, end).await.unwrap());
    done(shop.store.append(two.at, guard()).await.unwrap());
}

#[tokio::test]
async fn the_end_of_a_run_comes_in_through_the_front_door() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    let end = Append { end: Some((Outcome::Fixed, "p99 is low".into())), ..noted("end") };
    let at = done(shop.store.append(claimed.at, end).await.unwrap());
    let (_, signal) = shop.store.pending_signals(10).await.unwrap().pop().unwrap();
    let ended = SignalBody::RunEnded { run, outcome: Outcome::Fixed, because: "p99 is low".into() };
    assert_eq!(signal.body, ended);
    assert!(shop.store.append(at, noted("after the end")).await.is_err());
    shop.clock.advance(LEASE * 2);
    assert!(shop.claim("one").await.is_none());
}

#[tokio::test]
async fn an_approval_is_answered_once_and_its_answer_reaches_the_run() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    let preview = Preview {
        steps: vec![PreviewStep {
            step: StepPath("mitigate.scale".into()),
            mutating: true,
            summary: "scale 4 -> 6".into(),
            certain: true,
            diff: None,
        }],
    };
    let expires_at = noon() + Duration::from_secs(1_800);
    let ask = Append { ask: Some(Ask { preview, expires_at }), park_until: Some(expires_at), ..Append::default() };
    shop.store.append(claimed.at, ask).await.unwrap();
    let approval = shop.store.open_approvals().await.unwrap().pop().unwrap();
    for (key, person, verdict) in [("v1", "alice", Verdict::Approve), ("v2", "bob", Verdict::Deny)] {
        let vote = Change::Vote { approval: approval.id, person: person.into(), verdict };
        shop.decide(key, vec![vote]).await;
    }
    let answered = shop.store.approval(approval.id).await.unwrap().unwrap();
    assert_eq!((answered.state, answered.answered_by.as_deref()), (ApprovalState::Approved, Some("alice")));
    let claimed = shop.claim("one").await.expect("woken by the answer");
    let answer = InboxItem::Answer { approval: approval.id, verdict: Verdict::Approve, by: "alice".into() };
    assert_eq!(claimed.inbox.iter().map(|(_, item)| item).collect::<Vec<_>>(), [&answer]);
    assert_eq!(claimed.run.id, run);
}

#[tokio::test]
async fn a_delivery_is_repeated_until_it_arrives_and_again_when_its_subject_changed_on_the_way() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let hold = Duration::from_secs(60);
    let take = || async { shop.store.take_deliveries(&["console"], 10, hold).await.unwrap() };
    let card = take().await.pop().expect("the incident's message");
    assert_eq!(card.subject, DeliverySubject::Card { incident: id });
    assert!(take().await.is_empty(), "it is on its way");
    let retry_at = noon() + Duration::from_secs(5);
    shop.store.delivery_failed(card.id, "503", Some(retry_at), None).await.unwrap();
    assert_eq!(shop.store.next_delivery_due(&["console"]).await.unwrap(), Some(retry_at));
    shop.clock.set(retry_at);
    let card = take().await.pop().expect("again");
    assert_eq!(card.attempts, 1);
    shop.decide("note", vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    shop.store.delivered(card.id, Some("message-1")).await.unwrap();
    let card = take().await.pop().expect("it changed on the way");
    shop.store.delivered(card.id, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(shop.store.external_message("console", id).await.unwrap().as_deref(), Some("message-1"));
}

#[tokio::test]
async fn what_is_given_up_is_tried_again_when_it_changed_on_the_way() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let take = || async { shop.store.take_deliveries(&["console"], 10, LEASE).await.unwrap() };
    let card = take().await.pop().expect("the incident's message");
    shop.decide("note", vec![Change::Mitigate { incident: IncidentRef::Existing(id) }]).await;
    shop.store.delivery_failed(card.id, "400", None, None).await.unwrap();
    let card = take().await.pop().expect("there is something new to tell");
    shop.store.delivery_failed(card.id, "400", None, None).await.unwrap();
    assert!(take().await.is_empty());
    assert_eq!(shop.store.next_delivery_due(&["console"]).await.unwrap(), None);
}

#[tokio::test]
async fn a_page_goes_to_another_sink_once() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
    shop.decide("page", vec![Change::Page { incident: IncidentRef::Existing(id), page }]).await;
    let page = shop.store.take_deliveries(&["webhook"], 10, LEASE).await.unwrap().pop().expect("the page");
    let later = noon() + Duration::from_secs(900);
    let fails = async || shop.store.delivery_failed(page.id, "429", Some(later), Some("telephone")).await.unwrap();
    assert!(fails().await);
    assert!(!fails().await, "it is there already");
    assert_eq!(shop.store.next_delivery_due(&["telephone"]).await.unwrap(), Some(noon()));
    let other = shop.store.take_deliveries(&["telephone"], 10, LEASE).await.unwrap().pop().expect("the same page");
    assert_eq!((other.subject, other.attempts, other.external), (page.subject, 0, None));
    shop.store.delivered(other.id, None).await.unwrap();
    assert!(!fails().await, "not after it arrived there either");
}

#[tokio::test]
async fn pages_are_delivered_before_messages() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
    shop.decide("page", vec![Change::Page { incident: IncidentRef::Existing(id), page }]).await;
    let subjects: Vec<_> = shop
        .store
        .take_deliveries(&["console"], 10, LEASE)
        .await
        .unwrap()
        .into_iter()
        .map(|delivery| delivery.subject)
        .collect();
    assert!(matches!(subjects[..], [DeliverySubject::Page { .. }, DeliverySubject::Card { .. }]), "{subjects:?}");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 3).await;
    let run = shop.run(id, "coredns").await;
    let claimed = shop.claim("one").await.unwrap();
    done(shop.store.append(claimed.at, noted("a")).await.unwrap());
    shop.signal("waiting").await;
    let shop = shop.reopen().await;
    assert_eq!(shop.store.incident(id).await.unwrap().unwrap().open_episodes, 3);
    assert_eq!(shop.store.run_log(run).await.unwrap().len(), 2);
    assert_eq!(shop.store.pending_signals(10).await.unwrap().len(), 1);
    let timeline = shop.store.timeline(id).await.unwrap();
    assert!(timeline.iter().any(|entry| matches!(&entry.what, TimelineWhat::Run(of, _) if *of == run)));
    let claimed = shop.claim("two").await.expect("the process that held its lease is gone");
    assert_eq!((claimed.run.id, claimed.at.epoch), (run, 2));
}

#[tokio::test]
async fn each_database_has_a_mark_of_its_own_and_keeps_it() {
    let (one, two) = (Shop::open().await, Shop::open().await);
    let mark = one.store.mark().to_owned();
    assert!(mark.len() == 8 && mark.chars().all(|c| c.is_ascii_hexdigit()), "{mark}");
    assert_ne!(mark, two.store.mark());
    assert_eq!(one.reopen().await.store.mark(), mark);
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused() {
    let shop = Shop::open().await;
    let error = open(shop.folder.path(), &shop.clock).await.err().expect("refused").to_string();
    assert!(error.contains("another dogwatch works on this database"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_clear_error() {
    let clock = Arc::new(ManualClock::new(noon()));
    let error = open(std::path::Path::new("/nowhere/at/all"), &clock).await.err().expect("refused").to_string();
    assert!(error.contains("check that its folder exists and can be written"), "{error}");
}

#[tokio::test]
async fn writes_from_many_sides_are_all_kept() {
    let shop = Shop::open().await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..200 {
        let store = shop.store.clone();
        let at = shop.clock.now();
        tasks.spawn(async move {
            let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
            let signal = Signal { source: "test".into(), key: n.to_string(), received_at: at, body };
            store.accept(&signal).await.unwrap();
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(shop.store.pending_signals(1_000).await.unwrap().len(), 200);
}

#[tokio::test]
async fn a_second_process_may_look_but_not_write() {
    let shop = Shop::open().await;
    let id = shop.incident("coredns", 1).await;
    let path = shop.folder.path().join("dogwatch.db");
    let reader = SqliteStore::open_for_reading(&path, shop.clock.clone()).await.unwrap();
    assert_eq!(reader.incident(id).await.unwrap().unwrap().id, id);
    let later = shop.incident("another", 1).await;
    assert!(reader.incident(later).await.unwrap().is_some(), "it sees what is committed meanwhile");
    let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
    let due = DuePage { state: IncidentState::Open, reopens: None, page };
    assert!(reader.page_now(id, due).await.is_err());
    let nowhere = shop.folder.path().join("nowhere.db");
    assert!(SqliteStore::open_for_reading(&nowhere, shop.clock.clone()).await.is_err());
    assert!(!nowhere.exists());
    // Also when nobody has it open.
    shop.store.close().await;
    drop(reader);
    let reader = SqliteStore::open_for_reading(&path, shop.clock.clone()).await.unwrap();
    assert!(reader.incident(later).await.unwrap().is_some());
}

/// Whoever copies the one file has everything.
#[tokio::test]
async fn a_store_that_is_closed_is_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("bot.db"), folder.path().join("copy.db"));
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(noon()));
    let open = async |path| SqliteStore::open(path, Durability::Full, clock.clone(), Sinks::default()).await.unwrap();
    let store = open(&path).await;
    let person = Person { name: "ada".into(), via: Via::Console, id: "ada".into(), role: Some(Role::Responder) };
    let body = SignalBody::Command { person, command: Command::Ack { incident: IncidentId(1) } };
    let signal = Signal { source: "console".into(), key: "k".into(), received_at: noon(), body };
    store.accept(&signal).await.unwrap();
    store.close().await;
    std::fs::copy(&path, &copy).unwrap();
    assert_eq!(open(&copy).await.pending_signals(10).await.unwrap().len(), 1);
}
