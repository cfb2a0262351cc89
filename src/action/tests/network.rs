//! `dns.lookup`, `tcp.connect` and `tls.inspect`, as a playbook writes them.

use std::net::SocketAddr;

use chrono::Duration;
use serde_json::json;

use super::{Edge, field};
use crate::action::registry::tests::error;
use crate::clock::Clock as _;
use crate::cluster::sim::build;
use crate::model::FailureClass;
use crate::network::{Answer, Certificate, Scripted};

pub(super) const ASKED: &str = "dns.lookup: { name: db.shop.svc.cluster.local, server: 10.96.0.10 }";
pub(super) const UNANSWERED: &str = "dns.lookup: { name: slow.test, type: TXT }";
pub(super) const OPEN: &str = "tcp.connect: { host: db.shop.svc, port: 5432 }";
pub(super) const CLOSED: &str = "tcp.connect: { host: db.shop.svc, port: 6432 }";
pub(super) const SHOWN: &str = "tls.inspect: { host: db.shop.svc, port: 5432, starttls: postgres }";

/// A Deployment beside a database that can be reached, whose certificate ends in two days.
pub(super) fn about_web() -> Edge {
    let edge = Edge::about(vec![build::deployment("shop", "web", 2)]);
    let server: SocketAddr = "10.96.0.10:53".parse().unwrap();
    let dns = |code: &str, records: &[&str]| {
        let records: Vec<String> = records.iter().map(|&record| record.into()).collect();
        Scripted::Dns(Answer { server, code: code.into(), ttl: (!records.is_empty()).then_some(5), records })
    };
    let answers = |asked: &str, answer: Scripted| edge.network.answers_in_turn(asked, vec![answer]);
    answers("dns A db.shop.svc.cluster.local @10.96.0.10:53", dns("NOERROR", &["10.0.0.1", "10.0.0.2"]));
    answers("dns A gone.test", dns("NXDOMAIN", &[]));
    answers("dns AAAA old.test", dns("NOERROR", &[]));
    answers("dns TXT secret.test", dns("NOERROR", &["token=ghp_0123456789abcdefghijklmnopqrstuvwxyzAB"]));
    answers("dns TXT slow.test", Scripted::Away("nothing came within 5s".into()));
    answers("tcp db.shop.svc:5432", Scripted::Open("10.0.0.1:5432".parse().unwrap()));
    answers("tcp db.shop.svc:6432", Scripted::Closed);
    let not_after = edge.clock.now() + Duration::days(2);
    let certificate = Certificate {
        subject: "CN=db".into(),
        issuer: "CN=authority".into(),
        names: vec!["db.shop.svc".into()],
        not_before: not_after - Duration::days(90),
        not_after,
        chain: 2,
        distrust: Some("it is for other names".into()),
        version: "TLSv1.3".into(),
    };
    answers("tls db.shop.svc:5432", Scripted::Shows(Box::new(certificate)));
    edge
}

#[tokio::test]
async fn a_name_servers_answer_is_there_for_conditions() {
    let edge = about_web();
    let read = edge.reads(ASKED).await.unwrap();
    assert_eq!(read.summary, "dns A db.shop.svc.cluster.local @10.96.0.10:53: NOERROR, 10.0.0.1 and 1 more");
    assert_eq!(read.value["records"], json!(["10.0.0.1", "10.0.0.2"]));
    assert_eq!((field(&read, "answered"), field(&read, "ttl")), (&json!(true), &json!(5)));
    let gone = edge.reads("dns.lookup: { name: Gone.Test. }").await.unwrap();
    assert_eq!((gone.summary.as_str(), field(&gone, "code")), ("dns A gone.test: NXDOMAIN", &json!("NXDOMAIN")));
    let other = edge.reads("dns.lookup: { name: old.test, type: AAAA }").await.unwrap();
    assert_eq!(other.summary, "dns AAAA old.test: NOERROR, no AAAA");
}

