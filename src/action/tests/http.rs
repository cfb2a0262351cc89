//! `http.request`, as a playbook writes it.

use std::time::Duration;

use serde_json::json;

use super::{Edge, field};
use crate::action::registry::tests::error;
use crate::cluster::sim::build;
use crate::model::FailureClass;
use crate::web::{Scripted, WebAnswer};

pub(super) const READS: &str = "http.request: { url: http://prometheus:9090/api/v1/status/tsdb }";
pub(super) const POINTS_ELSEWHERE: &str = "http.request: { url: http://prometheus:9090/graph, method: HEAD }";

/// A Deployment beside a Prometheus that answers.
pub(super) fn about_web() -> Edge {
    let edge = Edge::about(vec![build::deployment("shop", "web", 2)]);
    let tsdb = json!({ "status": "success", "data": { "headStats": { "numSeries": 508 } } });
    answers(&edge, "/api/v1/status/tsdb", vec![answer(200, &tsdb.to_string())]);
    let moved = WebAnswer { status: 302, location: Some("/query".into()), ..WebAnswer::default() };
    answers(&edge, "/graph", vec![Scripted::Answers(moved)]);
    edge
}

fn answers(edge: &Edge, part: &str, answers: Vec<Scripted>) {
    edge.web.answers_in_turn(part, answers);
}

fn answer(status: u16, body: &str) -> Scripted {
    Scripted::Answers(WebAnswer {
        status,
        body: body.into(),
        content_type: "application/json".into(),
        ..WebAnswer::default()
    })
}

#[tokio::test]
async fn what_it_answers_is_there_for_conditions() {
    let edge = about_web();
    let read = edge.reads(READS).await.unwrap();
    assert_eq!((field(&read, "status"), field(&read, "truncated")), (&json!(200), &json!(false)));
    assert_eq!(read.value["json"]["data"]["headStats"]["numSeries"], json!(508));
    assert!(read.summary.starts_with("GET http://prometheus:9090/api/v1/status/tsdb: 200 OK, "), "{}", read.summary);
    let moved = edge.reads(POINTS_ELSEWHERE).await.unwrap();
    assert_eq!((field(&moved, "status"), field(&moved, "location")), (&json!(302), &json!("/query")));
    assert!(
        moved.summary.ends_with("302 Found, no body; it points to /query, which is not followed"),
        "{}",
        moved.summary
    );
}

#[tokio::test]
async fn values_are_sent_as_values() {
    let edge = about_web().with(json!({ "inputs": { "name": "a/../b?x=1&y\r\nHost: evil" }, "alert": { "n": 7 } }));
    answers(&edge, "/items/", vec![answer(200, "{}")]);
    edge.reads("http.request: { url: 'http://prometheus:9090/items/{{alert.n}}?n={{inputs.name}}' }").await.unwrap();
    let sent = "GET http://prometheus:9090/items/7?n=a%2F..%2Fb%3Fx%3D1%26y%0D%0AHost%3A%20evil";
    assert_eq!(edge.web.asked(), [sent]);
    // Where servers decode a path before they take it apart, it would lead elsewhere.
    let error = edge.reads("http.request: { url: 'http://prometheus:9090/items/{{inputs.name}}' }").await.unwrap_err();
    assert!(error.message.starts_with("the value of `inputs.name` holds `/`, which leads elsewhere"), "{error}");
    assert_eq!(edge.web.asked(), [sent]);
}

#[tokio::test]
async fn any_status_is_an_answer_unless_one_is_expected() {
    let edge = about_web();
    answers(&edge, "/sick", vec![answer(503, "{}"), answer(503, "{}"), answer(404, "{}"), answer(200, "{}")]);
    let asks = async |more: &str| {
        edge.reads(&format!("http.request: {{ url: http://prometheus:9090/sick?token=hunter2{more} }}")).await
    };
    assert_eq!(field(&asks("").await.unwrap(), "status"), &json!(503));
    let mut refused = Vec::new();
    for _ in 0..2 {
        refused.push(asks(", expect: 200").await.unwrap_err());
    }
    assert_eq!(refused[0].message, "GET http://prometheus:9090/sick answered 503 Service Unavailable, and not 200 OK");
    assert_eq!((refused[0].class, refused[1].class), (FailureClass::Retry, FailureClass::Fail));
    assert!(asks(", expect: 200").await.is_ok());
}

#[tokio::test]
async fn who_does_not_answer_may_answer_later_and_who_is_not_named_will_not() {
    let edge = about_web();
    answers(&edge, "/away", vec![Scripted::Away("operation timed out".into())]);
    let away = edge.reads("http.request: { url: http://prometheus:9090/away?token=hunter2 }").await.unwrap_err();
    assert_eq!(
        (away.class, away.message.as_str()),
        (FailureClass::Retry, "http://prometheus:9090 did not answer: operation timed out")
    );
    let other = edge.reads("http.request: { url: https://other.example/x?token=hunter2 }").await.unwrap_err();
    assert_eq!(other.class, FailureClass::Fail);
    assert!(other.message.ends_with("write there `- url: https://other.example`"), "{other}");
    edge.passes(Duration::from_secs(1));
}

#[test]
fn mistakes_are_told_when_it_loads() {
    for (arguments, told) in [
        (
            "url: http://a/b, method: POST",
            "`POST` may change something elsewhere, and `http.request` only reads; write `GET` or `HEAD`",
        ),
        ("url: http://a/b, timeout: 5m", "`timeout: 5m` is not from 1s to 25s"),
        ("url: http://a/b, expect: 20", "this is no status"),
        ("url: 'http://{{inputs.host}}/b'", "host and port must be written out"),
        ("url: 'http://a/{{#if x}}b{{/if}}'", "`url` takes plain holes"),
        ("url: 'http://u:p@a/b'", "a user or password stands before the host"),
        ("url: http://0x7f000001/b", "an address in disguise"),
        ("url: ftp://a/b", "this is no URL"),
        ("url: http://a/b, body: x", "unknown field `body`"),
        ("url: http://a/b, headers: {}", "unknown field `headers`"),
    ] {
        let error = error(&format!("http.request: {{ {arguments} }}"));
        assert!(error.contains(told) && error.contains("line 1"), "{arguments}: {error}");
    }
}
