//! The server and the command line together: two processes, as in a real night.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use dogwatch::clock::SystemClock;
use dogwatch::store::Sinks;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::serving::{self, Serving, delivery, firing};
use super::story::{Place as _, SqlitePlace};
use super::*;

#[test]
fn an_alert_is_acknowledged_and_handed_over() {
    let server = Serving::start();
    assert_eq!(server.deliver(&delivery("{}:{}", &[firing("OddThing")])), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    let refused = server.ask("eve", &["ack", "INC-1"]);
    assert_eq!((refused.code, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("needs the role responder"), "{}", refused.err);
    let acked = server.ask("ada", &["ack", "INC-1"]);
    assert_eq!((acked.code, acked.err.as_str()), (0, ""));
    assert!(acked.out.starts_with("INC-1 is yours"), "{}", acked.out);
    let missing = server.ask("ada", &["ack", "INC-9"]);
    assert_eq!((missing.code, missing.out.as_str()), (1, ""), "a no is no success: {}", missing.err);
    assert!(missing.err.contains("there is no INC-9"), "{}", missing.err);
    let again = server.ask("ada", &["ack", "INC-1"]);
    assert_eq!((again.code, again.out.trim()), (0, "INC-1 is yours already"));
    let resolved = server.ask("ada", &["resolve", "INC-1", "--note", "it was \"nothing\""]);
    assert_eq!(resolved.code, 0, "{}", resolved.err);
    let why = server.ask("eve", &["why", "INC-1"]);
    assert!(why.out.contains("alertmanager-eu-1"), "it says who told of the alert: {}", why.out);
    assert!(why.out.contains("ada has acknowledged it") && why.out.contains("it was \"nothing\""), "{}", why.out);
    let handoff = dogwatch(server.folder.path(), &["handoff", "--out", "-"], &[]);
    assert_eq!(handoff.code, 0, "{}", handoff.err);
    assert!(handoff.out.contains("1 page for 1 incident"), "{}", handoff.out);
    assert!(handoff.out.contains("- OddThing: 1 incident"), "{}", handoff.out);
    let (_, metrics) = server.get("/metrics");
    let paged = "\ndogwatch_pages_total{team=\"platform\",severity=\"S1\"} 1\n";
    assert!(metrics.contains(paged) && server.get("/metrics").1.contains(paged), "{metrics}");
    let console = server.stop();
    assert!(console.contains("PAGE for platform (ada) [S1] INC-1 OddThing: it is odd"), "{console}");
}

#[test]
fn a_window_is_opened_listed_and_ended() {
    let server = Serving::start();
    let args = ["silence", "alertname=OddThing", "namespace=~a{1,2}|", "--for", "2h", "--reason", "we know"];
    let refused = server.ask("eve", &args);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("needs the role responder"), "{}", refused.err);
    let opened = server.ask("ada", &args);
    assert_eq!((opened.code, opened.err.as_str()), (0, ""));
    assert!(opened.out.starts_with("WIN-1: until "), "{}", opened.out);
    assert_eq!(server.deliver(&delivery("{}:{}", &[firing("OddThing")])), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("(held until "));
    let listed = server.ask("eve", &["windows"]).out;
    assert!(listed.contains("covers alertname=OddThing namespace=~a{1,2}|\n    ada: we know (by api)"), "{listed}");
    assert!(listed.contains("held back: 1 incident, 1 alert, 0 pages"), "{listed}");
    assert!(server.get("/metrics").1.contains("\ndogwatch_held_by_windows 1\n"));
    let ended = server.ask("ada", &["unsilence", "WIN-1"]);
    assert_eq!((ended.code, ended.err.as_str()), (0, ""));
    until(|| server.ask("eve", &["why", "INC-1"]).out.contains("WIN-1 has ended, which held it back"));
    let handoff = dogwatch(server.folder.path(), &["handoff", "--out", "-"], &[]);
    assert!(handoff.out.contains("was held by WIN-1 until "), "{}", handoff.out);
    assert!(handoff.out.contains("(ada: we know): 1 alert of INC-1"), "{}", handoff.out);
    server.stop();
}

#[test]
fn a_plan_of_windows_is_checked() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("playbooks")).unwrap();
    fs::copy(root().join("deploy/maintenance.yaml"), folder.path().join("maintenance.yaml")).unwrap();
    fs::write(folder.path().join("dogwatch.yaml"), "maintenance: { file: maintenance.yaml }\n").unwrap();
    let check = || dogwatch(folder.path(), &["check", "--config", "dogwatch.yaml"], &[]);
    assert!(!format!("{}{}", check().out, check().err).contains("maintenance.yaml"), "{}", check().err);
    fs::write(folder.path().join("maintenance.yaml"), "apiVersion: dogwatch/v1\nkind: Maintenance\nwindows: [{}]\n")
        .unwrap();
    let said = check();
    assert!(format!("{}{}", said.out, said.err).contains("maintenance.yaml"), "{}{}", said.out, said.err);
}

