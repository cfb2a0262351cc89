//! CoreDNS that has too little capacity: scaled where its replicas are decided.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::wait_until;

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/kube-system/deployments/coredns";
const DATABASES: usize = 300;

#[tokio::test]
async fn coredns_that_is_saturated_is_scaled_and_a_storm_of_its_dependants_is_one_incident() {
    let site = Site::open_alone().await;
    let dns = Dns::saturated(&site, 4).await;
    let alertmanager = site.alertmanager(Version::V0_34).await;

    alertmanager.post_alerts(&storm(None)).await;
    dns.recovers_with(&site, 6).await;
    let why = site.told("INC-1", "fixed").await;
    assert!(why.contains(&format!("alerts: {0} firing, {0} in all", DATABASES + 1)), "{why}");
    assert_eq!(site.mutations("kube-system").await, ["patch deployments/coredns/scale 200"]);
    for counted in [
        r#"dogwatch_runs_total{playbook="coredns-saturated",outcome="fixed"}"#,
        r#"dogwatch_mutations_total{action="k8s.scale",result="done"}"#,
    ] {
        // It is told before it is counted.
        wait_until(SOON, counted, async || site.counted(counted).await == 1).await;
    }

    alertmanager.post_alerts(&storm(Some(&chrono::Utc::now().to_rfc3339()))).await;
    let is_over = async || site.says("/incidents").await == "no open incident";
    wait_until(SOON, "everything is resolved", is_over).await;
    let incidents = site.says("/incidents all").await;
    assert!(incidents.contains("INC-1") && !incidents.contains("INC-2"), "{incidents}");
    assert_eq!(site.mutations("kube-system").await.len(), 1, "a resolve changes nothing");
}

/// The autoscaler decides on the replicas, so it is the one that is changed; the real one then does the scaling.
#[tokio::test]
async fn an_autoscaler_that_owns_coredns_gets_a_higher_minimum() {
    let site = Site::open_alone().await;
    let dns = Dns::saturated(&site, 2).await;
    site.cluster
        .admin
        .apply(json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": { "name": "coredns", "namespace": "kube-system" },
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "coredns" },
                "minReplicas": 2,
                "maxReplicas": 8,
                "metrics": [{
                    "type": "Resource",
                    "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 70 } },
                }],
            },
        }))
        .await;
    let alertmanager = site.alertmanager(Version::V0_25).await;

    alertmanager.post_alerts(&json!([latency_alert(None)])).await;
    dns.recovers_with(&site, 3).await;
    site.told("INC-1", "fixed").await;
    assert_eq!(site.mutations("kube-system").await, ["patch horizontalpodautoscalers/coredns 200"]);
}

/// A CoreDNS on hollow nodes, and the metrics that it would have.
pub(super) struct Dns {
    is_slow: Arc<AtomicBool>,
}

impl Dns {
    pub(super) async fn saturated(site: &Site, replicas: i64) -> Self {
        site.cluster.hollow_node("node-1").await;
        let labels = json!({ "k8s-app": "kube-dns" });
        site.cluster
            .admin
            .apply(json!({
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": { "name": "coredns", "namespace": "kube-system", "labels": labels },
                "spec": {
                    "selector": { "matchLabels": labels },
                    "template": {
                        "metadata": { "labels": labels },
                        "spec": { "containers": [{ "name": "coredns", "image": "coredns" }] },
                    },
                },
            }))
            .await;
        // Apart from the rest, as `kubectl scale` does it: nobody then owns the field for good.
        site.cluster.admin.patch(DEPLOYMENT, json!({ "spec": { "replicas": replicas } })).await;
        is_ready(site, replicas).await;
        let dns = Self { is_slow: Arc::new(AtomicBool::new(true)) };
        dns.exports(site);
        let slow = "histogram_quantile(0.99, sum by (le) (rate(coredns_dns_request_duration_seconds_bucket[10s]))) > 1";
        site.prometheus.wait_for(slow).await;
        dns
    }

    /// A thousand queries between two scrapes, all of them slow or all of them fast. The resolvers behind are fast.
    fn exports(&self, site: &Site) {
        let is_slow = self.is_slow.clone();
        let (mut fast, mut slow) = (0, 0);
        site.prometheus.exports_at_each_scrape(move || {
            let slowly = is_slow.load(Ordering::Relaxed);
            *if slowly { &mut slow } else { &mut fast } += 1_000;
            let all = fast + slow;
            let pod = r#"namespace="kube-system",pod="coredns-a""#;
            let server = r#"server="dns://:53",zone=".""#;
            let probe = u8::from(!slowly);
            format!(
                r#"
coredns_dns_request_duration_seconds_bucket{{{pod},{server},le="0.05"}} {fast}
coredns_dns_request_duration_seconds_bucket{{{pod},{server},le="1"}} {fast}
coredns_dns_request_duration_seconds_bucket{{{pod},{server},le="2"}} {all}
coredns_dns_request_duration_seconds_bucket{{{pod},{server},le="+Inf"}} {all}
coredns_dns_responses_total{{{pod},{server},rcode="NOERROR"}} {all}
coredns_proxy_request_duration_seconds_bucket{{{pod},to="192.0.2.1:53",le="0.05"}} {all}
coredns_proxy_request_duration_seconds_bucket{{{pod},to="192.0.2.1:53",le="+Inf"}} {all}
coredns_proxy_healthcheck_failures_total{{{pod},to="192.0.2.1:53"}} 0
coredns_forward_healthcheck_broken_total{{{pod}}} 0
probe_success{{job="postgres-name-resolution",namespace="tenant-1",database="pg-1"}} {probe}
"#
            )
        });
    }

    /// Once there are so many pods, they can carry the load.
    pub(super) async fn recovers_with(&self, site: &Site, replicas: i64) {
        is_ready(site, replicas).await;
        self.is_slow.store(false, Ordering::Relaxed);
    }
}

async fn is_ready(site: &Site, replicas: i64) {
    let is_so = async || site.cluster.admin.get(DEPLOYMENT).await["status"]["readyReplicas"] == replicas;
    wait_until(SOON, &format!("{replicas} pods of coredns are ready"), is_so).await;
}

pub(super) fn latency_alert(ends_at: Option<&str>) -> Value {
    let mut alert =
        json!({ "labels": { "alertname": "CoreDNSLatencyHigh", "severity": "warning", "job": "kube-dns" } });
    alert["endsAt"] = json!(ends_at);
    alert
}

fn storm(ends_at: Option<&str>) -> Value {
    let database = |n: usize| {
        json!({
            "labels": {
                "alertname": "PostgresNameResolutionFailing",
                "severity": "critical",
                "namespace": format!("tenant-{}", n % 7),
                "database": format!("pg-{n:05}"),
            },
            "endsAt": ends_at,
        })
    };
    (0..DATABASES).map(database).chain([latency_alert(ends_at)]).collect()
}
