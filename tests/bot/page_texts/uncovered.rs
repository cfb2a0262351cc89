//! Alerts that no playbook knows: all that there is to read is what their rules say.

use insta::assert_snapshot;
use serde_json::{Value, json};

use super::{an_alert, fires, hears, page};
use crate::bot::Bot;

/// The page that one alert makes.
async fn paged(labels: Value, summary: &str, description: &str, runbook: &str) -> String {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    fires(&mut bot, labels, summary, description, runbook).await;
    page(&bot).await
}

#[tokio::test]
async fn kube_node_not_ready() {
    let labels = json!({ "alertname": "KubeNodeNotReady", "severity": "critical", "node": "node-7", "condition": "Ready",
        "job": "kube-state-metrics", "namespace": "monitoring", "prometheus": "monitoring/k8s", "zone": "eu-1a" });
    let description = "node-7 has been unready for more than 15 minutes on cluster eu-1.";
    assert_snapshot!(paged(labels, "Node is not ready.", description, "kubernetes/kubenodenotready").await);
}

#[tokio::test]
async fn kube_pod_crash_looping() {
    let labels = json!({ "alertname": "KubePodCrashLooping", "severity": "warning", "namespace": "shop", "pod": "cart-6f7d9-x2x4k",
        "container": "cart", "reason": "CrashLoopBackOff", "job": "kube-state-metrics", "uid": "0b1c" });
    let description =
        "Pod shop/cart-6f7d9-x2x4k (cart) is in waiting state (reason: \"CrashLoopBackOff\") on cluster eu-1.";
    assert_snapshot!(paged(labels, "Pod is crash looping.", description, "kubernetes/kubepodcrashlooping").await);
}

#[tokio::test]
async fn kube_deployment_replicas_mismatch() {
    let labels = json!({ "alertname": "KubeDeploymentReplicasMismatch", "severity": "warning", "namespace": "shop",
        "deployment": "cart", "job": "kube-state-metrics", "instance": "10.2.0.7:8443", "container": "kube-rbac-proxy-main",
        "service": "kube-state-metrics", "pod": "kube-state-metrics-0" });
    let description = "Deployment shop/cart has not matched the expected number of replicas for longer than 15 minutes on cluster eu-1.";
    let summary = "Deployment has not matched the expected number of replicas.";
    assert_snapshot!(paged(labels, summary, description, "kubernetes/kubedeploymentreplicasmismatch").await);
}

