//! The payloads under `tests/fixtures/alertmanager` are, byte for byte, what real Alertmanagers send.
//!
//! With `DOGWATCH_TEST_SAVE` set they are written anew. Alerts have fixed times, and Alertmanager is told what to call
//! itself, so nothing in a payload differs from run to run.

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::alertmanager::{Alertmanager, Version, Webhook, peer_external_url};
use crate::world::webhook_receiver::{Delivery, WebhookReceiver};

const DELIVERED: Duration = Duration::from_secs(60);
const RESOLVED_AT: &str = "2025-03-01T02:31:00.25Z";

/// A claim that fills up.
fn claim_alert() -> Value {
    json!({
        "labels": {
            "alertname": "KubePersistentVolumeFillingUp",
            "cluster": "db-eu-1",
            "job": "kubelet",
            "namespace": "databases",
            "persistentvolumeclaim": "data-orders-0",
            "severity": "critical",
        },
        "annotations": {
            "summary": "The volume of data-orders-0 is 96.3% full",
            "description": "PVC \"data-orders-0\" in databases: 3.7% left, <1h to go at this rate — größer machen?",
            "runbook_url": "https://runbooks.example/pvc?name=data-orders-0&kind=filling",
        },
        "startsAt": "2025-03-01T02:03:04.567Z",
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=kubelet_volume_stats_available_bytes&g0.tab=1",
    })
}

/// One of many databases that cannot be reached.
fn database_alert(ordinal: usize) -> Value {
    json!({
        "labels": {
            "alertname": "PostgresUnreachable",
            "cluster": "db-eu-1",
            "instance": format!("orders-{ordinal}:9187"),
            "job": "postgres",
            "namespace": "databases",
            "pod": format!("orders-{ordinal}"),
            "severity": "warning",
        },
        "annotations": { "summary": format!("orders-{ordinal} does not answer") },
        "startsAt": format!("2025-03-01T02:0{ordinal}:00Z"),
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=pg_up+%3D%3D+0&g0.tab=1",
    })
}

fn resolved(mut alert: Value) -> Value {
    alert["endsAt"] = json!(RESOLVED_AT);
    alert
}

fn firing_count(delivery: &Delivery) -> usize {
    let alerts = delivery.json()["alerts"].as_array().cloned().unwrap_or_default();
    alerts.iter().filter(|alert| alert["status"] == "firing").count()
}

fn check(version: Version, name: &str, delivery: &Delivery) {
    let relative = format!("tests/fixtures/alertmanager/{}/{name}.json", version.name());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&relative);
    if std::env::var_os("DOGWATCH_TEST_SAVE").is_some() {
        std::fs::create_dir_all(path.parent().expect("it is in a folder")).expect("make the folder");
        std::fs::write(&path, &delivery.body).expect("write the payload");
    }
    let saved = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("cannot read {relative}: {error}"));
    assert_eq!(delivery.body, saved, "{relative} is not what is sent; DOGWATCH_TEST_SAVE=1 writes it anew");
}

async fn one_alert(version: Version) {
    let receiver = WebhookReceiver::start().await;
    let alertmanager = Alertmanager::start(version, &Webhook::to(receiver.url(), "secret")).await;

    alertmanager.post_alerts(&json!([claim_alert()])).await;
    let firing = receiver.delivery(DELIVERED, "it fires", |it| firing_count(it) == 1).await;
    check(version, "firing", &firing);

    alertmanager.post_alerts(&json!([resolved(claim_alert())])).await;
    let resolved = receiver.delivery(DELIVERED, "it is resolved", |it| firing_count(it) == 0).await;
    check(version, "resolved", &resolved);
}

/// The group begins with one alert and the others join it: whether they make it into the first notification is otherwise a matter of luck.
async fn a_group(version: Version) {
    let receiver = WebhookReceiver::start().await;
    let alertmanager = Alertmanager::start(version, &Webhook::to(receiver.url(), "secret")).await;

    alertmanager.post_alerts(&json!([database_alert(0)])).await;
    receiver.delivery(DELIVERED, "the first fires", |it| firing_count(it) == 1).await;
    alertmanager.post_alerts(&json!([database_alert(1), database_alert(2)])).await;
    let group = receiver.delivery(DELIVERED, "three fire", |it| firing_count(it) == 3).await;
    check(version, "group", &group);

    alertmanager.post_alerts(&json!([resolved(database_alert(1))])).await;
    let partly =
        receiver.delivery(DELIVERED, "one is resolved", |it| firing_count(it) == 2 && it.body.contains("resolved"));
    check(version, "group-partly-resolved", &partly.await);
}

async fn a_truncated_group(version: Version) {
    let receiver = WebhookReceiver::start().await;
    let webhook = Webhook { max_alerts: 2, ..Webhook::to(receiver.url(), "secret") };
    let alertmanager = Alertmanager::start(version, &webhook).await;

    alertmanager.post_alerts(&json!([database_alert(0)])).await;
    receiver.delivery(DELIVERED, "the first fires", |_| true).await;
    let others: Vec<Value> = (1..5).map(database_alert).collect();
    alertmanager.post_alerts(&json!(others)).await;

    let truncated = receiver.delivery(DELIVERED, "three are left out", |it| it.json()["truncatedAlerts"] == 3).await;
    assert_eq!(firing_count(&truncated), 2);
    check(version, "truncated", &truncated);
}

async fn three_peers(version: Version) {
    let receiver = WebhookReceiver::start().await;
    receiver.answers_together(3);
    let webhook = Webhook { peer_timeout: Duration::from_millis(1), ..Webhook::to(receiver.url(), "secret") };
    let cluster = Alertmanager::start_cluster(version, &webhook, 3).await;

    for peer in &cluster {
        peer.post_alerts(&json!([claim_alert()])).await;
    }

    let deliveries = receiver.deliveries_of(DELIVERED, "three peers deliver", 3, |_| true).await;
    for peer in 0..3 {
        let is_of_peer = |it: &&Delivery| it.json()["externalURL"] == peer_external_url(peer);
        let delivery = deliveries.iter().find(is_of_peer);
        let delivery = delivery.unwrap_or_else(|| panic!("nothing came from peer {peer}"));
        check(version, &format!("peer-{peer}"), delivery);
    }
    let alike = |delivery: &Delivery| {
        let mut body = delivery.json();
        body["externalURL"] = Value::Null;
        body
    };
    assert!(deliveries.iter().all(|it| alike(it) == alike(&deliveries[0])));
}

macro_rules! for_each_version {
    ($($scenario:ident),*) => {
        mod v0_25 { $(#[tokio::test] async fn $scenario() { super::$scenario(super::Version::V0_25).await; })* }
        mod v0_34 { $(#[tokio::test] async fn $scenario() { super::$scenario(super::Version::V0_34).await; })* }
    };
}

for_each_version!(one_alert, a_group, a_truncated_group, three_peers);
