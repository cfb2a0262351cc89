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
