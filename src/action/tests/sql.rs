//! `sql.query`, as a playbook writes it.

use serde_json::{Value, json};

use super::{Edge, field};
use crate::action::registry::tests::error;
use crate::cluster::sim::build;
use crate::model::FailureClass;
use crate::sql::Scripted;

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
    edge
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
        ("sql.query: { statement: disk, timeout: 1m }", "`timeout: 1m` is not from 1s to 25s"),
    ] {
        let error = error(yaml);
        assert!(error.contains(told), "{yaml}: {error}");
    }
}
