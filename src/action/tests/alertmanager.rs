//! `alertmanager.alerts`, as a playbook writes it.

use chrono::TimeDelta;
use serde_json::json;

use super::{Edge, field};
use crate::alertmanager::FiringNow;
use crate::clock::Clock as _;
use crate::cluster::sim::build;
use crate::model::FailureClass;

pub(super) const ALSO: &str = "alertmanager.alerts: { matchers: [namespace=shop], silenced: true }";

fn firing(edge: &Edge, name: &str, labels: &[(&str, &str)], minutes: i64) -> FiringNow {
    let labels = labels.iter().copied().chain([("alertname", name)]);
    FiringNow {
        labels: labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        starts_at: edge.clock.now() - TimeDelta::minutes(minutes),
        silenced_by: Vec::new(),
        inhibited_by: Vec::new(),
    }
}

/// Three alerts of the shop, of which somebody has silenced one, one that another inhibits, and one
/// of the bank.
pub(super) fn about_web() -> Edge {
    let edge = Edge::about(vec![build::deployment("shop", "web", 4)]);
    edge.alertmanager.is_there();
    let shop = ("namespace", "shop");
    let alerts = [
        firing(&edge, "PodDown", &[shop, ("pod", "web-1"), ("severity", "page")], 10),
        firing(&edge, "PodDown", &[shop, ("pod", "web-2"), ("severity", "page")], 12),
        FiringNow { silenced_by: vec!["1f0c8a3e".into()], ..firing(&edge, "DiskFull", &[shop], 600) },
        FiringNow { inhibited_by: vec!["5e1f".into()], ..firing(&edge, "NodeSlow", &[shop], 5) },
        firing(&edge, "BankSlow", &[("namespace", "bank"), ("token", "ghp_0123456789abcdefghijklmnopqrstuvwxyzAB")], 1),
    ];
    alerts.into_iter().for_each(|alert| edge.alertmanager.fires(alert));
    edge
}

#[tokio::test]
async fn what_else_fires_is_there_for_conditions() {
    let edge = about_web();
    let also = edge.reads(ALSO).await.unwrap();
    assert_eq!((field(&also, "count"), field(&also, "names")), (&json!(3), &json!(["DiskFull", "PodDown"])));
    let newest = json!({
        "name": "PodDown",
        "severity": "page",
        "since": "2026-05-01T11:50:00Z",
        "labels": { "namespace": "shop", "pod": "web-1" },
        "state": "active",
        "silenced_by": [],
    });
    assert_eq!(also.value["items"][0], newest);
    assert_eq!(
        (&also.value["items"][2]["state"], &also.value["items"][2]["silenced_by"]),
        (&json!("silenced"), &json!(["1f0c8a3e"]))
    );
    assert_eq!(
        also.summary,
        "3 alerts fire for namespace=shop: PodDown (2), DiskFull; the newest since 2026-05-01T11:50:00Z"
    );
    let all =
        edge.reads("alertmanager.alerts: { matchers: ['namespace=~shop|bank'], inhibited: true, limit: 1 }").await;
    let all = all.unwrap();
    assert_eq!((field(&all, "count"), field(&all, "items").as_array().unwrap().len()), (&json!(4), 1));
    assert!(!format!("{:?}", all.value).contains("ghp_0123"), "{:?}", all.value);
    assert_eq!(field(&all, "names"), &json!(["BankSlow", "NodeSlow", "PodDown"]));
}

#[tokio::test]
async fn that_nothing_fires_is_an_answer_and_that_nobody_answers_is_none() {
    let edge = about_web();
    let none = edge.reads("alertmanager.alerts: { matchers: [namespace=shop, alertname!=PodDown] }").await.unwrap();
    assert_eq!(
        (field(&none, "count"), none.summary.as_str()),
        (&json!(0), "nothing fires for namespace=shop, alertname!=PodDown")
    );
    edge.alertmanager.is_away("operation timed out");
    let away = edge.reads(ALSO).await.unwrap_err();
    assert_eq!(
        (away.class, away.message.as_str()),
        (FailureClass::Retry, "alertmanager did not answer: operation timed out")
    );
    let nowhere = Edge::about(vec![build::deployment("shop", "web", 4)]).reads(ALSO).await.unwrap_err();
    assert_eq!(nowhere.message, "no alertmanager is configured; set `alertmanager.url` in dogwatch.yaml");
}

#[tokio::test]
async fn holes_are_values_and_never_matchers() {
    let edge = about_web().with(json!({ "alert": { "ns": "shop", "odd": "shop|bank", "much": "9999" } }));
    let also = edge.reads("alertmanager.alerts: { matchers: ['namespace={{alert.ns}}'] }").await.unwrap();
    assert_eq!(field(&also, "count"), &json!(2));
    let error = edge.reads("alertmanager.alerts: { matchers: ['namespace=~{{alert.odd}}'] }").await.unwrap_err();
    assert!(error.message.contains("holds signs that could change the meaning of `matchers`"), "{error}");
    let error = edge.reads("alertmanager.alerts: { matchers: [a=b], limit: '{{alert.much}}' }").await.unwrap_err();
    assert_eq!(error.message, "`limit: 9999` is not from 1 to 100");
}
