//! What the bot believes about its files, while somebody changes them under it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::serve::until;
use super::serving::{self, Serving, delivery, firing};
use super::*;

fn alert(name: &str) -> Value {
    delivery(&format!("{{}}:{{{name}}}"), &[firing(name)])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// Until it has ended, each delivery is refused; gives what it said of its end.
fn ends_and_takes_nothing(server: &mut Serving) -> String {
    for n in 0.. {
        match server.try_deliver(&alert(&format!("TooLate{n}")), Duration::from_secs(10)) {
            Some(503) => std::thread::sleep(Duration::from_millis(50)),
            Some(status) => panic!("a 200 would be a promise that nobody can keep: {status}"),
            None => break,
        }
    }
    let status = server.ended(Duration::from_secs(20)).expect("it ends by itself");
    assert_eq!(status.code(), Some(1), "{}", server.log());
    server.log()
}

#[test]
fn a_database_that_is_deleted_under_way_is_put_back_and_nothing_is_promised_meanwhile() {
    let mut server = Serving::start();
    assert_eq!(server.deliver(&alert("OddThing")), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    for name in ["dogwatch.db", "dogwatch.db-wal", "dogwatch.db-shm", "dogwatch.db.lock"] {
        fs::remove_file(server.folder.path().join(name)).unwrap();
    }
    let log = ends_and_takes_nothing(&mut server);
    assert!(log.contains("dogwatch.db was deleted or moved away while the bot worked on it"), "{log}");
    assert!(log.contains("lies in its place"), "{log}");
    let again = server.again();
    assert_eq!(mode(&again.folder.path().join("dogwatch.db")), 0o600);
    assert!(again.ask("eve", &["incidents"]).out.contains("OddThing"), "what was accepted is not lost");
    assert!(!again.ask("eve", &["incidents"]).out.contains("TooLate"));
    again.stop();
}

#[test]
fn a_database_that_is_replaced_under_way_is_copied_and_left_to_people() {
    let mut server = Serving::start();
    assert_eq!(server.deliver(&alert("OddThing")), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    fs::write(server.folder.path().join("other"), "somebody's").unwrap();
    fs::rename(server.folder.path().join("other"), server.folder.path().join("dogwatch.db")).unwrap();
    let log = ends_and_takes_nothing(&mut server);
    assert!(log.contains("dogwatch.db was replaced by another file while the bot worked on it"), "{log}");
    assert!(log.contains("stop the bot and move that to"), "{log}");
    let path = |name: &str| server.folder.path().join(name);
    assert_eq!(fs::read_to_string(path("dogwatch.db")).unwrap(), "somebody's", "it is not ours");
    let entries = fs::read_dir(server.folder.path()).unwrap();
    let copy = entries.map(|entry| entry.unwrap().path()).find(|path| path.to_string_lossy().contains(".rescued-"));
    let copy = copy.expect("a copy lies beside it");
    assert_eq!(mode(&copy), 0o600);
    // As the log says.
    for name in ["dogwatch.db-wal", "dogwatch.db-shm"] {
        let _ = fs::remove_file(path(name));
    }
    fs::rename(copy, path("dogwatch.db")).unwrap();
    let again = server.again();
    assert!(again.ask("eve", &["incidents"]).out.contains("OddThing"), "what was accepted is not lost");
    again.stop();
}

#[test]
fn a_log_that_is_deleted_beside_the_database_takes_nothing_with_it() {
    let mut server = Serving::start();
    assert_eq!(server.deliver(&alert("OddThing")), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    fs::remove_file(server.folder.path().join("dogwatch.db-wal")).unwrap();
    let log = ends_and_takes_nothing(&mut server);
    assert!(log.contains("dogwatch.db-wal was deleted"), "{log}");
    assert!(log.contains("all that was accepted is in the database now"), "{log}");
    let again = server.again();
    assert!(again.ask("eve", &["incidents"]).out.contains("OddThing"));
    again.stop();
}

#[test]
fn a_second_server_finds_no_other_name_for_the_database() {
    let server = Serving::start();
    let path = |name: &str| server.folder.path().join(name);
    symlink("dogwatch.db", path("other.db")).unwrap();
    let second = |database: &str| {
        let config = format!("{}store: {{ sqlite: {database} }}\n", serving::CONFIG);
        fs::write(path("second.yaml"), config).unwrap();
        let said = dogwatch(server.folder.path(), &["serve", "--config", "second.yaml"], &[]);
        assert_eq!(said.code, 1, "{}", said.err);
        said.err
    };
    assert!(second("other.db").contains("another dogwatch works on this database"));
    // Whoever takes the lock's file away opens no door.
    fs::remove_file(path("dogwatch.db.lock")).unwrap();
    assert!(second("dogwatch.db").contains("another dogwatch works on this database"));
    fs::hard_link(path("dogwatch.db"), path("third.db")).unwrap();
    assert!(second("third.db").contains("has 2 names (hard links)"));
    fs::remove_file(path("third.db")).unwrap();
    assert_eq!(server.deliver(&alert("OddThing")), 200, "the first one works on");
    server.stop();
}

/// Locked by somebody else, as full: nothing can be written, and that mends itself.
#[test]
fn a_bot_that_cannot_write_is_not_ready_until_it_can() {
    let server = Serving::start();
    assert_eq!(server.get("/readyz").0, 200);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let path = server.folder.path().join("dogwatch.db");
    let mut other = runtime.block_on(SqliteConnectOptions::new().filename(path).connect()).unwrap();
    runtime.block_on(sqlx::query("BEGIN IMMEDIATE").execute(&mut other)).unwrap();
    // Nobody has to deliver anything for it to be noticed.
    until(|| server.get("/readyz").0 == 503);
    assert!(server.get("/readyz").1.contains("the store cannot be written: "), "{}", server.get("/readyz").1);
    assert!(server.get("/readyz").1.contains("database is locked"), "{}", server.get("/readyz").1);
    assert_eq!(server.deliver(&alert("OddThing")), 503);
    assert_eq!(server.get("/healthz").0, 200, "a restart would not help");
    runtime.block_on(sqlx::query("ROLLBACK").execute(&mut other)).unwrap();
    until(|| server.get("/readyz").0 == 200);
    assert_eq!(server.deliver(&alert("OddThing")), 200);
    runtime.block_on(other.close()).unwrap();
    server.stop();
}

#[test]
fn what_the_bot_writes_is_for_nobody_else_to_read() {
    let folder = serving::folder();
    // As an earlier version left it.
    let path = folder.path().join("data/dogwatch.db");
    fs::create_dir(folder.path().join("data")).unwrap();
    fs::set_permissions(folder.path().join("data"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(&path, "").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let config = format!("{}store: {{ sqlite: data/dogwatch.db }}\nhandoff: {{ mode: 0644 }}\n", serving::CONFIG);
    fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    let server = Serving::start_in(folder, &[]);
    assert_eq!(server.deliver(&alert("OddThing")), 200);
    for name in ["dogwatch.db", "dogwatch.db-wal", "dogwatch.db-shm", "dogwatch.db.lock"] {
        assert_eq!(mode(&server.folder.path().join("data").join(name)), 0o600, "{name}");
    }
    assert_eq!(mode(&server.folder.path().join("data")), 0o700);
    assert!(server.log().contains("others could read it (mode 0644); its mode is 0600 now"), "{}", server.log());
    let written = dogwatch(server.folder.path(), &["handoff"], &[]);
    assert_eq!(written.code, 0, "{}", written.err);
    assert_eq!(mode(&server.folder.path().join(written.out.trim())), 0o644);
    server.stop();
}

/// A repository that is synchronised into the folder of the playbooks may hold anything.
#[test]
fn what_is_no_playbook_hangs_nothing_fills_nothing_and_is_not_shown() {
    const JWT: &str =
        "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQifQ.c2lnbmF0dXJlLW9mLWl0";
    let folder = serving::folder();
    let playbooks = folder.path().join("playbooks");
    assert!(Command::new("mkfifo").arg(playbooks.join("pipe.yaml")).status().unwrap().success());
    symlink("/dev/zero", playbooks.join("zeros.yaml")).unwrap();
    symlink("../ada", playbooks.join("link.yaml")).unwrap();
    fs::write(playbooks.join("copied.yaml"), JWT).unwrap();
    fs::write(playbooks.join("shadow.yaml"), "root:$6$saltsalt$hash:19000:0:99999:7:::\n").unwrap();
    let vast = fs::File::create(playbooks.join("vast.yaml")).unwrap();
    vast.set_len(10 * 1024 * 1024 * 1024).unwrap();
    let mistaken = "apiVersion: dogwatch/v1\nkind: Playbook\npasword: hunter2hunter2\n";
    fs::write(playbooks.join("mistaken.yaml"), mistaken).unwrap();
    let checked = dogwatch(folder.path(), &["check", "playbooks"], &[]);
    assert_eq!(checked.code, 1, "{}", checked.err);
    let server = Serving::start_in(folder, &[]);
    for said in [&checked.out, &server.log()] {
        for (file, what) in [
            ("pipe.yaml", "it is a pipe, and only regular files are read"),
            ("zeros.yaml", "it is a link that leads out of its folder"),
            ("link.yaml", "it is a link that leads out of its folder"),
            ("copied.yaml", "this is no playbook"),
            ("shadow.yaml", "this is no playbook"),
            ("vast.yaml", "it is larger than 256 KiB"),
            ("mistaken.yaml", "unknown field `pasword`"),
        ] {
            assert!(said.contains(file) && said.contains(what), "{file}: {said}");
        }
        for secret in ["eyJ", "the-token-of-ada", "$6$"] {
            assert!(!said.contains(secret), "{secret}: {said}");
        }
    }
    for (file, what) in
        [("pipe.yaml", "it is a pipe"), ("zeros.yaml", "leads out of its folder"), ("link.yaml", "leads out of")]
    {
        let one = dogwatch(server.folder.path(), &["check", &format!("playbooks/{file}")], &[]);
        assert_eq!(one.code, 2);
        assert!(one.err.contains(what), "{}", one.err);
    }
    server.stop();
}

/// As the kubelet mounts a ConfigMap and a Secret: links to `..data`, which is one itself.
#[test]
fn mounted_maps_are_links_and_work() {
    let folder = serving::folder();
    let mount = |name: &str, files: &[(&str, &str)]| {
        let at = folder.path().join(name);
        let version = at.join("..2026_03_02_08_00_00.123456789");
        fs::create_dir_all(&version).unwrap();
        symlink("..2026_03_02_08_00_00.123456789", at.join("..data")).unwrap();
        for (file, content) in files {
            fs::write(version.join(file), content).unwrap();
            symlink(format!("..data/{file}"), at.join(file)).unwrap();
        }
    };
    fs::remove_dir(folder.path().join("playbooks")).unwrap();
    mount("playbooks", &[("look.yaml", super::files::PLAYBOOK), ("README.md", "no playbook")]);
    mount("secrets", &[("ada", "the-token-of-ada-is-long-enough"), ("eve", "the-token-of-eve-is-long-enough")]);
    let config = serving::CONFIG.replace("file: ada", "file: secrets/ada").replace("file: eve", "file: secrets/eve");
    mount("config", &[("dogwatch.yaml", &config), ("oncall.yaml", serving::ONCALL)]);
    for name in ["dogwatch.yaml", "oncall.yaml"] {
        fs::remove_file(folder.path().join(name)).unwrap();
        symlink(format!("config/{name}"), folder.path().join(name)).unwrap();
    }
    let server = Serving::start_in(folder, &[]);
    assert!(server.log().contains("\"playbooks\":1"), "{}", server.log());
    assert_eq!(server.ask("secrets/ada", &["incidents"]).code, 0);
    server.stop();
}

/// Nobody reads its console, and so the only thread that the runtime has is lost in writing to it.
fn hung() -> Serving {
    let server = Serving::start_in(serving::folder(), &[("TOKIO_WORKER_THREADS", "1")]);
    let odd = |n| {
        let mut alert = firing(&format!("Odd{n}"));
        alert["annotations"]["summary"] = "it is odd ".repeat(60).into();
        alert
    };
    let body = delivery("{}:{}", &(0..200).map(odd).collect::<Vec<_>>());
    server.try_deliver(&body, Duration::from_secs(10));
    until(|| server.try_get("/healthz", Duration::from_secs(1)).is_none());
    server
}

#[test]
fn sigterm_ends_it_whatever_hangs() {
    let mut server = hung();
    server.signal("TERM");
    let status = server.ended(Duration::from_secs(20)).expect("it ends within 20 s");
    assert_eq!(status.code(), Some(1), "{}", server.log());
    assert!(server.log().contains("ended by force, as"), "{}", server.log());
    assert!(server.log().contains("the worker `outbox`"), "it says what hung: {}", server.log());
}

#[test]
fn a_second_sigterm_ends_it_at_once() {
    let mut server = hung();
    server.signal("TERM");
    assert!(server.ended(Duration::from_secs(1)).is_none(), "the first one leaves time to end what was begun");
    server.signal("INT");
    let status = server.ended(Duration::from_secs(5)).expect("it ends at once");
    assert_eq!(status.code(), Some(1), "{}", server.log());
}

/// A connection whose request never comes whole.
#[test]
fn an_open_connection_keeps_nobody() {
    use std::io::Write as _;
    let mut server = Serving::start();
    let mut stream = std::net::TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
    stream.write_all(b"POST /v1/alertmanager HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{").unwrap();
    server.signal("TERM");
    let status = server.ended(Duration::from_secs(20)).expect("it ends within 20 s");
    assert_eq!(status.code(), Some(0), "{}", server.log());
}
