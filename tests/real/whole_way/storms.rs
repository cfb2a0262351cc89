//! Hundreds of alerts with one cause, however Alertmanager groups them: two pages at most, and an
//! S1 that has nothing to do with them is paged within a minute. `STORM` says how many there are.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::{Alertmanager, Version, Webhook};
use crate::world::prometheus::Prometheus;
use crate::world::wait::wait_until;

const PAGED: &str = r#"dogwatch_pages_total{team="platform",severity="S2"}"#;
const LONELY: &str = r#"dogwatch_pages_total{team="platform",severity="S1"}"#;

const FIRING: &str = r#"dogwatch_alerts_total{status="firing"}"#;
const WAITING: &str = "dogwatch_pending_signals";

/// Long enough for thousands of connections on a busy machine.
const TAKEN_IN: Duration = Duration::from_secs(600);

/// What an S1 may take from the moment in which it is told.
const S1_PAGES_WITHIN: Duration = Duration::from_secs(60);

fn how_many() -> usize {
    std::env::var("STORM").ok().and_then(|many| many.parse().ok()).unwrap_or(500)
}

#[tokio::test]
async fn each_alert_its_own_group() {
    for version in Version::ALL {
        storms(version, &["..."], 1).await;
    }
}

#[tokio::test]
async fn by_namespace() {
    for version in Version::ALL {
        storms(version, &["namespace"], 1).await;
    }
}

#[tokio::test]
async fn by_alertname() {
    for version in Version::ALL {
        storms(version, &["alertname"], 1).await;
    }
}

/// None of them knows in time that another has sent.
#[tokio::test]
async fn by_namespace_from_three_peers_that_all_send() {
    for version in Version::ALL {
        storms(version, &["namespace"], 3).await;
    }
}

/// The third has heard of the others, and they of it, for the last time.
#[tokio::test]
async fn by_namespace_from_three_peers_one_of_which_is_cut_off() {
    for version in Version::ALL {
        let site = Site::open().await;
        let webhook = Webhook { group_by: vec!["namespace".into()], ..site.webhook() };
        let mut peers = Alertmanager::start_cluster(version, &webhook, 2).await;
        peers.push(Alertmanager::start(version, &webhook).await);
        storm(&site, &peers, &format!("Alertmanager {}, two peers and one cut off, by namespace", version.name()))
            .await;
    }
}

