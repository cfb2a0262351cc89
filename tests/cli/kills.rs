//! Kill -9 in the middle of what takes long: of a start, between two attempts of a page, and
//! between two levels of an escalation.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Row as _};

use super::serve::until;
use super::serving::{self, Serving};

/// Takes pages, or answers that it cannot.
struct Receiver {
    url: String,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    is_well: bool,
    /// The keys of the pages that it took.
    took: Vec<String>,
}

impl Receiver {
    fn ill() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State::default()));
        let shared = state.clone();
        // Until the end of the process: it has nothing to lose.
        std::thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let _ = answer(connection, &shared);
            }
        });
        Self { url, state }
    }

    fn is_well(&self) {
        self.state.lock().unwrap().is_well = true;
    }

    fn took(&self) -> Vec<String> {
        self.state.lock().unwrap().took.clone()
    }
}

fn answer(mut connection: TcpStream, state: &Mutex<State>) -> std::io::Result<()> {
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut request = Vec::new();
    let body = loop {
        let mut some = [0; 4_096];
        let read = connection.read(&mut some)?;
        request.extend_from_slice(&some[..read]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if read == 0 || body.len() >= length.unwrap_or(0) {
            break body.to_owned();
        }
    };
    let mut state = state.lock().unwrap();
    let status = if state.is_well { "200 OK" } else { "503 Service Unavailable" };
    if state.is_well {
        let page: Value = serde_json::from_str(&body).unwrap();
        state.took.push(page["dedup_key"].as_str().unwrap_or_default().to_owned());
    }
    write!(connection, "HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
}

/// A server whose pages go to `receiver`, with a page that was tried at least twice, in vain.
fn in_vain(receiver: &Receiver) -> Serving {
    let server = pages(receiver);
    let database = database(&server);
    until(|| tried(&database).0 >= 2);
    server
}

/// A server whose pages go to `receiver`, with one that is due.
fn pages(receiver: &Receiver) -> Serving {
    let folder = serving::folder();
    let pages = format!("pages: {{ sinks: [webhook], webhook: {{ url: \"{}\" }} }}\n", receiver.url);
    std::fs::write(folder.path().join("dogwatch.yaml"), format!("{}{pages}", serving::CONFIG)).unwrap();
    let server = Serving::start_in(folder, &[]);
    let body = json!({
        "version": "4", "groupKey": "{}:{}", "receiver": "dogwatch", "status": "firing",
        "alerts": [{
            "status": "firing", "labels": { "alertname": "OddThing", "severity": "critical" }, "annotations": {},
            "startsAt": "2026-03-02T08:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        }],
    });
    assert_eq!(server.deliver(&body), 200);
    server
}

fn database(server: &Serving) -> PathBuf {
    server.folder.path().join("dogwatch.db")
}

/// One row of the database, as a list of numbers.
fn numbers<const N: usize>(database: &Path, sql: &'static str) -> [i64; N] {
    let read = async {
        let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        let row = sqlx::query(sql).fetch_one(&mut connection).await.unwrap();
        let numbers = std::array::from_fn(|column| row.get::<Option<i64>, _>(column).unwrap_or(0));
        connection.close().await.unwrap();
        numbers
    };
    tokio::runtime::Runtime::new().unwrap().block_on(read)
}

fn tampers(database: &Path, sql: &'static str) -> Result<(), sqlx::Error> {
    let write = async {
        let options = SqliteConnectOptions::new().filename(database).busy_timeout(Duration::ZERO);
        let mut connection = options.connect().await?;
        let done = sqlx::raw_sql(sql).execute(&mut connection).await.map(drop);
        connection.close().await?;
        done
    };
    tokio::runtime::Runtime::new().unwrap().block_on(write)
}

/// How often the page was tried in vain, and when it is tried next.
fn tried(database: &Path) -> (i64, i64) {
    let [attempts, due_at] = numbers(database, "SELECT MAX(attempts), MAX(due_at) FROM outbox WHERE urgency = 0");
    (attempts, due_at)
}

#[test]
fn a_page_is_tried_on_after_a_kill_between_two_attempts() {
    let receiver = Receiver::ill();
    let mut server = in_vain(&receiver);
    server.signal("KILL");
    server.ended(Duration::from_secs(10)).expect("it is killed");
    let (attempts, _) = tried(&database(&server));
    assert!(attempts >= 2, "{attempts}");
    let server = server.again();
    // It is ill for one more attempt: that goes on counting, and calls nobody else.
    until(|| tried(&database(&server)).0 > attempts);
    receiver.is_well();
    until(|| !receiver.took().is_empty() && tried(&database(&server)) == (0, 0));
    let server = server.again();
    until(|| server.get("/readyz").0 == 200);
    assert_eq!(receiver.took(), ["dogwatch-INC-1-1-1-S1"], "once");
}

/// Nobody acknowledges, and the bot is killed before the next is called, and in the middle of it.
#[test]
fn the_next_is_called_once_after_a_kill_between_two_levels() {
    let receiver = Receiver::ill();
    receiver.is_well();
    let mut server = pages(&receiver);
    for level in 1..=3 {
        let key = format!("dogwatch-INC-1-1-{level}-S1");
        until(|| receiver.took().last() == Some(&key));
        server.signal("KILL");
        server.ended(Duration::from_secs(10)).expect("it is killed");
        // Their time goes by while nobody is there.
        let later =
            "UPDATE escalation SET due_at = due_at - 300000000; UPDATE page SET arrived_at = created_at - 300000000";
        tampers(&database(&server), later).unwrap();
        server = server.again();
    }
    until(|| receiver.took().last().is_some_and(|key| key == "dogwatch-INC-1-1-4-S1"));
    let server = server.again();
    until(|| server.get("/readyz").0 == 200);
    let mut took = receiver.took();
    // An answer that a kill has kept from the bot is asked for again, under its key.
    let mut seen = std::collections::BTreeSet::new();
    took.retain(|key| seen.insert(key.clone()));
    assert_eq!(took, [1, 2, 3, 4].map(|level| format!("dogwatch-INC-1-1-{level}-S1")));
}

/// What is slow is one of the tables that are written to in the middle of it.
const SLOW: &str = "
    CREATE TABLE slow AS WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT 5000) SELECT n FROM n;
    CREATE TRIGGER slow BEFORE UPDATE OF due_at ON outbox
        BEGIN SELECT COUNT(*) FROM slow AS a, slow AS b, slow AS c WHERE a.n + b.n + c.n < 0; END;";

#[test]
fn a_kill_while_what_waits_is_moved_leaves_all_of_it_to_the_next_start() {
    let receiver = Receiver::ill();
    let mut server = in_vain(&receiver);
    server.signal("KILL");
    server.ended(Duration::from_secs(10)).expect("it is killed");
    let database = database(&server);
    // All of it was told by a clock that was a day ahead.
    let ahead = "UPDATE signal SET received_at = received_at + 86400000000;
        UPDATE incident_event SET at = at + 86400000000;
        UPDATE incident SET page_at = opened_at + 86400000000 + 3600000000;
        UPDATE outbox SET due_at = due_at + 86400000000 WHERE urgency = 0";
    tampers(&database, ahead).unwrap();
    tampers(&database, SLOW).unwrap();
    let waits = || -> [i64; 3] {
        let sql =
            "SELECT page_at, (SELECT MAX(due_at) FROM outbox WHERE urgency = 0), (SELECT COUNT(*) FROM clock_move)
            FROM incident";
        numbers(&database, sql)
    };
    let before = waits();
    let mut started = Command::new(env!("CARGO_BIN_EXE_dogwatch"))
        .args(["serve", "--config", "dogwatch.yaml"])
        .current_dir(server.folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Nothing else of a start holds the lock for so long.
    let mut held = 0;
    for _ in 0..600 {
        let is_held = tampers(&database, "BEGIN IMMEDIATE; ROLLBACK").is_err();
        held = if is_held { held + 1 } else { 0 };
        if held == 20 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    started.kill().unwrap();
    started.wait().unwrap();
    assert_eq!(held, 20, "it does not come to it");
    assert_eq!(waits(), before, "nothing of it was moved");
    tampers(&database, "DROP TRIGGER slow; DROP TABLE slow").unwrap();
    receiver.is_well();
    let server = server.again();
    until(|| !receiver.took().is_empty());
    let [page_at, _, moves] = waits();
    let by = before[0] - page_at;
    assert!((0..1_800_000_000).contains(&(86_400_000_000 - by)) && moves == 1, "moved by {by} us, {moves} times");
    let server = server.again();
    until(|| server.get("/readyz").0 == 200);
    assert_eq!(waits()[2], 1, "once");
    assert_eq!(receiver.took(), ["dogwatch-INC-1-1-1-S1"], "once");
}
