//! SQLite keeps what every store promises, and what its file promises besides.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use dogwatch::clock::{Clock, ManualClock};
use dogwatch::model::*;
use dogwatch::store::sqlite::{Durability, SqliteStore};
use dogwatch::store::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection};

use crate::story::{Place as _, SqlitePlace, Story, morning, sinks};

crate::each_store_check!(crate::store, crate::story::SqlitePlace::ready);

async fn open(file: &Path, durability: Durability) -> Result<SqliteStore, StoreError> {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(morning()));
    SqliteStore::open(file, durability, clock, Sinks::default()).await
}

/// The file, beside the store that has it open.
async fn beside(place: &SqlitePlace) -> SqliteConnection {
    SqliteConnectOptions::new().filename(place.file()).connect().await.unwrap()
}

#[tokio::test]
async fn a_locked_database_is_no_reason_to_give_anything_up() {
    let story = Story::new(&[], &[]).await;
    let signal = story.signal("a").await;
    let mut other = beside(&story.place).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let locked = story.store.apply(signal, Decision::default()).await.unwrap_err();
    assert!(locked.passes(), "{locked}");
    other.close().await.unwrap();
    story.store.apply(signal, Decision::default()).await.unwrap();
}

#[tokio::test]
async fn what_is_set_aside_can_be_looked_into_and_repaired_by_hand() {
    let story = Story::new(&[], &[]).await;
    let signal = story.signal("a").await;
    story.store.set_aside(signal, "it cannot be read", Decision::default()).await.unwrap();
    let mut other = beside(&story.place).await;
    let kept = sqlx::query("SELECT body, set_aside FROM signal WHERE id = ?").bind(signal.0);
    let kept = kept.fetch_one(&mut other).await.unwrap();
    assert!(kept.get::<String, _>("body").contains("notification"), "it can be looked into");
    assert_eq!(kept.get::<String, _>("set_aside"), "it cannot be read");
    // Whoever repairs it by hand has it worked on again.
    sqlx::query("UPDATE signal SET processed_at = NULL WHERE id = ?").bind(signal.0).execute(&mut other).await.unwrap();
    story.store.apply(signal, Decision::default()).await.unwrap();
    assert_eq!(story.store.levels().await.unwrap().set_aside_signals, 0);
}

#[tokio::test]
async fn each_database_has_a_mark_of_its_own_and_keeps_it() {
    let (one, two) = (SqlitePlace::new(), SqlitePlace::new());
    let mark = async |place: &SqlitePlace| {
        let store = open(place.file(), Durability::None).await.unwrap();
        store.close().await;
        store.mark().to_owned()
    };
    let first = mark(&one).await;
    assert!(first.len() == 8 && first.chars().all(|c| c.is_ascii_hexdigit()), "{first}");
    assert_ne!(mark(&two).await, first);
    assert_eq!(mark(&one).await, first);
}

