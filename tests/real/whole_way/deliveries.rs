//! How Alertmanagers deliver to the bot when not all is well: several peers, a split cluster, a bot that cannot take anything in.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{Connection as _, SqliteConnection};

use crate::site::{SOON, Site};
use crate::world::alertmanager::{Alertmanager, Version, Webhook};
use crate::world::wait::wait_until;

const PEERS: usize = 3;

#[tokio::test]
async fn three_peers_of_0_25_make_one_incident() {
    three_peers_make_one_incident(Version::V0_25).await;
}

#[tokio::test]
async fn three_peers_of_0_34_make_one_incident() {
    three_peers_make_one_incident(Version::V0_34).await;
}

/// A claim that waits for a class that is not there: whoever delivers it how often, it is one incident, one run and one page.
async fn three_peers_make_one_incident(version: Version) {
    let site = Site::open().await;
    let namespace = site.cluster.namespace("peers").await;
    site.waiting_claim(&namespace).await;
    let webhook = Webhook { peer_timeout: Duration::from_millis(1), ..site.webhook() };
    let cluster = Alertmanager::start_cluster(version, &webhook, PEERS).await;
    let firing = alert(&namespace, None);
    for peer in &cluster {
        peer.post_alerts(&firing).await;
    }
    site.told("INC-1", "escalated").await;

    // The same peers, but the cluster is split: none knows what another has sent.
    drop(cluster);
    let before = site.delivered().await;
    let mut split = Vec::new();
    for _ in 0..PEERS {
        split.push(Alertmanager::start(version, &site.webhook()).await);
    }
    for peer in &split {
        peer.post_alerts(&firing).await;
    }
    let all = before + PEERS as u64;
    wait_until(SOON, "each has delivered", async || site.delivered().await == all).await;
    assert_eq!(site.counted(r#"dogwatch_notifications_total{result="accepted"}"#).await, 1);
    let why = site.says("/why INC-1").await;
    assert!(why.contains("RUN-1") && !why.contains("RUN-2"), "{why}");

    let resolved = alert(&namespace, Some(&chrono::Utc::now().to_rfc3339()));
    for peer in &split {
        peer.post_alerts(&resolved).await;
    }
    wait_until(SOON, "each has told of the end", async || site.delivered().await == all + PEERS as u64).await;
    let incidents = site.says("/incidents all").await;
    assert!(incidents.contains("INC-1") && !incidents.contains("INC-2"), "{incidents}");
    assert_eq!(site.mutations(&namespace).await, Vec::<String>::new());
}

/// Somebody else holds the database: 503, and Alertmanager tries again until it is durable.
#[tokio::test]
async fn what_the_bot_cannot_keep_is_delivered_again_until_it_can() {
    for version in Version::ALL {
        let site = Site::open().await;
        let namespace = site.cluster.namespace("away").await;
        site.waiting_claim(&namespace).await;
        let alertmanager = site.alertmanager(version).await;

        let database = format!("sqlite://{}", site.folder.join("dogwatch.db").display());
        let mut other = SqliteConnection::connect(&database).await.expect("the bot's database");
        sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.expect("nobody writes for longer than a moment");
        alertmanager.post_alerts(&alert(&namespace, None)).await;
        let failed = r#"dogwatch_notifications_total{result="failed"}"#;
        wait_until(SOON, "it is answered with 503", async || site.counted(failed).await > 0).await;
        assert_eq!(site.says("/incidents").await, "no open incident");
        sqlx::query("ROLLBACK").execute(&mut other).await.expect("the lock is let go");

        site.told("INC-1", "escalated").await;
        let incidents = site.says("/incidents all").await;
        assert!(!incidents.contains("INC-2"), "{incidents}");
    }
}

impl Site {
    async fn waiting_claim(&self, namespace: &str) {
        let claim = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": { "namespace": namespace, "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "storageClassName": "gold-ssd",
                "resources": { "requests": { "storage": "1Gi" } },
            },
        });
        self.cluster.admin.apply(claim).await;
    }

    /// How many notifications were answered with 200.
    async fn delivered(&self) -> u64 {
        let mut all = 0;
        for result in ["accepted", "duplicate"] {
            all += self.counted(&format!("dogwatch_notifications_total{{result=\"{result}\"}}")).await;
        }
        all
    }
}

/// It starts at one moment for all peers, as Prometheus tells each the same.
fn alert(namespace: &str, ends_at: Option<&str>) -> Value {
    json!([{
        "labels": {
            "alertname": "PersistentVolumeClaimPending", "severity": "warning",
            "namespace": namespace, "persistentvolumeclaim": "data",
        },
        "startsAt": "2026-01-02T03:04:05Z",
        "endsAt": ends_at,
    }])
}
