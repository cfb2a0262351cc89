//! `sql.query` and `sql.terminate`, as playbooks write them.

use serde_json::{Value, json};

use super::{Doubt, Edge, Plan, field, needs_human};
use crate::action::registry::tests::error;
use crate::cluster::sim::{Fault, Verb, build};
use crate::model::FailureClass;
use crate::sql::{Backend, Endable, Scripted, Session};

pub(super) const DISK: &str = "sql.query: { statement: disk }";

/// A database's pod, in which PostgreSQL answers.
pub(super) fn about_database() -> Edge {
    let pod = build::pod("shop", "db-0", "db")
        .with(&json!({ "metadata": { "labels": { "cluster-name": "orders" } }, "status": { "podIP": "10.0.0.9" } }));
    let edge = Edge::about(vec![pod]);
    let rows = |rows: Value| {
        let rows = rows.as_array().cloned().unwrap_or_default().into_iter();
        Scripted::Rows(rows.filter_map(|row| row.as_object().cloned()).collect())
    };
    let answers = |statement: &str, answer: Scripted| edge.databases.answers_in_turn(statement, "", vec![answer]);
    answers("disk", rows(json!([{ "wal_bytes": 7, "in_recovery": false }])));
    answers("slots", rows(json!([])));
    let long = "x".repeat(600);
    answers(
        "activity",
        rows(json!([
            { "pid": 1, "query": "alter role a password 'hunter2hunter2'", "user": null },
            { "pid": 2, "query": long },
            { "pid": 3, "query": "select ?" },
        ])),
    );
    let refuses = |code: &str, message: &str| Scripted::Refuses { code: code.into(), message: message.into() };
    answers("connections", refuses("53300", "sorry, too many clients already"));
    answers("recovery", refuses("28P01", "password authentication failed"));
    let session = |pid: i32, user: &str, state: &str| Session {
        pod: "db-0".into(),
        pid,
        backend_start: SINCE.into(),
        does: Backend {
            user: user.into(),
            database: "orders".into(),
            application: "checkout".into(),
            backend_type: "client backend".into(),
            state: state.into(),
            transaction_seconds: Some(1_500.0),
            state_seconds: Some(1_200.0),
            query: "update orders set card = ?".into(),
            ..Backend::default()
        },
    };
    edge.databases.begins(session(4711, "app", "idle in transaction"));
    edge.databases.begins(session(4712, "app", "active"));
    edge.databases.begins(session(4713, "admin", "active"));
    edge
}

const SINCE: &str = "2026-05-01T11:00:00.123456+00:00";

pub(super) const END: &str =
    "sql.terminate: { pid: 4711, backend_start: '2026-05-01T11:00:00.123456+00:00', idle_longer_than: 20m }";
const CANCEL: &str = "sql.terminate: { pid: 4712, backend_start: '2026-05-01T11:00:00.123456+00:00', cancel: true }";

#[tokio::test]
async fn a_session_that_is_idle_in_a_transaction_is_ended_and_who_has_its_number_later_is_not() {
    let edge = about_database();
    let output = edge.does(END).await;
    assert_eq!(
        output.summary,
        "end the session 4711 of db-0 in shop (app in orders, idle in transaction): update orders set card = ?"
    );
    assert_eq!((field(&output, "user"), field(&output, "transaction_seconds")), (&json!("app"), &json!(1500.0)));
    assert_eq!(edge.written(), ["create pod/db-0 in shop terminate"]);
    let Plan::Unneeded(gone) = edge.would(END).await.unwrap() else { panic!() };
    assert_eq!(gone.summary, "the session 4711 of db-0 in shop is gone");
    let another = "sql.terminate: { pid: 4712, backend_start: '2026-05-01T12:00:00+00:00' }";
    assert!(matches!(edge.would(another).await.unwrap(), Plan::Unneeded(_)));
}

#[tokio::test]
async fn whose_session_is_not_named_is_left_alone() {
    let edge = about_database();
    edge.databases.ends_only(Endable::Of(vec![("orders".into(), vec!["app".into()])]));
    let admin = "sql.terminate: { pid: 4713, backend_start: '2026-05-01T11:00:00.123456+00:00' }";
    assert!(needs_human(edge.would(admin).await).contains("does not name the role admin for the database orders"));
    let intent = edge.intends(END).await;
    edge.databases.ends_only(Endable::Off);
    let message = needs_human(edge.makes(END, &intent).await);
    assert!(message.contains("`sql.terminate` of dogwatch.yaml names no database"), "{message}");
    assert!(edge.written().is_empty());
}

