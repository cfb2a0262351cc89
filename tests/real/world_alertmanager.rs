//! The real Alertmanagers of the test world.

use std::time::Duration;

use dogwatch::alertmanager::{Alertmanager as _, HttpAlertmanager};
use dogwatch::intake::parse_notification;
use dogwatch::model::SignalBody;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::alertmanager::{Alertmanager, Version, Webhook};
use crate::world::webhook_receiver::WebhookReceiver;

const DELIVERED: Duration = Duration::from_secs(60);

fn alert() -> Value {
    json!([{ "labels": { "alertname": "CoreDNSLatencyHigh", "severity": "warning" } }])
}

async fn delivers_an_alert(version: Version) {
    let receiver = WebhookReceiver::start().await;
    let alertmanager = Alertmanager::start(version, &Webhook::to(receiver.url(), "secret")).await;

    alertmanager.post_alerts(&alert()).await;

    let delivery = receiver.delivery(DELIVERED, "the alert is delivered", |_| true).await;
    assert_eq!(delivery.authorization, "Bearer secret");
    let body = delivery.json();
    assert_eq!((&body["version"], &body["status"]), (&json!("4"), &json!("firing")));
    assert_eq!(body["alerts"][0]["labels"]["alertname"], "CoreDNSLatencyHigh");
}

#[tokio::test]
async fn alertmanager_0_25_delivers_an_alert() {
    delivers_an_alert(Version::V0_25).await;
}

#[tokio::test]
async fn alertmanager_0_34_delivers_an_alert() {
    delivers_an_alert(Version::V0_34).await;
}

async fn delivers_again_after_a_503(version: Version) {
    let receiver = WebhookReceiver::start().await;
    receiver.answers_next(&[StatusCode::SERVICE_UNAVAILABLE]);
    let alertmanager = Alertmanager::start(version, &Webhook::to(receiver.url(), "secret")).await;

    alertmanager.post_alerts(&alert()).await;

    let deliveries = receiver.deliveries_of(DELIVERED, "it is delivered twice", 2, |_| true).await;
    assert_eq!(deliveries[0].body, deliveries[1].body);
    assert_eq!((deliveries[0].answered.as_u16(), deliveries[1].answered.as_u16()), (503, 200));
}

#[tokio::test]
async fn alertmanager_0_25_delivers_again_after_a_503() {
    delivers_again_after_a_503(Version::V0_25).await;
}

#[tokio::test]
async fn alertmanager_0_34_delivers_again_after_a_503() {
    delivers_again_after_a_503(Version::V0_34).await;
}

/// What it lists is known here by the same fingerprints, whatever stands in a name; and what it
/// silences it lists, too.
async fn lists_what_fires_by_the_fingerprints_that_we_know(version: Version) {
    let receiver = WebhookReceiver::start().await;
    let alertmanager = Alertmanager::start(version, &Webhook::to(receiver.url(), "secret")).await;
    let odd = r#"Pod.Down "a\b" (c)+"#;
    let alerts = json!([
        { "labels": { "alertname": odd, "pod": "pg-0", "severity": "warning" } },
        { "labels": { "alertname": "Silenced", "pod": "pg-0" } },
        { "labels": { "alertname": "Other" } },
    ]);
    let asked = HttpAlertmanager::new(alertmanager.url(), None, Duration::from_secs(5)).unwrap();
    alertmanager.post_alerts(&alerts).await;
    let known = async |name: &'static str| {
        let is_in = |alert: &Value| alert["labels"]["alertname"] == name;
        let tells = |body: Value| body["alerts"].as_array().is_some_and(|alerts| alerts.iter().any(is_in));
        let delivery = receiver.delivery(DELIVERED, name, |delivery| tells(delivery.json())).await;
        let delivered = parse_notification("am", chrono::DateTime::UNIX_EPOCH, delivery.body.as_bytes()).unwrap();
        let pieces = delivered.parts.iter().flat_map(|part| &part.pieces);
        let alerts = pieces.flat_map(|piece| match serde_json::from_str(piece).unwrap() {
            SignalBody::Notification(notification) => notification.alerts,
            other => panic!("{other:?}"),
        });
        { alerts }.find(|alert| alert.name() == name).unwrap().fingerprint
    };
    let (odd_one, silenced) = (known(r#"Pod.Down "a\b" (c)+"#).await, known("Silenced").await);
    alertmanager.silence("Silenced", "known").await;
    let listed = asked.firing(&[odd, "Silenced"].into()).await.unwrap();
    assert_eq!(listed, [odd_one, silenced].into());
    assert_eq!(asked.firing(&["Pod"].into()).await.unwrap(), [].into(), "names are no patterns");
    // What is over it lists no more, and what has no name it is asked for, too.
    let over = json!([{ "labels": { "alertname": odd, "pod": "pg-0", "severity": "warning" },
        "endsAt": chrono::Utc::now() - chrono::TimeDelta::seconds(1) }]);
    alertmanager.post_alerts(&over).await;
    let unnamed = json!([{ "labels": { "job": "no name" } }]);
    alertmanager.post_alerts(&unnamed).await;
    let listed = asked.firing(&[odd, ""].into()).await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert!(asked.firing(&[odd].into()).await.unwrap().is_empty());
}

#[tokio::test]
async fn alertmanager_0_25_lists_what_fires_by_the_fingerprints_that_we_know() {
    lists_what_fires_by_the_fingerprints_that_we_know(Version::V0_25).await;
}

#[tokio::test]
async fn alertmanager_0_34_lists_what_fires_by_the_fingerprints_that_we_know() {
    lists_what_fires_by_the_fingerprints_that_we_know(Version::V0_34).await;
}