#[tokio::test]
async fn three_of_kube_stateful_set_replicas_mismatch() {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let alert = |bot: &Bot, name: &str| {
        let labels = json!({ "alertname": "KubeStatefulSetReplicasMismatch", "severity": "warning", "namespace": "databases",
            "statefulset": name, "job": "kube-state-metrics" });
        let description = format!(
            "StatefulSet databases/{name} has not matched the expected number of replicas for longer than 15 minutes."
        );
        an_alert(
            bot,
            labels,
            json!({ "description": description,
            "summary": "StatefulSet has not matched the expected number of replicas.",
            "runbook_url": "https://runbooks.prometheus-operator.dev/runbooks/kubernetes/kubestatefulsetreplicasmismatch" }),
        )
    };
    let alerts = ["pg-00017", "pg-00018", "pg-00203"].map(|name| alert(&bot, name));
    hears(&mut bot, &alerts).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn node_filesystem_almost_out_of_space() {
    let labels = json!({ "alertname": "NodeFilesystemAlmostOutOfSpace", "severity": "critical", "instance": "node-7:9100",
        "job": "node-exporter", "namespace": "monitoring", "pod": "node-exporter-4k2lp", "container": "node-exporter",
        "device": "/dev/nvme0n1p1", "fstype": "ext4", "mountpoint": "/var/lib/containerd" });
    let description = "Filesystem on /dev/nvme0n1p1, mounted on /var/lib/containerd, at node-7:9100 has only 2.81% available space left.";
    let summary = "Filesystem has less than 3% space left.";
    assert_snapshot!(paged(labels, summary, description, "node/nodefilesystemalmostoutofspace").await);
}

#[tokio::test]
async fn postgresql_down() {
    let labels = json!({ "alertname": "PostgresqlDown", "severity": "critical", "instance": "pg-00017.databases.svc:9187",
        "job": "postgres-exporter", "namespace": "databases", "pod": "pg-00017-0", "server": "pg-00017:5432" });
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let annotations = json!({ "summary": "Postgresql down (instance pg-00017.databases.svc:9187)",
        "description": "Postgresql instance is down\n  VALUE = 0\n  LABELS = map[__name__:pg_up instance:pg-00017.databases.svc:9187]" });
    let alert = an_alert(&bot, labels, annotations);
    hears(&mut bot, &[alert]).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn patroni_has_no_leader() {
    let labels =
        json!({ "alertname": "PatroniHasNoLeader", "severity": "critical", "scope": "pg-00017", "job": "patroni" });
    let description =
        "A leader node (neither primary nor standby) cannot be found inside the cluster pg-00017\n  VALUE = 0";
    assert_snapshot!(
        paged(labels, "Patroni has no Leader (instance pg-00017)", description, "patroni/patronihasnoleader").await
    );
}

#[tokio::test]
async fn pgbackrest_last_full_backup_is_too_old() {
    let labels = json!({ "alertname": "PGBackRestLastCompletedFull_main", "severity": "critical", "severity_num": "300",
        "service": "postgresql", "stanza": "main", "backup_type": "full", "job": "pg-00017" });
    let mut bot = Bot::begins(&[], Vec::new()).await;
    // pgMonitor has no description and no runbook.
    let annotations =
        json!({ "summary": "Full backup for stanza [main] on system pg-00017 has not completed in the last week." });
    let alert = an_alert(&bot, labels, annotations);
    hears(&mut bot, &[alert]).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn cert_manager_cert_expiry_soon() {
    let labels = json!({ "alertname": "CertManagerCertExpirySoon", "severity": "warning", "name": "wildcard-example-com",
        "exported_namespace": "ingress", "namespace": "cert-manager", "issuer_name": "letsencrypt", "job": "cert-manager" });
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let annotations = json!({ "summary": "The cert `wildcard-example-com` is 6d 23h from expiry, it should have renewed over a week ago.",
        "description": "The domain that this cert covers will be unavailable after 6d 23h. Clients using endpoints that this cert protects will start to fail in 6d 23h.",
        "runbook_url": "https://github.com/imusmanmalik/cert-manager-mixin/blob/main/RUNBOOK.md#certmanagercertexpirysoon",
        "dashboard_url": "https://grafana.example.com/d/TvuRo2iMk/cert-manager" });
    let alert = an_alert(&bot, labels, annotations);
    hears(&mut bot, &[alert]).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn coredns_down() {
    let labels = json!({ "alertname": "CoreDNSDown", "severity": "critical" });
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let annotations = json!({ "message": "CoreDNS has disappeared from Prometheus target discovery.",
        "runbook_url": "https://github.com/povilasv/coredns-mixin/tree/master/runbook.md#alert-name-corednsdown" });
    let alert = an_alert(&bot, labels, annotations);
    hears(&mut bot, &[alert]).await;
    assert_snapshot!(page(&bot).await);
}

#[tokio::test]
async fn prometheus_operator_reconcile_errors() {
    let labels = json!({ "alertname": "PrometheusOperatorReconcileErrors", "severity": "warning", "controller": "prometheus",
        "namespace": "monitoring" });
    let description = "100% of reconciling operations failed for prometheus controller in monitoring namespace.";
    assert_snapshot!(
        paged(
            labels,
            "Errors while reconciling objects.",
            description,
            "prometheus-operator/prometheusoperatorreconcileerrors"
        )
        .await
    );
}

#[tokio::test]
async fn kube_job_failed() {
    let labels = json!({ "alertname": "KubeJobFailed", "severity": "warning", "namespace": "shop", "job_name": "invoices-29031840",
        "job": "kube-state-metrics", "condition": "true", "reason": "BackoffLimitExceeded" });
    let description = "Job shop/invoices-29031840 failed to complete. Removing failed job after investigation should clear this alert on cluster eu-1.";
    assert_snapshot!(paged(labels, "Job failed to complete.", description, "kubernetes/kubejobfailed").await);
}

#[tokio::test]
async fn grafana_says_where_its_panel_is() {
    let mut bot = Bot::begins(&[], Vec::new()).await;
    let labels = json!({ "alertname": "Replication lag", "grafana_folder": "Databases", "severity": "critical", "cluster_name": "pg-00017" });
    let mut alert = an_alert(&bot, labels, json!({ "summary": "pg-00017-1 is 640 s behind its primary" }));
    for (name, url) in [
        ("generatorURL", "https://grafana.example.com/alerting/grafana/a1/view?orgId=1"),
        ("silenceURL", "https://grafana.example.com/alerting/silence/new?alertmanager=grafana"),
        ("dashboardURL", "https://grafana.example.com/d/pg?orgId=1"),
        ("panelURL", "https://grafana.example.com/d/pg?orgId=1&viewPanel=4"),
    ] {
        alert[name] = json!(url);
    }
    let body = json!({ "version": "1", "orgId": 1, "groupKey": "{}", "receiver": "dogwatch", "status": "firing", "alerts": [alert] });
    bot.hears(body.to_string().as_bytes()).await;
    assert_snapshot!(page(&bot).await);
}