#[tokio::test]
async fn after_a_crash_a_session_that_is_still_there_is_ended_then() {
    let edge = about_database();
    let intent = edge.intends(END).await;
    assert!(matches!(edge.doubts(END, &intent).await, Doubt::NotDone(same) if same == intent));
    edge.cluster.fault(Fault::AnswerLost { verb: Verb::Create, kind: "PostgreSQL".into(), times: 1 });
    assert_eq!(edge.makes(END, &intent).await.unwrap_err().class, FailureClass::Retry);
    match edge.doubts(END, &intent).await {
        Doubt::Done(output) => {
            assert_eq!(output.summary, "the session 4711 is gone; whether by this run cannot be told");
            assert_eq!(field(&output, "transaction_seconds"), &json!(null));
        }
        other => panic!("{other:?}"),
    }
    let cancel = edge.intends(CANCEL).await;
    edge.makes(CANCEL, &cancel).await.unwrap();
    assert!(matches!(edge.doubts(CANCEL, &cancel).await, Doubt::Done(_)));
    assert_eq!(edge.written(), ["create pod/db-0 in shop terminate", "create pod/db-0 in shop cancel"]);
    // It runs nothing any more.
    assert!(needs_human(edge.would(CANCEL).await).contains("runs no statement that could be cancelled"));
}

#[tokio::test]
async fn rows_are_there_for_conditions() {
    let edge = about_database();
    let disk = edge.reads(DISK).await.unwrap();
    assert_eq!(disk.value["rows"], json!([{ "wal_bytes": 7, "in_recovery": false }]));
    assert_eq!((field(&disk, "count"), field(&disk, "truncated")), (&json!(1), &json!(false)));
    assert_eq!(disk.summary, "disk of db-0 in shop: 1 row");
    let none = edge.reads("sql.query: { statement: slots }").await.unwrap();
    assert_eq!((field(&none, "count"), none.summary.as_str()), (&json!(0), "slots of db-0 in shop: no row"));
    assert_eq!(edge.databases.asked(), ["disk of db-0 in shop", "slots of db-0 in shop"]);
}

#[tokio::test]
async fn rows_are_bounded_and_secrets_masked() {
    let activity = about_database().reads("sql.query: { statement: activity, limit: 2 }").await.unwrap();
    assert_eq!((field(&activity, "count"), field(&activity, "truncated")), (&json!(2), &json!(true)));
    let rows = activity.value["rows"].as_array().unwrap();
    assert!(!rows[0].to_string().contains("hunter2"), "{}", rows[0]);
    assert_eq!(rows[1]["query"].as_str().unwrap().len(), 500);
    assert_eq!(activity.summary, "activity of db-0 in shop: 2 rows, and there are more");
}

#[tokio::test]
async fn what_postgresql_says_is_told_and_what_may_pass_is_tried_again() {
    let edge = about_database();
    let told = async |yaml: &str| edge.reads(yaml).await.unwrap_err();
    let full = told("sql.query: { statement: connections }").await;
    assert_eq!(full.class, FailureClass::Retry);
    assert_eq!(full.message, "PostgreSQL of db-0 in shop says sorry, too many clients already (SQLSTATE 53300)");
    let denied = told("sql.query: { statement: recovery }").await;
    assert_eq!(denied.class, FailureClass::Fail);
    let unknown = told("sql.query: { statement: vacuum }").await;
    assert!(unknown.message.starts_with("no role is configured for databases; set `sql.user`"), "{unknown}");
    let gone = told("sql.query: { statement: disk, pod: db-7 }").await;
    assert_eq!(gone.message, "pod/db-7 in shop is not there");
    let web = Edge::about(vec![build::deployment("shop", "web", 2)]);
    let error = web.reads(DISK).await.unwrap_err();
    assert!(error.message.contains("deployment/web in shop is no Pod: write in which pod"), "{error}");
}

#[test]
fn mistakes_are_told_where_they_stand() {
    for (yaml, told) in [
        (
            "sql.query: { statement: activty }",
            "no statement is called `activty`; write `activity`, another one of activity, archiver",
        ),
        ("sql.query: { statement: select 1 }", "no statement is called `select 1`"),
        ("sql.query: { statement: site.Queue }", "no statement is called `site.Queue`"),
        ("sql.query: { statement: '{{inputs.x}}' }", "`statement` must be written out"),
        ("sql.query: { statement: disk, limit: 201 }", "`limit: 201` is not from 1 to 200"),
        ("sql.terminate: { pid: 0, backend_start: x }", "`0` is no number of a process"),
        ("sql.terminate: { pid: 1, backend_start: x, idle_longer_than: 5s }", "`idle_longer_than: 5s` is less than 1m"),
        ("sql.terminate: { pid: 1, backend_start: x, idle_longer_than: '{{inputs.x}}' }", "must be written out"),
        (
            "sql.terminate: { pid: 1, backend_start: x, idle_longer_than: 5m, cancel: true }",
            "`cancel: true` ends a statement, and one that is idle in a transaction runs none",
        ),
        ("sql.query: { statement: disk, timeout: 1m }", "`timeout: 1m` is not from 1s to 25s"),
    ] {
        let error = error(yaml);
        assert!(error.contains(told), "{yaml}: {error}");
    }
}