#[tokio::test]
async fn a_second_server_on_the_same_file_is_refused() {
    let story = Story::new(&[], &[]).await;
    let error = open(story.place.file(), Durability::None).await.err().expect("refused").to_string();
    assert!(error.contains("another dogwatch works on this database"), "{error}");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_clear_error() {
    let error = open(Path::new("/nowhere/at/all"), Durability::None).await.err().expect("refused").to_string();
    assert!(error.contains("check that its folder exists and can be written"), "{error}");
}

#[tokio::test]
async fn whoever_only_looks_makes_no_file() {
    let nowhere = SqlitePlace::new();
    assert!(nowhere.open_for_reading(Arc::new(ManualClock::new(morning()))).await.is_err());
    assert!(!nowhere.file().exists());
}

/// Whoever copies the one file has everything.
#[tokio::test]
async fn a_store_that_is_closed_is_one_file() {
    let (place, copy) = (SqlitePlace::new(), SqlitePlace::new());
    let store = open(place.file(), Durability::Full).await.unwrap();
    let person = Person { name: "ada".into(), via: Via::Console, id: "ada".into(), role: Some(Role::Responder) };
    let body = SignalBody::Command { person, command: Command::Ack { incident: IncidentId(1) } };
    let signal = Signal { source: "console".into(), key: "k".into(), received_at: morning(), body };
    store.accept(&signal).await.unwrap();
    store.close().await;
    std::fs::copy(place.file(), copy.file()).unwrap();
    let copied = open(copy.file(), Durability::Full).await.unwrap();
    assert_eq!(copied.pending_signals(10).await.unwrap().len(), 1);
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
        let story = Story::new(&["console"], &["webhook"]).await;
        let id = story.incident(Severity::S2, "coredns", "CoreDNSLatencyHigh", 1).await;
        story.opens_run(id, "coredns-saturated").await;
        let incident = IncidentRef::Existing(id);
        let page = NewPage { level: 1, team: "platform".into(), reason: PageReason::Overdue, text: None };
        let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
        let held = Signal { source: "s".into(), key: "held".into(), received_at: morning(), body };
        let until = morning() + Duration::from_secs(600);
        let changes = vec![
            Change::Page { incident, page },
            Change::PageAt { incident, at: Some(until) },
            Change::Hold { signal: Box::new(held), lane: Lane::Usual, until, notes: Vec::new() },
        ];
        story.decide(changes).await;
        let Story { store, clock, place, .. } = story;
        drop(store);
        place.close().await;
        let tampers = async |sql: String| {
            let mut other = beside(&place).await;
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
            other.close().await.unwrap();
        };
        let waits = async || -> [i64; 5] {
            let mut other = beside(&place).await;
            let sql = "SELECT page_at, (SELECT wake_at FROM run), (SELECT MIN(due_at) FROM outbox WHERE urgency = 0),
                (SELECT MAX(not_before) FROM signal), (SELECT COUNT(*) FROM clock_move) FROM incident";
            let row = sqlx::query(sql).fetch_one(&mut other).await.unwrap();
            let waits = [0, 1, 2, 3, 4].map(|column| row.get(column));
            other.close().await.unwrap();
            waits
        };
        let opens = async |clock: &Arc<ManualClock>| place.open(clock.clone(), sinks(&["console"], &["webhook"])).await;
        let before = waits().await;
        clock.follow(-chrono::TimeDelta::days(1));
        tampers(format!("CREATE TRIGGER trouble BEFORE {trouble} BEGIN SELECT RAISE(ABORT, 'the disk is gone'); END"))
            .await;
        let refused = opens(&clock).await.err().expect("it cannot be moved");
        assert!(refused.to_string().contains("the disk is gone"), "{trouble}: {refused}");
        assert_eq!(waits().await, before, "{trouble}: nothing is moved");
        tampers("DROP TRIGGER trouble".into()).await;
        for _ in 0..2 {
            opens(&clock).await.unwrap();
            place.close().await;
            let [page_at, wake_at, due_at, not_before, _] = before.map(|time| time - day);
            assert_eq!(waits().await, [page_at, wake_at, due_at, not_before, 1], "{trouble}: once, and all of it");
        }
    }
}