#[tokio::test]
async fn that_nobody_answers_is_an_answer_and_no_error() {
    let edge = about_web();
    let slow = edge.reads(UNANSWERED).await.unwrap();
    assert_eq!(field(&slow, "answered"), &json!(false));
    assert_eq!(slow.summary, "dns TXT slow.test: the name server did not answer: nothing came within 5s");
    assert!(!slow.value.contains_key("code"), "nobody has said one");
    let closed = edge.reads(CLOSED).await.unwrap();
    assert_eq!(
        (field(&closed, "open"), closed.summary.as_str()),
        (&json!(false), "db.shop.svc:6432 refuses connections")
    );
    let open = edge.reads(OPEN).await.unwrap();
    assert_eq!((field(&open, "open"), field(&open, "address")), (&json!(true), &json!("10.0.0.1:5432")));
}

#[tokio::test]
async fn a_certificate_is_told_with_its_end_and_whether_clients_trust_it() {
    let edge = about_web();
    let shown = edge.reads(SHOWN).await.unwrap();
    assert_eq!((field(&shown, "days_left"), field(&shown, "trusted")), (&json!(2.0), &json!(false)));
    assert_eq!(
        shown.summary,
        "the certificate of db.shop.svc:5432 is valid until 2026-05-03T12:00:00Z; a client would not trust it: it is for other names"
    );
    edge.passes(Duration::days(3).to_std().unwrap());
    let past = edge.reads(SHOWN).await.unwrap();
    assert_eq!(field(&past, "days_left"), &json!(-1.0));
    assert!(past.summary.contains("ended at 2026-05-03"), "{}", past.summary);
}

#[tokio::test]
async fn what_looks_like_a_secret_is_masked() {
    let read = about_web().reads("dns.lookup: { name: secret.test, type: TXT }").await.unwrap();
    assert!(!format!("{:?} {}", read.value, read.summary).contains("ghp_0123"), "{}", read.summary);
}

#[tokio::test]
async fn who_is_not_covered_and_what_is_no_host_is_an_error() {
    let edge = about_web().with(json!({ "alert": { "host": "a b", "port": "70000" } }));
    let told = async |yaml: &str| edge.reads(yaml).await.unwrap_err();
    let error = told("tcp.connect: { host: example.com, port: 80 }").await;
    assert_eq!(error.class, FailureClass::Fail);
    assert!(error.message.starts_with("`network.hosts` of dogwatch.yaml does not cover example.com"), "{error}");
    let error = told("tcp.connect: { host: '{{alert.host}}', port: 80 }").await;
    assert_eq!(error.message, "`a b` is no name of a host, and no address");
    let error = told("tcp.connect: { host: db.test, port: '{{alert.port}}' }").await;
    assert!(error.message.contains("this is no port; write one from 1 to 65535"), "{error}");
}

#[test]
fn mistakes_are_told_where_they_stand() {
    for (yaml, told) in [
        ("tcp.connect: { host: 'http://a', port: 80 }", "`http://a` is no name of a host, and no address"),
        ("tcp.connect: { host: a, port: 0 }", "this is no port; write one from 1 to 65535"),
        ("tcp.connect: { host: a, port: 80, timeout: 2m }", "`timeout: 2m` is not from 1s to 25s"),
        ("dns.lookup: { name: 'a/b' }", "`a/b` is no name of a host"),
        ("dns.lookup: { name: a, type: ANY }", "`ANY` is no kind of record here; write one of A, AAAA, CNAME"),
        ("dns.lookup: { name: a, server: 'a:x' }", "`a:x` has no port from 1 to 65535"),
        ("tls.inspect: { host: a, starttls: smtp }", "`smtp` is no way to begin TLS; write `none` or `postgres`"),
    ] {
        let error = error(yaml);
        assert!(error.contains(told), "{yaml}: {error}");
    }
}