/// The claims fill up by one rule of a real Prometheus.
#[tokio::test]
async fn a_rule_of_prometheus() {
    let site = Site::open().await;
    let webhook = Webhook { group_by: vec!["...".into()], ..site.webhook() };
    let alertmanager = Alertmanager::start(Version::V0_34, &webhook).await;
    let rules = [
        json!({ "alert": "VolumeFull", "expr": "volume_used > 0.97", "labels": { "severity": "warning" } }),
        json!({ "alert": "PatroniNoLeader", "expr": "patroni_leaders == 0", "labels": { "severity": "critical" } }),
    ];
    let told = alertmanager.url().trim_start_matches("http://").to_owned();
    let prometheus = Prometheus::start_alerting(&rules, &[&told]).await;
    let many = how_many();
    let claims: Vec<String> = (0..many)
        .map(|n| format!(r#"volume_used{{namespace="db-{}",persistentvolumeclaim="data-{n}"}} 0.99"#, n % NAMESPACES))
        .collect();
    prometheus.exports(&claims.join("\n"));
    wait_until(TAKEN_IN, "the storm has begun", async || site.counted(FIRING).await > many as u64 / 10).await;
    let begun = Instant::now();
    prometheus.exports(&format!("{}\npatroni_leaders{{cluster_name=\"pg-7\"}} 0", claims.join("\n")));
    site.pages_the_lonely_one(begun).await;
    site.has_told_of_the_storm(many, "a rule of Prometheus").await;
}

const NAMESPACES: usize = 60;

async fn storms(version: Version, group_by: &[&str], peers: usize) {
    let site = Site::open().await;
    let group_by: Vec<String> = group_by.iter().map(|label| (*label).to_owned()).collect();
    let how = format!("Alertmanager {}, {peers} of them, by {group_by:?}", version.name());
    let webhook = Webhook { group_by, peer_timeout: Duration::from_millis(1), ..site.webhook() };
    let cluster = match peers {
        1 => vec![Alertmanager::start(version, &webhook).await],
        _ => Alertmanager::start_cluster(version, &webhook, peers).await,
    };
    storm(&site, &cluster, &how).await;
}

async fn storm(site: &Site, cluster: &[Alertmanager], how: &str) {
    let many = how_many();
    let claims: Vec<Value> = (0..many).map(claim).collect();
    let (first, second) = claims.split_at(many / 2);
    tell(cluster, first).await;
    let begun = Instant::now();
    tell(cluster, &[lonely()]).await;
    tell(cluster, second).await;
    site.pages_the_lonely_one(begun).await;
    site.has_told_of_the_storm(many, how).await;
}

async fn tell(cluster: &[Alertmanager], alerts: &[Value]) {
    for peer in cluster {
        for some in alerts.chunks(1_000) {
            peer.post_alerts(&json!(some)).await;
        }
    }
}

fn claim(n: usize) -> Value {
    json!({
        "labels": {
            "alertname": "VolumeFull", "severity": "warning", "namespace": format!("db-{}", n % NAMESPACES),
            "persistentvolumeclaim": format!("data-{n}"),
        },
        "startsAt": "2026-01-02T03:04:05Z",
    })
}

fn lonely() -> Value {
    let labels = json!({ "alertname": "PatroniNoLeader", "severity": "critical", "cluster_name": "pg-7" });
    json!({ "labels": labels, "startsAt": "2026-01-02T03:04:05Z" })
}

impl Site {
    async fn pages_the_lonely_one(&self, since: Instant) {
        wait_until(TAKEN_IN, "the unrelated S1 is paged", async || self.counted(LONELY).await == 1).await;
        let after = since.elapsed();
        println!("the unrelated S1 is paged after {after:?}");
        assert!(after < S1_PAGES_WITHIN, "the unrelated S1 is paged after {after:?}");
    }

    async fn has_told_of_the_storm(&self, many: usize, how: &str) {
        let begun = Instant::now();
        let all = many as u64 + 1;
        // Whoever asks for the incidents all the time slows down what is asked about.
        wait_until(TAKEN_IN, "all of it has come", async || self.counted(FIRING).await >= all).await;
        wait_until(TAKEN_IN, "all of it is told", async || {
            self.counted(WAITING).await == 0 && self.firing().await == all
        })
        .await;
        let incidents = self.incidents().await;
        let worst = incidents.iter().max_by_key(|incident| incident["firing"].as_u64()).expect("an incident");
        let (pages, incidents) = (self.counted(PAGED).await, incidents.len());
        println!("{how}: {many} alerts, {pages} pages, {incidents} incidents, {:?} more", begun.elapsed());
        assert!((1..=2).contains(&pages), "{how}: {pages} pages");
        assert!(incidents <= 3, "{how}: {incidents} incidents");
        self.told(worst["id"].as_str().expect("its number"), "VolumeFull").await;
    }

    /// How many alerts fire in all incidents that are open.
    async fn firing(&self) -> u64 {
        self.incidents().await.iter().filter_map(|incident| incident["firing"].as_u64()).sum()
    }

    async fn incidents(&self) -> Vec<Value> {
        let told = self.cli(&["incidents", "-o", "json"]).await;
        let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}"));
        told["incidents"].as_array().cloned().expect("incidents")
    }
}

/// What somebody silences in a real Alertmanager, or a broken node inhibits there, is a window here.
#[tokio::test]
async fn what_alertmanager_keeps_quiet_is_quiet_here() {
    for version in Version::ALL {
        let mut site = Site::open().await;
        let alertmanager = site.alertmanager(version).await;
        site.configure_more(&format!("alertmanager: {{ url: \"{}\" }}", alertmanager.url())).await;
        let silence = alertmanager.silence("ShopSlow", "moving the shop").await;
        let broken = |name: &str| json!({ "labels": { "alertname": name, "severity": "warning", "node": "n1" } });
        alertmanager.post_alerts(&json!([broken("NodeDown"), broken("PodDown")])).await;
        let told = async |part: &str| site.says_part("/windows", part).await;
        wait_until(SOON, "the silence is a window", async || told("covers alertname=ShopSlow").await).await;
        wait_until(SOON, "it says who and why", async || told("anna: moving the shop").await).await;
        wait_until(SOON, "what is inhibited is a window", async || told("PodDown is inhibited by").await).await;
        alertmanager.expire(&silence).await;
        wait_until(SOON, "its end is a window's end", async || told("was ended at").await).await;
    }
}