/// What scripts go by: exit codes, and JSON.
#[test]
fn several_at_once_and_a_list_for_scripts() {
    let server = Serving::start();
    for name in ["A", "B", "C"] {
        assert_eq!(server.deliver(&delivery(name, &[firing(name)])), 200);
    }
    until(|| server.ask("eve", &["incidents"]).out.contains("INC-3"));
    let some = server.ask("ada", &["ack", "INC-1", "INC-9", "INC-2"]);
    assert_eq!((some.code, some.out.as_str()), (1, ""), "not all were");
    assert!(some.err.contains("2 of 3 acknowledged:\nINC-1 is yours"), "{}", some.err);
    let all = server.ask("ada", &["ack", "1", "2"]);
    assert_eq!(
        (all.code, all.out.as_str()),
        (0, "2 of 2 acknowledged:\nINC-1 is yours already\nINC-2 is yours already\n")
    );

    let open = server.ask("eve", &["incidents", "--severity", "S1", "--state", "open"]);
    assert!(open.out.contains("INC-3") && !open.out.contains("INC-1"), "{}", open.out);
    let none = server.ask("eve", &["incidents", "--team", "plattform"]);
    assert_eq!((none.code, none.err.as_str()), (0, ""));
    assert_eq!(none.out, "no such incident; there are 3 incidents without the filter, of the teams: platform\n");
    let json = server.ask("ada", &["incidents", "--mine", "-o", "json"]);
    assert_eq!(json.code, 0, "{}", json.err);
    let document: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let ids: Vec<&str> =
        document["incidents"].as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!((ids, &document["left_out"]), (vec!["INC-1", "INC-2"], &serde_json::json!(0)));
    let empty = server.ask("eve", &["incidents", "--mine", "-o", "json"]);
    let empty: serde_json::Value = serde_json::from_str(&empty.out).unwrap();
    assert_eq!(
        empty,
        serde_json::json!({ "incidents": [], "left_out": 0 }),
        "a script reads the same when there is none"
    );

    let team = server.ask("ada", &["ack", "--all-of", "platform"]);
    assert!(team.code == 0 && team.out.starts_with("1 of 1 of platform acknowledged:\nINC-3 is yours"), "{}", team.out);
    let resolved = server.ask("ada", &["resolve", "INC-1", "INC-2", "INC-3", "--note", "42"]);
    assert!(resolved.code == 0 && resolved.out.starts_with("3 of 3 resolved:"), "{}{}", resolved.out, resolved.err);
    let all = server.ask("eve", &["incidents", "--state", "resolved"]);
    assert!(all.out.contains("INC-3"), "{}", all.out);
}

/// One that cannot be worked on holds up no other, and somebody is called about it: what was accepted is never lost without a word.
#[test]
fn a_signal_that_cannot_be_worked_on_is_set_aside_and_paged() {
    let folder = serving::folder();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let place = SqlitePlace::at(folder.path().join("dogwatch.db"));
        drop(place.open(Arc::new(SystemClock::default()), Sinks::default()).await.unwrap());
        place.close().await;
        let mut database = SqliteConnectOptions::new().filename(place.file()).connect().await.unwrap();
        for damage in [
            // As a newer version may have written it.
            "INSERT INTO signal (source, key, received_at, body, last_at)
             VALUES ('alertmanager', 'x', 0, '{\"sort\":\"premonition\"}', 0)",
            // Half an hour after it, the calendar of the program has ended.
            "INSERT INTO incident (grouping, title, severity, state, team, opened_at, resolved_at)
             VALUES ('alert:alertmanager-eu-1:Unlucky:{}:{}', 'old', 'S3', 'resolved', 'platform', 0, 8210266876799000000)",
            "INSERT INTO incident_cause (cause, incident_id, how, grouping) SELECT grouping, id, 0, '{}' FROM incident",
        ] {
            sqlx::query(damage).execute(&mut database).await.unwrap();
        }
        database.close().await.unwrap();
    });
    let server = Serving::start_in(folder, &[]);
    let body = |group: &str, name: &str| {
        let mut alert = firing(name);
        alert["labels"]["pod"] = "a-0".into();
        delivery(group, &[alert])
    };
    assert_eq!(server.deliver(&body("{}:{}", "Unlucky")), 200);
    assert_eq!(server.deliver(&body("{}:{other}", "OddThing")), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    let why = server.ask("eve", &["why", "INC-2"]).out;
    for said in ["SIG-1 was set aside", "premonition", "SIG-2 was set aside", "panicked", "Unlucky pod=a-0"] {
        assert!(why.contains(said), "{said}: {why}");
    }
    let (_, metrics) = server.get("/metrics");
    assert!(metrics.contains("\ndogwatch_set_aside_signals 2\n"), "{metrics}");
    let console = server.stop();
    assert!(console.contains("PAGE for platform (ada) [S2] INC-2 what came in could not be worked on"), "{console}");
    assert!(console.contains("SIG-1 came in and could not be worked on"), "{console}");
}

