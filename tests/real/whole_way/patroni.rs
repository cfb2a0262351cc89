//! A replica of a real Patroni cluster that cannot follow its leader any more.

use std::sync::{Arc, Mutex};

use serde_json::json;

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::patroni::{PatroniCluster, Plan};
use crate::world::wait::wait_until;

#[tokio::test]
async fn a_replica_whose_wal_is_gone_is_rebuilt_once_somebody_says_yes() {
    let mut site = Site::open().await;
    let control_plane = site.cluster.clone();
    let namespace = control_plane.namespace("behind").await;
    // Where its log is, nobody looks who asks the kubelet.
    let plan = Plan { logs_into_files: true, ..Plan::default() };
    let mut databases = PatroniCluster::start_as(&control_plane, &namespace, "shop", plan).await;
    databases.streams(1).await;
    site.configure_more(&format!("patroni: {{ port: {} }}", databases.port)).await;

    // While it is away, the leader forgets what it would need.
    databases.kill(1);
    databases.sql(0, "create table t as select g, repeat(md5(g::text), 20) from generate_series(1, 60000) g");
    databases.sql(0, "select pg_switch_wal()");
    databases.sql(0, "checkpoint");
    databases.run(1).await;
    let lines = Arc::new(Mutex::new(String::new()));
    let shown = lines.clone();
    site.prometheus.exports_at_each_scrape(move || shown.lock().expect("no panic while it is held").clone());
    show(&databases, &lines).await;
    let replayed = format!("patroni_xlog_replayed_location{{namespace=\"{namespace}\",pod=\"shop-1\"}} offset 10s");
    site.prometheus.wait_for(&replayed).await;
    assert_eq!(databases.streaming().await, Vec::<String>::new());

    let alertmanager = site.alertmanager(Version::V0_34).await;
    let labels =
        json!({ "alertname": "PatroniReplicaLagging", "namespace": namespace, "pod": "shop-1", "scope": "shop" });
    alertmanager.post_alerts(&json!([{ "labels": labels }])).await;
    let why = site.told("INC-1", "escalated").await;
    assert!(why.contains("it does not follow, and nothing shows that its WAL is gone"), "{why}");
    let asked = site.says(&format!("/run patroni-replica-lag namespace={namespace} name=shop-1 rebuild=true")).await;
    assert!(asked.contains("for INC-1"), "{asked}");
    let why = site.told("INC-1", "asks for approval").await;
    assert!(why.contains("somebody has looked, and wants it rebuilt"), "{why}");
    assert!(!databases.status(1).await["postmaster_start_time"].is_null());

    // It is asked of who knows databases.
    let answer = site.says("/approve APR-1").await;
    assert!(answer.contains("databases"), "{answer}");
    site.says_to_databases("/approve APR-1").await;
    wait_until(SOON, "it begins", async || databases.status(1).await["state"] != "running").await;
    // Whether it has heard that Patroni took it, nobody knows; it finds out.
    site.restart_bot().await;
    wait_until(SOON, "it is rebuilt", async || {
        show(&databases, &lines).await;
        databases.streaming().await.contains(&"shop-1".to_owned())
    })
    .await;
    show(&databases, &lines).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains(&format!("rebuild pod/shop-1 in {namespace}, a replica of shop-0")), "{why}");
    wait_until(SOON, "it has all rows", async || databases.sql(1, "select count(*) from t") == "60000").await;
    // The API server was asked to change nothing.
    assert_eq!(site.mutations(&namespace).await, Vec::<String>::new());
}

/// What a scrape of the members shows now.
async fn show(databases: &PatroniCluster, lines: &Mutex<String>) {
    let shown = format!("{}{}", databases.metrics(0).await, databases.metrics(1).await);
    *lines.lock().expect("no panic while it is held") = shown;
}