/// A delivery without a time at which it is due: it goes out, and holds up no other.
#[tokio::test]
async fn a_delivery_whose_time_is_damaged_is_due() {
    for damaged in ["'tomorrow'", "''", "x'00ff'", "9e300", "9223372036854775807", "-9e300", "1.5"] {
        let story = Story::new(&["console"], &["webhook"]).await;
        let one = story.incident(Severity::S2, "coredns", "CoreDNSLatencyHigh", 1).await;
        story.page(one, PageReason::Overdue).await;
        let two = story.incident(Severity::S2, "dns", "DnsSlow", 1).await;
        story.page(two, PageReason::Overdue).await;
        let mut other = beside(&story.place).await;
        let damages = format!("UPDATE outbox SET due_at = {damaged} WHERE sink = 'webhook' AND page_id = 1");
        sqlx::raw_sql(sqlx::AssertSqlSafe(damages)).execute(&mut other).await.unwrap();
        let due = story.store.next_delivery_due(&["webhook"]).await.unwrap();
        assert!(due.is_some_and(|due| due <= story.clock.now()), "{damaged}: {due:?}");
        let taken = story.store.take_deliveries(&["webhook"], 10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(taken.len(), 2, "{damaged}");
        let due = story.store.next_delivery_due(&["webhook"]).await.unwrap();
        assert_eq!(due, Some(story.clock.now() + Duration::from_secs(60)), "{damaged}: it is mended");
        other.close().await.unwrap();
    }
}

/// The same of all else that waits for a time: the next process finds that it has come.
#[tokio::test]
async fn what_waits_for_a_damaged_time_is_due_at_the_next_start() {
    for damaged in ["'tomorrow'", "x'00ff'", "9e300"] {
        let story = Story::new(&["console"], &["webhook"]).await;
        let id = story.incident(Severity::S2, "coredns", "CoreDNSLatencyHigh", 1).await;
        story.opens_run(id, "coredns-saturated").await;
        let body = SignalBody::RunEnded { run: RunId(1), outcome: Outcome::Fixed, because: String::new() };
        let held = Signal { source: "s".into(), key: "held".into(), received_at: morning(), body };
        let until = morning() + Duration::from_secs(600);
        let changes = vec![
            Change::PageAt { incident: IncidentRef::Existing(id), at: Some(until) },
            Change::Hold { signal: Box::new(held), lane: Lane::Usual, until, notes: Vec::new() },
        ];
        story.decide(changes).await;
        let mut other = beside(&story.place).await;
        let damages = format!(
            "UPDATE incident SET page_at = {damaged}; UPDATE run SET wake_at = {damaged};
             UPDATE signal SET not_before = {damaged} WHERE not_before IS NOT NULL"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(damages)).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let story = story.reopens().await;
        let now = story.clock.now();
        assert_eq!(story.store.due_pages(now).await.unwrap().0.len(), 1, "{damaged}");
        assert_eq!(story.store.next_run_due().await.unwrap(), Some(now), "{damaged}");
        assert_eq!(story.store.next_signal_due().await.unwrap(), Some(now), "{damaged}");
    }
}

/// Whatever else is damaged beside it.
#[tokio::test]
async fn a_damaged_time_for_which_a_sink_is_left_alone_holds_nothing() {
    let story = Story::new(&["console"], &["webhook"]).await;
    for damaged in ["'tomorrow'", "x'00'", "9223372036854775807"] {
        let id = story.incident(Severity::S2, damaged, "CoreDNSLatencyHigh", 1).await;
        story.page(id, PageReason::Overdue).await;
        let mut other = beside(&story.place).await;
        let damages = format!("INSERT INTO sink_hold VALUES ('webhook', {damaged}, 'because')");
        sqlx::raw_sql(sqlx::AssertSqlSafe(damages)).execute(&mut other).await.unwrap();
        other.close().await.unwrap();
        let due = story.store.next_delivery_due(&["webhook"]).await.unwrap();
        assert!(due.is_some_and(|due| due <= story.clock.now()), "{damaged}: {due:?}");
        let taken = story.store.take_deliveries(&["webhook"], 10, Duration::from_secs(60)).await.unwrap();
        assert_eq!(taken.len(), 1, "{damaged}");
    }
}

/// What the version before 0025 has left: one ticket that may have been tried, one that is there.
#[tokio::test]
async fn tickets_of_before_doubt_was_noted_are_looked_for_and_stay_where_they_are() {
    let tickets = TicketSinks { others: Some("ticket:ops".into()), ..TicketSinks::default() };
    let before = Sinks { tickets: tickets.clone(), ..sinks(&["console"], &["webhook"]) };
    let story = Story::new(&["console"], &["webhook"]).await.reopens_with(before).await;
    for (title, alert) in [("one", "One"), ("two", "Two"), ("three", "Three")] {
        let id = story.incident_of("platform", Severity::S3, title, alert, 1, None).await;
        story.page(id, PageReason::Overdue).await;
    }
    let Story { store, clock, place, .. } = story;
    drop(store);
    place.close().await;
    let mut other = beside(&place).await;
    let told =
        r#"{"severity":"S3","state":"open","spell":1,"alerts":1,"owner":null,"runs":[],"reason":"","part_of":null}"#;
    let lies = format!(r#"{{"id":"7","url":"https://t/7","open":true,"told":{told}}}"#);
    let back = format!(
        "UPDATE outbox SET external_id = '{lies}', due_at = NULL, delivered_at = 1 WHERE key = 'TKT-2';
         UPDATE outbox SET external_id = 'damaged', due_at = NULL WHERE key = 'TKT-3';
         ALTER TABLE ticket DROP COLUMN tried_at; ALTER TABLE ticket DROP COLUMN lost;
         ALTER TABLE ticket DROP COLUMN failing_since; ALTER TABLE ticket DROP COLUMN refused;
         ALTER TABLE ticket DROP COLUMN left_at; DROP TABLE sink_hold; DELETE FROM _sqlx_migrations WHERE version = 25"
    );
    sqlx::raw_sql(sqlx::AssertSqlSafe(back)).execute(&mut other).await.unwrap();
    other.close().await.unwrap();
    let site = |key: &str| TicketSite { key: key.into(), shown: format!("acme/{key}") };
    let opens = async |key: &str| {
        let sites = [("ticket:ops".to_owned(), site(key))].into();
        let sinks = Sinks { tickets: TicketSinks { sites, ..tickets.clone() }, ..sinks(&["console"], &["webhook"]) };
        place.open(clock.clone(), sinks).await.unwrap()
    };
    let store = opens("db").await;
    let read = async |id| store.ticket(TicketId(id)).await.unwrap().unwrap();
    let (waits, lies, damaged) = (read(1).await, read(2).await, read(3).await);
    assert_eq!((waits.tried_at, lies.tried_at), (Some(waits.created_at), None), "it may have been made");
    assert_eq!(lies.place.unwrap().site, Some(site("db")), "where its tracker makes them now");
    assert_eq!(damaged.place, None, "and keeps nothing up");
    drop(store);
    place.close().await;
    let store = opens("other").await;
    let due = store.take_deliveries(&["ticket:ops"], 10, Duration::from_secs(60)).await.unwrap();
    let due: Vec<DeliverySubject> = due.into_iter().map(|delivery| delivery.subject).collect();
    let ticket = |id| DeliverySubject::Ticket { ticket: TicketId(id) };
    assert_eq!(due, [ticket(1), ticket(2)], "what lies elsewhere is looked at");
}

/// What is damaged covers for nobody, and keeps no other from counting.
#[tokio::test]
async fn a_damaged_override_is_left_out_and_harms_no_other() {
    let story = Story::new(&[], &[]).await;
    let new = |member: &str| NewOverride {
        team: "platform".into(),
        layer: Layer::Primary,
        member: member.into(),
        whom: None,
        from: morning(),
        until: morning() + chrono::TimeDelta::hours(1),
        reason: "a wedding".into(),
        by: "bob".into(),
        via: "console".into(),
    };
    for (id, member) in [(1, "ada"), (2, "bob"), (3, "carol")] {
        let kept = Box::new(new(member));
        story.decide(vec![Change::KeepOverride { id: OverrideId(id), kept }]).await;
    }
    let mut other = beside(&story.place).await;
    for damage in ["layer = 'tertiary' WHERE id = 1", "until_at = x'ff00' WHERE id = 2"] {
        let sql = format!("UPDATE oncall_override SET {damage}");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
    }
    let read = story.store.overrides_since(morning()).await.unwrap();
    assert_eq!(read.iter().map(|kept| kept.member.as_str()).collect::<Vec<_>>(), ["carol"]);
    assert!(story.store.override_of(OverrideId(1)).await.is_err());
    assert_eq!(story.store.next_override_id().await.unwrap(), OverrideId(4));
}