/// In a container whose root is read-only there is no place for temporary files. What shows it for every user, root included, is a
/// folder for them whose name is longer than the database takes.
#[test]
fn a_storm_needs_no_room_for_temporary_files() {
    let folder = serving::folder();
    let nowhere = (0..3).fold(folder.path().to_owned(), |path, _| path.join("x".repeat(200)));
    fs::create_dir_all(&nowhere).unwrap();
    let server = Serving::start_in(folder, &[("SQLITE_TMPDIR", nowhere.to_str().unwrap())]);
    let storm = |status: &str| {
        let one = |n: usize| {
            let mut alert = firing("OddThing");
            alert["labels"]["pod"] = format!("pod-{n}").into();
            if status == "resolved" {
                alert["status"] = status.into();
                alert["endsAt"] = "2026-03-02T09:00:00Z".into();
            }
            alert
        };
        delivery("{}:{}", &(0..1_000).map(one).collect::<Vec<_>>())
    };
    assert_eq!(server.deliver(&storm("firing")), 200);
    until(|| server.ask("eve", &["incidents"]).out.contains("OddThing"));
    assert_eq!(server.deliver(&storm("resolved")), 200);
    until(|| server.ask("eve", &["incidents", "-a"]).out.contains("resolved"));
    server.stop();
}

#[test]
fn a_start_that_cannot_work_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dogwatch(dir.path(), &["serve", "--config", "nowhere.yaml"], &[]);
    assert_eq!(missing.code, 2);
    assert!(missing.err.contains("name another with --config"), "{}", missing.err);
    fs::write(dir.path().join("dogwatch.yaml"), "server: { listen: 0.0.0.0:8080 }\n").unwrap();
    let open = dogwatch(dir.path(), &["serve", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(open.code, 2);
    assert!(open.err.contains("dogwatch.yaml:1:11") && open.err.contains("set `server.webhook_auth`"), "{}", open.err);
    assert!(open.err.contains("oncall.yaml is not there"), "all that is wrong at once: {}", open.err);
}

#[test]
fn a_folder_of_handoffs_that_cannot_be_written_to_is_told_at_the_start() {
    let folder = serving::folder();
    // For root, too, nothing can be made there.
    let config = format!("{}handoff: {{ dir: /proc/handoffs }}\n", serving::CONFIG);
    fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    let server = Serving::start_in(folder, &[]);
    assert!(server.log().contains("no handoff can be written; make the folder of `handoff.dir`"), "{}", server.log());
    server.stop();
}

#[test]
fn a_team_that_nobody_knows_is_told_at_the_start() {
    let folder = serving::folder();
    let config = format!("{}oncall: {{ default_team: platfrom }}\n", serving::CONFIG);
    fs::write(folder.path().join("dogwatch.yaml"), config).unwrap();
    let typo = dogwatch(folder.path(), &["serve", "--config", "dogwatch.yaml"], &[]);
    assert_eq!(typo.code, 1);
    assert!(typo.err.contains("`oncall.default_team` of dogwatch.yaml: no team is called `platfrom`"), "{}", typo.err);
    assert!(typo.err.contains("did you mean `platform`?"), "{}", typo.err);
}

/// Asks until it is so. Each question is a process, and so takes a while by itself.
pub fn until(done: impl Fn() -> bool) {
    assert!(
        (0..200).any(|_| done() || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }),
        "it did not come to that"
    );
}
