//! The real Alertmanagers of the test world.

use std::time::Duration;

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
