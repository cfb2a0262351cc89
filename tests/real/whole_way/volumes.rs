//! Volumes that fill up, and claims that wait.

use serde_json::{Value, json};

use crate::site::{SOON, Site};
use crate::world::alertmanager::Version;
use crate::world::wait::{wait_for, wait_until};

const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

#[tokio::test]
async fn a_volume_that_fills_is_grown_and_a_claim_without_a_class_is_left_to_a_human() {
    let site = Site::open().await;
    let namespace = site.claim("filling").await;
    let today = site.alertmanager(Version::V0_34).await;
    let debian = site.alertmanager(Version::V0_25).await;

    today.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    // The same, from an Alertmanager of another age: it is one incident.
    debian.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    site.grow_when_asked(&namespace).await;
    site.told("INC-1", "fixed").await;
    assert_eq!(site.mutations(&namespace).await, ["patch persistentvolumeclaims/data 200"]);

    let waiting = site.cluster.namespace("waiting").await;
    site.cluster.admin.apply(pending_claim(&waiting, "data", "gold-ssd")).await;
    today.post_alerts(&alert("PersistentVolumeClaimPending", &waiting, "data")).await;
    let why = site.told("INC-2", "escalated").await;
    assert!(why.contains("gold-ssd"), "{why}");
    assert_eq!(site.mutations(&waiting).await, Vec::<String>::new());
    let incidents = site.says("/incidents all").await;
    assert!(!incidents.contains("INC-3"), "{incidents}");
}

#[tokio::test]
async fn a_run_goes_on_after_kill_9_at_any_moment_and_nothing_is_done_twice() {
    let mut site = Site::open().await;
    let namespace = site.claim("killed").await;
    let alertmanager = site.alertmanager(Version::V0_34).await;
    alertmanager.post_alerts(&alert("KubePersistentVolumeFillingUp", &namespace, "data")).await;
    // Killed again and again: before the notification, in the diagnosis, around the mutation, in the verify.
    for after_ms in [400, 900, 1_150, 1_300, 1_500] {
        tokio::time::sleep(std::time::Duration::from_millis(after_ms)).await;
        site.restart_bot().await;
    }
    site.grow_when_asked(&namespace).await;
    site.restart_bot().await;
    site.told("INC-1", "fixed").await;
    assert_eq!(site.mutations(&namespace).await, ["patch persistentvolumeclaims/data 200"]);
}

impl Site {
    /// A bound claim of 1Gi in a namespace of its own, nearly full.
    async fn claim(&self, name: &str) -> String {
        let namespace = self.cluster.namespace(name).await;
        let admin = &self.cluster.admin;
        admin
            .apply(json!({
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": { "name": "grows" },
                "provisioner": "kubernetes.io/no-provisioner",
                "allowVolumeExpansion": true,
            }))
            .await;
        let volume = format!("{namespace}-volume");
        admin
            .apply(json!({
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": { "name": volume },
                "spec": {
                    "capacity": { "storage": "1Gi" },
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": "grows",
                    "hostPath": { "path": "/nowhere" },
                    "claimRef": { "namespace": namespace, "name": "data" },
                },
            }))
            .await;
        admin.apply(pending_claim(&namespace, "data", "grows")).await;
        let path = claim_path(&namespace);
        wait_until(SOON, "the claim is bound", async || admin.get(&path).await["status"]["phase"] == "Bound").await;
        self.exports_usage(&namespace, 1.0);
        self.prometheus.wait_for(&format!("kubelet_volume_stats_capacity_bytes{{namespace=\"{namespace}\"}}")).await;
        // A pace needs two samples.
        self.prometheus
            .wait_for(&format!("deriv(kubelet_volume_stats_used_bytes{{namespace=\"{namespace}\"}}[1h])"))
            .await;
        namespace
    }

    fn exports_usage(&self, namespace: &str, capacity_gib: f64) {
        let labels = format!("{{namespace=\"{namespace}\",persistentvolumeclaim=\"data\"}}");
        self.prometheus.exports(&format!(
            "kubelet_volume_stats_used_bytes{labels} {}\n\
             kubelet_volume_stats_available_bytes{labels} {}\n\
             kubelet_volume_stats_capacity_bytes{labels} {}",
            0.95 * GIB,
            (capacity_gib - 0.95) * GIB,
            capacity_gib * GIB
        ));
    }

    /// Plays the storage driver once the bot has asked for more.
    async fn grow_when_asked(&self, namespace: &str) {
        let path = claim_path(namespace);
        let asked = wait_for(SOON, "the bot asks for more", async || {
            let claim = self.cluster.admin.get(&path).await;
            let size = claim["spec"]["resources"]["requests"]["storage"].as_str()?.to_owned();
            (size != "1Gi").then_some(size)
        })
        .await;
        assert_eq!(asked, "2Gi");
        let capacity = json!({ "spec": { "capacity": { "storage": "2Gi" } } });
        self.cluster.admin.patch(&format!("/api/v1/persistentvolumes/{namespace}-volume"), capacity).await;
        self.cluster.admin.patch_status(&path, json!({ "capacity": { "storage": "2Gi" } })).await;
        self.exports_usage(namespace, 2.0);
    }
}

fn claim_path(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/data")
}

fn pending_claim(namespace: &str, name: &str, class: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "namespace": namespace, "name": name },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": class,
            "resources": { "requests": { "storage": "1Gi" } },
        },
    })
}

fn alert(name: &str, namespace: &str, claim: &str) -> Value {
    json!([{ "labels": {
        "alertname": name, "severity": "critical", "team": "databases",
        "namespace": namespace, "persistentvolumeclaim": claim,
    } }])
}
